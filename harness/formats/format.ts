import type { Migration, Prelude, Shipment } from "../chain.ts";
import type { EngineName } from "../database.ts";

/** A layout of migrations on disk: how it is known, and what it says. */
export interface Format {
  /** What `format:` and `--format` take. */
  readonly name: string;
  /** As people write it: `golang-migrate`. */
  readonly title: string;
  /** Of several folders that are joined each comes behind those before it; its numbers begin anew. */
  readonly numbersPerFolder?: true;
  /** What says that a folder is of this format; `undefined`: nothing does. */
  detect(folder: Folder): Promise<Evidence | undefined>;
  /**
   * What the folder ships, as the format's own tool would run it on this engine.
   *
   * @throws {HarnessError} `bad-input` with file and line for what the tool itself would refuse to read
   */
  read(folder: Folder, options: ReadOptions): Promise<Shipment>;
  /**
   * Of what was read, a part, as an earlier release shipped it: by formats whose record depends on what is shipped. Others'
   * shipments are the same but for their migrations.
   */
  part?(shipment: Shipment, migrations: readonly Migration[], options: ReadOptions): Shipment;
}

/** The files of a folder, wherever they are: on disk, or in a commit of a repository. */
export interface Folder {
  /** As messages show it. */
  readonly path: string;
  /** Paths of all files below it, `/` between their parts, in no particular order. */
  readonly files: readonly string[];
  /** As messages show a file of it. */
  shown(file: string): string;
  /** A file's text without a byte order mark; line ends stay as they are. Throws `bad-input` for what is not UTF-8. */
  text(file: string): Promise<string>;
  /** Its bytes as they are, for checksums. */
  bytes(file: string): Promise<Buffer>;
  size(file: string): Promise<number>;
  /** Its bytes from the beginning, for files too large to be held. */
  stream(file: string): AsyncIterable<Buffer>;
}

/** What a format is known by, the surest first: a marker file, a marker in a file, or names alone. */
export interface Evidence {
  readonly by: "marker" | "content" | "names";
  /** The file or the line that shows it, as in `migration_lock.toml` or `-- +goose Up in 1_users.sql`. */
  readonly what: string;
  /** Where the folder says for which engine it is. */
  readonly engine?: EngineName;
}

/** How a folder is to be read. */
export interface ReadOptions {
  readonly engine: EngineName;
  /** Values for `${name}`, `:NAME` and their like, as the format writes them. */
  readonly placeholders?: { readonly [name: string]: string };
  /** The tool's record table, where the product names another than the tool's own default. */
  readonly recordTable?: string;
  /** Whether the product's connection takes several statements in one message where its driver does not unless told: mysql2's `multipleStatements`. */
  readonly multipleStatements?: boolean;
  readonly prelude?: Prelude;
  readonly session?: "shared" | "own";
}
