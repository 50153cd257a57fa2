import { createRequire } from "node:module";
import { migrationsIn } from "migration-sandbox";
import { forEngine } from "../../harness/database.ts";
import type { Sandbox } from "../../harness/sandbox.ts";
import { saved, sqlOf } from "./chains.ts";
import type { Tool } from "./tool.ts";

const require = createRequire(import.meta.url);

/** As its configuration has it where files hold more than one statement. */
const several = { multipleStatements: true };

const sql: Omit<Tool, "title" | "engines" | "ours" | "run" | "outcomes"> = {
  files: (links) =>
    Object.fromEntries(
      links.flatMap((link) => {
        const name = `${20260100000000 + link.number}-${link.name}`;
        return [
          [`${name}.js`, script(name)],
          [`sqls/${name}-up.sql`, saved(sqlOf(link), link)],
        ];
      }),
    ),
  passing: ["run_on"],
};

export const dbMigrateSql: Tool = {
  ...sql,
  title: "db-migrate's SQL",
  engines: ["postgres", "mysql", "mariadb"],
  ours: (folder) => migrationsIn(folder, several),
  run: (sandbox, folder) => run(sandbox, folder, several),
  outcomes: {
    delimited: { fails: 1064 },
    concurrently: "none",
    enclosed: { fails: "25001" },
    again: { postgres: { fails: "23505" }, mysql: { fails: 1050 } },
    thousand: "none",
    large: "none",
    fails: { postgres: { fails: "23505" }, mysql: { fails: 1062 } },
    empty: { mysql: { fails: 1065 } },
    mark: { postgres: { fails: "42601" }, mysql: { fails: 1064 } },
  },
};

/** Without that setting, all that can be told apart. */
export const dbMigrateOne: Tool = {
  ...sql,
  title: "db-migrate's SQL, a statement a file",
  engines: ["mysql", "mariadb"],
  ours: (folder) => migrationsIn(folder),
  run: (sandbox, folder) => run(sandbox, folder, {}),
  outcomes: {
    releases: "none",
    bodies: "none",
    delimited: "none",
    fails: "none",
    again: "none",
    several: { fails: 1064 },
    empty: { fails: 1065 },
    mark: { fails: 1064 },
    crlf: "none",
    edited: "none",
  },
};

async function run(sandbox: Sandbox, folder: string, settings: object): Promise<void> {
  await toolAt(sandbox, folder, settings).up();
}

/** Takes back what it ran last. */
export async function dbMigrateBack(sandbox: Sandbox, folder: string): Promise<void> {
  await toolAt(sandbox, folder, several).down(1);
}

function toolAt({ address, engine }: Sandbox, folder: string, settings: object) {
  const { tls: _, ...where } = address;
  const driver = forEngine({ postgres: "pg", mysql: "mysql" }, engine.name);
  const config = { dev: { ...where, ...settings, driver } };
  const cmdOptions = { "migrations-dir": folder };
  const tool = require("db-migrate").getInstance(true, { env: "dev", config, throwUncatched: true, cmdOptions });
  tool.silence(true);
  return tool;
}

/** As `db-migrate create --sql-file` writes it, without what it prints. */
function script(name: string): string {
  const { prototype } = require("db-migrate/lib/migration.js");
  return prototype.sqlFileLoaderTemplate.call({ name: `${name}.js` }).replace(/.*console\.log.*\n/g, "");
}
