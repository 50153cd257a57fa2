import { extname, join } from "node:path";
import type { MigrationSource } from "../chain.ts";
import type { Database } from "../database.ts";
import type { Driving } from "../driver.ts";
import { engineNamed } from "../engines/named.ts";
import { endKnex } from "../sandbox.ts";
import { drivenOn, during } from "./driven.ts";
import { namesIn, pathOf, upTo, type Where } from "./files.ts";
import { loaded } from "./loaded.ts";

/** What a release's migrations of Knex are, beside their folder; named as in a knexfile where Knex has such a thing. */
export interface KnexMigrations {
  /** The last migration that the release ships; all of the folder's unless said. */
  readonly upTo?: string;
  readonly tableName?: string;
  readonly schemaName?: string;
  readonly loadExtensions?: readonly string[];
  readonly sortDirsSeparately?: boolean;
  readonly disableTransactions?: boolean;
  readonly disableMigrationsListValidation?: boolean;
  /** How the record names a file, where a build gives it another ending: `(file) => file.replace(/\.ts$/, ".js")`. */
  readonly recordedAs?: (file: string) => string;
  /** Opens the product's own Knex on the sandbox, where ours will not do; it is destroyed afterwards. */
  readonly open?: (at: Driving) => Database | Promise<Database>;
}

/**
 * Migrations of Knex, run by Knex's own migrator: its order, its record, its lock, its refusals. TypeScript needs no build.
 *
 * @param folders the folder of the migrations, or several as in Knex's `directory`
 * @throws {HarnessError} `bad-input` when read, for a folder that cannot be read, or a last migration that is not in it
 * @example
 * ```ts
 * import { knexMigrations, release } from "migration-sandbox";
 * const folder = new URL("./migrations/", import.meta.url);
 * const first = release("1.0", { migrations: knexMigrations(folder, { upTo: "20240107_users" }) });
 * console.assert("read" in first.migrations);
 * ```
 */
export function knexMigrations(folders: Where | readonly Where[], options: KnexMigrations = {}): MigrationSource {
  const { tableName = "knex_migrations", schemaName, open = ours } = options;
  const { disableTransactions = false, disableMigrationsListValidation = false } = options;
  const schema = schemaName === undefined ? "" : `${schemaName}.`;
  const shipped = () => migrationsIn([folders].flat(), options);
  return drivenOn(["postgres", "mysql", "mariadb"], {
    title: "Knex",
    recordTables: [`${schema}${tableName}`, `${schema}${tableName}_lock`],
    ships: async () => (await shipped()).map(({ name }) => name),
    async migrate(at) {
      const migrations = await shipped();
      const db = await open(at);
      const how = { tableName, disableTransactions, disableMigrationsListValidation };
      await during(
        at,
        () => endKnex(db),
        () =>
          db.migrate.latest({ ...how, ...(schemaName && { schemaName }), migrationSource: telling(migrations, at) }),
      );
    },
  });
}

interface File {
  readonly name: string;
  readonly path: string;
}

/** In Knex's order: by name over all folders, or folder by folder. */
async function migrationsIn(folders: readonly Where[], options: KnexMigrations): Promise<readonly File[]> {
  const { loadExtensions = usual, sortDirsSeparately = false, recordedAs = (file) => file } = options;
  const byFolder = await Promise.all(
    folders.map(pathOf).map(async (folder) => {
      const files = [...(await namesIn(folder))].sort().map((file) => ({ file, path: join(folder, file) }));
      return files.filter(({ file }) => loadExtensions.includes(extname(file)));
    }),
  );
  const files = byFolder.flat();
  if (!sortDirsSeparately) files.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0));
  const last = options.upTo;
  return upTo(last, files, ({ file }) => file).map(({ file, path }) => ({ name: recordedAs(file), path }));
}

/** Of the endings that Knex takes unless told otherwise, those that something here can load. */
const usual = [".js", ".cjs", ".ts"];

function ours({ address, engine }: Driving): Promise<Database> {
  return engineNamed(engine).knex(address);
}

interface Code {
  readonly up: (db: Database) => PromiseLike<unknown>;
  readonly down?: (db: Database) => PromiseLike<unknown>;
  readonly config?: { readonly transaction?: boolean };
}

/** What Knex asks for its migrations, and what tells of each that runs. */
function telling(migrations: readonly File[], { begun, done }: Driving) {
  return {
    getMigrations: async () => [...migrations],
    getMigrationName: ({ name }: File) => name,
    async getMigration({ name, path }: File) {
      const code = (await loaded(path)) as unknown as Code;
      if (typeof code.up !== "function") return code as never; // Knex itself has words for that.
      const up = async (db: Database) => {
        begun(name);
        await code.up(db);
        done(name);
      };
      return { up, down: code.down, config: code.config } as never;
    },
  };
}
