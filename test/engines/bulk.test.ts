import { describe, expect, test } from "vitest";
import type { Database } from "../../harness/database.ts";
import type { Engine } from "../../harness/engines/engine.ts";
import { refusalOf } from "../../harness/engines/planting.ts";
import { postgres } from "../../harness/engines/postgres.ts";
import { HarnessError } from "../../harness/errors.ts";
import { endKnex, type Sandbox, type Stage } from "../../harness/sandbox.ts";
import { onEngine, onStage } from "../stage.ts";
import { bulkContract } from "./bulk.contract.ts";
import { thrownBy } from "./engine.contract.ts";

for (const name of ["postgres", "mariadb", "mysql"] as const) {
  await onEngine(name, (engine) => bulkContract(engine, onStage(name)));
}

await onEngine("postgres", () => {
  const stage = onStage();

  test("fallow() of who is no superuser is refused, with the way out", () =>
    inSandbox(stage(), async (db, sandbox) => {
      const user = `plain_${process.pid}`;
      await db.raw(`create role ${user} login password 'plain'`);
      const plain = await postgres.knex({ ...sandbox.address, user, password: "plain" });
      const thrown = await thrownBy(postgres.fallow(plain, async () => {}));
      expect(thrown).toBeInstanceOf(HarnessError);
      expect(thrown).toMatchObject({
        code: "server-unusable",
        message: `Cannot let foreign keys rest: permission denied to set parameter "session_replication_role" (connect as a superuser, or from PostgreSQL 15 on let one run: grant set on parameter session_replication_role to "${user}")`,
      });
      await endKnex(plain);
      await db.raw(`drop role ${user}`);
    }));
});

for (const name of ["mariadb", "mysql"] as const) await onEngine(name, (engine) => loadContract(engine, onStage(name)));

function loadContract(engine: Engine, stage: () => Stage): void {
  const id = (n: number) => ({ id: n, name: `n\\${n}` });

  describe(`plant() of ${engine.name}`, () => {
    test("loads what is told alike by SQL and text, and inserts the rest", () =>
      inSandbox(stage(), async (db) => {
        await db.raw("create table t (id int primary key, name varchar(20), bits bit(8))");
        const loads = await watched(engine, db, async (one) => {
          await engine.plant(one, { table: "t", rows: [id(1), id(2)] });
          expect(await loadsOf(one)).toBe(1);
          await engine.plant(one, { table: "t", rows: [{ ...id(3), bits: 5 }] });
        });
        expect(loads).toBe(2);
        expect((await db("t").orderBy("id")).map((row) => row.name)).toEqual(["n\\1", "n\\2", "n\\3"]);
      }));

    test("inserts where a server takes no rows from files", () =>
      inSandbox(stage(), async (db) => {
        await db.raw("create table t (id int primary key, name varchar(20))");
        await db.raw("set global local_infile = 0");
        try {
          const plant = (one: Database) => engine.plant(one, { table: "t", rows: [id(1), id(2)] });
          expect(await watched(engine, db, plant)).toBe(0);
        } finally {
          await db.raw("set global local_infile = 1");
        }
        expect(await db("t").pluck("id")).toEqual([1, 2]);
      }));

    test("inserts into a table that takes nothing back", () =>
      inSandbox(stage(), async (db) => {
        await db.raw("create table t (id int primary key, name varchar(20)) engine = MyISAM");
        expect(await watched(engine, db, (one) => engine.plant(one, { table: "t", rows: [id(1), id(2)] }))).toBe(0);
        expect(await db("t").pluck("id")).toEqual([1, 2]);
      }));

    test("loads in a session to which a backslash means nothing", () =>
      inSandbox(stage(), async (db) => {
        await db.raw("create table t (id int primary key, name varchar(20))");
        const loads = await watched(engine, db, async (one) => {
          await one.raw("set sql_mode = 'NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES'");
          await engine.plant(one, { table: "t", rows: [id(1)] });
        });
        expect([loads, await db("t").pluck("name")]).toEqual([1, ["n\\1"]]);
      }));

    test("of what a trigger cannot write, the trigger's own count of rows is not told", () =>
      inSandbox(stage(), async (db) => {
        await db.raw("create table t (id int primary key, name varchar(20))");
        await db.raw("create table initials (name varchar(1))");
        await db.raw(
          "create trigger tell after insert on t for each row insert into initials values ('n'), (new.name)",
        );
        const rows = [1, 2, 3].map((id) => ({ id, name: id === 3 ? "nn" : "n" }));
        const thrown = await thrownBy(engine.plant(db, { table: "t", rows }));
        expect(thrown).toMatchObject({ message: expect.stringMatching(/^Data .+ for column 'name' at row 2$/) });
        expect(refusalOf(thrown)?.message).toMatch(/^Data .+ for column 'name'$/);
      }));

    test("only notes that the server takes of a value are no failure", () =>
      inSandbox(stage(), async (db) => {
        await db.raw("create table t (id int primary key, day date)");
        await engine.plant(db, { table: "t", rows: [{ id: 1, day: new Date(Date.UTC(2024, 1, 29, 12)) }] });
        const [rows] = await db.raw("select cast(day as char) as day from t");
        expect(rows).toEqual([{ day: "2024-02-29" }]);
      }));

    test("a file that a statement names is not read", () =>
      inSandbox(stage(), async (db) => {
        await db.raw("create table t (name varchar(200))");
        await expect(db.raw("load data local infile '/etc/passwd' into table t")).rejects.toThrow("LOCAL INFILE");
        expect(await db("t")).toEqual([]);
      }));
  });
}

/** How often something was loaded by what is done in one session. */
async function watched({ fallow }: Engine, db: Database, act: (one: Database) => Promise<void>): Promise<number> {
  let loads = 0;
  await fallow(db, async (one) => {
    const before = await loadsOf(one);
    await act(one);
    loads = (await loadsOf(one)) - before;
  });
  return loads;
}

async function loadsOf(one: Database): Promise<number> {
  const [[row]] = await one.raw("show session status like 'Com_load'");
  return Number(row.Value);
}

async function inSandbox(stage: Stage, act: (db: Database, sandbox: Sandbox) => Promise<void>): Promise<void> {
  const sandbox = await stage.create();
  const db = await sandbox.knex();
  try {
    await act(db, sandbox);
  } finally {
    await endKnex(db);
    await sandbox.drop();
  }
}
