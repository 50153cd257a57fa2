// Whether all who come to a release come to the same: paths that jump, paths that stop everywhere, and the fresh install.

import {
  clean,
  type Migration,
  type Rehearsals,
  type Release,
  rehearse,
  release,
  type Scenario,
} from "migration-sandbox";
import { describe, expect, test } from "vitest";
import type { EndsCompared } from "../harness/rehearsal.ts";
import { workplaceWith } from "./command.ts";
import { onStage } from "./stage.ts";
import { codes, engines, messages, outcomes, sowing } from "./walk.contract.ts";

const users: Migration = { name: "0001_users", up: "create table users (id int primary key, name varchar(50))" };
const names: Migration = { name: "0002_names", up: "alter table users add nick varchar(50)" };
const pets: Migration = { name: "0003_pets", up: "create table pets (id int primary key, owner int)" };

const upgrade = { from: "1.0", to: "1.1", expect: clean } as const;
const install = { to: "1.1", expect: clean } as const;

interface Told {
  readonly chain: readonly Release[];
  readonly paths: Scenario["paths"];
  readonly seeds?: Scenario["seeds"];
  readonly known?: Scenario["known"];
}

describe.each(engines)("ends on %s", (engine) => {
  const stage = onStage(engine);

  const rehearsed = (told: Told): Promise<Rehearsals> =>
    rehearse([{ title: "ends", engines: [engine], ...told } as Scenario], { stage: async () => stage() });

  /** An upgrade and a fresh install of 1.1, which ships the first migration with another text. */
  const edited = (was: string, is: string, known?: Scenario["known"]) =>
    rehearsed({
      chain: [
        release("1.0", { migrations: [{ ...users, up: was }] }),
        release("1.1", { migrations: [{ ...users, up: is }, pets] }),
      ],
      paths: [upgrade, install],
      ...(known && { known }),
    });
  const table = (columns: string) => `create table users (id int primary key, name varchar(50)${columns})`;

  test("agree where nothing differs, however they were come to", async () => {
    const { ends, rehearsals } = await rehearsed({
      chain: [
        release("1.0", { migrations: [users] }),
        release("1.1", { migrations: [users, names] }),
        release("1.2", { migrations: [users, names, pets] }),
      ],
      seeds: { "1.0": sowing("insert into users values (1, 'ann')", "ann") },
      paths: [
        { every: "all", expect: clean },
        { every: "stepwise", expect: clean },
      ],
    });
    expect(outcomes(rehearsals)).toEqual(rehearsals.map(() => ["clean"]));
    expect(shape(ends)).toEqual([
      ["1.1", [2, []]],
      ["1.2", [4, []]],
    ]);
    expect(rehearsals.map(({ end }) => end === null)).toEqual(rehearsals.map(() => false));
    expect(new Set(rehearsals.map(({ path, end }) => `${path.at(-1)} ${end?.catalogue}`)).size).toBe(3);
  });

  test.each([
    ["a column", table(", born date"), ["column-differs"], { table: "users", column: "born" }],
    [
      "a default",
      table("").replace("(50)", "(50) default 'nobody'"),
      ["column-differs"],
      { table: "users", column: "name" },
    ],
    ["a not null", table("").replace("(50)", "(50) not null"), ["column-differs"], { table: "users", column: "name" }],
    ["a type", table("").replace("50", "60"), ["column-differs"], { table: "users", column: "name" }],
    ["an index", `${table("")}; create index by_name on users (name)`, ["index-differs"], { table: "users" }],
    ["a check", table(", constraint named check (name <> '')"), ["check-differs"], { table: "users" }],
    ["a table", `${table("")}; create table cats (id int primary key)`, ["table-differs"], { table: "cats" }],
    ["a view", `${table("")}; create view everybody as select id from users`, ["view-differs"], {}],
    ["a row", `${table("")}; insert into users values (7, 'root')`, ["rows-differ"], { table: "users" }],
  ])("differ by %s that only a fresh install has", async (_what, is, found, where) => {
    const { ends, rehearsals } = await edited(table(""), is);
    expect(outcomes(rehearsals)).toEqual([["clean"], ["clean"]]);
    const [here] = ends;
    expect(shape(ends)).toEqual([["1.1", [1, []], [1, found]]]);
    expect(here?.groups[0]?.paths).toEqual([rehearsals[1]?.name]);
    expect(here?.groups[1]?.paths).toEqual([rehearsals[0]?.name]);
    expect(here?.groups[1]?.findings).toMatchObject([{ ...where, release: "1.1" }]);
  });

  test("differ in the order of columns by a migration that came late", async () => {
    const late: Migration = { name: "0001_b_mail", up: "alter table users add mail varchar(50)" };
    const { ends } = await rehearsed({
      chain: [release("1.0", { migrations: [users, names] }), release("1.1", { migrations: [users, late, names] })],
      paths: [upgrade, install],
    });
    expect(shape(ends)).toEqual([["1.1", [1, []], [1, ["column-order-differs"]]]]);
    expect(ends[0]?.groups[1]?.findings[0]).toMatchObject({ table: "users" });
  });

  test("differ by rows of the product that are missing, more, or other after an upgrade", async () => {
    const roles = (rows: string) =>
      `create table roles (id int primary key, title varchar(9)); insert into roles values ${rows}`;
    const found = async (rows: string) => {
      const { ends } = await edited(roles("(1, 'admin'), (2, 'reader')"), roles(rows));
      expect(shape(ends)).toEqual([["1.1", [1, []], [1, ["rows-differ"]]]]);
      return messages(ends[0]?.groups[1]?.findings ?? []);
    };
    expect(await found("(1, 'admin'), (2, 'reader'), (3, 'writer')")).toEqual(['"roles": 1 row less (id 3)']);
    expect(await found("(1, 'admin')")).toEqual(['"roles": 1 row more (id 2)']);
    expect(await found("(1, 'admin'), (2, 'guest')")).toEqual(['"roles": 1 row with other values (id 2)']);
    expect(await found("(1, 'admin'), (3, 'reader'), (4, 'x')")).toEqual([
      '"roles": 2 rows less (id 3; id 4), 1 row more (id 2)',
    ]);
  });

  test("hold sown rows against those of paths with the same beginning, and of no other", async () => {
    const fill = (value: string): Migration => ({
      name: "0002_names",
      up: `alter table users add nick varchar(9); update users set nick = '${value}'`,
    });
    const ann = sowing("insert into users (id, name) values (1, 'ann')", "ann");
    const bob = sowing("insert into users (id, name) values (2, 'bob')", "bob");
    const { ends, rehearsals } = await rehearsed({
      chain: [
        release("1.0", { migrations: [users] }),
        release("1.1", { migrations: [users, fill("step")] }),
        release("1.2", { migrations: [users, fill("jump"), pets] }),
      ],
      seeds: { "1.0": ann },
      paths: [
        { from: "1.0", via: ["1.1"], to: "1.2", expect: clean },
        { from: "1.0", to: "1.2", expect: clean },
        { from: "1.1", with: bob, to: "1.2", expect: clean },
        { to: "1.2", expect: clean },
      ],
    });
    expect(outcomes(rehearsals)).toEqual([["clean"], ["clean"], ["clean"], ["clean"]]);
    expect(shape(ends)).toEqual([["1.2", [3, []], [1, ["rows-differ"]]]]);
    expect(messages(ends[0]?.groups[1]?.findings ?? [])).toEqual(['"users": its only row holds other values']);
  });

  test("may hold rows that the product made of sown ones, and lack none of those that a fresh install has", async () => {
    const log: Migration = {
      name: "0002_log",
      up: "create table log (id int primary key, what varchar(9)); insert into log values (0, 'begun'); insert into log select id, name from users",
    };
    const losing: Migration = { name: "0003_lost", up: "delete from log where id = 0" };
    const ann = sowing("insert into users values (1, 'ann')", "ann");
    const more = await rehearsed({
      chain: [release("1.0", { migrations: [users] }), release("1.1", { migrations: [users, log] })],
      seeds: { "1.0": ann },
      paths: [upgrade, install],
    });
    expect(shape(more.ends)).toEqual([["1.1", [2, []]]]);
    const less = await rehearsed({
      chain: [
        release("1.0", { migrations: [users] }),
        release("1.1", { migrations: [users, log] }),
        release("1.2", { migrations: [users, log, losing] }),
        // A fresh install keeps it: what is run on an empty database was written anew.
        release("1.3", { migrations: [users, log, { ...losing, up: "select 1" }] }),
      ],
      seeds: { "1.0": ann },
      paths: [
        { from: "1.0", via: ["1.2"], to: "1.3", expect: clean },
        { to: "1.3", expect: clean },
      ],
    });
    expect(shape(less.ends)).toEqual([["1.3", [1, []], [1, ["rows-differ"]]]]);
    expect(messages(less.ends[0]?.groups[1]?.findings ?? [])).toEqual(['"log": 1 row less (id 0)']);
  });

  test("may hold what the product made of other sown rows", async () => {
    const log: Migration = {
      name: "0002_log",
      up: "create table log (id int primary key, what varchar(9)); insert into log select id, name from users",
    };
    const { ends } = await rehearsed({
      chain: [release("1.0", { migrations: [users] }), release("1.1", { migrations: [users, log] })],
      paths: [
        { ...upgrade, with: sowing("insert into users values (1, 'ann')", "ann") },
        { ...upgrade, with: sowing("insert into users values (1, 'bob')", "bob") },
      ],
    });
    expect(shape(ends)).toEqual([["1.1", [2, []]]]);
  });

  test("are not held to the clock, nor to keys that were drawn", async () => {
    const drawn = engine === "postgres" ? "gen_random_uuid()" : "uuid()";
    const up = `create table marks (id char(36) primary key, what varchar(9), made timestamp(6) default current_timestamp(6));
      insert into marks (id, what) values (${drawn}, 'one'); insert into marks (id, what) values (${drawn}, 'two')`;
    const { ends } = await rehearsed({
      chain: [
        release("1.0", { migrations: [{ ...users, up }] }),
        release("1.1", { migrations: [{ ...users, up }, pets] }),
      ],
      paths: [upgrade, install, { every: "to-latest", expect: clean }],
    });
    expect(shape(ends)).toEqual([["1.1", [3, []]]]);
    const other = await edited(up, up.replace("'two'", "'2'"));
    expect(shape(other.ends)).toEqual([["1.1", [1, []], [1, ["rows-differ"]]]]);
  });

  test("are not held to what follows from other settings", async () => {
    const boot: Release["boot"] = {
      "notes a name": async ({ db, settings }) => {
        const { name } = (settings ?? { name: "nobody" }) as { readonly name: string };
        if ((await db("users")).length === 0) await db("users").insert({ id: 1, name });
      },
    };
    const { ends } = await rehearsed({
      chain: [release("1.0", { migrations: [users], boot }), release("1.1", { migrations: [users, pets], boot })],
      paths: [{ ...upgrade, settings: { name: "ann" } }, { ...install, settings: { name: "bob" } }, install],
    });
    expect(shape(ends)).toEqual([["1.1", [3, []]]]);
    const told = { settings: { name: "ann" } } as const;
    const same = await rehearsed({
      chain: [release("1.0", { migrations: [users], boot }), release("1.1", { migrations: [users, pets] })],
      paths: [
        { ...upgrade, ...told },
        { ...install, ...told },
      ],
    });
    expect(shape(same.ends)).toEqual([["1.1", [1, []], [1, ["rows-differ"]]]]);
  });

  const nullable = table("");
  const filled = table("").replace("(50)", "(50) default 'nobody'");
  const known = [{ code: "column-differs", table: "users", column: "name", why: "nobody reads it" }];

  test("that differ in what is known agree, with a note that says why", async () => {
    const { ends, rehearsals } = await edited(nullable, filled, known);
    expect(outcomes(rehearsals)).toEqual([["clean"], ["clean"]]);
    expect(ends.flatMap(({ groups }) => groups.map(({ findings, notes }) => [codes(findings), codes(notes)]))).toEqual([
      [[], []],
      [[], ["column-differs"]],
    ]);
    expect(messages(ends[0]?.groups[1]?.notes ?? [])[0]).toMatch(/ \(known: nobody reads it\)$/);
  });

  test("that do not differ in what is known say so once, and only once all have been walked", async () => {
    const { ends } = await edited(nullable, nullable, known);
    expect(shape(ends)).toEqual([["1.1", [2, ["known-not-seen"]]]]);
    expect(ends[0]?.groups[0]?.findings).toMatchObject([{ code: "known-not-seen", table: "users", column: "name" }]);
    const other = await edited(nullable, table(", born date"), known);
    expect(codes(other.ends.flatMap(({ groups }) => groups.flatMap(({ findings }) => findings)))).toEqual([
      "known-not-seen",
      "column-differs",
    ]);
  });

  test("of broken paths are left out, and one end alone is compared with nothing", async () => {
    const broken: Migration = { ...pets, up: "select no_such_column from users" };
    const chain = [
      release("1.0", { migrations: [users] }),
      release("1.1", { migrations: [{ ...users, up: filled }, broken] }),
      release("1.2", { migrations: [users] }),
    ];
    const one = await rehearsed({
      chain,
      paths: [upgrade, install, { from: "1.0", to: "1.2", expect: clean }],
    });
    expect(outcomes(one.rehearsals)).toEqual([
      ["broken", "migration-failed"],
      ["broken", "migration-failed"],
      ["clean"],
    ]);
    expect(one.ends).toEqual([]);
    expect(one.rehearsals.map(({ end }) => end)).toEqual([null, null, null]);
    // Another part of the run may have the others of a set.
    const set = await rehearsed({ chain, paths: [{ every: "to-latest", expect: clean }] });
    expect([set.ends, set.rehearsals.length]).toEqual([[], 2]);
    expect(set.rehearsals.map(({ verdict, end }) => [verdict.outcome, end === null])).toEqual([
      ["clean", false],
      ["broken", true],
    ]);
  });
});

/** What somebody sees at the terminal. */
describe("ends that differ", { timeout: 60_000 }, () => {
  const scenario = (known: string) => `
import { clean, defineScenario, release } from "migration-sandbox";
const users = { name: "0001_users", up: "create table users (id int primary key, name text)" };
const edited = { name: "0001_users", up: "create table users (id int primary key, name text default 'nobody')" };
const pets = { name: "0002_pets", up: "create table pets (id int primary key)" };
export default defineScenario({
  title: "a default that came later",
  engines: ["postgres"],
  chain: [release("1.0", { migrations: [users] }), release("1.1", { migrations: [edited, pets] })],
  paths: [{ from: "1.0", to: "1.1", expect: clean }, { to: "1.1", expect: clean }],
  known: [${known}],
});
`;

  test("end the command with 1, and are shown as a diff", async () => {
    await using work = await workplaceWith({ "scenarios/users.ts": scenario("") });
    const { code, stdout, stderr } = await work.run(["rehearse"]);
    expect(stdout).toContain(`
users  ends compared  postgres
  ✗ ends at 1.1 differ
    fresh install of 1.1 comes to one end (-)
    1.0 → 1.1 comes to another (+)
      column-differs`);
    expect(stdout).toMatch(/- .*default 'nobody'.*\n.*\+ /);
    expect(stdout).toMatch(/\n2 met, 0 unmet, 0 inconclusive, ends differ at 1 release {2}\(seed 1/);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    const { code: told, stdout: json } = await work.run(["rehearse", "--reporter", "json"]);
    expect([told, JSON.parse(json).ends[0].groups[1].findings[0]]).toMatchObject([
      1,
      { code: "column-differs", release: "1.1", table: "users", column: "name" },
    ]);
  });

  test("in what is known alone end it with 0", async () => {
    const known = '{ code: "column-differs", table: "users", column: "name", why: "nobody reads it" }';
    await using work = await workplaceWith({ "scenarios/users.ts": scenario(known) });
    const { code, stdout } = await work.run(["rehearse"]);
    expect(stdout).toContain("ends at 1.1 agree, but for what is known");
    expect(stdout).toContain("(known: nobody reads it)");
    expect(code).toBe(0);
  });
});

/** Of each release, how many came to each of the ends, and in what they differ. */
function shape(ends: readonly EndsCompared[]) {
  return ends.map(({ release, groups }) => [
    release,
    ...groups.map(({ paths, findings }) => [paths.length, codes(findings)] as const),
  ]);
}
