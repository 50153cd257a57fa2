import type { Address } from "../database.ts";

/** How a server of an engine is started from binaries: its folder is prepared once, copied, and a server started on the copy. */
export interface Program {
  /** What the server's own executable may be called, best first. */
  readonly executables: readonly string[];
  /** Folders in which it may stand besides those of PATH; `*` is any version. */
  readonly places: readonly string[];
  /** The version in what `--version` says; `undefined` if that is another product. */
  versionIn(said: string): string | undefined;
  /** What a prepared folder was made with: another recipe needs another folder. */
  readonly recipe: unknown;
  /** What tells the preparing commands the password, in the form that they read. */
  secret(password: string): string;
  /** The commands that fill an empty data folder, in order. */
  prepare(into: Preparation): readonly Command[];
  /** The command line of a server. */
  launch(on: Launch): readonly string[];
  /** Whether the server, by the words in its log, takes connections now. */
  isReady(words: string): boolean;
  /** Why it did not start, by its words. */
  refusal(words: string): "port-taken" | "no-room" | "damaged" | undefined;
  /** Ends it at once: what is in its folder is thrown away. */
  readonly endSignal: NodeJS.Signals;
  /** The file in the data folder that holds its pid, first line. */
  readonly pidFile: string;
  /** Where databases are created from on a server that was started so. */
  maintenance(at: { readonly port: number; readonly password: string }): Address;
}

export interface Command {
  /** What the executable may be called; the first that is there is taken. */
  readonly names: readonly string[];
  readonly args: readonly string[];
}

export interface Preparation {
  /** Made already, and empty. */
  readonly data: string;
  /** A file with what {@link Program.secret} says. */
  readonly secretFile: string;
  readonly version: string;
}

export interface Launch {
  readonly data: string;
  readonly port: number;
  /** A folder for the server's socket; `undefined` where its path would be too long. */
  readonly sockets: string | undefined;
  readonly version: string;
}

/** How a server of an engine is started in a container. */
export interface Image {
  /** The image's name without a tag, as in `postgres`. */
  readonly name: string;
  /** The tag to pull where nothing was asked for and no image is there. */
  readonly tag: string;
  readonly port: number;
  /** The data folder inside the container, to be put in memory. */
  readonly data: string;
  /** What the server is told on its command line: the throwaway settings. */
  readonly args: readonly string[];
  maintenance(at: { readonly host: string; readonly port: number; readonly password: string }): Address;
}
