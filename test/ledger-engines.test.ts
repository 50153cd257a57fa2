import { describe, expect, test } from "vitest";
import type { RowChange } from "../harness/ledger.ts";
import { gathered, hopsOn } from "./ledger-hops.ts";
import { onStage } from "./stage.ts";

describe.each(["mariadb", "mysql"] as const)("the ledger on %s", (engine) => {
  const stage = onStage(engine);
  const { hop, changes } = hopsOn(stage);

  const users = "create table users (id int primary key, name text, age int);";

  test("tells which rows were kept, changed, lost and added", async () => {
    const told = await changes(
      `${users} insert into users values (1, 'ann', 30), (2, 'bob', 40), (3, 'cy', null), (4, null, 1), (5, '', 1)`,
      `update users set name = 'bobby', age = null where id = 2; delete from users where id = 3; insert into users values (6, 'di', 1);
       update users set name = case id when 4 then '' end where id in (4, 5)`,
      "users",
    );
    expect(told).toEqual([
      { kind: "kept", key: { id: "1" } },
      { kind: "changed", key: { id: "2" }, changed: { name: ["bob", "bobby"], age: ["40", null] } },
      { kind: "lost", key: { id: "3" } },
      { kind: "changed", key: { id: "4" }, changed: { name: [null, ""] } },
      { kind: "changed", key: { id: "5" }, changed: { name: ["", null] } },
      { kind: "added", key: { id: "6" } },
    ]);
  });

  test("tells changes of letters' case, accents and trailing spaces, which collations do not", async () => {
    const told = await changes(
      `${users} insert into users values (1, 'ann', 1), (2, 'e', 1), (3, 'x', 1), (4, 'same', 1)`,
      "update users set name = case id when 1 then 'ANN' when 2 then 'é' when 3 then 'x ' else 'same' end",
      "users",
    );
    expect(told.map(({ kind }) => kind)).toEqual(["changed", "changed", "changed", "kept"]);
  });

  test("knows a row by a composite key, in the key's order", async () => {
    const told = await changes(
      "create table seats (n int, line varchar(5), taken boolean, primary key (line, n)); insert into seats values (1, 'b', true), (2, 'a', true), (1, 'a', false)",
      "delete from seats where line = 'a' and n = 1; update seats set taken = false where line = 'a'; insert into seats values (2, 'b', true)",
      "seats",
    );
    expect(told).toEqual([
      { kind: "lost", key: { line: "a", n: "1" } },
      { kind: "changed", key: { line: "a", n: "2" }, changed: { taken: ["1", "0"] } },
      { kind: "kept", key: { line: "b", n: "1" } },
      { kind: "added", key: { line: "b", n: "2" } },
    ]);
  });

  test("has rows in the byte order of their keys, whatever the collation", async () => {
    for (const collation of ["utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_bin"]) {
      const told = await changes(
        `create table t (k varchar(20) collate ${collation} primary key); insert into t values ('b'), ('ö'), ('🙂'), ('ｚ'), ('a'), ('_')`,
        "delete from t where k = 'b'",
        "t",
      );
      expect(told.map(({ kind, key }) => `${kind} ${key.k}`)).toEqual([
        "kept _",
        "kept a",
        "lost b",
        "kept ö",
        "kept ｚ",
        "kept 🙂",
      ]);
    }
  });

  test("reads values of every type as the server writes them", async () => {
    const told = await changes(
      `create table t (id binary(2) primary key, at timestamp(3) null, on_day date, doc json, raw blob, sum decimal(8,2), ok bool, f float, d double, bits bit(4), e enum('x', 'y'), s set('x', 'y'), y year, g point);
       insert into t values (x'00ff', '2024-01-02 03:04:05.678', '2024-01-02', '{"a": [1]}', x'00ff', 1.5, true, 0.1, 0.1, b'101', 'x', 'x,y', 2024, point(1, 2))`,
      "update t set at = at + interval 1 second, on_day = null, doc = '{\"b\": null}', raw = '', sum = sum * 2, ok = null, f = f + 1, d = d / 3, bits = 0, e = 'y', s = '', y = 1999, g = point(2, 1)",
      "t",
    );
    expect(told).toMatchObject([
      {
        kind: "changed",
        key: { id: "00FF" },
        changed: {
          at: ["2024-01-02 03:04:05.678", "2024-01-02 03:04:06.678"],
          on_day: ["2024-01-02", null],
          doc: ['{"a": [1]}', '{"b": null}'],
          raw: ["00FF", ""],
          sum: ["1.50", "3.00"],
          ok: ["1", null],
          d: ["0.1", expect.stringMatching(/^0\.0333/)],
          bits: ["05", "00"],
          e: ["x", "y"],
          s: ["x,y", ""],
          y: ["2024", "1999"],
        },
      },
    ]);
  });

  test("counts rows without a key, NULL last in every column", async () => {
    const log = "create table log (line varchar(20), level int);";
    const told = await changes(
      `${log} insert into log values ('a', 1), ('a', 1), ('a', 1), ('A', 1), (null, 2), (null, null), ('🙂', null)`,
      "delete from log where line = 'a' collate utf8mb4_bin limit 2; insert into log values (null, 1), (null, null)",
      "log",
    );
    expect(told.map(({ kind, key }) => [kind, key.line, key.level])).toEqual([
      ["kept", "A", "1"],
      ["kept", "a", "1"],
      ["lost", "a", "1"],
      ["lost", "a", "1"],
      ["kept", "🙂", null],
      ["added", null, "1"],
      ["kept", null, "2"],
      ["kept", null, null],
      ["added", null, null],
    ]);
  });

  const two = "create table users (id int primary key, name text); insert into users values (1, 'ann'), (2, 'bob');";

  test.each([
    ["a rename", "rename table users to people; update people set name = 'bo' where id = 2", ["kept", "changed"]],
    [
      "a rename into another database",
      "create database other_db_of_ledger; rename table users to other_db_of_ledger.users; drop database other_db_of_ledger",
      ["lost", "lost"],
    ],
    ["a column's new name", "alter table users rename column name to full_name", ["kept", "kept"]],
    ["another type of the key", "alter table users modify id varchar(20)", ["kept", "kept"]],
    [
      "a table built anew",
      "create table u2 (name text, id bigint primary key); insert into u2 select upper(name), id from users where id > 1; drop table users; rename table u2 to users",
      ["lost", "changed"],
    ],
    ["the end of the table", "drop table users", ["lost", "lost"]],
    [
      "a key column's new name",
      "alter table users rename column id to user_id; update users set name = 'x' where user_id = 1",
      ["changed", "kept"],
    ],
  ])("follows %s", async (_, sql, kinds) => {
    expect((await changes(two, sql, "users")).map(({ kind }) => kind)).toEqual(kinds);
  });

  test("of 5,000 rows tells each of them once, may be left early, and read by two at once", async () => {
    const many = `create table t (id int primary key, v text); insert into t
      with recursive n as (select 1 as i union all select i + 1 from n where i < 900) select i, concat('v', i) from n;
      insert into t select id + 1000, v from t; insert into t select id + 2000, v from t; insert into t select id + 4000, v from t where id < 2000`;
    const some =
      "delete from t where id % 1000 = 100; update t set v = 'new' where id % 1000 = 1; insert into t values (0, '')";
    await hop(many, some, async (ledger) => {
      for await (const { key } of ledger.changes("t")) {
        expect(key).toEqual({ id: "0" });
        break;
      }
      const [one, other] = await Promise.all([gathered(ledger.changes("t")), gathered(ledger.changes("t"))]);
      const count = (kind: RowChange["kind"]) => one.filter((change) => change.kind === kind).length;
      expect([count("kept"), count("changed"), count("lost"), count("added")]).toEqual([5388, 6, 6, 1]);
      expect(other).toEqual(one);
    });
  });
});
