import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Address } from "../../harness/database.ts";
import type { Engine, Session } from "../../harness/engines/engine.ts";
import type { Server } from "../../harness/servers/server.ts";

const mark = "engine contract, this run";
let made = 0;

/** What every engine does alike, whatever it is called; what only one can do stands in its own test. */
export function engineContract(engine: Engine, server: () => Promise<Server>): void {
  let admin: Session;
  let address: Address;
  let session: Session;
  const databases: string[] = [];

  const newName = () => {
    const name = `contract_${process.pid}_${++made}`;
    databases.push(name);
    return name;
  };
  const at = (database: string): Address => ({ ...address, database });
  const exists = (database: string) =>
    engine.connect(at(database)).then(
      (found) => found.end().then(() => true),
      () => false,
    );

  beforeAll(async () => {
    const { maintenance } = await server();
    admin = await engine.connect(maintenance);
    address = { ...maintenance, database: newName() };
    await engine.create(admin, address.database, mark);
    session = await engine.connect(address);
    await session.script("create table notes (id int primary key, body text)");
  });

  afterAll(async () => {
    await session.end();
    for (const database of databases) await engine.drop(admin, database, mark);
    await admin.end();
  });

  describe(`a session of ${engine.name}`, () => {
    test("query() returns rows, and sends values beside the SQL", async () => {
      const rows = await session.query("select 1 as one, 'a;b' as text");
      expect(rows).toEqual([{ one: 1, text: "a;b" }]);
      expect(await session.query("select 1 as one where 1 = 2")).toEqual([]);
    });

    test("script() sends any number of statements, whole", async () => {
      await session.script("insert into notes values (1, 'a;b'); -- c; d\ninsert into notes values (2, 'it''s');;");
      expect(await session.query("select id, body from notes order by id")).toEqual([
        { id: 1, body: "a;b" },
        { id: 2, body: "it's" },
      ]);
      await session.script("delete from notes");
    });

    test("script() without a statement does nothing", async () => {
      await session.script("");
      await session.script(" -- only a comment\n");
    });

    test("script() counts the statements that came through before one failed, and the session goes on", async () => {
      const thrown = await thrownBy(
        session.script("select 1; insert into notes values (3, 'x'); select 2; insert into no_such_table values (1)"),
      );
      expect(engine.fault(thrown)).toMatchObject({ kind: "refused", statementsBefore: 3 });
      expect(await session.query("select 1 as one")).toEqual([{ one: 1 }]);
      await session.script("delete from notes");
    });

    test("a second session of the same database sees what the first has committed", async () => {
      await session.script("insert into notes values (4, 'shared')");
      const other = await engine.connect(address);
      expect(await other.query("select id from notes")).toEqual([{ id: 4 }]);
      await other.end();
      await session.script("delete from notes");
    });
  });

  describe(`a transaction of ${engine.name}`, () => {
    const count = async () => Number((await session.query("select count(*) as n from notes"))[0]?.n);

    test("commit() keeps what was done in it", async () => {
      const transaction = await session.begin({ forCode: false });
      expect(transaction.db).toBeUndefined();
      await session.script("insert into notes values (1, 'kept')");
      await transaction.commit();
      expect(await count()).toBe(1);
      await session.script("delete from notes");
    });

    test("rollback() takes rows back, and tables where the engine can", async () => {
      const transaction = await session.begin({ forCode: false });
      await session.script("insert into notes values (1, 'taken back')");
      await transaction.rollback();
      expect(await count()).toBe(0);
      const second = await session.begin({ forCode: false });
      await session.script("create table half (id int primary key)");
      await second.rollback();
      const found = await session.query("select count(*) as n from half").then(
        () => true,
        () => false,
      );
      expect(found).toBe(!engine.capabilities.transactionalDdl);
      await session.script("drop table if exists half");
    });

    test("rollback() follows a statement that failed", async () => {
      const transaction = await session.begin({ forCode: false });
      await session.script("insert into notes values (1, 'x')");
      await expect(session.script("insert into notes values (1, 'twice')")).rejects.toThrow();
      await transaction.rollback();
      expect(await count()).toBe(0);
    });

    test("code is handed a transaction that shares the session with SQL, and commit() keeps both", async () => {
      const transaction = await session.begin({ forCode: true });
      await transaction.db?.("notes").insert({ id: 1, body: "by code" });
      await session.script("insert into notes values (2, 'by SQL')");
      expect(await transaction.db?.("notes").count({ n: "*" }).first()).toMatchObject({ n: expect.anything() });
      const other = await engine.connect(address);
      expect(await other.query("select id from notes")).toEqual([]);
      await transaction.commit();
      expect(await other.query("select id from notes order by id")).toEqual([{ id: 1 }, { id: 2 }]);
      await other.end();
      await session.script("delete from notes");
    });

    test("rollback() takes back what code did", async () => {
      const transaction = await session.begin({ forCode: true });
      await transaction.db?.("notes").insert({ id: 1, body: "by code" });
      await transaction.rollback();
      expect(await count()).toBe(0);
      expect(await session.query("select 1 as one")).toEqual([{ one: 1 }]);
    });

    test("a transaction that code opens in it is a savepoint", async () => {
      const transaction = await session.begin({ forCode: true });
      const { db } = transaction;
      await db?.transaction(async (inner) => {
        await inner("notes").insert({ id: 1, body: "inner, kept" });
      });
      const failed = db?.transaction(async (inner) => {
        await inner("notes").insert({ id: 2, body: "inner, taken back" });
        throw new Error("changed my mind");
      });
      await expect(failed).rejects.toThrow("changed my mind");
      await db?.("notes").insert({ id: 3, body: "outer" });
      await transaction.commit();
      expect(await session.query("select id from notes order by id")).toEqual([{ id: 1 }, { id: 3 }]);
      await session.script("delete from notes");
    });

    test("a session has one transaction after another, with and without code", async () => {
      for (const forCode of [true, false, true]) {
        const transaction = await session.begin({ forCode });
        await session.script("insert into notes values (1, 'again')");
        await transaction.rollback();
      }
      expect(await count()).toBe(0);
    });
  });

  describe(`knex() of ${engine.name}`, () => {
    test("speaks to the database with sessions of its own", async () => {
      const db = await engine.knex(address);
      const bodies = await Promise.all([1, 2, 3, 4, 5, 6].map((id) => db("notes").insert({ id, body: `note ${id}` })));
      expect(bodies).toHaveLength(6);
      expect(await db("notes").where({ id: 6 }).first()).toEqual({ id: 6, body: "note 6" });
      await db("notes").delete();
      await db.destroy();
    });

    test("does not print, even when its sessions are ended", async () => {
      const database = newName();
      await engine.create(admin, database, mark);
      const db = await engine.knex(at(database));
      const said = (["log", "info", "warn", "error", "debug"] as const).map((how) => vi.spyOn(console, how));
      try {
        await db.raw("select 1");
        await engine.admit(admin, database, false);
        await engine.endSessions(admin, database);
        await expect(Promise.resolve(db.raw("select 1"))).rejects.toThrow();
        expect(said.flatMap(({ mock }) => mock.calls)).toEqual([]);
      } finally {
        for (const spy of said) spy.mockRestore();
        await db.destroy();
      }
    });
  });

  describe(`databases of ${engine.name}`, () => {
    test("create() from another copies it, rows and all", async () => {
      const [original, copy] = [newName(), newName()];
      await engine.create(admin, original, mark);
      const writer = await engine.connect(at(original));
      await writer.script("create table t (id int primary key); insert into t values (1)");
      await writer.end();
      await engine.create(admin, copy, mark, original);
      const reader = await engine.connect(at(copy));
      expect(await reader.query("select id from t")).toEqual([{ id: 1 }]);
      await reader.end();
    });

    test("nobody enters a database that admits nobody, and whoever is in it stays", async () => {
      const database = newName();
      await engine.create(admin, database, mark);
      const inside = await engine.connect(at(database));
      await engine.admit(admin, database, false);
      await expect(engine.connect(at(database))).rejects.toThrow();
      expect(await inside.query("select 1 as one")).toEqual([{ one: 1 }]);
      await engine.admit(admin, database, true);
      expect(await exists(database)).toBe(true);
      await inside.end();
    });

    test("endSessions() ends every session of one database and none of another", async () => {
      const database = newName();
      await engine.create(admin, database, mark);
      const [one, two] = [await engine.connect(at(database)), await engine.connect(at(database))];
      await engine.endSessions(admin, database);
      for (const ended of [one, two]) {
        expect(engine.fault(await thrownBy(ended.query("select 1")))).toMatchObject({ kind: "connection" });
        await ended.end().catch(() => {});
      }
      expect(await session.query("select 1 as one")).toEqual([{ one: 1 }]);
    });

    test("drop() drops a database with our mark, whoever is in it", async () => {
      const database = newName();
      await engine.create(admin, database, mark);
      const inside = await engine.connect(at(database));
      await engine.drop(admin, database, mark);
      expect(await exists(database)).toBe(false);
      await inside.end().catch(() => {});
    });

    test("drop() leaves a copy alone until it is asked for that too", async () => {
      const [original, copy] = [newName(), newName()];
      await engine.create(admin, original, mark);
      await engine.create(admin, copy, mark, original);
      await engine.drop(admin, original, mark);
      expect(await exists(copy)).toBe(true);
      await engine.drop(admin, copy, mark);
      expect(await exists(copy)).toBe(false);
    });

    test("drop() leaves a database without our mark alone", async () => {
      const database = newName();
      await admin.query(`create database ${database}`);
      await engine.drop(admin, database, mark);
      expect(await exists(database)).toBe(true);
      await admin.query(`drop database ${database}`);
    });

    test("drop() leaves a database with another run's mark alone", async () => {
      const [database, others] = [newName(), `${mark}, but another one`];
      await engine.create(admin, database, others);
      await engine.drop(admin, database, mark);
      expect(await exists(database)).toBe(true);
      await engine.drop(admin, database, others);
    });

    test("drop() of a database that is not there does nothing", async () => {
      await engine.drop(admin, newName(), mark);
    });

    test("a mark is text like any other", async () => {
      const [database, odd] = [newName(), 'it\'s; \\ a "mark" 🙂'];
      await engine.create(admin, database, odd);
      await engine.drop(admin, database, odd);
      expect(await exists(database)).toBe(false);
    });
  });

  describe(`fault() of ${engine.name}`, () => {
    test("a statement that the server refused is its own fault", async () => {
      await session.script("insert into notes values (1, 'x')");
      const fault = engine.fault(await thrownBy(session.query("insert into notes values (1, 'twice')")));
      expect(fault).toMatchObject({ kind: "refused", message: expect.any(String), sqlState: expect.any(String) });
      await session.script("delete from notes");
    });

    test("what Knex throws is a fault of the statement too", async () => {
      const db = await engine.knex(address);
      expect(engine.fault(await thrownBy(db("no_such_table").select()))).toMatchObject({ kind: "refused" });
      await db.destroy();
    });

    test("a server that does not answer is a fault of the connection", async () => {
      const thrown = await thrownBy(engine.connect({ ...address, port: 1 }));
      expect(engine.fault(thrown)).toMatchObject({ kind: "connection" });
    });

    test("a session that was ended by us is a fault of the connection", async () => {
      const ended = await engine.connect(address);
      await ended.end();
      expect(engine.fault(await thrownBy(ended.query("select 1")))).toMatchObject({ kind: "connection" });
      expect(engine.fault(await thrownBy(ended.script("select 1")))).toMatchObject({ kind: "connection" });
    });

    test("anything else that was thrown is no fault of the database", () => {
      for (const thrown of [new Error("no"), new TypeError("no"), "Connection terminated", null, undefined, 7]) {
        expect(engine.fault(thrown)).toBeUndefined();
      }
      expect(engine.fault(Object.assign(new Error("no such file"), { code: "ENOENT" }))).toBeUndefined();
    });
  });

  describe(`SQL of ${engine.name}`, () => {
    test.each(["it's", "''", "\\", "\\'", 'say "hi"', "a\nb", "%_;--", "ü 🙂 ", ""])(
      "literal() writes %j so that the server reads the same",
      async (text) => {
        expect(await session.query(`select ${engine.literal(text)} as text`)).toEqual([{ text }]);
      },
    );

    test("split() finds each statement and the characters before it", async () => {
      const sql =
        "  create table a (b text); -- one; two\ninsert into a values (';', 'it''s;');\n/* ; */ drop table a ;;";
      const statements = await engine.split(sql);
      expect(statements.map((statement) => statement.sql)).toEqual([
        "create table a (b text)",
        "insert into a values (';', 'it''s;')",
        "drop table a",
      ]);
      for (const statement of statements) expect(sql.slice(statement.offset)).toMatch(startingWith(statement.sql));
    });

    test("split() counts characters, whatever stands before", async () => {
      const sql = "select 'äöü 🙂'; select '€ 😀' /* 🙃; */; select 3";
      const statements = await engine.split(sql);
      expect(statements).toHaveLength(3);
      for (const statement of statements) expect(sql.slice(statement.offset)).toMatch(startingWith(statement.sql));
    });

    test("split() of SQL without a statement is empty", async () => {
      expect(await engine.split("")).toEqual([]);
      expect(await engine.split(" ;; -- nothing\n")).toEqual([]);
    });

    test("url() and client() name the database", () => {
      expect(engine.url(address)).toContain(`${address.host}:${address.port}/${address.database}`);
      expect(engine.client(address)).toContain(address.database);
      expect(new URL(engine.url({ ...address, password: "p@ss/w:rd" })).password).toBe(encodeURIComponent("p@ss/w:rd"));
    });
  });
}

/** What a promise is rejected with; it is a failure of the test if it is not. */
export async function thrownBy(promise: PromiseLike<unknown>): Promise<unknown> {
  const nothing = Symbol("nothing");
  const thrown = await promise.then(
    () => nothing,
    (error: unknown) => error,
  );
  if (thrown === nothing) throw new Error("Nothing was thrown");
  return thrown;
}

function startingWith(text: string): RegExp {
  return new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`);
}
