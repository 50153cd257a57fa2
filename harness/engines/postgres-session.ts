import { once } from "node:events";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import type { Knex } from "knex";
import type { Client } from "pg";
import type { Address, Database } from "../database.ts";
import type { Row } from "../snapshot.ts";
import type { OpenSnapshot, Paused, Session, Transaction } from "./engine.ts";
import { transactionOf } from "./knex-transaction.ts";
import { openSnapshot } from "./postgres-snapshot.ts";

// Where nothing is said, the driver would take what PGOPTIONS, PGSSLMODE and their like say.
const settings = {
  application_name: "migration-sandbox",
  options: " ",
  client_encoding: "UTF8",
  replication: "false",
  connectionTimeoutMillis: 20_000,
};

export async function connected(address: Address): Promise<Client> {
  const pg = require("pg") as typeof import("pg");
  const client = new pg.Client(configFor(address));
  // A connection that ends while nobody asks anything of it is told to whoever asks next.
  client.on("error", () => {});
  await client.connect();
  return client;
}

function configFor({ tls, ...address }: Address): object {
  return { ...address, ...settings, ssl: tls === undefined ? false : { rejectUnauthorized: tls === "verify" } };
}

/** Knex with a small pool of its own sessions. */
export function knexAt(address: Address): Database {
  return knexOver(configFor(address), 4);
}

/** Knex over a session that is there already, and stays when it is destroyed. */
export function knexOverOne(client: Client): Database {
  const db = knexOver({}, 1);
  db.client.acquireRawConnection = async () => client;
  db.client.destroyRawConnection = async () => {};
  return db;
}

/** Loads what speaks to the server ahead of its first use. */
export function loadClients({ knex }: { readonly knex: boolean }): void {
  require("pg");
  if (knex) loadKnex();
}

// Both are CommonJS and large: `require` takes half the time of `import`, which reads their exports first.
const require = createRequire(import.meta.url);
const loadKnex = () => require("knex") as (config: Knex.Config) => Database;

function knexOver(connection: object, most: number): Database {
  const silent = { warn() {}, error() {}, deprecate() {}, debug() {} }; // Only the command prints.
  // Told a version, Knex does not ask every connection for one, on which only forks of PostgreSQL depend.
  return loadKnex()({ client: "pg", version: "13", connection, pool: { min: 0, max: most }, log: silent });
}

export function sessionOf(client: Client): Session {
  return {
    async query(sql, values) {
      const result: unknown = await client.query<Row>(sql, values as unknown[] | undefined);
      // Of several statements the last one answers.
      return ((Array.isArray(result) ? result.at(-1) : result) as { rows: Row[] }).rows;
    },
    script: (sql, copied) => sendScript(client, sql, { copied }),
    message: (sql, { copied }) => sendScript(client, sql, { copied }),
    atomically: (sql, behind) => atomically(client, sql, behind),
    async tryLock(name) {
      const { rows } = await client.query("select pg_try_advisory_lock(hashtextextended($1, 0)) as got", [name]);
      return rows[0]?.got === true;
    },
    inTransaction: async () => client.getTransactionStatus() !== "I",
    async snapshot() {
      const snapshot = await openSnapshot(client);
      const back = async () => void (await client.query("rollback"));
      return { ...snapshot, end: () => back().catch(() => {}) }; // Whoever hung in it has lost the session.
    },
    async rest() {
      // What still runs in it may hang.
      const { readyForQuery } = client as Client & { readonly readyForQuery: boolean };
      if (!readyForQuery) throw new Error("The session is at work");
      await client.query("rollback");
      await client.query("discard all");
      const settings = await settingsBy(client);
      // What it was told itself it has forgotten.
      if (settings !== null) throw new Error("A new session would be set otherwise");
      return pausedOver(client, { isNew: false, settings });
    },
    async imprint() {
      const { rows } = await client.query<{ imprint: string }>(imprintSql);
      return rows[0]?.imprint ?? "";
    },
    begin: ({ forCode }) => (forCode ? beginForCode(client) : begin(client)),
    end: () => client.end(),
  };
}

/** A new session has to learn the catalogue anew: one that goes on at another moment knows most of it. */
export async function snapshotOver(client: Client, { isNew }: { readonly isNew: boolean }): Promise<OpenSnapshot> {
  const snapshot = await openSnapshot(client);
  return {
    ...snapshot,
    async pause() {
      await client.query("rollback");
      return pausedOver(client, { isNew, settings: await settingsBy(client) });
    },
  };
}

function pausedOver(
  client: Client,
  { isNew, settings }: { readonly isNew: boolean; readonly settings: string | null },
): Paused {
  const session = isNew ? { session: () => sessionOf(client) } : {};
  const end = () => client.end();
  const resume = async () => {
    if ((await settingsBy(client)) === settings) return snapshotOver(client, { isNew });
    await end();
    throw new Error("A new session is set otherwise by now");
  };
  return { resume, ...session, end };
}

async function settingsBy(client: Client): Promise<string | null> {
  const { rows } = await client.query<{ settings: string | null }>(`select ${databaseSettings} as settings`);
  return rows[0]?.settings ?? null;
}

/** What a new session would be told, and one that is open was not. */
const databaseSettings = `(select string_agg(setconfig::text, ',' order by setrole) from pg_db_role_setting
  where setdatabase in (0, (select oid from pg_database where datname = current_database())))`;

/** Settings, roles, temporary tables, prepared statements, channels, advisory locks and open cursors. */
const imprintSql = `select concat_ws('|',
  (select string_agg(name || '=' || setting, ',' order by name) from pg_settings where source = 'session'),
  session_user, current_user, pg_my_temp_schema(), ${databaseSettings},
  (select string_agg(name, ',' order by name) from pg_prepared_statements),
  (select string_agg(channel, ',' order by channel) from pg_listening_channels() channel),
  (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()),
  (select string_agg(name, ',' order by name) from pg_cursors where is_holdable)) as imprint`;

async function begin(client: Client): Promise<Transaction> {
  await client.query("begin");
  const hadCommitted = await fateOf(client);
  return {
    hadCommitted,
    async commit() {
      await client.query("commit");
    },
    async rollback() {
      await client.query("rollback");
    },
  };
}

async function beginForCode(client: Client): Promise<Transaction> {
  // Knex is given this one session, so that SQL and code of one transaction share it.
  const transaction = await transactionOf(knexOverOne(client));
  return { ...transaction, hadCommitted: await fateOf(client) };
}

/** Remembers the transaction that is open now, to ask later what became of it. */
async function fateOf(client: Client): Promise<() => Promise<boolean>> {
  const { rows } = await client.query("select pg_current_xact_id()::text as id");
  return () => wasCommitted(client, String(rows[0]?.id));
}

/** Names the columns of our own questions. */
const ours = "migration-sandbox asks";

const ahead = `begin; select pg_current_xact_id()::text as "${ours}";\n`;

/** One message: BEGIN, the SQL, what is said behind it, and COMMIT. The transaction's number comes first, to ask of its fate. */
async function atomically(client: Client, sql: string, behind: string): Promise<void> {
  const seen = { id: "", isBehind: false };
  try {
    await sendScript(client, `${ahead}${sql}\n;select 0 as "${ours}";${behind};commit`, { seen });
  } catch (thrown) {
    const error = thrown as Error & { position?: string; statementsBefore?: number };
    await client.query("rollback").catch(() => {}); // A session that ended has rolled back.
    error.statementsBefore = Math.max((error.statementsBefore ?? 0) - 2, 0);
    if (error.position !== undefined) error.position = String(Number(error.position) - ahead.length);
    // What failed behind the SQL has no place in it.
    if (seen.isBehind) delete error.statementsBefore;
    if (seen.isBehind) delete error.position;
    throw Object.assign(error, { hadCommitted: seen.id !== "" && (await wasCommitted(client, seen.id)) });
  }
}

async function wasCommitted(client: Client, id: string): Promise<boolean> {
  const { rows } = await client.query("select pg_xact_status($1::xid8) as fate", [id]).catch(() => ({ rows: [] }));
  return rows[0]?.fate === "committed";
}

interface Script {
  readonly copied?: string | AsyncIterable<string> | undefined;
  /** Told of our own questions among the statements. */
  readonly seen?: { id: string; isBehind: boolean };
}

/**
 * The whole text as one simple query: the server splits it as no client could get wrong, and every statement that came
 * through is counted, so that the one that failed is known.
 */
function sendScript(client: Client, sql: string, { copied, seen }: Script = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    let completed = 0;
    let asksUs = false;
    const script = {
      submit: (connection: { query(text: string): void }) => connection.query(sql),
      handleRowDescription({ fields }: { fields: readonly { name: string }[] }) {
        asksUs = seen !== undefined && fields[0]?.name === ours;
        if (asksUs && seen !== undefined && seen.id !== "") seen.isBehind = true;
      },
      handleDataRow({ fields }: { fields: readonly unknown[] }) {
        if (asksUs && seen !== undefined && !seen.isBehind) seen.id = String(fields[0]);
      },
      handleEmptyQuery() {},
      handleCommandComplete() {
        completed += 1;
      },
      handleCopyInResponse(connection: CopyConnection) {
        if (copied === undefined) return connection.sendCopyFail("COPY … FROM stdin has no data here");
        copyIn(connection, typeof copied === "string" ? [copied] : copied).catch(reject);
      },
      handleCopyData() {},
      handleError: (error: Error) => reject(Object.assign(error, { statementsBefore: completed })),
      handleReadyForQuery: () => resolve(),
    };
    client.query(script as never);
  });
}

async function copyIn(connection: CopyConnection, parts: Iterable<string> | AsyncIterable<string>): Promise<void> {
  try {
    for await (const part of parts) {
      if (part !== "") connection.sendCopyFromChunk(Buffer.from(part));
      if (connection.stream.writableNeedDrain) await once(connection.stream, "drain");
    }
  } catch (error) {
    connection.sendCopyFail((error as Error).message);
    throw error;
  }
  connection.endCopyFrom();
}

interface CopyConnection {
  readonly stream: Socket;
  sendCopyFail(reason: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}
