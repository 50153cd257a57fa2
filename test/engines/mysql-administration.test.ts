import type { Connection, RowDataPacket } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Address } from "../../harness/database.ts";
import type { Administration } from "../../harness/engines/engine.ts";
import { connected } from "../../harness/engines/mysql-connection.ts";
import { type Dialect, mariadbDialect, mysqlDialect } from "../../harness/engines/mysql-dialect.ts";
import { mayCreate } from "../../harness/engines/mysql-survey.ts";
import { sharedServer } from "../stage.ts";

const mark = "migration-sandbox tests of administration";

for (const dialect of [mariadbDialect, mysqlDialect]) {
  describe(`clones on ${dialect.title}`, () => {
    let server: Address;
    let admin: Administration;
    const names: string[] = [];

    beforeAll(async () => {
      const { engine, maintenance } = await sharedServer(dialect.name);
      server = maintenance;
      admin = await engine.administer(maintenance);
    });
    afterAll(async () => {
      for (const name of names.reverse()) await admin.drop(name, mark);
      await admin.end();
    });

    const named = (): string => {
      const name = `sandbox_${process.pid}_ad0b1e_${names.length}`;
      names.push(name);
      return name;
    };

    test("come through while others read and write the source, and hold what they wrote", async () => {
      const source = await filled(admin, server, dialect, named());
      const [inside, outside] = await Promise.all([
        connected({ ...server, database: source }, dialect),
        connected({ ...server, database: "" }, dialect),
      ]);
      await inside.query("start transaction; update t0 set name = 'not committed'");
      await outside.query(
        `start transaction; insert into ${source}.t1 values (100001, 'from outside'); select * from ${source}.t2`,
      );
      await admin.endSessions(source);
      const clone = named();
      await admin.create(clone, mark, source);
      const observer = await connected({ ...server, database: "" }, dialect);
      expect(await countsOf(observer, clone)).toEqual([2000, 2000, 2000]);
      await observer.end();
      await expect(inside.query("select 1")).rejects.toThrow();
      outside.destroy();
    });

    test("are made side by side, each whole", async () => {
      const source = await filled(admin, server, dialect, named());
      const clones = [named(), named(), named()];
      await Promise.all(clones.map((clone) => admin.create(clone, mark, source)));
      const observer = await connected({ ...server, database: "" }, dialect);
      for (const clone of clones) expect(await countsOf(observer, clone)).toEqual([2000, 2000, 2000]);
      await observer.end();
    });

    test("are whole or not there when sessions are killed meanwhile, and the next one comes through", async () => {
      const source = await filled(admin, server, dialect, named());
      const killer = await connected({ ...server, database: "" }, dialect);
      for (let round = 0; round < 6; round++) {
        const clone = named();
        const done = admin.create(clone, mark, source).then(
          () => "whole",
          () => "not there",
        );
        await killOne(killer, clone);
        const carrying = await done.then(async (end) => [
          end,
          (await admin.marked(mark)).some((m) => m.database === clone),
        ]);
        expect([
          ["whole", true],
          ["not there", false],
        ]).toContainEqual(carrying);
      }
      const clone = named();
      await admin.create(clone, mark, source);
      expect(await countsOf(killer, clone)).toEqual([2000, 2000, 2000]);
      await killer.end();
    });

    test("are not made of what cannot be read, and nothing of them stays", async () => {
      const source = named();
      await admin.create(source, mark);
      const session = await connected({ ...server, database: source }, dialect);
      await session.query(
        "create table a (id int primary key); create table b (id int) engine = myisam; insert into b values (1)",
      );
      const other = await connected({ ...server, database: "" }, dialect);
      await other.query(`lock tables ${source}.b write`); // From outside, and for ever.
      await session.end();
      const clone = named();
      await expect(admin.create(clone, mark, source)).rejects.toThrow(/Lock wait timeout/);
      expect((await admin.marked(mark)).map(({ database }) => database)).not.toContain(clone);
      other.destroy();
    });

    test("that somebody outside holds a lock on are dropped once he lets go, and are no reason to wait for ever", async () => {
      const source = await filled(admin, server, dialect, named());
      const other = await connected({ ...server, database: "" }, dialect);
      await other.query(`start transaction; select * from ${source}.t0 limit 1`);
      // Where the server tells who holds it, he is ended.
      const end = await admin.drop(source, mark).then(
        () => "dropped",
        (error: Error) => error.message,
      );
      expect(end).toMatch(/^dropped$|holds locks in it/);
      other.destroy();
      await admin.drop(source, mark);
      expect((await admin.marked(mark)).map(({ database }) => database)).not.toContain(source);
    });

    test("can be read while they are closed and opened for others", async () => {
      const source = await filled(admin, server, dialect, named());
      await admin.admit(source, false);
      const reader = await connected({ ...server, database: source }, dialect);
      await reader.query("start transaction with consistent snapshot, read only; select count(*) from t0");
      await admin.admit(source, true);
      await admin.admit(source, false);
      const [rows] = await reader.query("select count(*) as rows_ from t1");
      expect(rows).toEqual([{ rows_: 2000 }]);
      await reader.end();
    });

    test("have views as their source has, also those of which nothing but the text is left", async () => {
      const source = named();
      await admin.create(source, mark);
      // Sessions that are opened for a database are ended with those that are in it.
      const session = await connected({ ...server, database: "" }, dialect);
      await session.query(
        `use ${source}; create table a (id int, name varchar(9)); create table b (id int, other int);
         create function f(x int) returns int deterministic return x; create view z as select x.id, upper(x.name) as name, f(y.other) as of_f
           from a x join b y on x.id = y.id where exists (select 1 from b where b.other > 1);
         create view m as select count(*) as n from z; create view y as select id from b; alter table b drop column other; drop table a; drop function f`,
      );
      const texts = async (database: string) => {
        await session.query(`use ${database}`);
        const [shown] = await session.query<RowDataPacket[][]>(
          "show create view m; show create view y; show create view z",
        );
        return JSON.stringify(shown).replaceAll(database, "it");
      };
      const original = await texts(source);
      await session.query("use information_schema");
      await admin.endSessions(source);
      const clone = named();
      await admin.create(clone, mark, source);
      expect(await texts(clone)).toBe(original);
      const [left] = await session.query("show full tables");
      const tables = (left as RowDataPacket[]).map((row) => Object.values(row)[0]).sort();
      expect(tables.filter((name) => name !== "_migration_sandbox")).toEqual(["b", "m", "y", "z"]);
      await session.end();
    });
  });
}

test("who may create databases is told by grants on all or on ours, and by roles only perhaps", () => {
  const may = (...grants: string[]) => mayCreate(grants.map((grant) => ({ "Grants for x@y": grant })));
  expect(may("GRANT ALL PRIVILEGES ON *.* TO `x`@`y` WITH GRANT OPTION")).toBe(true);
  expect(may("GRANT SELECT, CREATE, DROP ON *.* TO `x`@`y`")).toBe(true);
  expect(may("GRANT USAGE ON *.* TO `x`@`y`", "GRANT ALL PRIVILEGES ON `sandbox\\_%`.* TO `x`@`y`")).toBe(true);
  expect(may("GRANT USAGE ON *.* TO `x`@`y`", "GRANT ALL PRIVILEGES ON `app`.* TO `x`@`y`")).toBe(false);
  expect(may("GRANT SELECT, CREATE TEMPORARY TABLES, CREATE VIEW ON *.* TO `x`@`y`")).toBe(false);
  expect(may("GRANT USAGE ON *.* TO `x`@`y`", "GRANT `maker`@`%` TO `x`@`y`")).toBe(true);
});

async function filled(admin: Administration, server: Address, dialect: Dialect, name: string): Promise<string> {
  await admin.create(name, mark);
  const session = await connected({ ...server, database: name }, dialect);
  await session.query("create table n (i int); insert into n values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)");
  for (let t = 0; t < 3; t++) {
    await session.query(
      `create table t${t} (id int primary key, name varchar(40), key (name)); insert into t${t}
        select a.i * 200 + b.i * 20 + c.i * 2 + d.i, 'name' from n a, n b, n c, n d where d.i < 2`,
    );
  }
  await session.end();
  return name;
}

async function countsOf(session: Connection, database: string): Promise<readonly number[]> {
  const counts = [0, 1, 2].map((t) => `select count(*) as c from ${database}.t${t}`);
  const [rows] = await session.query<RowDataPacket[]>(counts.join(" union all "));
  return rows.map((row) => Number(row.c));
}

/** Ends a session that works on a database, as soon as one is seen. */
async function killOne(session: Connection, database: string): Promise<void> {
  for (let looks = 0; looks < 200; looks++) {
    const [rows] = await session.query<RowDataPacket[]>("show processlist");
    const found = rows.find(({ Id, Info }) => Id !== session.threadId && String(Info).includes(`${database}\`.\``));
    if (found === undefined) continue;
    await session.query(`kill ${found.Id}`).catch(() => {});
    return;
  }
}
