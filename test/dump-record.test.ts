import {
  clean,
  defineScenario,
  knexMigrations,
  type Migration,
  rehearse,
  release,
  type Scenario,
} from "migration-sandbox";
import { expect, test } from "vitest";
import type { MigrationSource } from "../harness/chain.ts";
import { dumpAt } from "../harness/dump.ts";
import type { Format } from "../harness/formats/format.ts";
import { golangMigrate } from "../harness/formats/golang-migrate.ts";
import { prisma } from "../harness/formats/prisma.ts";
import { recordsIn } from "../harness/formats/recognise.ts";
import { pathFromDump } from "../harness/selection.ts";
import { chained, dumpFolder, notesOf, told, upgradeFrom } from "./dumping.ts";
import { folderOf } from "./formats/folder-of.ts";
import { onEngine, onStage } from "./stage.ts";

const dump = dumpFolder();

/** A chain whose releases ship one file more each, read as a format's own tool reads them. */
async function chainOf(format: Format, files: readonly (readonly [string, string])[]) {
  const releases = files.map(async (_, i) => {
    const folder = await folderOf(Object.fromEntries(files.slice(0, i + 1)));
    const migrations: MigrationSource = { read: async (engine) => format.read(folder, { engine }) };
    return release(`1.${i}`, { migrations });
  });
  return Promise.all(releases);
}

const sqlFiles = [
  ["1_users.up.sql", "create table users (id int)"],
  ["2_name.up.sql", "alter table users add column name varchar(9)"],
  ["3_mail.up.sql", "alter table users add column mail varchar(9)"],
] as const;

const prismaFiles = [
  ["1_users/migration.sql", "create table users (id int)"],
  ["2_name/migration.sql", "alter table users add column name varchar(9)"],
] as const;

const prismaTable = (rows: string) =>
  `create table _prisma_migrations (id varchar(36) primary key, checksum varchar(64) not null, finished_at TIME, migration_name varchar(255) not null, logs text, rolled_back_at TIME, started_at TIME, applied_steps_count integer not null default 0);
insert into _prisma_migrations (id, checksum, finished_at, migration_name) values ${rows};
`;

for (const name of ["postgres", "mariadb", "mysql"] as const) {
  await onEngine(name, () => {
    const stage = onStage(name);
    const time = (sql: string) => sql.replaceAll("TIME", name === "postgres" ? "timestamptz" : "datetime(3)");
    const marked = (sql: string) =>
      `${name === "postgres" ? "SET statement_timeout = 0;" : "/*!40101 SET NAMES utf8mb4 */;"}\n${time(sql)}`;
    const rehearsed = async (scenario: Scenario) =>
      (await rehearse([scenario], { stage: async () => stage() })).rehearsals;
    const fromDump = async (sql: string, chain: Parameters<typeof upgradeFrom>[2], more = {}) => {
      const [rehearsal] = await rehearsed(upgradeFrom(name, dump("theirs.sql", marked(sql)), chain, more));
      if (rehearsal === undefined) throw new Error("Nothing was rehearsed");
      return rehearsal;
    };
    const ran = ({ hops }: { hops: readonly { migrations: readonly { name: string }[] }[] }) =>
      hops.flatMap(({ migrations }) => migrations.map(({ name }) => name));

    const users = "create table users (id int);\ninsert into users values (1);\n";
    const version = (at: number, dirty: boolean) =>
      `${users}create table schema_migrations (version bigint not null primary key, dirty boolean not null);\ninsert into schema_migrations values (${at}, ${dirty});\n`;

    test("a path goes on from the tool's own record in the dump", async () => {
      const rehearsal = await fromDump(version(1, false), await chainOf(golangMigrate, sqlFiles));
      expect(told(rehearsal)).toBe("clean");
      expect(ran(rehearsal)).toEqual(["2_name", "3_mail"]);
      expect(notesOf(rehearsal)).toEqual([]);
      expect(rehearsal).toMatchObject({ path: ["1.0", "1.2"], dump: expect.stringContaining("theirs.sql") });
    });

    test("a dump that stands at another release than is said goes on from there, and that is told", async () => {
      const sql = `${version(2, false)}alter table users add column name varchar(9);\n`;
      const rehearsal = await fromDump(sql, await chainOf(golangMigrate, sqlFiles));
      expect(told(rehearsal)).toBe("clean");
      expect(ran(rehearsal)).toEqual(["3_mail"]);
      expect(notesOf(rehearsal)).toEqual([
        [
          "dump-stands-elsewhere",
          '"theirs.sql" does not stand at 1.0 by its record: it is that of 1.1 (it ends at "2", and the release at "1"); the path goes on from what the record says',
        ],
      ]);
    });

    test("what golang-migrate left dirty is refused as it refuses it, and noted where it was found", async () => {
      const rehearsal = await fromDump(version(2, true), await chainOf(golangMigrate, sqlFiles));
      const dirty =
        'its record is dirty at version 2 (mend the database by hand, then "migrate force" to the version it really is at)';
      expect(told(rehearsal)).toBe(`broken\nmigration-failed: golang-migrate refuses to migrate: ${dirty}`);
      expect(notesOf(rehearsal)).toContainEqual([
        "record-half-done",
        `"theirs.sql" was taken with golang-migrate's work half done: ${dirty}`,
      ]);
    });

    test("so is what Prisma began and did not finish", async () => {
      const rows = "('a', 'x', now(), '1_users'), ('b', 'y', null, '2_name')";
      const rehearsal = await fromDump(`${users}${prismaTable(rows)}`, await chainOf(prisma, prismaFiles));
      const failed =
        'its record holds "2_name" as begun and not finished (mend the database by hand, then "prisma migrate resolve")';
      expect(told(rehearsal)).toBe(`broken\nmigration-failed: Prisma refuses to migrate: ${failed}`);
      expect(notesOf(rehearsal)).toEqual([
        ["record-half-done", `"theirs.sql" was taken with Prisma's work half done: ${failed}`],
      ]);
    });

    test("Knex itself says that its lock is held, and so does a note", async () => {
      const folder = await folderOf({
        "1_users.cjs":
          "exports.up = (db) => db.schema.createTable('users', (t) => t.integer('id')); exports.down = () => {};",
        "2_name.cjs":
          "exports.up = (db) => db.schema.alterTable('users', (t) => t.text('name')); exports.down = () => {};",
      });
      const chain = ["1_users.cjs", "2_name.cjs"].map((upTo, i) =>
        release(`1.${i}`, { migrations: knexMigrations(folder.path, { upTo }) }),
      );
      const record = (
        locked: number,
      ) => `${users}create table knex_migrations (id int primary key, name varchar(255), batch int, migration_time TIME);
insert into knex_migrations values (1, '1_users.cjs', 1, now());
create table knex_migrations_lock (${name === "postgres" ? '"index"' : "`index`"} int primary key, is_locked int);
insert into knex_migrations_lock values (1, ${locked});
`;
      const rehearsal = await fromDump(record(1), chain);
      expect(told(rehearsal)).toMatch(/^broken\nmigration-failed: .*[Ll]ock/);
      expect(rehearsal.verdict.findings).toMatchObject([{ exception: "LockError" }]);
      expect(notesOf(rehearsal)).toEqual([
        [
          "record-half-done",
          `"theirs.sql" was taken with Knex's work half done: its lock is still held (once nobody migrates: knex migrate:unlock)`,
        ],
      ]);
    });

    test("a chain without a tool takes what its release ships for applied, and says whose record it found", async () => {
      const sql = `${users}${prismaTable("('a', 'x', now(), '1_users')")}`;
      const rehearsal = await fromDump(
        sql,
        chained(["create table users (id int)", "alter table users add column x int"]),
      );
      expect(told(rehearsal)).toBe("clean");
      expect(ran(rehearsal)).toEqual(["0002"]);
      expect(notesOf(rehearsal)).toEqual([
        ["record-filled", '"theirs.sql" has no record of ours: what 1.0 ships (1 migration) is taken for applied'],
        [
          "other-record",
          '"theirs.sql" holds a record of Prisma ("_prisma_migrations", 1 migration): nothing here keeps it up',
        ],
      ]);
    });

    test("nothing can be told where the tool's record is not in the dump", async () => {
      const sql = `${users}${prismaTable("('a', 'x', now(), '1_users')")}`;
      const rehearsal = await fromDump(sql, await chainOf(golangMigrate, sqlFiles));
      expect(told(rehearsal)).toMatch(
        /^bad-input: Cannot go on from ".*theirs.sql": golang-migrate keeps its record in "schema_migrations", and the dump has no such table; it holds one of Prisma \("_prisma_migrations", 1 migration\) \(take the chain in that tool's format, or say what the table is called\)$/,
      );
    });

    test("rows of a dump are its users': what a hop takes from them is lost", async () => {
      const rehearsal = await fromDump(users, chained(["create table users (id int)", "delete from users"]));
      expect(rehearsal.verdict.findings.map(({ code, table }) => [code, table])).toEqual([["rows-lost", "users"]]);
    });

    test("two paths from the same dump restore it once, and seeds are sown on it", async () => {
      const file = dump("theirs.sql", marked(users));
      const [first, second] = chained(["create table users (id int)", "alter table users add column x int"]);
      if (first === undefined || second === undefined) throw new Error("There are two");
      const steps: string[] = [];
      const scenario = defineScenario({
        title: "two of them",
        engines: [name],
        chain: [first, second, release("1.2", { migrations: second.migrations as readonly Migration[] })],
        seeds: { "1.0": { name: "one more", sow: async ({ db }) => void (await db("users").insert({ id: 2 })) } },
        paths: [
          { from: "1.0", dump: file, to: "1.1", expect: clean },
          { from: "1.0", dump: dump("same.sql", marked(users)), to: "1.2", expect: clean },
        ],
      });
      const { met, rehearsals } = await rehearse([scenario], {
        stage: async () => stage(),
        onStep: ({ kind }) => steps.push(kind),
      });
      expect([met, steps]).toEqual([2, ["restore", "sow", "start", "start"]]);
      expect(rehearsals.map(({ replay }) => replay)).toEqual([
        expect.stringContaining("#1 --engine"),
        expect.stringContaining("#2 --engine"),
      ]);
    });

    test("without a start, the record tells at which release a dump stands", async () => {
      const file = await dumpAt(dump("theirs.sql", marked(version(2, false))));
      const scenario = defineScenario({
        title: "a chain",
        engines: [name],
        chain: await chainOf(golangMigrate, sqlFiles),
        paths: [{ to: "1.2", expect: clean }],
      });
      const go = async (to: string) => {
        const { rehearsals } = await rehearse([scenario], {
          stage: async () => stage(),
          select: () => [pathFromDump(scenario, file, undefined, to)],
        });
        return rehearsals[0];
      };
      const rehearsal = await go("1.2");
      expect(rehearsal && [told(rehearsal), rehearsal.path, ran(rehearsal)]).toEqual([
        "clean",
        ["1.1", "1.2"],
        ["3_mail"],
      ]);
      expect(rehearsal?.replay).toMatch(/--from 1\.1 --to 1\.2 --dump \S*theirs\.sql --engine/);
      const late = await go("1.1");
      expect(late && told(late)).toBe(
        `bad-input: Cannot tell at which release "${file.file}" stands: by its record it is at "1.1" already, and the path ends at "1.1"`,
      );
    });

    test("a dump of a sandbox that was kept goes on from our own record in it", async () => {
      const record = `create table _migration_sandbox (position integer primary key, name text not null, checksum char(64) not null);
insert into _migration_sandbox values (1, '0001', 'x');
`;
      const chain = chained(["create table users (id int)", "alter table users add column x int"]);
      const rehearsal = await fromDump(`${users}${record}`, chain);
      expect([told(rehearsal), ran(rehearsal)]).toEqual(["clean", ["0002"]]);
      expect(notesOf(rehearsal).map(([code]) => code)).toEqual(["migration-edited"]);
      const ahead = await fromDump(`${users}${record}insert into _migration_sandbox values (2, '0007', 'y');\n`, chain);
      expect(notesOf(ahead)[0]).toEqual([
        "dump-stands-elsewhere",
        '"theirs.sql" does not stand at 1.0 by its record: it has "0007" besides, and no release of the chain has such a list; the path goes on from what the record says',
      ]);
    });

    test("records of other tools are known by their columns, and told with what is half done", async () => {
      const sandbox = await stage().create();
      const session = await sandbox.connect();
      await session.script(
        time(`create table schema_migrations (version varchar(128) primary key); insert into schema_migrations values ('001');
        create table ar_internal_metadata (id int);
        create table migrations (id int, timestamp bigint, name varchar(99)); insert into migrations values (1, 5, 'A5');
        create table alembic_version (version_num varchar(32)); insert into alembic_version values ('ae10');
        create table DATABASECHANGELOG (ID varchar(9), AUTHOR varchar(9), FILENAME varchar(99), ORDEREXECUTED int, MD5SUM varchar(9));
        insert into DATABASECHANGELOG values ('1', 'me', 'c.sql', 1, 'x');
        create table DATABASECHANGELOGLOCK (ID int, LOCKED boolean, LOCKGRANTED TIME, LOCKEDBY varchar(99));
        insert into DATABASECHANGELOGLOCK values (1, true, now(), 'host (10.0.0.1)');
        create table flyway_schema_history (installed_rank int, version varchar(50), script varchar(99), success boolean);
        insert into flyway_schema_history values (1, '1', 'V1__a.sql', true), (2, '2', 'V2__b.sql', false)`),
      );
      const found = await recordsIn((sql) => session.query(sql), name);
      await session.end();
      await sandbox.drop();
      expect(found.map(({ title, names, halfDone }) => [title, names, halfDone?.message]).sort()).toEqual([
        ["Alembic", ["ae10"], undefined],
        ["Flyway", ["1"], 'its record holds "V2__b.sql" as failed (mend the database by hand, then "flyway repair")'],
        [
          "Liquibase",
          ["c.sql::1::me"],
          "its lock is still held by host (10.0.0.1) (once nobody migrates: liquibase release-locks)",
        ],
        ["Rails", ["001"], undefined],
        ["TypeORM", ["A5"], undefined],
      ]);
    });
  });
}
