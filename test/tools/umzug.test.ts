import { QueryTypes, Sequelize } from "sequelize";
import { SequelizeStorage, Umzug } from "umzug";
import { describe, expect, test } from "vitest";
import { forEngine } from "../../harness/database.ts";
import type { Sandbox } from "../../harness/sandbox.ts";
import { umzugMigrations } from "../../harness/tools/umzug.ts";
import { onStage } from "../stage.ts";
import { isDriven } from "./driven.contract.ts";
import { codeOf, drive, driverOf, type Files, heldBy, inProject, inSandboxes } from "./driving.ts";

const users = `const { DataTypes } = require("sequelize");
  exports.up = ({ context }) => context.createTable("users", {
    id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: false }, name: { type: DataTypes.STRING, allowNull: false },
  });
  exports.down = ({ context }) => context.dropTable("users");`;
const insert = (rows: string) => `import type { QueryInterface } from "sequelize";
  export async function up({ context }: { context: QueryInterface }): Promise<void> {
    await context.bulkInsert("users", ${rows});
  }`;
const two: Files = {
  "1-users.js": users,
  "2-rows.ts": insert('[{ id: 1, name: "Ada" }, { id: 2, name: "Zoë" }]'),
};

await isDriven({
  title: "Umzug",
  library: "sequelize",
  engines: ["postgres", "mysql", "mariadb"],
  files: () => ({
    two,
    twin: { "3-twin.ts": insert('[{ id: 1, name: "twin" }]') },
    sleeping: { "1-sleep.js": 'exports.up = ({ context }) => context.sequelize.query("select pg_sleep(20)");' },
  }),
  names: { two: ["1-users.js", "2-rows.ts"], twin: "3-twin.ts", sleeping: "1-sleep.js" },
  source: umzugMigrations,
  async plainly(sandbox, folder) {
    const sequelize = sequelizeAt(sandbox);
    const rows = {
      name: "2-rows.ts",
      up: async () => {
        await sequelize.query("insert into users (id, name) values (1, 'Ada'), (2, 'Zoë')", {
          type: QueryTypes.INSERT,
        });
      },
    };
    const umzug = new Umzug({
      migrations: async (context) => {
        const read = new Umzug({ migrations: { glob: `${folder}/*.js` }, context, logger: undefined });
        return [
          ...(await read.pending()).map(({ name, path = "" }) => ({ name, up: upOf(path, name, context) })),
          rows,
        ];
      },
      context: sequelize.getQueryInterface(),
      storage: new SequelizeStorage({ sequelize }),
      logger: undefined,
    });
    await umzug.up().finally(() => sequelize.close());
  },
  times: [],
});

describe("umzugMigrations()", () => {
  const stage = onStage();
  const cli = `module.exports = {
    up: async (queryInterface, Sequelize) => {
      await queryInterface.createTable("users", { id: { type: Sequelize.INTEGER, primaryKey: true } });
    },
    down: async () => {},
  };`;

  test("calls migrations as sequelize-cli does where that is said", () =>
    inProject({ "1-users.js": cli }, (folder) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        expect(await drive(sandbox, umzugMigrations(folder, { cli: true }))).toMatchObject({ done: ["1-users.js"] });
        expect((await heldBy(sandbox, [])).rows).toEqual({ SequelizeMeta: [{ name: "1-users.js" }], users: [] });
        const { thrown } = await drive(sandbox, umzugMigrations(folder, { tableName: "applied" }));
        expect((thrown as Error).constructor.name).toBe("TypeError");
      }),
    ));

  test("drives an Umzug that the product makes itself, up to a release", () =>
    inProject(two, (folder) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        const source = (last?: string) =>
          umzugMigrations(
            async (at) => {
              const sequelize = await at.sequelize<Sequelize>();
              const up = (name: string, sql: string) => ({ name, up: () => sequelize.query(sql) });
              return new Umzug({
                migrations: [
                  up("a", "create table users (id int primary key)"),
                  up("b", "insert into users values (1)"),
                  up("c", "insert into users values (1)"),
                ],
                storage: new SequelizeStorage({ sequelize, tableName: "applied" }),
                logger: undefined,
              });
            },
            { from: folder, tableName: "applied", ...(last !== undefined && { upTo: last }) },
          );
        const driver = await driverOf(source(), sandbox);
        expect([driver.ships, driver.recordTables]).toEqual([undefined, ["applied"]]);
        expect(await drive(sandbox, source("a"))).toMatchObject({ begun: ["a"], done: ["a"], thrown: undefined });
        const driven = await drive(sandbox, source());
        expect(driven).toMatchObject({ begun: ["b", "c"], done: ["b"], said: [] });
        expect(codeOf(driven.thrown, sandbox)).toBe("23505");
      }),
    ));

  test("ends what a product opened for its Umzug", () =>
    inSandboxes(stage(), 1, async ([sandbox]) => {
      const ended: string[] = [];
      const source = umzugMigrations(async ({ afterwards }) => {
        afterwards(() => ended.push("pool"));
        throw new TypeError("no Umzug today");
      });
      const { thrown } = await drive(sandbox, source);
      expect([thrown, ended]).toEqual([new TypeError("no Umzug today"), ["pool"]]);
    }));

  test("leaves what a migration itself threw as it is, whatever caused it", () =>
    inProject(
      {
        "1-own.js": `class Untidy extends Error {}
          exports.up = async () => { throw new Untidy("there are twins", { cause: new RangeError("2") }); };`,
      },
      (folder) =>
        inSandboxes(stage(), 1, async ([sandbox]) => {
          const { thrown } = await drive(sandbox, umzugMigrations(folder));
          expect((thrown as Error).constructor.name).toBe("Untidy");
          await inProject({ "2-broken.ts": "export const up = ;" }, async (broken) => {
            const told = await drive(sandbox, umzugMigrations(broken));
            expect(told.thrown).toMatchObject({ code: "bad-input" });
          });
        }),
    ));

  test("takes no notice of a recorded migration that is shipped no more, as Umzug does", () =>
    inProject(two, (folder) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        await drive(sandbox, umzugMigrations(folder));
        const driven = await drive(sandbox, umzugMigrations(folder, { upTo: "1-users" }));
        expect(driven).toEqual({ begun: [], done: [], thrown: undefined, said: [] });
      }),
    ));
});

function sequelizeAt({ address, engine }: Sandbox): Sequelize {
  const { user: username, tls: _, ...where } = address;
  const dialects = { postgres: "postgres", mysql: "mysql", mariadb: "mariadb" } as const;
  return new Sequelize({ ...where, username, dialect: forEngine(dialects, engine.name) ?? "postgres", logging: false });
}

function upOf(path: string, name: string, context: unknown) {
  return async () => (await import(path)).up({ path, name, context });
}
