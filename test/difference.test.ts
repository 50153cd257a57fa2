// How two databases that should be equal differ, as plain data: shape first, then rows.
import { describe, expect, test } from "vitest";
import { type DifferenceOptions, differences } from "../harness/difference.ts";
import type { Difference } from "../harness/differing.ts";
import { readingOf } from "../harness/reading.ts";
import { onStage } from "./stage.ts";
import { engines } from "./walk.contract.ts";

describe.each(engines)("differences on %s", (engine) => {
  const stage = onStage(engine);

  /** What SQL makes of a copy of a database that other SQL has made. */
  async function differing(
    made: string,
    sql: string,
    { ofTheFirst = "select 1", ...options }: DifferenceOptions & { readonly ofTheFirst?: string } = {},
  ): Promise<readonly Difference[]> {
    const one = await stage().create();
    const run = async (sandbox: typeof one, text: string) => {
      const session = await sandbox.connect();
      await session.script(text).finally(() => session.end());
    };
    await run(one, made);
    const other = await one.copy();
    const copy = await other.clone();
    await run(one, ofTheFirst);
    await run(copy, sql);
    const readings = [readingOf(one), readingOf(copy)] as const;
    try {
      return await differences(...readings, options);
    } finally {
      for (const reading of readings) await reading.close();
      for (const sandbox of [one, other, copy]) await sandbox.drop();
    }
  }

  const users = "create table users (id int primary key, name varchar(50), at timestamp null)";
  const rows = "insert into users (id, name) values (1, 'ann'), (2, 'bob'), (3, 'cy')";

  test("are none between copies, with rows, keys and views", async () => {
    const pets = `create table pets (id int primary key, owner int, constraint owned foreign key (owner) references users (id));
      create unique index pets_owner on pets (owner); create view names as select name from users`;
    const heap = "create table heap (a int, b varchar(9)); insert into heap values (1, 'x'), (1, 'x'), (null, null)";
    expect(await differing(`${users}; ${rows}; ${pets}; ${heap}`, "select 1")).toEqual([]);
  });

  test("are none where the same was done to both, in another order", async () => {
    const [one, two] = ["create table a (id int primary key, n int)", "create table b (id int primary key)"];
    const [first, second] = ["insert into a values (1, 1)", "insert into a values (2, 2)"];
    const ofTheFirst = `${one}; ${two}; ${first}; ${second}`;
    expect(await differing(users, `${two}; ${one}; ${second}; ${first}`, { ofTheFirst })).toEqual([]);
  });

  const anyText = expect.stringMatching(/\S/);
  const char = engine === "postgres" ? "character varying" : "varchar";
  const told = (code: string, message: string, [one, other]: readonly [string | null, string | null]): Difference => ({
    code,
    table: "users",
    message,
    sides: { one, other },
  });

  test.each<[string, string, Difference]>([
    [
      "a table that is new",
      "create table pets (id int primary key)",
      { ...told("table-differs", 'table "pets" is new', [null, anyText]), table: "pets" },
    ],
    ["a table that is gone", "drop table users", told("table-differs", 'table "users" is gone', [anyText, null])],
    [
      "a column that is new",
      "alter table users add column email varchar(9)",
      { ...told("column-differs", '"users": column "email" is new', [null, `${char}(9)`]), column: "email" },
    ],
    [
      "a column that is gone, while the others are equal",
      "alter table users drop column at",
      { ...told("column-differs", '"users": column "at" is gone', [anyText, null]), column: "at" },
    ],
    [
      "a column of another type",
      engine === "postgres"
        ? "alter table users alter name type varchar(60)"
        : "alter table users modify name varchar(60)",
      {
        ...told("column-differs", '"users": column "name" is another', [`${char}(50)`, `${char}(60)`]),
        column: "name",
      },
    ],
    [
      "an index",
      "create index by_name on users (name)",
      told("index-differs", '"users": index "by_name" is new', [null, anyText]),
    ],
    [
      "a view",
      "create view names as select name from users",
      { code: "view-differs", message: 'view "names" is new', sides: { one: null, other: anyText } },
    ],
  ])("tell %s", async (_, sql, difference) => {
    expect(await differing(`${users}; ${rows}`, sql)).toEqual([difference]);
  });

  test("tell rows by their key: how many, and the columns that changed", async () => {
    const sql =
      "delete from users where id = 1; update users set name = 'x' where id > 1; insert into users (id) values (8), (9)";
    expect(await differing(`${users}; ${rows}`, sql)).toEqual([
      {
        code: "rows-differ",
        table: "users",
        message: '"users": 2 rows added, 1 row gone, 2 rows changed in "name"; the first by id: {"id":"1"}',
        rows: { lost: 1, added: 2, columns: ["name"] },
      },
    ]);
  });

  test("tell rows without a key by all that they hold, one by one", async () => {
    const made = "create table heap (a int, b varchar(9)); insert into heap values (1, 'x'), (1, 'x'), (2, 'y')";
    expect(await differing(made, "insert into heap values (1, 'x'), (null, 'z')")).toEqual([
      {
        code: "rows-differ",
        table: "heap",
        message: '"heap": 2 rows added; the first by a, b: {"a":"1","b":"x"}',
        rows: { lost: 0, added: 2, columns: [] },
      },
    ]);
  });

  test("tell rows of tables that keep a column less, by the columns that both have", async () => {
    const sql = "alter table users drop column at; update users set name = 'x' where id = 2";
    expect(await differing(`${users}; ${rows}`, sql)).toMatchObject([
      { message: '"users": column "at" is gone' },
      { rows: { lost: 0, added: 0, columns: ["name"] } },
    ]);
  });

  test("shorten what a row without a key holds", async () => {
    const long = "x".repeat(400);
    const [found] = await differing("create table heap (a varchar(500))", `insert into heap values ('${long}')`);
    expect(found?.message).toMatch(/the first by a: \{"a":"x{194}…$/);
  });

  test("leave the record out", async () => {
    const record = "create table _migration_sandbox (position int primary key, name text)";
    expect(await differing(users, engine === "mysql" ? "select 1" : record)).toEqual([]);
  });

  test("tell the columns of a table that one side lacks", async () => {
    const [found] = await differing(users, "create table pets (id int primary key, name varchar(9))");
    expect(found?.sides?.other).toMatch(/^id int\S* not null\nname \S+( varying)?\(9\)/);
  });

  test("tell positions only where that is asked", async () => {
    const made = `create table t (id ${engine === "postgres" ? "serial" : "int auto_increment"} primary key)`;
    const drawn = "insert into t (id) values (default); delete from t";
    expect(await differing(made, drawn)).toEqual([]);
    expect(await differing(made, drawn, { positions: true })).toEqual([
      {
        code: "position-differs",
        table: "t",
        message: expect.stringMatching(/^"t": .* from elsewhere$/),
        sides: { one: "next is 1", other: "next is 2" },
      },
    ]);
  });

  if (engine === "postgres") {
    test.each([
      ["enum", "create type mood as enum ('ok')", "alter type mood add value 'bad'", 'enum "mood" is another'],
      ["sequence", "select 1", "create sequence numbers", 'sequence "numbers" is new'],
      ["function", "select 1", "create function f() returns int language sql return 1", 'function "f()" is new'],
    ])("tell a %s", async (kind, made, sql, message) => {
      expect(await differing(made, sql)).toMatchObject([{ code: `${kind}-differs`, message }]);
    });
  } else {
    test("tell what a table and the database are told beside their columns", async () => {
      expect(await differing(users, "alter table users comment 'people'")).toEqual([
        told("comment-differs", '"users": comment on table "users" is new', [null, "people"]),
      ]);
      expect(await differing(users, "alter table users row_format = compressed")).toMatchObject([
        { code: "table-differs", table: "users", message: '"users": its options are others' },
      ]);
      expect(await differing(users, "alter database character set latin1")).toEqual([
        {
          code: "options-differ",
          message: "the database has other options",
          sides: {
            one: expect.stringMatching(/^character set utf8mb4 /),
            other: expect.stringMatching(/^character set latin1 /),
          },
        },
      ]);
    });
  }
});
