import type * as Library from "typeorm";
import type { MigrationSource } from "../chain.ts";
import { forEngine, type PerEngine } from "../database.ts";
import type { Driving } from "../driver.ts";
import { drivenOn, during, securityOf, unwrapped } from "./driven.ts";
import { codeIn, pathOf, upTo, type Where } from "./files.ts";
import { loaded } from "./loaded.ts";
import { theirs, type Wanting } from "./theirs.ts";

/** What a release's migrations of TypeORM are, beside their folder; named as a data source names them. */
export interface TypeormMigrations {
  /** The last migration that the release ships, by its class; all of the folder's unless said. */
  readonly upTo?: string;
  readonly migrationsTableName?: string;
  readonly migrationsTransactionMode?: "all" | "each" | "none";
  readonly schema?: string;
  /** The folder from which "typeorm" is looked for, if not from that of the migrations or the working folder. */
  readonly from?: string;
  /** Makes the product's own data source for the sandbox, where ours will not do; it is destroyed afterwards. */
  readonly open?: (at: Driving) => unknown;
}

/**
 * Migrations of TypeORM, run by the product's own TypeORM: its order, its record, its transactions, its refusals.
 * TypeScript needs no build.
 *
 * @throws {HarnessError} `bad-input` for a folder that cannot be read, a last migration that is not in it, or where
 * "typeorm" is not installed
 * @example
 * ```ts
 * import { release, typeormMigrations } from "migration-sandbox";
 * const folder = new URL("./migrations/", import.meta.url);
 * const first = release("1.0", { migrations: typeormMigrations(folder, { upTo: "AddUsers1704067200000" }) });
 * console.assert("read" in first.migrations);
 * ```
 */
export function typeormMigrations(folder: Where, options: TypeormMigrations = {}): MigrationSource {
  const { upTo: last, from, open, ...how } = options;
  const wanting: Wanting = { tool: "TypeORM", folder: pathOf(folder), from };
  const schema = how.schema === undefined ? "" : `${how.schema}.`;
  const library = () => theirs<typeof Library>("typeorm", wanting);
  const shipped = async () => {
    await library(); // Migrations load it: whether it is there is to be said first.
    return upTo(last, await migrationsIn(wanting.folder), nameOf);
  };
  return drivenOn(["postgres", "mysql", "mariadb"], {
    title: "TypeORM",
    recordTables: [`${schema}${how.migrationsTableName ?? "migrations"}`],
    ships: async () => (await shipped()).map(nameOf),
    async migrate(at) {
      const classes = await shipped();
      const { DataSource } = await library();
      // TypeORM would say it in words of its own, and only when it connects.
      if (open === undefined) await theirs(forEngine(clients, at.engine) ?? "", wanting);
      const db = (await (open?.(at) ?? new DataSource(ours(at)))) as Library.DataSource;
      const migrations = classes.map((migration) => telling(migration, at));
      db.setOptions({ ...how, migrations, logging: false, logger: silent });
      await during(
        at,
        () => (db.isInitialized ? db.destroy() : undefined),
        async () => {
          try {
            await db.initialize();
            await db.runMigrations();
          } catch (thrown) {
            throw unwrapped(thrown, { field: "driverError" });
          }
        },
      );
    },
  });
}

type Class = new () => Instance;

interface Instance {
  readonly name?: string;
  up(runner: unknown): Promise<unknown>;
}

/** All classes that the files export, in TypeORM's order: by the time at the end of their names. */
async function migrationsIn(folder: string): Promise<readonly Class[]> {
  const classes: Class[] = [];
  for (const file of await codeIn(folder)) classes.push(...classesIn(await loaded(file)));
  return classes.sort((a, b) => timeOf(a) - timeOf(b));
}

function classesIn(exported: unknown): readonly Class[] {
  if (typeof exported === "function") return [exported as Class];
  return typeof exported === "object" && exported !== null ? Object.values(exported).flatMap(classesIn) : [];
}

function nameOf(migration: Class): string {
  return new migration().name ?? migration.name;
}

/** Where a name ends with none, TypeORM itself has words for that. */
function timeOf(migration: Class): number {
  return Number.parseInt(nameOf(migration).slice(-13), 10) || 0;
}

const clients: PerEngine<string> = { postgres: "pg", mysql: "mysql2" };

function ours({ address, engine }: Driving): Library.DataSourceOptions {
  const { host, port, user: username, password, database } = address;
  const types: PerEngine<string> = { postgres: "postgres", mysql: "mysql", mariadb: "mariadb" };
  const type = forEngine(types, engine);
  return { type, host, port, username, password, database, ...securityOf(address), poolSize: 2 } as never;
}

/** TypeORM says on the console which migration failed, whatever it is told of logging. */
const silent = {
  logQuery() {},
  logQueryError() {},
  logQuerySlow() {},
  logSchemaBuild() {},
  logMigration() {},
  log() {},
};

/** The same class under the same name, telling of what runs. */
function telling(migration: Class, { begun, done }: Driving): Class {
  const name = nameOf(migration);
  class Telling extends migration {
    constructor() {
      super();
      const up = this.up; // It may be a method, or a function that the constructor has put there.
      this.up = async (runner) => {
        begun(name);
        await up.call(this, runner);
        done(name);
      };
    }
  }
  return Object.defineProperty(Telling, "name", { value: migration.name });
}
