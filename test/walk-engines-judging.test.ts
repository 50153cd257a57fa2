// What is judged where a path ended: clones that should be alike, foreign keys, the queries of checks.

import { type Check, clean, invariant } from "migration-sandbox";
import { describe, expect, test } from "vitest";
import { codes, nothingWrong, sowing, users, walksOn } from "./walk.contract.ts";

const ann = "insert into users values (1, 'ann')";

describe.each(["mariadb", "mysql"] as const)("judging on %s", (engine) => {
  const { upgraded, chained } = walksOn(engine);

  describe("a state that several paths go on from", () => {
    const installs = `create table users (id int auto_increment primary key, name varchar(50), shout varchar(60) as (upper(name)) stored);
      create table log (line varchar(100), at timestamp(6) not null default current_timestamp(6));
      create trigger logs after insert on users for each row begin insert into log (line) values (concat('new ', new.name)); end;
      create view names as select name, shout from users;
      create function twice(n int) returns int deterministic return n * 2;
      create procedure add_user(who varchar(50)) begin insert into users (name) values (who); end`;
    const sows = "insert into users (name) values ('ann'), ('bob'), ('cy'); delete from users where name = 'cy'";
    const look = `select (select group_concat(id, name, shout order by id) from users) as users,
      (select group_concat(line order by line) from log) as log, (select count(*) from names) as names, twice(id) as two
      from users order by id desc limit 1`;

    test("gives each of them what it would have alone: rows, counters, triggers, views, routines", async () => {
      const told: unknown[] = [];
      const check: Check = async ({ after }) => {
        told.push(...(await after.query(look)));
        return [];
      };
      const parts = {
        migrations: [
          installs,
          "call add_user('di')",
          "insert into users (name) values ('ed'); rename table log to logs; rename table logs to log",
        ],
        seeds: { "1.0": sowing(sows) },
        check,
      };
      const paths = [
        { from: "1.0", to: "1.1", expect: clean },
        { from: "1.0", to: "1.2", expect: clean },
        { from: "1.0", via: ["1.1"], to: "1.2", expect: clean },
      ] as const;
      await chained({ ...parts, paths });
      const together = told.splice(0).map((row) => JSON.stringify(row));
      for (const path of paths) await chained({ ...parts, paths: [path] });
      const alone = told.map((row) => JSON.stringify(row));
      expect([...together].sort()).toEqual([...alone].sort());
      expect(JSON.parse(alone[0] ?? "")).toEqual({
        users: "1annANN,2bobBOB,4diDI",
        log: "new ann,new bob,new cy,new di",
        names: 3,
        two: 8,
      });
    });
  });

  describe("foreign keys", () => {
    const parents = "create table parents (id int primary key); create table children (id int primary key, parent int)";
    const key = "alter table children add constraint children_fkey foreign key (parent) references parents (id)";
    const off = (sql: string) => `set foreign_key_checks = 0; ${sql}; set foreign_key_checks = 1`;
    const orphan = off("insert into children values (1, 99)");

    test.each([
      ["adds one over rows that refer to no row", parents, orphan, off(key), 1],
      [
        "removes rows behind the server's back",
        `${parents}; ${key}; insert into parents values (1)`,
        "insert into children values (1, 1), (2, 1), (3, null)",
        off("delete from parents"),
        2,
      ],
      [
        "drops the table referred to",
        `${parents}; ${key}; insert into parents values (1)`,
        "insert into children values (1, 1), (2, null)",
        off("drop table parents"),
        1,
      ],
    ])("are violated by a hop that %s", async (_, installs, sows, hop, count) => {
      const { verdict } = await upgraded({ installs, sows, hop });
      const rows = count === 1 ? "1 row refers" : `${count} rows refer`;
      expect(verdict.findings).toEqual([
        {
          code: "foreign-key-violated",
          release: "1.1",
          table: "children",
          column: "parent",
          message: `${rows} to no row: foreign key "children_fkey" of "children" (parent) to "parents" (id)`,
        },
      ]);
    });

    test.each([
      ["nothing", "select 1"],
      ["a rename of the table", "rename table children to kids"],
      ["a rename of the table referred to", "rename table parents to elders"],
      ["a rename of the column", "alter table children rename column parent to elder"],
      [
        "another name for the key",
        `alter table children drop foreign key children_fkey; ${off(key.replace("children_fkey", "kids_fkey"))}`,
      ],
    ])("that were violated before are a note after %s", async (_, hop) => {
      const { verdict } = await upgraded({ installs: `${parents}; ${key}`, sows: orphan, hop });
      expect([verdict.outcome, codes(verdict.notes)]).toEqual(["clean", ["foreign-key-violated"]]);
    });

    test("that were violated before are a finding once the hop adds to them", async () => {
      const hop = off("insert into children values (2, 98)");
      const { verdict } = await upgraded({ installs: `${parents}; ${key}`, sows: orphan, hop });
      expect(codes(verdict.findings)).toEqual(["foreign-key-violated"]);
    });
  });

  describe("a query of a check", () => {
    test.each([
      "show tables like 'users'",
      "show create table users",
      "explain select 1",
      "describe users id",
      "table users",
      "with one as (select 1) select * from one",
      "select 1; ",
      "-- why\nselect 1",
      "(select 1)",
      engine === "mysql" ? "values row(1)" : "values (1)",
    ])("may be anything that returns rows: %s", async (query) => {
      if (engine === "mariadb" && query === "table users") return; // MariaDB has no such statement.
      const check: Check = async ({ after }) => {
        const rows = await after.query(query);
        return rows.length === 1 ? [] : [{ code: "other-rows", message: JSON.stringify(rows) }];
      };
      const { verdict } = await upgraded({ installs: `${users}; ${ann}`, hop: "select 1", check });
      expect(verdict).toEqual(nothingWrong);
    });

    test.each([
      ["nothing at all", "", /^Cannot check "to-do": /],
      ["a comment", "-- todo", /^Cannot check "to-do": /],
      ["a statement without rows", "do 0", /it returns no rows at all, and should be a query/],
      ["two statements", "select 1; select 1 from users where false", /it is 2 statements, and should be one query/],
      ["SQL that the server refuses", "select nope from users", /Unknown column 'nope'/],
    ])("that is an invariant is no pass where it can find nothing: %s", async (_, query, why) => {
      const { verdict } = await upgraded({ installs: users, hop: "select 1", check: invariant("to-do", query) });
      expect(verdict).toMatchObject({
        outcome: "inconclusive",
        cause: { code: "check-failed", message: expect.stringMatching(why) },
      });
    });

    test.each([
      "delete from users",
      "insert into users values (2, 'x')",
      "create table more (id int)",
      "drop table users",
      "truncate users",
      "rename table users to people",
      "select 1; drop table users",
    ])("that writes is refused, and nothing is written: %s", async (query) => {
      const rows: unknown[] = [];
      const writing: Check = async ({ after }) => {
        await after.query(query).catch(() => {});
        rows.push(...(await after.query("select * from users")));
        return [];
      };
      const looking: Check = async ({ after }) => {
        rows.push(...(await after.query("select * from users")));
        return [];
      };
      const rehearsals = await chained({
        migrations: [`${users}; ${ann}`],
        paths: [
          { to: "1.0", check: writing, expect: clean },
          { to: "1.0", check: looking, expect: clean },
        ],
      });
      expect(rehearsals.map(({ verdict }) => verdict)).toEqual([nothingWrong, nothingWrong]);
      expect(rows).toEqual([
        { id: 1, name: "ann" },
        { id: 1, name: "ann" },
      ]);
    });

    test("that is an invariant shows values of every type", async () => {
      const check = invariant("odd", {
        mysql:
          "select 9007199254740993 as big, null as nothing, 1.50 as price, cast('2024-01-02' as date) as day, x'00ff' as raw, 'é🙂' as text",
      });
      const { verdict } = await upgraded({ installs: users, hop: "select 1", check });
      expect(verdict.findings).toMatchObject([
        { message: expect.stringMatching(/"big":"9007199254740993","nothing":null,"price":"1.50",.*"text":"é🙂"/) },
      ]);
    });
  });
});
