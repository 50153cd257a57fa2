import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type * as Migrator from "drizzle-orm/migrator";
import type { MigrationSource } from "../chain.ts";
import { forEngine, type PerEngine } from "../database.ts";
import type { Driving } from "../driver.ts";
import { HarnessError } from "../errors.ts";
import { type Client, mysqlPool, pgPool } from "./clients.ts";
import { drivenOn, during, unwrapped } from "./driven.ts";
import { namesIn, pathOf, upTo, type Where } from "./files.ts";
import { theirs, type Wanting } from "./theirs.ts";

/** What a release's migrations of Drizzle are, beside their folder; named as Drizzle's migrator names them. */
export interface DrizzleMigrations {
  /** The last migration that the release ships, by its tag; all of the journal's unless said. */
  readonly upTo?: string;
  readonly migrationsTable?: string;
  /** PostgreSQL's alone, `drizzle` unless said. */
  readonly migrationsSchema?: string;
  /** The folder from which "drizzle-orm" is looked for, if not from that of the migrations or the working folder. */
  readonly from?: string;
  /** Opens a client of the product's own on the sandbox, a pool of `pg` or `mysql2`, where ours will not do; it is ended afterwards. */
  readonly open?: (at: Driving) => unknown;
}

/**
 * A folder of drizzle-kit with its journal, run by the migrator of the product's own drizzle-orm: what it skips it skips here.
 *
 * @throws {HarnessError} `bad-input` for a folder without a journal, a last migration that is not in it, or where "drizzle-orm"
 * or the client that it speaks through (`pg`, `mysql2`) is not installed
 * @example
 * ```ts
 * import { drizzleMigrations, release } from "migration-sandbox";
 * const folder = new URL("./drizzle/", import.meta.url);
 * const first = release("1.0", { migrations: drizzleMigrations(folder, { upTo: "0007_sturdy_hulk" }) });
 * console.assert("read" in first.migrations);
 * ```
 */
export function drizzleMigrations(folder: Where, options: DrizzleMigrations = {}): MigrationSource {
  const { upTo: last, from, open, migrationsTable = "__drizzle_migrations", migrationsSchema = "drizzle" } = options;
  const wanting: Wanting = { tool: "Drizzle", folder: pathOf(folder), from };
  const shipped = async () => upTo(last, await tagsIn(wanting.folder), (tag) => tag);
  return drivenOn(["postgres", "mysql", "mariadb"], {
    title: "Drizzle",
    recordTables: [migrationsTable, `${migrationsSchema}.${migrationsTable}`],
    ships: shipped,
    async migrate(at) {
      const tags = await shipped();
      const { readMigrationFiles } = await theirs<typeof Migrator>("drizzle-orm/migrator", wanting);
      const config = { migrationsFolder: wanting.folder, migrationsTable, migrationsSchema };
      // Its list stands in the journal's order, as ours does.
      const migrations = readMigrationFiles(config).slice(0, tags.length);
      const { library, connect } = forEngine(speaking, at.engine) as Speaking;
      const { drizzle } = await theirs<{ drizzle(client: Client): Drizzled }>(library, wanting);
      const client = ((await open?.(at)) ?? (await connect(at, wanting))) as Client;
      const db = drizzle(client);
      await during(
        at,
        () => client.end(),
        async () => {
          try {
            await db.dialect.migrate(telling(migrations, tags, at), db.session, config);
          } catch (thrown) {
            throw unwrapped(thrown, { field: "cause", by: "DrizzleQueryError" });
          }
        },
      );
    },
  });
}

async function tagsIn(folder: string): Promise<readonly string[]> {
  await namesIn(folder);
  const journal = join(folder, "meta", "_journal.json");
  try {
    const { entries } = JSON.parse(await readFile(journal, "utf8")) as { entries: readonly { tag: string }[] };
    return entries.map(({ tag }) => tag);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? `there is no "${journal}"` : `"${journal}" is no journal: ${message}`;
    throw new HarnessError("bad-input", `Cannot read migrations from "${folder}": ${why}`, { cause });
  }
}

/** What Drizzle's own `migrate()` uses of a database: its types do not tell of it. */
interface Drizzled {
  readonly dialect: { migrate(migrations: readonly unknown[], session: unknown, config: object): Promise<void> };
  readonly session: unknown;
}

interface Speaking {
  /** The part of Drizzle that speaks through such a client. */
  readonly library: string;
  connect(at: Driving, wanting: Wanting): Promise<Client>;
}

const speaking: PerEngine<Speaking> = {
  postgres: { library: "drizzle-orm/node-postgres", connect: pgPool },
  mysql: {
    library: "drizzle-orm/mysql2",
    connect: (at, wanting) => mysqlPool(at, wanting, "mysql2/promise"),
  },
};

/** Drizzle asks a migration for its SQL when it begins, and for its hash once that has run. */
function telling(
  migrations: readonly { readonly sql: string[]; readonly hash: string }[],
  tags: readonly string[],
  at: Driving,
) {
  return migrations.map((migration, i) => ({
    ...migration,
    get sql() {
      at.begun(tags[i] ?? "");
      return migration.sql;
    },
    get hash() {
      at.done(tags[i] ?? "");
      return migration.hash;
    },
  }));
}
