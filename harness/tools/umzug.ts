import { basename } from "node:path";
import type * as SequelizeLibrary from "sequelize";
import type * as UmzugLibrary from "umzug";
import type { MigrationSource } from "../chain.ts";
import { forEngine, type PerEngine } from "../database.ts";
import type { Driving } from "../driver.ts";
import { drivenOn, during, securityOf, unwrapped } from "./driven.ts";
import { codeIn, pathOf, upTo, type Where } from "./files.ts";
import { type Exports, loaded } from "./loaded.ts";
import { theirs, type Wanting } from "./theirs.ts";

/** What a release's migrations of Umzug are, beside their folder or the product's own Umzug. */
export interface UmzugMigrations {
  /** The last migration that the release ships; all there are unless said. */
  readonly upTo?: string;
  /** Migrations are called as sequelize-cli does, `up(queryInterface, Sequelize)`, and not `up({ name, path, context })`. */
  readonly cli?: boolean;
  /** The table of the record, `SequelizeMeta` unless said. */
  readonly tableName?: string;
  readonly schema?: string;
  /** How the record names a file, where a build gives it another ending: `(file) => file.replace(/\.ts$/, ".js")`. */
  readonly recordedAs?: (file: string) => string;
  /** The folder from which "umzug" and "sequelize" are looked for, if not from that of the migrations or the working folder. */
  readonly from?: string;
  /** Opens the product's own Sequelize on the sandbox, where ours will not do; it is closed afterwards. */
  readonly open?: (at: Driving) => unknown;
}

/** Makes the product's own Umzug. */
export type UmzugOf = (at: UmzugAt) => Umzug | Promise<Umzug>;

/** Where the product's own Umzug is to work. */
export interface UmzugAt extends Driving {
  /** The product's Sequelize, opened on the sandbox and closed afterwards. */
  sequelize<Sequelize = unknown>(): Promise<Sequelize>;
  /** Ends what the product opened itself. */
  afterwards(end: () => unknown): void;
}

/** As much of an Umzug as we use. */
export interface Umzug {
  up(): Promise<unknown>;
  on(event: "migrating" | "migrated", listener: (migration: { readonly name: string }) => void): unknown;
}

/**
 * Migrations of Umzug 3 or of sequelize-cli, run by the product's own Umzug over its Sequelize: from a folder, with query
 * interface and record as Sequelize's users have them, or by an Umzug that the product makes itself. TypeScript needs no build.
 *
 * @throws {HarnessError} `bad-input` for a folder that cannot be read, a last migration that is not in it, or where "umzug" or
 * "sequelize" is not installed
 * @example
 * ```ts
 * import { release, umzugMigrations } from "migration-sandbox";
 * const folder = new URL("./migrations/", import.meta.url);
 * const first = release("1.0", { migrations: umzugMigrations(folder, { cli: true, upTo: "20240107-users" }) });
 * console.assert("read" in first.migrations);
 * // An Umzug of the product's own: umzugMigrations(async (at) => umzugOver(await at.sequelize()))
 * ```
 */
export function umzugMigrations(where: Where | UmzugOf, options: UmzugMigrations = {}): MigrationSource {
  const { upTo: last, tableName = "SequelizeMeta", schema } = options;
  const own = typeof where === "function";
  const wanting: Wanting = { tool: "Umzug", folder: own ? process.cwd() : pathOf(where), from: options.from };
  const shipped = async () => upTo(last, await migrationsIn(wanting.folder, options), ({ name }) => name);
  return drivenOn(["postgres", "mysql", "mariadb"], {
    title: "Umzug",
    recordTables: [schema === undefined ? tableName : `${schema}.${tableName}`],
    ...(!own && { ships: async () => (await shipped()).map(({ name }) => name) }),
    async migrate(at) {
      const files = own ? [] : await shipped();
      const ends: (() => unknown)[] = [];
      const sequelize = () => opened(at, wanting, options, ends);
      const made: UmzugAt = {
        ...at,
        sequelize: async () => (await sequelize()) as never,
        afterwards: (end) => ends.push(end),
      };
      await during(
        at,
        () => Promise.allSettled(ends.map((end) => end())),
        async () => {
          const umzug = own ? cutAt(last, await where(made)) : await ours(files, await sequelize(), wanting, options);
          umzug.on("migrating", ({ name }) => at.begun(name));
          umzug.on("migrated", ({ name }) => at.done(name));
          try {
            await umzug.up();
          } catch (thrown) {
            throw unwrapped(thrown, { field: "cause", by: "MigrationError" }, { field: "original" });
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

async function migrationsIn(
  folder: string,
  { recordedAs = (file) => file }: UmzugMigrations,
): Promise<readonly File[]> {
  return (await codeIn(folder)).map((path) => ({ name: recordedAs(basename(path)), path }));
}

type Sequelize = SequelizeLibrary.Sequelize;

async function opened(
  at: Driving,
  wanting: Wanting,
  { open }: UmzugMigrations,
  ends: (() => unknown)[],
): Promise<Sequelize> {
  const { Sequelize } = await theirs<typeof SequelizeLibrary>("sequelize", wanting);
  // Sequelize would say it in words of its own, and only when it connects.
  if (open === undefined) await theirs(forEngine(clients, at.engine) ?? "", wanting);
  const sequelize = (await (open?.(at) ?? new Sequelize(sequelizeOptions(at)))) as Sequelize;
  ends.push(() => sequelize.close());
  return sequelize;
}

const clients: PerEngine<string> = { postgres: "pg", mysql: "mysql2", mariadb: "mariadb" };

function sequelizeOptions({ address, engine }: Driving): SequelizeLibrary.Options {
  const { host, port, user: username, password, database } = address;
  const dialects: PerEngine<SequelizeLibrary.Dialect> = { postgres: "postgres", mysql: "mysql", mariadb: "mariadb" };
  const { ssl } = securityOf(address);
  const where = { host, port, username, password, database, dialect: forEngine(dialects, engine) ?? "postgres" };
  return { ...where, logging: false, pool: { max: 2 }, ...(ssl !== undefined && { dialectOptions: { ssl } }) };
}

async function ours(
  files: readonly File[],
  sequelize: Sequelize,
  wanting: Wanting,
  options: UmzugMigrations,
): Promise<Umzug> {
  const { Umzug, SequelizeStorage } = await theirs<typeof UmzugLibrary>("umzug", wanting);
  const { tableName, schema, cli = false } = options;
  const context = sequelize.getQueryInterface();
  const migrations = files.map(({ name, path }) => ({
    name,
    path,
    async up() {
      const { up } = codeOf(await loaded(path));
      return cli ? up(context, sequelize.constructor) : up({ name, path, context });
    },
  }));
  const storage = new SequelizeStorage({ sequelize, ...(tableName && { tableName }), ...(schema && { schema }) });
  return new Umzug({ migrations, context, storage, logger: undefined });
}

/** Of a module that hides all behind its default, what it hides. */
function codeOf(module: Exports): { readonly up: (...given: readonly unknown[]) => unknown } {
  return (module.up === undefined ? module.default : module) as never;
}

/** An Umzug that knows its migrations up to the last one only. */
function cutAt(last: string | undefined, umzug: Umzug): Umzug {
  const inside = umzug as { migrations?: (context: unknown) => Promise<readonly { readonly name: string }[]> };
  const all = inside.migrations;
  if (last !== undefined && all !== undefined) {
    inside.migrations = async (context) => upTo(last, await all.call(umzug, context), ({ name }) => name);
  }
  return umzug;
}
