// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are written like that.
import { expect, test } from "vitest";
import type { Migration, SqlFile } from "../../harness/chain.ts";
import { engineNames } from "../../harness/database.ts";
import type { FolderReleasesOptions } from "../../harness/folder-chain.ts";
import { flyway } from "../../harness/formats/flyway.ts";
import { folderReleases } from "../../harness/releases.ts";
import { walked } from "../real-chains/walking.ts";
import { onEngine, onStage } from "../stage.ts";
import { type Files, folderOf, readBy, refusalBy } from "./folder-of.ts";
import { keeping } from "./keeping.ts";

const chain: Files = {
  "V10__later.sql": "select 10;",
  "V2_1__größe.sql": "\uFEFFselect 21;\r\nselect 22;",
  "V2__names.sql": "alter table users add name text;",
  "U2__names.sql": "alter table users drop name;",
  "sub/V001__users.sql": "create table users (id int);\n",
  "R__z_view.sql": "create or replace view v as select 1;",
  "R__a_view.sql": "select 'a;b'",
  "V3__empty.sql": "",
};

const namesOf = (migrations: readonly Migration[]) => migrations.map(({ name }) => name);
const sentOf = (migration: Migration | undefined) => {
  const { pieces } = (migration?.up ?? {}) as Partial<SqlFile>;
  return Array.isArray(pieces) ? pieces.map(({ sql }) => sql) : undefined;
};

test("versions count part by part, and repeatables come behind them by their descriptions", async () => {
  const { migrations, migrator, leftOut } = await readBy(flyway, chain);
  expect(namesOf(migrations)).toEqual([
    "V001__users",
    "V2__names",
    "V2_1__größe",
    "V3__empty",
    "V10__later",
    "R__a_view",
    "R__z_view",
  ]);
  expect(migrations.map(({ recordedAs }) => recordedAs?.id)).toEqual([
    "1",
    "2",
    "2.1",
    "3",
    "10",
    "R__a view",
    "R__z view",
  ]);
  expect(migrations[0]?.recordedAs).toEqual({
    id: "1",
    checksum: expect.any(String),
    facts: { version: "001", description: "users", script: "sub/V001__users.sql", type: "SQL", outside: 0 },
  });
  expect(migrations[5]?.recordedAs).toMatchObject({ again: "when-changed" });
  expect(migrations[1]?.down).toMatchObject({ sql: "alter table users drop name;" });
  expect(sentOf(migrations[2])).toEqual(["select 21", "select 22"]);
  expect(migrator).toMatchObject({
    transaction: "each",
    lock: "wait",
    late: "refuse",
    edited: "refuse",
    removed: "refuse",
  });
  expect(leftOut).toBeUndefined();
});

test("checksums are Flyway's: of the lines without their ends, signed, without a byte order mark", async () => {
  const checksumOf = async (text: string) => {
    const { migrations } = await readBy(flyway, { "V1__a.sql": text });
    return migrations[0]?.recordedAs?.checksum;
  };
  // The polynomial's own check value is 0xCBF43926.
  expect(await checksumOf("12345\r\n6789\n")).toBe(String(0xcbf43926 | 0));
  expect(await checksumOf("\uFEFF123\r456\n789")).toBe("-873187034");
  expect(await checksumOf("")).toBe("0");
});

test("placeholders are filled in, and count in a repeatable's checksum alone", async () => {
  const files = { "V1__a.sql": "select '${x}', '${flyway:filename}', '${flyway:table}'", "R__b.sql": "select '${x}'" };
  const read = async (x: string) => (await readBy(flyway, files, { placeholders: { x } })).migrations;
  const [one, two] = [await read("1"), await read("2")];
  expect(sentOf(one[0])).toEqual(["select '1', 'V1__a.sql', 'flyway_schema_history'"]);
  expect(one[0]?.recordedAs?.checksum).toBe(two[0]?.recordedAs?.checksum);
  expect(one[1]?.recordedAs?.checksum).not.toBe(two[1]?.recordedAs?.checksum);
});

test("statements that run in no transaction are found, or told by the .conf beside the script", async () => {
  const optsOut = async (text: string, conf?: string) => {
    const files = { "V1__a.sql": text, ...(conf !== undefined && { "V1__a.sql.conf": conf }) };
    const { migrations } = await readBy(flyway, files);
    expect(migrations[0]?.recordedAs?.facts?.outside).toBe(migrations[0]?.transaction === false ? 1 : 0);
    return migrations[0]?.transaction === false;
  };
  expect(await optsOut("-- now\ncreate /* x */ unique index\n concurrently a on users (id);")).toBe(true);
  expect(await optsOut("vacuum; drop index concurrently a; reindex verbose schema s; alter system set x = 1")).toBe(
    true,
  );
  expect(await optsOut("alter type mood add value 'happy'; insert into moods values ('happy')")).toBe(false);
  expect(await optsOut("comment on table users is 'vacuum'; -- vacuum")).toBe(false);
  expect(await optsOut("select 1", "# so it is\nexecuteInTransaction=false\n")).toBe(true);
  expect(await optsOut("vacuum; select 1", "executeInTransaction = true")).toBe(false);
});

test("a .conf names an encoding, or leaves placeholders alone", async () => {
  const { migrations } = await readBy(flyway, {
    "V1__a.sql": "select '${x}'",
    "V1__a.sql.conf": "encoding=ISO-8859-1\r\nplaceholderReplacement=false\r\n",
  });
  expect(sentOf(migrations[0])).toEqual(["select '${x}'"]);
});

test("callbacks of every migrate run in every hop; others, code and odd names are named", async () => {
  const files: Files = {
    ...chain,
    "afterMigrate.sql": "select 3;",
    "beforeMigrate__prepare.sql": "select 1;",
    "afterVersioned.sql": "select 2;",
    "afterMigrateApplied.sql": "select 4;",
    "afterEachMigrate.sql": "",
    "afterClean.sql": "",
    "afterMigrateError.sql": "",
    "V4__Fill.java": "",
    "V1_x.sql": "",
    "seed.sql": "",
    "V5__sometimes.sql": "select 5",
    "V5__sometimes.sql.conf": "shouldExecute=${x}==1",
  };
  const { migrations, leftOut } = await readBy(flyway, files);
  expect(namesOf(migrations).filter((name) => /Migrate|after/.test(name) || name === "V10__later")).toEqual([
    "beforeMigrate__prepare",
    "V10__later",
    "afterVersioned",
    "afterMigrate",
  ]);
  expect(migrations[0]?.recordedAs).toEqual({ again: "always" });
  expect(leftOut).toEqual([
    { name: "V1_x.sql", why: "Flyway takes no notice of a name that is not like V1__users.sql" },
    { name: "V4__Fill.java", why: "it is written in another language, which only Flyway itself can run" },
    { name: "afterEachMigrate.sql", why: "nothing here runs Flyway's callback afterEachMigrate" },
    { name: "afterMigrateApplied.sql", why: "nothing here runs Flyway's callback afterMigrateApplied" },
    { name: "seed.sql", why: "Flyway takes no notice of a name that is not like V1__users.sql" },
    {
      name: "V5__sometimes.sql",
      why: "whether it runs is for Flyway's paid editions to say (shouldExecute in its .conf)",
    },
  ]);
});

test("it is known by its settings, or by its names", async () => {
  const detected = async (files: Files) => flyway.detect(await folderOf(files));
  expect(await detected({ ...chain, "flyway.toml": "" })).toEqual({ by: "marker", what: "flyway.toml" });
  expect(await detected(chain)).toEqual({ by: "names", what: "the name of R__a_view.sql" });
  expect(await detected({ "V1.sql": "", "1_V1__x.sql": "", "Views.sql": "" })).toBeUndefined();
});

test("late migrations are refused, unless its settings say outOfOrder", async () => {
  const lateWith = async (files: Files) =>
    (await readBy(flyway, { "V1__a.sql": "select 1;", ...files })).migrator?.late;
  expect(await lateWith({})).toBe("refuse");
  expect(await lateWith({ "flyway.conf": "# so\r\nflyway.outOfOrder = true\r\n" })).toBe("run");
  expect(await lateWith({ "flyway.conf": "#flyway.outOfOrder=true\nflyway.outOfOrder=false" })).toBe("refuse");
  expect(await lateWith({ "flyway.toml": '[flyway]\nlocations = ["a"]\noutOfOrder = true # yes\n' })).toBe("run");
  expect(await lateWith({ "flyway.toml": "flyway.outOfOrder = true\n" })).toBe("run");
  expect(await lateWith({ "flyway.toml": "[flyway]\n[environments.x]\noutOfOrder = true\n" })).toBe("refuse");
  expect(
    await lateWith({ "flyway.conf": "flyway.outOfOrder=true", "flyway.toml": "[flyway]\noutOfOrder = false" }),
  ).toBe("refuse");
});

test("what Flyway refuses is refused", async () => {
  expect(await refusalBy(flyway, { "1_a.sql": "" })).toBe(
    'Cannot read migrations from "…": it holds no file that is named like V1__users.sql',
  );
  expect(await refusalBy(flyway, { "mysql/V1__a.sql": "", "postgres/V1_0__a.sql": "" })).toBe(
    'Cannot read migration "…/postgres/V1_0__a.sql": "mysql/V1__a.sql" has the same version (give one of them another version, or name the folder that holds one of them)',
  );
  expect(await refusalBy(flyway, { "R__a_b.sql": "", "x/R__a_b.sql": "" })).toBe(
    'Cannot read migration "…/x/R__a_b.sql": "R__a_b.sql" has the same description (give one of them another description, or name the folder that holds one of them)',
  );
  expect(await refusalBy(flyway, { "V1__a.sql": "select 1;\n-- see ${here}" })).toBe(
    'Cannot read migration "…/V1__a.sql:2": "${here}" has no value (give placeholders a "here", or say placeholderReplacement=false in V1__a.sql.conf)',
  );
  expect(
    await refusalBy(flyway, { "V1__a.sql": "select 1;\n-- why\n\ncreate index concurrently a\n on users (id);" }),
  ).toBe(
    'Cannot read migration "…/V1__a.sql:4": "CREATE INDEX CONCURRENTLY A ON USERS (ID…" cannot run in a transaction as others in this file do, and Flyway refuses the mix (give it a file of its own, or say executeInTransaction=false in V1__a.sql.conf)',
  );
  expect(await refusalBy(flyway, { "V1__a.sql": "", "V1__a.sql.conf": "a=1" })).toBe(
    'Cannot read migration "…/V1__a.sql.conf:1": Flyway knows no setting "a" of a script (known: executeInTransaction, encoding, placeholderReplacement, shouldExecute)',
  );
  expect(await refusalBy(flyway, { "V1__a.sql": "", "V1__a.sql.conf": "encoding=x" })).toBe(
    'Cannot read migration "…/V1__a.sql": it is not in the encoding "x" that its .conf names, or nothing here reads that',
  );
  expect(await refusalBy(flyway, { "V1__a.sql": "select 1;\nselect 'x" })).toMatch(/^Cannot read "….V1__a\.sql:2": /);
});

for (const engine of engineNames) {
  await onEngine(engine, () => {
    const stage = onStage(engine);

    test("its record holds what ran, in order, with checksums", async () => {
      const shipment = await readBy(flyway, { ...chain, "afterMigrate.sql": "select 1" }, { engine });
      expect(shipment.migrator?.record.tables).toEqual(["flyway_schema_history"]);
      const idOf = ({ recordedAs }: Migration) => recordedAs?.id;
      await keeping(stage(), shipment, async ({ recorded, through, failed, rows }) => {
        expect(await recorded()).toEqual({ applied: [] });
        for (const migration of shipment.migrations) await through(migration);
        await failed(shipment.migrations.at(-1));
        const expected = shipment.migrations.slice(0, -1);
        expect(await recorded()).toEqual({
          applied: expected.map((migration) => ({ id: idOf(migration), checksum: migration.recordedAs?.checksum })),
        });
        const [first, ...others] = await rows(
          "select installed_rank, version, description, type, script, execution_time from flyway_schema_history order by installed_rank",
        );
        expect(first).toEqual({
          installed_rank: 1,
          version: "001",
          description: "users",
          type: "SQL",
          script: "sub/V001__users.sql",
          execution_time: 12,
        });
        expect(others.map((row) => row.version)).toEqual(["2", "2.1", "3", "10", null, null]);
      });
    });

    test("what a baseline stands for never runs, what is undone does again, and what is to come does not bother", async () => {
      const shipment = await readBy(flyway, { ...chain, "V4__Fill.java": "" }, { engine });
      const row = (rank: number, version: string | null, type: string) =>
        `insert into flyway_schema_history (installed_rank, version, description, type, script, installed_by, execution_time, success) ` +
        `values (${rank}, ${version === null ? "null" : `'${version}'`}, 'x', '${type}', 'x', 'me', 0, true);`;
      await keeping(stage(), shipment, async ({ recorded, script }) => {
        await recorded();
        await script(
          row(0, null, "SCHEMA") + row(1, "2", "BASELINE") + row(2, "2.1", "SQL") + row(3, "2.1", "UNDO_SQL"),
        );
        expect(await recorded()).toEqual({ applied: [{ id: "1" }, { id: "2" }] });
        await script(row(4, "4", "JDBC") + row(5, "99", "SQL"));
        expect((await recorded()).applied).toEqual([{ id: "V4__Fill.java" }, { id: "99" }, { id: "1" }, { id: "2" }]);
        await script(row(6, "2.1", "SQL") + row(7, "3", "SQL") + row(8, "10", "SQL"));
        const { applied } = await recorded();
        expect(applied.map(({ id }) => id)).toEqual(["V4__Fill.java", "99", "2.1", "3", "10", "1", "2"]);
        await script(row(9, "1", "SQL") + row(10, "2", "SQL"));
        expect((await recorded()).applied.map(({ id }) => id)).not.toContain("99");
      });
    });

    test("a baseline migration runs on new databases alone, in place of what it stands for", async () => {
      const files = { "V1__a.sql": "", "V2__b.sql": "", "B1__old.sql": "", "B2__all.sql": "select 2", "V3__c.sql": "" };
      const shipment = await readBy(flyway, files, { engine });
      expect(namesOf(shipment.migrations)).toEqual(["V1__a", "V2__b", "B2__all", "V3__c"]);
      const [one, two, baseline] = shipment.migrations;
      await keeping(stage(), shipment, async ({ recorded, through, rows }) => {
        expect(await recorded()).toEqual({ applied: [{ id: "1" }, { id: "2" }] });
        await through(baseline);
        expect((await recorded()).applied.map(({ id }) => id)).toEqual(["1", "2", "B2"]);
        expect(await rows("select version, type from flyway_schema_history")).toEqual([
          { version: "2", type: "SQL_BASELINE" },
        ]);
      });
      await keeping(stage(), shipment, async ({ recorded, through }) => {
        await through(one);
        expect((await recorded()).applied.map(({ id }) => id)).toEqual(["1", "B2"]);
        await through(two);
        expect((await recorded()).applied.map(({ id }) => id)).toEqual(["1", "2", "B2"]);
      });
    });

    test("a failure is recorded where no transaction takes it back", async () => {
      const files = { "V1__a.sql": "select 1", "V2__b.sql": "vacuum", "V2__b.sql.conf": "executeInTransaction=false" };
      const shipment = await readBy(flyway, files, { engine });
      const [inside, outside] = shipment.migrations;
      await keeping(stage(), shipment, async ({ recorded, failed, script }) => {
        await failed(inside);
        const { halfDone } = await recorded();
        expect(halfDone?.id).toBe({ postgres: undefined, mysql: "1", mariadb: "1" }[engine]);
        await script("delete from flyway_schema_history");
        await failed(outside);
        expect(await recorded()).toEqual({
          applied: [],
          halfDone: {
            message: 'its record holds "2" as failed (mend the database by hand, then "flyway repair")',
            id: "2",
          },
        });
      });
    });

    test("releases out of one folder come through one after the other, with baselines and repeatables where they belong", async () => {
      const files = {
        "V1__a.sql": "create table a (id int primary key);",
        "V2__b.sql": "alter table a add b int;",
        "B2__all.sql": "create table a (id int primary key, b int);",
        "V3__c.sql": "alter table a add c int;",
        "R__view.sql": "create or replace view v as select c from a;",
        "beforeMigrate.sql": "select 1;",
        "afterMigrate.sql": "select 2;",
      };
      const { path } = await folderOf(files);
      expect(await walked(stage(), await folderReleases(path))).toEqual([["clean"], ["clean"]]);
      const listed = await folderReleases(path, { releases: { "1": "V1__a", "2": "V3__c" } });
      expect(await walked(stage(), listed)).toEqual([["clean"], ["clean"]]);
      const folders = { "1.0/V1__a.sql": files["V1__a.sql"], "1.1/V2__b.sql": files["V2__b.sql"] };
      const perFolder = await folderReleases(
        (await folderOf({ ...folders, "1.2/V3__c.sql": files["V3__c.sql"] })).path,
        {
          releases: "folders",
        },
      );
      expect(await walked(stage(), perFolder)).toEqual([["clean"], ["clean"]]);
    });

    test("a late migration runs where the product says outOfOrder", async () => {
      const late = {
        "1.0/V1__a.sql": "create table a (id int primary key);",
        "1.0/V3__c.sql": "create table c (id int primary key);",
        "1.1/V2__b.sql": "create table b (id int primary key);",
      };
      const { path } = await folderOf(late);
      const outcomes = async (how: FolderReleasesOptions) =>
        (await walked(stage(), await folderReleases(path, { releases: "folders", ...how }))).map(
          ([outcome]) => outcome,
        );
      expect(await outcomes({})).toEqual(["broken", "clean"]);
      expect(await outcomes({ late: "run" })).toEqual(["clean", "clean"]);
    });
  });
}
