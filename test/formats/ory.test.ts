import { expect, test } from "vitest";
import { engineNames } from "../../harness/database.ts";
import { ory } from "../../harness/formats/ory.ts";
import { onEngine, onStage } from "../stage.ts";
import { type Files, folderOf, readBy, refusalBy } from "./folder-of.ts";
import { keeping } from "./keeping.ts";

const chain: Files = {
  "20240102000000000000_names.up.sql": "all",
  "20240102000000000000_names.mysql.up.sql": "mysql",
  "20240102000000000000_names.cockroach.up.sql": "cockroach",
  "20240102000000000000_names.down.sql": "",
  "20240101000000_users.up.sql": "create table users (id int);",
  "20240101000000_users.down.sql": "drop table users;",
  "20240103000000000000_index.postgres.autocommit.up.sql": "create index concurrently i on users (id);",
  "20240103000000000000_index.postgres.autocommit.down.sql": "",
  "20240104000000000000_all.autocommit.up.sql": "vacuum;",
  "20240104000000000000_all.autocommit.down.sql": "",
  "20240105000000_old.up.fizz": "",
  "notes.md": "",
};

test("a dialect's own file is run instead of the one for all", async () => {
  const read = async (engine: (typeof engineNames)[number]) =>
    (await readBy(ory, chain, { engine })).migrations.map(({ name, up, transaction }) => [
      name,
      (up as { sql: string }).sql,
      transaction,
    ]);
  expect(await read("postgres")).toEqual([
    ["20240101000000_users", "create table users (id int);", undefined],
    ["20240102000000000000_names", "all", undefined],
    ["20240103000000000000_index", "create index concurrently i on users (id);", false],
    ["20240104000000000000_all", "vacuum;", false],
  ]);
  expect(await read("mariadb")).toEqual([
    ["20240101000000_users", "create table users (id int);", undefined],
    ["20240102000000000000_names", "mysql", undefined],
    ["20240104000000000000_all", "vacuum;", false],
  ]);
});

test("its rules are popx's", async () => {
  const { migrator, leftOut, migrations } = await readBy(ory, chain);
  expect(migrator).toMatchObject({
    transaction: "each",
    lock: "none",
    late: "run",
    edited: "ignore",
    removed: "ignore",
    record: { tables: ["schema_migration"] },
  });
  expect(leftOut).toEqual([
    { name: "20240105000000_old.up.fizz", why: "it is written in Fizz, which only Ory's own migrator turns into SQL" },
  ]);
  expect(migrations.map(({ recordedAs }) => recordedAs)).toEqual([
    { id: "20240101000000" },
    { id: "20240102000000000000" },
    { id: "20240103000000000000" },
    { id: "20240104000000000000" },
  ]);
});

test("it is known by a dialect in a name", async () => {
  const detected = async (files: Files) => ory.detect(await folderOf(files));
  expect(await detected({ "1_a.mysql.up.sql": "" })).toEqual({ by: "names", what: "the name of 1_a.mysql.up.sql" });
  expect(await detected({ "1_a.up.sql": "", "1_a.down.sql": "" })).toBeUndefined();
});

test("what popx refuses is refused", async () => {
  expect(await refusalBy(ory, { "1_a.mysql.up.sql": "" })).toBe(
    'Cannot read migration "…/1_a.mysql.up.sql": version 1 has no down file, and popx wants one (add it; it may be empty)',
  );
  expect(await refusalBy(ory, { "1_a.up.sql": "", "1_b.up.sql": "", "1_a.down.sql": "" })).toBe(
    'Cannot read migration "…/1_b.up.sql": "1_a.up.sql" has the same version (give one of them another)',
  );
  const template = "select 1;\n{{ if .IsMySQL }}select 2;{{ end }}";
  expect(await refusalBy(ory, { "1_a.up.sql": template, "1_a.down.sql": "" })).toBe(
    'Cannot read migration "…/1_a.up.sql:2": it is a Go template, which only the product itself can fill in (drive it instead: command(…))',
  );
});

for (const name of engineNames) {
  await onEngine(name, () => {
    const stage = onStage(name);
    test("what is recorded by the 14 digits that versions once had is applied", async () => {
      const shipment = await readBy(ory, chain, { engine: name });
      await keeping(stage(), shipment, async ({ recorded, through, script }) => {
        expect((await recorded()).applied).toEqual([]);
        await through(shipment.migrations[0]);
        expect((await recorded()).applied).toEqual([{ id: "20240101000000" }]);
        await script("insert into schema_migration (version) values ('20240102000000')");
        expect((await recorded()).applied.map(({ id }) => id)).toEqual([
          "20240101000000",
          "20240102000000",
          "20240102000000000000",
        ]);
      });
    });
  });
}
