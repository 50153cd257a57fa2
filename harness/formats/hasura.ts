import type { LeftOut, Migration, SqlFile } from "../chain.ts";
import { HarnessError } from "../errors.ts";
import type { Migrator } from "../migrator.ts";
import { textAsSent } from "./as-sent.ts";
import { asAsked } from "./asked.ts";
import type { Folder, Format } from "./format.ts";
import { refuseOtherTable } from "./record-table.ts";
import { refused } from "./refused.ts";

/**
 * Hasura's `1706702400000_users/up.sql` and `down.sql`, of one database: `migrations/default`, or a folder that holds
 * nothing else. Its engine runs each in a transaction; `-- hasura:no-transaction` in the first line opts out. The record
 * is the table that its CLI kept up to 1.3. Later ones keep it in the engine's own metadata, which is read where it is there.
 */
export const hasura: Format = {
  name: "hasura",
  title: "Hasura",

  async detect(folder) {
    const entries = databasesIn(folder)
      .flatMap((base) => entriesIn(folder, base))
      .filter(({ file }) => file.endsWith("/up.sql"));
    const [first] = entries;
    const folders = folder.files.filter((file) => /(?:^|\/)[^/.][^/]*\/up\.sql$/.test(file));
    // Seconds and dashes are Diesel's way, and so is what it writes first.
    if (first === undefined || entries.length < folders.length || entries.every(({ version }) => version.length === 14))
      return undefined;
    return { by: "names", what: first.file, engine: "postgres" };
  },

  async read(folder, options) {
    refuseOtherTable(folder, "Hasura", options.recordTable, table);
    const versions = await versionsIn(folder);
    const migrations = await Promise.all(
      versions.filter(({ up }) => up !== undefined).map((of) => migrationOf(folder, of)),
    );
    return { migrations, migrator, ...leftOut(folder, versions), ...asAsked(options) };
  },
};

interface Entry {
  readonly file: string;
  readonly version: string;
  readonly name: string;
  readonly direction: string;
  readonly type: string;
}

/** A folder for each migration, or, as in its first version, files: `1_x/up.sql` as `1_x.up.sql`. */
function entriesIn({ files }: Folder, base: string): readonly Entry[] {
  return files.flatMap((file) => {
    const parts = file.startsWith(base) ? file.slice(base.length).split("/") : [];
    const [, name, version, direction, type] = /^(([0-9]+)_.*)\.(up|down)\.(sql|yaml)$/.exec(parts.join(".")) ?? [];
    if (parts.length > 2 || !name || !version || !direction || !type) return [];
    return [{ file, name, version, direction, type }];
  });
}

/** The folders of databases, where the folder holds those. */
function databasesIn({ files }: Folder): readonly string[] {
  if (files.some((file) => /^[0-9]+_[^/]*(?:\/|\.)up\./.test(file))) return [""];
  const databases = files.flatMap((file) => /^([^/]+\/)[^/]+\/up\.(?:sql|yaml)$/.exec(file)?.[1] ?? []);
  return databases.length === 0 ? [""] : [...new Set(databases)].sort();
}

interface Version {
  readonly version: string;
  readonly name: string;
  readonly up?: string;
  readonly down?: string;
  readonly metadata?: string;
}

/** In the order of their numbers. Files that are empty are not there for Hasura. */
async function versionsIn(folder: Folder): Promise<readonly Version[]> {
  const [database = "", another] = databasesIn(folder);
  if (another !== undefined) {
    const names = databasesIn(folder).map((name) => JSON.stringify(name.slice(0, -1)));
    const message = `Cannot read migrations from "${folder.path}": it holds those of several databases: ${names.join(", ")} (name one of these folders)`;
    throw new HarnessError("bad-input", message);
  }
  const entries = entriesIn(folder, database);
  if (entries.length === 0) {
    const message = `Cannot read migrations from "${folder.path}": it holds no <number>_<name>/up.sql`;
    throw new HarnessError("bad-input", message);
  }
  const versions = new Map<string, { -readonly [K in keyof Version]: Version[K] }>();
  for (const { file, version, name, direction, type } of [...entries].sort((a, b) => (a.file < b.file ? -1 : 1))) {
    const number = String(BigInt(version));
    const known = versions.get(number) ?? { version: number, name };
    if (known.name !== name) {
      throw refused(folder, file, `"${known.name}" has the number ${number} too (give one of them another)`);
    }
    const text = await textAsSent(folder, file);
    const slot = type === "sql" ? (direction === "up" ? "up" : "down") : direction === "up" ? "metadata" : undefined;
    if (slot !== undefined && (type === "sql" ? text : text.replace(/^\s*\[\s*\]\s*$/, "").trim()) !== "")
      known[slot] = file;
    versions.set(number, known);
  }
  for (const { name, up, down, metadata } of versions.values()) {
    if (down === undefined || up !== undefined || metadata !== undefined) continue;
    throw refused(folder, down, `there is nothing in "${name}" that it takes back (write its up.sql)`);
  }
  return [...versions.values()]
    .filter(({ up, metadata }) => up !== undefined || metadata !== undefined)
    .sort((a, b) => (BigInt(a.version) < BigInt(b.version) ? -1 : 1));
}

async function migrationOf(folder: Folder, { name, version, up = "", down }: Version): Promise<Migration> {
  const [text, back] = await Promise.all([textAsSent(folder, up), down && textAsSent(folder, down)]);
  const alone = text.split("\n")[0]?.trim() === "-- hasura:no-transaction";
  const sent = (sql: string, file: string): SqlFile => ({ sql, file: folder.shown(file) });
  return {
    name,
    up: { ...sent(text, up), ...(alone && { pieces: [{ sql: text, offset: 0 }] }) },
    ...(down !== undefined && { down: sent(back ?? "", down) }),
    ...(alone && { transaction: false as const }),
    recordedAs: { id: version },
  };
}

function leftOut(folder: Folder, versions: readonly Version[]): { readonly leftOut?: readonly LeftOut[] } {
  const metadata = versions.flatMap(({ metadata }) => metadata ?? []);
  const unnamed = folder.files.filter((file) => /^[0-9]+\/up\.sql$/.test(file)).sort();
  const left = [
    ...metadata.map((name) => ({ name, why: "it is metadata, which only Hasura itself can apply" })),
    ...unnamed.map((name) => ({ name, why: "its folder's name has no _ behind the number, so Hasura passes it over" })),
  ];
  return left.length === 0 ? {} : { leftOut: left };
}

const table = "hdb_catalog.schema_migrations";

const migrator: Migrator = {
  title: "Hasura",
  engines: ["postgres"],
  transaction: "each",
  lock: "none",
  late: "run",
  edited: "ignore",
  removed: "ignore",
  record: {
    tables: [table],
    create: {
      postgres: `create schema if not exists hdb_catalog;
        create table if not exists ${table} (version bigint not null primary key, dirty boolean not null)`,
    },
    async read(ask) {
      const versions = [await ask(`select version from ${table} order by version`)];
      const [catalogue] = await ask("select to_regclass('hdb_catalog.hdb_version') is not null as there");
      if (catalogue?.there === true) versions.push(await ask(inMetadata));
      const ids = new Set(versions.flat().map(({ version }) => String(version)));
      return { applied: [...ids].map((id) => ({ id })) };
    },
    add: ({ id }) => ({ postgres: `insert into ${table} (version, dirty) values (${id}, false)` }),
    back: { remove: ({ id }) => ({ postgres: `delete from ${table} where version = ${id}` }) },
  },
};

/** `{"migrations": {"default": {"1706702400000": false}}}` */
const inMetadata = `select held.id as version from hdb_catalog.hdb_version,
  jsonb_each(case jsonb_typeof(cli_state -> 'migrations') when 'object' then cli_state -> 'migrations' else '{}' end) as source(name, versions),
  jsonb_object_keys(source.versions) as held(id) order by held.id::numeric`;
