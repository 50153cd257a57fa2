import type { LeftOut, Migration, SqlFile } from "../chain.ts";
import type { EngineName } from "../database.ts";
import type { Migrator, RecordBook } from "../migrator.ts";
import { asAsked, filledIn } from "./asked.ts";
import { codeAmong } from "./code.ts";
import { dialectNamed, fits } from "./dialect.ts";
import type { Folder, Format, ReadOptions } from "./format.ts";
import { unquotedTable } from "./record-table.ts";
import { lineOf, refused } from "./refused.ts";

/**
 * SQL of Ory's products, as their popx reads it: `20240101_users.up.sql`, a dialect's own file beside it
 * (`20240101_users.mysql.up.sql`), and `.autocommit` for what runs outside a transaction.
 */
export const ory: Format = {
  name: "ory",
  title: "Ory popx",

  async detect({ files }) {
    const named = files.flatMap((file) => parsed(file) ?? []);
    // Without dialects it reads like golang-migrate, and it is that more often.
    const telling = named.find(({ dialect, autocommit }) => dialect !== undefined || autocommit);
    return telling === undefined ? undefined : { by: "names", what: `the name of ${telling.file}` };
  },

  async read(folder, options) {
    const named = folder.files.flatMap((file) => parsed(file) ?? []);
    refuseWithoutDown(folder, named);
    const up = theOnes(folder, named, "up", options.engine);
    const down = theOnes(folder, named, "down", options.engine);
    const migrations = up.map((file) => {
      const back = down.find(({ version }) => version === file.version);
      return migrationOf(folder, file, back, options);
    });
    return {
      migrations: await Promise.all(migrations),
      migrator: migrator(up, options),
      ...leftOut(folder),
      ...asAsked(options),
    };
  },
};

/** What a file's name says of it. */
interface Named {
  readonly file: string;
  readonly version: string;
  readonly name: string;
  readonly dialect: EngineName | "another" | undefined;
  readonly autocommit: boolean;
  readonly direction: string;
}

function parsed(file: string): Named | undefined {
  const name = file.slice(file.lastIndexOf("/") + 1);
  const found = /^(\d+)_([^.]+)(\.[a-z0-9]+?)?(\.autocommit)?\.(up|down)\.sql$/.exec(name);
  if (found === null) return undefined;
  const [, version = "", title = "", dialect, autocommit, direction = ""] = found;
  const word = dialect?.slice(1);
  return {
    file,
    version,
    name: `${version}_${title}`,
    // A word that is no dialect is one that popx does not know either: it leaves the file alone.
    dialect: word === undefined || word === "autocommit" ? undefined : (dialectNamed(word) ?? "another"),
    autocommit: autocommit !== undefined || word === "autocommit",
    direction,
  };
}

function refuseWithoutDown(folder: Folder, named: readonly Named[]): void {
  const downs = new Set(named.filter(({ direction }) => direction === "down").map(({ version }) => version));
  const alone = named.find(({ direction, version }) => direction === "up" && !downs.has(version));
  if (alone === undefined) return;
  throw refused(
    folder,
    alone.file,
    `version ${alone.version} has no down file, and popx wants one (add it; it may be empty)`,
  );
}

/** For each version the file that is written for the engine, or the one for all. */
function theOnes(folder: Folder, named: readonly Named[], direction: string, engine: EngineName): readonly Named[] {
  const rank = ({ dialect }: Named) => (dialect === undefined ? 0 : fits(dialect, engine));
  const ours = named
    .filter((file) => file.direction === direction && (file.dialect === undefined || rank(file) > 0))
    .sort((a, b) => (a.version < b.version ? -1 : a.version > b.version ? 1 : rank(b) - rank(a)));
  return ours.filter((file, i) => {
    const before = ours[i - 1];
    if (before?.version !== file.version) return true;
    if (rank(before) === rank(file)) {
      const why = `"${before.file}" has the same version (give one of them another)`;
      throw refused(folder, file.file, why);
    }
    return false;
  });
}

async function migrationOf(
  folder: Folder,
  up: Named,
  down: Named | undefined,
  options: ReadOptions,
): Promise<Migration> {
  return {
    name: up.name,
    up: await read(folder, up, options),
    ...(down !== undefined && { down: { ...(await read(folder, down, options)), transaction: !down.autocommit } }),
    ...(up.autocommit && { transaction: false as const }),
    recordedAs: { id: up.version },
  };
}

async function read(folder: Folder, { file, autocommit }: Named, options: ReadOptions): Promise<SqlFile> {
  const sql = filledIn(await folder.text(file), options);
  const template = sql.indexOf("{{");
  if (template >= 0) {
    const why = "it is a Go template, which only the product itself can fill in (drive it instead: command(…))";
    throw refused(folder, file, why, lineOf(sql, template));
  }
  return { sql, file: folder.shown(file), ...(autocommit && { pieces: [{ sql, offset: 0 }] }) };
}

function leftOut({ files }: Folder): { readonly leftOut?: readonly LeftOut[] } {
  const fizz = files.filter((file) => /^\d+_[^./]+\.up\.fizz$/.test(file.slice(file.lastIndexOf("/") + 1)));
  const why = "it is written in Fizz, which only Ory's own migrator turns into SQL";
  const left = [...fizz.sort().map((name) => ({ name, why })), ...codeAmong(files)];
  return left.length === 0 ? {} : { leftOut: left };
}

function migrator(shipped: readonly Named[], { recordTable, engine }: ReadOptions): Migrator {
  return {
    title: ory.title,
    engines: ["postgres", "mysql", "mariadb"],
    transaction: "each",
    lock: "none",
    late: "run",
    edited: "ignore",
    removed: "ignore",
    record: record(
      unquotedTable(recordTable, "schema_migration", engine),
      shipped.map(({ version }) => version),
    ),
  };
}

function record(table: string, shipped: readonly string[]): RecordBook {
  const bare = table.replace(/\W/g, "");
  const columns = "version varchar(48) not null, version_self int not null default 0";
  return {
    tables: [table],
    create: {
      postgres:
        `create table if not exists ${table} (${columns}); ` +
        `create unique index if not exists ${bare}_version_idx on ${table} (version); ` +
        `create index if not exists ${bare}_version_self_idx on ${table} (version_self)`,
      mysql:
        `create table if not exists ${table} (${columns}, ` +
        `unique index ${bare}_version_idx (version), index ${bare}_version_self_idx (version_self))`,
    },
    async read(ask) {
      const rows = await ask(`select version from ${table} order by version`);
      const recorded = new Set(rows.map((row) => String(row.version)));
      // Ory lengthened its stamps once: what is recorded by the first 14 digits is not run again.
      const lengthened = shipped.filter((version) => version.length > 14 && recorded.has(version.slice(0, 14)));
      return { applied: [...new Set([...recorded, ...lengthened])].map((id) => ({ id })) };
    },
    add({ id, literal }) {
      const sql = `insert into ${table} (version) values (${literal(id)})`;
      return { postgres: sql, mysql: sql };
    },
    back: {
      remove({ id, literal }) {
        const sql = `delete from ${table} where version = ${literal(id)}`;
        return { postgres: sql, mysql: sql };
      },
    },
  };
}
