import { MikroORM as OnMariadb } from "@mikro-orm/mariadb";
import { Migrator } from "@mikro-orm/migrations";
import { MikroORM as OnPostgres } from "@mikro-orm/postgresql";
import { describe, expect, test } from "vitest";
import { forEngine } from "../../harness/database.ts";
import { mikroOrmMigrations } from "../../harness/tools/mikro-orm.ts";
import { onStage } from "../stage.ts";
import { isDriven } from "./driven.contract.ts";
import { drive, driverOf, type Files, heldBy, inProject, inSandboxes } from "./driving.ts";

const migration = (name: string, sql: string) => `import { Migration } from "@mikro-orm/migrations";
  export class ${name} extends Migration {
    override async up(): Promise<void> { this.addSql(${JSON.stringify(sql)}); }
  }`;
const users = `const { Migration } = require("@mikro-orm/migrations");
  exports.Migration1 = class Migration1 extends Migration {
    async up() { this.addSql("create table users (id int primary key, name varchar(80) not null)"); }
  };`;
const two: Files = {
  "Migration1.js": users,
  "Migration2.ts": migration("Migration2", "insert into users (id, name) values (1, 'Ada'), (2, 'Zoë')"),
  "Migration2.d.ts": "",
};

await isDriven({
  title: "MikroORM",
  library: "@mikro-orm/migrations",
  engines: ["postgres", "mariadb"],
  files: () => ({
    two,
    twin: { "Migration3.ts": migration("Migration3", "insert into users (id, name) values (1, 'twin')") },
    sleeping: { "Migration4.ts": migration("Migration4", "select pg_sleep(20)") },
  }),
  names: { two: ["Migration1", "Migration2"], twin: "Migration3", sleeping: "Migration4" },
  source: mikroOrmMigrations,
  async plainly({ address, engine }, folder) {
    const { database: dbName, tls: _, ...where } = address;
    const init = forEngine<typeof OnPostgres.init>(
      { postgres: OnPostgres.init.bind(OnPostgres), mariadb: OnMariadb.init.bind(OnMariadb) as never },
      engine.name,
    );
    const rows = (await import("@mikro-orm/migrations")).Migration;
    class Migration2 extends rows {
      override async up(): Promise<void> {
        this.addSql("insert into users (id, name) values (1, 'Ada'), (2, 'Zoë')");
      }
    }
    const { Migration1 } = (await import(`${folder}/Migration1.js`)) as { Migration1: typeof Migration2 };
    const migrationsList = [Migration1, Migration2].map((one) => ({ name: one.name, class: one }));
    const orm = await init?.({
      ...where,
      dbName,
      entities: [],
      discovery: { warnWhenNoEntities: false },
      extensions: [Migrator],
      migrations: { migrationsList, silent: true, snapshot: false },
    });
    await orm
      ?.getMigrator()
      .up()
      .finally(() => orm.close());
  },
  times: ["executed_at"],
});

describe("mikroOrmMigrations()", () => {
  const stage = onStage();

  test("takes all back where one of those pending fails, or as much as is said", () =>
    inProject({ ...two, "Migration3.ts": migration("Migration3", "select 1 / 0") }, (folder) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        await drive(sandbox, mikroOrmMigrations(folder));
        expect((await heldBy(sandbox, [])).rows).toEqual({ mikro_orm_migrations: [] });
        await drive(sandbox, mikroOrmMigrations(folder, { allOrNothing: false }));
        expect((await heldBy(sandbox, [])).rows.mikro_orm_migrations).toHaveLength(2);
      }),
    ));

  test("says that a file exports no class", () =>
    inProject({ "Migration1.ts": "export const up = 1;" }, (folder) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        const { thrown } = await drive(sandbox, mikroOrmMigrations(folder));
        expect((thrown as Error).message).toBe(`Cannot load migration "${folder}/Migration1.ts": it exports no class`);
      }),
    ));

  test("says which package an engine needs", () =>
    inProject(two, (folder) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        const elsewhere = mikroOrmMigrations(folder, { from: folder });
        const driver = await driverOf(elsewhere, sandbox);
        const at = { address: sandbox.address, engine: "mysql", signal: new AbortController().signal };
        await expect(driver.migrate(at as never)).rejects.toThrow(
          `Cannot drive MikroORM: "@mikro-orm/mysql" is not installed in "${folder}" (npm install @mikro-orm/mysql)`,
        );
      }),
    ));

  test("is driven over the product's own MikroORM, with a record of another name", () =>
    inProject(two, (folder) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        const source = mikroOrmMigrations(folder, {
          tableName: "book.applied",
          open: ({ url }) =>
            OnPostgres.init({
              clientUrl: url,
              entities: [],
              discovery: { warnWhenNoEntities: false },
              extensions: [Migrator],
            }),
        });
        expect((await driverOf(source, sandbox)).recordTables).toEqual(["book.applied"]);
        expect(await drive(sandbox, source)).toMatchObject({ done: { length: 2 }, thrown: undefined });
        expect((await heldBy(sandbox, [])).rows["book.applied"]).toHaveLength(2);
      }),
    ));
});
