import type { MigrationSource } from "../chain.ts";
import type { Driver } from "../driver.ts";
import type { CommandOptions } from "./command-run.ts";
import { refuseUnknownForms } from "./forms.ts";

export type { CommandOptions };

/**
 * The product's own command brings the database forward: Alembic, Django, Rails, Flyway, anything that can be started. It is told
 * where the sandbox is by placeholders in arguments and `env` (`{url}`, `{libpq}`, `{sqlalchemy}`, `{sqlalchemy:asyncpg}`, `{rails}`,
 * `{django}`, `{jdbc}`, `{go}`, or one by one `{host}`, `{port}`, `{user}`, `{password}`, `{database}`, `{engine}`) and by the variables that
 * clients look for (`DATABASE_URL`, `PGHOST` or `MYSQL_HOST` and their like); the path's settings are variables, too. `{release}` is the
 * release's name. What it prints tells which migration was running and which error ended it.
 *
 * @throws {HarnessError} `bad-input` when read, for a placeholder that is not known; when run, for a program that cannot be started, and one
 *   that ends well although the sandbox is as empty as before; `timed-out`
 * @example
 * ```ts
 * import { command, release } from "migration-sandbox";
 * const migrations = command("alembic", ["upgrade", "{release}"], {
 *   env: { DATABASE_URL: "{sqlalchemy}" },
 *   map: { "0.18.23": "82b32a135ea2" },
 * });
 * console.assert(release("0.18.23", { migrations }).name === "0.18.23");
 * ```
 */
export function command(program: string, args: readonly string[] = [], options: CommandOptions = {}): MigrationSource {
  return {
    async read(engine) {
      const texts = [...args, ...Object.values(options.env ?? {})];
      for (const text of texts) if (text !== undefined) refuseUnknownForms(text, engine);
      const driver: Driver = {
        title: [program, ...args].join(" "),
        recordTables: options.recordTables ?? wellKnown,
        migrate: async (at) => (await import("./command-run.ts")).runCommand({ program, args, options }, at),
      };
      return { migrations: [], driver };
    },
  };
}

/** By names that no product gives to tables of its own. */
const wellKnown: readonly string[] = [
  ...["alembic_version", "django_migrations", "schema_migrations", "ar_internal_metadata", "data_migrations"],
  ...[
    "flyway_schema_history",
    "databasechangelog",
    "databasechangeloglock",
    "DATABASECHANGELOG",
    "DATABASECHANGELOGLOCK",
  ],
  ...["goose_db_version", "knex_migrations", "knex_migrations_lock", "_prisma_migrations", "__EFMigrationsHistory"],
  ...["__diesel_schema_migrations", "SequelizeMeta", "pgmigrations", "mikro_orm_migrations"],
];
