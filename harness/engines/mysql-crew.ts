import type { Connection } from "mysql2/promise";
import type { Address } from "../database.ts";
import type { Row } from "../snapshot.ts";
import { connected, pins } from "./mysql-connection.ts";
import type { Dialect } from "./mysql-dialect.ts";

/** Sessions that share our work on a server; each is opened when it is first needed. */
export interface Crew {
  readonly dialect: Dialect;
  readonly size: number;
  /** Sends some statements as one message in a session that is free; the rows of each of them. */
  send(...statements: readonly string[]): Promise<readonly (readonly Row[])[]>;
  /** The same, where statements leave settings behind that the next message should not find. */
  sendApart(...statements: readonly string[]): Promise<readonly (readonly Row[])[]>;
  /** Whether this session, by the number that the server gave it, is one of them. */
  has(id: number): boolean;
  end(): Promise<void>;
}

export function crewOf(server: Address, dialect: Dialect, size: number): Crew {
  const ids = new Set<number>();
  const idle: Connection[] = [];
  const waiting: ((session: Connection | undefined) => void)[] = [];
  let open = 0;
  let ended = false;

  async function take(): Promise<Connection> {
    const session = idle.pop() ?? (open < size ? undefined : await next());
    if (session !== undefined) return session;
    open++;
    try {
      const joined = await connected({ ...server, database: "" }, dialect);
      ids.add(joined.threadId);
      // Whoever ended it while it had nothing to do: the next one is another.
      joined.on("error", () => {
        const place = idle.indexOf(joined);
        if (place >= 0) dismiss(idle.splice(place, 1)[0]);
      });
      await prepare(joined);
      return joined;
    } catch (error) {
      dismiss(undefined);
      throw error;
    }
  }

  function next(): Promise<Connection | undefined> {
    return new Promise((resolve) => waiting.push(resolve));
  }

  function giveBack(session: Connection): void {
    const taker = waiting.shift();
    if (taker !== undefined) taker(session);
    else if (ended) dismiss(session);
    else idle.push(session);
  }

  function dismiss(session: Connection | undefined): void {
    open--;
    if (session !== undefined) ids.delete(session.threadId);
    session?.destroy();
    waiting.shift()?.(undefined);
  }

  function restore(session: Connection): void {
    session.query(`${pins(dialect)}; ${settings}`).then(
      () => giveBack(session),
      () => dismiss(session),
    );
  }

  async function sendAnd(after: (session: Connection) => void, statements: readonly string[]) {
    const session = await take();
    try {
      const results = await sendTo(session, statements);
      after(session);
      return results;
    } catch (error) {
      restore(session); // A message that failed half-way leaves what it had set.
      throw error;
    }
  }

  return {
    dialect,
    size,
    send: (...statements) => sendAnd(giveBack, statements),
    sendApart: (...statements) => sendAnd(restore, statements),
    has: (id) => ids.has(id),
    async end() {
      ended = true;
      await Promise.allSettled(idle.splice(0).map((session) => session.end()));
    },
  };
}

/** Sends some statements as one message; the rows of each of them. */
export async function sendTo(session: Connection, statements: readonly string[]): Promise<readonly (readonly Row[])[]> {
  const [results] = await session.query(statements.join(";\n"));
  const each: readonly unknown[] = statements.length === 1 ? [results] : (results as readonly unknown[]);
  return each.map((rows) => (Array.isArray(rows) ? rows : []));
}

/**
 * None stays in a database that somebody may want for himself. Rows are copied as they are, whatever stands in them,
 * without holding up anybody.
 */
const settings = `set foreign_key_checks = 0, unique_checks = 0,
  sql_mode = 'NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION', sql_quote_show_create = 1, lock_wait_timeout = 5,
  wait_timeout = 31536000, timestamp = default; set session transaction isolation level read committed; use information_schema`;

/**
 * What some versions do not have, or some accounts may not set. The log for replicas stays as it is: they could not
 * follow what is done later in a database that they never saw made.
 */
const wishes = [
  "innodb_strict_mode = 0",
  "check_constraint_checks = 0",
  "sql_require_primary_key = 0",
  "sql_generate_invisible_primary_key = 0",
  "lc_messages = 'en_US'", // We read what it says about views.
  "show_gipk_in_create_table_and_information_schema = 1",
  "system_versioning_insert_history = 1",
  "information_schema_stats_expiry = 0", // The biggest table is to be known.
  "max_statement_time = 0",
  "max_execution_time = 0",
];

async function prepare(session: Connection): Promise<void> {
  await session.query(settings);
  await Promise.all(wishes.map((wish) => session.query(`set session ${wish}`).catch(() => {})));
}
