import knexOf from "knex";
import { knexMigrations } from "migration-sandbox";
import { forEngine } from "../../harness/database.ts";
import { code, inCode, inCodeAlone, itself, plain } from "./code.ts";
import type { Tool } from "./tool.ts";

const silent = { warn() {}, error() {}, deprecate() {}, debug() {} };

export const knex: Tool = {
  title: "Knex",
  engines: ["postgres", "mysql", "mariadb"],
  only: inCodeAlone,
  files: (links) =>
    inCode(
      links,
      (link) => `${code("knex", "knex.raw(sql)", link)}${link.alone ? "exports.config = { transaction: false };" : ""}`,
    ),
  ours: (folder) => knexMigrations(folder),
  async run(sandbox, directory) {
    const client = forEngine({ postgres: "pg", mysql: "mysql2" }, sandbox.engine.name) ?? "";
    const db = knexOf({ client, connection: plain(sandbox), pool: { min: 0, max: 2 }, log: silent });
    await db.migrate.latest({ directory }).finally(() => db.destroy());
  },
  passing: ["migration_time"],
  outcomes: {
    // It opens one transaction for all that is pending, unless one of them asks for none.
    skipped: { fails: "55P04" },
    removed: itself(/^The migration directory is corrupt, the following files are missing: 0002_rows.js$/),
    enclosed: { fails: "25001" },
    fails: { postgres: { fails: "23505" }, mysql: { fails: 1062 } },
  },
};
