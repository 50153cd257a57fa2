import { join } from "node:path";
import type { MigrationSource } from "../chain.ts";
import { forEngine, type PerEngine } from "../database.ts";
import type { Driving } from "../driver.ts";
import { HarnessError } from "../errors.ts";
import { type Client, mysqlClient, pgClient } from "./clients.ts";
import { drivenOn, during, inTurn } from "./driven.ts";
import { namesIn, pathOf, upTo, type Where } from "./files.ts";
import { loaded } from "./loaded.ts";
import { theirs, type Wanting } from "./theirs.ts";

/** What a release's migrations of db-migrate are, beside their folder; named as its command names them. */
export interface DbMigrations {
  /** The last migration that the release ships; all of the folder's unless said. */
  readonly upTo?: string;
  /** The table of the record, `migrations` unless said. */
  readonly table?: string;
  readonly nonTransactional?: boolean;
  /** What the product's `database.json` says beside the address: `{ multipleStatements: true }`. */
  readonly config?: { readonly [setting: string]: unknown };
  /** The folder from which "db-migrate" is looked for, if not from that of the migrations or the working folder. */
  readonly from?: string;
  /** Makes the product's own client of `pg` or `mysql2` for the sandbox, where ours will not do; db-migrate connects it, and it is ended afterwards. */
  readonly open?: (at: Driving) => unknown;
}

/**
 * Migrations of db-migrate, run by the product's own: its order, its record, its transactions.
 *
 * @throws {HarnessError} `bad-input` for a folder that cannot be read, a last migration that is not in it, or where "db-migrate",
 * its package for the engine (`db-migrate-pg`) or the client beneath is not installed
 * @example
 * ```ts
 * import { dbMigrations, release } from "migration-sandbox";
 * const folder = new URL("./migrations/", import.meta.url);
 * const first = release("1.0", { migrations: dbMigrations(folder, { upTo: "20240107120000-users" }) });
 * console.assert("read" in first.migrations);
 * ```
 */
export function dbMigrations(folder: Where, options: DbMigrations = {}): MigrationSource {
  const { upTo: last, from, open, table = "migrations", nonTransactional = false, config = {} } = options;
  const wanting: Wanting = { tool: "db-migrate", folder: pathOf(folder), from };
  const shipped = async () => upTo(last, await migrationsIn(wanting.folder), ({ name }) => name);
  return drivenOn(["postgres", "mysql", "mariadb"], {
    title: "db-migrate",
    recordTables: [table],
    ships: async () => (await shipped()).map(({ name }) => name),
    async migrate(at) {
      const files = await shipped();
      const { getInstance } = await theirs<Library>("db-migrate", wanting);
      const { driver, connect } = forEngine(speaking, at.engine) as Speaking;
      await theirs(`db-migrate-${driver}`, wanting);
      const { begin, through } = inTurn(at);
      for (const file of files) await teach(file);
      const client = ((await open?.(at)) ?? (await connect(at, wanting, config))) as Client;
      const tool = getInstance(true, {
        env: "sandbox",
        config: { sandbox: { ...config, database: at.address.database, driver } },
        // It would end our process for whatever nobody catches.
        throwUncatched: true,
        cmdOptions: { "migrations-dir": wanting.folder, table, "non-transactional": nonTransactional },
      });
      tool.silence(true);
      listening.set(tool.internals, begin);
      tool.config.getCurrent().settings.db = client;
      await during(
        at,
        () => client.end(),
        async () => {
          await (files.length === 0 ? undefined : tool.up(files.at(-1)?.name));
          through();
        },
      );
    },
  });
}

interface Library {
  getInstance(isModule: true, options: object): Tool;
}

interface Tool {
  readonly internals: object;
  readonly config: { getCurrent(): { readonly settings: { db?: Client } } };
  silence(silent: boolean): void;
  up(last: string | undefined): PromiseLike<void>;
}

interface File {
  readonly name: string;
  readonly path: string;
}

async function migrationsIn(folder: string): Promise<readonly File[]> {
  const files = (await namesIn(folder)).filter((name) => name.endsWith(".js")).sort();
  return files.map((file) => {
    const name = /\d{14}-[^.]+/.exec(file)?.[0];
    if (name !== undefined) return { name, path: join(folder, file) };
    const message = `Cannot read migration "${join(folder, file)}": db-migrate wants a name like "20240107120000-users.js"`;
    throw new HarnessError("bad-input", message);
  });
}

interface Speaking {
  /** What db-migrate calls its part that speaks through such a client. */
  readonly driver: string;
  connect(at: Driving, wanting: Wanting, settings: object): Promise<Client>;
}

const speaking: PerEngine<Speaking> = {
  postgres: { driver: "pg", connect: pgClient },
  mysql: { driver: "mysql", connect: mysqlClient },
};

/** Who is told what a run of db-migrate begins, by what the run knows itself by. */
const listening = new WeakMap<object, (name: string) => void>();
const taught = new WeakSet<object>();

interface Code {
  up?: (this: { readonly internals: object }, ...given: unknown[]) => unknown;
}

/** It asks Node for a migration's module just before it runs it: so the module itself tells, whichever run it is that calls. */
async function teach({ name, path }: File): Promise<void> {
  const code = (await loaded(path)) as Code;
  const { up } = code;
  if (up === undefined || taught.has(code)) return;
  taught.add(code);
  code.up = function (...given) {
    listening.get(this.internals)?.(name);
    return up.apply(this, given);
  };
}
