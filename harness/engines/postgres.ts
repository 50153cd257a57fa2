import { setTimeout as sleep } from "node:timers/promises";
import type { Engine, FaultKind, Session, Statement } from "./engine.ts";
import { connected, knexAt, loadClients, sessionOf } from "./postgres-session.ts";
import { openSnapshot, quoted } from "./postgres-snapshot.ts";

export const postgres: Engine = {
  name: "postgres",
  capabilities: { transactionalDdl: true },
  recordTable: "public._migration_sandbox",

  load: loadClients,

  async connect(address) {
    return sessionOf(await connected(address));
  },

  async knex(address) {
    return knexAt(address);
  },

  async snapshot(address) {
    return openSnapshot(await connected(address));
  },

  async create(admin, database, mark, from = "template1") {
    // FILE_COPY beats WAL_LOG at every size where nothing is fsynced.
    await admin.query(`create database ${quoted(database)} template ${quoted(from)} strategy file_copy`);
    const marked = `comment on database ${quoted(database)} is ${literal(mark)}`;
    const settings = await admin.query(`${marked}; ${settingsOf(from)}`);
    for (const { setting } of settings) await applySetting(admin, String(setting), database);
  },

  async admit(admin, database, anybody) {
    await admin.query(`alter database ${quoted(database)} allow_connections ${anybody}`);
  },

  endSessions,

  async drop(admin, database, mark) {
    const marks = await admin.query(
      "select shobj_description(oid, 'pg_database') as mark from pg_database where datname = $1",
      [database],
    );
    if (marks[0]?.mark === mark) await admin.query(`drop database ${quoted(database)} with (force)`);
  },

  fault(thrown) {
    const error = databaseErrorBeneath(thrown);
    if (error === undefined) return undefined;
    const { code, severity, detail, hint, position, statementsBefore } = error;
    const connection = isLost(code, error.message);
    const kind: FaultKind = connection ? "connection" : code === "53100" ? "no-room" : "refused";
    return {
      kind,
      message: error.message,
      ...(severity !== undefined && code !== undefined && { sqlState: code }),
      ...(detail !== undefined && { detail }),
      ...(hint !== undefined && { hint }),
      ...(position !== undefined && { offset: Number(position) - 1 }),
      ...(statementsBefore !== undefined && { statementsBefore }),
    };
  },

  async split(sql) {
    if (leadingBlank(sql.replaceAll(";", " ")) === sql.length) return [];
    const { parse } = await import("libpg-query");
    const bytes = Buffer.from(sql);
    const { stmts = [] } = (await parse(sql)) as { stmts?: { stmt_location?: number; stmt_len?: number }[] };
    return stmts.map(({ stmt_location: start = 0, stmt_len: length }): Statement => {
      const text = bytes.subarray(start, length === undefined ? bytes.length : start + length).toString();
      const blank = leadingBlank(text);
      return { sql: text.slice(blank).trimEnd(), offset: bytes.subarray(0, start).toString().length + blank };
    });
  },

  literal,

  url(address) {
    const { host, port, user, password, database } = address;
    return `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`;
  },

  client(address) {
    return `psql "${postgres.url(address)}"`;
  },
};

type PostgresError = Error & {
  readonly code?: string;
  readonly severity?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly position?: string;
  readonly statementsBefore?: number;
};

/** ALTER DATABASE … SET is the one thing of a database that a copy does not take along. */
function settingsOf(database: string): string {
  return `select unnest(setconfig) as setting from pg_db_role_setting join pg_database d on d.oid = setdatabase
    where setrole = 0 and datname = ${literal(database)}`;
}

/** Lists such as search_path are no one literal: the server itself writes what it reads. */
async function applySetting(admin: Session, setting: string, database: string): Promise<void> {
  const [, name = "", value = ""] = /^([^=]+)=([\s\S]*)$/.exec(setting) ?? [];
  await admin.query("select set_config($1, $2, false)", [name, value]);
  await admin.query(`alter database ${quoted(database)} set ${name} from current; reset ${name}`);
}

async function endSessions(admin: Session, database: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (let looks = 0; ; looks++) {
    const left = await admin.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()",
      [database],
    );
    if (left.length === 0) return;
    if (Date.now() > deadline) throw new Error(`${left.length} sessions of database "${database}" do not end`);
    // A session takes a millisecond to end, and CREATE DATABASE itself would look again only after 100.
    if (looks > 20) await sleep(1);
  }
}

/** Code may wrap what the driver threw. */
function databaseErrorBeneath(thrown: unknown): PostgresError | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const { code, severity } = thrown as PostgresError;
  if (severity !== undefined || isLost(code, thrown.message)) return thrown;
  const beneath = [thrown.cause, ...(thrown instanceof AggregateError ? thrown.errors : [])];
  return beneath.map(databaseErrorBeneath).find((error) => error !== undefined);
}

/** SQLSTATE classes 08 and 57P, and what the driver and the sockets say without one. */
function isLost(code: string | undefined, message: string): boolean {
  if (code !== undefined) return /^(08|57P0)/.test(code) || /^(ECONN|EPIPE|ENOTCONN)/.test(code);
  return /Connection terminated|Client has encountered a connection error|not queryable|Client was closed/.test(
    message,
  );
}

/** White space and comments before the first word of a statement. */
function leadingBlank(sql: string): number {
  return /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/.exec(sql)?.[0].length ?? 0;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
