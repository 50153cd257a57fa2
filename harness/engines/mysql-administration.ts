import { createHash } from "node:crypto";
import type { Connection } from "mysql2/promise";
import type { Address } from "../database.ts";
import type { Row } from "../snapshot.ts";
import type { Administration, Marked } from "./engine.ts";
import { cloneDatabase } from "./mysql-clone.ts";
import { connected } from "./mysql-connection.ts";
import { crewOf, sendTo } from "./mysql-crew.ts";
import type { Dialect } from "./mysql-dialect.ts";
import { forget } from "./mysql-lineage.ts";
import { type Marking, markingOf } from "./mysql-mark.ts";
import { activity, attempt, endSessions, insist, type Ours as Sessions } from "./mysql-sessions.ts";
import { survey } from "./mysql-survey.ts";
import { literal, quoted } from "./mysql-text.ts";

interface Ours extends Sessions {
  readonly marking: Marking;
}

/** One session holds the run's lock and is never given away; what takes long is done by a crew. */
export async function administer(maintenance: Address, dialect: Dialect): Promise<Administration> {
  const main = await connected(maintenance, dialect);
  const [, [named] = []] = await sendTo(main, [
    "set wait_timeout = 31536000, lock_wait_timeout = 5",
    "select @@version as version",
  ]);
  const closesSchemas = dialect.hasReadOnlySchemas && !/^8\.0\.([01]?\d|2[01])(?!\d)/.test(String(named?.version));
  const crew = crewOf(maintenance, dialect, 4);
  const ours: Ours = { main, crew, server: maintenance, marking: markingOf(dialect) };
  const made = new Set<string>();
  /** Databases that were to be closed while somebody was in the way. */
  const unclosed = new Set<string>();

  async function admit(database: string, anybody: boolean): Promise<void> {
    if (!closesSchemas) return;
    const done = await attempt(ours, closing(database, !anybody));
    if (done || anybody) unclosed.delete(database);
    else unclosed.add(database);
  }

  async function drop(database: string, mark: string): Promise<void> {
    const now = await markOf(ours, database);
    // A migration may have dropped what carried the mark. What we made ourselves we know without.
    if (now !== mark && !(now === undefined && made.has(database))) return;
    await endSessions(ours, database);
    const dropped = `drop database if exists ${quoted(database)}`;
    await insist(ours, database, dropped).catch(async (error: { readonly errno?: number }) => {
      if (error.errno !== schemaIsReadOnly) throw error;
      await insist(ours, database, closing(database, false));
      await insist(ours, database, dropped);
    });
    forget(maintenance, database);
    made.delete(database);
  }

  return {
    survey: () => survey(main, maintenance.database, dialect),
    async hold(run) {
      const [[row] = []] = await sendTo(main, [`select get_lock(${lockOf(run)}, 0) as got`]);
      return Number(row?.got) === 1;
    },
    async release(run) {
      await main.query(`do release_lock(${lockOf(run)})`);
    },
    async create(database, mark, from) {
      const defaults = `character set utf8mb4 collate ${dialect.collation}`;
      await createEmpty(ours, database, mark, from === undefined ? defaults : await optionsOf(ours, from));
      made.add(database);
      if (from === undefined) return;
      try {
        await cloneDatabase({ crew, server: maintenance, from, to: database });
      } catch (error) {
        await drop(database, mark).catch(() => {});
        throw error;
      }
    },
    admit,
    activity: (database) => activity(ours, database),
    async size(database) {
      const [[row] = []] = await sendTo(main, [
        `select coalesce(sum(data_length + index_length), 0) as size from information_schema.tables where table_schema = ${literal(database)}`,
      ]);
      return Number(row?.size);
    },
    async endSessions(database) {
      await endSessions(ours, database);
      if (unclosed.has(database)) await admit(database, false);
    },
    drop,
    async remark(database, mark, other) {
      if ((await markOf(ours, database)) !== mark) return;
      const closed = closesSchemas && (await isClosed(main, database));
      if (closed) await insist(ours, database, closing(database, false));
      await insist(ours, database, ours.marking.remark(database, other));
      if (closed) await admit(database, false);
    },
    marked: (prefix) => markedOn(ours, prefix),
    dropUnmarked: (database) => dropUnmarked(main, database),
    async end() {
      await Promise.allSettled([crew.end(), main.end()]);
    },
  };
}

const schemaIsReadOnly = 3989;

function closing(database: string, closed: boolean): string {
  return `alter schema ${quoted(database)} read only = ${closed ? 1 : 0}`;
}

/** Locks are known by at most 64 characters. */
function lockOf(run: string): string {
  const name = `migration-sandbox ${run}`;
  return literal(name.length <= 64 ? name : createHash("sha256").update(name).digest("hex"));
}

async function createEmpty(ours: Ours, database: string, mark: string, options: string): Promise<void> {
  try {
    await sendTo(ours.main, ours.marking.create(database, mark, options));
  } catch (error) {
    const itWasThere = (error as { readonly errno?: number }).errno === 1007;
    if (!itWasThere) await dropUnmarked(ours.main, database).catch(() => {});
    throw error;
  }
}

async function optionsOf({ main, marking }: Ours, database: string): Promise<string> {
  const [[shown] = []] = await sendTo(main, [`show create database ${quoted(database)}`]);
  return marking.optionsIn(String(shown?.["Create Database"]).slice(`CREATE DATABASE ${quoted(database)}`.length));
}

async function markOf({ main, marking }: Ours, database: string): Promise<string | undefined> {
  const [[row] = []] = await sendTo(main, [`${marking.marks} having name = ${literal(database)}`]);
  return row === undefined || row.mark === "" ? undefined : String(row.mark);
}

/** Databases by names that only sandboxes have, with nothing in them at all. */
const unmarked = `select schema_name as name from information_schema.schemata s
  where schema_name regexp '^sandbox_[0-9a-f]{16}_[0-9]+$'
    and not exists (select 1 from information_schema.tables where table_schema = s.schema_name)
    and not exists (select 1 from information_schema.routines where routine_schema = s.schema_name)
    and not exists (select 1 from information_schema.events where event_schema = s.schema_name)`;

async function markedOn({ main, marking }: Ours, prefix: string): Promise<readonly Marked[]> {
  const [carriers = [], others = []]: readonly (readonly Row[])[] = await sendTo(main, [marking.marks, unmarked]);
  const marked = carriers
    .map(({ name, mark }) => ({ database: String(name), mark: String(mark) }))
    .filter(({ mark }) => mark.startsWith(prefix));
  const bare = others.filter(({ name }) => !carriers.some((carrier) => carrier.name === name && carrier.mark !== ""));
  return [...marked, ...bare.map(({ name }) => ({ database: String(name), mark: undefined }))];
}

async function dropUnmarked(main: Connection, database: string): Promise<void> {
  const [found = []] = await sendTo(main, [`${unmarked} and schema_name = ${literal(database)}`]);
  if (found.length === 1) await main.query(`drop database ${quoted(database)}`);
}

async function isClosed(main: Connection, database: string): Promise<boolean> {
  const [[row] = []] = await sendTo(main, [
    `select options from information_schema.schemata_extensions where schema_name = ${literal(database)}`,
  ]);
  return /READ ONLY\s*=\s*1/i.test(String(row?.options ?? row?.OPTIONS));
}
