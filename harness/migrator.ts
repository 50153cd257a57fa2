import type { EngineName, PerEngine } from "./database.ts";
import type { Row } from "./snapshot.ts";

/** `each` migration in a transaction of its own, `all` pending ones in one, or `none`. */
export type TransactionRule = "each" | "all" | "none";

/** What a product's migrator does when another one is at work: it waits, refuses to start, or takes no notice. */
export type LockRule = "wait" | "refuse" | "none";

/** How a tool deals with the SQL that it is given: data, so that the tools' differences read as a list. */
export interface Migrator {
  /** As people write it: `golang-migrate`. */
  readonly title: string;
  readonly engines: readonly EngineName[];
  readonly transaction: TransactionRule;
  readonly lock: LockRule;
  /** What it does with a migration that is older than the newest it has applied. */
  readonly late: "run" | "skip" | "refuse";
  /** What it does when one that it has applied was changed since. */
  readonly edited: "ignore" | "refuse";
  /** What it does when one that it has applied is not shipped any more. */
  readonly removed: "ignore" | "refuse";
  /** What a message of its driver may hold, where the server leaves that to drivers: several statements unless said. */
  readonly perMessage?: "one" | "several";
  readonly record: RecordBook;
}

/** How a tool remembers what it has applied. All SQL is said on the migrator's own session. */
export interface RecordBook {
  /** Its tables as SQL names them, `sqitch.changes` or `goose_db_version`: snapshots leave them out. */
  readonly tables: readonly string[];
  /** Makes it where there is none. */
  readonly create: PerEngine<string>;
  /** What it holds, oldest first. */
  read(ask: Ask): Promise<Recorded>;
  /** Said ahead of a migration and outside its transaction, by tools that remember what they have begun. */
  begin?(entry: RecordEntry): PerEngine<string>;
  /** Said behind a migration, in its transaction where it has one. */
  add(entry: RecordEntry): PerEngine<string>;
  /** Said once that transaction is committed. */
  end?(entry: RecordEntry): PerEngine<string>;
  /** Said after a failure, outside any transaction, by tools that remember it. */
  fail?(entry: RecordEntry): PerEngine<string>;
  /** How a migration that was taken back is taken out of it; missing: its tool takes nothing back, or nothing here knows how. */
  readonly back?: TakenOut;
}

/** The way back of a record. What is recorded `last` in an entry is what remains the newest. */
export interface TakenOut {
  /** Said ahead of a way back and outside its transaction. */
  begin?(entry: RecordEntry): PerEngine<string>;
  /** Said behind a way back, in its transaction where it has one. */
  remove(entry: RecordEntry): PerEngine<string>;
}

/** Asks the sandbox; values stand for `$1`, `$2` on PostgreSQL and `?` on MySQL. */
export type Ask = (sql: string) => Promise<readonly Row[]>;

/** What a record holds. */
export interface Recorded {
  readonly applied: readonly Applied[];
  /** Of tools that only remember how far they are: this one, and all that are shipped before it, are applied. */
  readonly upTo?: string;
  /**
   * Of tools that compare with the newest alone: whether they take a migration for applied, whatever its id. One that was
   * not, and that they pass over so, is late; no other is.
   */
  readonly passed?: (migration: { readonly id: string; readonly facts: RecordEntry["facts"] }) => boolean;
  /** Why the tool does nothing more until somebody mends it: dirty, failed or locked. */
  readonly halfDone?: HalfDone;
}

/** A migration that a record holds. */
export interface Applied {
  /** As the migration's own `recordedAs.id`. */
  readonly id: string;
  readonly checksum?: string;
}

/** Why a tool does nothing more until somebody has mended the database. */
export interface HalfDone {
  /** `golang-migrate is dirty at version 7`, in a sentence that goes on with what to do about it. */
  readonly message: string;
  /** The recorded id of the migration that did it. */
  readonly id?: string;
}

/** What there is to record of a migration. */
export interface RecordEntry {
  readonly name: string;
  readonly id: string;
  readonly checksum: string;
  readonly facts: { readonly [fact: string]: string | number };
  /** The migration recorded just before it. */
  readonly last: Applied | undefined;
  /** Counted from 1 over all that is recorded. */
  readonly position: number;
  /** Counted from 1 over the migrations of this hop. */
  readonly inHop: number;
  /** How long it took, in whole milliseconds; 0 before it has run. */
  readonly milliseconds: number;
  /** The user that migrates, and the database. */
  readonly user: string;
  readonly database: string;
  /** Text as this engine's SQL writes it. */
  readonly literal: (text: string) => string;
}
