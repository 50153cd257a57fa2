import { execFileSync } from "node:child_process";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { command, eventually, leftIn, workplaceWith } from "./command.ts";

const limit = { timeout: 120_000 };

/** Users get a name in 1.1; as first merged, that failed as soon as there was one. In 1.2 nothing is pending. */
const users = `import { broken, clean, defineScenario, release, seeder } from "migration-sandbox";
const created = { name: "0001_users", up: "create table users (id int primary key)" };
const named = { name: "0002_names", up: "alter table users add column name text" };
const namedAsMerged = { name: "0002_names", up: "alter table users add column name text not null" };
const oneUser = seeder("one user", ({ db }) => db("users").insert({ id: 1 }));
export default defineScenario({
  title: "users can be given a name",
  source: "https://example.org/issues/1",
  engines: ["postgres"],
  chain: [
    release("1.0", { migrations: [created] }),
    release("1.1 as merged", { insteadOf: "1.1", migrations: [created, namedAsMerged] }),
    release("1.1", { migrations: [created, named] }),
    release("1.2", { migrations: [created, named] }),
  ],
  paths: [
    { from: "1.0", to: "1.1", expect: clean },
    { from: "1.0", with: oneUser, to: "1.1 as merged", expect: broken("migration-failed", { postgres: "23502" }) },
    { from: "1.0", with: oneUser, via: ["1.1"], to: "1.2", expect: clean },
    { to: "1.2", expect: clean },
  ],
});
`;

/** Three releases of which each does one thing: come through, fail, hang. */
const threeOutcomes = `import { clean, defineScenario, release } from "migration-sandbox";
const only = (name, up) => release(name, { migrations: [{ name: "0001 of " + name, up }] });
export default defineScenario({
  title: "three releases",
  engines: ["postgres"],
  chain: [only("good", "select 1"), only("bad", "select 1 / 0"), only("slow", "select pg_sleep(60)")],
  paths: [
    { to: "good", expect: clean },
    { to: "bad", expect: clean },
    { to: "slow", expect: clean },
  ],
});
`;

const twoEngines = `import { clean, defineScenario, release } from "migration-sandbox";
export default defineScenario({
  title: "one table on two engines",
  engines: ["postgres", "mariadb"],
  chain: [release("1.0", { migrations: [{ name: "0001", up: "create table users (id int primary key)" }] })],
  paths: [{ to: "1.0", expect: clean }],
});
`;

describe("rehearse", limit, () => {
  it.concurrent("tells every path in a line, what broke as expected below, and exits with 0", async () => {
    await using work = await workplaceWith({ "scenarios/users.ts": users });
    const { code, stdout, stderr } = await work.run(["rehearse"]);
    expect(undated(stdout)).toBe(`
users  users can be given a name
  postgres (embedded)
  ✓ #1  1.0 → 1.1                           clean
  ✓ #2  1.0 → 1.1 as merged, with one user  broken (migration-failed 23502), as expected
  ✓ #3  1.0 → 1.1 → 1.2, with one user      clean
  ✓ #4  fresh install of 1.2                clean

as expected in users#2
  migration-failed  1.1 as merged, 0002_names
  scenarios/users.ts:4:50
    3 | const named = { name: "0002_names", up: "alter table users add column name text" };
  > 4 | const namedAsMerged = { name: "0002_names", up: "alter table users add column name text not null" };
      |                                                  ^
    5 | const oneUser = seeder("one user", ({ db }) => db("users").insert({ id: 1 }));
  23502  column "name" of relation "users" contains null values
  replay: npm run -s cli -- rehearse users#2 --engine postgres --seed 1

4 met, 0 unmet, 0 inconclusive  (seed 1)
`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(await work.leftBehind()).toEqual([]);
  });

  it.concurrent("tells one document with --reporter json, and nothing else", async () => {
    await using work = await workplaceWith({ "scenarios/users.ts": users });
    const { code, stdout, stderr } = await work.run(["rehearse", "--reporter", "json", "users#2", "users#3"]);
    const milliseconds = expect.any(Number);
    const version = expect.stringMatching(/^\d+\.\d+$/);
    const first = { name: "0001_users", milliseconds };
    const common = {
      scenario: "users",
      title: "users can be given a name",
      engine: "postgres",
      server: "embedded",
      version,
      with: "one user",
      settings: null,
      runners: 1,
      workaround: null,
      met: true,
      milliseconds,
      set: null,
      end: null,
      reused: false,
    };
    expect(JSON.parse(stdout)).toStrictEqual({
      format: 1,
      seed: 1,
      shard: null,
      rehearsals: [
        {
          ...common,
          name: "users#2",
          path: ["1.0", "1.1 as merged"],
          dump: null,
          expected: { outcome: "broken", findings: [{ code: "migration-failed", postgres: "23502" }] },
          hops: [
            { from: null, to: "1.0", milliseconds, migrations: [first] },
            { from: "1.0", to: "1.1 as merged", milliseconds, migrations: [] },
          ],
          verdict: {
            outcome: "broken",
            findings: [
              {
                code: "migration-failed",
                release: "1.1 as merged",
                migration: "0002_names",
                sqlState: "23502",
                message: `column "name" of relation "users" contains null values`,
                file: "scenarios/users.ts",
                line: 4,
                character: 50,
                statement: "alter table users add column name text not null",
              },
            ],
            notes: [],
          },
          replay: "npm run -s cli -- rehearse users#2 --engine postgres --seed 1",
        },
        {
          ...common,
          name: "users#3",
          path: ["1.0", "1.1", "1.2"],
          dump: null,
          expected: { outcome: "clean" },
          hops: [
            { from: null, to: "1.0", milliseconds, migrations: [first] },
            { from: "1.0", to: "1.1", milliseconds, migrations: [{ name: "0002_names", milliseconds }] },
            { from: "1.1", to: "1.2", milliseconds, migrations: [] },
          ],
          verdict: { outcome: "clean", findings: [], notes: [] },
          replay: "npm run -s cli -- rehearse users#3 --engine postgres --seed 1",
        },
      ],
      met: 2,
      unmet: 0,
      inconclusive: 0,
      ends: [],
      work: { migrations: 3, plainly: 3, reused: 0, damaged: 0, disk: expect.any(Number), milliseconds },
      notCovered: [],
      matrices: [],
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it.concurrent("exits with 1 where one is unmet, and else with 2 where one is inconclusive", async () => {
    await using work = await workplaceWith({ "scenarios/outcomes.ts": threeOutcomes });
    const run = (...args: string[]) => work.run(["rehearse", "--timeout", "2", ...args]);
    const [met, inconclusive, unmet] = await Promise.all([
      run("outcomes#1"),
      run("outcomes#1", "outcomes#3", "--reporter", "json"),
      run("outcomes"),
    ]);
    expect([met.code, inconclusive.code, unmet.code]).toEqual([0, 2, 1]);
    expect(JSON.parse(inconclusive.stdout)).toMatchObject({
      rehearsals: [
        { met: true, verdict: { outcome: "clean" } },
        { met: false, verdict: { outcome: "inconclusive", cause: { code: "timed-out" }, findings: [], notes: [] } },
      ],
      met: 1,
      unmet: 0,
      inconclusive: 1,
    });
  });

  it.concurrent("walks what #n, --from and --to select", async () => {
    await using work = await workplaceWith({ "scenarios/users.ts": users, "scenarios/outcomes.ts": threeOutcomes });
    const walkedBy = async (...args: string[]) => {
      const { code, stdout, stderr } = await work.run(["rehearse", "--reporter", "json", ...args]);
      const { rehearsals = [] } = code === 0 ? (JSON.parse(stdout) as { rehearsals: Walked[] }) : {};
      return { code, stderr, walked: rehearsals.map(({ name, path }) => [name, ...path]) };
    };
    type Walked = { readonly name: string; readonly path: readonly string[] };
    const good = { code: 0, stderr: "" };
    expect(await walkedBy("users#4", "users#1")).toEqual({
      ...good,
      walked: [
        ["users#1", "1.0", "1.1"],
        ["users#4", "1.2"],
      ],
    });
    expect(await walkedBy("scenarios/users.ts#4")).toEqual({ ...good, walked: [["users#4", "1.2"]] });
    expect(await walkedBy("--to", "1.2")).toEqual({
      ...good,
      walked: [
        ["users#3", "1.0", "1.1", "1.2"],
        ["users#4", "1.2"],
      ],
    });
    expect(await walkedBy("--from", "1.0", "--to", "1.1")).toEqual({ ...good, walked: [["users#1", "1.0", "1.1"]] });
    // Paths that no scenario has are made, and expected to be clean.
    expect(await walkedBy("--from", "1.1")).toEqual({ ...good, walked: [["users#1.1..1.2", "1.1", "1.2"]] });
    expect(await walkedBy("--to", "1.1")).toMatchObject({ code: 0 });
  });

  it.concurrent("prints replay lines that walk the same path to the same verdict", async () => {
    await using work = await workplaceWith({
      "scenarios/users.ts": users,
      "else where/outcomes.ts": threeOutcomes,
    });
    const again = async (...args: string[]) => {
      const { stdout } = await work.run(["rehearse", ...args]);
      const [line = "", what = ""] = /replay: npm run -s cli -- (.*)/.exec(stdout) ?? [];
      const { ended } = work.start([], { words: ["sh", "-c", `"$@" ${what}`, "sh", ...command] });
      expect((await ended).stdout).toContain(line);
      return line;
    };
    expect(await again("users", "--seed", "7")).toBe(
      "replay: npm run -s cli -- rehearse users#2 --engine postgres --seed 7",
    );
    expect(await again("else where", "--to", "bad")).toBe(
      "replay: npm run -s cli -- rehearse 'else where/outcomes.ts#2' --engine postgres --seed 1",
    );
  });

  it.concurrent("stops at the first unmet with --bail", async () => {
    await using work = await workplaceWith({ "scenarios/outcomes.ts": threeOutcomes });
    const { code, stdout } = await work.run(["rehearse", "--bail", "--timeout", "30"]);
    expect(stdout).toContain("✗ #2  fresh install of bad   broken (migration-failed 22012), expected clean\n");
    expect(stdout).not.toContain("#3");
    expect(stdout).toContain("\n1 met, 1 unmet, 0 inconclusive");
    expect(code).toBe(1);
  });

  it.concurrent("counts notes as findings with --strict, and shows them with --verbose", async () => {
    await using work = await workplaceWith({
      "scenarios/users.ts": `import { clean, defineScenario, release } from "migration-sandbox";
export default defineScenario({
  title: "a shipped migration is edited",
  engines: ["postgres"],
  chain: [
    release("1.0", { migrations: [{ name: "0001", up: "create table users (id int)" }] }),
    release("1.1", { migrations: [{ name: "0001", up: "create table users (id int)" }, { name: "0002", up: "select 1" }] }),
    release("1.1 edited", {
      insteadOf: "1.1",
      migrations: [{ name: "0001", up: "create table users (id bigint)" }, { name: "0002", up: "select 1" }],
    }),
  ],
  paths: [{ from: "1.0", to: "1.1 edited", expect: clean }],
});
`,
    });
    const message = `"0001" was applied with another text than 1.1 edited ships; it is not run again`;
    const noted = await work.run(["rehearse", "--verbose"]);
    expect(noted.stdout.replaceAll(/\d+(\.\d+)? ms/g, "… ms")).toContain(`
  ✓ #1  1.0 → 1.1 edited  clean, 1 note
      ∅ → 1.0  … ms
        0001  … ms
      1.0 → 1.1 edited  … ms
        0002  … ms
      note migration-edited: ${message}
      … ms in all
`);
    expect(noted.code).toBe(0);
    const strict = await work.run(["rehearse", "--strict"]);
    expect(strict.stdout).toContain("✗ #1  1.0 → 1.1 edited  broken (migration-edited), expected clean\n");
    expect(strict.stdout).toContain(`\n  migration-edited  1.1 edited, 0001\n  ${message}\n`);
    expect(strict.code).toBe(1);
  });

  it.concurrent("leaves what is unmet up with --keep, until the printed command ends it", async () => {
    await using work = await workplaceWith({ "scenarios/outcomes.ts": threeOutcomes });
    const { code, stdout, stderr } = await work.run(["rehearse", "--keep", "outcomes#1", "outcomes#2"]);
    expect(code).toBe(1);
    const [, url = ""] = /^ {2}kept: {3}(postgres:\/\/\S+)$/m.exec(stdout) ?? [];
    expect(stdout).toContain(`  enter:  psql "${url}"\n`);
    const client = new pg.Client(url);
    await client.connect();
    try {
      const { rows } = await client.query("select datname from pg_database where datname like 'sandbox%'");
      expect(rows).toEqual([{ datname: new URL(url).pathname.slice(1) }]);
    } finally {
      await client.end();
    }
    const [, howToEnd = ""] = /^What was kept stays up\. To be rid of it: (.+)\n$/.exec(stderr) ?? [];
    execFileSync("sh", ["-c", howToEnd], { timeout: 10_000 });
    const processes = async () => (await leftIn(work.runs)).filter((left) => left.includes(work.runs));
    expect(await eventually(processes, (left) => left.length === 0)).toEqual([]);
    const [folder] = await leftIn(work.runs);
    expect(howToEnd).toContain(folder);
    expect(await work.run(["rehearse", "outcomes#1"])).toMatchObject({ code: 0 });
    expect(await work.leftBehind()).toEqual([]);
  });

  it.concurrent("leaves nothing up with --keep where all is met", async () => {
    await using work = await workplaceWith({ "scenarios/outcomes.ts": threeOutcomes });
    expect(await work.run(["rehearse", "--keep", "outcomes#1"])).toMatchObject({ code: 0, stderr: "" });
    expect(await work.leftBehind()).toEqual([]);
  });

  it.concurrent("says which engines it did not cover, unless only others were asked for", async () => {
    await using work = await workplaceWith({ "scenarios/tables.ts": twoEngines });
    const first = "Cannot rehearse on mariadb: no server of it can be had here";
    const why = `${first} (embedded: only PostgreSQL comes out of npm)`;
    // Whatever this machine has, only what comes out of npm is looked for.
    const environment = { SANDBOX_SERVER: "embedded" };
    const all = await work.run(["rehearse"], { environment });
    expect(undated(all.stdout)).toBe(`
tables  one table on two engines
  postgres (embedded)
  ✓ #1  fresh install of 1.0  clean

1 met, 0 unmet, 0 inconclusive  (seed 1)
not covered: mariadb (${why})
`);
    expect(all.code).toBe(0);
    const { stdout } = await work.run(["rehearse", "--reporter", "json"], { environment });
    expect(JSON.parse(stdout)).toMatchObject({ met: 1, notCovered: [{ engine: "mariadb", why }] });
    const one = await work.run(["rehearse", "--engine", "postgres"], { environment });
    expect(one.stdout).not.toContain("not covered");
    expect(one.code).toBe(0);
    const asked = await work.run(["rehearse", "--engine", "mariadb"], { environment });
    expect(asked).toEqual({ code: 2, stdout: "", stderr: `${first}\n  embedded: only PostgreSQL comes out of npm\n` });
  });

  it.concurrent("has colours where they are wanted, and none with NO_COLOR", async () => {
    await using work = await workplaceWith({ "scenarios/tables.ts": twoEngines });
    const colour = "\u001b[";
    const wanted = await work.run(["rehearse"], { environment: { FORCE_COLOR: "1" } });
    expect(wanted.stdout).toContain(colour);
    const unwanted = await work.run(["rehearse"], { environment: { CI: "1", NO_COLOR: "1" } });
    expect(unwanted.stdout).not.toContain(colour);
    expect(unwanted.code).toBe(0);
  });

  it.concurrent("gives the same rows for the same seed, and others for another", async () => {
    await using work = await workplaceWith({
      "scenarios/users.ts": `import { writeFileSync } from "node:fs";
import { clean, defineScenario, release, seeder } from "migration-sandbox";
const users = { name: "0001", up: "create table users (name text, age float)" };
export default defineScenario({
  title: "users",
  engines: ["postgres"],
  chain: [
    release("1.0", { migrations: [users] }),
    release("1.1", { migrations: [users, { name: "0002", up: "select 1" }] }),
  ],
  seeds: { "1.0": seeder("a user", async ({ db, faker, random }) => {
    await db("users").insert({ name: faker.person.fullName(), age: random() });
  }) },
  check: async ({ after }) => {
    console.log(JSON.stringify(await after.all("users")));
    return [];
  },
  paths: [{ from: "1.0", to: "1.1", expect: clean }],
});
`,
    });
    const rows = async (seed: string) => /^\[.*\]$/m.exec((await work.run(["rehearse", "--seed", seed])).stdout)?.[0];
    const [first, again, other] = [await rows("1"), await rows("1"), await rows("2")];
    expect(first).toMatch(/^\[\{"name":".+","age":0\.\d+\}\]$/);
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });
});

// Where no server can be started, whoever starts one fails.
const noServer = { environment: { MIGRATION_SANDBOX_CACHE: "/dev/null/x", MIGRATION_SANDBOX_RUNS: "/dev/null/x" } };

describe("list", limit, () => {
  it.concurrent("names the scenarios, without a server", async () => {
    await using work = await workplaceWith({
      "scenarios/shop/users.ts": users,
      "scenarios/tables.ts": twoEngines,
      "scenarios/shop/helper.ts": "export const nothing = 1;",
    });
    expect(await work.run(["list"], noServer)).toEqual({
      code: 0,
      stdout: `shop/users  users can be given a name (postgres, 4 paths)
tables      one table on two engines (postgres, mariadb, 1 path)
`,
      stderr: "",
    });
    expect((await work.run(["list", "shop"], noServer)).stdout).toMatch(/^shop\/users .*\n$/);
  });

  it.concurrent("tells one document with --reporter json", async () => {
    await using work = await workplaceWith({ "scenarios/shop/users.ts": users });
    expect(JSON.parse((await work.run(["list", "--reporter", "json"], noServer)).stdout)).toStrictEqual({
      format: 1,
      scenarios: [
        {
          name: "shop/users",
          title: "users can be given a name",
          source: "https://example.org/issues/1",
          engines: ["postgres"],
          chain: ["1.0", "1.1 as merged", "1.1", "1.2"],
          paths: 4,
        },
      ],
    });
  });
});

describe("plan", limit, () => {
  it.concurrent("shows pending migrations in order and what is walked once, without a server", async () => {
    await using work = await workplaceWith({ "scenarios/users.ts": users });
    expect(await work.run(["plan", "users"], noServer)).toEqual({
      code: 0,
      stdout: `users  users can be given a name  (postgres)
  #1  1.0 → 1.1  expected clean
      ∅ → 1.0
        0001_users
      1.0 → 1.1
        0002_names
  #2  1.0 → 1.1 as merged, with one user  expected broken (migration-failed 23502)
      ∅ → 1.0  walked with #1
        0001_users
      1.0 → 1.1 as merged
        0002_names
  #3  1.0 → 1.1 → 1.2, with one user  expected clean
      ∅ → 1.0  walked with #1
        0001_users
      1.0 → 1.1
        0002_names
      1.1 → 1.2
        nothing is pending
  #4  fresh install of 1.2  expected clean
      ∅ → 1.2
        0001_users
        0002_names
  8 hops in 4 paths, 6 walked
`,
      stderr: "",
    });
  });

  it.concurrent("selects as rehearse does, and tells one document with --reporter json", async () => {
    await using work = await workplaceWith({ "scenarios/users.ts": users, "scenarios/tables.ts": twoEngines });
    const { stdout } = await work.run(["plan", "users", "--from", "1.1", "--reporter", "json"], noServer);
    expect(JSON.parse(stdout)).toStrictEqual({
      format: 1,
      plans: [
        {
          scenario: "users",
          engine: "postgres",
          paths: [
            {
              name: "users#1.1..1.2",
              path: ["1.1", "1.2"],
              dump: null,
              with: null,
              settings: null,
              runners: 1,
              workaround: null,
              expected: { outcome: "clean" },
              hops: [
                { to: "1.1", pending: ["0001_users", "0002_names"] },
                { from: "1.1", to: "1.2", pending: [] },
              ],
            },
          ],
        },
      ],
    });
    expect((await work.run(["plan", "users#4"], noServer)).stdout).toContain("\n  1 hops in 1 paths, 1 walked\n");
    // A plan needs no engine that can be had.
    expect((await work.run(["plan", "tables", "--engine", "mariadb"], noServer)).stdout).toContain("(mariadb)");
  });
});

describe("the command itself", limit, () => {
  it.concurrent("says its version and how it is used", async () => {
    await using work = await workplaceWith({});
    expect(await work.run(["--version"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
    for (const args of [[], ["--help"]]) {
      const { code, stdout, stderr } = await work.run(args);
      expect(stdout).toMatch(/^Usage: migration-sandbox \[options\] \[command\]\n/);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    }
    const { code, stdout } = await work.run(["rehearse", "--help"]);
    for (const option of ["--engine", "--from", "--to", "--seed", "--timeout", "--keep", "--bail", "--strict"])
      expect(stdout).toContain(`  ${option}`);
    expect(code).toBe(0);
  });
});

/** Without what differs from machine to machine and from run to run. */
function undated(stdout: string): string {
  return stdout.replace(/^( {2}postgres) \S+ (\(embedded\))$/m, "$1 $2").replace(/(\(seed \d+), \d+\.\d s\)$/m, "$1)");
}
