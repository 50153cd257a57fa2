import { drizzle as onMysql } from "drizzle-orm/mysql2";
import { migrate as migrateMysql } from "drizzle-orm/mysql2/migrator";
import { drizzle as onPostgres } from "drizzle-orm/node-postgres";
import { migrate as migratePostgres } from "drizzle-orm/node-postgres/migrator";
import { createPool } from "mysql2/promise";
import pg from "pg";
import { describe, expect, test } from "vitest";
import { forEngine } from "../../harness/database.ts";
import { drizzleMigrations } from "../../harness/tools/drizzle.ts";
import { onStage } from "../stage.ts";
import { isDriven } from "./driven.contract.ts";
import { drive, driverOf, type Files, heldBy, inProject, inSandboxes } from "./driving.ts";

const users = `CREATE TABLE users (id int PRIMARY KEY);
--> statement-breakpoint
ALTER TABLE users ADD COLUMN name varchar(80) NOT NULL;`;
const rows = "INSERT INTO users (id, name) VALUES (1, 'Ada'), (2, 'Zoë');";

const folder = (files: readonly (readonly [tag: string, when: number, sql: string])[]): Files => ({
  ...Object.fromEntries(files.map(([tag, , sql]) => [`${tag}.sql`, sql])),
  "meta/_journal.json": JSON.stringify({
    version: "7",
    entries: files.map(([tag, when], idx) => ({ idx, version: "7", when, tag, breakpoints: true })),
  }),
});

const first = ["0000_users", 1700000000001, users] as const;
const second = ["0001_rows", 1700000000002, rows] as const;
const third = ["0002_twin", 1700000000003, "INSERT INTO users (id, name) VALUES (1, 'twin');"] as const;

await isDriven({
  title: "Drizzle",
  library: "drizzle-orm",
  engines: ["postgres", "mysql", "mariadb"],
  files: () => ({
    two: folder([first, second]),
    twin: folder([first, second, third]),
    sleeping: folder([["0000_sleep", 1, "select pg_sleep(20)"]]),
  }),
  names: { two: [first[0], second[0]], twin: third[0], sleeping: "0000_sleep" },
  source: drizzleMigrations,
  async plainly({ address, engine }, migrationsFolder) {
    const { tls: _, ...where } = address;
    const ways = {
      async postgres() {
        const pool = new pg.Pool(where);
        await migratePostgres(onPostgres(pool), { migrationsFolder }).finally(() => pool.end());
      },
      async mysql() {
        const pool = createPool(where);
        await migrateMysql(onMysql(pool), { migrationsFolder }).finally(() => pool.end());
      },
    };
    await forEngine(ways, engine.name)?.();
  },
  times: [],
});

describe("drizzleMigrations()", () => {
  const stage = onStage();

  test("skips a migration that came late without a word, as Drizzle does", () =>
    inSandboxes(stage(), 1, async ([sandbox]) => {
      await inProject(folder([first, second]), (before) => drive(sandbox, drizzleMigrations(before)));
      const late = ["0001_late", 1700000000001, "create table late (id int)"] as const;
      await inProject(folder([first, late, second]), async (after) => {
        expect(await drive(sandbox, drizzleMigrations(after))).toEqual({
          begun: [],
          done: [],
          thrown: undefined,
          said: [],
        });
      });
      expect(Object.keys((await heldBy(sandbox, [])).rows)).toEqual(["users", "drizzle.__drizzle_migrations"]);
    }));

  test("takes all back where one of those pending fails on PostgreSQL, as all share a transaction", () =>
    inProject(folder([first, second, third]), (project) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        await drive(sandbox, drizzleMigrations(project));
        expect((await heldBy(sandbox, [])).rows).toEqual({ "drizzle.__drizzle_migrations": [] });
      }),
    ));

  test("passes on which file of the journal is missing, as Drizzle says it", () =>
    inProject(
      { ...folder([first]), "meta/_journal.json": folder([first, second])["meta/_journal.json"] ?? "" },
      (project) =>
        inSandboxes(stage(), 1, async ([sandbox]) => {
          const { thrown } = await drive(sandbox, drizzleMigrations(project));
          expect((thrown as Error).message).toBe(`No file ${project}/0001_rows.sql found in ${project} folder`);
        }),
    ));

  test("says that a folder has no journal, or that it is none", async () => {
    const said = (files: Files) =>
      inProject(files, async (project) => {
        const driver = await driverOf(drizzleMigrations(project), stage());
        const told = await driver.ships?.().catch((error: Error) => error.message);
        return String(told).replaceAll(project, "…");
      });
    expect(await said({ "1.sql": "" })).toBe('Cannot read migrations from "…": there is no "…/meta/_journal.json"');
    expect(await said({ "meta/_journal.json": "{" })).toMatch(
      /^Cannot read .*: "…\/meta\/_journal.json" is no journal: /,
    );
  });

  test("is driven over the product's own client, with a record where the product has it", () =>
    inProject(folder([first, second]), (project) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        const source = drizzleMigrations(project, {
          migrationsTable: "applied",
          migrationsSchema: "public",
          open: ({ url }) => new pg.Pool({ connectionString: url, max: 1 }),
        });
        expect((await driverOf(source, sandbox)).recordTables).toContain("public.applied");
        expect(await drive(sandbox, source)).toMatchObject({ done: { length: 2 }, thrown: undefined });
        expect((await heldBy(sandbox, [])).rows.applied).toHaveLength(2);
      }),
    ));
});
