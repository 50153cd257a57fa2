import { createHash } from "node:crypto";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { expect, test } from "vitest";
import type { Piece, SqlFile } from "../../harness/chain.ts";
import { drizzle } from "../../harness/formats/drizzle.ts";
import { drizzleFolders } from "../../harness/formats/drizzle-folders.ts";
import { type Files, folderOf, readBy, refusalBy } from "./folder-of.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

function journal(dialect: string, ...entries: readonly { tag: string; when: number }[]): Files {
  const listed = entries.map((entry, idx) => ({ idx, version: "7", ...entry, breakpoints: true }));
  return { "meta/_journal.json": JSON.stringify({ version: "7", dialect, entries: listed }) };
}

const users =
  "create table users (id int);\n--> statement-breakpoint\ncreate table mails (id int);\r\n--> statement-breakpoint";
const two: Files = {
  ...journal("postgresql", { tag: "0001_späte", when: 5 }, { tag: "0000_users", when: 3 }),
  "0000_users.sql": users,
  "0001_späte.sql": "\uFEFFselect 1",
};

test("the journal says in which order files run, each in the messages that breakpoints make of it", async () => {
  const { migrations, migrator } = await readBy(drizzle, two);
  expect(migrations.map(({ name }) => name)).toEqual(["0001_späte", "0000_users"]);
  expect(migrations[1]).toMatchObject({
    up: {
      sql: users,
      file: expect.stringMatching(/\/0000_users\.sql$/),
      pieces: [
        { sql: "create table users (id int);\n", offset: 0 },
        { sql: "\ncreate table mails (id int);\r\n", offset: 53 },
        { sql: "", offset: users.length },
      ],
    },
    recordedAs: { id: "3", checksum: sha256(users), facts: { when: 3 } },
  });
  expect(migrator).toMatchObject({
    transaction: "all",
    lock: "none",
    late: "skip",
    edited: "ignore",
    removed: "ignore",
  });
});

test("a byte order mark is sent and hashed, as Drizzle does", async () => {
  const { migrations } = await readBy(drizzle, two);
  expect(migrations[0]).toMatchObject({
    up: { sql: "\uFEFFselect 1" },
    recordedAs: { checksum: sha256("\uFEFFselect 1") },
  });
});

test("messages, hashes and times are the tool's own", async () => {
  const folder = await folderOf(two);
  const { migrations } = await drizzle.read(folder, { engine: "postgres" });
  const read = readMigrationFiles({ migrationsFolder: folder.path });
  const ours = migrations.map(({ up, recordedAs }) => ({
    sql: ((up as SqlFile).pieces as readonly Piece[]).map(({ sql }) => sql),
    bps: true,
    folderMillis: recordedAs?.facts?.when,
    hash: recordedAs?.checksum,
  }));
  expect(ours).toEqual(read);
});

test("what is not newer than the newest one recorded is taken for applied", async () => {
  const { migrator } = await readBy(drizzle, two);
  const rows = [
    { hash: "b", created_at: "5" },
    { hash: "a", created_at: "3" },
  ];
  const recorded = await migrator?.record.read(async () => rows);
  expect(recorded?.applied).toEqual([
    { id: "5", checksum: "b" },
    { id: "3", checksum: "a" },
  ]);
  const passed = (when: number) => recorded?.passed?.({ id: String(when), facts: { when } });
  expect([passed(4), passed(5), passed(6)]).toEqual([true, true, false]);
  const nothing = await migrator?.record.read(async () => []);
  expect(nothing?.passed?.({ id: "0", facts: { when: 0 } })).toBe(false);
});

test("a file that the journal does not name is left out, and said so", async () => {
  const { leftOut } = await readBy(drizzle, { ...two, "0002_forgotten.sql": "" });
  expect(leftOut).toEqual([
    { name: "0002_forgotten", why: "meta/_journal.json does not name it, so Drizzle never runs it" },
  ]);
});

test("the journal's dialect says for which engines it is", async () => {
  const folder = await folderOf({ ...journal("mysql", { tag: "0000_a", when: 1 }), "0000_a.sql": "" });
  expect(await drizzle.detect(folder)).toEqual({ by: "marker", what: "meta/_journal.json", engine: "mysql" });
  const { migrator } = await drizzle.read(folder, { engine: "mariadb" });
  expect(migrator?.engines).toEqual(["mysql", "mariadb"]);
  expect(migrator?.record.tables).toEqual(["__drizzle_migrations"]);
  expect(await drizzle.detect(await folderOf(journal("sqlite")))).toEqual({ by: "marker", what: "meta/_journal.json" });
  expect(await drizzle.detect(await folderOf({ "1_a.sql": "" }))).toBeUndefined();
});

test("another record table may be named, with its schema", async () => {
  const tables = async (recordTable: string) => (await readBy(drizzle, two, { recordTable })).migrator?.record.tables;
  expect([await tables("done"), await tables("public.done")]).toEqual([["drizzle.done"], ["done"]]);
});

test("a journal that cannot be right is refused", async () => {
  const entry = { tag: "0000_a", when: 1 };
  const refusals: readonly (readonly [Files, string])[] = [
    [
      { "0000_a.sql": "" },
      'Cannot read migrations from "…": it holds no meta/_journal.json (name the folder that drizzle.config calls "out")',
    ],
    [
      journal("sqlite", entry),
      'Cannot read migration "…/meta/_journal.json": its dialect is "sqlite" (migrations for PostgreSQL and MySQL can be read)',
    ],
    [
      journal("postgresql", entry),
      'Cannot read migration "…/0000_a.sql": meta/_journal.json names it, and there is no such file',
    ],
    [
      { ...journal("postgresql", entry, { ...entry, when: 2 }), "0000_a.sql": "" },
      'Cannot read migration "…/meta/_journal.json": it names "0000_a" twice (leave one of the two entries out)',
    ],
    [
      { "meta/_journal.json": '{"entries": [{"tag": "0000_a"}]}' },
      'Cannot read migration "…/meta/_journal.json": entry 1 lacks its "tag" or the time "when" it was made',
    ],
    [{ "meta/_journal.json": "[]" }, 'Cannot read migration "…/meta/_journal.json": it has no list of "entries"'],
    [
      { "meta/_journal.json": '{\n<<<<<<< HEAD\n"entries": []}' },
      'Cannot read migration "…/meta/_journal.json:2": a merge left its marks in it',
    ],
  ];
  for (const [files, message] of refusals) expect(await refusalBy(drizzle, files)).toBe(message);
});

const folders: Files = {
  "20260201000000_late/migration.sql": "select 2;",
  "20260131120000_users/migration.sql": users,
  "20260131120000_users/snapshot.json": '{"version": "8", "dialect": "mysql"}',
};

test("a folder for each migration is sorted by name and told by name", async () => {
  const { migrations, migrator } = await readBy(drizzleFolders, folders);
  expect(migrations.map(({ name, recordedAs }) => [name, recordedAs])).toEqual([
    ["20260131120000_users", { id: "20260131120000_users", checksum: sha256(users), facts: { when: 1769860800000 } }],
    [
      "20260201000000_late",
      { id: "20260201000000_late", checksum: sha256("select 2;"), facts: { when: 1769904000000 } },
    ],
  ]);
  expect(migrator).toMatchObject({ engines: ["mysql", "mariadb"], transaction: "all", late: "run" });
});

test("folders are known by their snapshot, by a breakpoint, or by their names", async () => {
  const sql = { "20260131120000_users/migration.sql": "select 1;" };
  const detected = async (files: Files) => drizzleFolders.detect(await folderOf(files));
  expect(await detected(folders)).toEqual({
    by: "marker",
    what: "20260131120000_users/snapshot.json",
    engine: "mysql",
  });
  expect(await detected({ "20260131120000_users/migration.sql": users })).toEqual({
    by: "content",
    what: "--> statement-breakpoint in 20260131120000_users/migration.sql",
  });
  expect(await detected(sql)).toEqual({ by: "names", what: "20260131120000_users/migration.sql" });
  expect(await detected({ ...sql, "migration_lock.toml": "" })).toBeUndefined();
  expect(await detected({ ...sql, ...journal("postgresql") })).toBeUndefined();
  expect(await detected({ "users/migration.sql": "" })).toBeUndefined();
});

test("folders that Drizzle refuses are refused", async () => {
  const refusals: readonly (readonly [Files, string])[] = [
    [{ "a.sql": "" }, 'Cannot read migrations from "…": it holds no <14 digits>_<name>/migration.sql'],
    [
      { ...folders, ...journal("postgresql") },
      'Cannot read migration "…/meta/_journal.json": folders for each migration know no journal (run drizzle-kit up)',
    ],
    [
      { "users/migration.sql": "" },
      'Cannot read migration "…/users/migration.sql": its folder\'s name does not begin with 14 digits, the time at which it was made',
    ],
    [
      { "20260131120000_a/migration.sql": "", "20260131120000_a/snapshot.json": '{"dialect":"sqlite"}' },
      'Cannot read migration "…/20260131120000_a/snapshot.json": its dialect is "sqlite" (migrations for PostgreSQL and MySQL can be read)',
    ],
  ];
  for (const [files, message] of refusals) expect(await refusalBy(drizzleFolders, files)).toBe(message);
});
