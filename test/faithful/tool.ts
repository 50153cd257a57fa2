import type { MigrationSource } from "../../harness/chain.ts";
import type { EngineName, PerEngine } from "../../harness/database.ts";
import type { Sandbox } from "../../harness/sandbox.ts";
import type { Files, Held } from "../tools/driving.ts";
import type { ChainName, Link } from "./chains.ts";

/** A tool that can be had here: how a chain is written for it, how it is run, and what is to come of it. */
export interface Tool {
  readonly title: string;
  readonly engines: readonly EngineName[];
  /** Why it cannot be had here; what `MIGRATION_SANDBOX_REQUIRED` calls it, where it is no library. */
  readonly program?: { readonly name: string; whyNot(): Promise<string | undefined> };
  /** The chains that are walked with it; all unless said. */
  readonly only?: readonly ChainName[];
  files(links: readonly Link[], engine: EngineName): Files;
  /** As a test writes it for us. */
  ours(folder: string): MigrationSource;
  /** As its users run it. Throws what it throws, or what it printed. */
  run(sandbox: Sandbox, folder: string): Promise<void>;
  /** What it holds where it keeps a part of it elsewhere, and that cleared away. */
  holds?(held: Held, sandbox: Sandbox, whose: "ours" | "theirs"): Promise<Held>;
  clear?(sandbox: Sandbox): Promise<void>;
  /** Columns that differ from run to run: times, and who it was. */
  readonly passing: readonly string[];
  /** Every chain that can be written for it. What is not told here comes through. */
  readonly outcomes: { readonly [C in ChainName]?: PerEngine<Outcome> | Outcome };
}

/** What comes of a chain's last release. */
export type Outcome =
  | "same"
  /** It cannot be said in the tool's files. */
  | "none"
  /** The server's own code. */
  | { readonly fails: string | number }
  /** What the tool says, and what we do. */
  | { readonly refuses: RegExp; readonly ours: RegExp };
