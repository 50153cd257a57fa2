// What goes wrong around a matrix: its words, its server, its disk, and who has no patience with it.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { eventually, leftIn, workplaceWith } from "./command.ts";

const chain = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      `migrations/${String(i + 1).padStart(4, "0")}_t.sql`,
      `create table t${i + 1} (id int primary key);`,
    ]),
  );

/** A scenario of six releases, of which one does something of its own. */
const scenario = (fifth: string, before = "") => `
import { clean, defineScenario, release } from "migration-sandbox";
${before}
const all = [1, 2, 3, 4, 5, 6].map((n) => ({ name: "000" + n, up: "create table t" + n + " (id int primary key)" }));
all[4] = { name: "0005", up: ${fifth} };
export default defineScenario({
  title: "a matrix", engines: ["postgres"],
  chain: all.map((_, i) => release("1." + i, { migrations: all.slice(0, i + 1) })),
  paths: [{ every: "all", expect: clean }],
});
`;

interface Document {
  readonly rehearsals: readonly {
    readonly path: readonly string[];
    readonly verdict: {
      readonly outcome: string;
      readonly cause?: { readonly code: string; readonly message: string };
    };
  }[];
}
/** Whether a path leads through the migration in question, and what came of it. */
const outcomes = ({ rehearsals }: Document, code: string) =>
  rehearsals.map(({ path, verdict }) => [
    ["1.4", "1.5"].includes(path.at(-1) ?? ""),
    verdict.outcome === "clean" ? "clean" : verdict.cause?.code === code ? code : JSON.stringify(verdict),
  ]);

describe("a matrix", { timeout: 120_000 }, () => {
  test.each([
    [["--paths", "0003_t..0001_t"], /0003_t.*0001_t/],
    [["--paths", "via:0009_t"], /0009_t/],
    [["--paths", "all", "--workers", "0"], /It may be a whole number from 1 to 64\./],
    [["--paths", "all", "--workers", "x"], /It may be a whole number from 1 to 64\./],
  ])("of %j is refused before anything is walked", async (args, says) => {
    await using work = await workplaceWith(chain(3));
    const { code, stdout, stderr } = await work.run(["rehearse", "migrations", ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(says);
    expect(stderr).not.toContain("not foreseen");
    expect(await work.leftBehind()).toEqual([]);
  });

  test.each(["MIGRATION_SANDBOX_DISK_MB", "MIGRATION_SANDBOX_STORE_MB"])(
    "with %s=much is refused, and told what is wanted",
    async (variable) => {
      await using work = await workplaceWith(chain(3));
      for (const said of ["much", "0", "-1"]) {
        const { code, stdout, stderr } = await work.run(["rehearse", "migrations"], {
          environment: { [variable]: said },
        });
        expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
        expect(stderr).toContain(
          `Cannot read ${variable}="${said}": it has to be a number of megabytes above 0, such as `,
        );
        expect(stderr).not.toContain("not foreseen");
      }
      expect(await work.leftBehind()).toEqual([]);
    },
  );

  test("of a chain of one is its install", async () => {
    await using work = await workplaceWith(chain(1));
    for (const args of [["--paths", "all"], [], ["--paths", "to-latest"]]) {
      const { code, stdout, stderr } = await work.run(["rehearse", "migrations", ...args]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain("\n1 met, 0 unmet, 0 inconclusive");
      expect(stdout).toContain("fresh install");
    }
  });

  test("of 5,000 releases says what sample is taken, before any is walked", async () => {
    await using work = await workplaceWith(chain(5000));
    const begun = performance.now();
    const { code, stdout } = await work.run(["plan", "migrations", "--paths", "to-latest:20"]);
    expect([code, stdout]).toEqual([0, expect.stringContaining("0001_t → ")]);
    expect(performance.now() - begun).toBeLessThan(20_000);
  });

  test("with a hop that waits for somebody's lock shows who holds it, and judges the rest", async () => {
    const hang = `async ({ db }) => {
      const held = await db.transaction();
      await held.raw("lock table t1 in access exclusive mode");
      await db.raw("alter table t1 add column a int");
    }`;
    const plain = scenario('"select 1"');
    const boots = plain.replace("slice(0, i + 1) })", `slice(0, i + 1), boot: i === 4 ? { hangs: ${hang} } : {} })`);
    await using work = await workplaceWith({ "scenarios/matrix.ts": boots });
    const { code, stdout } = await work.run(["rehearse", "--timeout", "5", "--reporter", "json"], {
      patience: 100_000,
    });
    const { rehearsals } = JSON.parse(stdout) as Document;
    expect(rehearsals.map(({ path, verdict }) => [path, verdict.cause?.code ?? verdict.outcome])).toEqual(
      rehearsals.map(({ path }) => [path, path.includes("1.4") ? "timed-out" : "clean"]),
    );
    expect(code).toBe(2);
    const [hung] = rehearsals.filter(({ verdict }) => verdict.cause !== undefined);
    expect(hung?.verdict.cause?.message).toContain("lock table t1 in access exclusive mode");
    expect(hung?.verdict.cause?.message).toContain("alter table t1 add column a int");
    expect(await work.leftBehind()).toEqual([]);
  });

  test("whose disk fills finishes what can be finished", async () => {
    const fill = `"create table big as select n, repeat('x', 1000) as x from generate_series(1, 300000) n"`;
    await using work = await workplaceWith({ "scenarios/matrix.ts": scenario(fill) });
    const disk = await mkdtemp(join(tmpdir(), "disk-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256m,mode=755", "tmpfs", disk], { timeout: 10_000 });
    try {
      const { code, stdout, stderr } = await work.run(["rehearse", "--reporter", "json"], {
        environment: { MIGRATION_SANDBOX_RUNS: disk },
        patience: 100_000,
      });
      expect({ code, stderr }).toEqual({ code: 2, stderr: "" });
      for (const [passes, came] of outcomes(JSON.parse(stdout) as Document, "disk-full"))
        expect(came).toBe(passes ? "disk-full" : "clean");
      expect(await leftIn(disk)).toEqual([]);
    } finally {
      execFileSync("umount", ["--lazy", disk], { timeout: 10_000 });
      await rm(disk, { recursive: true });
    }
  });

  const killing = `async (db) => {
      const [{ data_directory: folder }] = (await db.raw("show data_directory")).rows;
      process.kill(Number(readFileSync(folder + "/postmaster.pid", "utf8").split("\\n")[0]), "SIGKILL");
      await db.raw("select pg_sleep(60)");
    }`;

  test("whose server is killed is inconclusive from there on, and nothing is left behind", async () => {
    await using work = await workplaceWith({
      "scenarios/matrix.ts": scenario(killing, 'import { readFileSync } from "node:fs";'),
    });
    const { code, stdout } = await work.run(["rehearse", "--workers", "4", "--reporter", "json"]);
    const came = new Set(outcomes(JSON.parse(stdout) as Document, "server-lost").map(([, each]) => each));
    expect([code, [...came].filter((each) => each !== "clean")]).toEqual([2, ["server-lost"]]);
    expect(await work.leftBehind()).toEqual([]);
  });

  test("that is interrupted leaves nothing behind", async () => {
    const hang = `async (db) => { writeFileSync("hanging", ""); await db.raw("select pg_sleep(60)"); }`;
    await using work = await workplaceWith({
      "scenarios/matrix.ts": scenario(hang, 'import { writeFileSync } from "node:fs";'),
    });
    const { child, ended } = work.start(["rehearse", "--workers", "4"]);
    await eventually(() => existsSync(join(work.folder, "hanging")), Boolean, 30_000);
    child.kill("SIGINT");
    expect((await ended).code).toBe(130);
    expect(await work.leftBehind()).toEqual([]);
  });
});

describe("--back", { timeout: 120_000 }, () => {
  // Two files a migration, as golang-migrate has them.
  const withDowns = (down: string) => ({
    "migrations/000001_users.up.sql": "create table users (id int primary key);",
    "migrations/000001_users.down.sql": "drop table users;",
    "migrations/000002_pets.up.sql": "create table pets (id int primary key);",
    "migrations/000002_pets.down.sql": down,
  });

  test.each([
    ["leads back", "drop table pets;", 0, /0 unmet/],
    ["is empty", "-- nothing to do", 1, /down-/],
    ["takes away too much", "drop table pets; drop table users;", 1, /down-|differ/],
  ])("where a way back %s", async (_what, down, wanted, says) => {
    await using work = await workplaceWith(withDowns(down));
    const { code, stdout, stderr } = await work.run(["rehearse", "migrations", "--back"]);
    expect({ code, stderr }).toEqual({ code: wanted, stderr: "" });
    expect(stdout).toMatch(says);
    // What is found on the way back is found again by its replay line alone.
    const [, replay] = /replay: .*? (rehearse .*)/.exec(stripVTControlCharacters(stdout)) ?? [];
    if (replay !== undefined) expect((await work.run(replay.split(" "))).code).toBe(wanted);
    expect(replay !== undefined).toBe(wanted === 1);
    const unasked = await work.run(["rehearse", "migrations"]);
    expect(unasked.code).toBe(0);
  });
});
