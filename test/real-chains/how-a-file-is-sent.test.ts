// How a file is sent decides whether it works: the same chains, come through and broken.
import { describe, expect, test } from "vitest";
import { onEngine, onStage } from "../stage.ts";
import { installed, shipping, walked } from "./walking.ts";

const users = "create table users (id int primary key, name varchar(50));\n";
const index = "create index concurrently users_name on users (name);\n";

describe("on PostgreSQL", () => {
  const stage = onStage();

  test("an index that is built concurrently fails in any transaction", async () => {
    const files = { "1_users.sql": users, "2_index.sql": index };
    const failed = ["broken", "migration-failed 2_index 25001 at 2_index.sql:1"];
    expect(await installed(stage(), files)).toEqual(failed);
    expect(await installed(stage(), files, { transaction: "all" })).toEqual(failed);
    expect(await installed(stage(), files, { transaction: "none" })).toEqual(["clean"]);
    const opting = { ...files, "2_index.sql": `-- no-transaction\n${index}` };
    expect(await installed(stage(), opting)).toEqual(["clean"]);
  });

  test("with other statements beside it, it comes through statement by statement alone", async () => {
    const column = "alter table users add column mail text;\n";
    const files = { "1_users.up.sql": users, "2_index.up.sql": `${column}${index}` };
    // Its server opens a transaction around one message of several statements.
    const whole = await installed(stage(), files, { format: "golang-migrate" });
    expect(whole).toEqual(["broken", "migration-failed 2_index 25001 at 2_index.up.sql:2"]);
    expect(await installed(stage(), files, { format: "plain", transaction: "none" })).toEqual(["clean"]);
    const block = { "1_a.sql": `-- migrate:up\n${users}-- migrate:down\n` };
    const dbmates = `-- migrate:up transaction:false\n${column}${index}-- migrate:down\n`;
    expect(await installed(stage(), { ...block, "2_index.sql": dbmates })).toEqual([
      "broken",
      "migration-failed 2_index 25001 at 2_index.sql:3",
    ]);
    const gooses = `-- +goose NO TRANSACTION\n-- +goose Up\n${column}${index}`;
    expect(await installed(stage(), { "1_a.sql": `-- +goose Up\n${users}`, "2_index.sql": gooses })).toEqual(["clean"]);
    const flyways = { "V1__users.sql": users, "V2__index.sql": `${column}${index}` };
    await expect(installed(stage(), flyways)).rejects.toThrow(
      /V2__index\.sql:2": "CREATE INDEX CONCURRENTLY .* Flyway refuses the mix/,
    );
  });

  test("LOCK TABLE needs a transaction where the tool opens none", async () => {
    const locks = "lock table users in exclusive mode;\ninsert into users values (1, 'Ada');\n";
    const files = { "1_users.sql": users, "2_rows.sql": locks };
    expect(await installed(stage(), files, { transaction: "none" })).toEqual([
      "broken",
      "migration-failed 2_rows 25P01 at 2_rows.sql:1",
    ]);
    expect(await installed(stage(), files)).toEqual(["clean"]);
    const gooses = {
      "1_a.sql": `-- +goose Up\n${users}`,
      "2_b.sql": `-- +goose NO TRANSACTION\n-- +goose Up\n${locks}`,
    };
    expect(await installed(stage(), gooses)).toEqual(["broken", "migration-failed 2_b 25P01 at 2_b.sql:3"]);
    // The message that holds all of it is a transaction, too.
    const whole = { "1_users.up.sql": users, "2_rows.up.sql": locks };
    expect(await installed(stage(), whole, { format: "golang-migrate" })).toEqual(["clean"]);
  });

  test("a search_path that the first file sets holds as long as its session", async () => {
    const first = "create schema app;\nset search_path to app;\ncreate table users (id int primary key);\n";
    const files = { "1_users.sql": first, "2_orders.sql": "create table orders (who int references users);\n" };
    const failed = "migration-failed 2_orders 42P01 at 2_orders.sql:1";
    expect(await installed(stage(), files, { session: "shared" })).toEqual(["clean"]);
    expect(await installed(stage(), files, { session: "own" })).toEqual(["broken", failed]);
    // Who comes later has another session, and nobody sets it there.
    const chain = (how?: Parameters<typeof shipping>[2]) => [
      shipping("1.0", { "1_users.sql": first }, how),
      shipping("1.1", files, how),
    ];
    expect(await walked(stage(), chain())).toEqual([["broken", failed], ["clean"]]);
    const said = { prelude: { session: "set search_path to app, public" } };
    expect(await walked(stage(), chain(said))).toEqual([["clean"], ["clean"]]);
  });

  test("psql's own commands are for psql: a folder that nobody's tool reads is refused, a tool's server refuses them", async () => {
    const copy = "-- all of them\n\\copy users from program 'cat users.csv' csv\n";
    const files = { "1_users.sql": users, "2_rows.sql": copy };
    await expect(installed(stage(), files)).rejects.toThrow(
      /2_rows\.sql:2": "\\copy users from program 'cat users\.csv' csv" is a command to the client, not SQL/,
    );
    const whole = { "1_users.up.sql": users, "2_rows.up.sql": copy };
    expect(await installed(stage(), whole, { format: "golang-migrate" })).toEqual([
      "broken",
      "migration-failed 2_rows 42601 at 2_rows.up.sql:2",
    ]);
  });

  test("rows behind a COPY go where psql would send them", async () => {
    const rows = "copy users (id, name) from stdin;\n1\tAda\n2\t\\N\n\\.\n\ninsert into users values (3, 'Zoë');\n";
    const files = { "1_users.sql": users, "2_rows.sql": rows };
    expect(await installed(stage(), files)).toEqual(["clean"]);
    expect(await installed(stage(), files, { transaction: "none" })).toEqual(["clean"]);
    const twice = { ...files, "2_rows.sql": rows.replace("3, ", "2, ") };
    expect(await installed(stage(), twice)).toEqual(["broken", "migration-failed 2_rows 23505 at 2_rows.sql:6"]);
  });
});

await onEngine("mariadb", () => {
  const stage = onStage("mariadb");
  const body = "begin\n  insert into users values (1, 'Ada');\n  insert into users values (2, 'Zoë');\nend";
  const bare = `create procedure fill()\n${body};\ncall fill();\n`;
  const delimited = `delimiter //\ncreate procedure fill()\n${body} //\ndelimiter ;\ncall fill();\n`;

  test("a procedure without DELIMITER is right where the whole file is sent, and broken where it is split at semicolons", async () => {
    const whole = { "1_users.up.sql": users, "2_fill.up.sql": bare };
    expect(await installed(stage(), whole, { format: "golang-migrate" })).toEqual(["clean"]);
    const split = { "1_users.sql": `-- +goose Up\n${users}`, "2_fill.sql": `-- +goose Up\n${bare}` };
    expect(await installed(stage(), split)).toEqual(["broken", "migration-failed 2_fill 1064 at 2_fill.sql:4"]);
    const marked = `-- +goose Up\n-- +goose StatementBegin\n${bare.replace("call", "-- +goose StatementEnd\ncall")}`;
    expect(await installed(stage(), { ...split, "2_fill.sql": marked })).toEqual(["clean"]);
  });

  test("with DELIMITER it is right where it is split as the client splits it, and broken where the whole file is sent", async () => {
    const whole = { "1_users.up.sql": users, "2_fill.up.sql": delimited };
    expect(await installed(stage(), whole, { format: "golang-migrate" })).toEqual([
      "broken",
      "migration-failed 2_fill 1064 at 2_fill.up.sql:1",
    ]);
    expect(await installed(stage(), { "V1__users.sql": users, "V2__fill.sql": delimited })).toEqual(["clean"]);
    expect(await installed(stage(), { "1_users.sql": users, "2_fill.sql": delimited })).toEqual(["clean"]);
    const failing = delimited.replace("(2,", "(1,");
    expect(await installed(stage(), { "1_users.sql": users, "2_fill.sql": failing })).toEqual([
      "broken",
      "migration-failed 2_fill 1062 at 2_fill.sql:8",
    ]);
  });

  test("a variable that the first file sets holds as long as its session", async () => {
    const files = {
      "1_users.sql": `${users}set @admin = 'Ada';\n`,
      "2_rows.sql": "alter table users modify name varchar(50) not null;\ninsert into users values (1, @admin);\n",
    };
    expect(await installed(stage(), files)).toEqual(["clean"]);
    expect(await installed(stage(), files, { session: "own" })).toEqual([
      "broken",
      "migration-failed 2_rows 1048 at 2_rows.sql:2",
    ]);
  });
});
