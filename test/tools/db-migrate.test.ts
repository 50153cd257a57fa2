import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { forEngine } from "../../harness/database.ts";
import { dbMigrations } from "../../harness/tools/db-migrate.ts";
import { onStage } from "../stage.ts";
import { isDriven } from "./driven.contract.ts";
import { drive, driverOf, type Files, heldBy, inProject, inSandboxes } from "./driving.ts";

const { getInstance } = createRequire(import.meta.url)("db-migrate");

const users = `exports.up = (db) => db.createTable("users", { id: { type: "int", primaryKey: true }, name: { type: "string", notNull: true } });
  exports.down = (db) => db.dropTable("users");
  exports._meta = { version: 1 };`;
const insert = (rows: string) =>
  `exports.up = (db, done) => { db.runSql("insert into users (id, name) values ${rows}", done); };`;
const two: Files = {
  "20240101000000-users.js": users,
  "20240102000000-rows.js": insert("(1, 'Ada'), (2, 'Zoë')"),
  "sqls/notes.sql": "",
};

await isDriven({
  title: "db-migrate",
  library: "db-migrate",
  engines: ["postgres", "mysql", "mariadb"],
  files: () => ({
    two,
    twin: { "20240103000000-twin.js": insert("(1, 'twin')") },
    sleeping: { "20240101000000-sleep.js": 'exports.up = (db) => db.runSql("select pg_sleep(20)");' },
  }),
  names: {
    two: ["20240101000000-users", "20240102000000-rows"],
    twin: "20240103000000-twin",
    sleeping: "20240101000000-sleep",
  },
  source: dbMigrations,
  async plainly({ address, engine }, folder) {
    const driver = forEngine({ postgres: "pg", mysql: "mysql" }, engine.name);
    const { tls: _, ...where } = address;
    const config = { dev: { ...where, driver } };
    const tool = getInstance(true, {
      env: "dev",
      config,
      throwUncatched: true,
      cmdOptions: { "migrations-dir": folder },
    });
    tool.silence(true);
    await tool.up();
  },
  times: ["run_on"],
});

describe("dbMigrations()", () => {
  const stage = onStage();

  test("says which name db-migrate does not take", () =>
    inProject({ "1-users.js": users }, async (folder) => {
      const driver = await driverOf(dbMigrations(folder), stage());
      await expect(driver.ships?.()).rejects.toThrow(
        `Cannot read migration "${folder}/1-users.js": db-migrate wants a name like "20240107120000-users.js"`,
      );
    }));

  test("runs SQL by the files that db-migrate writes around it", () =>
    inProject(
      {
        "20240101000000-users.js": `const fs = require("fs"); const path = require("path"); let Promise;
          exports.setup = (options) => { Promise = options.Promise; };
          exports.up = (db) => new Promise((resolve) => {
            const data = fs.readFileSync(path.join(__dirname, "sqls", "20240101000000-users-up.sql"), "utf8");
            resolve(data);
          }).then((data) => db.runSql(data));`,
        "sqls/20240101000000-users-up.sql": "create table users (id int); insert into users values (1);",
      },
      (folder) =>
        inSandboxes(stage(), 1, async ([sandbox]) => {
          const driven = await drive(sandbox, dbMigrations(folder, { table: "applied", nonTransactional: true }));
          expect(driven).toEqual({ begun: [names[0]], done: [names[0]], thrown: undefined, said: [] });
          expect((await heldBy(sandbox, [])).rows).toMatchObject({
            applied: [{ name: `/${names[0]}` }],
            users: [{ id: 1 }],
          });
        }),
    ));
});

const names = ["20240101000000-users"];
