import type { Engine, FaultKind, Statement } from "./engine.ts";
import { administer } from "./postgres-administration.ts";
import { fallow, plant } from "./postgres-bulk.ts";
import { postgresImage, postgresProgram } from "./postgres-program.ts";
import { restorerAt } from "./postgres-restore.ts";
import { connected, knexAt, loadClients, sessionOf, snapshotOver } from "./postgres-session.ts";
import { literal, quoted } from "./postgres-text.ts";

export const postgres: Engine = {
  name: "postgres",
  title: "PostgreSQL",
  oldest: "13",
  capabilities: { transactionalDdl: true, transactionalMessage: true, closesDatabases: true, foldsColumns: false },
  recordTable: () => "public._migration_sandbox",
  program: postgresProgram,
  image: postgresImage,

  passwordVariable: "PGPASSWORD",
  howToGrant: (user) => `alter role ${quoted(user)} createdb`,
  load: loadClients,

  async connect(address) {
    return sessionOf(await connected(address));
  },

  async knex(address) {
    return knexAt(address);
  },

  plant,
  fallow,

  async snapshot(address) {
    return snapshotOver(await connected(address), { isNew: true });
  },

  restorer: restorerAt,
  administer,

  fault(thrown) {
    const error = databaseErrorBeneath(thrown);
    if (error === undefined) return undefined;
    const { code, severity, detail, hint, position, statementsBefore } = error;
    return {
      kind: kindOf(code, error.message),
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

  // Settings of somebody's own are told nowhere, nor what a sequence gave a session last.
  mayLinger: (sql) =>
    /\bset_config\b|\bset\s+(?:(?:session|local)\s+)?["\w]+\s*\.|\b(?:currval|lastval|load|current_setting)\b/i.test(
      sql,
    ),

  literal,
  identifier: quoted,

  url(address) {
    const { host, port, user, password, database, tls } = address;
    const secured = tls === undefined ? "" : `?sslmode=${tls === "verify" ? "verify-full" : "require"}`;
    const secret = password === "" ? "" : `:${encodeURIComponent(password)}`;
    return `postgres://${encodeURIComponent(user)}${secret}@${host}:${port}/${database}${secured}`;
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

/** Code may wrap what the driver threw. */
function databaseErrorBeneath(thrown: unknown): PostgresError | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const { code, severity } = thrown as PostgresError;
  if (severity !== undefined || isLost(code, thrown.message)) return thrown;
  const beneath = [thrown.cause, ...(thrown instanceof AggregateError ? thrown.errors : [])];
  return beneath.map(databaseErrorBeneath).find((error) => error !== undefined);
}

function kindOf(code: string | undefined, message: string): FaultKind {
  if (isLost(code, message)) return "connection";
  if (code === "53100") return "no-room";
  if (code === "53300") return "too-many";
  return code?.startsWith("28") ? "denied" : "refused"; // Class 28: who we say we are.
}

/** SQLSTATE classes 08 and 57P, and what the driver and the sockets say without one. */
function isLost(code: string | undefined, message: string): boolean {
  if (code !== undefined)
    return /^(08|57P0)/.test(code) || /^(ECONN|EPIPE|ENOTCONN|ENOTFOUND|EHOST|ENET|ETIMEDOUT|EAI_)/.test(code);
  return /Connection terminated|timeout expired|Client has encountered a connection error|not queryable|Client was closed/.test(
    message,
  );
}

/** White space and comments before the first word of a statement. */
function leadingBlank(sql: string): number {
  return /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/.exec(sql)?.[0].length ?? 0;
}
