// What a product's code says to the database before its migrations: said, they come through, and not said, they break.
import { afterAll, describe, expect, test } from "vitest";
import { onEngine, onStage } from "../stage.ts";
import { installed, shipping, walked } from "./walking.ts";

const users = "create table users (id int primary key);\n";

describe("on PostgreSQL", () => {
  const stage = onStage();

  test("a schema is made once for a database, and the search_path set in every session", async () => {
    const files = [
      { "1_users.sql": users },
      { "1_users.sql": users, "2_orders.sql": "create table orders (who int references app.users);\n" },
      {
        "1_users.sql": users,
        "2_orders.sql": "create table orders (who int references app.users);\n",
        "3_x.sql": "drop table orders;\n",
      },
    ] as const;
    const prelude = { database: "create schema app", session: "set search_path to app" };
    const chain = (how: Parameters<typeof shipping>[2]) => files.map((tree, i) => shipping(`1.${i}`, tree, how));
    expect(await walked(stage(), chain({ prelude }))).toEqual([["clean"], ["clean"]]);
    const missing = await walked(stage(), chain({ prelude: { database: prelude.database } }));
    expect(missing.at(-1)).toEqual(["broken", "migration-failed 2_orders 42P01 at 2_orders.sql:1"]);
    const twice = { session: `${prelude.database}; ${prelude.session}` };
    const [stepwise] = await walked(stage(), chain({ prelude: twice }));
    expect(stepwise).toEqual(["broken", "migration-failed 42P06"]);
  });

  test("an extension that only the product's start creates", async () => {
    const files = { "1_users.sql": "create table users (id int primary key, mail citext unique);\n" };
    expect(await installed(stage(), files)).toEqual(["broken", "migration-failed 1_users 42704 at 1_users.sql:1"]);
    const prelude = { database: "create extension citext" };
    expect(await installed(stage(), files, { prelude })).toEqual(["clean"]);
  });

  const reader = `app_reader_${process.pid}`;
  afterAll(async () => {
    const session = await stage().engine.connect(stage().server.maintenance);
    await session.script(`drop role if exists ${reader}`);
    await session.end();
  });

  test("a role, which outlives its database: the next one meets it", async () => {
    const files = { "1_users.sql": users, "2_grant.sql": `grant select on users to ${reader};\n` };
    expect(await installed(stage(), files)).toEqual(["broken", "migration-failed 2_grant 42704 at 2_grant.sql:1"]);
    const once = `do $$ begin create role ${reader}; exception when duplicate_object then null; end $$`;
    expect(await installed(stage(), files, { prelude: { database: once } })).toEqual(["clean"]);
    const again = await installed(stage(), files, { prelude: { database: `create role ${reader}` } });
    expect(again).toEqual(["broken", "migration-failed 42710"]);
  });

  test("the product's own record, which a migration reads", async () => {
    const reads = "update app_version set at = at + 1;\ninsert into users select at from app_version;\n";
    const files = { "1_users.sql": users, "2_reads.sql": reads };
    expect(await installed(stage(), files)).toEqual(["broken", "migration-failed 2_reads 42P01 at 2_reads.sql:1"]);
    const prelude = { database: "create table app_version (at int); insert into app_version values (1)" };
    expect(await installed(stage(), files, { prelude })).toEqual(["clean"]);
  });

  test("the tool's own record, which a migration reads", async () => {
    const users = "create table users (id int primary key, made_at bigint not null);\n";
    const reads = "insert into users select 1, version from schema_migrations where dirty;\n";
    const chain = ["1.0", "1.1"].map((name, i) =>
      shipping(name, { "1_users.up.sql": users, ...(i > 0 && { "2_reads.up.sql": `${reads}${onlyOne}` }) }),
    );
    expect(await walked(stage(), chain)).toEqual([["clean"], ["clean"]]);
    const elsewhere = ["1.0", "1.1"].map((name, i) =>
      shipping(
        name,
        { "1_users.up.sql": users, ...(i > 0 && { "2_reads.up.sql": reads }) },
        { recordTable: "app_migrations" },
      ),
    );
    expect(await walked(stage(), elsewhere)).toEqual([
      ["broken", "migration-failed 2_reads 42P01 at 2_reads.up.sql:1"],
      ["broken", "migration-failed 2_reads 42P01 at 2_reads.up.sql:1"],
    ]);
  });
});

/** Divides by zero where there is not exactly one user. */
const onlyOne = "select 1 / (count(*) = 1)::int from users;\n";

await onEngine("mariadb", () => {
  const stage = onStage("mariadb");
  const orders = "create table orders (id int primary key, who int, foreign key (who) references users (id));\n";

  test("foreign keys that are not checked in any session that migrates", async () => {
    const chain = (how: Parameters<typeof shipping>[2]) => [
      shipping("1.0", { "1_notes.sql": "create table notes (id int);\n" }, how),
      shipping(
        "1.1",
        { "1_notes.sql": "create table notes (id int);\n", "2_orders.sql": orders, "3_users.sql": users },
        how,
      ),
    ];
    const failed = ["broken", "migration-failed 2_orders 1005 at 2_orders.sql:1"];
    expect(await walked(stage(), chain({}))).toEqual([failed, failed]);
    const prelude = { session: "set foreign_key_checks = 0" };
    expect(await walked(stage(), chain({ prelude }))).toEqual([["clean"], ["clean"]]);
    expect(await walked(stage(), chain({ prelude, session: "own" }))).toEqual([["clean"], ["clean"]]);
    // Said once to a database, the session of the next release does not know it.
    const [stepwise, fresh] = await walked(stage(), chain({ prelude: { database: prelude.session } }));
    expect([stepwise, fresh]).toEqual([failed, ["clean"]]);
  });
});
