import { expect, test } from "vitest";
import { hasura } from "../../harness/formats/hasura.ts";
import { type Files, folderOf, readBy, refusalBy } from "./folder-of.ts";

const chain: Files = {
  "10_index/up.sql": "  -- hasura:no-transaction \r\ncreate index concurrently on users (id);",
  "2_größe/up.sql": "\uFEFFcreate table users (id int);\r\n",
  "2_größe/down.sql": "drop table users;",
  "3_empty/up.sql": "",
  "3_empty/down.sql": "",
};

test("numbers count as numbers, and files that are empty are not there", async () => {
  const { migrations, migrator, leftOut } = await readBy(hasura, chain);
  const alone = String(chain["10_index/up.sql"]);
  expect(migrations).toEqual([
    {
      name: "2_größe",
      up: { sql: "\uFEFFcreate table users (id int);\r\n", file: expect.stringMatching(/2_größe\/up\.sql$/) },
      down: { sql: "drop table users;", file: expect.stringMatching(/2_größe\/down\.sql$/) },
      recordedAs: { id: "2" },
    },
    {
      name: "10_index",
      up: { sql: alone, file: expect.stringMatching(/10_index\/up\.sql$/), pieces: [{ sql: alone, offset: 0 }] },
      transaction: false,
      recordedAs: { id: "10" },
    },
  ]);
  expect(leftOut).toBeUndefined();
  expect(migrator).toMatchObject({
    transaction: "each",
    lock: "none",
    late: "run",
    edited: "ignore",
    removed: "ignore",
  });
});

test("only the first line opts out of the transaction", async () => {
  for (const first of ["\n", "--hasura:no-transaction\n", "-- hasura:no-transaction, or not\n", "select 1; "]) {
    const { migrations } = await readBy(hasura, { "1_a/up.sql": `${first}-- hasura:no-transaction\nselect 1;` });
    expect(migrations[0]?.transaction).toBeUndefined();
  }
});

test("metadata, and folders that Hasura passes over, are left out and said so", async () => {
  const { migrations, leftOut } = await readBy(hasura, {
    "1_a/up.sql": "select 1;",
    "1_a/up.yaml": "- args: {}\n  type: track_table\n",
    "2_b.up.yaml": "- type: clear_metadata",
    "3_c/up.yaml": "[]\n",
    "4/up.sql": "select 4;",
    "5_e.up.sql": "select 5;",
  });
  expect(migrations.map(({ name }) => name)).toEqual(["1_a", "5_e"]);
  expect(leftOut).toEqual([
    { name: "1_a/up.yaml", why: "it is metadata, which only Hasura itself can apply" },
    { name: "2_b.up.yaml", why: "it is metadata, which only Hasura itself can apply" },
    { name: "4/up.sql", why: "its folder's name has no _ behind the number, so Hasura passes it over" },
  ]);
});

test("the folder of the only database is read", async () => {
  const { migrations } = await readBy(hasura, { "default/1706702400000_a/up.sql": "select 1;" });
  expect(migrations).toMatchObject([{ name: "1706702400000_a", recordedAs: { id: "1706702400000" } }]);
});

test("it is known by its folders' numbers, where Diesel would not have written them", async () => {
  const detected = async (files: Files) => hasura.detect(await folderOf(files));
  const byNames = (what: string) => ({ by: "names", what, engine: "postgres" });
  expect(await detected({ "1706702400000_a/up.sql": "" })).toEqual(byNames("1706702400000_a/up.sql"));
  expect(await detected({ "b/1_a/up.sql": "", "c/1_a/up.sql": "" })).toEqual(byNames("b/1_a/up.sql"));
  expect(await detected({ "20260131120000_a/up.sql": "" })).toBeUndefined();
  expect(await detected({ "2026-01-31-120000_a/up.sql": "", "1_a/up.sql": "" })).toBeUndefined();
  expect(await detected({ "1_a.up.sql": "" })).toBeUndefined();
});

test("what Hasura refuses is refused", async () => {
  const refusals: readonly (readonly [Files, string])[] = [
    [{ "a/up.sql": "" }, 'Cannot read migrations from "…": it holds no <number>_<name>/up.sql'],
    [
      { "default/1_a/up.sql": "", "logs/1_a/up.sql": "" },
      'Cannot read migrations from "…": it holds those of several databases: "default", "logs" (name one of these folders)',
    ],
    [
      { "1_a/up.sql": "select 1", "01_b/up.sql": "select 1" },
      'Cannot read migration "…/1_a/up.sql": "01_b" has the number 1 too (give one of them another)',
    ],
    [
      { "1_a/up.sql": "", "1_a/down.sql": "select 1" },
      'Cannot read migration "…/1_a/down.sql": there is nothing in "1_a" that it takes back (write its up.sql)',
    ],
  ];
  for (const [files, message] of refusals) expect(await refusalBy(hasura, files)).toBe(message);
});
