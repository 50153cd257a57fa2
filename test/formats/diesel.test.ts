import { expect, test } from "vitest";
import { diesel } from "../../harness/formats/diesel.ts";
import { type Files, folderOf, readBy, refusalBy } from "./folder-of.ts";

const chain: Files = {
  "2026-02-01-000000_index/up.sql": "create index concurrently on users (id);",
  "2026-02-01-000000_index/metadata.toml": "# by itself\r\nrun_in_transaction = false\r\n",
  "2026-01-31-120000_Größe/up.sql": "create table users (id int);\r\nselect 1",
  "2026-01-31-120000_Größe/down.sql": "drop table users;",
  "README.md": "",
  ".hidden/notes": "",
};

test("the version is what stands before the first _, without its dashes", async () => {
  const { migrations, migrator } = await readBy(diesel, chain);
  expect(migrations).toEqual([
    {
      name: "2026-01-31-120000_Größe",
      up: { sql: "create table users (id int);\r\nselect 1", file: expect.stringMatching(/Größe\/up\.sql$/) },
      down: { sql: "drop table users;", file: expect.stringMatching(/Größe\/down\.sql$/) },
      recordedAs: { id: "20260131120000" },
    },
    {
      name: "2026-02-01-000000_index",
      up: {
        sql: "create index concurrently on users (id);",
        file: expect.stringMatching(/index\/up\.sql$/),
        pieces: [{ sql: "create index concurrently on users (id);", offset: 0 }],
      },
      transaction: false,
      recordedAs: { id: "20260201000000" },
    },
  ]);
  expect(migrator).toMatchObject({
    transaction: "each",
    lock: "none",
    late: "run",
    edited: "ignore",
    removed: "ignore",
  });
});

test("metadata that does not say so opts out, and metadata that cannot be right does not", async () => {
  const optsOut = async (metadata: string) => {
    const { migrations } = await readBy(diesel, { "1_a/up.sql": "select 1", "1_a/metadata.toml": metadata });
    return migrations[0]?.transaction === false;
  };
  expect(await optsOut("run_in_transaction = true")).toBe(false);
  expect(await optsOut("note = 'x'")).toBe(true);
  expect(await optsOut('run_in_transaction = "false"')).toBe(false);
  expect(await optsOut("[other]\nrun_in_transaction = true")).toBe(true);
});

test("it is known by what Diesel makes first, by metadata, or by names that are not Hasura's", async () => {
  const detected = async (files: Files) => diesel.detect(await folderOf(files));
  expect(await detected(chain)).toEqual({ by: "marker", what: "2026-02-01-000000_index/metadata.toml" });
  const setup = "00000000000000_diesel_initial_setup/up.sql";
  expect(await detected({ [setup]: "select 1" })).toEqual({ by: "marker", what: setup });
  expect(await detected({ "2026-01-31-120000_a/up.sql": "" })).toEqual({
    by: "names",
    what: "2026-01-31-120000_a/up.sql",
  });
  expect(await detected({ "1706702400000_a/up.sql": "" })).toBeUndefined();
  expect(await detected({ "1_a.sql": "" })).toBeUndefined();
});

test("what Diesel refuses is refused", async () => {
  const refusals: readonly (readonly [Files, string])[] = [
    [{ "README.md": "" }, 'Cannot read migrations from "…": it holds no <version>_<name>/up.sql'],
    [
      { "1_a/up.sql": "" },
      'Cannot read migration "…/1_a/up.sql": it is empty, which Diesel refuses to run (say in it what it is for, or remove its folder)',
    ],
    [
      { "1_a/up.sql": "select 1", "notes/a.md": "" },
      'Cannot read migration "…/notes": Diesel takes every folder for a migration, and this one has no up.sql',
    ],
    [
      { "2026-01-01_a/up.sql": "select 1", "20260101_b/up.sql": "select 1" },
      'Cannot read migration "…/20260101_b": "2026-01-01_a" has the version 20260101 too (Diesel runs only one of them: give one another version)',
    ],
  ];
  for (const [files, message] of refusals) expect(await refusalBy(diesel, files)).toBe(message);
  expect(await refusalBy(diesel, chain, { recordTable: "done" })).toBe(
    'Cannot read migrations from "…": Diesel keeps its record in "__diesel_schema_migrations" alone, not in "done" (leave recordTable out)',
  );
});
