import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");

interface Told {
  readonly status: "passed" | "failed" | "pending" | "skipped";
  readonly fullName: string;
  readonly failureMessages: readonly string[];
}

/** What somebody sees who runs Vitest on files that use our door. */
describe("rehearseAll()", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "door-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("makes one test of every engine and path, and shows an engine that is not covered", () => {
    // Whatever this machine has, only what comes out of npm is looked for.
    const told = vitest(["promises"], { SANDBOX_SERVER: "embedded" });
    expect(told.map(({ fullName, status }) => [fullName.replace(/^.*a name /, ""), status])).toEqual([
      ["postgres #1 1.0 → 1.1", "passed"],
      ["postgres #2 1.0 → 1.1, with one user", "failed"],
      ["postgres all ends agree", "passed"],
      ["mariadb #1 1.0 → 1.1", "skipped"],
      ["mariadb #2 1.0 → 1.1, with one user", "skipped"],
      ["mariadb all ends agree", "skipped"],
    ]);
  });

  test("throws the report of a rehearsal that is unmet, and nothing of our own stack", () => {
    const told = vitest(["promises"]).find(({ fullName }) => fullName.includes("#2"));
    const [message = ""] = told?.failureMessages ?? [];
    expect(message).toContain("1.0 → 1.1, with one user is broken, expected clean");
    expect(message).toContain('23502  column "name" of relation "users" contains null values');
    expect(message).toContain(
      "replay: npx vitest run test/fixtures/door/promises.fixture.ts -t 'postgres #2 1.0 → 1.1, with one user'",
    );
    expect(message).not.toMatch(/^\s+at /m);
  });

  test("walks only the paths whose tests run", () => {
    const sown = join(folder, "sown");
    vitest(["promises", "-t", "postgres #1"], { SOWN: sown });
    expect(existsSync(sown)).toBe(false);
    vitest(["promises", "-t", "postgres #2"], { SOWN: sown });
    expect(readFileSync(sown, "utf8")).toBe("one user\n");
  });

  test("makes a test of each path of a set, and walks those that are named", () => {
    const told = vitest(["sets", "-t", "#2"], { SANDBOX_SERVER: "embedded" });
    expect(told.map(({ fullName, status }) => [fullName.replace(/^.*a stop /, ""), status])).toEqual([
      ["postgres #1 1_users → 2_names → 3_filled → 4_index", "skipped"],
      ["postgres #2 1_users → 4_index", "passed"],
      ["postgres #2 3_filled → 4_index", "failed"],
      ["postgres all ends agree", "skipped"],
    ]);
  });

  test("fails where paths to one release come to different ends, whether or not the others were asked for", () => {
    const told = vitest(["ends"], { SANDBOX_SERVER: "embedded" });
    expect(told.map(({ fullName, status }) => [fullName.replace(/^.*?: /, ""), status])).toEqual([
      ["edited postgres #1 1.0 → 1.1", "passed"],
      ["edited postgres #2 fresh install of 1.1", "passed"],
      ["edited postgres all ends agree", "failed"],
      ["untouched postgres #1 1.0 → 1.1", "passed"],
      ["untouched postgres #2 fresh install of 1.1", "passed"],
      ["untouched postgres all ends agree", "passed"],
    ]);
    const alone = vitest(["ends", "-t", "all ends agree"], { SANDBOX_SERVER: "embedded" });
    const [message = ""] = alone.find(({ status }) => status === "failed")?.failureMessages ?? [];
    expect(message).toContain("ends at 1.1 differ");
    expect(message).toContain("column-differs");
    expect(message).toMatch(
      /\n {2}replay: npx vitest run test\/fixtures\/door\/ends\.fixture\.ts -t 'postgres all ends agree'$/,
    );
    expect(alone.map(({ status }) => status).sort()).toEqual([
      "failed",
      "passed",
      "skipped",
      "skipped",
      "skipped",
      "skipped",
    ]);
  });

  test("fails for an engine that ENGINES asks for and nobody has", () => {
    const told = vitest(["promises"], { ENGINES: "mariadb", SANDBOX_SERVER: "embedded" });
    expect(told.map(({ status }) => status)).toEqual(["failed", "failed", "failed"]);
    expect(told[0]?.failureMessages[0]).toContain("Cannot rehearse on mariadb: no server of it can be had here");
  });

  test.each(["forks", "threads"])("shares one server among all workers (%s)", (pool) => {
    const hosts = join(folder, `hosts-${pool}`);
    const told = vitest(["worker", "--pool", pool], { HOSTS: hosts });
    expect(told.map(({ status }) => status)).toEqual(["passed", "passed"]);
    const lines = readFileSync(hosts, "utf8").trim().split("\n");
    expect(new Set(lines.map((line) => line.split(" ")[1])).size).toBe(1);
    expect(lines.length).toBe(2);
  });

  function vitest(args: readonly string[], environment: { readonly [name: string]: string } = {}): readonly Told[] {
    const program = join(root, "node_modules", "vitest", "vitest.mjs");
    const config = join(root, "test", "fixtures", "door", "vitest.config.ts");
    const own = Object.entries(process.env).filter(([name]) => !/^(VITEST|ENGINES|SANDBOX_|FORCE_COLOR)/.test(name));
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [program, "run", "--root", root, "--config", config, "--reporter", "json", ...args],
      {
        cwd: root,
        encoding: "utf8",
        env: { ...Object.fromEntries(own), NO_COLOR: "1", ...environment },
        timeout: 60_000,
      },
    );
    if (!stdout.startsWith("{")) throw new Error(`Vitest said no JSON: ${stdout}${stderr}`);
    const { testResults } = JSON.parse(stdout) as { testResults: { assertionResults: Told[] }[] };
    return testResults.flatMap(({ assertionResults }) => assertionResults);
  }
});
