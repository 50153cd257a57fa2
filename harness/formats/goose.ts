import type { LeftOut, Migration, SqlFile } from "../chain.ts";
import { forEngine, type PerEngine } from "../database.ts";
import { HarnessError } from "../errors.ts";
import type { Migrator, RecordBook } from "../migrator.ts";
import { textAsSent } from "./as-sent.ts";
import { asAsked } from "./asked.ts";
import type { Folder, Format, ReadOptions } from "./format.ts";
import { Misread, type Section, section } from "./goose-sql.ts";
import { firstMarked } from "./marked.ts";
import { recordTable } from "./record-table.ts";
import { refused } from "./refused.ts";

/** SQL as goose reads it: `00001_users.sql` with statements behind `-- +goose Up` and `-- +goose Down`, split by lines. */
export const goose: Format = {
  name: "goose",
  title: "goose",

  async detect(folder) {
    const named = folder.files.filter((file) => versionOf(file) !== undefined && file.endsWith(".sql"));
    const file = await firstMarked(folder, named, /^--.*\+goose\s/m);
    return file === undefined ? undefined : { by: "content", what: `-- +goose in ${file}` };
  },

  async read(folder, options) {
    const numbered = versionsIn(folder);
    if (numbered.length === 0) {
      const why = "it holds no file that is named like 00001_users.sql";
      throw new HarnessError("bad-input", `Cannot read migrations from "${folder.path}": ${why}`);
    }
    const sql = numbered.filter(({ file }) => file.endsWith(".sql"));
    return {
      migrations: await Promise.all(sql.map((migration) => migrationOf(folder, migration, options))),
      migrator: migrator(numbered, options),
      ...leftOut(folder),
      ...asAsked(options),
    };
  },
};

interface Numbered {
  readonly file: string;
  readonly version: bigint;
}

/** The number before the first `_`, from 1 to the largest that its column holds. */
function versionOf(file: string): bigint | undefined {
  const digits = /^\+?(\d+)_[^/]*\.(?:sql|go)$/.exec(file)?.[1];
  if (digits === undefined || file.endsWith("_test.go")) return undefined;
  const version = BigInt(digits);
  return version >= 1n && version < 2n ** 63n ? version : undefined;
}

function versionsIn(folder: Folder): readonly Numbered[] {
  const numbered = folder.files.flatMap((file) => {
    const version = versionOf(file);
    return version === undefined ? [] : { file, version };
  });
  const inOrder = numbered.sort((a, b) =>
    a.version === b.version ? (a.file < b.file ? -1 : 1) : a.version < b.version ? -1 : 1,
  );
  for (const [i, { file, version }] of inOrder.entries()) {
    const before = inOrder[i - 1];
    if (before?.version !== version) continue;
    throw refused(
      folder,
      file,
      `"${before.file}" has the same version (which of them runs first? give one of them another version)`,
    );
  }
  return inOrder;
}

async function migrationOf(folder: Folder, { file, version }: Numbered, options: ReadOptions): Promise<Migration> {
  // Its lines end without the carriage return, in what it sends as well.
  const text = (await textAsSent(folder, file)).replaceAll("\r\n", "\n");
  const values = { ...process.env, ...options.placeholders };
  try {
    const up = section(text, "up", values);
    const down = downOf(text, values);
    return {
      name: file.slice(0, -".sql".length),
      up: asSql(folder, file, text, up),
      ...(down !== undefined && { down: asSql(folder, file, text, down) }),
      ...(!up.transaction && { transaction: false as const }),
      recordedAs: { id: String(version) },
    };
  } catch (error) {
    throw error instanceof Misread ? refused(folder, file, error.message, error.line) : error;
  }
}

/** Goose reads the way back only when it goes that way, and refuses it only then. */
function downOf(text: string, values: Parameters<typeof section>[2]): Section | undefined {
  try {
    const down = section(text, "down", values);
    return down.start === undefined ? undefined : down;
  } catch (error) {
    if (error instanceof Misread) return undefined;
    throw error;
  }
}

function asSql(folder: Folder, file: string, text: string, { start = 0, end, pieces }: Section): SqlFile {
  return { sql: text.slice(start, end), file: folder.shown(file), within: { text, start }, pieces };
}

function leftOut({ files }: Folder): { readonly leftOut?: readonly LeftOut[] } {
  const others = files
    .filter((file) => /^[^/]+\.(sql|go)$/.test(file))
    .sort()
    .flatMap((name): readonly LeftOut[] => {
      const isNumbered = versionOf(name) !== undefined;
      if (name.endsWith(".go"))
        return isNumbered ? [{ name, why: "it is written in Go, which only the product itself can run" }] : [];
      return isNumbered ? [] : [{ name, why: "goose takes no notice of a name that is not like 00001_users.sql" }];
    });
  return others.length === 0 ? {} : { leftOut: others };
}

function migrator(numbered: readonly Numbered[], options: ReadOptions): Migrator {
  return {
    title: goose.title,
    engines: ["postgres", "mysql", "mariadb"],
    transaction: "each",
    lock: "none",
    late: "refuse",
    edited: "ignore",
    removed: "ignore",
    record: record(numbered, options),
  };
}

/** A row for each time that a version was applied, or by older gooses taken back; the first row is version 0. */
function record(numbered: readonly Numbered[], { engine, recordTable: given }: ReadOptions): RecordBook {
  const { quoted, shown, name } = recordTable(given, { name: "goose_db_version" });
  const begin = (table: string) =>
    `insert into ${table} (version_id, is_applied) select 0, true from (select 1 as one) as nothing where not exists (select 1 from ${table})`;
  const insert = (table: string, id: string) => `insert into ${table} (version_id, is_applied) values (${id}, true)`;
  const inCode = new Map(
    numbered.flatMap(({ file, version }) => (file.endsWith(".go") ? [[String(version), file]] : [])),
  );
  return {
    tables: [forEngine(shown, engine) ?? name],
    create: {
      postgres:
        `create table if not exists ${quoted.postgres} (id integer primary key generated by default as identity, ` +
        "version_id bigint not null, is_applied boolean not null, tstamp timestamp not null default now()); " +
        begin(quoted.postgres),
      mysql:
        `create table if not exists ${quoted.mysql} (id bigint(20) unsigned not null auto_increment, ` +
        "version_id bigint not null, is_applied boolean not null, tstamp datetime null default current_timestamp, " +
        `primary key (id)); ${begin(quoted.mysql)}`,
    },
    async read(ask) {
      const rows = await ask(`select version_id, is_applied from ${forEngine(quoted, engine)} order by id`);
      const applied = new Set<string>();
      for (const row of rows) {
        const id = inCode.get(String(row.version_id)) ?? String(row.version_id);
        applied.delete(id);
        if (Number(row.is_applied) === 1 && id !== "0") applied.add(id);
      }
      return { applied: [...applied].map((id) => ({ id })) };
    },
    add({ id }): PerEngine<string> {
      return { postgres: insert(quoted.postgres, id), mysql: insert(quoted.mysql, id) };
    },
    back: {
      remove: ({ id }) => ({
        postgres: `delete from ${quoted.postgres} where version_id = ${id}`,
        mysql: `delete from ${quoted.mysql} where version_id = ${id}`,
      }),
    },
  };
}
