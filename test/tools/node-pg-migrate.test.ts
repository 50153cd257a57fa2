import { runner } from "node-pg-migrate";
import pg from "pg";
import { describe, expect, test } from "vitest";
import { nodePgMigrations } from "../../harness/tools/node-pg-migrate.ts";
import { onStage } from "../stage.ts";
import { isDriven } from "./driven.contract.ts";
import { asked, drive, driverOf, type Files, heldBy, inProject, inSandboxes } from "./driving.ts";

const users = `exports.up = (pgm) => { pgm.createTable("users", { id: { type: "int", primaryKey: true }, name: { type: "text", notNull: true } }); };
  exports.down = false;`;
const rows = `import type { MigrationBuilder } from "node-pg-migrate";
  export async function up(pgm: MigrationBuilder): Promise<void> {
    pgm.sql("insert into users (id, name) values (1, 'Ada'), (2, 'Zoë')");
  }`;
const two: Files = { "1_users.js": users, "10_rows.ts": rows, ".hidden": "" };

await isDriven({
  title: "node-pg-migrate",
  library: "node-pg-migrate",
  engines: ["postgres"],
  files: () => ({
    two,
    twin: { "11_twin.sql": "-- Up Migration\ninsert into users (id, name) values (1, 'twin');\n-- Down Migration\n" },
    sleeping: { "1_sleep.js": 'exports.up = (pgm) => { pgm.sql("select pg_sleep(20)"); };' },
  }),
  names: { two: ["1_users", "10_rows"], twin: "11_twin", sleeping: "1_sleep" },
  source: nodePgMigrations,
  async plainly({ url }, dir) {
    await runner({ databaseUrl: url, dir, direction: "up", migrationsTable: "pgmigrations", log: () => {} });
  },
  times: ["run_on"],
});

describe("nodePgMigrations()", () => {
  const stage = onStage();

  test("passes on how node-pg-migrate refuses a migration that came late, unless it is told to take them", () =>
    inProject({ ...two, "2_late.sql": "create table late (id int)" }, (folder) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        await inProject(two, (before) => drive(sandbox, nodePgMigrations(before)));
        const { begun, thrown } = await drive(sandbox, nodePgMigrations(folder));
        expect(begun).toEqual([]);
        expect((thrown as Error).message).toBe("Not run migration 2_late is preceding already run migration 10_rows");
        const lenient = await drive(sandbox, nodePgMigrations(folder, { checkOrder: false }));
        expect(lenient).toMatchObject({ done: ["2_late"], thrown: undefined });
      }),
    ));

  test("passes on that another one holds the lock", () =>
    inProject(two, (folder) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        const session = await sandbox.connect();
        await session.query("select pg_advisory_lock(7241865325823964)");
        const { begun, thrown } = await drive(sandbox, nodePgMigrations(folder));
        await session.end();
        expect(begun).toEqual([]);
        expect((thrown as Error).message).toMatch(/^Another migration is already running/);
      }),
    ));

  test("takes all back where one of those pending fails, or as much as is said", () =>
    inProject({ ...two, "11_code.js": "exports.up = () => { throw new RangeError('too far'); };" }, (folder) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        const together = await drive(sandbox, nodePgMigrations(folder));
        expect(together).toMatchObject({ begun: ["1_users", "10_rows", "11_code"], done: ["1_users", "10_rows"] });
        expect((together.thrown as Error).constructor.name).toBe("RangeError");
        expect((await heldBy(sandbox, [])).rows).toEqual({ pgmigrations: [] });
        await drive(sandbox, nodePgMigrations(folder, { singleTransaction: false }));
        expect((await heldBy(sandbox, [])).rows.pgmigrations).toHaveLength(2);
      }),
    ));

  test("runs migrations that call back, and orders times as people write them among others", () =>
    inProject(
      {
        "20240101000000000_later.js":
          "exports.up = (pgm, done) => { setTimeout(() => { pgm.sql('select 1'); done(); }, 5); };",
        "1700000000000_earlier.js": "exports.up = () => {};",
      },
      (folder) =>
        inSandboxes(stage(), 1, async ([sandbox]) => {
          const names = ["1700000000000_earlier", "20240101000000000_later"];
          expect(await (await driverOf(nodePgMigrations(folder), sandbox)).ships?.()).toEqual(names);
          expect(await drive(sandbox, nodePgMigrations(folder))).toMatchObject({ done: names, thrown: undefined });
        }),
    ));

  test("is driven over the product's own client, with a record where the product has it", () =>
    inProject(two, (folder) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        const source = nodePgMigrations(folder, {
          migrationsSchema: "book",
          createMigrationsSchema: true,
          open: ({ url }) => new pg.Client(url),
        });
        expect((await driverOf(source, sandbox)).recordTables).toEqual(["book.pgmigrations"]);
        expect(await drive(sandbox, source)).toMatchObject({ done: { length: 2 }, thrown: undefined });
        expect(await asked(sandbox, "select name from book.pgmigrations")).toHaveLength(2);
      }),
    ));

  test("says which engines node-pg-migrate knows", async () => {
    await expect(nodePgMigrations("migrations").read("mysql")).rejects.toThrow(
      'Cannot drive node-pg-migrate on mysql: it knows postgres (name these in "engines")',
    );
  });
});
