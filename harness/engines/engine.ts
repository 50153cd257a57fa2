import type { Address, Database, DatabaseFault, EngineName } from "../database.ts";
import type { Row, Snapshot } from "../snapshot.ts";

/** A database product: how to speak to it, and what it can do. Differences between engines live behind this and nowhere else. */
export interface Engine {
  readonly name: EngineName;
  readonly capabilities: Capabilities;
  /** The table in which a sandbox records what was applied, as SQL names it; snapshots leave it out. */
  readonly recordTable: string;
  /** Loads the client libraries ahead of their first use, while something else is waited for. */
  load(what: { readonly knex: boolean }): void;
  /** One session, for whatever needs one. */
  connect(address: Address): Promise<Session>;
  /** Knex with a small pool of its own sessions. */
  knex(address: Address): Promise<Database>;
  /** A read-only view of the database at this moment; end it before the database is cloned or dropped. */
  snapshot(address: Address): Promise<Snapshot & { end(): Promise<void> }>;
  /** Creates an empty database that carries our mark, or a marked copy of a frozen one. */
  create(admin: Session, database: string, mark: string, from?: string): Promise<void>;
  /** Lets sessions in, or nobody any more; those that are in stay. */
  admit(admin: Session, database: string, anybody: boolean): Promise<void>;
  /** Ends every session of the database, whoever holds it. */
  endSessions(admin: Session, database: string): Promise<void>;
  /** Drops a database that carries the mark, whoever is connected; anything else is left alone. */
  drop(admin: Session, database: string, mark: string): Promise<void>;
  /** What the server said, if it was the server; `undefined` for anything else that was thrown. */
  fault(thrown: unknown): (DatabaseFault & { readonly kind: FaultKind }) | undefined;
  /** The statements of a piece of SQL, each with the characters before it. Loads the real parser. */
  split(sql: string): Promise<readonly Statement[]>;
  /** Text as SQL writes it. */
  literal(text: string): string;
  /** The database as a URL that clients understand. */
  url(address: Address): string;
  /** What a person types to enter the database. */
  client(address: Address): string;
}

export interface Capabilities {
  /** A failed transaction takes its DDL back. */
  readonly transactionalDdl: boolean;
}

/** `refused`: the statement's own fault. `connection`: the session ended. `no-room`: nowhere left to write. */
export type FaultKind = "refused" | "connection" | "no-room";

export interface Statement {
  readonly sql: string;
  readonly offset: number;
}

/** One connection to one database. */
export interface Session {
  query(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** Sends SQL of any number of statements whole; the server splits it. */
  script(sql: string): Promise<void>;
  /**
   * Opens a transaction on this session. With `forCode` it is a Knex transaction (`db`), in which a migration's own
   * transactions become savepoints, as under Knex's own migrator.
   */
  begin(options: { readonly forCode: boolean }): Promise<Transaction>;
  /** Whether a transaction is open, by whoever's BEGIN. */
  inTransaction(): boolean;
  end(): Promise<void>;
}

export interface Transaction {
  readonly db?: Database;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}
