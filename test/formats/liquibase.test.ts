import { broken, clean, defineScenario, rehearse, release } from "migration-sandbox";
import { expect, test } from "vitest";
import type { Piece, SqlFile } from "../../harness/chain.ts";
import { type EngineName, engineNames } from "../../harness/database.ts";
import { liquibase } from "../../harness/formats/liquibase.ts";
import { onEngine, onStage } from "../stage.ts";
import { type Files, folderOf, readBy, refusalBy } from "./folder-of.ts";
import { keeping } from "./keeping.ts";

const first = "--liquibase formatted sql\n";
const things = `-- liquibase formatted sql
--property name:tbl value:things

--changeset ann:1 labels:"a, b" context:"prod or test" runOnChange:true
--comment the first
create table \${tbl} (id int primary key); -- tail; comment
insert into things values (1);
--rollback drop table things;

--changeset bob:"two words" runAlways:true
--preconditions onFail:MARK_RAN onError:HALT
--precondition-sql-check expectedResult:0 select count(*) from things
insert into things values (1);

--changeset bob:3 dbms:postgresql
select 1;
--changeset bob:4 endDelimiter:// splitStatements:true
create function f() returns int as $$ declare a int; begin a := 1; return a; end $$ language plpgsql//
create function g() returns int as $$ begin return 1; end $$ language plpgsql
//
--changeset bob:5 ignore:true
nonsense;
--changeset bob:6 context:nope runInTransaction:false
insert into things values (66);
`;
const chain: Files = {
  "b/things.sql": things,
  "a.sql": `${first}
--changeset ann:1
create table users (id int primary key);
insert into users values (1);
--rollback drop table users;

--changeset ann:2 runInTransaction:false
create index concurrently users_id on users (id);
`,
  "raw.sql": "create table noheader (i int);",
};

test("changesets come in the order of their files, with Liquibase's own checksums", async () => {
  const { migrations, migrator } = await readBy(liquibase, chain);
  // As Liquibase 4.28 wrote them into DATABASECHANGELOG.
  expect(migrations.map(({ name, recordedAs, transaction }) => [name, recordedAs?.checksum, transaction])).toEqual([
    ["a.sql::1::ann", "9:2a889170375311eab628e7d5afe76bff", undefined],
    ["a.sql::2::ann", "9:f5da1e2e9ba31b6cdfd1f112eb9f8b92", false],
    ["b/things.sql::1::ann", "9:759c6cc676ca19815a64e7cd575fd3ae", undefined],
    ["b/things.sql::two words::bob", "9:e65d40ee310ed284d6b0b31f49a4ad20", undefined],
    ["b/things.sql::3::bob", "9:a7ca957848b7a2d82c733ec390529b49", undefined],
    ["b/things.sql::4::bob", "9:d873b0489de4504234a21c937cc37e5b", undefined],
    ["b/things.sql::6::bob", "9:3a547c80fd041034ca064e7314b29e59", false],
    ["raw.sql::raw::includeAll", "9:65419e419b387e74a1aaf90a6c11c772", undefined],
  ]);
  expect(migrations.map(({ recordedAs }) => recordedAs?.again)).toEqual([
    ...[undefined, undefined, "when-changed", "always"],
    ...[undefined, undefined, undefined, undefined],
  ]);
  expect(migrator).toMatchObject({
    transaction: "each",
    lock: "wait",
    late: "run",
    edited: "refuse",
    removed: "ignore",
  });
});

test("each is sent as Liquibase splits it, and points into its file", async () => {
  const { migrations } = await readBy(liquibase, chain);
  const [, , one, , , four] = migrations.map(({ up }) => up as SqlFile);
  expect(sqlOf(one)).toEqual(["create table things (id int primary key)", "insert into things values (1)"]);
  expect(sqlOf(four)).toEqual([
    "create function f() returns int as $$ declare a int; begin a := 1; return a; end $$ language plpgsql",
    "create function g() returns int as $$ begin return 1; end $$ language plpgsql",
  ]);
  for (const file of [one, four]) {
    const { start = 0, text = "" } = file?.within ?? {};
    expect(text.slice(start, start + (file?.sql.length ?? 0))).toBe(file?.sql);
    for (const { sql, offset } of piecesOf(file)) {
      const [word = ""] = sql.split(" ");
      expect(text.slice(start + offset).startsWith(word)).toBe(true);
    }
  }
});

test("what takes a changeset back is its down", async () => {
  const files = {
    "a.sql": `${first}--changeset a:1 rollbackEndDelimiter:/
create table t (i int);
--rollback drop table t
--rollback /
--rollback select 2
--changeset a:2
select 1;
/* liquibase rollback
select 3;
select 4;
*/
--changeset a:3
select 1;
--rollback not required
`,
  };
  const { migrations } = await readBy(liquibase, files);
  const downs = migrations.map(({ down }) => down as SqlFile | undefined);
  expect(downs.map((down) => down && sqlOf(down).map((text) => text.trim()))).toEqual([
    ["drop table t", "select 2"],
    ["select 3", "select 4"],
    undefined,
  ]);
  const { within, sql: region = "" } = downs[0] ?? {};
  expect(within?.text.slice(within.start, within.start + 12)).toBe("drop table t");
  expect(region.length).toBe("drop table t\n--rollback /\n--rollback select 2\n".length);
});

const splits: readonly (readonly [what: string, changeset: string, pieces: readonly string[]])[] = [
  [
    "a function that begins with DECLARE, cut as Liquibase cuts it",
    "create function f() as $$ declare a int; begin a; end $$;",
    ["create function f() as $$ declare a int", "begin a; end $$"],
  ],
  [
    "BEGIN and END around semicolons",
    "create function f() as $$ begin a; b; end $$; select 1",
    ["create function f() as $$ begin a; b; end $$", "select 1"],
  ],
  [
    "a transaction's BEGIN",
    "begin transaction; select 1; end transaction;",
    ["begin transaction", "select 1", "end transaction"],
  ],
  [
    "strings and comments",
    "select ';' -- ;\n, \"a;\" /* ; */; select `b;`",
    ["select ';'     \n, \"a;\"", "select `b;`"],
  ],
  ["a slash on a line of its own", "select 1\n/\nselect 4/2", ["select 1", "select 4/2"]],
  ["GO on a line of its own", "select 1\nGO\nselect 2 as go", ["select 1", "select 2 as go"]],
  ["code for versions of MySQL, which is a comment to it", "/*!40101 set @a=1 */;\nselect 4;", ["select 4"]],
];

test.each(splits)("%s", async (_, changeset, pieces) => {
  const { migrations } = await readBy(liquibase, { "a.sql": `${first}--changeset a:1\n${changeset}\n` });
  expect(sqlOf(migrations[0]?.up as SqlFile)).toEqual(pieces);
});

test("comments are kept, and statements not split, where it says so", async () => {
  const { migrations } = await readBy(liquibase, {
    "a.sql": `${first}--changeset a:1 stripComments:false splitStatements:false\r\nselect 1; -- a\r\nselect 2;\r\n`,
  });
  expect(piecesOf(migrations[0]?.up as SqlFile)).toEqual([{ sql: "select 1; -- a\r\nselect 2;", offset: 0 }]);
});

test("a changeset is for the products that it names", async () => {
  const changesets = [
    "",
    "dbms:mysql",
    "dbms:!mysql",
    "dbms:postgresql,mariadb",
    "dbms:all",
    "dbms:none",
    "dbms:oracle",
  ];
  const text = changesets.map((dbms, i) => `--changeset a:${i} ${dbms}\nselect ${i};\n`).join("");
  const read = async (engine: EngineName) =>
    (await readBy(liquibase, { "a.sql": first + text }, { engine })).migrations.map(({ name }) => name.split("::")[1]);
  expect(await read("postgres")).toEqual(["0", "2", "3", "4"]);
  expect(await read("mysql")).toEqual(["0", "1", "4"]);
  expect(await read("mariadb")).toEqual(["0", "2", "3", "4"]);
});

test("properties have values, the first one and the one asked for before all", async () => {
  const text = `${first}--property name:a value:1 dbms:oracle
--property name:a value:2
--property name:a value:3
--property name:b value:4
--changeset x:\${a}
select \${a}, \${b}, \${c};
`;
  const { migrations } = await readBy(liquibase, { "a.sql": text }, { placeholders: { b: "5" } });
  expect(migrations.map(({ name, up }) => [name, (up as SqlFile).pieces])).toEqual([
    ["a.sql::2::x", [{ sql: `select 2, 5, \${c}`, offset: 0 }]],
  ]);
});

test("lines that it is told to overlook are overlooked", async () => {
  const text = `${first}--ignoreLines:2
one
two
--changeset a:1
select 1;
--ignoreLines:start
three
--ignoreLines:end
select 2;
--changeset a:2 logicalFilePath:other/path.sql
select 3;
`;
  const { migrations } = await readBy(liquibase, { "a.sql": text });
  const sql = migrations.map(({ name, up }) => [name, sqlOf(up as SqlFile)]);
  expect(sql).toEqual([
    ["a.sql::1::a", ["select 1", "select 2"]],
    ["other/path.sql::2::a", ["select 3"]],
  ]);
});

test("it is known by its first line, or a changelog of another kind", async () => {
  const detected = async (files: Files) => liquibase.detect(await folderOf(files));
  expect(await detected(chain)).toEqual({ by: "content", what: "-- liquibase formatted sql in a.sql" });
  const yaml = { "changelog.yaml": "databaseChangeLog:\n- includeAll:\n    path: inc/\n" };
  expect(await detected(yaml)).toEqual({ by: "content", what: "databaseChangeLog in changelog.yaml" });
  expect(await detected({ "a.sql": "select 1;\n--liquibase formatted sql", "b.xml": "<a/>" })).toBeUndefined();
});

const way = 'drive Liquibase itself: command("liquibase", ["update", …])';
test.each([
  ["--changeset a", 2, '"--changeset a" is not as Liquibase wants it (write --changeset <author>:<id>)'],
  ["--changeset a: 1", 2, '"--changeset a: 1" is not as Liquibase wants it (write --changeset <author>:<id>)'],
  ["-changeset a:1", 2, '"-changeset a:1" is not as Liquibase wants it (write --changeset <author>:<id>)'],
  ["--changset a:1\nselect 1;", 2, '"--changset a:1" is no changeset to Liquibase (write --changeset <author>:<id>)'],
  [
    "--changeset a:1\nselect 1;\n---changeset a:2",
    4,
    '"---changeset a:2" is no changeset to Liquibase (write --changeset <author>:<id>)',
  ],
  [
    "select 1;",
    2,
    "this SQL stands in no changeset, so Liquibase never runs it (put a line --changeset <author>:<id> before it)",
  ],
  ["--comment x", 2, "a --comment stands outside of any changeset"],
  ["-- property x", 2, '"-- property x" is not as Liquibase wants it (write --property name:<name> value:<value>)'],
  ["--ignoreLines:some", 2, '"ignoreLines:some" is neither a count nor start'],
  ["--changeset a:1", 2, "changeset a:1 has no SQL"],
  ["--changeset a:1\n--changeset a:2\nselect 1;", 2, "changeset a:1 has no SQL"],
  ["--changeset a:1\n-rollback x\nselect 1;", 3, '"-rollback x" is not as Liquibase wants it (write --rollback <SQL>)'],
  ["--changeset a:1\nselect 1;\n/* liquibase rollback\nx", 2, "its rollback begins and never ends (close it with */)"],
  [
    "--changeset a:1 failOnError:false\nselect 1;",
    2,
    `failOnError:false has Liquibase go on after a failure, which nothing here does (${way})`,
  ],
  ["--changeset a:1 runWith:psql\nselect 1;", 2, `runWith:psql has another program run it (${way})`],
  ["--changeset a:1\n--preconditions onFail:SKIP\nselect 1;", 3, '"SKIP" is none of HALT, CONTINUE, MARK_RAN, WARN'],
  [
    "--changeset a:1\n--precondition-foo x\nselect 1;",
    3,
    'Liquibase knows no precondition "foo" in SQL (it knows sql-check, table-exists and view-exists)',
  ],
  [
    "--changeset a:1\n--precondition-sql-check select\nselect 1;",
    3,
    '"select" is no check (write expectedResult:<value> <SQL>)',
  ],
  ["--changeset a:1\n--precondition-table-exists x\nselect 1;", 3, '"x" names no table (write table:<name>)'],
])("a changelog with %j is refused", async (text, line, why) => {
  expect(await refusalBy(liquibase, { "a.sql": `${first}${text}\n` })).toBe(
    `Cannot read migration "…/a.sql:${line}": ${why}`,
  );
});

test("what only Liquibase itself can read is refused, and two changesets of one name", async () => {
  expect(await refusalBy(liquibase, { "a.sql": "select 1;" })).toBe(
    'Cannot read migrations from "…": it holds no .sql file that begins with -- liquibase formatted sql',
  );
  expect(
    await refusalBy(liquibase, { ...chain, "db.xml": '<?xml version="1.0"?>\n<databaseChangeLog xmlns="x">' }),
  ).toBe(
    `Cannot read migration "…/db.xml": only Liquibase itself reads changelogs in XML, YAML or JSON (drive it: command("liquibase", ["update", …]))`,
  );
  expect(await refusalBy(liquibase, { "a.sql": `${first}--changeset a:1\nx;\n--changeset a:1\ny;` })).toBe(
    'Cannot read migration "…/a.sql:4": changeset a:1 stands on line 2 of "…/a.sql" already',
  );
});

for (const name of engineNames) {
  await onEngine(name, () => {
    const stage = onStage(name);
    test("DATABASECHANGELOG tells what ran, what ran again, and what was left out", async () => {
      const shipment = await readBy(liquibase, chain, { engine: name });
      const [one, two, three] = shipment.migrations;
      await keeping(stage(), shipment, async ({ recorded, through, rows, script }) => {
        expect(await recorded()).toEqual({ applied: [] });
        for (const migration of [one, two, three, two]) await through(migration);
        expect((await recorded()).applied.map(({ id, checksum }) => [id, checksum])).toEqual(
          [one, three, two].map((migration) => [migration?.recordedAs?.id, migration?.recordedAs?.checksum]),
        );
        const [table = "", lock = ""] = shipment.migrator?.record.tables ?? [];
        const told = await rows(
          `select id as a, orderexecuted as b, exectype as c, contexts as d, labels as e, comments as f from ${table} order by orderexecuted`,
        );
        expect(told.map(({ a, b, c, d, e, f }) => [a, Number(b), c, d, e, f])).toEqual([
          ["1", 1, "EXECUTED", null, null, ""],
          ["1", 3, "EXECUTED", "(prod or test)", "a,b", "the first"],
          ["2", 4, "RERAN", null, null, ""],
        ]);
        await script(`update ${table} set md5sum = '8:abc' where id = '2'`);
        expect((await recorded()).applied.map(({ checksum }) => checksum?.slice(0, 2))).toEqual([
          "9:",
          "9:",
          undefined,
        ]);
        await script(`update ${lock} set locked = true, lockedby = 'web-1'`);
        expect((await recorded()).halfDone?.message).toBe(
          `Liquibase's lock is held by "web-1": its run was killed, or is still at work (liquibase release-locks takes it away)`,
        );
      });
    });

    test("paths recorded from further above, and checksums said to be valid, are known again", async () => {
      const text = `${first}--changeset a:1\n--validCheckSum: 9:old\nselect 1;\n--changeset a:2\n--validCheckSum any\nselect 2;\n`;
      const shipment = await readBy(liquibase, { "x/a.sql": text }, { engine: name });
      const [table = ""] = shipment.migrator?.record.tables ?? [];
      await keeping(stage(), shipment, async ({ recorded, script }) => {
        await recorded();
        const row = (id: number, sum: string) =>
          `insert into ${table} values ('${id}', 'a', 'classpath:db/changelog/x/a.sql', now(), ${id}, 'EXECUTED', '${sum}', '', '', null, '', null, null, null)`;
        await script(row(1, "9:old"));
        await script(row(2, "9:whatever"));
        const known = shipment.migrations.map(({ recordedAs }) => ({
          id: recordedAs?.id,
          checksum: recordedAs?.checksum,
        }));
        expect((await recorded()).applied).toEqual(known);
      });
    });

    test("a precondition decides what becomes of a changeset", async () => {
      const sandbox = await stage().create();
      const db = await sandbox.knex();
      const check = (onFail: string, check: string) => `--preconditions onFail:${onFail}\n--precondition-${check}\n`;
      const text = `${first}--changeset a:1
${check("HALT", "sql-check expectedResult:0 select 0;")}create table t (i varchar(9));
insert into t values ('a?');
--changeset a:2
${check("MARK_RAN", "table-exists table:nowhere")}insert into t values ('b');
--changeset a:3
${check("WARN", "view-exists view:t")}insert into t values ('c');
--changeset a:4
${check("CONTINUE", "table-exists table:t")}insert into t values ('d');
--changeset a:5
${check("HALT", "sql-check expectedResult:'7' select count(*) from t")}insert into t values ('e');
`;
      const { migrations } = await readBy(liquibase, { "a.sql": text }, { engine: name });
      const ran = migrations.map(({ up }) => (typeof up === "function" ? up : () => Promise.reject("no code")));
      for (const up of ran.slice(0, 4)) await up(db);
      await expect(ran[4]?.(db)).rejects.toMatchObject({
        name: "PreconditionFailed",
        message: "SQL precondition failed: expected '7', got '3'",
      });
      expect((await db("t").select("i")).map(({ i }) => i)).toEqual(["a?", "c", "d"]);
      await db.destroy();
      await sandbox.drop();
    });
  });
}

for (const name of engineNames) {
  await onEngine(name, () => {
    test("a hop runs again what changed, and asks again for what it passed over", async () => {
      const kept: unknown[] = [];
      const before = (i: string) => `${first}--changeset a:1
create table t (i int);
--changeset a:2 runOnChange:true
insert into t values (${i});
`;
      const after = `${before("2")}--changeset a:3
--preconditions onFail:MARK_RAN
--precondition-sql-check expectedResult:0 select count(*) from t
drop table t;
--changeset a:4
--preconditions onFail:CONTINUE
--precondition-sql-check expectedResult:0 select count(*) from t
drop table t;
--changeset a:5
--precondition-sql-check expectedResult:2 select count(*) from t
insert into t values (5);
--changeset a:6
--preconditions onError:MARK_RAN
--precondition-sql-check expectedResult:2 select count(*) from nowhere
drop table t;
`;
      const folders = await Promise.all([before("1"), after].map((text) => folderOf({ "a.sql": text })));
      const [old, next] = folders.map((folder) => ({
        read: (engine: EngineName) => liquibase.read(folder, { engine }),
      }));
      const scenario = defineScenario({
        title: "Liquibase",
        engines: [name],
        chain: [release("1.0", { migrations: old ?? [] }), release("1.1", { migrations: next ?? [] })],
        paths: [
          {
            from: "1.0",
            to: "1.1",
            expect: clean,
            check: async ({ after }) => {
              const table = { postgres: "databasechangelog", mysql: "DATABASECHANGELOG", mariadb: "DATABASECHANGELOG" }[
                name
              ];
              const told = await after.query(`select id as a, exectype as b from ${table} order by id`);
              kept.push(...told.map(({ a, b }) => [a, b]));
              return [];
            },
          },
          { to: "1.1", expect: broken("migration-failed", { exception: "PreconditionFailed" }) },
        ],
      });
      const { met, rehearsals } = await rehearse([scenario]);
      expect(kept).toEqual([
        ["1", "EXECUTED"],
        ["2", "RERAN"],
        ["3", "MARK_RAN"],
        ["5", "EXECUTED"],
        ["6", "MARK_RAN"],
      ]);
      expect([met, ...rehearsals.map(({ verdict }) => verdict.outcome)]).toEqual([2, "clean", "broken"]);
    });
  });
}

function piecesOf(file: SqlFile | undefined): readonly Piece[] {
  return (file?.pieces ?? []) as readonly Piece[];
}

function sqlOf(file: SqlFile | undefined): readonly string[] {
  return piecesOf(file).map(({ sql }) => sql);
}
