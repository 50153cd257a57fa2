import type { LeftOut, Migration } from "../chain.ts";
import type { EngineName } from "../database.ts";
import { forEngine } from "../database.ts";
import { HarnessError } from "../errors.ts";
import type { Migrator } from "../migrator.ts";
import { asAsked } from "./asked.ts";
import { enginesOf, hashOf, inPieces } from "./drizzle-sql.ts";
import type { Folder, Format, ReadOptions } from "./format.ts";
import { recordTable } from "./record-table.ts";
import { refused } from "./refused.ts";

/**
 * Drizzle's `meta/_journal.json`, which names the files in their order and when each was made. Its migrator compares that
 * time with the newest one recorded and with nothing else: whatever is not newer never runs.
 */
export const drizzle: Format = {
  name: "drizzle",
  title: "Drizzle",

  async detect(folder) {
    if (!folder.files.includes(journalFile)) return undefined;
    const { dialect } = await journalOf(folder).catch((): Journal => ({ dialect: undefined, entries: [] }));
    const [engine] = dialect === undefined ? [] : (enginesOf(dialect) ?? []);
    return { by: "marker", what: journalFile, ...(engine !== undefined && { engine }) };
  },

  async read(folder, options) {
    const { dialect, entries } = await journalOf(folder);
    const engines = dialect === undefined ? (["postgres", "mysql", "mariadb"] as const) : enginesOf(dialect);
    if (engines === undefined) {
      const why = `its dialect is "${dialect}" (migrations for PostgreSQL and MySQL can be read)`;
      throw refused(folder, journalFile, why);
    }
    const migrations = await Promise.all(entries.map((entry) => migrationOf(folder, entry)));
    return { migrations, migrator: migratorFor(engines, options), ...leftOut(folder, entries), ...asAsked(options) };
  },
};

const journalFile = "meta/_journal.json";

interface Journal {
  readonly dialect: string | undefined;
  readonly entries: readonly Entry[];
}

interface Entry {
  readonly tag: string;
  /** Milliseconds since 1970. */
  readonly when: number;
}

async function journalOf(folder: Folder): Promise<Journal> {
  if (!folder.files.includes(journalFile)) {
    const message = `Cannot read migrations from "${folder.path}": it holds no ${journalFile} (name the folder that drizzle.config calls "out")`;
    throw new HarnessError("bad-input", message);
  }
  const { dialect, entries } = parsed(folder, await folder.text(journalFile));
  if (!Array.isArray(entries)) throw refused(folder, journalFile, `it has no list of "entries"`);
  for (const [i, { tag, when }] of entries.entries()) {
    if (typeof tag !== "string" || !Number.isFinite(when)) {
      throw refused(folder, journalFile, `entry ${i + 1} lacks its "tag" or the time "when" it was made`);
    }
    if (entries.findIndex((other) => other.tag === tag) < i) {
      throw refused(folder, journalFile, `it names "${tag}" twice (leave one of the two entries out)`);
    }
  }
  return { dialect, entries };
}

function parsed(folder: Folder, text: string): { dialect?: string; entries?: Entry[] } {
  try {
    return JSON.parse(text) ?? {};
  } catch (cause) {
    const conflict = text.split("\n").findIndex((line) => /^(?:<{7}|={7}|>{7})/.test(line));
    if (conflict >= 0) throw refused(folder, journalFile, "a merge left its marks in it", conflict + 1);
    throw refused(folder, journalFile, `it is not JSON: ${(cause as Error).message}`);
  }
}

async function migrationOf(folder: Folder, { tag, when }: Entry): Promise<Migration> {
  const file = `${tag}.sql`;
  if (!folder.files.includes(file)) throw refused(folder, file, `${journalFile} names it, and there is no such file`);
  const up = await inPieces(folder, file);
  return { name: tag, up, recordedAs: { id: String(when), checksum: hashOf(up.sql), facts: { when } } };
}

function leftOut({ files }: Folder, entries: readonly Entry[]): { readonly leftOut?: readonly LeftOut[] } {
  const named = new Set(entries.map(({ tag }) => `${tag}.sql`));
  const others = files.filter((file) => /^[^/]+\.sql$/.test(file) && !named.has(file)).sort();
  const why = `${journalFile} does not name it, so Drizzle never runs it`;
  return others.length === 0 ? {} : { leftOut: others.map((file) => ({ name: file.slice(0, -".sql".length), why })) };
}

function migratorFor(engines: readonly EngineName[], options: ReadOptions): Migrator {
  const { quoted, shown, schema } = recordTable(options.recordTable, {
    schema: "drizzle",
    name: "__drizzle_migrations",
  });
  const table = forEngine(quoted, options.engine) ?? "";
  return {
    title: "Drizzle",
    engines,
    transaction: "all",
    lock: "none",
    late: "skip",
    edited: "ignore",
    removed: "ignore",
    perMessage: options.multipleStatements ? "several" : "one",
    record: {
      tables: [forEngine(shown, options.engine) ?? ""],
      create: {
        postgres: `CREATE SCHEMA IF NOT EXISTS "${schema}"; CREATE TABLE IF NOT EXISTS ${quoted.postgres} (
          id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint)`,
        mysql: `create table if not exists ${quoted.mysql} (id serial primary key, hash text not null, created_at bigint)`,
      },
      async read(ask) {
        const rows = await ask(`select hash, created_at from ${table} order by id`);
        const newest = Math.max(...rows.map((row) => Number(row.created_at)));
        return {
          applied: rows.map((row) => ({ id: String(row.created_at), checksum: String(row.hash) })),
          passed: ({ facts }) => Number(facts.when) <= newest,
        };
      },
      add({ checksum, facts, literal }) {
        return {
          postgres: `insert into ${quoted.postgres} ("hash", "created_at") values (${literal(checksum)}, ${facts.when})`,
          mysql: `insert into ${quoted.mysql} (\`hash\`, \`created_at\`) values (${literal(checksum)}, ${facts.when})`,
        };
      },
    },
  };
}
