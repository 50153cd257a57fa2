import { expect, test } from "vitest";
import { plain } from "../../harness/formats/plain.ts";
import { type Files, folderOf, readBy, refusalBy } from "./folder-of.ts";

const chain: Files = {
  "10_names.sql": "select 10;",
  "0001_users.up.sql": "create table users (id int);",
  "0001_users.down.sql": "drop table users;",
  "2-größe.do.sql": "\uFEFFselect 2;",
  "2-größe.undo.sql": "select -2;",
  "7.sql": "",
  "20240131120000_last.sql": "-- note\r\n-- no-transaction\r\ncreate index concurrently i on users (id);",
  "README.md": "no migration",
  "seed.sql": "select 0;",
  "archive/3_x.sql": "select 3;",
};

test("numbers count as numbers, and plain files stand beside those with a direction", async () => {
  const { migrations, migrator, leftOut } = await readBy(plain, chain);
  expect(migrations.map(({ name, up, down, transaction }) => [name, sqlOf(up), sqlOf(down), transaction])).toEqual([
    ["0001_users", "create table users (id int);", "drop table users;", undefined],
    ["2-größe", "select 2;", "select -2;", undefined],
    ["7", "", undefined, undefined],
    ["10_names", "select 10;", undefined, undefined],
    [
      "20240131120000_last",
      "-- note\r\n-- no-transaction\r\ncreate index concurrently i on users (id);",
      undefined,
      false,
    ],
  ]);
  expect(migrator).toBeUndefined();
  expect(leftOut).toEqual([{ name: "seed.sql", why: "its name begins with no number, so nothing says when it runs" }]);
});

test("what an engine runs is what is written for it, or for all", async () => {
  const files = {
    "1_a.sql": "for all",
    "1_a.mysql.sql": "for mysql",
    "2_b.pg.up.sql": "for postgres",
    "2_b.up.sql": "for all",
    "3_c.up.mariadb.sql": "for mariadb",
    "3_d.postgres.sql": "another for postgres",
    "4_e.sqlite.sql": "for sqlite",
  };
  const read = async (engine: "postgres" | "mysql" | "mariadb") =>
    (await readBy(plain, files, { engine })).migrations.map(({ name, up }) => [name, sqlOf(up)]);
  expect(await read("postgres")).toEqual([
    ["1_a", "for all"],
    ["2_b", "for postgres"],
    ["3_d", "another for postgres"],
  ]);
  expect(await read("mysql")).toEqual([
    ["1_a", "for mysql"],
    ["2_b", "for all"],
  ]);
  expect(await read("mariadb")).toEqual([
    ["1_a", "for mysql"],
    ["2_b", "for all"],
    ["3_c", "for mariadb"],
  ]);
});

test("dotted numbers are versions", async () => {
  const files = { "1.10.sql": "", "1.9-b.sql": "", "1.9.1_c.sql": "", "002.create.sql": "", "1.0_a.sql": "" };
  const { migrations } = await readBy(plain, files);
  expect(migrations.map(({ name }) => name)).toEqual(["1.0_a", "1.9-b", "1.9.1_c", "1.10", "002.create"]);
});

test("placeholders are filled in where they are given, and only there", async () => {
  const files = { "1.sql": `create role \${owner}; select '\${other}'` };
  const filled = await readBy(plain, files, { placeholders: { owner: "ann" } });
  expect(filled.migrations.map(({ up }) => sqlOf(up))).toEqual([`create role ann; select '\${other}'`]);
  expect((await readBy(plain, files)).migrations.map(({ up }) => sqlOf(up))).toEqual([files["1.sql"]]);
});

test("what is asked for besides comes along", async () => {
  const { prelude, session } = await readBy(plain, chain, { prelude: { session: "set x" }, session: "own" });
  expect([prelude, session]).toEqual([{ session: "set x" }, "own"]);
});

test("a marker behind the first statement is a comment", async () => {
  const { migrations } = await readBy(plain, { "1.sql": "select 1;\n-- no-transaction\n" });
  expect(migrations[0]?.transaction).toBeUndefined();
});

test("it is known by its numbers", async () => {
  const detected = async (files: Files) => plain.detect(await folderOf(files));
  expect(await detected(chain)).toEqual({ by: "names", what: "the number of 0001_users.up.sql" });
  expect(await detected({ "seed.sql": "", "sub/1_a.sql": "" })).toBeUndefined();
});

test("what nobody can tell is refused", async () => {
  expect(await refusalBy(plain, { "seed.sql": "" })).toBe(
    'Cannot read migrations from "…": it holds no .sql file whose name begins with a number',
  );
  expect(await refusalBy(plain, { "1_a.sql": "", "01_b.sql": "" })).toBe(
    'Cannot read migration "…/1_a.sql": "01_b.sql" has the same number (give one of them another)',
  );
  expect(await refusalBy(plain, { "1_a.sql": "", "1_a.up.sql": "" })).toBe(
    'Cannot read migration "…/1_a.up.sql": "1_a.sql" has the same number (give one of them another)',
  );
  expect(await refusalBy(plain, { "1_a.sql": "", "2_b.down.sql": "" })).toBe(
    'Cannot read migration "…/2_b.down.sql": it takes back a migration that is not there (add the file that it takes back)',
  );
});

function sqlOf(change: unknown): string | undefined {
  return (change as { readonly sql: string } | undefined)?.sql;
}
