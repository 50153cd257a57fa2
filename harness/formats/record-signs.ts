import type { HalfDone } from "../migrator.ts";
import type { Row } from "../snapshot.ts";

/** What a tool's record is known by, and how its names are read out of it. */
export interface RecordSign {
  /** As people write it: `golang-migrate`. */
  readonly title: string;
  /** The table's name in small letters: tools and engines differ in that. */
  readonly table: string;
  readonly columns: readonly string[];
  /** Columns by which another tool's table of the same name is known. */
  readonly without?: readonly string[];
  /** A table beside it, by which the tool is told from others. */
  readonly beside?: string;
  /** SQL for a migration's name; columns stand in brackets. */
  readonly id: string;
  readonly where?: string;
  readonly order: string;
  /** Only how far it is: what is older is applied. */
  readonly upTo?: true;
  /** What is asked to see whether something was left half done. */
  readonly halfDone?: HalfDoneSign;
}

/** How a record shows that something was left half done. */
export interface HalfDoneSign {
  /** The table where that stands, unless in the record's own. */
  readonly table?: string;
  readonly columns: readonly string[];
  readonly where: string;
  readonly order?: string;
  tell(row: Row): HalfDone;
}

const locked = (holder: string, way: string) => `its lock is still held${holder} (once nobody migrates: ${way})`;

/** In the order in which they are tried: several tools call their table the same. */
export const recordSigns: readonly RecordSign[] = [
  {
    title: "Hasura",
    table: "schema_migrations",
    columns: ["version"],
    beside: "hdb_version",
    id: "[version]",
    order: "[version]",
  },
  {
    title: "golang-migrate",
    table: "schema_migrations",
    columns: ["version", "dirty"],
    id: "[version]",
    order: "[version]",
    upTo: true,
    halfDone: {
      columns: ["version"],
      where: "[dirty]",
      tell: ({ version }) => ({
        id: String(version),
        message: `its record is dirty at version ${version} (mend the database by hand, then "migrate force" to the version it really is at)`,
      }),
    },
  },
  {
    title: "Rails",
    table: "schema_migrations",
    columns: ["version"],
    beside: "ar_internal_metadata",
    id: "[version]",
    order: "[version]",
  },
  {
    title: "Ecto",
    table: "schema_migrations",
    columns: ["version", "inserted_at"],
    id: "[version]",
    order: "[version]",
  },
  {
    title: "dbmate",
    table: "schema_migrations",
    columns: ["version"],
    without: ["dirty", "inserted_at"],
    id: "[version]",
    order: "[version]",
  },
  { title: "data_migrate", table: "data_migrations", columns: ["version"], id: "[version]", order: "[version]" },
  { title: "Ory popx", table: "schema_migration", columns: ["version"], id: "[version]", order: "[version]" },
  ...["flyway_schema_history", "schema_version"].map(
    (table): RecordSign => ({
      title: "Flyway",
      table,
      columns: ["installed_rank", "version", "script", "success"],
      id: "coalesce([version], [script])",
      where: "[success]",
      order: "[installed_rank]",
      halfDone: {
        columns: ["version", "script"],
        where: "not [success]",
        order: "[installed_rank]",
        tell: ({ version, script }) => ({
          id: String(version ?? script),
          message: `its record holds "${script}" as failed (mend the database by hand, then "flyway repair")`,
        }),
      },
    }),
  ),
  {
    title: "goose",
    table: "goose_db_version",
    columns: ["version_id", "is_applied"],
    id: "[version_id]",
    where: "[is_applied] and [version_id] > 0",
    order: "[id]",
  },
  {
    title: "Prisma",
    table: "_prisma_migrations",
    columns: ["migration_name", "checksum", "finished_at", "rolled_back_at"],
    id: "[migration_name]",
    where: "[finished_at] is not null and [rolled_back_at] is null",
    order: "[started_at]",
    halfDone: {
      columns: ["migration_name"],
      where: "[finished_at] is null and [rolled_back_at] is null",
      tell: ({ migration_name: name }) => ({
        id: String(name),
        message: `its record holds "${name}" as begun and not finished (mend the database by hand, then "prisma migrate resolve")`,
      }),
    },
  },
  {
    title: "Drizzle",
    table: "__drizzle_migrations",
    columns: ["hash", "created_at"],
    id: "[hash]",
    order: "[created_at]",
  },
  {
    title: "Diesel",
    table: "__diesel_schema_migrations",
    columns: ["version", "run_on"],
    id: "[version]",
    order: "[version]",
  },
  { title: "node-pg-migrate", table: "pgmigrations", columns: ["name", "run_on"], id: "[name]", order: "[id]" },
  {
    title: "graphile-migrate",
    table: "migrations",
    columns: ["hash", "previous_hash", "filename"],
    id: "[hash]",
    order: "[filename]",
  },
  {
    title: "Sqitch",
    table: "changes",
    columns: ["change_id", "change", "project"],
    beside: "events",
    id: "[change]",
    order: "[committed_at]",
    halfDone: {
      table: "events",
      columns: ["event", "change", "change_id"],
      // The last word on it: a deploy that came through later has said so.
      where: "[committed_at] = (select max([committed_at]) from <events>) and [event] = 'fail'",
      tell: ({ change, change_id }) => ({
        id: String(change_id),
        message: `the last that its record tells is that "${change}" failed (see that nothing of it is left, then deploy again)`,
      }),
    },
  },
  {
    title: "Liquibase",
    table: "databasechangelog",
    columns: ["id", "author", "filename", "md5sum"],
    id: "concat([filename], '::', [id], '::', [author])",
    order: "[orderexecuted]",
    halfDone: {
      table: "databasechangeloglock",
      columns: ["lockedby"],
      where: "[locked]",
      tell: ({ lockedby: by }) => ({ message: locked(by ? ` by ${by}` : "", "liquibase release-locks") }),
    },
  },
  {
    title: "Knex",
    table: "knex_migrations",
    columns: ["name", "batch", "migration_time"],
    id: "[name]",
    order: "[id]",
    halfDone: {
      table: "knex_migrations_lock",
      columns: ["is_locked"],
      where: "[is_locked] = 1",
      tell: () => ({ message: locked("", "knex migrate:unlock") }),
    },
  },
  { title: "Umzug", table: "sequelizemeta", columns: ["name"], id: "[name]", order: "[name]" },
  { title: "Kysely", table: "kysely_migration", columns: ["name", "timestamp"], id: "[name]", order: "[timestamp]" },
  { title: "TypeORM", table: "migrations", columns: ["timestamp", "name"], id: "[name]", order: "[timestamp]" },
  { title: "db-migrate", table: "migrations", columns: ["name", "run_on"], id: "[name]", order: "[run_on]" },
  { title: "Laravel", table: "migrations", columns: ["migration", "batch"], id: "[migration]", order: "[id]" },
  { title: "MikroORM", table: "mikro_orm_migrations", columns: ["name", "executed_at"], id: "[name]", order: "[id]" },
  { title: "Alembic", table: "alembic_version", columns: ["version_num"], id: "[version_num]", order: "[version_num]" },
  {
    title: "Django",
    table: "django_migrations",
    columns: ["app", "name", "applied"],
    id: "concat([app], '.', [name])",
    order: "[id]",
  },
  {
    title: "Entity Framework",
    table: "__efmigrationshistory",
    columns: ["migrationid", "productversion"],
    id: "[migrationid]",
    order: "[migrationid]",
  },
  {
    title: "Doctrine",
    table: "doctrine_migration_versions",
    columns: ["version", "executed_at"],
    id: "[version]",
    order: "[executed_at]",
  },
  { title: "morph", table: "db_migrations", columns: ["version", "name"], id: "[name]", order: "[version]" },
  {
    title: "DevLake",
    table: "_devlake_migration_history",
    columns: ["script_version", "script_name"],
    id: "[script_name]",
    order: "[script_version]",
  },
  {
    title: "migration-sandbox",
    table: "_migration_sandbox",
    columns: ["position", "name", "checksum"],
    id: "[name]",
    order: "[position]",
  },
];
