import { expect, test } from "vitest";
import { engineNames } from "../../harness/database.ts";
import { golangMigrate } from "../../harness/formats/golang-migrate.ts";
import { onEngine, onStage } from "../stage.ts";
import { type Files, folderOf, readBy, refusalBy } from "./folder-of.ts";
import { keeping } from "./keeping.ts";

const chain: Files = {
  "10_names.up.sql": "create index concurrently a on users (id);\r\nselect 1;",
  "2_größe.up.sql": "\uFEFFselect 1;",
  "2_größe.down.sql": "select 2;",
  "0001_users.up.sql": "create table users (id int);",
  "0001_users.down.sql": "drop table users;",
  "7_empty.up.sql": " \n",
  "9_only_down.down.sql": "select 9;",
  "README.md": "",
  "sub/3_x.up.sql": "select 3;",
};

test("versions count as numbers, and each file is sent whole with no transaction around it", async () => {
  const { migrations, migrator, leftOut } = await readBy(golangMigrate, chain);
  expect(migrations.map(({ name, recordedAs }) => [name, recordedAs?.id])).toEqual([
    ["0001_users", "1"],
    ["2_größe", "2"],
    ["7_empty", "7"],
    ["9_only_down", "9"],
    ["10_names", "10"],
  ]);
  const pieces = migrations.map(({ up }) => (typeof up === "object" && "pieces" in up ? up.pieces : undefined));
  expect(pieces).toEqual([
    [{ sql: "create table users (id int);", offset: 0 }],
    [{ sql: "\uFEFFselect 1;", offset: 0 }],
    [],
    [],
    [{ sql: "create index concurrently a on users (id);\r\nselect 1;", offset: 0 }],
  ]);
  expect(migrations.map(({ down }) => (down as { sql?: string } | undefined)?.sql)).toEqual([
    "drop table users;",
    "select 2;",
    undefined,
    "select 9;",
    undefined,
  ]);
  expect(migrator).toMatchObject({
    transaction: "none",
    lock: "wait",
    late: "skip",
    edited: "ignore",
    removed: "refuse",
  });
  expect(leftOut).toBeUndefined();
});

test("a file of blanks is sent where the tool sends it", async () => {
  const { migrations } = await readBy(golangMigrate, { "1_a.up.sql": "\n" }, { engine: "mariadb" });
  expect(migrations[0]?.up).toMatchObject({ pieces: [{ sql: "\n", offset: 0 }] });
});

test("what the tool takes no notice of is named", async () => {
  const why = "golang-migrate takes no notice of a name that is not like 1_users.up.sql";
  const files = { ...chain, "3_plain.sql": "", "4_code.go": "", "99999999999999999999_x.up.sql": "", "doc.go": "" };
  expect((await readBy(golangMigrate, files)).leftOut).toEqual([
    { name: "3_plain.sql", why },
    { name: "4_code.go", why },
    { name: "99999999999999999999_x.up.sql", why },
  ]);
});

test("it is known by its names, unless they hold a dialect", async () => {
  const detected = async (files: Files) => golangMigrate.detect(await folderOf(files));
  expect(await detected(chain)).toEqual({ by: "names", what: "the name of 0001_users.up.sql" });
  expect(await detected({ "1_a.mysql.up.sql": "", "1_b.autocommit.up.sql": "" })).toBeUndefined();
  expect(await detected({ "1_a.sql": "", "sub/1_a.up.sql": "" })).toBeUndefined();
});

test("what it refuses is refused", async () => {
  expect(await refusalBy(golangMigrate, { "1_a.sql": "" })).toBe(
    'Cannot read migrations from "…": it holds no file that is named like 1_users.up.sql',
  );
  expect(await refusalBy(golangMigrate, { "1_a.up.sql": "", "01_b.up.sql": "", "1_a.down.sql": "" })).toBe(
    'Cannot read migration "…/1_a.up.sql": "01_b.up.sql" has the same version and direction (which of them runs? give one of them another version)',
  );
});

for (const engine of engineNames) {
  await onEngine(engine, () => {
    const stage = onStage(engine);

    test("its record is one row, dirty while a migration runs and after it failed", async () => {
      const shipment = await readBy(golangMigrate, chain, { engine });
      const [first, , third] = shipment.migrations;
      await keeping(stage(), shipment, async ({ recorded, through, failed, rows }) => {
        expect(await recorded()).toEqual({ applied: [] });
        await through(first);
        expect(await recorded()).toEqual({ applied: [], upTo: "1" });
        await failed(third);
        expect(await recorded()).toEqual({
          applied: [],
          upTo: "7",
          halfDone: {
            message:
              'its record is dirty at version 7 (mend the database by hand, then "migrate force" to the version it really is at)',
            id: "7",
          },
        });
        expect(await rows("select count(*) as n from schema_migrations")).toHaveLength(1);
      });
    });

    test("a product's own table takes its place", async () => {
      const shipment = await readBy(golangMigrate, chain, { engine, recordTable: "Our_Versions" });
      expect(shipment.migrator?.record.tables).toEqual(["Our_Versions"]);
      await keeping(stage(), shipment, async ({ recorded, through }) => {
        await through(shipment.migrations[1]);
        expect(await recorded()).toEqual({ applied: [], upTo: "2" });
      });
    });
  });
}
