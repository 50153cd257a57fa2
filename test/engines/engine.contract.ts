import type { Knex } from "knex";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Address } from "../../harness/database.ts";
import type { Administration, Engine, Session } from "../../harness/engines/engine.ts";
import { databaseName, newRun } from "../../harness/mark.ts";
import type { Server } from "../../harness/servers/server.ts";

const mark = "engine contract, this run";
let made = 0;

/** What every engine does alike, whatever it is called; what only one can do stands in its own test. */
export function engineContract(engine: Engine, server: () => Promise<Server>): void {
  let admin: Administration;
  /** What somebody else does on the server. */
  let others: Session;
  let maintenance: Address;
  let address: Address;
  let session: Session;
  const databases: string[] = [];

  const newName = (beginning = "contract") => {
    const name = `${beginning}_${process.pid}_${++made}`;
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
    ({ maintenance } = await server());
    admin = await engine.administer(maintenance);
    others = await engine.connect(maintenance);
    address = { ...maintenance, database: newName() };
    await admin.create(address.database, mark);
    session = await engine.connect(address);
    await session.script("create table notes (id int primary key, body text)");
  });

  afterAll(async () => {
    await session.end();
    for (const database of databases) await admin.drop(database, mark);
    await others.end();
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

    test("inTransaction() tells whether one is open, by whoever's BEGIN", async () => {
      expect(await session.inTransaction()).toBe(false);
      await session.script("begin; insert into notes values (1, 'x')");
      expect(await session.inTransaction()).toBe(true);
      await session.script("rollback");
      expect(await session.inTransaction()).toBe(false);
    });

    test("code may not end the transaction that it was handed", async () => {
      const transaction = await session.begin({ forCode: true });
      await (transaction.db as Knex.Transaction).commit();
      await expect(transaction.commit()).rejects.toThrow("The migration ended the transaction that it was handed");
      await transaction.rollback().catch(() => {});
      expect(await count()).toBe(0);
    });

    test("hadCommitted() tells, where DDL can be taken back, whether something had ended the transaction before", async () => {
      for (const forCode of [false, true]) {
        const fateOf = async (sql: string) => {
          const transaction = await session.begin({ forCode });
          await session.script(sql).catch(() => {});
          await transaction.rollback().catch(() => {});
          expect(transaction.hadCommitted !== undefined).toBe(engine.capabilities.transactionalDdl);
          return (await transaction.hadCommitted?.()) ?? "unknown";
        };
        const told = [
          await fateOf("insert into notes values (1, 'x')"),
          await fateOf("insert into notes values (1, 'x'); select nope"),
          await fateOf("insert into notes values (1, 'x'); commit"),
          await fateOf("insert into notes values (2, 'x'); commit; select nope"),
          await fateOf("insert into notes values (3, 'x'); commit; begin; insert into notes values (4, 'x')"),
          await fateOf("insert into notes values (4, 'x'); rollback; select 1"),
        ];
        const fates = [false, false, true, true, true, false];
        expect(told).toEqual(fates.map((fate) => (engine.capabilities.transactionalDdl ? fate : "unknown")));
        await session.script("delete from notes");
      }
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

  describe(`a lock of ${engine.name}`, () => {
    const inSession = async (act: (other: Session) => Promise<void>, where = address) => {
      const other = await engine.connect(where);
      await act(other).finally(() => other.end());
    };

    test("tryLock() is had by one session, and refused to any other without waiting", () =>
      inSession(async (holder) => {
        expect(await holder.tryLock(`one of ${address.database}`)).toBe(true);
        expect(await session.tryLock(`one of ${address.database}`)).toBe(false);
        expect(await session.tryLock(`two of ${address.database}`)).toBe(true);
        expect(await holder.tryLock(`two of ${address.database}`)).toBe(false);
      }));

    test("is held through transactions, and ends with its session", async () => {
      const name = `three of ${address.database}`;
      await inSession(async (holder) => {
        const transaction = await holder.begin({ forCode: false });
        expect(await holder.tryLock(name)).toBe(true);
        await transaction.rollback();
        await holder.script("insert into notes values (9, 'x'); delete from notes");
        expect(await session.tryLock(name)).toBe(false);
      });
      // The server may hear of the end a little later.
      await vi.waitFor(async () => expect(await session.tryLock(name)).toBe(true), { timeout: 20_000 });
    });

    test("ends with a session that somebody ended", async () => {
      const database = newName();
      const name = `four of ${database}`;
      await admin.create(database, mark);
      const holder = await engine.connect(at(database));
      expect(await holder.tryLock(name)).toBe(true);
      await admin.endSessions(database);
      await inSession(async (next) => {
        await vi.waitFor(async () => expect(await next.tryLock(name)).toBe(true), { timeout: 20_000 });
      }, at(database));
      await holder.end().catch(() => {});
    });

    test("that is named after another database is another's", async () => {
      const database = newName();
      await admin.create(database, mark);
      expect(await session.tryLock(`five of ${address.database}`)).toBe(true);
      await inSession(async (elsewhere) => {
        expect(await elsewhere.tryLock(`five of ${database}`)).toBe(true);
      }, at(database));
    });

    test("may have the name of the longest database that we make", async () => {
      const longest = `migrator of ${databaseName(newRun(), 999_999)}`;
      expect(await session.tryLock(longest)).toBe(true);
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
      await admin.create(database, mark);
      const db = await engine.knex(at(database));
      const said = (["log", "info", "warn", "error", "debug"] as const).map((how) => vi.spyOn(console, how));
      try {
        await db.raw("select 1");
        await admin.admit(database, false);
        await admin.endSessions(database);
        const asked = Promise.resolve(db.raw("select 1"));
        // Where nothing keeps it out, the pool may come back by another session.
        if (engine.capabilities.closesDatabases) await expect(asked).rejects.toThrow();
        else await asked.catch(() => {});
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
      await admin.create(original, mark);
      const writer = await engine.connect(at(original));
      await writer.script("create table t (id int primary key); insert into t values (1)");
      await writer.end();
      await admin.create(copy, mark, original);
      const reader = await engine.connect(at(copy));
      expect(await reader.query("select id from t")).toEqual([{ id: 1 }]);
      await reader.end();
    });

    test("nobody enters a database that admits nobody where the engine can close it, and whoever is in it stays", async () => {
      const database = newName();
      await admin.create(database, mark);
      const inside = await engine.connect(at(database));
      await admin.admit(database, false);
      expect(await exists(database)).toBe(!engine.capabilities.closesDatabases);
      expect(await inside.query("select 1 as one")).toEqual([{ one: 1 }]);
      await admin.admit(database, true);
      expect(await exists(database)).toBe(true);
      await inside.end();
    });

    test("endSessions() ends every session of one database and none of another", async () => {
      const database = newName();
      await admin.create(database, mark);
      const [one, two] = [await engine.connect(at(database)), await engine.connect(at(database))];
      await admin.endSessions(database);
      for (const ended of [one, two]) {
        expect(engine.fault(await thrownBy(ended.query("select 1")))).toMatchObject({ kind: "connection" });
        await ended.end().catch(() => {});
      }
      expect(await session.query("select 1 as one")).toEqual([{ one: 1 }]);
    });

    test("drop() drops a database with our mark, whoever is in it", async () => {
      const database = newName();
      await admin.create(database, mark);
      const inside = await engine.connect(at(database));
      await admin.drop(database, mark);
      expect(await exists(database)).toBe(false);
      await inside.end().catch(() => {});
    });

    test("drop() leaves a copy alone until it is asked for that too", async () => {
      const [original, copy] = [newName(), newName()];
      await admin.create(original, mark);
      await admin.create(copy, mark, original);
      await admin.drop(original, mark);
      expect(await exists(copy)).toBe(true);
      await admin.drop(copy, mark);
      expect(await exists(copy)).toBe(false);
    });

    test("drop() leaves a database without our mark alone", async () => {
      const database = newName();
      await others.query(`create database ${database}`);
      await admin.drop(database, mark);
      expect(await exists(database)).toBe(true);
      await others.query(`drop database ${database}`);
    });

    test("drop() leaves a database with another run's mark alone", async () => {
      const [database, another] = [newName(), `${mark}, but another one`];
      await admin.create(database, another);
      await admin.drop(database, mark);
      expect(await exists(database)).toBe(true);
      await admin.drop(database, another);
    });

    test("sessions that somebody left open keep nobody from cloning and dropping", async () => {
      const [original, copy] = [newName(), newName()];
      await admin.create(original, mark);
      const leaked = await engine.connect(at(original));
      await leaked.script("create table t (id int primary key); insert into t values (1)");
      await leaked.begin({ forCode: false });
      await leaked.script("insert into t values (2)");
      await admin.admit(original, false);
      await admin.endSessions(original);
      await admin.create(copy, mark, original);
      await admin.admit(original, true);
      const reader = await engine.connect(at(copy));
      await reader.begin({ forCode: false });
      expect(await reader.query("select id from t")).toEqual([{ id: 1 }]);
      await admin.drop(copy, mark);
      expect(await exists(copy)).toBe(false);
      for (const session of [leaked, reader]) await session.end().catch(() => {});
    });

    test("remark() gives a database another mark, and only one that carries the first", async () => {
      const [database, other] = [newName(), `${mark}, kept`];
      await admin.create(database, mark);
      await admin.remark(database, `${mark}, not this`, other);
      await admin.drop(database, other);
      expect(await exists(database)).toBe(true);
      await admin.remark(database, mark, other);
      await admin.drop(database, mark);
      expect(await exists(database)).toBe(true);
      await admin.drop(database, other);
      expect(await exists(database)).toBe(false);
    });

    test("marked() finds databases by the beginning of their mark", async () => {
      const [one, two, third] = [newName(), newName(), newName()];
      const run = `mark of ${one}`;
      await admin.create(one, `${run}, 1`);
      await admin.create(two, `${run}, 2`);
      await admin.create(third, `not ${run}`);
      const found = (await admin.marked(run)).filter(({ mark }) => mark !== undefined);
      expect([...found].sort((a, b) => String(a.mark).localeCompare(String(b.mark)))).toEqual([
        { database: one, mark: `${run}, 1` },
        { database: two, mark: `${run}, 2` },
      ]);
      expect(await admin.marked(`${run}, 3`)).not.toContainEqual(expect.objectContaining({ database: one }));
      await admin.drop(one, `${run}, 1`);
      await admin.drop(two, `${run}, 2`);
      await admin.drop(third, `not ${run}`);
    });

    test("a sandbox whose maker died before it was marked is found and dropped, and nothing that is like it", async () => {
      const half = databaseName(newRun(), 1);
      const like = newName("sandboxes");
      for (const database of [half, like]) await others.query(`create database ${database}`);
      if (engine.capabilities.closesDatabases) await admin.admit(half, false);
      const unmarked = (await admin.marked("no such mark")).map(({ database }) => database);
      expect(unmarked).toContain(half);
      expect(unmarked).not.toContain(like);
      for (const database of [half, like]) await admin.dropUnmarked(database);
      expect(await exists(half)).toBe(false);
      expect(await exists(like)).toBe(true);
      await others.query(`drop database ${like}`);
    });

    test("dropUnmarked() leaves a sandbox alone into which somebody put something", async () => {
      const used = databaseName(newRun(), 1);
      await others.query(`create database ${used}`);
      const user = await engine.connect(at(used));
      await user.script("create table t (id int primary key)");
      await user.end();
      await admin.dropUnmarked(used);
      expect(await exists(used)).toBe(true);
      await others.query(`drop database ${used}`);
    });

    test("drop() of a database that is not there does nothing", async () => {
      await admin.drop(newName(), mark);
    });

    test("a mark is text like any other", async () => {
      const [database, odd] = [newName(), 'it\'s; \\ a "mark" ü€'];
      await admin.create(database, odd);
      await admin.drop(database, odd);
      expect(await exists(database)).toBe(false);
    });
  });

  describe(`the administration of ${engine.name}`, () => {
    test("survey() tells what kind of server this is", async () => {
      expect(await admin.survey()).toEqual({
        version: expect.stringMatching(/^\d+\.\d+/),
        isThisEngine: true,
        readOnly: false,
        mayCreate: true,
        foreignTables: 0,
      });
    });

    test("hold() excludes a second holder of the same run, until it is released", async () => {
      const other = await engine.administer(maintenance);
      const run = `run ${newName()}`;
      expect(await admin.hold(run)).toBe(true);
      expect(await other.hold(run)).toBe(false);
      expect(await other.hold(`${run}, another`)).toBe(true);
      await admin.release(run);
      expect(await other.hold(run)).toBe(true);
      await other.end();
    });

    test("what was held is free when its session ends", async () => {
      const other = await engine.administer(maintenance);
      const run = `run ${newName()}`;
      expect(await other.hold(run)).toBe(true);
      await other.end();
      await expect.poll(() => admin.hold(run)).toBe(true); // The server notices the end in its own time.
      await admin.release(run);
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

    test("who may not enter is denied", async () => {
      const thrown = await thrownBy(engine.connect({ ...address, user: "nobody_of_that_name", password: "wrong" }));
      expect(engine.fault(thrown)).toMatchObject({ kind: "denied" });
    });

    test("a fault is found beneath what code wrapped it in", async () => {
      const cause = await thrownBy(session.query("select id from no_such_table"));
      const wrapped = new AggregateError([new Error("no"), new Error("it failed", { cause })]);
      expect(engine.fault(wrapped)).toEqual(engine.fault(cause));
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
