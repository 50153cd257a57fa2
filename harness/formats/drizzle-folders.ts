import type { Migration } from "../chain.ts";
import { type EngineName, engineNames, forEngine } from "../database.ts";
import { HarnessError } from "../errors.ts";
import type { Ask, Migrator } from "../migrator.ts";
import type { Row } from "../snapshot.ts";
import { asAsked } from "./asked.ts";
import { breakpoint, enginesOf, hashOf, inPieces } from "./drizzle-sql.ts";
import type { Folder, Format, ReadOptions } from "./format.ts";
import { type RecordTable, recordTable } from "./record-table.ts";
import { refused } from "./refused.ts";

/**
 * Drizzle 1.0: no journal, a folder for each migration, `20260131120000_users/migration.sql`. What runs is told by the
 * folders' names alone, so that one merged late runs.
 */
export const drizzleFolders: Format = {
  name: "drizzle-folders",
  title: "Drizzle (a folder for each migration)",

  async detect(folder) {
    const names = namesIn(folder).filter((name) => stamped.test(name));
    const [first] = names;
    // Prisma's folders look the same.
    const isAnother = [journalFile, "migration_lock.toml"].some((file) => folder.files.includes(file));
    if (first === undefined || isAnother) return undefined;
    const dialect = await dialectOf(folder).catch(() => undefined);
    const [engine] = dialect === undefined ? [] : (enginesOf(dialect) ?? []);
    const shows = { ...(engine !== undefined && { engine }) };
    const snapshot = snapshotsIn(folder)[0];
    if (snapshot !== undefined) return { by: "marker", what: snapshot, ...shows };
    for (const name of names.slice(0, 20)) {
      const file = `${name}/migration.sql`;
      const text = await folder.text(file).catch(() => "");
      if (text.includes(breakpoint)) return { by: "content", what: `${breakpoint} in ${file}` };
    }
    return { by: "names", what: `${first}/migration.sql` };
  },

  async read(folder, options) {
    if (folder.files.includes(journalFile)) {
      throw refused(folder, journalFile, "folders for each migration know no journal (run drizzle-kit up)");
    }
    const names = namesIn(folder);
    if (names.length === 0) {
      const why = "it holds no <14 digits>_<name>/migration.sql";
      throw new HarnessError("bad-input", `Cannot read migrations from "${folder.path}": ${why}`);
    }
    const dialect = await dialectOf(folder);
    const engines = dialect === undefined ? engineNames : enginesOf(dialect);
    if (engines === undefined) {
      const why = `its dialect is "${dialect}" (migrations for PostgreSQL and MySQL can be read)`;
      throw refused(folder, snapshotsIn(folder)[0] ?? "", why);
    }
    const migrations = await Promise.all(names.map((name) => migrationOf(folder, name)));
    return { migrations, migrator: migratorFor(engines, migrations, options), ...asAsked(options) };
  },
};

const journalFile = "meta/_journal.json";
const stamped = /^\d{14}/;

/** Drizzle sorts them as a reader of its server's language would. */
function namesIn({ files }: Folder): readonly string[] {
  return files.flatMap((file) => /^([^/]+)\/migration\.sql$/.exec(file)?.[1] ?? []).sort((a, b) => a.localeCompare(b));
}

function snapshotsIn(folder: Folder): readonly string[] {
  return namesIn(folder)
    .map((name) => `${name}/snapshot.json`)
    .filter((file) => folder.files.includes(file));
}

async function dialectOf(folder: Folder): Promise<string | undefined> {
  const file = snapshotsIn(folder)[0];
  if (file === undefined) return undefined;
  const text = await folder.text(file);
  return /"dialect"\s*:\s*"([^"]*)"/.exec(text)?.[1];
}

async function migrationOf(folder: Folder, name: string): Promise<Migration> {
  const file = `${name}/migration.sql`;
  const when = millisecondsOf(name);
  if (Number.isNaN(when)) {
    throw refused(folder, file, "its folder's name does not begin with 14 digits, the time at which it was made");
  }
  const up = await inPieces(folder, file);
  return { name, up, recordedAs: { id: name, checksum: hashOf(up.sql), facts: { when } } };
}

/** The first 14 characters of a name as a time in UTC; whatever overflows, a month 13, goes on in the next year. */
function millisecondsOf(name: string): number {
  const part = (from: number, to: number) => (stamped.test(name) ? Number(name.slice(from, to)) : Number.NaN);
  return Date.UTC(part(0, 4), part(4, 6) - 1, part(6, 8), part(8, 10), part(10, 12), part(12, 14));
}

function migratorFor(engines: readonly EngineName[], migrations: readonly Migration[], options: ReadOptions): Migrator {
  const book = recordTable(options.recordTable, { schema: "drizzle", name: "__drizzle_migrations" });
  const { quoted, shown, schema } = book;
  const table = forEngine(quoted, options.engine) ?? "";
  return {
    title: "Drizzle",
    engines,
    transaction: "all",
    lock: "none",
    late: "run",
    edited: "ignore",
    removed: "ignore",
    perMessage: options.multipleStatements ? "several" : "one",
    record: {
      tables: [forEngine(shown, options.engine) ?? ""],
      create: {
        postgres: `CREATE SCHEMA IF NOT EXISTS "${schema}"; CREATE TABLE IF NOT EXISTS ${quoted.postgres} (
          id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint, name text,
          applied_at timestamp with time zone DEFAULT now())`,
        mysql: `CREATE TABLE IF NOT EXISTS ${quoted.mysql} (id SERIAL PRIMARY KEY, hash TEXT NOT NULL, created_at BIGINT,
          name TEXT, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)`,
      },
      async read(ask) {
        await renew(ask, book, { migrations, engine: options.engine });
        const rows = await ask(`select hash, name from ${table} order by id`);
        return {
          applied: rows
            .filter(({ name }) => name !== null)
            .map((row) => ({ id: String(row.name), checksum: String(row.hash) })),
        };
      },
      add({ id, checksum, facts, literal }) {
        const values = `values (${literal(checksum)}, ${facts.when}, ${literal(id)})`;
        return {
          postgres: `insert into ${quoted.postgres} ("hash", "created_at", "name") ${values}`,
          mysql: `insert into ${quoted.mysql} (\`hash\`, \`created_at\`, \`name\`) ${values}`,
        };
      },
    },
  };
}

/** A table from before 1.0 knows no names: they are found by time, to the second, then by hash, as Drizzle finds them. */
async function renew(ask: Ask, book: RecordTable, { migrations, engine }: Renewal): Promise<void> {
  const table = forEngine(book.quoted, engine) ?? "";
  const inSchema = forEngine({ postgres: `'${book.schema}'`, mysql: "database()" }, engine);
  const name = forEngine({ postgres: book.name, mysql: book.shown.mysql ?? book.name }, engine);
  const named = `select 1 from information_schema.columns where table_schema = ${inSchema} and table_name = '${name}' and column_name = 'name'`;
  if ((await ask(named)).length > 0) return;
  const time = forEngine(
    { postgres: "timestamp with time zone default now()", mysql: "timestamp default current_timestamp" },
    engine,
  );
  await ask(`alter table ${table} add column name text`);
  await ask(`alter table ${table} add column applied_at ${time}`);
  for (const row of await ask(`select id, hash, created_at from ${table} order by id`)) {
    const name = matching(row, migrations)?.name;
    const literal = name === undefined ? "null" : `'${name.replaceAll("'", "''")}'`;
    await ask(`update ${table} set name = ${literal}, applied_at = null where id = ${row.id}`);
  }
}

interface Renewal {
  readonly migrations: readonly Migration[];
  readonly engine: EngineName;
}

function matching({ hash, created_at }: Row, migrations: readonly Migration[]): Migration | undefined {
  const second = Math.floor(Number(created_at) / 1000) * 1000;
  const ofThatSecond = migrations.filter(({ recordedAs }) => recordedAs?.facts?.when === second);
  if (ofThatSecond.length === 1) return ofThatSecond[0];
  const candidates = ofThatSecond.length === 0 ? migrations : ofThatSecond;
  return candidates.find(({ recordedAs }) => recordedAs?.checksum === hash);
}
