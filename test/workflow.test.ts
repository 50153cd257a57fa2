import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseCLI } from "vitest/node";
import { parseDocument } from "yaml";
import { workplaceWith } from "./command.ts";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly if?: string;
  readonly with?: { readonly [name: string]: unknown };
}

interface Job {
  readonly "runs-on": string;
  readonly needs?: readonly string[];
  readonly if?: string;
  readonly strategy?: { readonly matrix: { readonly shard: readonly number[] } };
  readonly steps: readonly Step[];
}

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
const text = /^```yaml\n(# \.github\/workflows\/upgrades\.yml\n[\s\S]*?)^```/m.exec(readme)?.[1] ?? "";
const document = parseDocument(text, { strict: true });
const { on, jobs } = document.toJS() as { readonly on: unknown; readonly jobs: { readonly [name: string]: Job } };

const shardsOf = ({ strategy }: Job) => strategy?.matrix.shard ?? [];
const runsOf = ({ steps }: Job) => steps.flatMap(({ run }) => run ?? []);
const stepsUsing = ({ steps }: Job, action: string) =>
  steps.filter(({ uses }) => uses?.startsWith(`actions/${action}@`));
const shown = (told: unknown, shard: number) => String(told).replace(/\$\{\{ matrix\.shard \}\}/g, String(shard));

/** What a job's commands are on each of its machines. */
const commands = Object.values(jobs ?? {}).flatMap((job) =>
  runsOf(job).flatMap((run) => (shardsOf(job).length === 0 ? [run] : shardsOf(job).map((shard) => shown(run, shard)))),
);

describe("the workflow of the README", () => {
  test("is YAML, and has what a workflow has to have", () => {
    expect([...document.errors, ...document.warnings]).toEqual([]);
    expect(on).toEqual(["push"]);
    expect(Object.keys(jobs)).toEqual(["scenarios", "releases", "report"]);
    for (const job of Object.values(jobs)) {
      expect(job["runs-on"]).toBe("ubuntu-latest");
      for (const step of job.steps) {
        expect([step.uses, step.run].filter((what) => what !== undefined)).toHaveLength(1);
        if (step.uses !== undefined) expect(step.uses).toMatch(/^actions\/[a-z-]+@v\d+$/);
        expect(Object.keys(step).filter((key) => !["uses", "run", "if", "with"].includes(key))).toEqual([]);
      }
      expect(job.steps[0]?.uses).toMatch(/^actions\/checkout@/);
      expect(runsOf(job)[0]).toBe("npm ci");
    }
  });

  test("has a machine for every part that its commands name", () => {
    for (const job of ["scenarios", "releases"].map((name) => jobs[name] as Job)) {
      const [, count] = /\$\{\{ matrix\.shard \}\}\/(\d+)/.exec(runsOf(job).join("\n")) ?? [];
      expect(shardsOf(job)).toEqual(Array.from({ length: Number(count) }, (_, i) => i + 1));
      expect(job.strategy).toMatchObject({ "fail-fast": false });
    }
  });

  test("brings every part to where it is put together, also of machines that found something", () => {
    const report = jobs.report as Job;
    expect(report.needs).toEqual(["scenarios", "releases"]);
    for (const name of ["scenarios", "releases"]) {
      const job = jobs[name] as Job;
      const [upload, ...more] = stepsUsing(job, "upload-artifact");
      expect(more).toEqual([]);
      expect(upload?.if).toMatch(/^\$\{\{ !cancelled\(\) \}\}$/);
      const download = stepsUsing(report, "download-artifact").find(
        ({ with: given }) => given?.pattern === `${name}-*`,
      );
      expect(download?.with).toMatchObject({ "merge-multiple": true });
      const uploaded = shardsOf(job).map((shard) => shown(upload?.with?.name, shard));
      expect(new Set(uploaded).size).toBe(shardsOf(job).length);
      for (const artifact of uploaded) expect(artifact).toMatch(new RegExp(`^${name}-\\d+$`));
      // What is uploaded is what the commands before it write.
      const path = String(upload?.with?.path);
      const isWritten = runsOf(job).some((run) => run.endsWith(`> ${path}`)) || path === ".vitest-reports";
      expect(isWritten).toBe(true);
      if (path.startsWith(".")) expect(upload?.with).toMatchObject({ "include-hidden-files": true });
    }
    expect(report.if).toMatch(/^\$\{\{ !cancelled\(\) \}\}$/);
    for (const run of runsOf(report).slice(1)) {
      const from = stepsUsing(report, "download-artifact").map(({ with: given }) => String(given?.path));
      expect(
        from.some((path) => run.includes(path) || (run.includes("--merge-reports") && path === ".vitest-reports")),
      ).toBe(true);
    }
  });

  test("calls Vitest by options that it has", () => {
    const vitest = commands.filter((command) => command.startsWith("npx vitest "));
    const known = { run: true, "--": [], color: expect.anything() };
    expect(vitest.map((command) => parseCLI(command.replace(/^npx /, "")).options)).toEqual([
      { ...known, shard: "1/2", reporter: ["blob"] },
      { ...known, shard: "2/2", reporter: ["blob"] },
      { ...known, mergeReports: ".vitest-reports" },
    ]);
  });

  test("walks every pair of releases in parts, and puts them together as one run tells them", {
    timeout: 240_000,
  }, async () => {
    const migrations = Object.fromEntries(
      Array.from({ length: 6 }, (_, i) => [
        `db/migrations/000${i + 1}_t${i + 1}.sql`,
        `create table t${i + 1} (id int primary key);\n`,
      ]),
    );
    await using work = await workplaceWith(migrations);
    const ours = commands
      .filter((command) => command.startsWith("npx migration-sandbox "))
      .map((command) => command.split(" ").slice(2));
    const [merge = [], ...rest] = ours.toReversed();
    for (const words of rest.toReversed()) {
      const [into = ""] = words.slice(words.indexOf(">") + 1);
      const { code, stdout, stderr } = await work.run(words.slice(0, words.indexOf(">")), { patience: 120_000 });
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      await writeFile(join(work.folder, into), stdout);
    }
    const parts = rest.map((words) => words.at(-1) ?? "");
    const { code, stdout } = await work.run([...merge.filter((word) => word !== "parts"), ...parts]);
    expect(code).toBe(0);
    expect(stdout).toContain("fresh install");
    expect(stdout).toMatch(/\n21 met, 0 unmet, 0 inconclusive {2}\(seed 1, /);
    const whole = await work.run(["rehearse", "db/migrations", "--paths", "all", "--reporter", "json"], {
      patience: 120_000,
    });
    const told = await work.run(["merge", ...parts, "--reporter", "json"]);
    const plain = (document: string) =>
      (JSON.parse(document) as { matrices: { milliseconds: number }[] }).matrices.map((matrix) => ({
        ...matrix,
        milliseconds: 0,
      }));
    expect(plain(told.stdout)).toEqual(plain(whole.stdout));
    expect(await work.leftBehind()).toEqual([]);
  });
});

test("rehearse --shard and merge refuse what is no part in one message, and tell an empty part from a failure", {
  timeout: 120_000,
}, async () => {
  await using work = await workplaceWith({
    "db/0001_t.sql": "create table t (id int primary key);\n",
    "damaged.json": "{",
  });
  const refused = await work.run(["rehearse", "db", "--shard", "3/2"]);
  expect(refused).toEqual({
    code: 2,
    stdout: "",
    stderr: 'Cannot take the part "3/2" of a run: it is <i>/<n>, as in 1/4: the first of four parts\n',
  });
  const empty = await work.run(["rehearse", "db", "--shard", "2/2"]);
  expect(empty.code).toBe(0);
  expect(empty.stdout).toContain(
    "Part 2 of 2 holds no path: there are fewer starts than parts.\n\n0 met, 0 unmet, 0 inconclusive",
  );
  const damaged = await work.run(["merge", "damaged.json"]);
  expect(damaged).toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringMatching(/^Cannot merge "damaged.json": it is not JSON \(.*\)\n$/),
  });
  const nothing = await work.run(["merge"]);
  expect(nothing).toMatchObject({ code: 2, stdout: "" });
});
