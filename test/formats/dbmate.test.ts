import { expect, test } from "vitest";
import { engineNames } from "../../harness/database.ts";
import { dbmate } from "../../harness/formats/dbmate.ts";
import { onEngine, onStage } from "../stage.ts";
import { type Files, folderOf, readBy, refusalBy } from "./folder-of.ts";
import { keeping } from "./keeping.ts";

const chain: Files = {
  "9_index.sql":
    "-- about it\n\n--migrate:up  x transaction:false\r\ncreate index concurrently a on users (id);\n-- migrate:down transaction:false\ndrop index a;\n",
  "10_größe.sql": "-- migrate:up\n-- migrate:down",
  "001_users.sql": "-- migrate:up\r\ncreate table users (id int);\r\n\r\n-- migrate:down\r\ndrop table users;\r\n",
  "notes.txt": "",
};

test("names are in the order of text, and each block is sent whole, its marker with it", async () => {
  const { migrations, migrator } = await readBy(dbmate, chain);
  expect(migrations.map(({ name, recordedAs, transaction }) => [name, recordedAs?.id, transaction])).toEqual([
    ["001_users", "001", undefined],
    ["10_größe", "10", undefined],
    ["9_index", "9", false],
  ]);
  const [users, empty, index] = migrations;
  const text = chain["001_users.sql"] ?? "";
  expect(users).toEqual({
    name: "001_users",
    up: {
      sql: "-- migrate:up\r\ncreate table users (id int);\r\n\r\n",
      file: expect.stringMatching(/\/001_users\.sql$/),
      within: { text, start: 0 },
    },
    down: {
      sql: "-- migrate:down\r\ndrop table users;\r\n",
      file: expect.stringMatching(/\/001_users\.sql$/),
      within: { text, start: text.indexOf("-- migrate:down") },
    },
    recordedAs: { id: "001" },
  });
  expect(empty?.up).toMatchObject({ sql: "-- migrate:up\n" });
  const sql = "--migrate:up  x transaction:false\r\ncreate index concurrently a on users (id);\n";
  expect(index?.up).toMatchObject({ sql, within: { start: 13 }, pieces: [{ sql, offset: 0 }] });
  expect(index?.down).toMatchObject({ pieces: [{ sql: "-- migrate:down transaction:false\ndrop index a;\n" }] });
  expect(migrator).toMatchObject({
    transaction: "each",
    lock: "none",
    late: "run",
    edited: "ignore",
    removed: "ignore",
  });
});

test("each pair of blocks is a transaction of its own, and recorded, as dbmate does it", async () => {
  const pair = "-- migrate:up\nselect 1;\n-- migrate:down\n";
  const { migrations } = await readBy(dbmate, { "1_a.sql": `${pair}${pair.replace("up", "up transaction:false")}` });
  expect(migrations.map(({ name, recordedAs, transaction }) => [name, recordedAs?.id, transaction])).toEqual([
    ["1_a", "1", undefined],
    ["1_a (2)", "1", false],
  ]);
});

test("what is no pair behind the marker says nothing", async () => {
  const optsOut = async (said: string) => {
    const { migrations } = await readBy(dbmate, { "1_a.sql": `-- migrate:up ${said}\n-- migrate:down` });
    return migrations[0]?.transaction === false;
  };
  expect(await optsOut("transaction:false")).toBe(true);
  expect(await optsOut("transaction: false")).toBe(false);
  expect(await optsOut("transaction:false:x")).toBe(false);
  expect(await optsOut("-- transaction:false")).toBe(true);
});

test("it is known by its markers, whatever else stands in the files", async () => {
  const detected = async (files: Files) => dbmate.detect(await folderOf(files));
  expect(await detected(chain)).toEqual({ by: "content", what: "-- migrate:up in 001_users.sql" });
  expect(await detected({ "1_a.sql": "-- +goose Up" })).toBeUndefined();
  expect(await detected({ "a.sql": "-- migrate:up" })).toBeUndefined();
});

test("what dbmate refuses is refused, and what it takes no notice of is named", async () => {
  const refusals: readonly (readonly [string, string])[] = [
    ["", ':1": dbmate wants a line "-- migrate:up" (add that line; nothing may stand ahead of it)'],
    [
      "-- hello\n-- migrate:upp\n-- migrate:down",
      ':2": dbmate wants a line "-- migrate:up" (add that line; nothing may stand ahead of it)',
    ],
    [
      "\uFEFF-- migrate:up\n-- migrate:down",
      ':1": dbmate wants a line "-- migrate:up" (save the file without a byte order mark)',
    ],
    [
      "-- migrate:up\n -- migrate:down",
      ':2": dbmate wants a line "-- migrate:down" (add that line; nothing may stand ahead of it)',
    ],
    [
      "-- migrate:down\n-- migrate:up\n",
      ':2": dbmate wants a line "-- migrate:down" (add that line; nothing may stand ahead of it)',
    ],
    [
      "\n-- why\nselect 1;\n-- migrate:up\n-- migrate:down",
      ':3": a statement stands before "-- migrate:up" (put it behind that line)',
    ],
    [
      "-- migrate:up\n-- migrate:down\n-- migrate:down",
      ':3": a second "-- migrate:down" follows one "-- migrate:up" (join them, or put a "-- migrate:up" ahead of it)',
    ],
  ];
  for (const [text, message] of refusals) {
    expect(await refusalBy(dbmate, { "1_a.sql": text })).toBe(`Cannot read migration "…/1_a.sql${message}`);
  }
  expect(await refusalBy(dbmate, { "a.sql": "" })).toBe(
    'Cannot read migrations from "…": it holds no .sql file whose name begins with a number',
  );
  expect(await refusalBy(dbmate, { "1_a.sql": "", "1_b.sql": "" })).toBe(
    'Cannot read migration "…/1_b.sql": "1_a.sql" has the same version (the second of them could never be recorded; give one of them another version)',
  );
  expect((await readBy(dbmate, { ...chain, "a.sql": "" })).leftOut).toEqual([
    { name: "a.sql", why: "dbmate takes no notice of a name that begins with no number" },
  ]);
});

for (const engine of engineNames) {
  await onEngine(engine, () => {
    const stage = onStage(engine);

    test("its record holds versions", async () => {
      const shipment = await readBy(dbmate, chain, { engine });
      expect(shipment.migrator?.record.tables).toEqual(["schema_migrations"]);
      await keeping(stage(), shipment, async ({ recorded, through, rows }) => {
        expect(await recorded()).toEqual({ applied: [] });
        for (const migration of shipment.migrations) await through(migration);
        expect(await recorded()).toEqual({ applied: [{ id: "001" }, { id: "10" }, { id: "9" }] });
        expect(await rows("select version from schema_migrations where version = '001'")).toHaveLength(1);
        await expect(through(shipment.migrations[0])).rejects.toThrow(/[Dd]uplicate/);
      });
    });
  });
}
