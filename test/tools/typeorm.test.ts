import { DataSource } from "typeorm";
import { describe, expect, test } from "vitest";
import { forEngine } from "../../harness/database.ts";
import { typeormMigrations } from "../../harness/tools/typeorm.ts";
import { onStage } from "../stage.ts";
import { isDriven } from "./driven.contract.ts";
import { drive, driverOf, type Files, heldBy, inProject, inSandboxes } from "./driving.ts";

const migration = (
  name: string,
  up: string,
  rest = "",
) => `import type { MigrationInterface, QueryRunner } from "typeorm";
  export class ${name} implements MigrationInterface {
    ${rest}
    async up(runner: QueryRunner): Promise<void> { ${up} }
    async down(runner: QueryRunner): Promise<void> {}
  }`;
const users = `const { Table } = require("typeorm");
  exports.Users1700000000001 = class Users1700000000001 {
    async up(runner) {
      await runner.createTable(new Table({ name: "users", columns: [{ name: "id", type: "int", isPrimary: true }, { name: "name", type: "varchar" }] }));
    }
    async down() {}
  };`;
const insert = (rows: string) => `await runner.query("insert into users (id, name) values ${rows}");`;

const two: Files = {
  "b-users.js": users,
  "a-rows.ts": migration("Rows1700000000002", insert("(1, 'Ada'), (2, 'Zoë')")),
  "notes.md": "",
};

await isDriven({
  title: "TypeORM",
  library: "typeorm",
  engines: ["postgres", "mysql", "mariadb"],
  files: () => ({
    two,
    twin: { "c-twin.ts": migration("Twin1700000000003", insert("(1, 'twin')")) },
    sleeping: { "sleep.ts": migration("Sleep1700000000004", 'await runner.query("select pg_sleep(20)");') },
  }),
  names: {
    two: ["Users1700000000001", "Rows1700000000002"],
    twin: "Twin1700000000003",
    sleeping: "Sleep1700000000004",
  },
  source: typeormMigrations,
  async plainly({ address, engine }, folder) {
    const { user: username, tls: _, ...where } = address;
    const type = forEngine({ postgres: "postgres", mysql: "mysql", mariadb: "mariadb" }, engine.name);
    const rows = class Rows1700000000002 {
      async up(runner: { query(sql: string): Promise<unknown> }): Promise<void> {
        await runner.query("insert into users (id, name) values (1, 'Ada'), (2, 'Zoë')");
      }
      async down(): Promise<void> {}
    };
    const migrations = [`${folder}/*.js`, rows];
    const db = await new DataSource({ ...where, username, type, migrations } as never).initialize();
    await db.runMigrations().finally(() => db.destroy());
  },
  times: [],
});

describe("typeormMigrations()", () => {
  const stage = onStage();

  test("passes on how TypeORM refuses a name without a time", () =>
    inProject({ "users.ts": migration("Users", "") }, (folder) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        const { begun, thrown } = await drive(sandbox, typeormMigrations(folder));
        expect(begun).toEqual([]);
        expect((thrown as Error).message).toBe(
          "Users migration name is wrong. Migration class name should have a JavaScript timestamp appended.",
        );
      }),
    ));

  test("passes on how TypeORM refuses a migration without a transaction where all share one", () =>
    inProject({ ...two, "c.ts": migration("Alone1700000000003", "", "transaction = false;") }, (folder) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        const { begun, thrown } = await drive(sandbox, typeormMigrations(folder));
        expect(begun).toEqual([]);
        expect((thrown as Error).constructor.name).toBe("ForbiddenTransactionModeOverrideError");
        const each = typeormMigrations(folder, { migrationsTransactionMode: "each" });
        expect(await drive(sandbox, each)).toMatchObject({ done: { length: 3 }, thrown: undefined });
      }),
    ));

  test("runs a migration that came late, as TypeORM does", () =>
    inProject({ ...two, "c.ts": migration("Late1600000000000", "") }, (folder) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        await inProject(two, (before) => drive(sandbox, typeormMigrations(before)));
        const driven = await drive(sandbox, typeormMigrations(folder));
        expect(driven).toMatchObject({ done: ["Late1600000000000"], thrown: undefined });
      }),
    ));

  test("is driven over the product's own data source where it makes one", () =>
    inProject(two, (folder) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        const source = typeormMigrations(folder, {
          migrationsTableName: "applied",
          open: ({ url }) => new DataSource({ type: "postgres", url }),
        });
        expect((await driverOf(source, sandbox)).recordTables).toEqual(["applied"]);
        expect(await drive(sandbox, source)).toMatchObject({ done: { length: 2 }, thrown: undefined });
        expect((await heldBy(sandbox, [])).rows.applied).toMatchObject([{ name: "Users1700000000001" }, {}]);
      }),
    ));
});
