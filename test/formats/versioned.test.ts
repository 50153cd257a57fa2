import { expect, test } from "vitest";
import { versioned } from "../../harness/formats/versioned.ts";
import { type Files, folderOf, readBy, refusalBy } from "./folder-of.ts";

const chain: Files = {
  "schema.sql": "create table users (id int);",
  "1.10/names.sql": "select 110;",
  "1.2/10_b.sql": "select 12.10;",
  "1.2/2_a.sql": "select 12.2;",
  "1.2/2_a.down.sql": "select -12.2;",
  "v1.1/mysql/a.sql": "for mysql",
  "v1.1/postgres/a.sql": "for postgres",
  "2.0-rc1/z.sql": "select 'rc1';",
  "2.0/y.sql": "select 20;",
  "2.0/x.sql": "select 21;",
  "2.0/manifest.json": JSON.stringify({ CurrVersion: "2.0", SchemaUpdateFiles: ["y.sql", "x.sql"] }),
  "seeds/demo.sql": "select 'demo';",
  "README.md": "",
};

test("versions come in their order on top of the base, and files as a manifest lists them", async () => {
  const { migrations, migrator, leftOut } = await readBy(versioned, chain);
  expect(migrations.map(({ name, up, down }) => [name, sqlOf(up), sqlOf(down)])).toEqual([
    ["schema", "create table users (id int);", undefined],
    ["v1.1/a", "for postgres", undefined],
    ["1.2/2_a", "select 12.2;", "select -12.2;"],
    ["1.2/10_b", "select 12.10;", undefined],
    ["1.10/names", "select 110;", undefined],
    ["2.0-rc1/z", "select 'rc1';", undefined],
    ["2.0/y", "select 20;", undefined],
    ["2.0/x", "select 21;", undefined],
  ]);
  expect(migrator).toBeUndefined();
  expect(leftOut).toEqual([
    { name: "seeds/demo.sql", why: "it stands in no version's folder, so nothing says when it runs" },
  ]);
});

test("a base may be written for an engine, or be missing", async () => {
  const files = { "schema.mysql.sql": "for mysql", "schema.sql": "for all", "1.1/a.sql": "" };
  const bases = async (engine: "postgres" | "mariadb") =>
    sqlOf((await readBy(versioned, files, { engine })).migrations[0]?.up);
  expect([await bases("postgres"), await bases("mariadb")]).toEqual(["for all", "for mysql"]);
  const { migrations } = await readBy(versioned, { "1.1/a.sql": "", "1.2/b.sql": "" });
  expect(migrations.map(({ name }) => name)).toEqual(["1.1/a", "1.2/b"]);
});

test("what a manifest does not list is named", async () => {
  const files = { "1.1/a.sql": "", "1.1/b.sql": "", "1.1/manifest.json": '["b.sql"]' };
  const { migrations, leftOut } = await readBy(versioned, files);
  expect(migrations.map(({ name }) => name)).toEqual(["1.1/b"]);
  expect(leftOut).toEqual([{ name: "1.1/a.sql", why: "1.1/manifest.json does not list it" }]);
});

test("it is known by its folders' names", async () => {
  const detected = async (files: Files) => versioned.detect(await folderOf(files));
  expect(await detected(chain)).toEqual({ by: "names", what: "schema.sql with 2.0/" });
  expect(await detected({ "1.1/a.sql": "", "1.2/a.sql": "" })).toEqual({ by: "names", what: "1.1/ with 1.2/" });
  expect(await detected({ "1.1/a.sql": "" })).toBeUndefined();
  expect(await detected({ "schema.sql": "", "20240101120000_a/up.sql": "" })).toBeUndefined();
});

test("what nobody can tell is refused", async () => {
  expect(await refusalBy(versioned, { "schema.sql": "" })).toBe(
    'Cannot read migrations from "…": it holds no folder that is named after a version and has .sql files in it',
  );
  expect(await refusalBy(versioned, { "schema.sql": "", "base.sql": "", "1.1/a.sql": "" })).toBe(
    'Cannot read migration "…/schema.sql": "base.sql" is a base schema too (leave only one of them in the folder)',
  );
  expect(await refusalBy(versioned, { "schema.sql": "", "1.1/a.sql": "", "1.1/manifest.json": '["b.sql"]' })).toBe(
    'Cannot read migration "…/1.1/manifest.json": it lists "b.sql", which is not there (there: a.sql)',
  );
  expect(await refusalBy(versioned, { "schema.sql": "", "1.1/a.sql": "", "1.1/manifest.json": "{}" })).toBe(
    'Cannot read migration "…/1.1/manifest.json": it is no manifest that we can read (write ["first.sql", "second.sql"], or no manifest)',
  );
});

function sqlOf(change: unknown): string | undefined {
  return (change as { readonly sql: string } | undefined)?.sql;
}
