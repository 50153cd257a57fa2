// Rows that an upgrade loses, or does not, where neither tables nor columns are known by more than InnoDB tells.

import { broken, clean } from "migration-sandbox";
import { describe, expect, test } from "vitest";
import { codes, messages, nothingWrong, sowing, users, walksOn } from "./walk.contract.ts";

describe.each(["mariadb", "mysql"] as const)("rows on %s", (engine) => {
  const { upgraded, chained } = walksOn(engine);
  const two = "insert into users values (1, 'ann'), (2, 'bob')";

  describe("are lost", () => {
    test.each([
      ["deleted", "delete from users where id = 2", '1 sown row is gone from "users": {"id":"2"}'],
      ["truncated", "truncate users", '2 sown rows are gone from "users": {"id":"1"}, {"id":"2"}'],
      ["dropped", "drop table users", '2 sown rows are gone from "users", and so is the table: {"id":"1"}, {"id":"2"}'],
      [
        "of a table under its new name",
        "rename table users to people; delete from people where id = 2",
        '1 sown row is gone from "users": {"id":"2"}',
      ],
      [
        "of a table with another key type",
        "alter table users modify id bigint unsigned; delete from users where id = 2",
        '1 sown row is gone from "users": {"id":"2"}',
      ],
      [
        "of a table in another engine",
        "alter table users engine = MyISAM; delete from users where id = 2",
        '1 sown row is gone from "users": {"id":"2"}',
      ],
      [
        "in neither of two tables that share the name",
        "rename table users to accounts; create table users (id int primary key); delete from accounts where id = 2",
        '1 sown row is gone from "users": {"id":"2"}',
      ],
      [
        "by REPLACE and ON DUPLICATE KEY alike only where their key is gone",
        "replace into users values (1, 'x'); update users set id = 3 where id = 2",
        '1 sown row is gone from "users": {"id":"2"}',
      ],
    ])("when %s", async (_, hop, message) => {
      const { verdict } = await upgraded({ installs: users, sows: two, hop });
      expect(messages(verdict.findings)).toEqual([message]);
    });

    test("as notes where the product had put them there", async () => {
      const { verdict } = await upgraded({
        installs: `${users}; insert into users values (7, 'root')`,
        sows: two,
        hop: "truncate users",
      });
      expect(messages(verdict.findings)).toEqual(['2 sown rows are gone from "users": {"id":"1"}, {"id":"2"}']);
      expect(messages(verdict.notes)).toEqual(['1 product row is gone from "users": {"id":"7"}']);
    });

    test("by who put them there, several hops later, through renames and clones of clones", async () => {
      const rehearsals = await chained({
        migrations: [
          `${users}; insert into users values (9, 'root')`,
          "rename table users to people; insert into people values (8, 'by 1.1')",
          "alter table people rename to folk",
          "delete from folk",
        ],
        seeds: { "1.0": sowing(two), "1.2": sowing("insert into folk values (3, 'cy')", "one more") },
        paths: [
          { from: "1.0", via: ["1.1", "1.2"], to: "1.3", expect: broken("rows-lost", { table: "folk" }) },
          { from: "1.0", via: ["1.1"], to: "1.3", expect: broken("rows-lost", { table: "people" }) },
          { from: "1.0", to: "1.3", expect: broken("rows-lost", { table: "users" }) },
          { from: "1.0", via: ["1.1"], to: "1.2", expect: clean },
          { from: "1.0", to: "1.1", expect: clean },
        ],
      });
      expect(rehearsals.map(({ verdict }) => [messages(verdict.findings), messages(verdict.notes)])).toEqual([
        [
          ['3 sown rows are gone from "folk": {"id":"1"}, {"id":"2"}, {"id":"3"}'],
          ['2 product rows are gone from "folk": {"id":"8"}, {"id":"9"}'],
        ],
        [
          ['2 sown rows are gone from "people": {"id":"1"}, {"id":"2"}'],
          ['2 product rows are gone from "people": {"id":"8"}, {"id":"9"}'],
        ],
        [
          ['2 sown rows are gone from "users": {"id":"1"}, {"id":"2"}'],
          ['1 product row is gone from "users": {"id":"9"}'],
        ],
        [[], []],
        [[], []],
      ]);
      expect(rehearsals.map(({ met }) => met)).toEqual([true, true, true, true, true]);
    });
  });

  describe("are not lost", () => {
    test.each([
      ["a rename", "rename table users to people"],
      ["two renames at once", "rename table users to people, people to folk"],
      ["a rename to make way for another", "rename table users to old; create table users (id int primary key, n int)"],
      [
        "a rebuild by hand",
        "create table users2 like users; insert into users2 select * from users; drop table users; rename table users2 to users",
      ],
      [
        "a swap",
        "create table users2 like users; insert into users2 select * from users; rename table users to old, users2 to users; drop table old",
      ],
      ["another key type", "alter table users modify id bigint unsigned not null auto_increment"],
      ["another character set", "alter table users convert to character set latin1"],
      ["another engine", "alter table users engine = MyISAM"],
      ["another row format", "alter table users row_format = compressed"],
      ["partitions", "alter table users partition by hash (id) partitions 3"],
      ["optimizing", "optimize table users"],
      ["a new primary key beside the old column", "alter table users drop primary key, add primary key (name)"],
      ["a renamed column", "alter table users rename column name to full_name"],
      ["a renamed key column", "alter table users rename column id to user_id"],
      ["a renamed key column by CHANGE", "alter table users change id user_id bigint not null"],
      [
        "a renamed key column while others change",
        "alter table users rename column id to user_id; update users set name = upper(name)",
      ],
      ["a rename after a rebuild", "alter table users modify id bigint; rename table users to people"],
      ["a rename in the very ALTER that rebuilds", "alter table users modify id bigint, rename to people"],
      ["an ALTER that sorts", "alter table users order by name"],
      ["a generated column", "alter table users add column initial char(1) as (left(name, 1)) stored first"],
      ["columns in another order", "alter table users modify name varchar(50) first"],
    ])("by %s", async (_, hop) => {
      const { verdict } = await upgraded({ installs: users, sows: two, hop });
      expect(verdict).toEqual(nothingWrong);
    });

    test("by a rename of a table that only has its key", async () => {
      const { verdict } = await upgraded({
        installs: "create table tags (tag varchar(50) primary key)",
        sows: "insert into tags values ('a'), ('b')",
        hop: "alter table tags rename column tag to name",
      });
      expect(verdict).toEqual(nothingWrong);
    });

    test.each([
      ["with partitions", "create table t (id int primary key, v int) partition by hash (id) partitions 3"],
      ["of another engine", "create table t (id int primary key, v int) engine = MyISAM"],
      ["with an odd name", "create table t (id int primary key, v int); rename table t to `größe/1 $x`"],
      ["with a full text index", "create table t (id int primary key, v int, w text, fulltext (w))"],
      ["compressed", "create table t (id int primary key, v int) row_format = compressed"],
    ])("by a rename of a table %s, in a later hop too", async (_, installs) => {
      const name = /größe/.test(installs) ? "`größe/1 $x`" : "t";
      const rehearsals = await chained({
        migrations: [installs, `rename table ${name} to later`, "delete from later where id = 1"],
        seeds: { "1.0": sowing(`insert into ${name} (id, v) values (1, 1), (2, 2)`) },
        paths: [
          { from: "1.0", to: "1.1", expect: clean },
          { from: "1.0", via: ["1.1"], to: "1.2", expect: broken("rows-lost", { table: "later" }) },
        ],
      });
      expect(rehearsals.map(({ verdict }) => messages(verdict.findings))).toEqual([
        [],
        ['1 sown row is gone from "later": {"id":"1"}'],
      ]);
    });

    test.each([
      [
        "letters that its collation folds",
        "varchar(20) collate utf8mb4_general_ci",
        "('a'), ('B'), ('é'), ('Z'), ('_')",
      ],
      ["trailing spaces", "varchar(20) collate utf8mb4_bin", "('a'), ('b  '), (' '), ('c\t')"],
      ["padded characters", "char(5)", "('a'), ('b'), ('')"],
      ["latin1", "varchar(20) character set latin1", "('ä'), ('a'), ('ß'), ('z'), ('€')"],
      ["emoji", "varchar(20) collate utf8mb4_bin", "('🙂'), ('😀'), ('ｚ'), ('\ufffd'), ('z')"],
      ["bytes", "varbinary(20)", "(x'00'), (x''), (x'0000'), (x'ff00'), ('a'), ('A')"],
      ["fixed bytes", "binary(4)", "(x'00'), (x'01'), ('a'), ('A')"],
      ["numbers below zero", "int", "(0), (-1), (1), (-10), (10), (2)"],
      ["numbers that no JavaScript holds", "bigint unsigned", "(18446744073709551615), (18446744073709551614), (0)"],
      ["fractions", "float", "(0.1), (16777216), (16777218), (1e30), (-0.5)"],
      ["doubles", "double", "(0.1), (1e300), (-0.0), (1e-300)"],
      ["decimals", "decimal(30, 10)", "(1.5), (10), (-2.25), (0)"],
      ["moments", "datetime(6)", "('2024-01-02 03:04:05.000001'), ('1000-01-01'), ('9999-12-31 23:59:59.999999')"],
      ["times", "time(3)", "('-838:59:59'), ('00:00:00.001'), ('12:00')"],
      ["years", "year", "(0), (1901), (2155)"],
      ["bits", "bit(12)", "(0), (b'1'), (b'111111111111')"],
      ["members of an enumeration", "enum('b', 'a', 'é')", "('a'), ('b'), ('é')"],
      ["members of a set", "set('b', 'a')", "(''), ('a'), ('a,b')"],
    ])("by a hop that leaves them: keys of %s", async (_, type, rows) => {
      const installs = `create table t (k ${type} not null primary key, v int default 1)`;
      const rehearsals = await chained({
        migrations: [installs, "update t set v = 2", "rename table t to u", "delete from u limit 1"],
        seeds: { "1.0": sowing(`insert into t (k) values ${rows}`) },
        paths: [
          { from: "1.0", via: ["1.1"], to: "1.2", expect: clean },
          { from: "1.0", via: ["1.1", "1.2"], to: "1.3", expect: broken("rows-lost") },
          { from: "1.0", to: "1.3", expect: broken("rows-lost") },
        ],
      });
      expect(rehearsals.map(({ verdict }) => verdict)).toMatchObject([
        nothingWrong,
        { findings: [{ code: "rows-lost", message: expect.stringMatching(/^1 sown row is gone from "u"/) }] },
        { findings: [{ code: "rows-lost", message: expect.stringMatching(/^1 sown row is gone from "t"/) }] },
      ]);
    });

    test("by a hop that leaves them: without a key, alike, NULL, of every length", async () => {
      const rehearsals = await chained({
        migrations: [
          "create table log (line longtext, raw longblob, doc json)",
          "alter table log add column extra int",
          "delete from log where line = 'a' limit 1",
        ],
        seeds: {
          "1.0":
            sowing(`insert into log values ('a', x'00', '{"b": 1, "a": [null]}'), ('a', x'00', '{"a": [null], "b": 1}'),
            (null, null, null), (repeat('x', 70000), repeat('y', 70000), '[]'), (repeat('x', 70001), null, '[]')`),
        },
        paths: [
          { from: "1.0", to: "1.1", expect: clean },
          { from: "1.0", via: ["1.1"], to: "1.2", expect: broken("rows-lost") },
          { from: "1.0", to: "1.2", expect: broken("rows-lost") },
        ],
      });
      expect(rehearsals.map(({ verdict }) => codes(verdict.findings))).toEqual([[], ["rows-lost"], ["rows-lost"]]);
      expect(messages(rehearsals[1]?.verdict.findings ?? [])[0]).toMatch(/^1 sown row is gone from "log": {"line":"a"/);
    });

    test("by a hop that leaves them: without a key, of many long texts", async () => {
      const columns = Array.from({ length: 12 }, (_, i) => `t${i} text`);
      const values = columns.map(() => "repeat('🙂', 16000)");
      const { verdict } = await upgraded({
        installs: `create table pages (id int, ${columns})`,
        sows: `insert into pages values (1, ${values}), (2, ${values}), (2, ${values})`,
        hop: "alter table pages add column extra int; delete from pages where id = 2 limit 1",
      });
      expect(codes(verdict.findings)).toEqual(["rows-lost"]);
    });

    test("by a hop that leaves them: ids 0 and below, dates of zero, values that are generated or invisible", async () => {
      const invisible = "hidden int invisible default 5";
      const rehearsals = await chained({
        migrations: [
          `set sql_mode = ''; create table t (id int auto_increment primary key, day date not null default '0000-00-00',
             n int as (dayofmonth(day)) stored, m int as (month(day)) virtual, ${invisible}, key (m))`,
          "set sql_mode = ''; alter table t add column more int default 1",
        ],
        seeds: {
          "1.0":
            sowing(`set sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; insert into t (id, day, hidden) values (0, '0000-00-00', 6),
            (-5, '2024-00-10', 7), (7, default, 8); set sql_mode = default`),
        },
        paths: [
          { from: "1.0", to: "1.1", expect: clean },
          {
            from: "1.0",
            to: "1.1",
            with: sowing("insert into t (id, day) values (8, '2024-01-01')", "another"),
            expect: clean,
          },
        ],
        async check({ after }) {
          const rows = [...(await after.query("select id, cast(day as char) as day, n, m, hidden from t order by id"))];
          const known = [
            { id: -5, day: "2024-00-10", n: 10, m: 0, hidden: 7 },
            { id: 0, day: "0000-00-00", n: 0, m: 0, hidden: 6 },
            { id: 7, day: "0000-00-00", n: 0, m: 0, hidden: 8 },
          ];
          return JSON.stringify(rows.slice(0, 3)) === JSON.stringify(known)
            ? []
            : [{ code: "other-rows", message: JSON.stringify(rows) }];
        },
      });
      expect(rehearsals.map(({ verdict }) => verdict)).toEqual([nothingWrong, nothingWrong]);
    });
  });
});
