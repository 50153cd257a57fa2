import { basename } from "node:path";
import { getMigrationFilePaths } from "node-pg-migrate/migration";
import { getActions } from "node-pg-migrate/sqlMigration";
import { expect, test } from "vitest";
import type { SqlFile } from "../../harness/chain.ts";
import { nodePgMigrate } from "../../harness/formats/node-pg-migrate.ts";
import { type Files, folderOf, readBy, refusalBy } from "./folder-of.ts";

const names = async (files: Files) => (await readBy(nodePgMigrate, files)).migrations.map(({ name }) => name);

test("17 digits are a time, and compared with the milliseconds and the indices of others", async () => {
  const files = ["1769860800001_c", "20260131120000000_b", "10_a", "9_z", "9_ä"].map((name) => [`${name}.sql`, ""]);
  expect(await names(Object.fromEntries(files))).toEqual([
    "9_ä",
    "9_z",
    "10_a",
    "20260131120000000_b",
    "1769860800001_c",
  ]);
});

test("markers part a file, whichever comes first", async () => {
  const text = "-- head\r\n-- Up Migration\r\ncreate table a ();\r\n--- DOWN  migration\r\ndrop table a;\r\n";
  const turned = "-- down migration\ndrop table b;\n-- up migration\ncreate table b ();";
  const { migrations } = await readBy(nodePgMigrate, { "1_a.sql": text, "2_b.sql": turned, "3_c.sql": "select 1;" });
  const file = expect.stringMatching(/_.\.sql$/);
  expect(migrations).toEqual([
    {
      name: "1_a",
      // A carriage return ends a line for its pattern, and the line feed behind it begins one.
      up: { sql: text.slice(8, 45), file, within: { text, start: 8 } },
      down: { sql: text.slice(45), file, within: { text, start: 45 } },
    },
    {
      name: "2_b",
      up: { sql: turned.slice(32), file, within: { text: turned, start: 32 } },
      down: { sql: turned.slice(0, 32), file, within: { text: turned, start: 0 } },
    },
    { name: "3_c", up: { sql: "select 1;", file } },
  ]);
});

test("order and parts are the tool's own", async () => {
  const texts = [
    "-- up migration\n1;\n-- down migration\n2;",
    "--Down Migration\n2;\n\n\n--  Up  Migration\n1;",
    "-- Down migration",
    "3;",
    "",
  ];
  const files = [
    "01_b-c",
    "1_bc",
    "1_b c",
    "1_B",
    "0012_x",
    "2_é",
    "20260131120000000_q",
    "1769860799999_q",
    "1769860800000_p",
  ];
  const folder = await folderOf(
    Object.fromEntries(files.map((name, i) => [`${name}.sql`, texts[i % texts.length] ?? ""])),
  );
  const { migrations } = await nodePgMigrate.read(folder, { engine: "postgres" });
  const paths = await getMigrationFilePaths(folder.path);
  expect(migrations.map(({ name }) => `${name}.sql`)).toEqual(paths.map((path) => basename(path)));
  for (const { name, up, down } of migrations) {
    const sent: string[] = [];
    const actions = getActions(await folder.text(`${name}.sql`));
    const pgm = { sql: (text: string) => sent.push(text) } as unknown as Parameters<typeof actions.up & object>[0];
    for (const act of [actions.up, actions.down]) if (typeof act === "function") await act(pgm, () => {});
    expect([up, ...(down === undefined ? [] : [down])].map((change) => (change as SqlFile).sql)).toEqual(sent);
  }
});

test("files for each direction are one migration, under the name of both", async () => {
  const { migrations } = await readBy(nodePgMigrate, {
    "1_a.up.sql": "\uFEFFselect 1;",
    "1_a.down.sql": "select 2;",
    "2_b.sql": "",
  });
  expect(migrations).toEqual([
    {
      name: "1_a",
      up: { sql: "\uFEFFselect 1;", file: expect.stringMatching(/1_a\.up\.sql$/) },
      down: { sql: "select 2;", file: expect.stringMatching(/1_a\.down\.sql$/) },
    },
    { name: "2_b", up: { sql: "", file: expect.stringMatching(/2_b\.sql$/) } },
  ]);
});

test("code is left out by name; what is no migration is nothing", async () => {
  const files = {
    "1_a.sql": "",
    "2_b.js": "",
    "3_c.ts": "",
    "3_c.d.ts": "",
    ".x.sql": "",
    "README.md": "",
    "helper.js": "",
  };
  const { leftOut } = await readBy(nodePgMigrate, files);
  const why = "it is code, which only node-pg-migrate itself can run";
  expect(leftOut).toEqual([
    { name: "2_b", why },
    { name: "3_c", why },
  ]);
});

test("all that is pending runs in one transaction, and order is checked", async () => {
  const { migrator } = await readBy(nodePgMigrate, { "1_a.sql": "" }, { recordTable: "done" });
  expect(migrator).toMatchObject({
    transaction: "all",
    lock: "refuse",
    late: "refuse",
    edited: "ignore",
    removed: "refuse",
  });
  expect(migrator?.record.tables).toEqual(["done"]);
});

test("it is known by its markers, or by the milliseconds in its names", async () => {
  const detected = async (files: Files) => nodePgMigrate.detect(await folderOf(files));
  expect(await detected({ "1_a.sql": "-- Up Migration" })).toEqual({
    by: "content",
    what: "-- Up Migration in 1_a.sql",
    engine: "postgres",
  });
  expect(await detected({ "1769860800001_c.sql": "" })).toEqual({
    by: "names",
    what: "1769860800001_c.sql",
    engine: "postgres",
  });
  expect(await detected({ "1_a.sql": "", "V2__b.sql": "" })).toBeUndefined();
});

test("what node-pg-migrate refuses is refused", async () => {
  const refusals: readonly (readonly [Files, string])[] = [
    [{ "README.md": "" }, 'Cannot read migrations from "…": it holds no <number>_<name>.sql'],
    [
      { "1_a.sql": "", "users.sql": "" },
      'Cannot read migration "…/users.sql": its name does not begin with a number, by which node-pg-migrate sorts',
    ],
    [
      { "1_a.sql": "", "1_a.up.sql": "" },
      'Cannot read migration "…/1_a.sql": "1_a.up.sql" is there too (keep one file, or the two that say .up and .down)',
    ],
    [{ "1_a.down.sql": "" }, 'Cannot read migration "…/1_a.down.sql": there is no "1_a.up.sql" that it takes back'],
  ];
  for (const [files, message] of refusals) expect(await refusalBy(nodePgMigrate, files)).toBe(message);
});
