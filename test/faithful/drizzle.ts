import { drizzle as onMysql } from "drizzle-orm/mysql2";
import { migrate as migrateMysql } from "drizzle-orm/mysql2/migrator";
import { drizzle as onPostgres } from "drizzle-orm/node-postgres";
import { migrate as migratePostgres } from "drizzle-orm/node-postgres/migrator";
import { migrationsIn } from "migration-sandbox";
import { createPool } from "mysql2/promise";
import pg from "pg";
import { forEngine } from "../../harness/database.ts";
import { type Link, saved, sqlOf } from "./chains.ts";
import type { Tool } from "./tool.ts";

export const drizzle: Tool = {
  title: "Drizzle",
  engines: ["postgres", "mysql", "mariadb"],
  files: (links, engine) => ({
    ...Object.fromEntries(links.map((link) => [`${tagOf(link)}.sql`, saved(textOf(link), link)])),
    "meta/_journal.json": JSON.stringify({
      version: "7",
      dialect: forEngine({ postgres: "postgresql", mysql: "mysql" }, engine),
      entries: links.map((link, idx) => ({
        ...{ idx, version: "7", when: 1_700_000_000_000 + link.number, tag: tagOf(link), breakpoints: true },
      })),
    }),
  }),
  ours: (folder) => migrationsIn(folder),
  async run({ url, engine }, migrationsFolder) {
    const ways = {
      async postgres() {
        const pool = new pg.Pool({ connectionString: url });
        await migratePostgres(onPostgres(pool), { migrationsFolder }).finally(() => pool.end());
      },
      async mysql() {
        const pool = createPool(url);
        await migrateMysql(onMysql(pool), { migrationsFolder }).finally(() => pool.end());
      },
    };
    await forEngine(ways, engine.name)?.();
  },
  passing: [],
  outcomes: {
    skipped: { fails: "55P04" },
    delimited: { fails: 1064 },
    concurrently: "none",
    enclosed: { fails: "25001" },
    again: { postgres: { fails: "23505" }, mysql: { fails: 1050 } },
    large: "none",
    fails: { postgres: { fails: "23505" }, mysql: { fails: 1062 } },
    several: { mysql: { fails: 1064 } },
    empty: { mysql: { fails: 1065 } },
    mark: { postgres: { fails: "42601" }, mysql: { fails: 1064 } },
  },
};

function textOf(link: Link): string {
  return link.delimited ? sqlOf(link) : link.says.join(";\n--> statement-breakpoint\n");
}

function tagOf({ number, name }: { readonly number: number; readonly name: string }): string {
  return `${String(number).padStart(4, "0")}_${name}`;
}
