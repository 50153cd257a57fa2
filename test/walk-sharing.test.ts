// What paths have in common is walked once, and none of them comes to anything else for it.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  clean,
  invariant,
  type Migration,
  type Rehearsals,
  type RehearseOptions,
  type Release,
  rehearse,
  release,
  type Scenario,
  seeder,
} from "migration-sandbox";
import { describe, expect, test } from "vitest";
import { standsIn } from "../harness/scenario.ts";
import { onEngine, onStage } from "./stage.ts";
import { outcomes } from "./walk.contract.ts";

const first: Migration = { name: "0000", up: "create table t0 (id int primary key, note varchar(50))" };

/** Releases 1.0, 1.1, …: each ships one migration more than the one before. */
function chainOf(
  count: number,
  more: Partial<Omit<Release, "name" | "migrations">> = {},
  begins: Migration = first,
): readonly Release[] {
  const migrations = Array.from({ length: count }, (_, i): Migration => {
    return i === 0 ? begins : { name: `000${i}`, up: `create table t${i} (id int primary key)` };
  });
  return migrations.map((_, i) => release(`1.${i}`, { ...more, migrations: migrations.slice(0, i + 1) }));
}

const row = (id: number) => seeder(`row ${id}`, async ({ db }) => void (await db("t0").insert({ id })));

const seededAt = (chain: readonly Release[]): NonNullable<Scenario["seeds"]> =>
  Object.fromEntries(chain.map(({ name }, i) => [name, row(i + 1)]));

for (const engine of ["postgres", "mariadb"] as const) {
  await onEngine(engine, () => {
    const stage = onStage(engine);

    async function walked(told: Omit<Scenario, "title" | "engines">, options: RehearseOptions = {}) {
      const scenario: Scenario = { title: "shop", engines: [engine], ...told };
      return rehearse([scenario], { stage: async () => stage(), ...options });
    }

    /** Each path alone, with nothing shared. */
    const plainly = (told: Omit<Scenario, "title" | "engines">) => walked(told, { share: false, workers: 1 });

    describe("as few migrations are run as can be", () => {
      test.each<readonly [what: string, migrations: number, told: () => Omit<Scenario, "title" | "engines">]>([
        [
          "8 releases straight to the newest, with rows sown at each: the install once, and from each start what is left",
          28 + 7,
          () => {
            const chain = chainOf(8);
            return { chain, seeds: seededAt(chain), paths: [{ every: "to-latest", expect: clean }] };
          },
        ],
        [
          "every pair of 6 releases, with rows sown at each: the install once, and from each start the way to the newest",
          15 + 6,
          () => {
            const chain = chainOf(6);
            return { chain, seeds: seededAt(chain), paths: [{ every: "all", expect: clean }] };
          },
        ],
        [
          "a chain where nothing is sown, in every way there is: each migration once",
          6,
          () => ({
            chain: chainOf(6),
            paths: [
              { every: "stepwise", expect: clean },
              { every: "to-latest", expect: clean },
              { every: "install", expect: clean },
            ],
          }),
        ],
        [
          "a chain that commits all that is pending at once: each hop by itself",
          1 + 2 + 3 + (3 + 2 + 1),
          () => ({ chain: chainOf(4, { transaction: "all" }), paths: [{ every: "to-latest", expect: clean }] }),
        ],
        [
          "a chain that boots at every release: the install once, and from each start what is left",
          3 + (3 + 2 + 1),
          () => ({
            chain: chainOf(4, { boot: { "asks for its tables": async ({ db }) => void (await db("t0")) } }),
            paths: [{ every: "to-latest", expect: clean }],
          }),
        ],
      ])("%s", async (_, migrations, told) => {
        const { rehearsals, work } = await walked(told());
        expect(new Set(outcomes(rehearsals).flat())).toEqual(new Set(["clean"]));
        expect(work.migrations).toBe(migrations);
      });

      test("a chain whose session is not as new after its first migration: each start by itself", async () => {
        const said = { postgres: "set search_path to public, pg_temp", mariadb: "set sql_mode = 'ansi_quotes'" };
        const chain = chainOf(4, {}, { ...first, up: `${first.up};\n${said[engine]}` });
        const told: Omit<Scenario, "title" | "engines"> = { chain, paths: [{ every: "to-latest", expect: clean }] };
        const { rehearsals, work } = await walked(told);
        expect(work.migrations).toBe(1 + 2 + 3 + (3 + 2 + 1));
        expect(cameTo(rehearsals)).toEqual(cameTo((await plainly(told)).rehearsals));
      });
    });

    describe("nothing else comes out than if each path were walked alone", () => {
      test("where a view reads a table that is gone", async () => {
        const up = `${first.up};\ncreate view v as select id from t0;\ndrop table t0`;
        const chain = chainOf(
          3,
          { boot: { "does nothing": async () => {} } },
          { ...first, up: { mysql: up, postgres: String(first.up) } },
        );
        const told: Omit<Scenario, "title" | "engines"> = { chain, paths: [{ every: "install", expect: clean }] };
        const { rehearsals } = await walked(told);
        expect(cameTo(rehearsals)).toEqual(cameTo((await plainly(told)).rehearsals));
      });

      test("where code of one name and one text does something else in a later release", async () => {
        const planting = (id: number): Migration => ({
          name: "0001",
          up: async (db) => void (await db("t0").insert({ id })),
        });
        const chain = [
          release("1.0", { migrations: [first] }),
          release("1.1", { migrations: [first, planting(1)] }),
          release("1.2", { migrations: [first, planting(2)] }),
        ];
        const told: Omit<Scenario, "title" | "engines"> = {
          chain,
          check: invariant("first-row", "select id from t0 where id = 1"),
          paths: [
            { from: "1.0", to: "1.1", expect: clean },
            { from: "1.0", to: "1.2", expect: clean },
          ],
        };
        const { rehearsals } = await walked(told);
        expect(outcomes(rehearsals)).toEqual([["broken", "first-row"], ["clean"]]);
        expect(cameTo(rehearsals)).toEqual(cameTo((await plainly(told)).rehearsals));
      });
    });

    describe("where few rows are remembered, their database goes on itself", () => {
      const made = async () => {
        const probe = await stage().create();
        await probe.drop();
        return Number(/\d+$/.exec(probe.address.database)?.[0]);
      };

      test("8 releases straight to the newest, with rows sown at each: one database for each path", async () => {
        const chain = chainOf(8);
        const before = await made();
        await walked({ chain, seeds: seededAt(chain), paths: [{ every: "to-latest", expect: clean }] });
        expect((await made()) - before - 1).toBe(7);
      });

      const sown = seeder("awkward rows", async ({ db }) => {
        await db("owners").insert([{ id: 1 }, { id: 2 }]);
        await db("pets").insert([
          { id: 1, owner: 1, name: "a" },
          { id: 2, owner: 2, name: null },
        ]);
        await db("notes").insert([{ text: "x" }, { text: "x" }, { text: null }]);
      });
      const installs = `create table owners (id int primary key); create table pets (id int primary key, owner int, name varchar(9));
        create table notes (text varchar(9)); insert into owners values (9); insert into pets values (9, 9, 'own')`;
      const orphaning = {
        postgres:
          "delete from owners where id = 1; alter table pets add foreign key (owner) references owners (id) not valid",
        mariadb: `delete from owners where id = 1; set foreign_key_checks = 0; alter table pets add foreign key (owner) references owners (id)`,
      };

      test.each<readonly [what: string, hop: string | typeof orphaning]>([
        ["rows that are gone", "delete from pets where id > 1"],
        ["all rows that are gone", "delete from owners"],
        ["a table that is gone", "drop table pets"],
        ["a table that is gone, with another of its name", "drop table pets; create table pets (id int primary key)"],
        [
          "a table by another name, without some of its rows",
          "alter table pets rename to animals; delete from animals where id = 2",
        ],
        ["keys that are others now", "update pets set id = id + 100"],
        ["a column of the key that is gone", "alter table pets drop column id"],
        [
          "one of two rows that are alike",
          {
            postgres: "delete from notes where ctid = (select min(ctid) from notes)",
            mariadb: "delete from notes where text = 'x' limit 1",
          },
        ],
        ["rows that refer to none", orphaning],
        ["a migration that fails", "delete from pets; alter table nowhere add column x int"],
        ["nothing at all", "alter table pets add column age int"],
      ])("what becomes of rows is told as if it had stayed: %s", async (_, hop) => {
        const begin: Migration = { name: "0001", up: installs };
        const next: Migration = { name: "0002", up: typeof hop === "string" ? hop : hop[engine] };
        const told: Omit<Scenario, "title" | "engines"> = {
          chain: [
            release("1.0", { migrations: [begin] }),
            release("1.1", { migrations: [begin, next] }),
            release("1.2", { migrations: [begin, next, { name: "0003", up: "insert into owners values (100)" }] }),
          ],
          seeds: { "1.0": sown },
          paths: [
            { from: "1.0", to: "1.1", expect: clean },
            { from: "1.0", via: ["1.1"], to: "1.2", expect: clean },
          ],
        };
        const alone = { ...told, paths: told.paths.slice(0, 1) };
        for (const some of [alone, told]) {
          expect(cameTo((await walked(some)).rehearsals)).toEqual(cameTo((await plainly(some)).rehearsals));
        }
      });
    });

    test("where room is short, what there is is walked to its end first, and nothing else comes out", async () => {
      const chain = chainOf(18);
      const told: Omit<Scenario, "title" | "engines"> = {
        chain,
        seeds: seededAt(chain),
        paths: [{ every: "all", expect: clean }],
      };
      const { rehearsals, work: ample } = await walked(told, { workers: 2 });
      process.env.MIGRATION_SANDBOX_DISK_MB = "0.001";
      try {
        const { rehearsals: others, work } = await walked(told, { workers: 2 });
        expect(cameTo(others)).toEqual(cameTo(rehearsals));
        expect(work.disk).toBeGreaterThan(0);
        expect(work.disk).toBeLessThan(0.75 * ample.disk);
      } finally {
        delete process.env.MIGRATION_SANDBOX_DISK_MB;
      }
    });

    describe("what an earlier run has come to", () => {
      async function twice(...some: readonly Omit<Scenario, "engines">[]): Promise<readonly Rehearsals[]> {
        const folder = mkdtempSync(join(tmpdir(), "states-"));
        writeFileSync(join(folder, "package.json"), "{}");
        const scenarios = some.map((told): Scenario => ({ engines: [engine], ...told }));
        for (const scenario of scenarios) standsIn(scenario, join(folder, "shop.ts"));
        const asked = process.env.MIGRATION_SANDBOX_STORE;
        process.env.MIGRATION_SANDBOX_STORE = join(folder, ".store");
        try {
          const options = { stage: async () => stage(), reuse: true };
          return [await rehearse(scenarios, options), await rehearse(scenarios, options)];
        } finally {
          if (asked === undefined) delete process.env.MIGRATION_SANDBOX_STORE;
          else process.env.MIGRATION_SANDBOX_STORE = asked;
          rmSync(folder, { recursive: true });
        }
      }

      test("is told with its end, also where that was reached with findings", async () => {
        const [once, again] = await twice({
          title: "shop",
          chain: chainOf(2),
          check: invariant("always", "select 1 as one"),
          paths: [{ every: "to-latest", expect: clean }],
        });
        expect(outcomes(again?.rehearsals ?? [])).toEqual([["broken", "always"]]);
        expect(again?.rehearsals[0]).toMatchObject({ reused: true, end: once?.rehearsals[0]?.end ?? {} });
      });

      test("is told of the set that it is of, where two have the same paths, and checks that read alike", async () => {
        const throwing = (reason: string) => async () => [{ code: reason, message: "as it was told" }];
        const runs = await twice({
          title: "shop",
          chain: chainOf(2),
          paths: [
            { every: "to-latest", check: throwing("one"), expect: clean },
            { every: "to-latest", check: throwing("other"), expect: clean },
          ],
        });
        for (const { rehearsals } of runs)
          expect(outcomes(rehearsals)).toEqual([
            ["broken", "one"],
            ["broken", "other"],
          ]);
        expect(runs[1]?.work.reused).toBe(2);
      });

      test("is told of its own scenario, where another of the same file has the same releases, and code that reads alike", async () => {
        const ending = (reason: string): Omit<Scenario, "engines"> => ({
          title: reason,
          chain: chainOf(2, { boot: { "ends at once": async () => Promise.reject(new Error(reason)) } }),
          paths: [{ every: "install", from: "1.0", to: "1.0", expect: clean }],
        });
        const runs = await twice(ending("one"), ending("other"));
        for (const { rehearsals } of runs) expect(messagesOf(rehearsals)).toEqual(["one", "other"]);
        expect(runs[1]?.work.reused).toBe(2);
      });
    });
  });
}

function messagesOf(rehearsals: Rehearsals["rehearsals"]): readonly string[] {
  return rehearsals.flatMap(({ verdict }) => verdict.findings.map(({ message }) => message));
}

function cameTo(rehearsals: Rehearsals["rehearsals"]): readonly unknown[] {
  return rehearsals.map(({ name, verdict, end, hops }) => {
    const ran = hops.map(({ from, to, migrations }) => [from, to, migrations.map((one) => one.name)]);
    return JSON.parse(JSON.stringify({ name, verdict, end, ran }).replace(/sandbox_\w+/g, "sandbox"));
  });
}
