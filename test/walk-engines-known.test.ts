// Findings that a scenario accepts, and expectations of several findings or of one engine alone.

import { broken, clean, invariant, type Scenario, seeder } from "migration-sandbox";
import { describe, expect, test } from "vitest";
import { pathsBetween, pathsOf } from "../harness/selection.ts";
import {
  codes,
  duplicate,
  engines,
  messages,
  noColumn,
  nothingWrong,
  outcomes,
  sowing,
  users,
  walksOn,
} from "./walk.contract.ts";

const nothing = "select 1";
const ups = { from: "1.0", to: "1.1" } as const;
const ann = sowing("insert into users values (1, 'ann')", "ann");
const lost = { code: "rows-lost", table: "users", why: "the product says so in its release notes" };

describe.each(engines)("a known finding on %s", (engine) => {
  const { chained, rehearsed } = walksOn(engine);

  test("is a note that says why, on whichever path it is found", async () => {
    const rehearsals = await chained({
      migrations: [users, "delete from users", nothing],
      seeds: { "1.0": ann },
      known: [lost],
      paths: [
        { ...ups, expect: clean },
        { from: "1.0", to: "1.2", expect: clean },
        { to: "1.1", expect: clean },
      ],
    });
    expect(outcomes(rehearsals)).toEqual([["clean"], ["clean"], ["clean"]]);
    expect(rehearsals.map(({ verdict }) => codes(verdict.notes))).toEqual([["rows-lost"], ["rows-lost"], []]);
    expect(messages(rehearsals[0]?.verdict.notes ?? [])).toEqual([
      '1 sown row is gone from "users": {"id":"1"} (known: the product says so in its release notes)',
    ]);
  });

  test("may be known twice, and then both are seen", async () => {
    const rehearsals = await chained({
      migrations: [users, "delete from users"],
      seeds: { "1.0": ann },
      known: [lost, { code: "rows-lost", release: "1.1", why: "1.1 starts afresh" }],
      paths: [{ ...ups, expect: clean }],
    });
    expect(outcomes(rehearsals)).toEqual([["clean"]]);
    expect(messages(rehearsals[0]?.verdict.notes ?? [])[0]).toMatch(
      / \(known: the product says so in its release notes; 1\.1 starts afresh\)$/,
    );
  });

  test("may be one of other engines", async () => {
    const rehearsals = await chained({
      migrations: [users, nothing],
      known: [{ ...lost, engines: engines.filter((other) => other !== engine) }],
      paths: [{ ...ups, expect: clean }],
    });
    expect(outcomes(rehearsals)).toEqual([["clean"]]);
  });

  test("is accepted by a strict run, too", async () => {
    const parts = { migrations: [users, "delete from users"], seeds: { "1.0": ann }, known: [lost] };
    const rehearsals = await chained({ ...parts, paths: [{ ...ups, expect: clean }] }, { strict: true });
    expect(outcomes(rehearsals)).toEqual([["clean"]]);
  });

  test("leaves others of its code, and other codes, what they are", async () => {
    const rehearsals = await chained({
      migrations: [`${users}; create table pets (id int primary key)`, "delete from users; delete from pets"],
      seeds: {
        "1.0": seeder("both", async ({ db }) => {
          for (const table of ["users", "pets"]) await db(table).insert({ id: 1 });
        }),
      },
      known: [lost],
      paths: [
        {
          ...ups,
          check: invariant("nobody", "select 1 as one"),
          expect: broken([{ code: "rows-lost", table: "pets" }, { code: "nobody" }]),
        },
      ],
    });
    expect(rehearsals.map(({ met, verdict }) => [met, codes(verdict.notes)])).toEqual([[true, ["rows-lost"]]]);
  });

  test("may be a failure, which still ends the path", async () => {
    const rehearsals = await chained({
      migrations: [users, "update users set nope = 1", nothing],
      known: [{ code: "migration-failed", ...noColumn, why: "mended in 1.2" }],
      paths: [{ from: "1.0", via: ["1.1"], to: "1.2", expect: clean }],
    });
    expect(outcomes(rehearsals)).toEqual([["clean"]]);
    expect(rehearsals[0]?.hops.map(({ to }) => to)).toEqual(["1.0", "1.1"]);
  });

  test("may be an error that is swallowed, or one of a restart", async () => {
    const rehearsals = await chained({
      migrations: [users],
      releases: [
        {
          boot: {
            "adds ann": async ({ db }) =>
              void (await db("users")
                .insert({ id: 1 })
                .catch(() => {})),
          },
        },
      ],
      known: [{ code: "error-swallowed", task: "adds ann", ...duplicate, why: "it is how it looks for her" }],
      paths: [{ to: "1.0", expect: clean }],
    });
    expect(outcomes(rehearsals)).toEqual([["clean"]]);
  });

  test("of other engines' errors alone is none of this one's, seen or unseen", async () => {
    const others = Object.fromEntries(Object.entries(noColumn).filter(([name]) => name !== engine));
    const rehearsals = await chained({
      migrations: [users, "update users set nope = 1"],
      known: [{ code: "migration-failed", ...others, why: "elsewhere" }],
      paths: [{ ...ups, expect: broken("migration-failed", noColumn) }],
    });
    expect(rehearsals.map(({ met }) => met)).toEqual([true]);
  });

  describe("that no path has shown", () => {
    const parts = { migrations: [users, nothing, nothing], seeds: { "1.0": ann }, known: [lost] };

    test("is told once, by the last path that is walked", async () => {
      const rehearsals = await chained({
        ...parts,
        paths: [
          { ...ups, expect: clean },
          { from: "1.0", to: "1.2", expect: clean },
          { to: "1.0", expect: clean },
        ],
      });
      const told = rehearsals.flatMap(({ verdict }) => verdict.findings);
      expect(told).toEqual([
        {
          code: "known-not-seen",
          table: "users",
          message:
            'no path has shown the known "rows-lost" (the product says so in its release notes); take it out of "known", or look why',
        },
      ]);
    });

    test("is told of each that is unseen, and of no other", async () => {
      const rehearsals = await chained({
        ...parts,
        migrations: [users, "delete from users"],
        known: [
          lost,
          { code: "rows-lost", table: "pets", why: "once" },
          { code: "boot-failed", release: "1.1", why: "twice" },
        ],
        paths: [
          {
            ...ups,
            expect: broken([
              { code: "known-not-seen", table: "pets" },
              { code: "known-not-seen", release: "1.1" },
            ]),
          },
        ],
      });
      expect(rehearsals.map(({ met }) => met)).toEqual([true]);
    });

    test("is not told where paths of this engine were left out, or could not be judged", async () => {
      const paths = [
        { ...ups, expect: clean },
        { to: "1.0", expect: clean },
      ] as const;
      const some = await chained({ ...parts, paths }, { select: (scenario) => pathsOf(scenario).slice(0, 1) });
      expect(some.map(({ verdict }) => verdict)).toEqual([nothingWrong]);
      const failing = seeder("cannot be sown", () => Promise.reject(new Error("no")));
      const unjudged = await chained({ ...parts, paths: [{ ...ups, with: failing, expect: clean }, ...paths] });
      expect(outcomes(unjudged)).toEqual([["inconclusive"], ["clean"], ["clean"]]);
    });

    test("is not told where another path than the scenario's was asked for", async () => {
      const paths = [{ from: "1.0", to: "1.2", expect: clean }] as const;
      const other = await chained({ ...parts, paths }, { select: (scenario) => pathsBetween(scenario, "1.1", "1.2") });
      expect(other.map(({ name, verdict }) => [name, verdict])).toEqual([["a-chain#1.1..1.2", nothingWrong]]);
    });

    test("is looked for on this engine's paths alone", async () => {
      const foreign = engines.filter((name) => name !== engine);
      const scenario: Scenario = {
        title: "a path of other engines",
        engines,
        chain: [{ name: "1.0", migrations: [{ name: "0001", up: users }] }],
        known: [lost],
        paths: [
          { to: "1.0", engines: [engine], expect: broken("known-not-seen") },
          { to: "1.0", engines: foreign, expect: clean },
        ],
      };
      const rehearsals = await rehearsed(scenario, { engines: [engine] });
      expect(rehearsals.map(({ met }) => met)).toEqual([true]);
    });
  });

  test("is seen in what a workaround follows, too", async () => {
    const [rehearsal] = await chained({
      migrations: [users, "create unique index one_of_a_name on users (name)"],
      releases: [{}, { lock: "refuse" }],
      seeds: { "1.0": sowing("insert into users values (1, 'ann'), (2, 'ann')") },
      known: [{ code: "runner-refused", why: "the other container comes up later" }],
      paths: [
        {
          ...ups,
          runners: 2,
          workaround: async ({ db }) => void (await db("users").where({ id: 2 }).update({ name: "bob" })),
          expect: clean,
        },
      ],
    });
    expect(rehearsal?.verdict.outcome).toBe("clean");
    expect(codes(rehearsal?.verdict.notes ?? []).toSorted()).toEqual(["migration-failed", "runner-refused"]);
  });

  describe("an expectation", () => {
    test("of several findings, each with this engine's error, is met by all of them", async () => {
      const rehearsals = await chained({
        migrations: [users, nothing],
        releases: [
          {},
          {
            use: {
              "adds ann": async ({ db }) => void (await db("users").insert({ id: 1 })),
              "looks for mail": async ({ db }) =>
                void (await db("users")
                  .select("email")
                  .catch(() => {})),
            },
          },
        ],
        seeds: { "1.0": ann },
        paths: [
          {
            ...ups,
            expect: broken([
              { code: "use-failed", ...duplicate },
              { code: "error-swallowed", ...noColumn },
            ]),
          },
          {
            ...ups,
            expect: broken([
              { code: "use-failed", task: "adds ann" },
              { code: "error-swallowed", task: "looks for mail" },
            ]),
          },
          { ...ups, expect: broken([{ code: "use-failed", task: "looks for mail" }, { code: "error-swallowed" }]) },
          { ...ups, expect: broken("use-failed", duplicate) },
        ],
      });
      expect(rehearsals.map(({ met }) => met)).toEqual([true, true, false, false]);
    });

    test("may be another on each engine", async () => {
      const rehearsals = await chained({
        migrations: [users, "update users set nope = 1"],
        paths: [
          {
            ...ups,
            expect: {
              postgres: broken("migration-failed", { postgres: "42703" }),
              mariadb: broken("migration-failed", { mariadb: 1054 }),
              mysql: broken("migration-failed", { mysql: "42S22" }),
            },
          },
          { ...ups, expect: { postgres: clean, mariadb: clean, mysql: clean, [engine]: broken("migration-failed") } },
          {
            ...ups,
            expect: {
              postgres: broken("migration-failed"),
              mariadb: broken("migration-failed"),
              mysql: broken("migration-failed"),
              [engine]: clean,
            },
          },
        ],
      });
      expect(rehearsals.map(({ met }) => met)).toEqual([true, true, false]);
    });
  });
});
