import { parse } from "node:path";
import type * as Migrate from "node-pg-migrate";
import type { MigrationSource } from "../chain.ts";
import type { Driving } from "../driver.ts";
import { type Client, pgClient } from "./clients.ts";
import { drivenOn, during, inTurn } from "./driven.ts";
import { namesIn, pathOf, upTo, type Where } from "./files.ts";
import { type Exports, loaded } from "./loaded.ts";
import { theirs, type Wanting } from "./theirs.ts";

/** What a release's migrations of node-pg-migrate are, beside their folder; named as its runner names them, and as its command has them unless said. */
export interface NodePgMigrations {
  /** The last migration that the release ships; all of the folder's unless said. */
  readonly upTo?: string;
  readonly migrationsTable?: string;
  readonly migrationsSchema?: string;
  readonly createMigrationsSchema?: boolean;
  readonly schema?: string | string[];
  readonly createSchema?: boolean;
  /** `true` unless said, as with the command: all that is pending shares a transaction. */
  readonly singleTransaction?: boolean;
  readonly checkOrder?: boolean;
  readonly ignorePattern?: string;
  readonly decamelize?: boolean;
  /** The folder from which "node-pg-migrate" is looked for, if not from that of the migrations or the working folder. */
  readonly from?: string;
  /** Makes the product's own client of `pg` for the sandbox, where ours will not do; it is connected here, and ended afterwards. */
  readonly open?: (at: Driving) => unknown;
}

/**
 * Migrations of node-pg-migrate in TypeScript, JavaScript or SQL, run by the product's own node-pg-migrate: its order and the
 * check of it, its record, its lock, its transactions.
 *
 * @throws {HarnessError} `bad-input` for a folder that cannot be read, a last migration that is not in it, or where
 * "node-pg-migrate" or "pg" is not installed
 * @example
 * ```ts
 * import { nodePgMigrations, release } from "migration-sandbox";
 * const folder = new URL("./migrations/", import.meta.url);
 * const first = release("1.0", { migrations: nodePgMigrations(folder, { upTo: "1704067200000_users" }) });
 * console.assert("read" in first.migrations);
 * ```
 */
export function nodePgMigrations(folder: Where, options: NodePgMigrations = {}): MigrationSource {
  const { upTo: last, from, open, ignorePattern = "\\..*", ...how } = options;
  const { migrationsTable = "pgmigrations", singleTransaction = true } = how;
  const wanting: Wanting = { tool: "node-pg-migrate", folder: pathOf(folder), from };
  const schema = how.migrationsSchema ?? [how.schema ?? []].flat()[0];
  const all = () => filesIn(wanting.folder, ignorePattern);
  const shipped = async () => upTo(last, await all(), nameOf);
  return drivenOn(["postgres"], {
    title: "node-pg-migrate",
    recordTables: [schema === undefined ? migrationsTable : `${schema}.${migrationsTable}`],
    ships: async () => (await shipped()).map(nameOf),
    async migrate(at) {
      const files = await shipped();
      const later = (await all()).slice(files.length).map(escaped);
      const library = await theirs<typeof Migrate>("node-pg-migrate", wanting);
      const client = ((await open?.(at)) ?? (await pgClient(at, wanting))) as Client;
      const heard = listening(at);
      const ran: Migrate.RunnerOption = {
        ...how,
        ...heard.by(library),
        migrationsTable,
        singleTransaction,
        dbClient: client as never,
        dir: wanting.folder,
        direction: "up",
        // The runner would read, and check the order of, what later releases ship.
        ignorePattern: `(?:${[ignorePattern, ...later].join("|")})`,
      };
      await during(
        at,
        () => client.end(),
        async () => {
          await client.connect?.();
          await library.runner(ran);
          heard.through();
        },
      );
    },
  });
}

/** In the runner's order: by the number in front, and where that is the same, by text. */
async function filesIn(folder: string, ignorePattern: string): Promise<readonly string[]> {
  const ignored = new RegExp(`^${ignorePattern}$`);
  const names = (await namesIn(folder)).filter((name) => !ignored.test(name));
  const options = { usage: "sort", numeric: true, sensitivity: "variant", ignorePunctuation: true } as const;
  return [...names].sort((a, b) => numberOf(a) - numberOf(b) || a.localeCompare(b, undefined, options));
}

/** 17 digits are a time as people write it; a file without any number is refused by the runner, in its own words. */
function numberOf(file: string): number {
  const digits = /^\d+/.exec(file)?.[0] ?? "0";
  const [, year, month, day, hour, minute, second, ms] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})$/.exec(digits) ?? [];
  return year === undefined ? Number(digits) : Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`);
}

function nameOf(file: string): string {
  return parse(file).name;
}

function escaped(file: string): string {
  return file.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** A migration has begun when its code runs or when the runner says so. */
function listening(at: Driving) {
  const { begin, through } = inTurn(at);
  const info = (said: string) => {
    const [, name] = /^### MIGRATION (.*) \(UP\) ###$/.exec(said) ?? [];
    if (name !== undefined) begin(name);
  };
  const silent = { debug() {}, warn() {}, error() {} };
  const by = ({ jiti }: typeof Migrate) => ({
    logger: { ...silent, info },
    migrationLoaderStrategies: [
      { extensions: [".sql"], loader: "legacySql" as const },
      {
        extensions: [".js", ".ts", ".cjs", ".mjs", ".cts", ".mts"],
        loader: (files: string[]) => units(files, jiti, begin),
      },
    ],
  });
  return { by, through };
}

/** As the runner's own loader does it. */
async function units(files: readonly string[], jiti: typeof Migrate.jiti | undefined, begin: (name: string) => void) {
  return Promise.all(
    files.map(async (file) => {
      const code = (await (jiti?.import(file) ?? loaded(file))) as Exports;
      return {
        id: file,
        filePaths: [file],
        actions: { ...code, ...telling(code.up, () => begin(nameOf(file))) } as never,
      };
    }),
  );
}

/** The runner asks how many parameters a migration takes. */
function telling(up: unknown, begin: () => void): object {
  if (typeof up !== "function") return {};
  const wait = (pgm: unknown) => {
    begin();
    return up(pgm);
  };
  const callBack = (pgm: unknown, done: unknown) => {
    begin();
    return up(pgm, done);
  };
  return { up: up.length === 2 ? callBack : wait };
}
