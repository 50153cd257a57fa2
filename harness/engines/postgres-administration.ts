import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Address } from "../database.ts";
import type { Administration, Marked, Session, Survey } from "./engine.ts";
import { connected, sessionOf } from "./postgres-session.ts";
import { literal, quoted } from "./postgres-text.ts";

/** Databases are made by the session that holds the run's lock, and dropped by one that nothing waits for. */
export async function administer(maintenance: Address): Promise<Administration> {
  const connect = async () => sessionOf(await connected(maintenance));
  const session = oneByOne(await connect());
  let facts: Promise<Facts> | undefined;
  let cleaner: Promise<Session> | undefined;
  let dropping: Promise<unknown> = Promise.resolve();
  const inTheBackground = (act: (cleaner: Session) => Promise<void>): Promise<void> => {
    cleaner ??= connect().catch(() => session); // The server may take no further session.
    const dropped = Promise.all([cleaner, dropping.catch(() => {})]).then(([session]) => act(session));
    dropping = dropped;
    return dropped;
  };
  return {
    survey: () => survey(session),
    hold: async (run) => (await session.query(`select pg_try_advisory_lock(${keyOf(run)}) as got`))[0]?.got === true,
    async release(run) {
      await session.query(`select pg_advisory_unlock(${keyOf(run)})`);
    },
    async create(database, mark, from) {
      facts ??= factsOf(session);
      await (from === undefined
        ? createEmpty(session, database, mark, await facts)
        : createCopy(session, database, mark, from, await facts));
    },
    async admit(database, anybody) {
      await session.query(`alter database ${quoted(database)} allow_connections ${anybody}`);
    },
    activity: (database) => activity(session, database),
    endSessions: (database) => endSessions(session, database),
    size: (database) => sizeOf(session, database),
    drop: (database, mark) =>
      inTheBackground((cleaner) => dropWhere(cleaner, database, `${markOf} = ${literal(mark)}`)),
    dropUnmarked: (database) => inTheBackground((cleaner) => dropWhere(cleaner, database, isUnmarked)),
    async remark(database, mark, other) {
      const found = await session.query(`select from pg_database where datname = $1 and ${markOf} = $2`, [
        database,
        mark,
      ]);
      if (found.length === 1) await session.query(`comment on database ${quoted(database)} is ${literal(other)}`);
    },
    async marked(prefix) {
      const rows = await session.query(
        `select datname as database, ${markOf} as mark from pg_database where starts_with(${markOf}, $1) or ${isUnmarked}`,
        [prefix],
      );
      return rows.map(
        ({ database, mark }): Marked => ({
          database: String(database),
          mark: (mark as string | undefined) ?? undefined,
        }),
      );
    },
    async end() {
      await Promise.allSettled([dropping]);
      await Promise.allSettled([...new Set([session, await cleaner?.catch(() => session)])].map((one) => one?.end()));
    },
  };
}

/** Many ask at once, and the driver wants to be asked one thing after the other. */
function oneByOne(session: Session): Session {
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(ask: () => Promise<T>): Promise<T> => {
    const answer = last.then(ask, ask);
    last = answer;
    return answer;
  };
  return {
    ...session,
    query: (sql, values) => inTurn(() => session.query(sql, values)),
    script: (sql, copied) => inTurn(() => session.script(sql, copied)),
  };
}

const markOf = "shobj_description(oid, 'pg_database')";

/** Databases are made closed, and opened with their mark: nobody was ever in one that is still closed without a mark. */
const isUnmarked = `(starts_with(datname, 'sandbox_') and not datallowconn and ${markOf} is null)`;

/** 63 bits of a run's name: what an advisory lock is known by. */
function keyOf(run: string): string {
  return createHash("sha256").update(`migration-sandbox ${run}`).digest().readBigInt64BE().toString();
}

interface Facts {
  /** As the server counts: 150020. */
  readonly version: number;
  /** The encoding and the locale of a new database. */
  readonly locale: string;
  /** What the server was told otherwise than a sandbox should find it, as SQL behind ALTER DATABASE. */
  readonly pins: readonly string[];
  /** Writes are waited for, so that a copy of files makes everybody wait. */
  readonly durable: boolean;
}

/** What sandboxes find everywhere, whatever the server was told. */
const pinned = {
  timezone: "UTC",
  datestyle: "ISO, MDY",
  intervalstyle: "postgres",
  default_transaction_isolation: "read committed",
  default_transaction_read_only: "off",
  statement_timeout: "0",
  lock_timeout: "0",
  row_security: "on",
  standard_conforming_strings: "on",
} as const;

async function factsOf(session: Session): Promise<Facts> {
  const settings = Object.keys(pinned).map((name) => `current_setting('${name}') as ${name}`);
  const [row = {}] = await session.query(
    `select current_setting('server_version_num')::int as version, current_setting('fsync') as fsync,
      exists (select from pg_collation where collname in ('C.utf8', 'C.UTF-8')) as has_utf8, ${settings.join(", ")}`,
  );
  const version = Number(row.version);
  const pins = Object.entries(pinned).filter(([name, value]) => row[name] !== value);
  return {
    version,
    locale:
      version >= 170000
        ? "locale_provider builtin builtin_locale 'C.UTF-8' locale 'C'"
        : libcLocale(row.has_utf8 === true, version),
    pins: pins.map(([name, value]) => `set ${name} = ${literal(value)}`),
    durable: row.fsync === "on",
  };
}

/** Before PostgreSQL 17 the same order and the same capital letters come from the operating system, if it has them. */
function libcLocale(hasUtf8: boolean, version: number): string {
  const provider = version >= 150000 ? "locale_provider libc " : "";
  return `${provider}lc_collate 'C' lc_ctype '${hasUtf8 ? "C.UTF-8" : "C"}'`;
}

async function createEmpty(session: Session, database: string, mark: string, facts: Facts): Promise<void> {
  const options = `template template0 encoding 'UTF8' ${facts.locale}${strategy(facts, 0)} allow_connections false`;
  await session.query(`create database ${quoted(database)} ${options}`);
  const settings = facts.pins.map((pin) => `; alter database ${quoted(database)} ${pin}`);
  await session.script(`${opened(database, mark)}${settings.join("")}`);
}

async function createCopy(session: Session, database: string, mark: string, from: string, facts: Facts): Promise<void> {
  const size = facts.durable ? await sizeOf(session, from) : 0;
  const options = `template ${quoted(from)}${strategy(facts, size)} allow_connections false`;
  await session.query(`create database ${quoted(database)} ${options}`);
  const settings = await session.query(`${opened(database, mark)}; ${settingsOf(from)}`);
  for (const { setting } of settings) await applySetting(session, String(setting), database);
}

/** The mark and the opening come in one message, hence in one transaction. */
function opened(database: string, mark: string): string {
  return `comment on database ${quoted(database)} is ${literal(mark)}; alter database ${quoted(database)} allow_connections true`;
}

const small = 64 * 1024 * 1024;

/**
 * FILE_COPY beats WAL_LOG at every size where nothing is fsynced. Where it is, its two checkpoints write everybody's
 * pages to the disk: small databases go through the log there.
 */
function strategy({ version, durable }: Facts, size: number): string {
  if (version < 150000) return ""; // There was no other way then than to copy files.
  return ` strategy ${durable && size < small ? "wal_log" : "file_copy"}`;
}

async function sizeOf(session: Session, database: string): Promise<number> {
  const [row] = await session.query("select pg_database_size($1) as size", [database]);
  return Number(row?.size);
}

/** ALTER DATABASE … SET is the one thing of a database that a copy does not take along. */
function settingsOf(database: string): string {
  return `select unnest(setconfig) as setting from pg_db_role_setting join pg_database d on d.oid = setdatabase
    where setrole = 0 and datname = ${literal(database)}`;
}

/** Lists such as search_path are no one literal: the server itself writes what it reads. */
async function applySetting(session: Session, setting: string, database: string): Promise<void> {
  const [, name = "", value = ""] = /^([^=]+)=([\s\S]*)$/.exec(setting) ?? [];
  // One message, hence one transaction: others ask by the same session. The setting may be the very one that keeps us from writing.
  await session.script(`set transaction read write; select set_config(${literal(name)}, ${literal(value)}, true);
    alter database ${quoted(database)} set ${name} from current`);
}

async function activity(session: Session, database: string): Promise<readonly string[]> {
  const rows = await session.query(
    `select a.pid, a.state, a.wait_event_type as type, a.wait_event as event, left(a.query, 4000) as query,
      (select string_agg(format('%s (%s: %s)', b.pid, b.state, left(regexp_replace(b.query, '\\s+', ' ', 'g'), 100)), ', ')
        from pg_stat_activity b where b.pid = any (pg_blocking_pids(a.pid))) as blockers
     from pg_stat_activity a where a.datname = $1 and a.pid <> pg_backend_pid() and a.state <> 'idle' order by a.state, a.query_start`,
    [database],
  );
  return rows.map(({ pid, state, type, event, query, blockers }) => {
    const waits = event === null ? "" : `, waits for ${type}: ${event}`;
    const held = blockers === null ? "" : `, held up by session ${blockers}`;
    return `session ${pid} (${state}${waits}${held}): ${theirs(String(query))}`;
  });
}

/** Without what we say around it. */
function theirs(query: string): string {
  const [, own = query] = /^begin; select pg_current_xact_id\(\).*?;\n([\s\S]*?)(?:\n;select 0 as|$)/.exec(query) ?? [];
  return own.replace(/\s+/g, " ").trim().slice(0, 200);
}

async function endSessions(session: Session, database: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (let looks = 0; ; looks++) {
    const left = await session.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()",
      [database],
    );
    if (left.length === 0) return;
    if (Date.now() > deadline) throw new Error(`${left.length} sessions of database "${database}" do not end`);
    // A session takes a millisecond to end, and CREATE DATABASE itself would look again only after 100.
    if (looks > 20) await sleep(1);
  }
}

async function dropWhere(session: Session, database: string, condition: string): Promise<void> {
  const found = await session.query(`select from pg_database where datname = $1 and ${condition}`, [database]);
  if (found.length === 1) await session.query(`drop database if exists ${quoted(database)} with (force)`);
}

async function survey(session: Session): Promise<Survey> {
  const [row] = await session.query(
    `select current_setting('server_version') as version,
      pg_is_in_recovery() or current_setting('default_transaction_read_only') = 'on' as read_only,
      (select rolsuper or rolcreatedb from pg_roles where rolname = current_user) as may_create,
      (select count(*)::int from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%') as tables`,
  );
  return {
    version: /^\d+(\.\d+)*/.exec(String(row?.version))?.[0] ?? String(row?.version),
    isThisEngine: true,
    readOnly: row?.read_only === true,
    mayCreate: row?.may_create === true,
    foreignTables: Number(row?.tables),
  };
}
