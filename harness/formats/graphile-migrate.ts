import type { LeftOut, Migration, SqlFile } from "../chain.ts";
import { HarnessError } from "../errors.ts";
import type { Migrator } from "../migrator.ts";
import { asAsked } from "./asked.ts";
import type { Folder, Format, ReadOptions } from "./format.ts";
import { type Committed, committedIn, linked } from "./graphile-committed.ts";
import { refuseOtherTable } from "./record-table.ts";

/**
 * graphile-migrate's `committed/000001.sql`: each names the hash of the one before, which is verified as the tool does.
 * `current.sql` is not shipped before it is committed. What it included stands in the committed file; an `--!include` that
 * is left there is a comment.
 */
export const graphileMigrate: Format = {
  name: "graphile-migrate",
  title: "graphile-migrate",

  async detect(folder) {
    for (const file of committedIn(folder).slice(0, 1)) {
      const text = await folder.text(file).catch(() => "");
      const header = /^--! (?:Previous|Hash): .*$/m.exec(text)?.[0];
      if (header !== undefined) return { by: "content", what: `${header.trim()} in ${file}`, engine: "postgres" };
    }
    return undefined;
  },

  async read(folder, options) {
    refuseOtherTable(folder, "graphile-migrate", options.recordTable, "graphile_migrate.migrations");
    const files = committedIn(folder);
    const uncommitted = await leftOut(folder);
    if (files.length === 0 && uncommitted.leftOut === undefined) {
      const message = `Cannot read migrations from "${folder.path}": it holds no committed/000001.sql`;
      throw new HarnessError("bad-input", message);
    }
    const committed = await linked(folder, files);
    const migrations = committed.map((migration) => migrationOf(folder, migration, options));
    return { migrations, migrator, ...uncommitted, ...asAsked(options) };
  },
};

function migrationOf(folder: Folder, committed: Committed, options: ReadOptions): Migration {
  const { file, text, start, number, hash, previous } = committed;
  const sql = filledIn(committed, options);
  const place = { file: folder.shown(file), within: { text: text.slice(0, start) + sql, start } };
  const [first = ""] = sql.split("\n");
  const alone = /^--!\s*no-transaction\b/.test(first);
  return {
    name: (file.split("/").at(-1) ?? file).slice(0, -".sql".length),
    up: { sql, ...place, ...(alone && { pieces: [{ sql, offset: 0 }] }), ...standInsOf(sql) },
    ...(alone && { transaction: false as const }),
    recordedAs: { id: `${number}.sql`, checksum: hash, facts: { previous: previous ?? "" } },
  };
}

/** `:NAME` is replaced wherever it stands, and only a word's end ends it. */
function filledIn({ body }: Committed, { placeholders = {} }: ReadOptions): string {
  const names = Object.keys(placeholders);
  if (names.length === 0) return body;
  const any = new RegExp(`(?:${names.map((name) => name.replace(/[-/\\^$*+?.()|[\]{}]/g, "\\$&")).join("|")})\\b`, "g");
  return body.replace(any, (name) => placeholders[name] ?? "");
}

/** What graphile-migrate itself knows: the database that it migrates, and whom it takes for its owner. */
function standInsOf(sql: string): Pick<SqlFile, "standIns"> {
  const standIns = { ":DATABASE_NAME": "database", ":DATABASE_OWNER": "user" } as const;
  return /:DATABASE_(?:NAME|OWNER)\b/.test(sql) ? { standIns } : {};
}

/** What is written and not yet committed; what `graphile-migrate init` leaves there is nothing. */
async function leftOut(folder: Folder): Promise<{ readonly leftOut?: readonly LeftOut[] }> {
  const files = folder.files.filter((file) => /^current(?:\.sql|\/[^./][^/]*\.sql)$/.test(file)).sort();
  const texts = await Promise.all(files.map((file) => folder.text(file)));
  const written = files.filter((_, i) => texts[i]?.replace(/--[^\n]*|\/\*.*?\*\//gs, "").trim() !== "");
  const why = "it is not committed, and graphile-migrate ships committed migrations only";
  return written.length === 0 ? {} : { leftOut: written.map((name) => ({ name, why })) };
}

const migrator: Migrator = {
  title: "graphile-migrate",
  engines: ["postgres"],
  transaction: "each",
  lock: "refuse",
  late: "skip",
  edited: "ignore",
  removed: "ignore",
  record: {
    tables: ["graphile_migrate.migrations", "graphile_migrate.current"],
    create: {
      postgres: `create schema if not exists graphile_migrate;
        create table if not exists graphile_migrate.migrations (hash text primary key,
          previous_hash text references graphile_migrate.migrations, filename text not null,
          date timestamptz not null default now());
        create table if not exists graphile_migrate.current (filename text primary key default 'current.sql',
          content text not null, date timestamptz not null default now())`,
    },
    async read(ask) {
      const rows = await ask("select filename, hash from graphile_migrate.migrations order by filename");
      const newest = String(rows.at(-1)?.filename ?? "");
      return {
        applied: rows.map(({ filename, hash }) => ({ id: String(filename), checksum: String(hash) })),
        passed: ({ id }) => id <= newest,
      };
    },
    add({ id, checksum, facts, literal }) {
      const previous = facts.previous === "" ? "null" : literal(String(facts.previous));
      return {
        postgres: `insert into graphile_migrate.migrations (hash, previous_hash, filename) values (${literal(checksum)}, ${previous}, ${literal(id)})`,
      };
    },
  },
};
