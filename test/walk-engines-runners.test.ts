// Several runners that start a release at once: who goes first, who is refused, and what comes of it.

import { broken, clean, type LockRule, type Migration, type Task } from "migration-sandbox";
import { describe, expect, test } from "vitest";
import { codes, engines, noColumn, nothingWrong, outcomes, sowing, users, walksOn } from "./walk.contract.ts";

const ann = "insert into users values (1, 'ann')";
const addsEmail = "alter table users add column email varchar(9)";
const sameColumn = { postgres: "42701", mariadb: 1060, mysql: 1060 } as const;
const sameTable = { postgres: "42P07", mariadb: 1050, mysql: 1050 } as const;
const ups = { from: "1.0", to: "1.1" } as const;

describe.each(engines)("runners on %s", (engine) => {
  const { chained } = walksOn(engine);

  /** One upgrade by several runners. */
  const started = (hop: Migration["up"], lock: LockRule, more: Partial<Parameters<typeof chained>[0]> = {}) =>
    chained({
      migrations: [users, hop],
      releases: [{}, { lock }],
      seeds: { "1.0": sowing(ann) },
      paths: [{ ...ups, runners: 3, expect: clean }],
      ...more,
    });

  test("that wait find nothing pending once the holder is done, and come up", async () => {
    const [rehearsal] = await started(addsEmail, "wait");
    expect(rehearsal?.verdict).toEqual(nothingWrong);
    expect(rehearsal).toMatchObject({ runners: 3, met: true });
    expect(rehearsal?.hops.map(({ migrations }) => migrations.length)).toEqual([1, 1]);
  });

  test("that are refused are one finding each time the release starts, and the holder comes up", async () => {
    const [rehearsal] = await started(addsEmail, "refuse", {
      paths: [{ ...ups, runners: 3, expect: broken("runner-refused", { release: "1.1" }) }],
    });
    expect(rehearsal?.verdict.findings).toEqual([
      {
        code: "runner-refused",
        release: "1.1",
        runner: 2,
        message: "another runner holds the lock under which migrations run: this one does not come up",
      },
    ]);
    expect(rehearsal?.met).toBe(true);
  });

  test("that take no notice all do what was pending: the second fails on what is there already", async () => {
    const [rehearsal] = await started(addsEmail, "none", {
      paths: [{ ...ups, runners: 2, expect: broken("migration-failed", { migration: "0002", ...sameColumn }) }],
    });
    expect(rehearsal?.verdict.findings).toMatchObject([{ code: "migration-failed", runner: 2 }]);
    expect(rehearsal?.met).toBe(true);
  });

  test("that take no notice come to another end where nothing keeps the second from its work", async () => {
    const [rehearsal] = await started("update users set name = concat(name, '!')", "none", { transaction: "none" });
    expect(rehearsal?.verdict.findings).toEqual([
      {
        code: "ends-differ",
        release: "1.1",
        table: "users",
        message:
          'several runners come to another end than one: "users": 1 row changed in "name"; the first by id: {"id":"1"}',
      },
    ]);
  });

  test("are told of the cause before they are told who was refused for it", async () => {
    const rehearsals = await started("update users set nope = 1", "refuse");
    expect(outcomes(rehearsals)).toEqual([["broken", "migration-failed", "runner-refused"]]);
  });

  test("that wait for one that fails fail as it did, told once", async () => {
    const rehearsals = await started("update users set nope = 1", "wait");
    expect(outcomes(rehearsals)).toEqual([["broken", "migration-failed"]]);
    expect(rehearsals[0]?.verdict.findings[0]?.runner).toBe(1);
  });

  test("that wait for one that fails come up if they have more luck", async () => {
    let tries = 0;
    const unlucky: Migration["up"] = async (db) => {
      tries += 1;
      await db("users").select(tries === 1 ? "nope" : "id");
    };
    const [rehearsal] = await started(unlucky, "wait", {
      paths: [{ ...ups, runners: 3, expect: broken("migration-failed", noColumn) }],
    });
    expect(rehearsal?.verdict.findings).toMatchObject([{ code: "migration-failed", migration: "0002", runner: 1 }]);
    // One fails, one comes up, the last finds nothing pending; and one alone, to compare with.
    expect([rehearsal?.met, tries]).toEqual([true, 3]);
  });

  test("may be as many as sixteen", async () => {
    const [rehearsal] = await started(addsEmail, "wait", { paths: [{ ...ups, runners: 16, expect: clean }] });
    expect(rehearsal?.verdict).toEqual(nothingWrong);
  });

  test.each(["wait", "refuse", "none"] as const)("alone are not asked for a lock (%s)", async (lock) => {
    const rehearsals = await started(addsEmail, lock, { paths: [{ ...ups, runners: 1, expect: clean }] });
    expect(rehearsals[0]?.verdict).toEqual(nothingWrong);
  });

  test("are several in the last hop alone", async () => {
    const rehearsals = await chained({
      migrations: [users, addsEmail, "create table pets (id int primary key)"],
      releases: [{ lock: "none" }, { lock: "none" }, { lock: "wait" }],
      paths: [
        { from: "1.0", via: ["1.1"], to: "1.2", runners: 2, expect: clean },
        { from: "1.0", to: "1.1", runners: 2, expect: broken("migration-failed", sameColumn) },
        { to: "1.2", runners: 4, expect: clean },
      ],
    });
    expect(rehearsals.map(({ met }) => met)).toEqual([true, true, true]);
  });

  describe("that boot", () => {
    const log = "create table log (id int primary key, line varchar(50))";
    const inserting: Task = async ({ db }) => {
      const rows = await db("log").select("id");
      await db("log").insert({ id: rows.length + 1, line: "booted" });
    };

    test.each(["wait", "none"] as const)("each do it once all of it is there (%s)", async (lock) => {
      let boots = 0;
      const counting: Task = async ({ db }) => {
        await db("users").first();
        boots += 1;
      };
      const rehearsals = await chained({
        migrations: [users],
        releases: [{ lock, boot: { "looks around": counting } }],
        paths: [{ to: "1.0", runners: 3, expect: lock === "wait" ? clean : broken("migration-failed", sameTable) }],
      });
      expect(rehearsals.map(({ met, verdict }) => [met, codes(verdict.findings)])).toEqual([
        [true, lock === "wait" ? [] : ["migration-failed"]],
      ]);
      // Whoever comes up, which is one of those that take no notice; one alone, to compare with; and the restart.
      expect(boots).toBe(lock === "wait" ? 5 : 3);
    });

    test("and take no notice do twice what nothing keeps from being done twice, each recording it", async () => {
      const rehearsals = await chained({
        migrations: [`${users}; ${ann}`, "update users set id = id + 1"],
        releases: [{}, { lock: "none", transaction: "none", boot: { "looks around": async () => {} } }],
        paths: [{ ...ups, runners: 2, expect: broken("ends-differ", { table: "users" }) }],
      });
      expect(outcomes(rehearsals)).toEqual([["broken", "ends-differ"]]);
    });

    test("come to another end than one if each adds a row", async () => {
      const rehearsals = await chained({
        migrations: [users, log],
        releases: [{}, { boot: { inserting } }],
        paths: [{ ...ups, runners: 2, expect: broken([{ code: "ends-differ" }, { code: "restart-changed" }]) }],
      });
      expect(outcomes(rehearsals)).toEqual([["broken", "ends-differ", "restart-changed"]]);
      expect(rehearsals[0]?.verdict.findings[0]).toMatchObject({ release: "1.1", table: "log" });
    });

    test("swallow what befalls each of them alike once", async () => {
      const swallowing: Task = async ({ db }) =>
        void (await db("users")
          .insert({ id: 1 })
          .catch(() => {}));
      const rehearsals = await started(addsEmail, "wait", {
        releases: [{}, { boot: { swallowing } }],
        paths: [{ ...ups, runners: 3, expect: broken("error-swallowed") }],
      });
      expect(outcomes(rehearsals)).toEqual([["broken", "error-swallowed"]]);
    });
  });

  describe("are not told apart from one", () => {
    const random = engine === "postgres" ? "gen_random_uuid()" : "uuid()";
    const precise = engine === "postgres" ? "timestamptz default now()" : "timestamp(6) default current_timestamp(6)";
    const whole = engine === "postgres" ? "timestamptz(0) default now()" : "timestamp default current_timestamp";

    test("by times and random values, in keys and beside them", async () => {
      const hop = `create table precise (id int primary key, at ${precise}); insert into precise (id) values (1), (2);
        create table whole (id int primary key, at ${whole}); insert into whole (id) values (1);
        create table drawn (id varchar(36) primary key, n int); insert into drawn select ${random}, 1;
        create table heap (v varchar(36)); insert into heap select ${random}`;
      const rehearsals = await started(hop, "wait", { paths: [{ ...ups, runners: 2, expect: clean }] });
      expect(rehearsals[0]?.verdict).toEqual(nothingWrong);
    });

    test("by a shape that is another each time", async () => {
      const drawing: Migration["up"] = async (db) => {
        await db.schema.alterTable("users", (table) => table.string("token", 30).defaultTo(String(Math.random())));
      };
      const rehearsals = await started(drawing, "wait", { paths: [{ ...ups, runners: 2, expect: clean }] });
      expect(rehearsals[0]?.verdict).toEqual(nothingWrong);
    });

    test("by random keys, but by how many there are", async () => {
      const hop = `insert into log select ${random} from users`;
      const rehearsals = await chained({
        migrations: [`${users}; create table log (id varchar(36) primary key)`, hop],
        releases: [{}, { lock: "none", transaction: "none" }],
        seeds: { "1.0": sowing(ann) },
        paths: [{ ...ups, runners: 2, expect: broken("ends-differ") }],
      });
      expect(rehearsals[0]?.verdict.findings).toContainEqual(
        expect.objectContaining({ code: "ends-differ", table: "log" }),
      );
    });
  });

  test("go on to `use`, and end in a state of their own", async () => {
    const used: string[] = [];
    const rehearsals = await chained({
      migrations: [users, addsEmail],
      releases: [
        {},
        {
          lock: "refuse",
          use: {
            "bob comes": async ({ db, settings }) => {
              used.push(String(settings));
              await db("users").insert({ id: 2, email: "b" });
            },
          },
        },
      ],
      paths: [
        { ...ups, settings: "one", expect: clean },
        { ...ups, settings: "two", runners: 2, expect: broken("runner-refused") },
      ],
    });
    expect(rehearsals.map(({ met }) => met)).toEqual([true, true]);
    expect(used).toEqual(["one", "two"]);
  });
});

describe.each(["postgres", "mariadb"] as const)("a runner that hangs on %s", { timeout: 60_000 }, (engine) => {
  const { chained } = walksOn(engine);

  test("makes its path inconclusive, whoever waits for it", async () => {
    const sleep = engine === "postgres" ? "select pg_sleep(600)" : "do sleep(600)";
    const rehearsals = await chained(
      {
        migrations: [users, sleep],
        releases: [{}, { lock: "wait", boot: { "looks around": async () => {} } }],
        paths: [
          { ...ups, runners: 3, expect: clean },
          { to: "1.0", expect: clean },
        ],
      },
      { timeout: 4000 },
    );
    expect(rehearsals.map(({ verdict }) => verdict)).toMatchObject([
      {
        outcome: "inconclusive",
        cause: {
          code: "timed-out",
          // With the statement that hangs, and what it waits for.
          message: expect.stringMatching(
            /^Cannot tell what becomes of the hop 1\.0 → 1\.1: it still hung in migration "0002" after 4 s \(give it longer with --timeout <seconds>\); the server's own view:\n {2}session \d+ \(.*sleep.*\).*sleep\(600\)/i,
          ),
        },
      },
      nothingWrong,
    ]);
  });
});
