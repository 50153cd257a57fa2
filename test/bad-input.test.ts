// Whatever somebody gets wrong, and whatever goes wrong on their machine: one message that says the way out, the right
// exit code, and nothing left behind.
import { type ChildProcess, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { HarnessError, type HarnessErrorCode, rehearse, type Scenario } from "migration-sandbox";
import { describe, expect, it } from "vitest";
import { command, type Ended, eventually, leftIn, type Workplace, workplaceWith } from "./command.ts";

const limit = { timeout: 120_000 };
const isOpenToOthers = isOpen(import.meta.dirname);

const users = { name: "0001", up: "create table users (id int primary key)" };
const names = { name: "0002", up: "alter table users add column name text" };
const [first, second] = [
  { name: "1.0", migrations: [users] },
  { name: "1.1", migrations: [users, names] },
] as const;
const clean = { outcome: "clean" };
const upgrade = { from: "1.0", to: "1.1", expect: clean };
const good = { title: "users", engines: ["postgres"], chain: [first, second], paths: [upgrade] };

interface Refused {
  readonly what: string;
  /** Plain data, so that the same scenario can stand in a file. */
  readonly scenario: object;
  readonly code?: HarnessErrorCode;
  readonly says: string;
}

const refused: readonly Refused[] = [
  {
    what: "an unknown release at the end of a path",
    scenario: { ...good, paths: [{ ...upgrade, to: "1.2" }] },
    says: `Cannot rehearse scenario "users", path #1: the chain has no release "1.2" (known: "1.0", "1.1")`,
  },
  {
    what: "an unknown release at the start of a path",
    scenario: { ...good, paths: [upgrade, { ...upgrade, from: "1.11" }] },
    says: `Cannot rehearse scenario "users", path #2: the chain has no release "1.11" (known: "1.1", "1.0")`,
  },
  {
    what: "an unknown release on the way",
    scenario: { ...good, paths: [{ ...upgrade, via: ["1.05"] }] },
    says: `Cannot rehearse scenario "users", path #1: the chain has no release "1.05" (known: "1.0", "1.1")`,
  },
  {
    what: "an unknown release in seeds",
    scenario: { ...good, seeds: { "1.01": { name: "two users" } } },
    says: `Cannot rehearse scenario "users", seeds: the chain has no release "1.01" (known: "1.0", "1.1")`,
  },
  {
    what: "an unknown release in insteadOf",
    scenario: { ...good, chain: [first, second, { name: "1.1 mended", insteadOf: "1.2", migrations: [] }] },
    says:
      `Cannot rehearse scenario "users", release "1.1 mended": insteadOf names "1.2", which the chain does not have ` +
      `(known: "1.0", "1.1", "1.1 mended")`,
  },
  {
    what: "a stand-in for a stand-in",
    scenario: {
      ...good,
      chain: [
        first,
        second,
        { name: "1.1 mended", insteadOf: "1.1", migrations: [] },
        { name: "1.1 mended again", insteadOf: "1.1 mended", migrations: [] },
      ],
    },
    says: `Cannot rehearse scenario "users", release "1.1 mended again": insteadOf names "1.1 mended", which is itself a stand-in`,
  },
  {
    what: "an unknown engine",
    scenario: { ...good, engines: ["postgre"] },
    says: `Cannot rehearse scenario "users": there is no engine "postgre" (known: "postgres", "mysql", "mariadb")`,
  },
  {
    what: "an unknown engine of a path",
    scenario: { ...good, paths: [{ ...upgrade, engines: ["mariab"] }] },
    says: `Cannot rehearse scenario "users", path #1: there is no engine "mariab" (known: "mariadb", "mysql", "postgres")`,
  },
  {
    what: "a scenario without engines",
    scenario: { title: good.title, chain: good.chain, paths: good.paths },
    says: `Cannot rehearse scenario "users": it names no engine (postgres, mysql, mariadb)`,
  },
  {
    what: "an engine that stands outside a list",
    scenario: { ...good, engines: "postgres" },
    says: `Cannot rehearse scenario "users": it names no engine (postgres, mysql, mariadb)`,
  },
  {
    what: "an empty chain",
    scenario: { ...good, chain: [] },
    says: `Cannot rehearse scenario "users": its chain is empty; it needs at least one release(…)`,
  },
  {
    what: "a release named twice",
    scenario: { ...good, chain: [first, second, first] },
    says: `Cannot rehearse scenario "users", chain: "1.0" is named twice; each name may stand once`,
  },
  {
    what: "a migration named twice",
    scenario: { ...good, chain: [first, { name: "1.1", migrations: [users, names, users] }] },
    says: `Cannot rehearse scenario "users", release "1.1": "0001" is named twice; each name may stand once`,
  },
  {
    what: "a release without migrations",
    scenario: { ...good, chain: [first, { name: "1.1" }] },
    says: `Cannot rehearse scenario "users", release "1.1": migrations is neither a list nor a source such as sqlFolder(…)`,
  },
  {
    what: "a migration without SQL or code",
    scenario: { ...good, chain: [first, { name: "1.1", migrations: [users, { name: "0002" }] }] },
    says: `Cannot rehearse scenario "users", release "1.1", migration "0002": it has no "up"`,
  },
  {
    what: "a migration without SQL for the engine",
    scenario: { ...good, chain: [first, { name: "1.1", migrations: [users, { name: "0002", up: { mysql: "" } }] }] },
    says: `Cannot rehearse scenario "users", release "1.1", migration "0002": it has no SQL for postgres`,
  },
  {
    what: "an unknown transaction rule",
    scenario: { ...good, chain: [first, { ...second, transaction: "one" }] },
    says: `Cannot rehearse scenario "users", release "1.1": transaction is "one"; it may be "each", "all" or "none"`,
  },
  {
    what: "a scenario without a path",
    scenario: { ...good, paths: [] },
    says: `Cannot rehearse scenario "users": it has no paths`,
  },
  {
    what: "a path without an end",
    scenario: { ...good, paths: [{ from: "1.0", expect: clean }] },
    says: `Cannot rehearse scenario "users", path #1: "to" is missing: the release at which the path ends`,
  },
  {
    what: "a path that goes backwards",
    scenario: { ...good, paths: [{ from: "1.1", to: "1.0", expect: clean }] },
    says: `Cannot rehearse scenario "users", path #1: "1.1" → "1.0" goes backwards: "1.0" comes before "1.1" in the chain`,
  },
  {
    what: "a path that goes nowhere",
    scenario: { ...good, paths: [{ from: "1.1", to: "1.1", expect: clean }] },
    says: `Cannot rehearse scenario "users", path #1: "1.1" → "1.1" goes nowhere`,
  },
  {
    what: "a seeder with nowhere to sow",
    scenario: { ...good, paths: [{ with: { name: "two users" }, to: "1.1", expect: clean }] },
    says: `Cannot rehearse scenario "users", path #1: "with" needs a "from": nothing is sown before a fresh install ("two users")`,
  },
  {
    what: "a stop ahead of a fresh install",
    scenario: { ...good, paths: [{ via: ["1.0"], to: "1.1", expect: clean }] },
    says: `Cannot rehearse scenario "users", path #1: "via" needs a "from": a fresh install stops nowhere`,
  },
  {
    what: "a path that expects nothing",
    scenario: { ...good, paths: [{ from: "1.0", to: "1.1" }] },
    says: `Cannot rehearse scenario "users", path #1: "expect" says nothing for postgres; say clean or broken(…)`,
  },
  {
    what: "an expectation in quotes",
    scenario: { ...good, paths: [{ ...upgrade, expect: "clean" }] },
    says: `Cannot rehearse scenario "users", path #1: "expect" is "clean"; say clean or broken(…)`,
  },
  {
    what: "an engine that the expectation leaves out",
    scenario: { ...good, engines: ["postgres", "mariadb"], paths: [{ ...upgrade, expect: { postgres: clean } }] },
    says: `Cannot rehearse scenario "users", path #1: "expect" says nothing for mariadb; say clean or broken(…)`,
  },
  {
    what: "an engine that the expected error leaves out",
    scenario: {
      ...good,
      paths: [{ ...upgrade, expect: { outcome: "broken", findings: [{ code: "migration-failed", mariadb: 1242 }] } }],
    },
    says: `Cannot rehearse scenario "users", path #1: "expect" names the error of "migration-failed" for mariadb but not for postgres`,
  },
  {
    what: "a misspelt field of a scenario",
    scenario: { ...good, sedes: {} },
    says:
      `Cannot rehearse scenario "users": there is no field "sedes" ` +
      `(known: "seeds", "paths", "title", "source", "engines", "chain", "check", "known")`,
  },
  {
    what: "a misspelt field that a scenario needs",
    scenario: { title: "users", engines: ["postgres"], chain: good.chain, path: good.paths },
    says:
      `Cannot rehearse scenario "users": there is no field "path" ` +
      `(known: "paths", "title", "chain", "seeds", "check", "known", "source", "engines")`,
  },
  {
    what: "a misspelt field of a release",
    scenario: { ...good, chain: [first, { ...second, insteadof: "1.0" }] },
    says:
      `Cannot rehearse scenario "users", release "1.1": there is no field "insteadof" ` +
      `(known: "insteadOf", "name", "use", "transaction", "model", "boot", "migrations", "lock")`,
  },
  {
    what: "a misspelt field of a migration",
    scenario: { ...good, chain: [first, { name: "1.1", migrations: [users, { name: "0002", upp: "select 1" }] }] },
    says:
      `Cannot rehearse scenario "users", release "1.1", migration "0002": there is no field "upp" ` +
      `(known: "up", "name", "down", "after", "recordedAs", "transaction")`,
  },
  {
    what: "a misspelt field of a path",
    scenario: { ...good, paths: [{ form: "1.0", to: "1.1", expect: clean }] },
    says:
      `Cannot rehearse scenario "users", path #1: there is no field "form" ` +
      `(known: "from", "to", "dump", "with", "via", "every", "check", "runners" and 4 more)`,
  },
  ...wrongIn(
    "release",
    {
      "an unknown lock rule": [{ lock: "skip" }, `lock is "skip"; it may be "wait", "refuse" or "none"`],
      "a boot task that is none": [
        { boot: { "adds roles": "insert into roles" } },
        `boot "adds roles" is no task; it may be a function: async ({ db, settings, log }) => …`,
      ],
      "a use that is none": [
        { use: { "ann logs in": null } },
        `use "ann logs in" is no task; it may be a function: async ({ db, settings, log }) => …`,
      ],
      "a model without columns": [{ model: { users: "id" } }, `model says nothing of "users"; it may list its columns`],
    },
    (more) => ({ ...good, chain: [first, { ...second, ...more }] }),
  ),
  ...wrongIn(
    "path",
    {
      "no runner at all": [{ runners: 0 }, `"runners" is 0; it may be a whole number from 1 to 16`],
      "more runners than a server takes": [{ runners: 17 }, `"runners" is 17; it may be a whole number from 1 to 16`],
      "half a runner": [{ runners: 1.5 }, `"runners" is 1.5; it may be a whole number from 1 to 16`],
      "runners in quotes": [{ runners: "2" }, `"runners" is "2"; it may be a whole number from 1 to 16`],
      "a workaround that is none": [
        { workaround: "truncate users" },
        `"workaround" is "truncate users"; it may be a task: async ({ db }) => …`,
      ],
    },
    (more) => ({ ...good, paths: [{ ...upgrade, ...more }] }),
  ),
  {
    what: "known findings that stand outside a list",
    scenario: { ...good, known: { code: "rows-lost", why: "so it is" } },
    says: `Cannot rehearse scenario "users": "known" is no list of accepted findings`,
  },
  ...wrongIn(
    "known",
    {
      "a known finding without a code": [{ why: "so it is" }, "it has no code: which finding is accepted"],
      "a known finding without a reason": [
        { code: "rows-lost" },
        `it does not say why "rows-lost" is accepted (why: "…")`,
      ],
      "a known finding with an empty reason": [
        { code: "rows-lost", why: "" },
        `it does not say why "rows-lost" is accepted (why: "…")`,
      ],
      "a misspelt field of a known finding": [
        { code: "rows-lost", tables: "users", why: "so it is" },
        `there is no field "tables" (known: "table", "task", "code", "release", "engines", "column", "why", "postgres" and 4 more)`,
      ],
    },
    (known) => ({ ...good, known: [known] }),
  ),
  ...wrongIn(
    "path",
    {
      "a set that there is not": [
        { every: "to-newest" },
        `there is no set "to-newest" (known: "to-latest", "stepwise", "install", "all", or { via: [stops] })`,
      ],
      "a set that sows": [
        { every: "all", with: { name: "two users" } },
        `there is no field "with" (known: "to", "but", "from", "every", "check", "sample", "engines", "expect" and 1 more)`,
      ],
      "a set whose start is newer than its end": [
        { every: "to-latest", from: "1.1", to: "1.0" },
        `"1.1" → "1.0" goes backwards: "1.0" comes before "1.1" in the chain`,
      ],
    },
    (more) => ({ ...good, paths: [{ ...more, expect: clean }] }),
  ),
];

/** What is refused of one part of a scenario, each with its own words. */
function wrongIn(
  of: "release" | "path" | "known",
  wrong: { readonly [what: string]: readonly [more: object, says: string] },
  scenarioWith: (more: object) => object,
): readonly Refused[] {
  const where = { release: `, release "1.1"`, path: ", path #1", known: ", known #1" }[of];
  return Object.entries(wrong).map(([what, [more, says]]) => ({
    what,
    scenario: scenarioWith(more),
    says: `Cannot rehearse scenario "users"${where}: ${says}`,
  }));
}

describe("a scenario that cannot be rehearsed", limit, () => {
  for (const { what, scenario, says, code = "bad-input" } of refused) {
    it.concurrent(`${what} is refused by the command`, async () => {
      await using work = await workplaceWith({ "scenarios/users.ts": fileOf(JSON.stringify(scenario, undefined, 2)) });
      expect(await work.run(["rehearse"])).toEqual({ code: 2, stdout: "", stderr: `${says}\n` });
      expect(await work.leftBehind()).toEqual([]);
    });

    it(`${what} is refused by rehearse()`, async () => {
      const refusal = await rehearse([scenario as Scenario]).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(HarnessError);
      expect(refusal).toMatchObject({ code, message: says });
    });
  }

  it.each([
    [{ now: Date.now }, "settings.now"],
    [{ since: [new Date(0)] }, "settings.since[0]"],
    [new Map(), "settings"],
  ])("settings that are no plain data are refused by rehearse()", async (settings, odd) => {
    const scenario = { ...good, paths: [{ ...upgrade, settings }] };
    await expect(rehearse([scenario as Scenario])).rejects.toMatchObject({
      code: "bad-input",
      message: `Cannot rehearse scenario "users", path #1: "${odd}" is no plain data; settings may hold texts, numbers, true, false, null, lists and objects`,
    });
  });

  it("tasks and models that are no maps are refused by rehearse()", async () => {
    const whole = (parts: object) => ({ ...good, chain: good.chain.map((release) => ({ ...release, ...parts })) });
    const refused = async (parts: object) => (await rehearse([whole(parts) as Scenario]).catch(String)) as string;
    const start = 'HarnessError: Cannot rehearse scenario "users", release "1.0": ';
    const tasks = 'map of tasks; it may be { "make the first user": async ({ db, settings, log }) => … }';
    expect(await refused({ use: async () => {} })).toBe(`${start}use is no ${tasks}`);
    expect(await refused({ boot: [async () => {}] })).toBe(`${start}boot is no ${tasks}`);
    expect(await refused({ model: ["id"] })).toBe(
      `${start}model is no map of columns; it may be { users: ["id", "name"] }`,
    );
  });

  it.concurrent.each(["list", "plan"])("%s refuses as rehearse does", async (name) => {
    const { engines: _, ...nowhere } = good;
    await using work = await workplaceWith({ "scenarios/users.ts": fileOf(JSON.stringify(nowhere)) });
    expect(await work.run([name])).toEqual({
      code: 2,
      stdout: "",
      stderr: `Cannot rehearse scenario "users": it names no engine (postgres, mysql, mariadb)\n`,
    });
  });
});

describe("arguments that cannot be right", limit, () => {
  const said: readonly { readonly args: readonly string[]; readonly says: string }[] = [
    {
      args: ["rehearse", "uzers"],
      says: `Cannot find a scenario named like "uzers" in folder "scenarios" (known: "users", "orders", "stock/wares")`,
    },
    { args: ["rehearse", "users#2"], says: `Cannot rehearse "users#2": the scenario has paths #1 to #1` },
    { args: ["rehearse", "users#0"], says: `Cannot rehearse "users#0": the scenario has paths #1 to #1` },
    {
      args: ["rehearse", "--from", "1.3"],
      says: `Cannot rehearse: no scenario has a release "1.3" (known: "1.0", "1.1", "2.0")`,
    },
    {
      args: ["plan", "--to", "2.1"],
      says: `Cannot rehearse: no scenario has a release "2.1" (known: "2.0", "1.1", "1.0")`,
    },
    {
      args: ["plan", "--from", "1.0", "--to", "2.0"],
      says: `Cannot rehearse 1.0 → 2.0: no one scenario has both releases`,
    },
    {
      args: ["rehearse", "users", "--from", "1.1", "--to", "1.0"],
      says: `Cannot rehearse "users#1.1..1.0": "1.1" → "1.0" goes backwards: "1.0" comes before "1.1" in the chain`,
    },
    {
      args: ["rehearse", "users", "--paths", "to-newest"],
      says: `Cannot rehearse "users", --paths to-newest: there is no set "to-newest" (known: "to-latest", "stepwise", "install", "all"; or via:<stop>,<stop>, or <from>..<to>)`,
    },
    {
      args: ["plan", "users", "--paths", "1.1..1.0"],
      says: `Cannot rehearse "users", --paths 1.1..1.0: "1.1" → "1.0" goes backwards: "1.0" comes before "1.1" in the chain`,
    },
    {
      args: ["list", "users", "--paths", "via:1.2"],
      says: `Cannot rehearse "users", --paths via:1.2: the chain has no release "1.2" (known: "1.0", "1.1")`,
    },
    {
      args: ["rehearse", "users#1", "--paths", "all"],
      says: `Cannot rehearse --paths all: "users#1" is a path of its own, and a set is made of all releases (leave one of the two out)`,
    },
    {
      args: ["rehearse", "users", "--paths", "1.0..1.1", "--from", "1.0"],
      says: `Cannot rehearse "users", --paths 1.0..1.1: a range has its own ends (leave out --from and --to)`,
    },
    { args: ["rehearse", "--paths"], says: `error: option '--paths <set>' argument missing` },
    {
      args: ["rehearse", "--engine", "postgre"],
      says: `error: option '--engine <name[:version]>' argument 'postgre' is invalid. There is no engine "postgre" (known: "postgres", "mysql", "mariadb").`,
    },
    {
      args: ["rehearse", "--engine", "mysql"],
      says: `Cannot rehearse on mysql: no scenario that was asked for names it (they name postgres)`,
    },
    {
      args: ["rehearse", "--server", "embeded"],
      says: `Cannot use what --server says: "embeded" is neither a kind of server (known: "embedded", "local", "container") nor a URL such as postgres://user:password@host:5432`,
    },
    {
      args: ["plan", "--engine", "mysql"],
      says: `Cannot rehearse on mysql: no scenario that was asked for names it (they name postgres)`,
    },
    { args: ["rehearse", "--bale"], says: `error: unknown option '--bale'\n(Did you mean one of --back, --bail?)` },
    { args: ["rehaerse"], says: `error: unknown command 'rehaerse'\n(Did you mean rehearse?)` },
    { args: ["rehearse", "--from"], says: `error: option '--from <release>' argument missing` },
    {
      args: ["rehearse", "--reporter", "xml"],
      says: `error: option '--reporter <name>' argument 'xml' is invalid. Allowed choices are pretty, json.`,
    },
    ...["-1", "1.5", "4294967296", "one"].map((seed) => ({
      args: ["rehearse", "--seed", seed],
      says: `error: option '--seed <number>' argument '${seed}' is invalid. It is a whole number from 0 to 4294967295.`,
    })),
    ...["0", "-1", "86401", "soon"].map((seconds) => ({
      args: ["rehearse", "--timeout", seconds],
      says: `error: option '--timeout <seconds>' argument '${seconds}' is invalid. It is a number of seconds above 0, and a day at most.`,
    })),
    {
      args: ["rehearse", "scenarios/wares.ts"],
      says: `Cannot read scenario file "scenarios/wares.ts": there is no such file`,
    },
    {
      args: ["rehearse", "notes.txt"],
      says: `Cannot read scenario file "notes.txt": scenarios are TypeScript or JavaScript modules`,
    },
    {
      args: ["rehearse", "stock/units.ts"],
      says: `Cannot find a scenario in "stock/units.ts": its default export is none (export default defineScenario({ … }))`,
    },
    {
      args: ["rehearse", "stock"],
      says: `Cannot rehearse folder "stock": no file in it has a scenario as default export, and it is no migration folder: it holds colours.ts, units.ts (looked for Flyway, golang-migrate, goose, dbmate, Prisma, Drizzle, Drizzle (a folder for each migration), Diesel, node-pg-migrate, graphile-migrate, Sqitch, Liquibase, Ory popx, Hasura, db-migrate, a folder per version, plain numbered SQL)`,
    },
    {
      args: ["rehearse", "texts"],
      says: `Cannot rehearse folder "texts": no file in it has a scenario as default export, and it is no migration folder: it holds a.txt (looked for Flyway, golang-migrate, goose, dbmate, Prisma, Drizzle, Drizzle (a folder for each migration), Diesel, node-pg-migrate, graphile-migrate, Sqitch, Liquibase, Ory popx, Hasura, db-migrate, a folder per version, plain numbered SQL)`,
    },
  ];

  for (const { args, says } of said) {
    it.concurrent(`"${args.join(" ")}" is answered with the way out`, async () => {
      const shop = {
        ...good,
        title: "orders",
        chain: [{ ...first, name: "2.0" }],
        paths: [{ to: "2.0", expect: clean }],
      };
      await using work = await workplaceWith({
        "notes.txt": "",
        "texts/a.txt": "",
        "stock/units.ts": "export const units = [];",
        "stock/colours.ts": "export default [];",
        "scenarios/users.ts": fileOf(JSON.stringify(good)),
        "scenarios/orders.ts": fileOf(JSON.stringify(shop)),
        "scenarios/stock/wares.ts": fileOf(JSON.stringify(shop)),
      });
      expect(await work.run(args)).toEqual({ code: 2, stdout: "", stderr: `${says}\n` });
      expect(await work.leftBehind()).toEqual([]);
    });
  }

  it.concurrent("a folder without scenarios/ is answered with where they are looked for", async () => {
    await using work = await workplaceWith({ "a.txt": "" });
    const { code, stderr } = await work.run(["rehearse"]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        `Cannot read folder "scenarios": ENOENT: no such file or directory, scandir '${work.folder}/scenarios' ` +
        `(scenarios are looked for in "scenarios", or name a file or folder)\n`,
    });
    expect((await work.run(["list", "users"])).stderr).toBe(
      `Cannot find a scenario named like "users" in this folder, which has no "scenarios" (there are none)\n`,
    );
    expect(await work.leftBehind()).toEqual([]);
  });
});

describe("a scenario file", limit, () => {
  const unreadable: readonly { readonly what: string; readonly text: string; readonly says: RegExp }[] = [
    {
      what: "that throws is named, with the place",
      text: `const chain = undefined;\nchain.length;\n`,
      says: /^Cannot load scenario file "scenarios\/users\.ts": Cannot read properties of undefined \(reading 'length'\)[\s(]+\S*scenarios\/users\.ts:2:7\)?\n$/,
    },
    {
      what: "with a syntax error is named, with the place",
      text: `export default {\n  title: ,\n};\n`,
      says: /^Cannot load scenario file "scenarios\/users\.ts": ParseError: Unexpected token\s+\S*scenarios\/users\.ts:2:9\n$/,
    },
    {
      what: "that imports what is not there is named, with what it wanted",
      text: `import { gone } from "./gone.ts";\nexport default gone;\n`,
      says: /^Cannot load scenario file "scenarios\/users\.ts": Cannot find module '\.\/gone\.ts'\n/,
    },
    {
      what: "that refuses itself is named, with the refusal",
      text: `import { byDependencies } from "migration-sandbox";\nbyDependencies([{ name: "a", up: "", after: ["b"] }]);\n`,
      says: /^Cannot load scenario file "scenarios\/users\.ts": Cannot order migrations: "a" comes after "b", which is not in the list \(known: "a"\)\n$/,
    },
  ];

  for (const { what, text, says } of unreadable) {
    it.concurrent(what, async () => {
      await using work = await workplaceWith({ "scenarios/users.ts": text });
      const { code, stdout, stderr } = await work.run(["rehearse"]);
      expect(stderr).toMatch(says);
      expect(stderr).not.toMatch(/^\s+at /m);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(await work.leftBehind()).toEqual([]);
    });
  }

  it.concurrent("without a scenario is a helper where a folder is asked for", async () => {
    await using work = await workplaceWith({
      "scenarios/users.ts": fileOf(`{ ...${JSON.stringify(good)}, title }`, `import { title } from "./helper.ts";`),
      "scenarios/helper.ts": `export const title = "users by another name";\nexport default { title };\n`,
      "scenarios/types.d.ts": "this is never read",
      "scenarios/users.test.ts": "this is never read",
    });
    expect(await work.run(["list"])).toEqual({
      code: 0,
      stdout: "users  users by another name (postgres, 1 path)\n",
      stderr: "",
    });
  });

  it.concurrent("that does not load gets a stack trace with --debug alone", async () => {
    await using work = await workplaceWith({ "scenarios/users.ts": `\nthrow new Error("no luck");\n` });
    const [plain, debugged] = [await work.run(["list"]), await work.run(["list", "--debug"])];
    expect(plain.stderr).not.toMatch(/^\s+at /m);
    expect(debugged.stderr).toMatch(/caused by Error: no luck\n\s+at \S*scenarios\/users\.ts:2:7\n/);
    expect([plain.code, debugged.code]).toEqual([2, 2]);
  });
});

describe("a migration with an error in it", limit, () => {
  it.concurrent("is a finding, shown in its file", async () => {
    await using work = await workplaceWith({
      "scenarios/users.ts": scenarioOf(
        `release("1.0", { migrations: sqlFolder(new URL("./releases/", import.meta.url)) })`,
      ),
      "scenarios/releases/0001_users.sql": [
        "-- Straßen, größer als 😀",
        "create table users (id int primary key, street text default 'Größe 😀');",
        "insert into users (id) values (1);",
        "create tabel names (id int);",
        "",
      ].join("\n"),
    });
    expect(await report(work)).toEqual({
      code: 1,
      stderr: "",
      stdout: `
users  users
  ✗ #1  fresh install of 1.0  broken (migration-failed 42601), expected clean

in users#1
  migration-failed  1.0, 0001_users
  scenarios/releases/0001_users.sql:4:8
    3 | insert into users (id) values (1);
  > 4 | create tabel names (id int);
      |        ^
    5 |
  42601  syntax error at or near "tabel"
  replay: npm run -s cli -- rehearse users#1 --engine postgres --seed 1

0 met, 1 unmet, 0 inconclusive
`,
    });
    expect(await work.leftBehind()).toEqual([]);
  });

  it.concurrent("is a finding, shown in the scenario's own file", async () => {
    await using work = await workplaceWith({
      "scenarios/users.ts": scenarioOf(
        `release("1.0", {
      migrations: [
        { name: "0001", up: "create table größe (id int)" },
        {
          name: "0002",
          up: \`
            create table maß (id int default '1', größe text default '😀');
            -- 😀
            insert into maß (größe) values ('😀'), (selec 1);
          \`,
        },
      ],
    })`,
      ),
    });
    expect(await report(work)).toEqual({
      code: 1,
      stderr: "",
      stdout: `
users  users
  ✗ #1  fresh install of 1.0  broken (migration-failed 42601), expected clean

in users#1
  migration-failed  1.0, 0002
  scenarios/users.ts:15:59
    14 |             -- 😀
  > 15 |             insert into maß (größe) values ('😀'), (selec 1);
       |                                                           ^
    16 |           \`,
    17 |         },
  42601  syntax error at or near "1"
  replay: npm run -s cli -- rehearse users#1 --engine postgres --seed 1

0 met, 1 unmet, 0 inconclusive
`,
    });
  });

  it.concurrent.each(["each", "none"])(
    "is shown where the server points at nothing, with transaction: %s",
    async (rule) => {
      const sql =
        "create table users (id int primary key);\ninsert into users values (1);\n\n-- again\ninsert into users values (1);\n";
      await using work = await workplaceWith({
        "scenarios/users.ts": scenarioOf(
          `release("1.0", { migrations: sqlFolder(new URL("./releases/", import.meta.url)), transaction: "${rule}" })`,
        ),
        "scenarios/releases/0001_users.sql": sql,
      });
      expect(await report(work)).toEqual({
        code: 1,
        stderr: "",
        stdout: `
users  users
  ✗ #1  fresh install of 1.0  broken (migration-failed 23505), expected clean

in users#1
  migration-failed  1.0, 0001_users
  scenarios/releases/0001_users.sql:5:1
    4 | -- again
  > 5 | insert into users values (1);
      | ^
    6 |
  23505  duplicate key value violates unique constraint "users_pkey"
  detail: Key (id)=(1) already exists.
  replay: npm run -s cli -- rehearse users#1 --engine postgres --seed 1

0 met, 1 unmet, 0 inconclusive
`,
      });
    },
  );

  it.concurrent("is a finding in code too, by SQLSTATE or by what was thrown", async () => {
    await using work = await workplaceWith({
      "scenarios/users.ts": scenarioOf(
        `release("1.0", { migrations: [{ name: "0001", up: async (db) => void (await db("users")) }] }),
    release("1.1", { migrations: [{ name: "0002", up: async () => { throw new RangeError("too far"); } }] })`,
        `[{ to: "1.0", expect: clean }, { to: "1.1", expect: clean }]`,
      ),
    });
    expect(await report(work)).toEqual({
      code: 1,
      stderr: "",
      stdout: `
users  users
  ✗ #1  fresh install of 1.0  broken (migration-failed 42P01), expected clean
  ✗ #2  fresh install of 1.1  broken (migration-failed RangeError), expected clean

in users#1
  migration-failed  1.0, 0001
  42P01  select * from "users" - relation "users" does not exist
  replay: npm run -s cli -- rehearse users#1 --engine postgres --seed 1

in users#2
  migration-failed  1.1, 0002
  RangeError  too far
  replay: npm run -s cli -- rehearse users#2 --engine postgres --seed 1

0 met, 2 unmet, 0 inconclusive
`,
    });
  });

  it.concurrent("is a finding when it ends its own session, for the server still answers", async () => {
    await using work = await workplaceWith({
      "scenarios/users.ts": scenarioOf(
        `release("1.0", { migrations: [{ name: "0001", up: "select pg_terminate_backend(pg_backend_pid())" }] }),
    release("1.1", { migrations: [{ name: "0001", up: "select 1" }] })`,
        `[{ to: "1.0", expect: clean }, { to: "1.1", expect: clean }]`,
      ),
    });
    const { code, stdout } = await report(work);
    expect(stdout).toContain("✗ #1  fresh install of 1.0  broken (migration-failed 57P01), expected clean\n");
    expect(stdout).toContain("✓ #2  fresh install of 1.1  clean\n");
    expect(stdout).toContain("  57P01  terminating connection due to administrator command\n");
    expect(code).toBe(1);
  });
});

describe("what keeps us from judging", limit, () => {
  it.concurrent("a seeder that throws is never blamed on the migration", async () => {
    await using work = await workplaceWith({
      "scenarios/users.ts": scenarioOf(
        `release("1.0", { migrations: [{ name: "0001", up: "create table users (id int primary key)" }] }),
    release("1.1", { migrations: [{ name: "0001", up: "" }, { name: "0002", up: "drop table users" }] })`,
        `[
    { from: "1.0", with: seeder("two users", ({ db }) => db("userz").insert({ id: 1 })), to: "1.1", expect: clean },
    { from: "1.0", with: seeder("nobody", async () => { throw new Error("out of seeds"); }), to: "1.1", expect: clean },
    { from: "1.0", to: "1.1", expect: clean },
  ]`,
      ),
    });
    expect(await report(work)).toEqual({
      code: 2,
      stderr: "",
      stdout: `
users  users
  ? #1  1.0 → 1.1, with two users  inconclusive (seeder-failed), expected clean
  ? #2  1.0 → 1.1, with nobody     inconclusive (seeder-failed), expected clean
  ✓ #3  1.0 → 1.1                  clean, 1 note

in users#1
  seeder-failed  Cannot sow "two users": insert into "userz" ("id") values ($1) - relation "userz" does not exist
  replay: npm run -s cli -- rehearse users#1 --engine postgres --seed 1

in users#2
  seeder-failed  Cannot sow "nobody": out of seeds
  replay: npm run -s cli -- rehearse users#2 --engine postgres --seed 1

1 met, 0 unmet, 2 inconclusive
`,
    });
    expect(await work.leftBehind()).toEqual([]);
  });

  it.concurrent("a check that throws and an invariant that is no SQL are named", async () => {
    await using work = await workplaceWith({
      "scenarios/users.ts": scenarioOf(
        `release("1.0", { migrations: [{ name: "0001", up: "create table users (id int primary key)" }] })`,
        `[
    { to: "1.0", check: async () => { throw new Error("out of luck"); }, expect: clean },
    { to: "1.0", check: invariant("user-without-id", "selec id from users"), expect: clean },
    { to: "1.0", expect: clean },
  ]`,
      ),
    });
    expect(await report(work)).toEqual({
      code: 2,
      stderr: "",
      stdout: `
users  users
  ? #1  fresh install of 1.0  inconclusive (check-failed), expected clean
  ? #2  fresh install of 1.0  inconclusive (check-failed), expected clean
  ✓ #3  fresh install of 1.0  clean

in users#1
  check-failed  Cannot judge what came out: a check failed itself: out of luck
  replay: npm run -s cli -- rehearse users#1 --engine postgres --seed 1

in users#2
  check-failed  Cannot check "user-without-id": syntax error at or near "selec"
  replay: npm run -s cli -- rehearse users#2 --engine postgres --seed 1

1 met, 0 unmet, 2 inconclusive
`,
    });
  });

  it.concurrent("a hop that hangs is let go after --timeout, and the others are judged", async () => {
    await using work = await workplaceWith({
      "scenarios/users.ts": scenarioOf(
        `release("1.0", { migrations: [{ name: "0001", up: "select 1" }] }),
    release("1.1", { migrations: [{ name: "0001", up: "select 1" }, { name: "0002", up: "select pg_sleep(60)" }] }),
    release("1.2", { migrations: [{ name: "0003", up: async (db) => void (await db.raw("select pg_sleep(60)")) }] })`,
        `[
    { from: "1.0", to: "1.1", expect: clean },
    { to: "1.2", expect: clean },
    { from: "1.0", via: ["1.1"], to: "1.2", expect: clean },
    { to: "1.0", expect: clean },
  ]`,
      ),
    });
    expect(await report(work, ["--timeout", "2"])).toEqual({
      code: 2,
      stderr: "",
      stdout: `
users  users
  ? #1  1.0 → 1.1             inconclusive (timed-out), expected clean
  ? #2  fresh install of 1.2  inconclusive (timed-out), expected clean
  ? #3  1.0 → 1.1 → 1.2       inconclusive (timed-out), expected clean
  ✓ #4  fresh install of 1.0  clean

in users#1 #3
  timed-out  Cannot tell what becomes of the hop 1.0 → 1.1: it still hung in migration "0002" after 2 s (give it longer with --timeout <seconds>); the server's own view:
    session N (active, waits for Timeout: PgSleep): select pg_sleep(60)
  replay: npm run -s cli -- rehearse users#1 --engine postgres --seed 1

in users#2
  timed-out  Cannot tell what becomes of the hop ∅ → 1.2: it still hung in migration "0003" after 2 s (give it longer with --timeout <seconds>); the server's own view:
    session N (active, waits for Timeout: PgSleep): select pg_sleep(60)
  replay: npm run -s cli -- rehearse users#2 --engine postgres --seed 1

1 met, 0 unmet, 3 inconclusive
`,
    });
    expect(await work.leftBehind()).toEqual([]);
  });

  it.concurrent("a server that is killed in the middle is lost, which is no finding", async () => {
    await using work = await workplaceWith({
      "scenarios/users.ts": scenarioOf(
        `release("1.0", { migrations: [{ name: "0001", up: killServer }] }),
    release("1.1", { migrations: [{ name: "0002", up: "select 1" }] })`,
        `[{ to: "1.1", expect: clean }, { from: "1.0", to: "1.1", expect: clean }, { to: "1.0", expect: clean }]`,
        [
          'import { readFileSync, writeFileSync } from "node:fs";',
          "async function killServer(db) {",
          '  const [{ data_directory: folder }] = (await db.raw("show data_directory")).rows;',
          '  const pid = readFileSync(folder + "/postmaster.pid", "utf8").split("\\n")[0];',
          '  writeFileSync("maps", readFileSync("/proc/" + pid + "/maps", "utf8"));',
          '  process.kill(Number(pid), "SIGKILL");',
          '  await db.raw("select pg_sleep(60)");',
          "}",
        ],
      ),
    });
    const { code, stdout, stderr } = await report(work);
    expect(stdout).toContain(`
users  users
  ? #1  fresh install of 1.1  inconclusive (server-lost), expected clean
  ? #2  1.0 → 1.1             inconclusive (server-lost), expected clean
  ? #3  fresh install of 1.0  inconclusive (server-lost), expected clean
`);
    expect(stdout).toContain("\n  server-lost  Cannot reach postgres (embedded) any more: ");
    expect(stdout).toContain("FATAL:  terminating connection due to unexpected postmaster exit\n");
    expect(stdout).toContain("\n0 met, 0 unmet, 3 inconclusive\n");
    expect({ code, stderr }).toEqual({ code: 2, stderr: "" });
    expect(await work.leftBehind()).toEqual([]);
    const memory = (await readFile(join(work.folder, "maps"), "utf8")).match(/\/dev\/shm\/PostgreSQL\.\d+/g) ?? [];
    expect(memory.filter((path) => existsSync(path))).toEqual([]);
  });
});

describe("code of a scenario that does not behave", limit, () => {
  const rehearsed = async (change: string, act: (ended: Ended) => void) => {
    await using work = await workplaceWith({
      "scenarios/users.ts": scenarioOf(
        `release("1.0", { migrations: [{ name: "0001", up: async (db) => { ${change} } }] }),
    release("1.1", { migrations: [{ name: "0002", up: "select pg_sleep(0.3)" }] })`,
        `[{ to: "1.0", expect: clean }, { to: "1.1", expect: clean }]`,
      ),
    });
    act(await work.run(["rehearse", "--timeout", "2"], { patience: 15_000 }));
    expect(await work.leftBehind()).toEqual([]);
  };

  it.concurrent("what it leaves running does not keep the command from ending", () =>
    rehearsed("setInterval(() => {}, 1000);", ({ code, stdout, stderr }) => {
      expect(stdout).toContain("2 met, 0 unmet, 0 inconclusive");
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    }));

  it.concurrent("what never comes back is let go, and the command ends", () =>
    rehearsed("await new Promise(() => {});", ({ code, stdout, stderr }) => {
      expect(stdout).toContain("? #1  fresh install of 1.0  inconclusive (timed-out), expected clean\n");
      expect(stdout).toContain("✓ #2  fresh install of 1.1  clean\n");
      expect({ code, stderr }).toEqual({ code: 2, stderr: "" });
    }));

  it.concurrent("what ends the process is no pass", () =>
    rehearsed("process.exit(0);", ({ code, stderr }) => {
      expect(stderr).toMatch(/^Cannot .+\n$/);
      expect(code).toBe(2);
    }));

  const forgotten = [
    ["a promise that nobody waits for", `void Promise.reject(new Error("forgotten"));`],
    ["a query that nobody waits for", `void db("forgotten").select().then(() => {});`],
    ["an error that is thrown too late", `setTimeout(() => { throw new Error("forgotten"); }, 50);`],
  ] as const;
  for (const [what, change] of forgotten) {
    it.concurrent(`${what} is told without a stack trace, and is no finding`, () =>
      rehearsed(change, ({ code, stdout, stderr }) => {
        expect(stdout + stderr).toContain("forgotten");
        expect(stdout + stderr).not.toMatch(/^\s+at /m);
        expect(code).toBe(2);
      }));
  }

  it.concurrent("a seeder and a check that hang are let go too", async () => {
    await using work = await workplaceWith({
      "scenarios/users.ts": scenarioOf(
        `release("1.0", { migrations: [{ name: "0001", up: "select 1" }] }),
    release("1.1", { migrations: [{ name: "0001", up: "select 1" }] })`,
        `[
    { from: "1.0", with: seeder("nobody", () => new Promise(() => {})), to: "1.1", expect: clean },
    { from: "1.0", to: "1.1", check: () => new Promise(() => {}), expect: clean },
    { to: "1.1", check: invariant("never", "select pg_sleep(60)"), expect: clean },
    { to: "1.0", expect: clean },
  ]`,
      ),
    });
    const { code, stdout, stderr } = await work.run(["rehearse", "--timeout", "2"], { patience: 15_000 });
    expect(stdout).toContain(`
  ? #1  1.0 → 1.1, with nobody  inconclusive (timed-out), expected clean
  ? #2  1.0 → 1.1               inconclusive (timed-out), expected clean
  ? #3  fresh install of 1.1    inconclusive (timed-out), expected clean
  ✓ #4  fresh install of 1.0    clean
`);
    expect({ code, stderr }).toEqual({ code: 2, stderr: "" });
    expect(await work.leftBehind()).toEqual([]);
  });
});

describe("a machine that has no room for us", limit, () => {
  it.concurrent("a cache folder that cannot be made is named, with the way out", async () => {
    await using work = await workplaceWith({ "scenarios/users.ts": fileOf(JSON.stringify(good)) });
    expect(await work.run(["rehearse"], { environment: { MIGRATION_SANDBOX_CACHE: "/dev/null/x" } })).toEqual({
      code: 2,
      stdout: "",
      stderr:
        `Cannot use cache folder "/dev/null/x": ENOTDIR: not a directory, mkdir '/dev/null/x' ` +
        "(make room or make it writable, or choose another with MIGRATION_SANDBOX_CACHE)\n",
    });
    expect(await work.leftBehind()).toEqual([]);
  });

  it.concurrent("as root, a cache folder in a home that the server's user cannot enter is passed over", async () => {
    await using work = await workplaceWith({ "scenarios/users.ts": fileOf(JSON.stringify(good)) });
    const home = join(work.folder, "home");
    mkdirSync(home, { mode: 0o700 });
    const { code, stderr } = await work.run(["rehearse"], { environment: { HOME: home, XDG_CACHE_HOME: undefined } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(await work.leftBehind()).toEqual([]);
  });

  it.concurrent("a cache folder that cannot be made is named, by root and by anybody", async () => {
    await using work = await workplaceWith({ "scenarios/users.ts": fileOf(JSON.stringify(good)) });
    // Anybody but us can read a checkout only where its folders let others in.
    for (const as of [0, ...(isOpenToOthers ? [65534] : [])]) {
      expect(await work.run(["rehearse"], { environment: { XDG_CACHE_HOME: "/dev/null" }, as })).toEqual({
        code: 2,
        stdout: "",
        stderr:
          `Cannot use cache folder "/dev/null/migration-sandbox": ENOTDIR: not a directory, ` +
          "mkdir '/dev/null/migration-sandbox' " +
          "(make room or make it writable, or choose another with MIGRATION_SANDBOX_CACHE)\n",
      });
    }
    expect(await work.leftBehind()).toEqual([]);
  });

  it.concurrent("a folder for runs that cannot be made is named, with the way out", async () => {
    await using work = await workplaceWith({ "scenarios/users.ts": fileOf(JSON.stringify(good)) });
    const { code, stdout, stderr } = await work.run(["rehearse"], {
      environment: { MIGRATION_SANDBOX_RUNS: "/dev/null/x" },
    });
    expect(stderr).toMatch(
      /^Cannot make folder "\/dev\/null\/x\/migration-sandbox-[\d-]+" for this run: ENOTDIR: not a directory, mkdir '\/dev\/null\/x.*' \(set MIGRATION_SANDBOX_RUNS to a folder that can be written\)\n$/,
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  it.concurrent("as root, folders that the server's user may not enter are named", async () => {
    await using work = await workplaceWith({ "scenarios/users.ts": fileOf(JSON.stringify(good)) });
    const closed = join(work.folder, "closed");
    await mkdir(closed, { mode: 0o700 });
    const refusal = async (environment: { readonly [name: string]: string }) => {
      // A cache of its own: what a server that does not start does to it must not reach the other tests.
      const MIGRATION_SANDBOX_CACHE = join(work.folder, "cache");
      const ended = await work.run(["rehearse"], { environment: { MIGRATION_SANDBOX_CACHE, ...environment } });
      expect(ended).toMatchObject({ code: 2, stdout: "" });
      return ended.stderr.replaceAll(closed, "closed").replace(/user "(postgres|nobody)"/, "user of its own");
    };
    expect(await refusal({ MIGRATION_SANDBOX_CACHE: closed })).toBe(
      `Cannot use cache folder "closed": the server runs as user of its own, who may not enter it ` +
        "(choose another with MIGRATION_SANDBOX_CACHE)\n",
    );
    expect(await refusal({ MIGRATION_SANDBOX_RUNS: closed })).toMatch(
      /^Cannot make folder "closed\/migration-sandbox-[\d-]+" for this run: the server runs as user of its own, who may not enter it \(.*MIGRATION_SANDBOX_RUNS.*\)\n$/,
    );
    expect(await leftIn(closed)).toEqual([]);
  });

  it.concurrent("a folder for runs that is not there yet is made", async () => {
    await using work = await workplaceWith({
      "scenarios/users.ts": scenarioOf(`release("1.0", { migrations: [{ name: "0001", up: folderOf }] })`, undefined, [
        'import { writeFileSync } from "node:fs";',
        'const folderOf = async (db) => writeFileSync("folder", (await db.raw("show data_directory")).rows[0].data_directory);',
      ]),
    });
    const runs = join(work.runs, "not", "yet");
    expect(await work.run(["rehearse"], { environment: { MIGRATION_SANDBOX_RUNS: runs } })).toMatchObject({ code: 0 });
    expect(await readFile(join(work.folder, "folder"), "utf8")).toContain(runs);
  });

  it.concurrent("a disk too small for a cluster is full, and the prepared cluster is left alone", async () => {
    await using work = await workplaceWith({ "scenarios/users.ts": fileOf(JSON.stringify(good)) });
    // A cache of its own: what a full disk does to it must not reach the other tests.
    const cache = join(work.folder, "cache");
    const withCache = { MIGRATION_SANDBOX_CACHE: cache };
    expect(await work.run(["rehearse"], { environment: withCache })).toMatchObject({ code: 0 });
    const prepared = (await readdir(cache)).map((name) => statSync(join(cache, name)).ctimeMs);
    await onDiskOf("8m", async (disk) => {
      const { code, stdout, stderr } = await work.run(["rehearse"], {
        environment: { ...withCache, MIGRATION_SANDBOX_RUNS: disk },
      });
      expect(stderr).toMatch(
        /^Cannot start PostgreSQL: no space left in "\S+" \(make room there, or set MIGRATION_SANDBOX_RUNS to another folder\)\n$/,
      );
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(await leftIn(disk)).toEqual([]);
    });
    expect((await readdir(cache)).map((name) => statSync(join(cache, name)).ctimeMs)).toEqual(prepared);
  });

  it.concurrent("a disk that a migration fills is full, whether with rows or with the server's log", async () => {
    const filled = "create table numbers as select n, repeat('x', 1000) from generate_series(1, 200000) n";
    const logged = "select pg_logical_emit_message(false, 'x', repeat('x', 1000000)) from generate_series(1, 200)";
    await using work = await workplaceWith({
      "scenarios/users.ts": scenarioOf(
        `release("1.0", { migrations: [{ name: "0001", up: "create table users (id int)" }] }),
    release("1.1", { migrations: [{ name: "0002", up: "${filled}" }] }),
    release("1.2", { migrations: [{ name: "0003", up: "${logged}" }] })`,
        `[
    { to: "1.0", expect: clean },
    { to: "1.1", expect: clean },
    { from: "1.0", to: "1.1", expect: clean },
    { to: "1.2", expect: clean },
  ]`,
      ),
    });
    await onDiskOf("48m", async (disk) => {
      const { code, stdout, stderr } = await report(work, [], { MIGRATION_SANDBOX_RUNS: disk });
      expect(stdout).toContain(`
users  users
  ✓ #1  fresh install of 1.0  clean
  ? #2  fresh install of 1.1  inconclusive (disk-full), expected clean
  ? #3  1.0 → 1.1             inconclusive (disk-full), expected clean
  ? #4  fresh install of 1.2  inconclusive (disk-full), expected clean
`);
      expect(stdout).toMatch(
        / {2}disk-full {2}Cannot go on in migration "0002": the server has no room left \(.*No space left on device\); make room, or set MIGRATION_SANDBOX_RUNS to a folder that has some\n/,
      );
      expect({ code, stderr }).toEqual({ code: 2, stderr: "" });
      expect(await leftIn(disk)).toEqual([]);
    });
  });
});

describe("a run that somebody cuts short", limit, () => {
  const hanging = scenarioOf(
    `release("1.0", { migrations: [{ name: "0001", up: "select 1" }] }),
    release("1.1", { migrations: [{ name: "0002", up: hang }] })`,
    `[{ to: "1.0", expect: clean }, { to: "1.1", expect: clean }, { from: "1.0", to: "1.1", expect: clean }]`,
    [
      'import { writeFileSync } from "node:fs";',
      "async function hang(db) {",
      '  writeFileSync("hanging", "");',
      '  await db.raw("select pg_sleep(60)");',
      "}",
    ],
  );

  it.concurrent.each(["SIGINT", "SIGTERM"] as const)(
    "%s ends a hop that hangs, and all that was started",
    async (signal) => {
      await using work = await workplaceWith({ "scenarios/users.ts": hanging });
      const { child, ended } = work.start(["rehearse"]);
      await reached(child, () => existsSync(join(work.folder, "hanging")));
      child.kill(signal);
      const { code, stdout, stderr } = await ended;
      expect(stderr).toBe(`\nInterrupted by ${signal}: nothing more is rehearsed, and nothing is left behind.\n`);
      expect(told(stdout)).toBe("\nusers  users\n  ✓ #1  fresh install of 1.0  clean\n");
      expect(code).toBe(130);
      expect(await work.leftBehind()).toEqual([]);
    },
  );

  it.concurrent("SIGINT ends a server that has only begun to start", async () => {
    await using work = await workplaceWith({ "scenarios/users.ts": hanging });
    const { child, ended } = work.start(["rehearse"]);
    const begun = () =>
      readdirSync(work.runs, { recursive: true }).some((path) => String(path).endsWith("postmaster.pid"));
    await reached(child, begun);
    child.kill("SIGINT");
    expect((await ended).code).toBe(130);
    expect(await work.leftBehind()).toEqual([]);
  });

  it.concurrent("SIGKILL leaves nothing behind either", async () => {
    await using work = await workplaceWith({ "scenarios/users.ts": hanging });
    const { child, ended } = work.start(["rehearse"]);
    await reached(child, () => existsSync(join(work.folder, "hanging")));
    child.kill("SIGKILL");
    expect((await ended).code).toBe(null);
    expect(await work.leftBehind()).toEqual([]);
  });

  it.concurrent("a reader that goes early ends it without a word", async () => {
    const paths = Array.from({ length: 40 }, () => `{ to: "1.0", expect: clean }`).join(", ");
    await using work = await workplaceWith({
      "scenarios/users.ts": scenarioOf(
        `release("1.0", { migrations: [{ name: "0001", up: "select 1" }] })`,
        `[${paths}]`,
      ),
    });
    const pipe = `"$@" | head -1; echo "ended with \${PIPESTATUS[0]}"`;
    const { ended } = work.start(["rehearse", "--verbose"], { words: ["bash", "-c", pipe, "bash", ...command] });
    expect(await ended).toEqual({ code: 0, stdout: "\nended with 2\n", stderr: "" });
    expect(await work.leftBehind()).toEqual([]);
  });
});

/** A scenario file whose default export is this. */
function fileOf(scenario: string, before = ""): string {
  return `import { defineScenario } from "migration-sandbox";\n${before}\nexport default defineScenario(${scenario});\n`;
}

function scenarioOf(chain: string, paths = `[{ to: "1.0", expect: clean }]`, before: readonly string[] = []): string {
  return `import { clean, defineScenario, invariant, release, seeder, sqlFolder } from "migration-sandbox";
${before.join("\n")}
export default defineScenario({
  title: "users",
  engines: ["postgres"],
  chain: [
    ${chain},
  ],
  paths: ${paths},
});
`;
}

/** Rehearses, and tells what came of it without what differs from run to run. */
async function report(work: Workplace, args: readonly string[] = [], environment = {}): Promise<Ended> {
  const ended = await work.run(["rehearse", ...args], { environment });
  return { ...ended, stdout: told(ended.stdout) };
}

function told(stdout: string): string {
  return stdout
    .replace(/^ {2}postgres \S+ \(embedded\)\n/m, "")
    .replace(/ {2}\(seed 1, \d+\.\d s\)$/m, "")
    .replace(/(?<=^ +session )\d+/gm, "N");
}

/** Waits until a command has come so far, but no longer than it lives. */
async function reached(child: ChildProcess, there: () => boolean): Promise<void> {
  await eventually(there, (is) => is || child.exitCode !== null, 20_000);
  expect({ reached: there(), code: child.exitCode }).toEqual({ reached: true, code: null });
}

/** A disk in memory that has so much room and no more. */
async function onDiskOf(size: string, act: (disk: string) => Promise<void>): Promise<void> {
  const disk = await mkdtemp(join(tmpdir(), "disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size},mode=755`, "tmpfs", disk], { timeout: 10_000 });
  try {
    await act(disk);
  } finally {
    execFileSync("umount", ["--lazy", disk], { timeout: 10_000 });
    await rm(disk, { recursive: true });
  }
}

/** Whether everybody can pass through all the folders down to this one. */
function isOpen(folder: string): boolean {
  return (statSync(folder).mode & 0o005) === 0o005 && (dirname(folder) === folder || isOpen(dirname(folder)));
}
