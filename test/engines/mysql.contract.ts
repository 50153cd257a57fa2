import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Address } from "../../harness/database.ts";
import type { Administration, Engine, Session } from "../../harness/engines/engine.ts";
import { inherit } from "../../harness/engines/mysql-lineage.ts";
import { compareKeys } from "../../harness/ledger.ts";
import type { Server } from "../../harness/servers/server.ts";
import type { Entry, ForeignKey, Snapshot } from "../../harness/snapshot.ts";
import { thrownBy } from "./engine.contract.ts";

const mark = "mysql contract, this run";
let made = 0;

/** What MySQL and MariaDB do alike, and PostgreSQL otherwise or not at all. */
export function mysqlContract(engine: Engine, server: () => Promise<Server>): void {
  let admin: Administration;
  let maintenance: Address;

  beforeAll(async () => {
    ({ maintenance } = await server());
    admin = await engine.administer(maintenance);
  });
  afterAll(() => admin.end());

  /** A session in a database of its own. */
  async function inDatabase(act: (session: Session, address: Address) => Promise<void>): Promise<void> {
    const address = { ...maintenance, database: `mysql_contract_${process.pid}_${++made}` };
    await admin.create(address.database, mark);
    const session = await engine.connect(address);
    try {
      await act(session, address);
    } finally {
      await session.end().catch(() => {}); // It may have been ended on purpose.
      await admin.drop(address.database, mark);
    }
  }

  async function inSnapshot<T>(address: Address, look: (snapshot: Snapshot) => Promise<T>): Promise<T> {
    const snapshot = await engine.snapshot(address);
    try {
      return await look(snapshot);
    } finally {
      await snapshot.end();
    }
  }

  const faultOf = async (session: Session, sql: string) => engine.fault(await thrownBy(session.script(sql)));
  const tableNamed = async (snapshot: Snapshot, name: string) => {
    const found = (await snapshot.tables()).find((table) => table.name === name);
    if (found === undefined) throw new Error(`There is no table "${name}"`);
    return found;
  };

  describe(`a session of ${engine.name}`, () => {
    test("finds its settings as the engine has them, whatever the server was told", () =>
      inDatabase(async (session, address) => {
        const settings = `select @@sql_mode as mode, @@time_zone as zone, @@character_set_client as charset,
          @@collation_connection as collation, @@foreign_key_checks as checks`;
        const found = await session.query(settings);
        expect(found).toMatchObject([
          { mode: expect.stringContaining("STRICT_TRANS_TABLES"), zone: "+00:00", charset: "utf8mb4", checks: 1 },
        ]);
        const db = await engine.knex(address);
        expect((await db.raw(settings))[0]).toEqual(found);
        await db.destroy();
      }));

    test("script() leaves splitting to the server: bodies, backslashes and comments for versions come through", () =>
      inDatabase(async (session) => {
        await session.script(`
          create table t (body text);
          create trigger twice before insert on t for each row begin
            if new.body is null then set new.body = 'a;b'; end if;
          end;
          insert into t values ('c\\';d'), (null); # e; f
          /*!50003 insert into t values ("g;h") */;
        `);
        expect(await session.query("select body from t")).toEqual([{ body: "c';d" }, { body: "a;b" }, { body: "g;h" }]);
      }));

    test("script() fails on LOAD DATA LOCAL, rather than wait for a file or send one", () =>
      inDatabase(async (session) => {
        await session.script("create table t (body text)");
        const fault = await faultOf(session, "load data local infile '/etc/hostname' into table t");
        expect(fault).toMatchObject({ kind: "refused", statementsBefore: 0 });
        expect(await session.query("select body from t")).toEqual([]);
      }));

    test("script() counts a CALL once, however many rows it answers with", () =>
      inDatabase(async (session) => {
        await session.script("create procedure two() begin select 1; select 2; end");
        const sql = "select 0; call two(); do 1; call two(); select 3; select no_such_column";
        expect(await faultOf(session, sql)).toMatchObject({ errno: 1054, statementsBefore: 5 });
      }));

    test("script() counts a CALL that fails behind its first rows as one that failed", () =>
      inDatabase(async (session) => {
        await session.script(
          "create procedure p() begin select 1; signal sqlstate '45000' set message_text = 'no'; end",
        );
        expect(await faultOf(session, "select 0; call p(); select 1")).toMatchObject({
          message: "no",
          sqlState: "45000",
          errno: 1644,
          statementsBefore: 1,
        });
      }));

    test("a session that is killed in the middle of a script is a fault of the connection", () =>
      inDatabase(async (session) => {
        const [row] = await session.query("select connection_id() as id");
        const sleeping = thrownBy(session.script("select sleep(60)"));
        const killer = await engine.connect(maintenance);
        await killer.query(`kill ${row?.id}`);
        await killer.end();
        expect(engine.fault(await sleeping)).toMatchObject({ kind: "connection" });
        expect(engine.fault(await thrownBy(session.inTransaction()))).toMatchObject({ kind: "connection" });
      }));
  });

  describe(`fault() of ${engine.name}`, () => {
    test("tells the number and the SQLSTATE that the server gave", () =>
      inDatabase(async (session) => {
        await session.script("create table t (id int primary key); insert into t values (1)");
        expect(await faultOf(session, "insert into t values (1)")).toEqual({
          kind: "refused",
          message: "Duplicate entry '1' for key 't.PRIMARY'".replace(engine.name === "mariadb" ? "t." : "", ""),
          errno: 1062,
          sqlState: "23000",
          statementsBefore: 0,
        });
      }));

    test("offset is the number of characters before the place that the server did not understand", () =>
      inDatabase(async (session) => {
        for (const sql of [
          "select 1; selekt 2",
          "select 'äöü 🙂'; selekt '🙂 ü'",
          `select 1; select ${"x".repeat(50)} frm y; selekt ${"y".repeat(90)}`,
        ]) {
          const place = sql.search(/selekt|y; selekt/);
          expect((await faultOf(session, sql))?.offset).toBe([...sql.slice(0, place)].length);
        }
      }));

    test("where the server's words could stand in several places, statements are counted instead", () =>
      inDatabase(async (session) => {
        const long = `selekt ${"x".repeat(90)}; `;
        const fault = await faultOf(session, `select 1; ${long}${long}`);
        expect(fault).toMatchObject({ errno: 1064, statementsBefore: 1 });
        expect(fault?.offset).toBeUndefined();
      }));

    test("a table that is full has no room", () =>
      inDatabase(async (session) => {
        await session.script("set max_heap_table_size = 16384; create table t (a char(200)) engine = memory");
        const fill = `insert into t values ${Array(500).fill("('x')").join()}`;
        expect(await faultOf(session, fill)).toMatchObject({ kind: "no-room", errno: 1114 });
      }));
  });

  describe(`split() of ${engine.name}`, () => {
    const body = `create procedure p(a int) begin
      declare continue handler for not found begin set @x = 1; end;
      if not exists (select 1) then alter table t add c int; elseif a then begin end; else set @y = if(a, 1, 2); end if;
      case a when 1 then select 1; else begin end; end case;
      set @z = case a when 1 then 'end;' else 3 end;
      l: loop leave l; end loop l;
      while a do set a = a - 1; end while;
      repeat set a = a + 1; until a > 3 end repeat;
      select 1 as end;
    end`;
    test.each([
      ["bodies with blocks of every kind", [body, "select 1"]],
      ["a body of one statement", ["create procedure p() select repeat('a', 2)", "select 2"]],
      [
        "a trigger that is one IF",
        ["create trigger t after update on x for each row if new.a then do 1; end if", "do 2"],
      ],
      [
        "a trigger that calls IF()",
        ["create trigger t before insert on x for each row set new.a = if(1, 2, 3)", "do 2"],
      ],
      ["an event", ["create event e on schedule every 1 day do begin do 1; do 2; end", "do 3"]],
      [
        "IF EXISTS of statements that have no body",
        ["drop table if exists t", "create table if not exists t (id int)"],
      ],
      ["backslashes and doubled quotes", ["do 'it\\'s; a'", 'do "b\\";""c;"', "do `d;``e`"]],
      ["a transaction", ["begin", "insert into t values (1)", "commit"]],
      ["comments for versions", ["/*!50003 create procedure p() begin do 1; end */", "do 2"]],
    ])("%s are statements whole", async (_, statements) => {
      const sql = `-- a; b\n${statements.join("; # c; d\n")} /* e; */;`;
      const found = await engine.split(sql);
      expect(found.map((statement) => statement.sql)).toEqual(statements);
      for (const { sql: text, offset } of found) expect(sql.slice(offset, offset + text.length)).toBe(text);
    });
  });

  describe(`a snapshot of ${engine.name}`, () => {
    const keysOf = async (rows: AsyncIterable<Entry>) => {
      const keys: (readonly (string | null)[])[] = [];
      for await (const { key } of rows) keys.push(key);
      return keys;
    };

    test("entries() come in the byte order of their key with NULL last, whatever the collation", () =>
      inDatabase(async (session, address) => {
        const long = "y".repeat(5000);
        await session.script(`create table t (a varchar(20), b text, c varbinary(5), d double, e enum('z', 'a'),
          f varchar(20) character set latin1, g float, h varchar(400))`);
        const values = [
          ["a", "x", Buffer.from([0]), 1.5, "z", "ä", 0.1],
          ["a ", `${long}b`, Buffer.from([0, 1]), -2, "a", "é", 16777216],
          ["A", `${long}a`, null, 1e100, "a", null, 16777215],
          ["🙂", long, Buffer.from([255]), 0.1, "z", "z", 10],
          ["\uffee", "", Buffer.from(""), 9, null, "Z", null],
          [null, null, null, null, null, null, null],
        ];
        for (const [i, row] of values.entries()) {
          const wide = `${"€".repeat(399)}${i}`; // More bytes than a server compares by itself, told apart by the last.
          await session.query("insert into t values (?, ?, ?, ?, ?, ?, ?, ?)", [...row, wide]);
        }
        await inSnapshot(address, async (snapshot) => {
          const table = await tableNamed(snapshot, "t");
          for (const key of [
            ["a"],
            ["b"],
            ["c"],
            ["d"],
            ["e", "b"],
            ["f"],
            ["g"],
            ["a", "b", "c", "d", "e", "f", "g"],
          ]) {
            const keys = await keysOf(snapshot.entries(table, key, []));
            expect(keys).toHaveLength(values.length);
            // The texts are too long to be shown where this fails.
            const sorted = JSON.stringify(keys) === JSON.stringify([...keys].sort(compareKeys));
            expect([key, sorted]).toEqual([key, true]);
          }
          expect(await keysOf(snapshot.entries(table, ["c"], []))).toEqual([
            [""],
            ["00"],
            ["0001"],
            ["FF"],
            [null],
            [null],
          ]);
          expect(new Set((await keysOf(snapshot.entries(table, ["g"], []))).map(String)).size).toBe(5);
        });
      }));

    test("several tables are read side by side, and one that is left early is let go of", () =>
      inDatabase(async (session, address) => {
        await session.script(`create table a (id int primary key, filler varchar(200));
          insert into a with recursive r (n) as (select 1 union all select n + 1 from r where n < 900)
            select n, repeat('x', 200) from r;
          insert into a select id + 1000, filler from a; insert into a select id + 2000, filler from a;
          create table b like a; insert into b select * from a`);
        const snapshot = await engine.snapshot(address);
        const [first, second] = [
          snapshot.rows("a")[Symbol.asyncIterator](),
          snapshot.rows("b")[Symbol.asyncIterator](),
        ];
        let count = 0;
        for (;;) {
          const [one, other] = [await first.next(), await second.next()];
          if (one.done) break;
          count += 1;
          expect(other.value?.id).toBe(one.value.id);
        }
        expect(count).toBe(3600);
        for await (const row of snapshot.rows("a")) if (Number(row.id) > 3) break;
        const left = snapshot.rows("b")[Symbol.asyncIterator]();
        await left.next();
        await snapshot.end();
        await expect(restOf(left)).rejects.toThrow();
        await session.script("set lock_wait_timeout = 5; drop table a; drop table b");
      }));

    test("sees nothing of what is written later, and writes nothing", () =>
      inDatabase(async (session, address) => {
        await session.script("create table t (id int primary key); insert into t values (1)");
        await inSnapshot(address, async (snapshot) => {
          await session.script("insert into t values (2)");
          expect(await snapshot.all("t")).toEqual([{ id: 1 }]);
          for (const sql of ["insert into t values (3)", "create table u (id int)", "commit", "drop table t"])
            await expect(snapshot.query(sql)).rejects.toThrow();
          await expect(snapshot.query("select 1 as one; select 2 as two")).rejects.toThrow(
            "it is 2 statements, and should be one query",
          );
          expect(await snapshot.query("select 1 as one; -- done")).toEqual([{ one: 1 }]);
          expect(await snapshot.hasRows()).toBe(true);
        });
      }));

    test("fingerprints() are the same where the same rows are, in whatever order, and differ otherwise", () =>
      inDatabase(async (session, address) => {
        const columns = "(a varchar(10), b text, c blob, d json, e decimal(10, 2), f float)";
        const rows = ["('a', null, 'x', '[1]', 1, 0.1)", "('a,1', repeat('long', 3000), null, null, 1.5, 2)"];
        await session.script(`create table one ${columns}; create table two ${columns}; create table three ${columns};
          insert into one values ${rows.join()}; insert into two values ${rows.toReversed().join()};
          insert into three values ${rows.join().replace("3000", "3001")}`);
        await inSnapshot(address, async (snapshot) => {
          const tables = await snapshot.tables();
          const asked = tables.map((table) => ({ table, columns: table.columns.map(({ name }) => name) }));
          const [one, three, two] = await snapshot.fingerprints(asked);
          expect(one).toBe(two);
          expect(three).not.toBe(one);
          const [table] = tables;
          expect(table && (await snapshot.fingerprints([{ table, columns: [] }]))).toEqual(["2"]);
        });
      }));

    test("orphans() counts rows that refer to none, whatever the collations and what was dropped", () =>
      inDatabase(async (session, address) => {
        await session.script(`create table parents (code varchar(20) collate utf8mb4_general_ci primary key);
          create table gone (id int primary key);
          create table children (id int primary key, code varchar(20) collate utf8mb4_general_ci, other int,
            constraint to_parents foreign key (code) references parents (code),
            constraint to_gone foreign key (other) references gone (id));
          set foreign_key_checks = 0;
          insert into children values (1, 'A', null), (2, 'b', 7), (3, null, null), (4, 'no', 8);
          insert into parents values ('a'), ('B');
          drop table gone;
          create table strangers (code varchar(20) character set latin1 collate latin1_bin);
          insert into strangers values ('A'), ('no'), (null)`);
        await inSnapshot(address, async (snapshot) => {
          const table = await tableNamed(snapshot, "children");
          const references = table.foreignKeys.map((key) => ({ table, key }));
          expect(references.map(({ key }) => key.name)).toEqual(["to_gone", "to_parents"]);
          expect(await snapshot.orphans(references)).toEqual([2, 1]);
          const strangers = await tableNamed(snapshot, "strangers");
          const key = { ...references[1]?.key, columns: ["code"] } as ForeignKey;
          expect(await snapshot.orphans([{ table: strangers, key }])).toEqual([1]);
        });
      }));

    test("a table is known by its id when it is renamed, and a clone's for that of the original", () =>
      inDatabase(async (session, address) => {
        await session.script("create table t (id int primary key); create table `a-b` (id int primary key)");
        const ids = () =>
          inSnapshot(address, async (snapshot) => new Map((await snapshot.tables()).map(({ name, id }) => [name, id])));
        const before = await ids();
        expect(before.get("t")).toMatch(/^\d+$/);
        expect(before.get("a-b")).toMatch(/^\d+$/);
        await session.script("rename table t to u");
        expect((await ids()).get("u")).toBe(before.get("t"));
        inherit(address, "original", address.database, new Map([[before.get("t") ?? "", "7"]]));
        expect((await ids()).get("u")).toBe("7");
      }));
  });
}

async function restOf(rows: AsyncIterator<unknown>): Promise<void> {
  while (!(await rows.next()).done);
}
