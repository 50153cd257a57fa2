import type { Piece } from "../chain.ts";
import type { Address, Database, DatabaseFault, EngineName } from "../database.ts";
import type { Row, Snapshot } from "../snapshot.ts";
import type { Planting } from "./planting.ts";
import type { Image, Program } from "./program.ts";
import type { Restorer } from "./restorer.ts";

/** A database product: how to speak to it, and what it can do. Differences between engines live behind this and nowhere else. */
export interface Engine {
  readonly name: EngineName;
  /** As people write it: `PostgreSQL`. */
  readonly title: string;
  /** The oldest version that is supported, as in `13` or `10.5`. */
  readonly oldest: string;
  readonly capabilities: Capabilities;
  /** The table in which a sandbox records what was applied, as SQL names it from anywhere; snapshots leave it out. */
  recordTable(database: string): string;
  /** How a server of it is started from binaries. */
  readonly program: Program;
  /** How a server of it is started in a container. */
  readonly image: Image;
  /** The environment variable in which its own clients look for a password. */
  readonly passwordVariable: string;
  /** What an administrator types so that a user may make sandboxes. */
  howToGrant(user: string): string;
  /** Loads the client libraries ahead of their first use, while something else is waited for. */
  load(what: { readonly knex: boolean }): void;
  /** One session, for whatever needs one. */
  connect(address: Address): Promise<Session>;
  /** Knex with a small pool of its own sessions. */
  knex(address: Address): Promise<Database>;
  /**
   * Writes many rows fast, on a session of `db`; if that is a transaction, in it. Every value arrives as an INSERT by Knex would
   * have brought it.
   */
  plant(db: Database, planting: Planting): Promise<void>;
  /** Hands out a Knex of one session of `db` in which foreign keys rest until `act` is done. */
  fallow(db: Database, act: (db: Database) => Promise<void>): Promise<void>;
  /** A read-only view of the database at this moment; end it before the database is cloned or dropped. */
  snapshot(address: Address): Promise<OpenSnapshot>;
  /** A session that takes what a dump says; never to be let out of its database. */
  restorer(address: Address): Promise<Restorer>;
  /** Our own dealings with a server, by sessions of their own. */
  administer(maintenance: Address): Promise<Administration>;
  /** What the server said, if it was the server; `undefined` for anything else that was thrown. */
  fault(thrown: unknown): (DatabaseFault & { readonly kind: FaultKind }) | undefined;
  /** The statements of a piece of SQL, each with the characters before it. Loads the parser. */
  split(sql: string): Promise<readonly Statement[]>;
  /** Whether SQL may leave something in its session, or look for it there, that {@link Session.imprint} does not tell. */
  mayLinger(sql: string): boolean;
  /** Text as SQL writes it. */
  literal(text: string): string;
  /** A name as SQL writes it. */
  identifier(name: string): string;
  /** The database as a URL that clients understand. */
  url(address: Address): string;
  /** What a person types to enter the database. */
  client(address: Address): string;
}

/** A snapshot and the session that it is read by. */
export interface OpenSnapshot extends Snapshot {
  end(): Promise<void>;
  /** Lets go of the moment, and keeps the session for another one; where that is quicker than opening it anew. */
  pause?(): Promise<Paused>;
}

/** A session between two snapshots. */
export interface Paused {
  /** Opens the database at this moment. */
  resume(): Promise<OpenSnapshot>;
  /** Takes it for whatever needs a session; where nothing but reading was ever done in it. */
  session?(): Session;
  end(): Promise<void>;
}

export interface Capabilities {
  /** A failed transaction takes its DDL back. */
  readonly transactionalDdl: boolean;
  /** Several statements sent as one message share a transaction. */
  readonly transactionalMessage: boolean;
  /** A database that admits nobody cannot be entered; otherwise sessions are only ended. */
  readonly closesDatabases: boolean;
  /** Letters' case does not matter in a column's name. */
  readonly foldsColumns: boolean;
}

/**
 * `refused`: the statement's own fault. `connection`: the session ended, or never was. `denied`: who we are may not.
 * `no-room`: nowhere left to write. `too-many`: the server takes no more sessions.
 */
export type FaultKind = "refused" | "connection" | "denied" | "no-room" | "too-many";

export interface Statement {
  readonly sql: string;
  readonly offset: number;
}

/** One connection to one database. */
export interface Session {
  query(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** Sends SQL of any number of statements whole; the server splits it. `copied`: the rows for its `COPY … FROM stdin`. */
  script(sql: string, copied?: string | AsyncIterable<string>): Promise<void>;
  /**
   * The same as another's driver would send it: a server that refuses a message without a statement in it refuses this one. With
   * `one`, so does one that leaves it to drivers how many a message may hold, where there are several.
   */
  message(
    sql: string,
    options: { readonly one: boolean; readonly copied?: Piece["copied"] | undefined },
  ): Promise<void>;
  /**
   * Runs SQL in a transaction of its own, with what is to be said behind it there, in as few messages as the server takes. What is
   * thrown tells of the SQL alone; whether it had been committed already is told by `hadCommitted` of it.
   */
  atomically(sql: string, behind: string): Promise<void>;
  /**
   * Opens a transaction on this session. With `forCode` it is a Knex transaction (`db`), in which a migration's own
   * transactions become savepoints, as under Knex's own migrator.
   */
  begin(options: { readonly forCode: boolean }): Promise<Transaction>;
  /** Takes a lock of the database's, held as long as the session lives; `false`: another session holds it. */
  tryLock(name: string): Promise<boolean>;
  /** Whether a transaction is open, by whoever's BEGIN. */
  inTransaction(): Promise<boolean>;
  /** Reads the database at this moment by this very session, which its end gives back; where opening another takes longer. */
  snapshot?(): Promise<OpenSnapshot>;
  /** Takes back all that stands in it, as its end would, and keeps it for whoever reads next; where that is quicker. */
  rest?(): Promise<Paused>;
  /** What stands in the session by now and would be gone with it: the same text as long as nothing was left behind in it. */
  imprint(): Promise<string>;
  end(): Promise<void>;
}

export interface Transaction {
  readonly db?: Database;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  /** Asked after a rollback: whether it came too late, because somebody's COMMIT had ended the transaction. */
  hadCommitted?(): Promise<boolean>;
}

/** What we do on a server ourselves: make databases that carry our mark, and drop those and no others. */
export interface Administration {
  /** What kind of server this is, before anything is done on it. */
  survey(): Promise<Survey>;
  /** Takes the session lock of a run; `false` if somebody holds it, here or on another machine. Ends with the session. */
  hold(run: string): Promise<boolean>;
  release(run: string): Promise<void>;
  /** Creates an empty database that carries a mark, or a marked copy of a frozen one. A database half made is dropped. */
  create(database: string, mark: string, from?: string): Promise<void>;
  /** Lets sessions in, or nobody any more; those that are in stay. */
  admit(database: string, anybody: boolean): Promise<void>;
  /** What the sessions of a database are doing, and what each of them waits for, as the server sees it: one line each. */
  activity(database: string): Promise<readonly string[]>;
  /** Ends every session of the database, whoever holds it. */
  endSessions(database: string): Promise<void>;
  /** How many bytes a database takes on the server's disk, as near as it tells. */
  size(database: string): Promise<number>;
  /** Drops a database that carries the mark, whoever is connected; anything else is left alone. */
  drop(database: string, mark: string): Promise<void>;
  /** Gives a database that carries one mark another. */
  remark(database: string, mark: string, other: string): Promise<void>;
  /**
   * The databases that carry a mark which begins with `prefix`; and, without a mark, those whose names begin with `sandbox_` and
   * into which nobody can ever have put anything: a run died making them.
   */
  marked(prefix: string): Promise<readonly Marked[]>;
  /** Drops a database that {@link marked} told without a mark, if that is still so. */
  dropUnmarked(database: string): Promise<void>;
  end(): Promise<void>;
}

export interface Marked {
  readonly database: string;
  readonly mark: string | undefined;
}

export interface Survey {
  /** The server's own version, as in `15.20` or `10.11.19`. */
  readonly version: string;
  /** Whether it is this engine at all: MySQL and MariaDB speak the same protocol. */
  readonly isThisEngine: boolean;
  /** A replica, or a server that was told to take no writes. */
  readonly readOnly: boolean;
  /** Whether who we are may create databases. */
  readonly mayCreate: boolean;
  /** How many tables of somebody's stand in the database that the address names. */
  readonly foreignTables: number;
}
