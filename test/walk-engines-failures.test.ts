// Upgrades that fail where DDL commits by itself: what is told of them, and what they leave behind.

import { broken, clean, type Migration } from "migration-sandbox";
import { describe, expect, test } from "vitest";
import { codes, nothingWrong, sowing, users, walksOn } from "./walk.contract.ts";

describe.each(["mariadb", "mysql"] as const)("a migration that fails on %s", (engine) => {
  const { upgraded, asked, left, chained } = walksOn(engine);
  const noColumn = { errno: 1054, sqlState: "42S22" };

  const withBodies = `create procedure two()
begin
  declare n int default 0;
  while n < 2 do set n = n + 1; end while;
  select n; select n;
end;

create trigger upper_names before insert on users for each row
begin
  if new.name is not null then set new.name = upper(new.name); end if;
end;
-- a comment; with a semicolon
insert into users values (1, 'a;b');
call two();
`;

  test.each(["each", "all", "none"] as const)(
    "is told by file, line, statement and numbers, behind bodies and calls (%s)",
    async (transaction) => {
      const sql = `${withBodies}  update users\n  set nope = 1;\ncreate table never (id int);\n`;
      const hop = { [engine]: { sql, file: "releases/1.1/0002.sql" } };
      const { verdict, tables, record } = await left({ installs: users, hop, transaction });
      expect(verdict.findings).toMatchObject([
        {
          code: "migration-failed",
          release: "1.1",
          migration: "0002",
          ...noColumn,
          message: expect.stringMatching(/^Unknown column 'nope' in '(field list|SET)'$/),
          place: { file: "releases/1.1/0002.sql", line: 15, column: 3, statement: "update users\n  set nope = 1" },
        },
      ]);
      expect([tables, record]).toEqual([["users"], ["0001"]]);
    },
  );

  test("is told by its place where the server did not understand it", async () => {
    const sql = `${withBodies}  selekt '🙂';\ncreate table never (id int)`;
    const { verdict } = await upgraded({ installs: users, hop: sql });
    expect(verdict.findings).toMatchObject([
      { errno: 1064, sqlState: "42000", place: { line: 15, column: 3, statement: "selekt '🙂'" } },
    ]);
  });

  test("is told by the statement inside of which a trigger or a routine failed", async () => {
    const body = "signal sqlstate '45000' set message_text = 'not on my watch', mysql_errno = 30001";
    const { verdict } = await upgraded({
      installs: `${users}; create trigger guard before delete on users for each row begin ${body}; end`,
      sows: "insert into users values (1, 'ann')",
      hop: "update users set name = 'x'; delete from users; drop table users",
    });
    expect(verdict.findings).toMatchObject([
      { message: "not on my watch", errno: 30001, sqlState: "45000", place: { statement: "delete from users" } },
    ]);
  });

  const a: Migration = { name: "a", up: "create table a (id int); insert into users values (1, 'a')" };
  const b: Migration = {
    name: "b",
    up: "insert into users values (2, 'b'); create table b (id int); insert into users values (3, 'b'); select nope; create table b2 (id int)",
  };
  const c: Migration = { name: "c", up: "create table c (id int)" };
  const ids = "select group_concat(id order by id) as ids from users";

  // DDL ends the transaction: nothing behind it is taken back either.
  test.each(["each", "all", "none"] as const)(
    "leaves all that it had done once it has made a table (%s)",
    async (rule) => {
      const upgrade = { installs: users, hop: [a, b, c], transaction: rule };
      expect(await left(upgrade)).toMatchObject({
        verdict: { findings: [noColumn] },
        tables: ["a", "b", "users"],
        record: ["0001", "a"],
      });
      expect((await asked(upgrade, ids)).rows).toEqual([{ ids: "1,2,3" }]);
    },
  );

  test.each([
    ["each", ["0001", "a"], "1"],
    ["all", ["0001"], null],
    ["none", ["0001", "a"], "1,2"],
  ] as const)("leaves of rows alone what its rule says (%s)", async (transaction, record, rows) => {
    const hop: readonly Migration[] = [
      { name: "a", up: "insert into users values (1, 'a')" },
      { name: "b", up: "insert into users values (2, 'b'); select nope" },
    ];
    const upgrade = { installs: users, hop, transaction };
    expect(await left(upgrade)).toMatchObject({ record });
    expect((await asked(upgrade, ids)).rows).toEqual([{ ids: rows }]);
  });

  test("explains by notes what it did to sown rows, and does not look at foreign keys", async () => {
    const { verdict } = await upgraded({
      installs: users,
      sows: "insert into users values (1, 'ann'), (2, 'bob')",
      hop: "delete from users where id = 1; create table t (id int); delete from users; select nope",
    });
    expect(codes(verdict.findings)).toEqual(["migration-failed"]);
    expect(verdict.notes).toMatchObject([
      { code: "rows-lost", message: '2 sown rows are gone from "users": {"id":"1"}, {"id":"2"}' },
    ]);
  });

  test("may be tried again from where it stands: the record knows what it had done", async () => {
    const rehearsals = await chained({
      migrations: [users, "create table t (id int)", "select nope"],
      paths: [
        { from: "1.0", to: "1.2", expect: broken("migration-failed", { [engine]: 1054, migration: "0003" }) },
        { from: "1.0", via: ["1.1"], to: "1.2", expect: broken("migration-failed", { [engine]: "42S22" }) },
        { from: "1.0", to: "1.1", expect: clean },
        { to: "1.2", expect: broken("migration-failed", { migration: "0003" }) },
      ],
    });
    expect(rehearsals.map(({ met }) => met)).toEqual([true, true, true, true]);
    expect(rehearsals[0]?.hops.at(-1)?.migrations.map(({ name }) => name)).toEqual(["0002"]);
  });

  test.each([
    ["a duplicate key", "insert into users values (1, 'x')", 1062, "23000"],
    ["a NULL where none may be", "alter table users modify name varchar(50) not null", undefined, undefined],
    ["text that is too long", "alter table users modify name varchar(1)", undefined, undefined],
    ["a table that is not there", "select * from nowhere", 1146, "42S02"],
    ["a subquery of two rows", "update users set name = (select 'x' union select 'y')", 1242, "21000"],
    ["a division", "update users set id = 1 / 0 where id = 1", undefined, undefined],
  ])("has the numbers that its server gave: %s", async (_, hop, errno, sqlState) => {
    const { verdict } = await upgraded({
      installs: users,
      sows: "insert into users values (1, 'ann'), (2, null)",
      hop,
    });
    expect(verdict.findings).toMatchObject([
      { code: "migration-failed", errno: errno ?? expect.any(Number), sqlState: sqlState ?? expect.any(String) },
    ]);
    expect(verdict.findings[0]?.place).toBeDefined();
  });

  test("is one that ends its own session", async () => {
    for (const up of ["do 1; kill connection_id(); do 2", "create table t (id int); kill connection_id()"]) {
      const { verdict } = await upgraded({ installs: users, hop: up });
      expect(verdict.findings).toMatchObject([{ code: "migration-failed", migration: "0002", sqlState: "70100" }]);
    }
  });

  test("may leave no statement at all", async () => {
    for (const transaction of ["each", "none"] as const) {
      for (const hop of ["-- nothing left to do here\n", "/* nothing; */ ;\n", "# nothing"]) {
        expect((await upgraded({ installs: users, hop, transaction })).verdict).toEqual(nothingWrong);
      }
    }
  });

  test("is one that leaves a transaction open under a rule without: nothing of it stays", async () => {
    for (const opening of ["begin", "start transaction", "set autocommit = 0"]) {
      const hop = `${opening}; insert into users values (1, 'a')`;
      const { verdict, rows } = await asked({ installs: users, hop, transaction: "none" }, ids);
      expect(verdict.findings).toMatchObject([{ code: "migration-failed", exception: "Error" }]);
      expect(rows).toEqual([{ ids: null }]);
    }
    const hop = "begin; insert into users values (1, 'a'); create table t (id int)"; // DDL commits.
    expect((await upgraded({ installs: users, hop, transaction: "none" })).verdict).toEqual(nothingWrong);
  });

  describe("in code", () => {
    class Refused extends Error {}

    test("takes its rows back with what it throws, as long as it has made no table", async () => {
      const hop: Migration["up"] = async (db) => {
        await db("users").insert({ id: 1 });
        await db.schema.createTable("t", (table) => {
          table.increments();
          table.string("name").notNullable().unique();
          table.json("doc");
          table.integer("user").references("users.id");
        });
        await db("users").insert({ id: 2 });
        throw new Refused("half-way");
      };
      const upgrade = { installs: users, hop, expect: broken("migration-failed", { exception: "Refused" }) };
      expect(await left(upgrade)).toMatchObject({ tables: ["t", "users"], record: ["0001"] });
      for (const transaction of ["each", "none"] as const) {
        expect((await asked({ ...upgrade, transaction }, ids)).rows).toEqual([{ ids: "1,2" }]);
      }
      const rowsOnly: Migration["up"] = async (db) => {
        await db("users").insert({ id: 1 });
        throw new Refused("half-way");
      };
      expect((await asked({ ...upgrade, hop: rowsOnly }, ids)).rows).toEqual([{ ids: null }]);
      expect((await asked({ ...upgrade, hop: rowsOnly, transaction: "none" }, ids)).rows).toEqual([{ ids: "1" }]);
    });

    test("has a database error told as one, with its numbers and without the statement", async () => {
      const { verdict } = await upgraded({
        installs: `${users}; insert into users values (1, 'a')`,
        hop: async (db) => {
          await db("users").insert({ id: 1 });
        },
      });
      expect(verdict.findings).toMatchObject([
        {
          code: "migration-failed",
          errno: 1062,
          sqlState: "23000",
          message: expect.stringMatching(/^Duplicate entry/),
        },
      ]);
      expect(verdict.findings[0]?.place).toBeUndefined();
      expect(verdict.findings[0]?.exception).toBeUndefined();
    });

    test("may swallow an error and go on, as the transaction lives", async () => {
      const hop: Migration["up"] = async (db) => {
        await db.raw("select nope").catch(() => {});
        await db("users").insert({ id: 1 });
      };
      const { verdict, rows } = await asked({ installs: users, hop }, ids);
      expect([verdict, rows]).toEqual([nothingWrong, [{ ids: "1" }]]);
    });

    test("may have transactions of its own, in which it makes tables", async () => {
      const hop: Migration["up"] = async (db) => {
        await db("users").insert({ id: 1 });
        await db.transaction(async (inner) => {
          await inner("users").insert({ id: 2 });
          await inner.schema.createTable("t", (table) => table.increments());
        });
        await db
          .transaction(async (inner) => {
            await inner("users").insert({ id: 3 });
            throw new Refused("no");
          })
          .catch(() => {});
        await db("users").insert({ id: 4 });
      };
      // Knex makes savepoints of them within a transaction, and there is none any more.
      expect(await asked({ installs: users, hop }, ids)).toEqual({ verdict: nothingWrong, rows: [{ ids: "1,2,3,4" }] });
      const apart = await asked({ installs: users, hop, transaction: "none" }, ids);
      expect(apart).toEqual({ verdict: nothingWrong, rows: [{ ids: "1,2,4" }] });
    });

    test.each(["each", "all", "none"] as const)(
      "may stand among SQL, each seeing the others' work (%s)",
      async (rule) => {
        const hop: readonly Migration[] = [
          { name: "a", up: "create table a (id int); insert into a values (1)" },
          {
            name: "b",
            async up(db) {
              await db("a").insert({ id: 2 });
              await db.schema.alterTable("a", (table) => table.string("name").defaultTo("x"));
              await db.schema.renameTable("a", "b");
            },
          },
          { name: "c", up: "create table c as select * from b" },
        ];
        const { verdict, rows } = await asked(
          { installs: users, hop, transaction: rule },
          "select * from c order by id",
        );
        expect(verdict).toEqual(nothingWrong);
        expect(rows).toEqual([
          { id: 1, name: "x" },
          { id: 2, name: "x" },
        ]);
      },
    );

    test("may leave connections and transactions open that hold locks", async () => {
      const { verdict } = await upgraded({
        installs: `${users}; create table pets (id int)`,
        sows: "insert into users values (1, 'ann')",
        transaction: "none",
        hop: async (db) => {
          const open = await db.transaction();
          await open.raw("select * from users for update");
          const locking = await db.client.acquireConnection();
          await locking.promise().query("lock tables pets write");
        },
      });
      expect(verdict).toEqual(nothingWrong);
    });

    test("may drop a column and a foreign key as Knex does it", async () => {
      const { verdict } = await upgraded({
        installs: `${users}; create table pets (id int primary key, user_id int, constraint pets_user_id_foreign foreign key (user_id) references users (id))`,
        sows: async ({ db }) => {
          await db("users").insert({ id: 1, name: "ann" });
          await db("pets").insert({ id: 1, user_id: 1 });
        },
        hop: async (db) => {
          await db.schema.alterTable("pets", (table) => {
            table.dropForeign("user_id");
            table.dropColumn("user_id");
          });
          await db.schema.alterTable("users", (table) => table.renameColumn("name", "full_name"));
        },
      });
      expect(verdict).toEqual(nothingWrong);
    });
  });

  test("leaves a path of its own alone where another goes on from the same state", async () => {
    const rehearsals = await chained({
      migrations: [users, "insert into users values (7, 'by 1.1')", "insert into users values (8, 'by 1.2')"],
      seeds: { "1.0": sowing("insert into users values (1, 'ann')") },
      paths: [
        {
          from: "1.0",
          with: sowing("insert into users values (7, 'in the way')", "seven"),
          to: "1.2",
          expect: broken("migration-failed"),
        },
        {
          from: "1.0",
          with: sowing("insert into users values (8, 'in the way')", "eight"),
          to: "1.2",
          expect: broken("migration-failed"),
        },
        { from: "1.0", to: "1.2", expect: clean },
      ],
    });
    expect(rehearsals.map(({ verdict }) => verdict.findings[0]?.migration)).toEqual(["0002", "0003", undefined]);
    expect(rehearsals.map(({ met }) => met)).toEqual([true, true, true]);
  });
});
