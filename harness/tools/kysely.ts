import { basename, extname } from "node:path";
import type * as Library from "kysely";
import type { MigrationSource } from "../chain.ts";
import { forEngine, type PerEngine } from "../database.ts";
import type { Driving } from "../driver.ts";
import { mysqlPool, pgPool } from "./clients.ts";
import { drivenOn, during } from "./driven.ts";
import { codeIn, pathOf, upTo, type Where } from "./files.ts";
import { type Exports, loaded } from "./loaded.ts";
import { theirs, type Wanting } from "./theirs.ts";

/** What a release's migrations of Kysely are, beside their folder; named as Kysely's migrator names them. */
export interface KyselyMigrations {
  /** The last migration that the release ships; all of the folder's unless said. */
  readonly upTo?: string;
  readonly migrationTableName?: string;
  readonly migrationLockTableName?: string;
  readonly migrationTableSchema?: string;
  readonly allowUnorderedMigrations?: boolean;
  readonly disableTransactions?: boolean;
  /** The folder from which "kysely" is looked for, if not from that of the migrations or the working folder. */
  readonly from?: string;
  /** Opens the product's own Kysely on the sandbox, where ours will not do; it is destroyed afterwards. */
  readonly open?: (at: Driving) => unknown;
}

/**
 * Migrations of Kysely, run by the migrator of the product's own Kysely: its order, its record, its lock, its refusals.
 * TypeScript needs no build.
 *
 * @throws {HarnessError} `bad-input` for a folder that cannot be read, a last migration that is not in it, or where
 * "kysely" or the client that it speaks through (`pg`, `mysql2`) is not installed
 * @example
 * ```ts
 * import { kyselyMigrations, release } from "migration-sandbox";
 * const folder = new URL("./migrations/", import.meta.url);
 * const first = release("1.0", { migrations: kyselyMigrations(folder, { upTo: "0007_users" }) });
 * console.assert("read" in first.migrations);
 * ```
 */
export function kyselyMigrations(folder: Where, options: KyselyMigrations = {}): MigrationSource {
  const { upTo: last, from, open, ...how } = options;
  const wanting: Wanting = { tool: "Kysely", folder: pathOf(folder), from };
  const schema = how.migrationTableSchema === undefined ? "" : `${how.migrationTableSchema}.`;
  const { migrationTableName = "kysely_migration", migrationLockTableName = "kysely_migration_lock" } = how;
  const shipped = async () => upTo(last, await migrationsIn(wanting.folder), ({ name }) => name);
  return drivenOn(["postgres", "mysql", "mariadb"], {
    title: "Kysely",
    recordTables: [`${schema}${migrationTableName}`, `${schema}${migrationLockTableName}`],
    ships: async () => (await shipped()).map(({ name }) => name),
    async migrate(at) {
      const files = await shipped();
      const kysely = await theirs<typeof Library>("kysely", wanting);
      const db = (await (open ?? ours(kysely, wanting))(at)) as Library.Kysely<unknown>;
      const provider = { getMigrations: () => telling(files, at) };
      await during(
        at,
        () => db.destroy(),
        async () => {
          const { error } = await new kysely.Migrator({ db, provider, ...how }).migrateToLatest();
          if (error !== undefined) throw error;
        },
      );
    },
  });
}

interface File {
  readonly name: string;
  readonly path: string;
}

/** In Kysely's order, by name without the ending; of a name with several endings the last one holds. */
async function migrationsIn(folder: string): Promise<readonly File[]> {
  const files = (await codeIn(folder)).filter((path) => !/\.c[jt]s$/.test(path));
  const byName = new Map(files.map((path) => [basename(path, extname(path)), path]));
  return [...byName].map(([name, path]) => ({ name, path })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function ours({ Kysely, PostgresDialect, MysqlDialect }: typeof Library, wanting: Wanting) {
  const dialects: PerEngine<(at: Driving) => Promise<Library.Dialect>> = {
    postgres: async (at) => new PostgresDialect({ pool: (await pgPool(at, wanting)) as never }),
    mysql: async (at) => new MysqlDialect({ pool: (await mysqlPool(at, wanting, "mysql2")) as never }),
  };
  return async (at: Driving) => {
    const dialect = await forEngine(dialects, at.engine)?.(at);
    return new Kysely({ dialect: dialect as Library.Dialect, log: () => {} });
  };
}

/** What Kysely asks for its migrations, and what tells of each that runs. A file without an `up` is none. */
async function telling(files: readonly File[], { begun, done }: Driving) {
  const migrations: { [name: string]: Library.Migration } = {};
  for (const { name, path } of files) {
    const code = migrationIn(await loaded(path));
    if (code === undefined) continue;
    const up = async (db: Library.Kysely<unknown>) => {
      begun(name);
      await code.up(db);
      done(name);
    };
    migrations[name] = { up };
  }
  return migrations;
}

function migrationIn(module: Exports): Library.Migration | undefined {
  const isMigration = (value: unknown) => typeof (value as Exports | undefined)?.up === "function";
  return [module.default, module].find(isMigration) as Library.Migration | undefined;
}
