import { describe, expect, test } from "vitest";
import { ledgerOf, type RowChange } from "../harness/ledger.ts";
import { readingOf } from "../harness/reading.ts";
import { emptySnapshot } from "../harness/snapshot.ts";
import { gathered, hopsOn } from "./ledger-hops.ts";
import { onStage } from "./stage.ts";

const stage = onStage();

const { hop, changes } = hopsOn(stage);

describe("the ledger of a table with a key", () => {
  const users = "create table users (id int primary key, name text, age int);";

  test("tells which rows were kept, changed, lost and added", async () => {
    const told = await changes(
      `${users} insert into users values (1, 'ann', 30), (2, 'bob', 40), (3, 'cy', null)`,
      "update users set name = 'bobby', age = null where id = 2; delete from users where id = 3; insert into users values (4, 'di', 1)",
      "users",
    );
    expect(told).toEqual([
      { kind: "kept", key: { id: "1" } },
      { kind: "changed", key: { id: "2" }, changed: { name: ["bob", "bobby"], age: ["40", null] } },
      { kind: "lost", key: { id: "3" } },
      { kind: "added", key: { id: "4" } },
    ]);
  });

  test("of a hop that does nothing says that all was kept", async () => {
    const told = await changes(`${users} insert into users values (1, null, null), (2, '', 0)`, "select 1", "users");
    expect(told.map(({ kind }) => kind)).toEqual(["kept", "kept"]);
  });

  test("tells NULL from an empty text", async () => {
    const told = await changes(
      `${users} insert into users values (1, null, 1), (2, '', 1)`,
      "update users set name = case id when 1 then '' end",
      "users",
    );
    expect(told).toEqual([
      { kind: "changed", key: { id: "1" }, changed: { name: [null, ""] } },
      { kind: "changed", key: { id: "2" }, changed: { name: ["", null] } },
    ]);
  });

  test("does not compare columns that only one side has", async () => {
    const told = await changes(
      `${users} insert into users values (1, 'ann', 30)`,
      "alter table users drop column age; alter table users add column email text default 'x'",
      "users",
    );
    expect(told).toEqual([{ kind: "kept", key: { id: "1" } }]);
  });

  test("knows a row by a composite key, in the key's order", async () => {
    const told = await changes(
      "create table seats (n int, row text, taken boolean, primary key (row, n)); insert into seats values (1, 'b', true), (2, 'a', true), (1, 'a', false)",
      "delete from seats where row = 'a' and n = 1; update seats set taken = false where row = 'a'; insert into seats values (2, 'b', true)",
      "seats",
    );
    expect(told).toEqual([
      { kind: "lost", key: { row: "a", n: "1" } },
      { kind: "changed", key: { row: "a", n: "2" }, changed: { taken: ["true", "false"] } },
      { kind: "kept", key: { row: "b", n: "1" } },
      { kind: "added", key: { row: "b", n: "2" } },
    ]);
  });

  test("compares numbers by their text, whatever order numbers have", async () => {
    const told = await changes(
      `${users} insert into users select n from generate_series(1, 120) n`,
      "delete from users where id in (9, 10, 100); insert into users values (1000), (-5)",
      "users",
    );
    const keysOf = (kind: RowChange["kind"]) => told.filter((c) => c.kind === kind).map(({ key }) => key.id);
    expect(keysOf("lost").sort()).toEqual(["10", "100", "9"]);
    expect(keysOf("added").sort()).toEqual(["-5", "1000"]);
    expect(keysOf("kept")).toHaveLength(117);
  });

  test("finds text keys of any alphabet on both sides", async () => {
    const names = [
      "",
      " ",
      "A",
      "a",
      "Z",
      "é",
      "ß",
      "中",
      "\ud7ff",
      "\ue000",
      "ｚ",
      "\ufffd",
      "🙂",
      "😀",
      "a🙂",
      "aｚ",
      "a",
    ];
    const keys = [...new Set(names)];
    const values = keys.map((key) => `(${stage().engine.literal(key)})`).join(", ");
    const told = await changes(
      `create table t (k text primary key); insert into t values ${values}`,
      "delete from t where k in ('🙂', 'aｚ'); insert into t values ('ｚ🙂'), ('🙂ｚ')",
      "t",
    );
    const of = (kind: RowChange["kind"]) => told.filter((change) => change.kind === kind).map(({ key }) => key.k);
    expect(of("lost").sort()).toEqual(["aｚ", "🙂"].sort());
    expect(of("added").sort()).toEqual(["ｚ🙂", "🙂ｚ"].sort());
    expect(of("kept")).toHaveLength(keys.length - 2);
  });

  test("has its rows in the byte order of their keys", async () => {
    const told = await changes(
      "create table t (k text primary key); insert into t values ('b'), ('B'), ('é'), ('🙂'), ('ｚ'), ('a')",
      "select 1",
      "t",
    );
    expect(told.map(({ key }) => key.k)).toEqual(["B", "a", "b", "é", "ｚ", "🙂"]);
  });

  test("is not led astray by a collation of the column", async () => {
    const told = await changes(
      `create table t (k text collate "und-x-icu" primary key); insert into t values ('a'), ('B'), ('c'), ('_'), ('Ä')`,
      "delete from t where k = 'B'",
      "t",
    );
    expect(told.map(({ kind, key }) => `${kind} ${key.k}`)).toEqual(["lost B", "kept _", "kept a", "kept c", "kept Ä"]);
  });

  test("reads values of every type as the server writes them", async () => {
    const told = await changes(
      `create table t (id uuid primary key, at timestamptz, doc jsonb, tags text[], raw bytea, sum numeric(8,2), ok bool);
       insert into t values ('00000000-0000-4000-8000-000000000001', '2024-01-02 03:04:05+02', '{"a": [1]}', '{x,NULL}', '\\x00ff', 1.5, true)`,
      "update t set at = at + interval '1 second', doc = doc || '{\"b\": null}', tags = '{}', raw = '', sum = sum * 2, ok = null",
      "t",
    );
    expect(told).toEqual([
      {
        kind: "changed",
        key: { id: "00000000-0000-4000-8000-000000000001" },
        changed: {
          at: ["2024-01-02 01:04:05+00", "2024-01-02 01:04:06+00"],
          doc: ['{"a": [1]}', '{"a": [1], "b": null}'],
          tags: ["{x,NULL}", "{}"],
          raw: ["\\x00ff", "\\x"],
          sum: ["1.50", "3.00"],
          ok: ["true", null],
        },
      },
    ]);
  });
});

describe("the ledger of a table without a key", () => {
  const log = "create table log (line text, level int);";

  test("takes the content for the row, and counts duplicates", async () => {
    const told = await changes(
      `${log} insert into log values ('a', 1), ('a', 1), ('a', 1), ('b', 2)`,
      "delete from log where ctid in (select ctid from log where line = 'a' limit 2); insert into log values ('b', 2), ('c', 3)",
      "log",
    );
    expect(told.map(({ kind, key }) => `${kind} ${key.line}${key.level}`)).toEqual([
      "kept a1",
      "lost a1",
      "lost a1",
      "kept b2",
      "added b2",
      "added c3",
    ]);
  });

  test("has NULL last, in every column", async () => {
    const told = await changes(
      `${log} insert into log values (null, null), (null, 2), (null, 1), ('z', null), ('z', 9), ('🙂', null)`,
      "delete from log where line is null and level = 2; insert into log values (null, 0), (null, null)",
      "log",
    );
    expect(told.map(({ kind, key }) => [kind, key.line, key.level])).toEqual([
      ["kept", "z", "9"],
      ["kept", "z", null],
      ["kept", "🙂", null],
      ["added", null, "0"],
      ["kept", null, "1"],
      ["lost", null, "2"],
      ["kept", null, null],
      ["added", null, null],
    ]);
  });

  test("goes by the columns that are left when one is dropped", async () => {
    const told = await changes(
      `${log} insert into log values ('a', 1), ('a', 2), ('b', 3)`,
      "alter table log drop column level; delete from log where line = 'b'",
      "log",
    );
    expect(told).toEqual([
      { kind: "kept", key: { line: "a" } },
      { kind: "kept", key: { line: "a" } },
      { kind: "lost", key: { line: "b" } },
    ]);
  });
});

describe("the ledger of a hop that changes the shape", () => {
  const users = "create table users (id int primary key, name text); insert into users values (1, 'ann'), (2, 'bob');";

  test("follows a renamed table", async () => {
    const told = await changes(
      users,
      "alter table users rename to people; update people set name = 'bo' where id = 2; insert into people values (3)",
      "users",
    );
    expect(told).toEqual([
      { kind: "kept", key: { id: "1" } },
      { kind: "changed", key: { id: "2" }, changed: { name: ["bob", "bo"] } },
      { kind: "added", key: { id: "3" } },
    ]);
  });

  test("follows a table into another schema", async () => {
    const told = await changes(users, "create schema old; alter table users set schema old", "users");
    expect(told.map(({ kind }) => kind)).toEqual(["kept", "kept"]);
  });

  test("follows a renamed column, and calls it as it was", async () => {
    const told = await changes(
      users,
      "alter table users rename column name to full_name; update users set full_name = 'bo' where id = 2",
      "users",
    );
    expect(told).toEqual([
      { kind: "kept", key: { id: "1" } },
      { kind: "changed", key: { id: "2" }, changed: { name: ["bob", "bo"] } },
    ]);
  });

  test("follows a renamed key column, and calls it as it was but for rows that are new", async () => {
    const told = await changes(
      users,
      "alter table users rename column id to user_id; delete from users where user_id = 1; insert into users values (3)",
      "users",
    );
    expect(told).toEqual([
      { kind: "lost", key: { id: "1" } },
      { kind: "kept", key: { id: "2" } },
      { kind: "added", key: { user_id: "3" } },
    ]);
  });

  test("goes by the name when a table was built anew and put in the old one's place", async () => {
    const told = await changes(
      users,
      `create table users_new (name text, id bigint primary key);
       insert into users_new (id, name) select id, upper(name) from users where id > 1;
       drop table users; alter table users_new rename to users`,
      "users",
    );
    expect(told).toEqual([
      { kind: "lost", key: { id: "1" } },
      { kind: "changed", key: { id: "2" }, changed: { name: ["bob", "BOB"] } },
    ]);
  });

  test("takes a key of another type with the same text for the same key", async () => {
    const told = await changes(users, "alter table users alter column id type text", "users");
    expect(told.map(({ kind }) => kind)).toEqual(["kept", "kept"]);
  });

  test("goes by what is left when a key column is dropped", async () => {
    const told = await changes(
      "create table t (a int, b int, v text, primary key (a, b)); insert into t values (1, 1, 'x'), (1, 2, 'x'), (2, 1, 'y')",
      "delete from t where a = 2; alter table t drop column b",
      "t",
    );
    expect(told).toEqual([
      { kind: "kept", key: { a: "1", v: "x" } },
      { kind: "kept", key: { a: "1", v: "x" } },
      { kind: "lost", key: { a: "2", v: "y" } },
    ]);
  });

  test("keeps rows whose key gives its place to another column", async () => {
    const told = await changes(
      "create table t (id int primary key, public_id text not null); insert into t values (1, 'x'), (2, 'y')",
      "alter table t drop column id; alter table t rename column public_id to id; alter table t add primary key (id)",
      "t",
    );
    expect(told.map(({ kind }) => kind)).toEqual(["kept", "kept"]);
  });

  test("loses every row of a table that is gone", async () => {
    const told = await changes(users, "drop table users", "users");
    expect(told).toEqual([
      { kind: "lost", key: { id: "1" } },
      { kind: "lost", key: { id: "2" } },
    ]);
  });

  test("adds every row of a table that is new", async () => {
    const told = await changes(
      users,
      "create table roles (name text primary key); insert into roles values ('b'), ('a')",
      "roles",
    );
    expect(told).toEqual([
      { kind: "added", key: { name: "a" } },
      { kind: "added", key: { name: "b" } },
    ]);
  });

  test("has nothing to tell of a table that never was", async () => {
    expect(await changes(users, "select 1", "nobody")).toEqual([]);
  });

  test("knows tables of other schemas by their whole name", async () => {
    const told = await changes(
      "create schema audit; create table audit.t (id int primary key); insert into audit.t values (1); create table t (id int primary key); insert into t values (2)",
      "delete from audit.t",
      "audit.t",
    );
    expect(told).toEqual([{ kind: "lost", key: { id: "1" } }]);
  });

  test("from nothing adds every row", async () => {
    const sandbox = await stage().create();
    const session = await sandbox.connect();
    await session.script(users);
    await session.end();
    const now = readingOf(sandbox);
    expect(await gathered(ledgerOf(emptySnapshot, now).changes("users"))).toEqual([
      { kind: "added", key: { id: "1" } },
      { kind: "added", key: { id: "2" } },
    ]);
    await now.close();
    await sandbox.drop();
  });
});

describe("the ledger of 5,000 rows", () => {
  const many =
    "create table t (id int primary key, v text); insert into t select n, 'v' || n from generate_series(1, 5000) n";
  const some =
    "delete from t where id % 1000 = 0; update t set v = 'new' where id % 1000 = 1; insert into t values (0, '')";

  test("tells each of them once", async () => {
    const told = await changes(many, some, "t");
    const count = (kind: RowChange["kind"]) => told.filter((change) => change.kind === kind).length;
    expect([count("kept"), count("changed"), count("lost"), count("added")]).toEqual([4990, 5, 5, 1]);
    expect(new Set(told.map(({ key }) => key.id)).size).toBe(5001);
  });

  test("may be left early and read again, also by two at once", async () => {
    await hop(many, some, async (ledger) => {
      for await (const { key } of ledger.changes("t")) {
        expect(key).toEqual({ id: "0" });
        break;
      }
      const [one, two] = await Promise.all([gathered(ledger.changes("t")), gathered(ledger.changes("t"))]);
      expect(one).toHaveLength(5001);
      expect(two).toEqual(one);
    });
  });
});
