// What migrations, seeders and checks do to sessions and to the server: hang, set, end, leave open, drop.

import { setTimeout as sleep } from "node:timers/promises";
import { broken, type Check, clean, type Migration, type Seeder } from "migration-sandbox";
import { describe, expect, test } from "vitest";
import { codes, nothingWrong, sowing, users, walksOn } from "./walk.contract.ts";

const ann = "insert into users values (1, 'ann')";

describe.each(["mariadb", "mysql"] as const)("on %s", (engine) => {
  const { upgraded, asked, chained, rehearsed, databases, stage } = walksOn(engine);

  describe("a hop that hangs", { timeout: 120_000 }, () => {
    // What each is found by in the list of sessions is its own: they hang together.
    const hanging: readonly (readonly [string, string, Migration["up"]])[] = [
      ["in SQL", "sleep(600)", "do sleep(600)"],
      ["in SQL, in another database", "sleep(601)", "use mysql; do sleep(601)"],
      ["in a routine", "sleep(602)", "create procedure p() begin do sleep(602); end; call p()"],
      ["in code", "sleep(603)", async (db) => void (await db.raw("do sleep(603)"))],
      ["outside of the server", "outside", () => new Promise(() => {})],
      [
        "at a lock of its own",
        "email text",
        async (db) => {
          const open = await db.transaction();
          await open.raw("select * from users");
          await db.raw("alter table users add column email text");
        },
      ],
    ];

    // Together: each has a sleep of its own to be found by, and does nothing but wait.
    test.concurrent.each(hanging)(
      "is inconclusive once its time is over, and the rest goes on: %s",
      async (_, trace, up) => {
        const rehearsals = await chained(
          {
            migrations: [users, up, "select 1"],
            transaction: "none",
            seeds: { "1.0": sowing(ann) },
            paths: [
              { from: "1.0", to: "1.1", expect: clean },
              { to: "1.0", expect: clean },
            ],
          },
          { timeout: 5000 },
        );
        const timedOut = { code: "timed-out", message: expect.stringContaining('in migration "0002" after 5 s') };
        expect(rehearsals.map(({ verdict }) => verdict)).toMatchObject([
          { outcome: "inconclusive", cause: timedOut },
          nothingWrong,
        ]);
        const session = await stage().engine.connect(stage().server.maintenance);
        const left = await session.query(
          `select info from information_schema.processlist where id <> connection_id() and info like '%${trace}%'`,
        );
        await session.end();
        expect(left).toEqual([]);
      },
    );

    test.concurrent.each<[string, Seeder["sow"]]>([
      ["waits for ever", () => new Promise(() => {})],
      ["waits for the server", async ({ db }) => void (await db.raw("do sleep(604)"))],
      [
        "waits for a lock of its own",
        async ({ db }) => {
          const open = await db.transaction();
          await open("users").insert({ id: 1 });
          await db.raw("truncate users");
        },
      ],
    ])("is one with a seeder that %s", async (_, sow) => {
      const { verdict } = await upgraded({ installs: users, sows: sow, hop: "select 1" }, { timeout: 5000 });
      expect(verdict).toMatchObject({ outcome: "inconclusive", cause: { code: "timed-out" } });
    });

    test.concurrent("is one whose check waits, and no other that shares its state", async () => {
      const check: Check = async ({ before }) => {
        await before.query("select sleep(605)");
        return [];
      };
      const rehearsals = await chained(
        {
          migrations: [users, "select 1", "alter table users add column email text"],
          seeds: { "1.0": sowing(ann) },
          paths: [
            { from: "1.0", to: "1.1", check, expect: clean },
            { from: "1.0", to: "1.1", expect: clean },
            { from: "1.0", to: "1.2", expect: clean },
            { from: "1.0", via: ["1.1"], to: "1.2", expect: clean },
          ],
        },
        { timeout: 6000 },
      );
      expect(rehearsals.map(({ verdict }) => verdict.outcome)).toEqual(["inconclusive", "clean", "clean", "clean"]);
    });
  });

  describe("a migration that sets something", () => {
    const later = "insert into users values (9, 'later')";

    test.each([
      "set sql_mode = 'ANSI_QUOTES'",
      "set sql_mode = 'NO_BACKSLASH_ESCAPES'",
      "set foreign_key_checks = 0, unique_checks = 0",
      "set time_zone = '-08:00'",
      "set sql_select_limit = 1, group_concat_max_len = 4, max_sort_length = 64",
      "set names latin1",
      "set names utf8",
      "set character_set_client = latin1",
      "set character_set_client = binary",
      "set autocommit = 0",
      "use mysql",
      "set session transaction isolation level serializable",
    ])("in its session is recorded by its name all the same: %s", async (setting) => {
      const odd = 'it\'s \\ añ 🙂 "x"';
      const migrations: readonly Migration[] = [
        { name: "0001", up: users },
        { name: `0002 ${odd}`, up: `insert into users values (8, 'once'); ${setting}` },
      ];
      const [one, two] = migrations;
      if (one === undefined || two === undefined) throw new Error("There are two");
      const last = { name: "0003", up: later };
      const [rehearsal] = await rehearsed({
        title: "settings",
        engines: [engine],
        chain: [
          { name: "1.0", migrations: [one] },
          { name: "1.1", migrations: [one, two] },
          { name: "1.2", migrations: [one, two, last] },
        ],
        seeds: { "1.0": sowing(ann) },
        paths: [{ from: "1.0", via: ["1.1"], to: "1.2", expect: clean }],
      });
      expect(rehearsal?.verdict).toEqual(nothingWrong);
      expect(rehearsal?.hops.map(({ migrations }) => migrations.map(({ name }) => name))).toEqual([
        ["0001"],
        [`0002 ${odd}`],
        ["0003"],
      ]);
    });

    test("in its session has it set for those behind it in the hop, and for no other hop", async () => {
      const hop = [
        "set @here = 1, foreign_key_checks = 0",
        "create table seen as select @here as here, @@foreign_key_checks as checks",
      ];
      const up = (i: number): Migration => ({ name: `000${i + 2}`, up: hop[i] ?? "" });
      const together = await asked({ installs: users, hop: [up(0), up(1)] }, "select * from seen");
      expect(together).toMatchObject({ verdict: nothingWrong, rows: [{ checks: 0 }] });
      const told: unknown[] = [];
      await chained({
        migrations: [users, ...hop],
        paths: [{ from: "1.0", via: ["1.1"], to: "1.2", expect: clean }],
        async check({ after }) {
          told.push(...(await after.query("select checks from seen")));
          return [];
        },
      });
      expect(told).toEqual([{ checks: 1 }]);
    });

    test.each([
      "set global sql_select_limit = 1",
      "set global max_sort_length = 8, global group_concat_max_len = 4",
      "set global sql_mode = '', global time_zone = '+05:00'",
      "set global character_set_server = latin1",
      "set global autocommit = 0",
      engine === "mysql" ? "set global max_execution_time = 200" : "set global max_statement_time = 0.2",
      engine === "mysql" ? "set global transaction_read_only = 1" : "set global tx_read_only = 1",
    ])("for the whole server keeps nobody from judging: %s", async (setting) => {
      const names = [...setting.matchAll(/global (\w+)/g)].map(([, name]) => name ?? "");
      const many = Array.from({ length: 40 }, (_, i) => `create table t${i} (id int primary key, name varchar(300))`);
      try {
        const rehearsals = await chained({
          migrations: [`${users}; ${many.join("; ")}`, setting, later],
          seeds: { "1.0": sowing("insert into users values (1, 'ann'), (2, 'bob')") },
          paths: [
            { from: "1.0", to: "1.2", expect: clean },
            { from: "1.0", via: ["1.1"], to: "1.2", expect: clean },
          ],
        });
        expect(rehearsals.map(({ verdict }) => verdict)).toEqual([nothingWrong, nothingWrong]);
      } finally {
        const session = await stage().engine.connect(stage().server.maintenance);
        for (const name of names) {
          const plain = {
            sql_select_limit: "18446744073709551615",
            sql_mode: `'${await modeOf()}'`,
            time_zone: "'+00:00'",
          };
          const value = plain[name as keyof typeof plain] ?? "default";
          await session.query(`set global ${name} = ${value}`);
        }
        await session.end();
      }
      async function modeOf(): Promise<string> {
        const session = await stage().engine.connect(stage().server.maintenance);
        const [row] = await session.query("select @@sql_mode as mode").finally(() => session.end());
        return String(row?.mode);
      }
    });
  });

  describe("a migration that ends sessions", () => {
    const killing: Migration["up"] = async (db) => {
      const [[{ own }]] = await db.raw("select connection_id() as own");
      const [all] = await db.raw("show processlist");
      for (const { Id, User } of all) {
        if (Id !== own && !/^(system|event)/.test(User)) await db.raw(`kill ${Id}`).catch(() => {});
      }
    };

    // Other tests' sessions are on the shared server.
    test("of others, ours among them, comes through, and so does what follows", async () => {
      const { haveServer } = await import("../harness/servers/had.ts");
      const { openStage } = await import("../harness/sandbox.ts");
      const server = await haveServer({ engine });
      const own = await openStage(server);
      try {
        const scenario = {
          title: "the end of all sessions",
          engines: [engine],
          chain: [
            { name: "1.0", migrations: [{ name: "0001", up: users }] },
            {
              name: "1.1",
              migrations: [
                { name: "0001", up: users },
                { name: "0002", up: killing },
              ],
            },
            {
              name: "1.2",
              migrations: [
                { name: "0001", up: users },
                { name: "0002", up: killing },
                { name: "0003", up: "delete from users" },
              ],
            },
          ],
          seeds: { "1.0": sowing(ann) },
          paths: [
            { from: "1.0", to: "1.1", expect: clean },
            { from: "1.0", via: ["1.1"], to: "1.2", expect: broken("rows-lost") },
            { from: "1.0", to: "1.2", expect: broken("rows-lost") },
          ],
        };
        const rehearsals = await rehearsed(scenario, { stage: async () => own });
        expect(rehearsals.map(({ verdict }) => [verdict.outcome, codes(verdict.findings)])).toEqual([
          ["clean", []],
          ["broken", ["rows-lost"]],
          ["broken", ["rows-lost"]],
        ]);
      } finally {
        await own.leave();
        await server.stop();
      }
    }, 60_000);
  });

  describe("a seeder", () => {
    test.each<[string, Seeder["sow"]]>([
      [
        "leaves a pool open",
        async ({ db }) => {
          const leaked = await Promise.all([1, 2, 3].map(() => db.client.acquireRawConnection()));
          await leaked[0].promise().query("select * from users");
          await db("users").insert({ id: 1, name: "ann" });
        },
      ],
      [
        "leaves a transaction open in which it has locks",
        async ({ db }) => {
          await db("users").insert({ id: 1, name: "ann" });
          const leaked = await db.client.acquireRawConnection();
          await leaked.promise().query("start transaction; update users set name = 'never'");
        },
      ],
    ])("that %s keeps nothing from going on", async (_, sow) => {
      const rehearsals = await chained({
        migrations: [users, "alter table users add column email text", "delete from users where name = 'ann'"],
        seeds: { "1.0": { name: "leaks", sow } },
        paths: [
          { from: "1.0", to: "1.1", expect: clean },
          { from: "1.0", via: ["1.1"], to: "1.2", expect: broken("rows-lost", { release: "1.2" }) },
        ],
      });
      expect(rehearsals.map(({ met }) => met)).toEqual([true, true]);
    });

    test("that cannot sow makes every path through it inconclusive, with the server's words", async () => {
      const { verdict } = await upgraded({ installs: users, sows: "insert into nowhere values (1)", hop: "select 1" });
      expect(verdict).toMatchObject({
        outcome: "inconclusive",
        cause: { code: "seeder-failed", message: expect.stringContaining("nowhere' doesn't exist") },
      });
    });
  });

  test("a migration that drops the table of our record fails, and its database does not stay", async () => {
    const before = await databases();
    const { verdict } = await upgraded({ installs: users, hop: "drop table _migration_sandbox" });
    expect(codes(verdict.findings)).toEqual(["migration-failed"]);
    for (let looks = 0; looks < 20 && (await databases()).length > before.length; looks++) await sleep(50);
    expect((await databases()).filter((name) => !before.includes(name))).toEqual([]);
  });

  test("a migration that drops its whole database makes its path inconclusive, and no other", async () => {
    const drop = "set @sql = concat('drop database ', database()); prepare s from @sql; execute s";
    const rehearsals = await chained({
      migrations: [users, drop],
      paths: [
        { from: "1.0", to: "1.1", expect: clean },
        { to: "1.0", expect: clean },
      ],
    });
    expect(rehearsals.map(({ verdict }) => verdict.outcome)).toEqual(["inconclusive", "clean"]);
  });
});
