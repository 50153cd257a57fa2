// What a failed start leaves behind, and what comes of it once an operator has done something about it.

import {
  broken,
  clean,
  type Database,
  invariant,
  type Migration,
  seeder,
  startAgain,
  type Task,
} from "migration-sandbox";
import { describe, expect, test } from "vitest";
import {
  codes,
  duplicate,
  engines,
  messages,
  noColumn,
  nothingWrong,
  numbered,
  outcomes,
  sowing,
  users,
  walksOn,
} from "./walk.contract.ts";

const nothing = "select 1";
const twoAnns = sowing("insert into users values (1, 'ann'), (2, 'ann')", "two of one name");
const unique = "create unique index one_of_a_name on users (name)";
const renameTheSecond: Task = async ({ db }) => void (await db("users").where({ id: 2 }).update({ name: "bob" }));

class Refused extends Error {}

describe.each(engines)("a workaround on %s", (engine) => {
  const { chained } = walksOn(engine);
  const twice = numbered(duplicate, engine);
  const fails = { from: "1.0", to: "1.1" } as const;
  const failed = broken("migration-failed", duplicate);

  test("is followed by the same release; the verdict is of that, and what was found before is noted", async () => {
    const [rehearsal] = await chained({
      migrations: [users, unique],
      seeds: { "1.0": twoAnns },
      paths: [{ ...fails, workaround: renameTheSecond, expect: clean }],
    });
    expect(rehearsal).toMatchObject({ met: true, workaround: "rename the second" });
    expect(rehearsal?.verdict.notes).toEqual([
      expect.objectContaining({ code: "migration-failed", release: "1.1", migration: "0002", ...twice }),
    ]);
    expect(rehearsal?.hops.map(({ from, to, migrations }) => [from, to, migrations.length])).toEqual([
      [null, "1.0", 1],
      ["1.0", "1.1", 0],
      ["1.0", "1.1", 1],
    ]);
  });

  test("that does nothing, or not enough, has the release fail again", async () => {
    const enough: Task = async ({ db }) => void (await db("users").where({ id: 1 }).update({ name: "ann" }));
    const rehearsals = await chained({
      migrations: [users, unique],
      seeds: { "1.0": twoAnns },
      paths: [
        { ...fails, workaround: startAgain, expect: failed },
        { ...fails, workaround: enough, expect: failed },
      ],
    });
    expect(outcomes(rehearsals)).toEqual([
      ["broken", "migration-failed"],
      ["broken", "migration-failed"],
    ]);
    expect(rehearsals.map(({ met, verdict, workaround }) => [met, codes(verdict.notes), workaround])).toEqual([
      [true, ["migration-failed"], "start again"],
      [true, ["migration-failed"], "enough"],
    ]);
  });

  test("that throws is a finding, and the release is not started again", async () => {
    let starts = 0;
    const rehearsals = await chained({
      migrations: [users, nothing],
      releases: [
        {},
        {
          boot: {
            "does not come up": async () => {
              starts += 1;
              throw new Refused("no licence");
            },
          },
        },
      ],
      paths: [
        {
          ...fails,
          workaround: async ({ db }) => void (await db("users").select("nope")),
          expect: broken("workaround-failed", { release: "1.1", task: "a workaround", ...noColumn }),
        },
      ],
    });
    expect(outcomes(rehearsals)).toEqual([["broken", "workaround-failed"]]);
    expect([rehearsals[0]?.met, codes(rehearsals[0]?.verdict.notes ?? []), starts]).toEqual([true, ["boot-failed"], 1]);
  });

  test("mends the hop that failed, and not what was found before it", async () => {
    const rehearsals = await chained({
      migrations: [users, "delete from users where id = 2", nothing],
      seeds: { "1.0": twoAnns },
      paths: [
        { from: "1.0", via: ["1.1"], to: "1.2", workaround: startAgain, expect: broken("rows-lost") },
        { from: "1.0", to: "1.1", workaround: startAgain, expect: broken("rows-lost") },
      ],
    });
    // A second start does not bring the row back, at whichever stop.
    expect(outcomes(rehearsals)).toEqual([
      ["broken", "rows-lost"],
      ["broken", "rows-lost"],
    ]);
    expect(rehearsals[0]?.verdict.findings).toMatchObject([{ release: "1.1", table: "users" }]);
  });

  test("is done at the stop where something was found, and the path goes on from there", async () => {
    const use = { "names a pet": async ({ db }: { db: Database }) => void (await db("pets").insert({ id: 1 })) };
    const makePets: Task = async ({ db }) => void (await db.raw("create table pets (id int primary key)"));
    const paths = [
      { from: "1.0", via: ["1.1"], to: "1.2", workaround: makePets, expect: clean },
      { from: "1.0", via: ["1.1"], to: "1.3", workaround: makePets, expect: broken("rows-lost", { table: "users" }) },
      { from: "1.0", via: ["1.1"], to: "1.2", expect: broken("use-failed", { release: "1.1" }) },
    ];
    const rehearsals = await chained({
      migrations: [users, nothing, "alter table users add column age int", "delete from users where id = 7"],
      releases: [{}, { use }, {}, {}],
      seeds: { "1.1": sowing("insert into users values (7, 'gus')", "gus") },
      paths,
    });
    expect(outcomes(rehearsals)).toEqual([["clean"], ["broken", "rows-lost"], ["broken", "use-failed"]]);
    // What was sown at that stop is sown once, and still known for it.
    expect(rehearsals.map(({ met }) => met)).toEqual([true, true, true]);
    expect(rehearsals[0]?.hops.map(({ from, to }) => [from, to])).toEqual([
      [null, "1.0"],
      ["1.0", "1.1"],
      ["1.0", "1.1"],
      ["1.1", "1.2"],
    ]);
    expect(codes(rehearsals[0]?.verdict.notes ?? [])).toEqual(["use-failed"]);
  });

  test("that swallows an error is one with a finding", async () => {
    const [rehearsal] = await chained({
      migrations: [users, unique],
      seeds: { "1.0": twoAnns },
      paths: [
        {
          ...fails,
          workaround: async (at) => {
            await renameTheSecond(at);
            await at
              .db("users")
              .select("nope")
              .catch(() => {});
          },
          expect: broken("error-swallowed", noColumn),
        },
      ],
    });
    expect([rehearsal?.met, rehearsal?.verdict.outcome]).toEqual([true, "broken"]);
  });

  test("that throws leaves the path's own check to say what is left", async () => {
    const [rehearsal] = await chained({
      migrations: [users, unique],
      seeds: { "1.0": twoAnns },
      paths: [
        {
          ...fails,
          workaround: async () => {
            throw new Refused("no licence");
          },
          check: invariant("two-of-a-name", "select name from users group by name having count(*) > 1"),
          expect: broken([{ code: "workaround-failed", exception: "Refused" }, { code: "two-of-a-name" }]),
        },
      ],
    });
    expect([rehearsal?.met, outcomes(rehearsal === undefined ? [] : [rehearsal])]).toEqual([
      true,
      [["broken", "workaround-failed", "two-of-a-name"]],
    ]);
  });

  test("is not begun any more once --bail has ended the run", async () => {
    let worked = 0;
    const rehearsals = await chained(
      {
        migrations: [users, unique],
        seeds: { "1.0": twoAnns },
        paths: [
          { ...fails, expect: clean },
          {
            ...fails,
            workaround: async () => {
              worked += 1;
            },
            expect: failed,
          },
        ],
      },
      { bail: true },
    );
    expect([rehearsals.length, worked]).toEqual([1, 0]);
  });

  test("of nothing is inconclusive", async () => {
    const [rehearsal] = await chained({
      migrations: [users, unique],
      releases: [{ model: { users: ["email"] } }],
      paths: [{ ...fails, workaround: renameTheSecond, expect: clean }],
    });
    expect(rehearsal?.verdict).toMatchObject({
      outcome: "inconclusive",
      cause: {
        code: "nothing-to-work-around",
        message:
          'Cannot judge the workaround "rename the second": 1.0 → 1.1 had no findings before it (take the workaround out)',
      },
      findings: [],
    });
    expect(codes(rehearsal?.verdict.notes ?? [])).toEqual(["model-lacks-column"]);
  });

  test("finds what the failed start left, which differs by what the engine takes back", async () => {
    const left: boolean[] = [];
    const looking: Task = async (at) => {
      left.push(await at.db.schema.hasTable("pets"));
      await renameTheSecond(at);
    };
    const dropping: Task = async (at) => {
      await at.db.schema.dropTableIfExists("pets");
      await renameTheSecond(at);
    };
    const rehearsals = await chained({
      migrations: [users, `create table pets (id int primary key); ${unique}`],
      seeds: { "1.0": twoAnns },
      paths: [
        {
          ...fails,
          workaround: looking,
          expect: {
            postgres: clean,
            mariadb: broken("migration-failed", { mariadb: 1050 }),
            mysql: broken("migration-failed", { mysql: 1050 }),
          },
        },
        { ...fails, workaround: dropping, expect: clean },
      ],
    });
    expect(rehearsals.map(({ met }) => met)).toEqual([true, true]);
    expect(left).toEqual([engine !== "postgres"]);
  });

  test("of a start at a stop on the way lets the path go on from there to its end", async () => {
    const order: string[] = [];
    const rehearsals = await chained({
      migrations: [users, unique, "alter table users add column email varchar(9)"],
      releases: [
        {},
        {
          use: {
            "somebody comes": async ({ db }) => {
              order.push("use");
              await db("users").insert({ id: 4, name: "di" });
            },
          },
        },
        {},
      ],
      seeds: {
        "1.0": twoAnns,
        "1.1": seeder("cy", async ({ db }) => {
          order.push("seeds");
          await db("users").insert({ id: 3, name: "cy" });
        }),
      },
      paths: [
        { from: "1.0", via: ["1.1"], to: "1.2", workaround: renameTheSecond, expect: clean },
        { from: "1.0", via: ["1.1"], to: "1.2", expect: failed },
      ],
      check: async ({ before, after }) => {
        const counted = [(await before.all("users")).length, (await after.all("users")).length];
        return counted.join() === "2,4" ? [] : [{ code: "counted", message: counted.join() }];
      },
    });
    expect(outcomes(rehearsals)).toEqual([["clean"], ["broken", "migration-failed"]]);
    expect(order).toEqual(["seeds", "use"]);
    expect(rehearsals[0]?.hops.map(({ to }) => to)).toEqual(["1.0", "1.1", "1.1", "1.2"]);
  });

  test("is judged against the state before the failed start; each path has its own copy of what that left", async () => {
    let boots = 0;
    const boot: Task = async () => void boots++;
    const freeing: Task = async ({ db }) => void (await db("places").delete());
    const restoring: Task = async (at) => {
      await freeing(at);
      await at.db("users").insert({ id: 2, name: "bob" });
    };
    const path = { from: "1.0", to: "1.2" } as const;
    const rehearsals = await chained({
      // The second is recorded before the third fails.
      migrations: [
        `${users}; create table places (id int primary key)`,
        "delete from users where id = 2",
        "insert into places values (1)",
      ],
      releases: [{}, {}, { boot: { boot } }],
      seeds: { "1.0": sowing("insert into users values (1, 'ann'), (2, 'bob'); insert into places values (1)") },
      paths: [
        { ...path, expect: failed },
        { ...path, workaround: freeing, expect: broken("rows-lost", { release: "1.2", table: "users" }) },
        { ...path, workaround: restoring, expect: clean },
      ],
    });
    expect(outcomes(rehearsals)).toEqual([["broken", "migration-failed"], ["broken", "rows-lost"], ["clean"]]);
    expect(rehearsals.map(({ met }) => met)).toEqual([true, true, true]);
    expect(messages(rehearsals[1]?.verdict.findings ?? [])).toEqual(['1 sown row is gone from "users": {"id":"2"}']);
    // The failed start did not come to it; two started again, and once more in their restarts.
    expect(boots).toBe(4);
  });

  test("of what `use` found is followed by the start and by `use`", async () => {
    const used: unknown[] = [];
    const looking: Task = async ({ db, settings }) => {
      used.push(settings);
      await db("users").select("email");
    };
    const adding: Task = async ({ db, settings }) => {
      used.push([settings]);
      await db.schema.alterTable("users", (table) => table.string("email", 9));
    };
    const rehearsals = await chained({
      migrations: [users, nothing],
      releases: [{}, { use: { "somebody looks": looking } }],
      paths: [{ ...fails, settings: "s", workaround: adding, expect: clean }],
    });
    expect(outcomes(rehearsals)).toEqual([["clean"]]);
    expect(codes(rehearsals[0]?.verdict.notes ?? [])).toEqual(["use-failed"]);
    expect(used).toEqual(["s", ["s"], "s"]);
  });

  test("of a boot that fails, of a fresh install, by one of several runners", async () => {
    const boot: Task = async ({ db }) => void (await db("users").select("email"));
    const adding: Task = async ({ db }) => {
      const open = await db.transaction(); // Left open, it keeps nothing waiting.
      await open("users").update({ name: "never" });
      await db.schema.createTable("mended", (table) => table.increments());
    };
    const mending: Task = async (at) => {
      await at.db.schema.alterTable("users", (table) => table.string("email", 9));
      await adding(at);
    };
    const rehearsals = await chained({
      migrations: [users],
      releases: [{ boot: { boot }, lock: "refuse" }],
      paths: [
        { to: "1.0", workaround: mending, expect: clean },
        { to: "1.0", workaround: adding, expect: broken("boot-failed", noColumn) },
        { to: "1.0", runners: 2, workaround: mending, expect: clean },
      ],
    });
    expect(outcomes(rehearsals)).toEqual([["clean"], ["broken", "boot-failed"], ["clean"]]);
    expect(codes(rehearsals[2]?.verdict.notes ?? [])).toEqual(["boot-failed", "runner-refused"]);
  });

  test("of an install that an upgrade begins with leaves the check its first state", async () => {
    const seen: number[] = [];
    const boot: Task = async ({ db }) => void (await db("users").select("email"));
    const adding: Task = async ({ db }) => db.schema.alterTable("users", (table) => void table.string("email", 9));
    await chained({
      migrations: [users, nothing],
      releases: [{ boot: { boot } }],
      seeds: { "1.0": sowing("insert into users (id) values (1)") },
      paths: [{ ...fails, workaround: adding, expect: clean }],
      async check({ before }) {
        seen.push((await before.tables()).length, (await before.all("users")).length);
        return [];
      },
    });
    expect(seen).toEqual([1, 1]);
  });

  test("leaves a path's own check for where the path ends", async () => {
    const check = invariant("without-email", "select id from users where email is null");
    const adding = "alter table users add column email varchar(9) default 'e'";
    const rehearsals = await chained({
      migrations: [users, { [engine]: `${unique}; ${adding}` }],
      seeds: { "1.0": twoAnns },
      paths: [{ ...fails, workaround: renameTheSecond, check, expect: clean }],
    });
    expect(outcomes(rehearsals)).toEqual([["clean"]]);
  });

  test("is restarted as any other end", async () => {
    const boot: Task = async ({ db }) => {
      const rows = await db("users").select("id");
      await db("users").insert({ id: rows.length + 1, name: `user ${rows.length}` });
    };
    const rehearsals = await chained({
      migrations: [users, unique],
      releases: [{}, { boot: { "adds a user": boot } }],
      seeds: { "1.0": twoAnns },
      paths: [{ ...fails, workaround: renameTheSecond, expect: broken("restart-changed", { table: "users" }) }],
    });
    expect([outcomes(rehearsals), rehearsals[0]?.met]).toEqual([[["broken", "restart-changed"]], true]);
  });

  test("leaves a state alone that other paths go on from", async () => {
    const rehearsals = await chained({
      migrations: [users, "delete from users where id = 1", nothing],
      seeds: { "1.0": twoAnns },
      paths: [
        {
          ...fails,
          workaround: async ({ db }) => void (await db("users").insert({ id: 1, name: "ann" })),
          expect: clean,
        },
        { ...fails, expect: broken("rows-lost") },
        { from: "1.0", via: ["1.1"], to: "1.2", expect: broken("rows-lost", { release: "1.1" }) },
      ],
      check: async ({ after }) => [{ code: "users", message: String((await after.all("users")).length) }].slice(1),
    });
    expect(outcomes(rehearsals)).toEqual([["clean"], ["broken", "rows-lost"], ["broken", "rows-lost"]]);
  });

  test("that never ends makes its path inconclusive, and no other", { timeout: 60_000 }, async () => {
    const rehearsals = await chained(
      {
        migrations: [users, unique],
        seeds: { "1.0": twoAnns },
        paths: [
          { ...fails, workaround: () => new Promise(() => {}), expect: clean },
          { ...fails, workaround: renameTheSecond, expect: clean },
        ],
      },
      { timeout: 4000 },
    );
    expect(outcomes(rehearsals)).toEqual([["inconclusive"], ["clean"]]);
    expect(rehearsals[0]?.verdict).toMatchObject({
      cause: {
        code: "timed-out",
        message: expect.stringMatching(
          /^Cannot go on after "a workaround": it still hung after 4 s \(give it longer with --timeout <seconds>\)/,
        ),
      },
    });
  });
});

describe("what a failed hop leaves behind on postgres", () => {
  const { left } = walksOn("postgres");
  const commits: readonly (readonly [string, Migration["up"]])[] = [
    ["in SQL", "create table a (id int); commit; select nope"],
    ["in SQL that begins another", "create table a (id int); commit; begin; create table b (id int); select nope"],
    [
      "in code",
      async (db) => {
        await db.raw("create table a (id int)");
        await db.raw("commit");
        await db.raw("select nope");
      },
    ],
  ];

  test.each(commits)("is half applied where it committed what its rule was to take back: %s", async (_, up) => {
    for (const [transaction, promised] of [
      ["each", "each migration"],
      ["all", "all that was pending"],
    ] as const) {
      const hop = [
        { name: "a", up: "create table before_it (id int)" },
        { name: "b", up },
      ];
      const { verdict, tables } = await left({ installs: users, hop, transaction });
      expect(codes(verdict.findings)).toEqual(["migration-failed", "half-applied"]);
      expect(verdict.findings[1]).toEqual({
        code: "half-applied",
        release: "1.1",
        migration: "b",
        message: `the transaction that was to take back ${promised} had been committed before it failed: what ran until then stays`,
      });
      expect(tables).toEqual(["a", "before_it", "users"]);
    }
  });

  test.each(commits)("is what it is where nothing promises to take it back: %s", async (_, up) => {
    const { verdict } = await left({ installs: users, hop: up, transaction: "none" });
    expect(codes(verdict.findings)).toEqual(["migration-failed"]);
    const alone = await left({ installs: users, hop: [{ name: "b", up, transaction: false }] });
    expect(codes(alone.verdict.findings)).toEqual(["migration-failed"]);
  });

  test("is nothing where the transaction took it back, or where nothing failed", async () => {
    const failing = await left({ installs: users, hop: "create table a (id int); select nope" });
    expect([codes(failing.verdict.findings), failing.tables]).toEqual([["migration-failed"], ["users"]]);
    const committing = await left({ installs: users, hop: "create table a (id int); commit; create table b (id int)" });
    expect([committing.verdict, committing.tables]).toEqual([nothingWrong, ["a", "b", "users"]]);
  });

  test("is not half applied by a migration behind the one that committed, if each has its own", async () => {
    const hop = [
      { name: "a", up: "create table a (id int); commit" },
      { name: "b", up: "create table b (id int); select nope" },
    ];
    const { verdict, tables, record } = await left({ installs: users, hop });
    expect([codes(verdict.findings), tables, record]).toEqual([["migration-failed"], ["a", "users"], ["0001", "a"]]);
    const together = await left({ installs: users, hop, transaction: "all" });
    expect(codes(together.verdict.findings)).toEqual(["migration-failed", "half-applied"]);
  });

  test("is not half applied where a COMMIT was refused", async () => {
    const pets = "create table pets (id int, owner int references users (id) deferrable initially deferred)";
    const { verdict, tables } = await left({ installs: users, hop: `${pets}; insert into pets values (1, 9)` });
    expect([codes(verdict.findings), tables]).toEqual([["migration-failed"], ["users"]]);
  });
});
