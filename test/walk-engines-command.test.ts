// The command, the JSON report and Vitest's door on engines other than PostgreSQL.

import { execFileSync, spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { clean, defineScenario, rehearse, release } from "migration-sandbox";
import { test as sandboxTest } from "migration-sandbox/vitest";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { workplaceWith } from "./command.ts";

const limit = { timeout: 240_000 };
const patience = 120_000;

const scenarioOn = (
  ...engines: readonly string[]
) => `import { broken, clean, defineScenario, release, seeder } from "migration-sandbox";
const created = { name: "0001", up: "create table users (id int primary key, name varchar(50))" };
const named = { name: "0002", up: "create table pets (id int);\\nalter table users add unique (name)" };
const twice = seeder("one name twice", ({ db }) => db("users").insert([{ id: 1, name: "ann" }, { id: 2, name: "ann" }]));
export default defineScenario({
  title: "names are unique",
  engines: ${JSON.stringify(engines)},
  chain: [release("1.0", { migrations: [created] }), release("1.1", { migrations: [created, named] })],
  paths: [
    { from: "1.0", to: "1.1", expect: clean },
    { from: "1.0", with: twice, to: "1.1", expect: clean },
  ],
});
`;

const hanging = `import { clean, defineScenario, release } from "migration-sandbox";
const only = (name, up) => release(name, { migrations: [{ name: "0001 of " + name, up }] });
export default defineScenario({
  title: "one of them hangs",
  engines: ["mysql", "mariadb"],
  chain: [only("slow", "do sleep(600)"), only("away", "use mysql; do sleep(600)"), only("good", "select 1")],
  paths: [{ to: "slow", expect: clean }, { to: "away", expect: clean }, { to: "good", expect: clean }],
});
`;

describe.each(["mariadb", "mysql"] as const)("the command on %s", limit, (engine) => {
  test("tells errno and SQLSTATE, in words and as JSON", async () => {
    await using work = await workplaceWith({ "scenarios/names.ts": scenarioOn(engine) });
    const told = await work.run(["rehearse", "--engine", engine], { patience });
    expect([told.code, told.stderr]).toEqual([1, ""]);
    expect(told.stdout).toMatch(/✓ #1 +1\.0 → 1\.1 +clean/);
    expect(told.stdout).toMatch(/✗ #2 .*migration-failed (23000|1062)/);
    expect(told.stdout).toMatch(/Duplicate entry 'ann' for key/);
    expect(told.stdout).toContain(`replay: npm run -s cli -- rehearse names#2 --engine ${engine} --seed 1`);
    const json = await work.run(["rehearse", "names#2", "--reporter", "json"], { patience });
    expect(JSON.parse(json.stdout)).toMatchObject({
      format: 1,
      unmet: 1,
      rehearsals: [
        {
          engine,
          met: false,
          verdict: {
            outcome: "broken",
            findings: [
              {
                code: "migration-failed",
                migration: "0002",
                errno: 1062,
                sqlState: "23000",
                statement: "alter table users add unique (name)",
              },
            ],
          },
        },
      ],
    });
    expect(await work.leftBehind()).toEqual([]);
  });

  test("ends by --timeout what hangs, wherever it hangs, and itself soon after", async () => {
    await using work = await workplaceWith({ "scenarios/slow.ts": hanging });
    const { code, stdout, stderr } = await work.run(["rehearse", "--engine", engine, "--timeout", "2"], { patience });
    expect([code, stderr], stdout).toEqual([2, ""]);
    expect(stdout).toMatch(/1 met, 0 unmet, 2 inconclusive/);
    expect(await work.leftBehind()).toEqual([]);
  });

  test("keeps what was unmet, and its client enters there", async () => {
    await using work = await workplaceWith({ "scenarios/names.ts": scenarioOn(engine) });
    const { code, stdout } = await work.run(["rehearse", "names#2", "--keep", "--reporter", "json"], { patience });
    expect(code, stdout).toBe(1);
    const [{ kept }] = JSON.parse(stdout).rehearsals;
    // Within a container that sees the same Docker, published ports are at the gateway of its network.
    expect(kept.url).toMatch(/^mysql:\/\/root:.*@[\d.]+:\d+\/sandbox_/);
    try {
      const query = "select group_concat(name order by id) as names from users; show tables";
      // Debian's `mysql` is MariaDB's.
      const said = execFileSync("sh", ["-c", `${kept.client} -N -e "${query}"`], { encoding: "utf8", timeout: 20_000 });
      expect(said).toBe("ann,ann\n_migration_sandbox\npets\nusers\n");
    } finally {
      await work.run(["doctor", "--clean"], { patience });
    }
  });
});

describe("rehearse() on two engines at once", limit, () => {
  test("walks each path on each, and meets what is expected per engine", async () => {
    const scenario = defineScenario({
      title: "two engines",
      engines: ["postgres", "mariadb", "mysql"],
      chain: [
        release("1.0", { migrations: [{ name: "0001", up: "create table users (id int primary key)" }] }),
        release("1.1", {
          migrations: [
            { name: "0001", up: "create table users (id int primary key)" },
            { name: "0002", up: { postgres: "select 1", mysql: "do 1", mariadb: "begin not atomic select 1; end" } },
          ],
        }),
      ],
      paths: [{ from: "1.0", to: "1.1", expect: clean }],
    });
    const { rehearsals, met } = await rehearse([scenario], { engines: ["mariadb:10.11", "postgres", "mysql:9"] });
    expect(rehearsals.map(({ engine, version }) => `${engine} ${version.split(".")[0]}`)).toEqual([
      "mariadb 10",
      expect.stringMatching(/^postgres \d+$/),
      "mysql 9",
    ]);
    expect(met).toBe(3);
  });
});

describe("Vitest's door", limit, () => {
  const root = resolve(import.meta.dirname, "..");

  function vitest(args: readonly string[], environment: { readonly [name: string]: string }): readonly string[] {
    const program = resolve(root, "node_modules/vitest/vitest.mjs");
    const config = resolve(root, "test/fixtures/door/vitest.config.ts");
    const own = Object.entries(process.env).filter(([name]) => !/^(VITEST|ENGINES|SANDBOX_|FORCE_COLOR)/.test(name));
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [program, "run", "--root", root, "--config", config, "--reporter", "json", ...args],
      {
        cwd: root,
        encoding: "utf8",
        env: { ...Object.fromEntries(own), NO_COLOR: "1", ...environment },
        timeout: 120_000,
      },
    );
    if (!stdout.startsWith("{")) throw new Error(`Vitest said no JSON: ${stdout}${stderr}`);
    interface Told {
      readonly testResults: { readonly assertionResults: { readonly status: string; readonly fullName: string }[] }[];
    }
    const { testResults } = JSON.parse(stdout) as Told;
    return testResults.flatMap(({ assertionResults }) =>
      assertionResults.map(({ fullName, status }) => `${status} ${fullName.replace(/^.*a name /, "")}`),
    );
  }

  test("makes tests of every engine that ENGINES names", () => {
    expect(vitest(["promises"], { ENGINES: "postgres,mariadb:10.11" })).toEqual([
      "passed postgres #1 1.0 → 1.1",
      "failed postgres #2 1.0 → 1.1, with one user",
      "passed postgres all ends agree",
      "passed mariadb:10.11 #1 1.0 → 1.1",
      "passed mariadb:10.11 #2 1.0 → 1.1, with one user", // There it is an empty text.
      "passed mariadb:10.11 all ends agree",
    ]);
  });

  test.each(["mariadb", "mysql"])("hands out a sandbox of the engine that ENGINES names: %s", (engine) => {
    const told = vitest(["worker"], { ENGINES: engine });
    expect(told.map((line) => line.split(" ")[0])).toEqual(["passed", "passed"]);
  });
});

describe.each(["mariadb", "mysql"] as const)("the sandbox fixture on %s", limit, (engine) => {
  beforeAll(() => {
    vi.stubEnv("ENGINES", engine);
  });
  afterAll(() => {
    vi.unstubAllEnvs();
  });

  const [first, second, third, failing] = [
    { name: "0001", up: "create table users (id int auto_increment primary key, name varchar(50))" },
    { name: "0002", up: "alter table users add column email varchar(50) not null default 'x'" },
    { name: "0003", up: "rename table users to people; delete from people where id = 2" },
    { name: "0004", up: "create table left_behind (id int); select nope" },
  ] as const;
  const chain = [
    release("1.0", { migrations: [first] }),
    release("1.1", { migrations: [first, second] }),
    release("1.2", { migrations: [first, second, third] }),
    release("1.3", { migrations: [first, second, third, failing] }),
  ];

  sandboxTest("hands out ledgers that stay as they are, upgrade after upgrade", async ({ sandbox }) => {
    expect(sandbox.url).toMatch(/^mysql:/);
    await sandbox.install(chain, "1.0");
    await sandbox.knex("users").insert([{ name: "ann" }, { name: "bob" }]);
    const one = await sandbox.upgrade("1.1");
    await sandbox.knex("users").insert({ name: "cy" });
    const two = await sandbox.upgrade("1.2");
    await sandbox.knex("people").del();
    expect(await one.after.all("users")).toEqual([
      { id: 1, name: "ann", email: "x" },
      { id: 2, name: "bob", email: "x" },
    ]);
    const changes = [];
    for await (const change of two.changes("users")) changes.push(change);
    expect(changes).toEqual([
      { kind: "kept", key: { id: "1" } },
      { kind: "lost", key: { id: "2" } },
      { kind: "kept", key: { id: "3" } },
    ]);
  });

  sandboxTest("still speaks to the database after an upgrade that failed", async ({ sandbox }) => {
    await sandbox.install(chain, "1.2");
    await sandbox.knex("people").insert({ name: "ann" });
    await expect(sandbox.upgrade("1.3")).rejects.toMatchObject({
      name: "UpgradeFailed",
      finding: { code: "migration-failed", migration: "0004", errno: 1054, sqlState: "42S22" },
    });
    expect(await sandbox.knex("people")).toEqual([{ id: 1, name: "ann", email: "x" }]);
    expect(await sandbox.knex.schema.hasTable("left_behind")).toBe(true);
  });
});
