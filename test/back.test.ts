// Ways back, hop by hop: up, down on new connections, up again; what was there before is to be there again.

import { describe, expect, test } from "vitest";
import { forEngine } from "../harness/database.ts";
import { onStage } from "./stage.ts";
import { tookBack, tookBackInstall } from "./taking-back.ts";
import { codes, duplicate, engines, messages, numbered, users } from "./walk.contract.ts";

const sows = "insert into users values (1, 'ann'), (2, 'bob')";
const clean = { findings: [], notes: [] };
const index = "create index users_name on users (name)";

describe.each(engines)("a hop taken back on %s", (engine) => {
  const stage = onStage(engine);
  const noIndex =
    forEngine({ postgres: "drop index users_name", mysql: "drop index users_name on users" }, engine) ?? "";
  const noTable = { postgres: "42P01", mariadb: 1051, mysql: 1051 } as const;

  test("is clean where every way back leads back", async () => {
    const hop = [
      { up: "create table roles (id int primary key)", down: "drop table roles" },
      { up: `alter table users add column age int; ${index}`, down: `${noIndex}; alter table users drop column age` },
      { up: "insert into roles values (1)", down: "delete from roles" },
    ];
    expect(await tookBack(stage(), { installs: users, sows, hop })).toEqual(clean);
    expect(await tookBack(stage(), { installs: users, sows, hop, transaction: "all" })).toEqual(clean);
    expect(await tookBack(stage(), { installs: users, sows, hop, transaction: "none" })).toEqual(clean);
  });

  test("is clean down to nothing, with code both ways", async () => {
    const said = await tookBackInstall(stage(), [
      { name: "0001", up: users, down: "drop table users" },
      {
        name: "0002",
        up: (db) => db.schema.createTable("roles", (table) => void table.increments("id")),
        down: (db) => db.schema.dropTable("roles"),
      },
    ]);
    expect(said).toEqual(clean);
  });

  test("says nothing where there are no ways back, and where the hop ran nothing", async () => {
    expect(await tookBackInstall(stage(), [{ name: "0001", up: users }])).toEqual(clean);
    expect(await tookBack(stage(), { installs: users, hop: [] })).toEqual(clean);
  });

  test("finds a way back that is empty, a comment, or does nothing", async () => {
    for (const [down, why] of [
      ["", "is empty"],
      ["-- cannot be undone", "is empty"],
      ["select 1", "changes nothing"],
    ] as const) {
      const { findings, notes } = await tookBack(stage(), { installs: users, sows, hop: [{ up: index, down }] });
      expect(findings[0]).toEqual({
        code: "down-empty",
        release: "1.1",
        migration: "0002",
        message: `the way back of "0002" ${why}, and its way there does not: "users": index "users_name" is new`,
      });
      expect([codes(findings), notes]).toEqual([["down-empty", "up-again-failed"], []]);
    }
    expect(await tookBack(stage(), { installs: users, hop: [{ up: "select 1", down: "" }] })).toEqual(clean);
  });

  test("names the migration of several that forgets an index, and the second way there that fails of it", async () => {
    const hop = [
      { up: "create table roles (id int primary key)", down: "drop table roles" },
      { up: `alter table users add column age int; ${index}`, down: "alter table users drop column age" },
      { up: "create table logs (id int primary key)", down: "drop table logs" },
    ];
    const { findings, notes } = await tookBack(stage(), { installs: users, sows, hop });
    expect(findings.map(({ code, migration, table }) => [code, migration, table])).toEqual([
      ["down-differs", "0003", "users"],
      ["up-again-failed", "0003", undefined],
    ]);
    expect(findings[0]?.message).toBe(
      'with "0003" taken back, the database is not as it was before: "users": index "users_name" is new',
    );
    expect(findings[0]?.sides?.one).toBe(null);
    expect(findings[1]).toMatchObject(numbered({ postgres: "42P07", mariadb: 1061, mysql: 1061 }, engine));
    expect(findings[1]?.place?.statement).toBe(index);
    expect(notes).toEqual([]);
  });

  test("finds a way back that fails, where it failed, and what it leaves behind", async () => {
    const down = "drop table roles;\ndrop table rolls;\nalter table users drop column age";
    const hop = [
      { up: "alter table users add column age int; create table roles (id int primary key)", down },
      { up: "create table logs (id int primary key)", down: "drop table logs" },
    ];
    const whole = await tookBack(stage(), { installs: users, sows, hop });
    expect(codes(whole.findings)).toEqual(["down-failed"]);
    expect(whole.findings[0]).toMatchObject({ release: "1.1", migration: "0002", ...numbered(noTable, engine) });
    expect(whole.findings[0]?.place).toMatchObject({ line: 2, column: 1, statement: "drop table rolls" });
    const stays = '; what it had done by then stays: table "roles" is gone';
    const left = forEngine({ postgres: false, mysql: true }, engine);
    expect(whole.findings[0]?.message.endsWith(stays)).toBe(left);
    const single = await tookBack(stage(), { installs: users, hop: hop.slice(0, 1), transaction: "none" });
    expect(single.findings[0]?.message.endsWith(stays)).toBe(true);
  });

  test("finds rows that a way back loses and had, and tells them from those that were gone", async () => {
    const rebuilt = { up: "alter table users add column age int", down: `drop table users; ${users}` };
    const lost = await tookBack(stage(), { installs: users, sows, hop: [rebuilt] });
    expect(lost).toEqual({
      findings: [
        {
          code: "down-loses-rows",
          release: "1.1",
          migration: "0002",
          table: "users",
          message: 'taking back "0002" loses what it had kept: "users": 2 rows gone; the first: {"id":"1"}',
        },
      ],
      notes: [],
    });
    const removed = {
      up: "delete from users where id = 2; alter table users add column age int",
      down: "alter table users drop column age",
    };
    const gone = await tookBack(stage(), { installs: users, sows, hop: [removed] });
    expect(gone).toEqual({
      findings: [],
      notes: [
        {
          code: "down-cannot-restore",
          release: "1.1",
          migration: "0002",
          table: "users",
          message:
            'taking back "0002" cannot bring back what it had removed: "users": 1 row gone; the first: {"id":"2"}',
        },
      ],
    });
    const nothingToDo = { up: "delete from users where id = 2", down: "-- gone is gone" };
    expect(codes((await tookBack(stage(), { installs: users, sows, hop: [nothingToDo] })).notes)).toEqual([
      "down-cannot-restore",
    ]);
  });

  test("tells a column that cannot be filled again from one whose values were at hand", async () => {
    const dropped = { up: "alter table users drop column name", down: "alter table users add column name varchar(50)" };
    const gone = await tookBack(stage(), { installs: users, sows, hop: [dropped] });
    expect(gone.findings).toEqual([]);
    expect(gone.notes).toMatchObject([{ code: "down-cannot-restore", table: "users", column: "name" }]);
    const copied = {
      up: "alter table users add column full_name varchar(50); update users set full_name = name; alter table users drop column name",
      down: "alter table users drop column full_name; alter table users add column name varchar(50)",
    };
    const lost = await tookBack(stage(), { installs: users, sows, hop: [copied] });
    expect(lost.findings).toMatchObject([{ code: "down-loses-rows", table: "users", column: "name" }]);
    const withWide = {
      up: `${copied.up}; alter table users drop column bio`,
      down: `${copied.down}; alter table users add column bio text`,
    };
    const described = `${sows}; alter table users add column bio text; update users set bio = repeat('x', 2000)`;
    const both = await tookBack(stage(), { installs: users, sows: described, hop: [withWide] });
    expect(both.findings).toMatchObject([{ code: "down-loses-rows", table: "users", column: "name" }]);
    const moved = {
      up: `create table people as select * from users; delete from users where id = 2`,
      down: "drop table people",
    };
    const left = await tookBack(stage(), { installs: users, sows, hop: [moved] });
    expect(left.findings).toMatchObject([{ code: "down-loses-rows", table: "users", migration: "0002" }]);
  });

  test("finds rows that are left, and does not hold against it what a boot put there", async () => {
    const hop = [
      {
        up: "insert into users values (3, 'eve'); alter table users add column age int",
        down: "alter table users drop column age",
      },
    ];
    const { findings } = await tookBack(stage(), { installs: users, sows, hop });
    expect(messages(findings)[0]).toBe(
      'with "0002" taken back, the database is not as it was before: "users": 1 row is left that it had added',
    );
    expect(codes(findings)).toEqual(["down-differs", "up-again-failed"]);
    expect(findings[1]).toMatchObject(numbered(duplicate, engine));
    const booted = [{ up: index, down: noIndex }];
    const boot = "insert into users values (9, 'admin')";
    expect(await tookBack(stage(), { installs: users, sows, hop: booted, boot })).toEqual(clean);
  });

  test("does not hold against it what comes out otherwise whenever it is made", async () => {
    const up = `alter table users add column made ${forEngine({ postgres: "timestamptz default clock_timestamp()", mysql: "timestamp(6) default current_timestamp(6)" }, engine)}`;
    const down = "alter table users drop column made";
    expect(await tookBack(stage(), { installs: users, sows, hop: [{ up, down }] })).toEqual(clean);
  });

  test("tells a second way there that comes to another state, as what was written over is not written back", async () => {
    const priced = "create table prices (id int primary key, price int)";
    const cents = {
      up: "update prices set price = price * 100; alter table prices add column cents int",
      down: "alter table prices drop column cents",
    };
    const { findings, notes } = await tookBack(stage(), {
      installs: priced,
      sows: "insert into prices values (1, 5)",
      hop: [cents],
    });
    expect(notes).toMatchObject([{ code: "down-cannot-restore", table: "prices", column: "price" }]);
    expect(findings).toEqual([
      {
        code: "up-again-differs",
        release: "1.1",
        migration: "0002",
        table: "prices",
        message:
          'taken back and made again, 1.1 comes to another state than at first: "prices": 1 row changed in "price"; the first by id: {"id":"1"}',
      },
    ]);
  });

  test("stops at a migration without a way back, and judges the others by themselves", async () => {
    const hop = [
      { up: "create table roles (id int primary key)", down: "-- nothing" },
      { up: "create table logs (id int primary key)" },
      { up: index, down: noIndex },
    ];
    const { findings, notes } = await tookBack(stage(), { installs: users, sows, hop });
    expect(findings.map(({ code, migration }) => [code, migration])).toEqual([["down-empty", "0002"]]);
    expect(notes).toEqual([
      {
        code: "down-missing",
        release: "1.1",
        migration: "0003",
        message: '"0003" has no way back: what ran up to it stays',
      },
    ]);
  });
});

describe("a hop taken back on postgres alone", () => {
  const stage = onStage("postgres");

  test("forgets a type, and fails the second time", async () => {
    const hop = [
      {
        up: "create type mood as enum ('sad', 'ok'); alter table users add column mood mood",
        down: "alter table users drop column mood",
      },
    ];
    const { findings } = await tookBack(stage(), { installs: users, sows, hop });
    expect(findings).toMatchObject([
      { code: "down-differs", migration: "0002" },
      { code: "up-again-failed", migration: "0002", sqlState: "42710" },
    ]);
  });
});
