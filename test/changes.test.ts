import { describe, expect, test } from "vitest";
import type { Migration } from "../harness/chain.ts";
import { changesBetween, changesOver } from "../harness/changes.ts";
import type { EngineName } from "../harness/database.ts";
import { harmlessly } from "../harness/lexemes.ts";
import type { Migrator } from "../harness/migrator.ts";
import { needsOf } from "../harness/needs.ts";
import type { Shipped } from "../harness/shipped-change.ts";

/** Goes by numbers, skips what is late, takes no notice of edits: golang-migrate's way. */
const byNumber = rules("byNumber", { late: "skip", edited: "ignore", removed: "ignore" });
/** Goes by numbers and refuses everything: Flyway's way. */
const strict = rules("Strict", { late: "refuse", edited: "refuse", removed: "refuse" });

const a = migration("1_a", "create table a (id int);\n");
const b = migration("2_b", "create table b (id int);\n");
const c = migration("3_c", "create table c (id int);\n");

describe("changesBetween() tells", () => {
  test("nothing of what stays, and nothing of what is added at the end", async () => {
    expect(await between([a, b], [a, b, c])).toEqual([]);
  });

  test("of an edited migration, from which line on, and what its tool makes of it", async () => {
    const edited = migration("2_b", "create table b (id int);\nalter table b add x int;\n");
    expect(await between([a, b], [a, edited])).toEqual([
      {
        code: "migration-edited",
        release: "1.1",
        since: "1.0",
        migration: "2_b",
        file: "db/2_b.sql",
        message:
          '"2_b" reads otherwise in 1.1 than in 1.0, from line 2 on; it is not run again where 1.0 was installed, which differs from a fresh install then',
      },
    ]);
    expect(await messages([a, b], [a, edited], strict)).toEqual([
      '"2_b" reads otherwise in 1.1 than in 1.0, from line 2 on; Strict refuses to go on where 1.0 was installed',
    ]);
  });

  test("of an edit in a part of a file by the file's own lines", async () => {
    const part = (sql: string): Migration => {
      const text = `-- +goose Up\n${sql}`;
      return { name: "1_a", up: { sql, file: "db/1_a.sql", within: { text, start: text.indexOf(sql) } } };
    };
    const [message] = await messages([part("select 1;\nselect 2;\n")], [part("select 1;\nselect 3;\n")]);
    expect(message).toContain("from line 3 on");
  });

  test("of a transaction that is not there any more as of an edit", async () => {
    expect(await codes([b], [{ ...b, transaction: false }])).toEqual(["migration-edited"]);
  });

  test("which edits are harmless, unless the tool minds all the same", async () => {
    const commented = migration("2_b", "-- the second\nCREATE TABLE b (id int);\n");
    const [harmless] = await between([a, b], [a, commented]);
    expect(harmless).toMatchObject({
      harmless: true,
      message: '"2_b" differs between 1.0 and 1.1 by letter case, comments or white space alone',
    });
    const [minded, ...more] = await between([a, b], [a, commented], strict);
    expect(more).toEqual([]);
    expect(minded).not.toHaveProperty("harmless");
    expect(minded?.message).toBe(
      '"2_b" reads otherwise in 1.1 than in 1.0, by letter case, comments or white space alone; Strict refuses to go on where 1.0 was installed',
    );
    const checked = (sql: string) => ({ ...migration("2_b", sql), recordedAs: { checksum: "1" } });
    expect(await between([checked("select 1;\n")], [checked("select 1;\r\n")], strict)).toMatchObject([
      { harmless: true, message: '"2_b" differs between 1.0 and 1.1 by line ends alone' },
    ]);
  });

  test("nothing of what is to be edited: it runs again whenever it changed", async () => {
    const view = (sql: string): Migration => ({ ...migration("R__view", sql), recordedAs: { again: "when-changed" } });
    expect(await between([a, view("select 1")], [a, b, view("select 2")], strict)).toEqual([]);
  });

  test("of another name for the same content", async () => {
    const renamed = { ...b, name: "2_bees" };
    expect(await between([a, b], [a, renamed])).toMatchObject([
      {
        code: "migration-renamed",
        migration: "2_bees",
        before: "2_b",
        message:
          '"2_b" of 1.0 is called "2_bees" in 1.1; the migrator takes it for a new one, and runs it once more where 1.0 was installed',
      },
    ]);
    expect(await messages([a, numbered(b)], [a, numbered(renamed)], byNumber)).toEqual([
      '"2_b" of 1.0 is called "2_bees" in 1.1; byNumber knows it by its number and takes no notice',
    ]);
  });

  test("of another number, and of another stamp", async () => {
    expect(await messages([a, b], [a, { ...b, name: "4_b" }])).toEqual([
      '"2_b" of 1.0 is "4_b" in 1.1; the migrator takes it for a new one, and runs it once more where 1.0 was installed',
    ]);
    const edited = migration("4_b", "create table b (id bigint);");
    expect(await messages([a, b, c], [a, c, edited], strict)).toEqual([
      '"2_b" of 1.0 is "4_b" in 1.1, with another content; Strict misses the old one and refuses to go on where 1.0 was installed',
    ]);
    const [early, late] = ["20240101000000_x", "20240301000000_x"].map((name) => ({ ...b, name }));
    expect(await codes([early as Migration], [late as Migration])).toEqual(["migration-restamped"]);
    const stamped = (when: number) => ({ ...b, recordedAs: { id: String(when), facts: { when } } });
    expect(await between([stamped(1700000000000)], [stamped(1800000000000)], byNumber)).toMatchObject([
      {
        code: "migration-restamped",
        message:
          '"2_b" has another stamp in 1.1 than in 1.0; byNumber takes it for a new one, and runs it once more where 1.0 was installed',
      },
    ]);
  });

  test("of what is not shipped any more", async () => {
    expect(await between([a, b], [a])).toEqual([
      {
        code: "migration-removed",
        release: "1.1",
        since: "1.0",
        migration: "2_b",
        message: '"2_b" was shipped by 1.0, and 1.1 does not ship it; a fresh install lacks what it did',
      },
    ]);
    expect(await messages([a, b], [a], strict)).toEqual([
      '"2_b" was shipped by 1.0, and 1.1 does not ship it; Strict refuses to go on where it was applied',
    ]);
  });

  test("of another migration under the same number", async () => {
    const other = migration("2_other", "create table other (id int);");
    expect(await codes([a, b], [a, other])).toEqual(["migration-replaced"]);
    expect(await messages([a, numbered(b)], [a, numbered(other)], byNumber)).toEqual([
      '"2_b" of 1.0 made way for "2_other" under the same number; byNumber holds it for applied where 1.0 was installed, and never runs it',
    ]);
  });

  test("of what came late, and what the tool does with it", async () => {
    const told = async (migrator?: Migrator) => (await messages([a, c], [a, b, c], migrator))[0];
    const late = '"2_b" is new in 1.1 and comes before "3_c", which 1.0 ships; ';
    expect(await told()).toBe(`${late}the migrator runs it out of order where 1.0 was installed`);
    expect(await told(byNumber)).toBe(`${late}byNumber silently skips it where 1.0 was installed`);
    expect(await told(strict)).toBe(`${late}Strict refuses to go on where 1.0 was installed`);
  });

  test("of what a tool passes over by its time, wherever it stands", async () => {
    const at = (one: Migration, when: number) => ({ ...one, recordedAs: { id: String(when), facts: { when } } });
    expect(await codes([at(a, 10), at(b, 30)], [at(a, 10), at(b, 30), at(c, 20)], byNumber)).toEqual([
      "migration-late",
    ]);
  });

  test("of an edit in a file that is too large to be held", async () => {
    const large = (rows: string): Migration => {
      async function* pieces() {
        yield { sql: "copy t from stdin", offset: 0, copied: rows };
      }
      return { name: "1_data", up: { sql: "", file: "db/1_data.sql", pieces } };
    };
    expect(await codes([large("1\n")], [large("1\n")])).toEqual([]);
    expect((await messages([large("1\n")], [large("2\n")]))[0]).toContain(
      '"1_data" reads otherwise in 1.1 than in 1.0, somewhere in a file too large to be compared by lines; ',
    );
  });

  test("of a thousand migrations that were formatted anew that all of it is harmless", async () => {
    const many = Array.from({ length: 1000 }, (_, i) => `${i}_m`);
    const changes = await between(
      many.map((name) => migration(name, `insert into t values ('${name}');`)),
      many.map((name) => migration(name, `INSERT INTO t\n  VALUES ('${name}');\n`)),
    );
    expect(changes.length).toBe(1000);
    expect(changes.every(({ harmless }) => harmless)).toBe(true);
  });
});

describe("changesOver() tells", () => {
  test("each change once, at the release that brought it", async () => {
    const chain = [
      shipped("1.0", [a, c]),
      shipped("1.1", [a, b, c]),
      shipped("1.2", [a, b, c]),
      shipped("2.0", [a, b]),
    ];
    const told = (await changesOver(chain)).map(({ code, release }) => `${code} ${release}`);
    expect(told).toEqual(["migration-late 1.1", "migration-removed 2.0"]);
  });

  test("downs that are missing, empty, lost, or take back what is not there", async () => {
    const down = (one: Migration, sql: string): Migration => ({
      ...one,
      down: { sql, file: `db/${one.name}.down.sql` },
    });
    const lone: Migration = {
      name: "4_d",
      up: { sql: "", file: "db/4_d.down.sql", pieces: [] },
      down: { sql: "drop table d", file: "db/4_d.down.sql" },
    };
    const chain = [
      shipped("1.0", [down(a, "drop table a"), b, down(c, "-- nothing\n")]),
      shipped("1.1", [a, b, c, lone]),
    ];
    expect((await changesOver(chain)).map(({ code, message }) => `${code}: ${message}`)).toEqual([
      'down-missing: "2_b" has no way down in 1.0, where 1 of 3 have one',
      'down-missing: "3_c" has an empty way down in 1.0, where 1 of 3 have one',
      'down-missing: "1_a" has no way down in 1.1, and had one in 1.0',
      'down-unpaired: "4_d" has a way down and none up: 1.1 ships nothing that it takes back',
    ]);
    expect(await changesOver([shipped("1.0", [a, b])])).toEqual([]);
  });
});

describe("an edit is harmless", () => {
  const cases: readonly (readonly [EngineName, string, string, string | undefined])[] = [
    ["postgres", "select 1;\n", "select 1;\r\n", "line ends"],
    ["postgres", "select  a,b", "select a, b\n", "white space"],
    ["postgres", "select 1", "select 1 -- one", "comments or white space"],
    ["postgres", "select 1", "/* a /* b */ c */ select 1", "comments or white space"],
    ["postgres", "select A from T", "SELECT a FROM t", "letter case, comments or white space"],
    ["postgres", "select 'a  b'", "select 'a b'", undefined],
    ["postgres", "select '-- x'", "select ''", undefined],
    ["postgres", 'select "A"', 'select "a"', undefined],
    ["postgres", "do $$ begin end $$", "do $$ begin  end $$", undefined],
    ["postgres", "select E'\\' -- a'", "select E'\\' -- b'", undefined],
    ["postgres", "select a - -1", "select a --1", undefined],
    ["postgres", "copy t from stdin;\n1\t2\n\\.\n", "copy t from stdin;\n1 2\n\\.\n", undefined],
    ["mysql", "select 1 # one", "select 1", "comments or white space"],
    ["mysql", "SELECT `a` FROM t", "select `a` from t", "letter case, comments or white space"],
    ["mysql", "select a from T", "select a from t", undefined],
    ["mysql", "/*!40101 set x = 1 */", "", undefined],
    ["mysql", "select 1--1", "select 1", undefined],
    ["mariadb", "select '\\' # a'", "select '\\' # b'", undefined],
  ];
  for (const [engine, before, after, harmless] of cases)
    test(`on ${engine}, from ${JSON.stringify(before)} to ${JSON.stringify(after)}: ${harmless ?? "no"}`, () => {
      expect(harmlessly([before], [after], engine)).toBe(harmless);
      expect(harmlessly([after], [before], engine)).toBe(harmless);
    });

  test("and sent in other pieces it is not", () => {
    expect(
      harmlessly(
        ["select 1; select 2", "select 1", "select 2"],
        ["select 1; select 2", "select 1; select 2"],
        "postgres",
      ),
    ).toBe(undefined);
  });
});

test("needsOf() names extensions, roles and rights, each once, and none that stand in comments or strings", () => {
  const needs = needsOf(
    [
      migration(
        "1",
        "-- create extension postgis;\nselect 'create extension postgis'; create extension if not exists vector;",
      ),
      migration(
        "2",
        'CREATE EXTENSION "uuid-ossp"; create extension vector; create role reader; grant select on t to reader;',
      ),
      migration(
        "3",
        "do $$ begin alter system set x = 1; end $$; alter table t owner to app; copy t from program 'x';",
      ),
    ],
    "postgres",
  );
  expect(needs.map(({ what, why, migration }) => `${migration} ${what}: ${why}`)).toEqual([
    '1 extension "vector": not part of PostgreSQL',
    '2 extension "uuid-ossp": of PostgreSQL\'s contrib',
    '2 role "reader": makes or changes it: CREATEROLE',
    '3 role "app": must be there',
    "3 ALTER SYSTEM: superuser",
    "3 COPY of a server's file or program: superuser",
  ]);
  const mysql = [
    migration("1", "create user x; set global event_scheduler = on; create definer=`root`@`%` view v as select 1"),
  ];
  expect(needsOf(mysql, "mariadb").map(({ what }) => what)).toEqual(["CREATE USER", "SET GLOBAL", "DEFINER"]);
});

function migration(name: string, sql: string): Migration {
  return { name, up: { sql, file: `db/${name}.sql` } };
}

function numbered(one: Migration): Migration {
  return { ...one, recordedAs: { id: /^\d+/.exec(one.name)?.[0] ?? one.name } };
}

function rules(title: string, told: Pick<Migrator, "late" | "edited" | "removed">): Migrator {
  const record = { tables: ["record"], create: {}, read: async () => ({ applied: [] }), add: () => ({}) };
  return { title, engines: ["postgres"], transaction: "each", lock: "none", ...told, record };
}

function shipped(release: string, migrations: readonly Migration[], migrator?: Migrator): Shipped {
  return { release, engine: "postgres", shipment: { migrations, ...(migrator !== undefined && { migrator }) } };
}

function between(earlier: readonly Migration[], later: readonly Migration[], migrator?: Migrator) {
  return changesBetween(shipped("1.0", earlier, migrator), shipped("1.1", later, migrator));
}

async function codes(...args: Parameters<typeof between>) {
  return (await between(...args)).map(({ code }) => code);
}

async function messages(...args: Parameters<typeof between>) {
  return (await between(...args)).map(({ message }) => message);
}
