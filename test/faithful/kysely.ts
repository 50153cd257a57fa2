import { promises as fs } from "node:fs";
import path from "node:path";
import { type Dialect, FileMigrationProvider, Kysely, Migrator, MysqlDialect, PostgresDialect } from "kysely";
import { kyselyMigrations } from "migration-sandbox";
import mysql from "mysql2";
import pg from "pg";
import { forEngine } from "../../harness/database.ts";
import { code, inCode, inCodeAlone, itself, plain } from "./code.ts";
import type { Tool } from "./tool.ts";

export const kysely: Tool = {
  title: "Kysely",
  engines: ["postgres", "mysql", "mariadb"],
  only: inCodeAlone,
  files: (links) =>
    inCode(links, (link) => `const { sql: raw } = require("kysely");\n${code("db", "raw.raw(sql).execute(db)", link)}`),
  ours: (folder) => kyselyMigrations(folder),
  async run(sandbox, migrationFolder) {
    const ways = {
      postgres: (): Dialect => new PostgresDialect({ pool: new pg.Pool(plain(sandbox)) }),
      mysql: (): Dialect => new MysqlDialect({ pool: mysql.createPool(plain(sandbox)) as never }),
    };
    const dialect = forEngine(ways, sandbox.engine.name)?.();
    if (dialect === undefined) return;
    const db = new Kysely<unknown>({ dialect });
    const provider = new FileMigrationProvider({ fs, path, migrationFolder });
    const { error } = await new Migrator({ db, provider }).migrateToLatest().finally(() => db.destroy());
    if (error !== undefined) throw error;
  },
  passing: ["timestamp"],
  outcomes: {
    late: itself(/^corrupted migrations: expected previously executed migration 0003_later to be at index 1/),
    removed: itself(/^corrupted migrations: previously executed migration 0002_rows is missing$/),
    concurrently: "none",
    skipped: { fails: "55P04" },
    enclosed: { fails: "25001" },
    fails: { postgres: { fails: "23505" }, mysql: { fails: 1062 } },
  },
};
