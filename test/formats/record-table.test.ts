// A product may name another table for the record: it stays in the sandbox's own database all the same.
import { describe, expect, test } from "vitest";
import { engineNames, forEngine } from "../../harness/database.ts";
import { dbMigrate } from "../../harness/formats/db-migrate.ts";
import { dbmate } from "../../harness/formats/dbmate.ts";
import { drizzle } from "../../harness/formats/drizzle.ts";
import { drizzleFolders } from "../../harness/formats/drizzle-folders.ts";
import { flyway } from "../../harness/formats/flyway.ts";
import type { Format } from "../../harness/formats/format.ts";
import { golangMigrate } from "../../harness/formats/golang-migrate.ts";
import { goose } from "../../harness/formats/goose.ts";
import { liquibase } from "../../harness/formats/liquibase.ts";
import { nodePgMigrate } from "../../harness/formats/node-pg-migrate.ts";
import { ory } from "../../harness/formats/ory.ts";
import { prisma } from "../../harness/formats/prisma.ts";
import { recordTable } from "../../harness/formats/record-table.ts";
import { sqitch } from "../../harness/formats/sqitch.ts";
import { onEngine, onStage } from "../stage.ts";
import { type Files, readBy, refusalBy } from "./folder-of.ts";
import { keeping } from "./keeping.ts";

const journal = { version: "7", dialect: "", entries: [{ idx: 0, when: 1, tag: "0000_a", breakpoints: true }] };
const formats: readonly { readonly format: Format; readonly files: (dialect: string) => Files }[] = [
  { format: flyway, files: () => ({ "V1__a.sql": "select 1;" }) },
  { format: golangMigrate, files: () => ({ "1_a.up.sql": "select 1;" }) },
  { format: goose, files: () => ({ "1_a.sql": "-- +goose Up\nselect 1;\n" }) },
  { format: dbmate, files: () => ({ "1_a.sql": "-- migrate:up\nselect 1;\n-- migrate:down\n" }) },
  { format: prisma, files: () => ({ "20260131120000_a/migration.sql": "select 1;" }) },
  {
    format: drizzle,
    files: (dialect) => ({ "meta/_journal.json": JSON.stringify({ ...journal, dialect }), "0000_a.sql": "select 1;" }),
  },
  { format: drizzleFolders, files: () => ({ "20260131120000_a/migration.sql": "select 1;" }) },
  { format: liquibase, files: () => ({ "a.sql": "-- liquibase formatted sql\n--changeset me:1\nselect 1;\n" }) },
  {
    format: ory,
    files: () => ({ "20260131120000000000_a.up.sql": "select 1;", "20260131120000000000_a.down.sql": "" }),
  },
];

for (const engine of engineNames) {
  await onEngine(engine, () => {
    const stage = onStage(engine);

    test("a table with a schema's name before it is in that schema, or has its name where schemas are databases", async () => {
      const dialect = forEngine({ postgres: "postgresql", mysql: "mysql" }, engine) ?? "";
      const prepared = forEngine({ postgres: "create schema apart", mysql: "select 1" }, engine) ?? "";
      const table = forEngine({ postgres: "apart.hist", mysql: "apart_hist" }, engine);
      for (const { format, files } of formats) {
        const shipment = await readBy(format, files(dialect), { engine, recordTable: "apart.hist" });
        expect(shipment.migrator?.record.tables[0], format.name).toBe(table);
        await keeping(stage(), shipment, async ({ recorded, through, script, rows }) => {
          await script(prepared);
          expect((await recorded()).applied).toEqual([]);
          await through(shipment.migrations[0]);
          const { applied, upTo } = await recorded();
          expect(applied[0]?.id ?? upTo, format.name).toBeDefined();
          expect((await rows(`select * from ${table}`)).length).toBeGreaterThan(0);
        });
      }
    });
  });
}

describe("a name that is none is refused", () => {
  const way = 'say it as recordTable: "name" or "schema.name", without quotes';
  const names = {
    "": "it names no table",
    "apart.": "it names no table",
    "a.b.c": "it has 3 parts",
    'a"b': "it holds a quote, or what else no name holds",
    "a`b": "it holds a quote, or what else no name holds",
    "a'b": "it holds a quote, or what else no name holds",
  };

  for (const [name, why] of Object.entries(names)) {
    test(`as is ${JSON.stringify(name)}`, async () => {
      const message = `Cannot keep a record in the table ${JSON.stringify(name)}: ${why} (${way})`;
      expect(() => recordTable(name, { name: "own" })).toThrow(message);
      for (const { format, files } of formats)
        expect(await refusalBy(format, files("postgresql"), { recordTable: name }), format.name).toBe(message);
      for (const format of [dbMigrate, nodePgMigrate]) {
        const files = { "1_a.sql": "select 1;", "20260131120000-a.js": "", "sqls/20260131120000-a-up.sql": "" };
        expect(await refusalBy(format, files, { recordTable: name })).toMatch(/^Cannot (keep a record|read migration)/);
      }
    });
  }

  test("by those that never quote one too", async () => {
    for (const { format, files } of formats.slice(-2)) {
      expect(await refusalBy(format, files(""), { recordTable: "a-b" })).toBe(
        `Cannot keep a record in the table "a-b": it needs quotes (${way})`,
      );
    }
  });

  test("and Sqitch's registry is a schema", async () => {
    const files = { "sqitch.plan": "%syntax-version=1.0.0\n%project=a\n\n", "sqitch.conf": "[core]\n\tengine = pg\n" };
    for (const recordTable of ["a.b", "", 'a"b'])
      expect(await refusalBy(sqitch, files, { recordTable })).toBe(
        `Cannot keep Sqitch's record in the schema ${JSON.stringify(recordTable)} (it is one name of letters, digits and "_", as in recordTable: "sqitch")`,
      );
    const { migrator } = await readBy(sqitch, files, { recordTable: "our-own" });
    expect(migrator?.record.tables[0]).toBe("our-own.releases");
  });
});
