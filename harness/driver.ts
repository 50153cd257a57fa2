import type { Address, EngineName } from "./database.ts";

/** A tool that reads, decides, runs and records by itself: we only start it and listen. */
export interface Driver {
  /** As people write it: `Knex`, or the command line. */
  readonly title: string;
  /** Tables of its record, as SQL names them: snapshots leave them out. */
  readonly recordTables: readonly string[];
  /** What it ships, in order, where that can be told without a database. */
  ships?(): Promise<readonly string[]>;
  /**
   * Brings the database to the release.
   *
   * @throws whatever the tool threw; {@link HarnessError} where it could not even be started
   */
  migrate(at: Driving): Promise<void>;
}

/** What a tool is told when it is started. */
export interface Driving {
  readonly address: Address;
  readonly url: string;
  readonly engine: EngineName;
  readonly release: string;
  readonly settings: unknown;
  /** Aborted once the hop has taken too long. */
  readonly signal: AbortSignal;
  /** Tells that a migration begins, or has come through. */
  readonly begun: (migration: string) => void;
  readonly done: (migration: string) => void;
  /** Tells of a database error that the tool said and did not fail with. */
  readonly swallowed: (message: string, facts: { readonly sqlState?: string; readonly errno?: number }) => void;
  /** Whether the sandbox holds nothing but the tool's record: asked afterwards, of tools that may have worked elsewhere. */
  readonly isEmpty: () => Promise<boolean>;
}

/** A tool ended with an error that it only printed. */
export class ToolFailed extends Error {
  override readonly name = "ToolFailed";
  readonly facts: ToolFacts;

  constructor(message: string, facts: ToolFacts, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.facts = facts;
  }
}

/** What a tool's output says of its failure. */
export interface ToolFacts {
  /** It gave way to another runner, whose lock it met. */
  readonly code?: "runner-refused";
  readonly sqlState?: string;
  readonly errno?: number;
  /** The class of the error where no database error lies beneath: `FieldError`. */
  readonly exception?: string;
  /** Its last lines. */
  readonly output?: string;
}
