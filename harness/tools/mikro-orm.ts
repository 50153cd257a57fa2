import { basename, extname } from "node:path";
import type * as Migrations from "@mikro-orm/migrations";
import type * as Library from "@mikro-orm/postgresql";
import type { MigrationSource } from "../chain.ts";
import { forEngine, type PerEngine } from "../database.ts";
import type { Driving } from "../driver.ts";
import { HarnessError } from "../errors.ts";
import { drivenOn, during, securityOf, unwrapped } from "./driven.ts";
import { codeIn, pathOf, upTo, type Where } from "./files.ts";
import { loaded } from "./loaded.ts";
import { theirs, type Wanting } from "./theirs.ts";

/** What a release's migrations of MikroORM are, beside their folder; named as in its `migrations` options. */
export interface MikroOrmMigrations {
  /** The last migration that the release ships; all of the folder's unless said. */
  readonly upTo?: string;
  readonly tableName?: string;
  readonly transactional?: boolean;
  readonly allOrNothing?: boolean;
  readonly disableForeignKeys?: boolean;
  /** The folder from which MikroORM is looked for, if not from that of the migrations or the working folder. */
  readonly from?: string;
  /** Initializes the product's own MikroORM on the sandbox, where ours will not do; it is closed afterwards. */
  readonly open?: (at: Driving) => unknown;
}

/**
 * Migrations of MikroORM, run by the product's own: its order, its record, its transactions. TypeScript needs no build.
 *
 * @throws {HarnessError} `bad-input` for a folder that cannot be read, a last migration that is not in it, or where
 * "@mikro-orm/migrations" or the package for the engine (`@mikro-orm/postgresql`) is not installed
 * @example
 * ```ts
 * import { mikroOrmMigrations, release } from "migration-sandbox";
 * const folder = new URL("./migrations/", import.meta.url);
 * const first = release("1.0", { migrations: mikroOrmMigrations(folder, { upTo: "Migration20240107120000" }) });
 * console.assert("read" in first.migrations);
 * ```
 */
export function mikroOrmMigrations(folder: Where, options: MikroOrmMigrations = {}): MigrationSource {
  const { upTo: last, from, open, ...how } = options;
  const wanting: Wanting = { tool: "MikroORM", folder: pathOf(folder), from };
  const shipped = async () => upTo(last, await migrationsIn(wanting.folder), ({ name }) => name);
  return drivenOn(["postgres", "mysql", "mariadb"], {
    title: "MikroORM",
    recordTables: [how.tableName ?? "mikro_orm_migrations"],
    ships: async () => (await shipped()).map(({ name }) => name),
    async migrate(at) {
      const files = await shipped();
      const { Migrator } = await theirs<typeof Migrations>("@mikro-orm/migrations", wanting);
      const migrationsList = await Promise.all(
        files.map(async ({ name, path }) => ({ name, class: await classIn(path) })),
      );
      const orm = (await (open ?? ours(wanting))(at)) as Library.MikroORM;
      const configured = orm.config.get("migrations");
      orm.config.set("migrations", { ...configured, ...how, migrationsList, silent: true, snapshot: false } as never);
      await during(
        at,
        () => orm.close(true),
        async () => {
          const migrator = new Migrator(orm.em as never);
          migrator.on("migrating", ({ name }) => at.begun(name));
          migrator.on("migrated", ({ name }) => at.done(name));
          try {
            await migrator.up();
          } catch (thrown) {
            throw unwrapped(thrown, { field: "cause", by: "MigrationError" });
          }
        },
      );
    },
  });
}

interface File {
  readonly name: string;
  readonly path: string;
}

async function migrationsIn(folder: string): Promise<readonly File[]> {
  const files = (await codeIn(folder)).filter((path) => /\.[jt]s$/.test(path));
  return files.map((path) => ({ name: basename(path, extname(path)), path }));
}

async function classIn(file: string): Promise<never> {
  const exported = Object.values(await loaded(file)).find((value) => typeof value === "function");
  if (exported !== undefined) return exported as never;
  throw new HarnessError("bad-input", `Cannot load migration "${file}": it exports no class`);
}

function ours(wanting: Wanting) {
  const libraries: PerEngine<string> = {
    postgres: "@mikro-orm/postgresql",
    mysql: "@mikro-orm/mysql",
    mariadb: "@mikro-orm/mariadb",
  };
  return async ({ address, engine }: Driving) => {
    const { MikroORM } = await theirs<typeof Library>(forEngine(libraries, engine) ?? "", wanting);
    const { tls, database: dbName, ...where } = address;
    return MikroORM.init({
      ...where,
      dbName,
      entities: [],
      discovery: { warnWhenNoEntities: false },
      driverOptions: { connection: securityOf({ tls }), log: silent },
      pool: { min: 0, max: 2 },
      logger: () => {},
    });
  };
}

/** Beneath MikroORM lies a Knex, which has a voice of its own. */
const silent = { warn() {}, error() {}, deprecate() {}, debug() {} };
