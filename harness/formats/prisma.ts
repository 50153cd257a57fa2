import { createHash, randomUUID } from "node:crypto";
import type { LeftOut, Migration } from "../chain.ts";
import { type EngineName, engineNames, forEngine, type PerEngine } from "../database.ts";
import { HarnessError } from "../errors.ts";
import type { Applied, Migrator, RecordBook } from "../migrator.ts";
import { textAsSent } from "./as-sent.ts";
import { asAsked } from "./asked.ts";
import type { Folder, Format, ReadOptions } from "./format.ts";
import { recordTable } from "./record-table.ts";
import { refused } from "./refused.ts";

/** SQL as `prisma migrate deploy` reads it: a folder for each migration with a `migration.sql`, which is sent whole. */
export const prisma: Format = {
  name: "prisma",
  title: "Prisma",

  async detect(folder) {
    if (!folder.files.includes(lock)) return undefined;
    const provider = (await providerOf(folder))?.name;
    const engine = engineNames.find((engine) => providers[engine] === provider);
    return { by: "marker", what: lock, ...(engine !== undefined && { engine }) };
  },

  async read(folder, options) {
    await refuseOtherEngine(folder, options.engine);
    const names = [...new Set(folder.files.flatMap((file) => /^([^/]+)\//.exec(file)?.[1] ?? []))].sort();
    if (names.length === 0) {
      const why = "it holds no folder with a migration.sql";
      throw new HarnessError("bad-input", `Cannot read migrations from "${folder.path}": ${why}`);
    }
    const migrations = await Promise.all(names.map((name) => migrationOf(folder, name)));
    return { migrations, migrator: migrator(migrations, options), ...leftOut(folder), ...asAsked(options) };
  },
};

const lock = "migration_lock.toml";

/** As the lock file names our engines. */
const providers: PerEngine<string> = { postgres: "postgresql", mysql: "mysql" };

/** The provider as the tool finds it: on the first line that begins so. */
async function providerOf(folder: Folder): Promise<{ readonly name: string; readonly line: number } | undefined> {
  const lines = (await folder.text(lock)).split(/\r?\n/);
  const at = lines.findIndex((line) => line.startsWith("provider"));
  const name = /^provider\s*=\s*"?([^"]*)"?/.exec(lines[at] ?? "")?.[1]?.trim();
  return name === undefined ? undefined : { name, line: at + 1 };
}

async function refuseOtherEngine(folder: Folder, engine: EngineName): Promise<void> {
  if (!folder.files.includes(lock)) return;
  const wanted = forEngine(providers, engine);
  const provider = await providerOf(folder);
  if (provider === undefined) throw refused(folder, lock, `it names no provider (write provider = "${wanted}")`);
  if (provider.name === wanted) return;
  const way = "choose the engine that they are written for";
  const why = `the migrations are for "${provider.name}", and "${engine}" wants "${wanted}" (${way})`;
  throw refused(folder, lock, why, provider.line);
}

async function migrationOf(folder: Folder, name: string): Promise<Migration> {
  const file = `${name}/migration.sql`;
  if (!folder.files.includes(file))
    throw refused(folder, name, "it holds no migration.sql (add it, or remove the folder)");
  const sql = await textAsSent(folder, file);
  return {
    name,
    up: { sql, file: folder.shown(file), pieces: [{ sql, offset: 0 }] },
    recordedAs: { id: name, checksum: sha256(sql) },
  };
}

function sha256(sql: string): string {
  return createHash("sha256").update(sql).digest("hex");
}

function leftOut({ files }: Folder): { readonly leftOut?: readonly LeftOut[] } {
  const why = "Prisma reads nothing but the migration.sql of each folder";
  const others = files.filter((file) => file.endsWith(".sql") && !/^[^/]+\/(migration|down)\.sql$/.test(file));
  return others.length === 0 ? {} : { leftOut: others.sort().map((name) => ({ name, why })) };
}

function migrator(shipped: readonly Migration[], options: ReadOptions): Migrator {
  return {
    title: prisma.title,
    engines: ["postgres", "mysql", "mariadb"],
    transaction: "none",
    lock: "wait",
    late: "run",
    edited: "ignore",
    removed: "ignore",
    record: record(shipped, options),
  };
}

/** A row is there once a migration begins, and finished once it came through. */
function record(shipped: readonly Migration[], { engine, recordTable: given, prelude }: ReadOptions): RecordBook {
  const schema = prelude?.session === undefined ? { schema: "public" } : {};
  const { quoted, shown, name } = recordTable(given, { ...schema, name: "_prisma_migrations" });
  const sql = (told: (table: string, now: string) => string): PerEngine<string> => ({
    postgres: told(quoted.postgres, "clock_timestamp()"),
    mysql: told(quoted.mysql, "utc_timestamp(3)"),
  });
  // There is one at most: the tool goes no further while it is there.
  const begun = (checksum: string) => `checksum = ${checksum} and finished_at is null and rolled_back_at is null`;
  return {
    tables: [forEngine(shown, engine) ?? name],
    create: {
      postgres: `create table if not exists ${quoted.postgres} (${columns("timestamptz", "now()", "integer")})`,
      mysql:
        `create table if not exists ${quoted.mysql} ` +
        `(${columns("datetime(3)", "current_timestamp(3)", "integer unsigned")}) ` +
        "default character set utf8mb4 collate utf8mb4_unicode_ci",
    },
    async read(ask) {
      const rows = await ask(
        `select migration_name, checksum, finished_at, rolled_back_at from ${forEngine(quoted, engine)} order by started_at`,
      );
      const standing = rows.filter((row) => row.rolled_back_at === null);
      const failed = standing.find((row) => row.finished_at === null);
      const applied = standing
        .filter((row) => row.finished_at !== null)
        .map((row) => asShipped({ id: String(row.migration_name), checksum: String(row.checksum) }, shipped));
      if (failed === undefined) return { applied };
      const id = String(failed.migration_name);
      const way = `mend the database by hand, then "prisma migrate resolve"`;
      return { applied, halfDone: { message: `its record holds "${id}" as begun and not finished (${way})`, id } };
    },
    begin: ({ id, checksum, literal }) =>
      sql((table, now) => {
        const values = [randomUUID(), checksum, id].map(literal).join(", ");
        return `insert into ${table} (id, checksum, migration_name, started_at) values (${values}, ${now})`;
      }),
    add: ({ checksum, literal }) =>
      sql(
        (table) =>
          `update ${table} set applied_steps_count = applied_steps_count + 1 where ${begun(literal(checksum))}`,
      ),
    end: ({ checksum, literal }) =>
      sql((table, now) => `update ${table} set finished_at = ${now} where ${begun(literal(checksum))}`),
  };
}

function columns(time: string, now: string, count: string): string {
  return [
    "id varchar(36) primary key not null",
    "checksum varchar(64) not null",
    `finished_at ${time}`,
    "migration_name varchar(255) not null",
    "logs text",
    `rolled_back_at ${time}`,
    `started_at ${time} not null default ${now}`,
    `applied_steps_count ${count} not null default 0`,
  ].join(", ");
}

/** Other line ends are no other text for Prisma, and it once wrote its checksums without their leading zeros. */
function asShipped(applied: Applied, shipped: readonly Migration[]): Applied {
  const migration = shipped.find(({ name }) => name === applied.id);
  const checksum = migration?.recordedAs?.checksum;
  if (migration === undefined || checksum === undefined || checksum === applied.checksum) return applied;
  const { sql = "" } = migration.up as { sql?: string };
  const same = [sql, sql.replaceAll("\r\n", "\n"), sql.replaceAll("\n", "\r\n")].map(sha256);
  const unpadded = (hex: string) => hex.replace(/(..)/g, (byte) => byte.replace(/^0/, ""));
  const isSame = same.some((hex) => hex === applied.checksum || unpadded(hex) === applied.checksum);
  return isSame ? { ...applied, checksum } : applied;
}
