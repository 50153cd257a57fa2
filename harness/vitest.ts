import { relative } from "node:path";
import { isMainThread } from "node:worker_threads";
import { test as base, beforeAll, describe } from "vitest";
import { ourCommand } from "./command.ts";
import { HarnessError } from "./errors.ts";
import { planOf } from "./plan.ts";
import { refuseWhatCannotBe } from "./refusals.ts";
import { type Rehearsal, toldOf } from "./rehearsal.ts";
import { defaults, inOneLine } from "./rehearse.ts";
import { ends as endsInWords } from "./report/ends.ts";
import { explain, numberOf, pathInWords } from "./report/pretty.ts";
import { readSamples } from "./samples.ts";
import { openStage, type Stage } from "./sandbox.ts";
import { fileOf, nameOf, type Scenario } from "./scenario.ts";
import { pathsOf, quotedArgument, type Selection } from "./selection.ts";
import { haveServer } from "./servers/had.ts";
import { type UpgradeSandbox, upgradeSandbox } from "./upgrade-sandbox.ts";
import { expectationInWords } from "./verdict.ts";
import { type Walked, type WalkOptions, walk } from "./walk.ts";
import { parseWish, type Wish, wishInWords } from "./wish.ts";

export { UpgradeFailed, type UpgradeSandbox } from "./upgrade-sandbox.ts";

/** A scenario, a list of them, or what `import.meta.glob("…", { eager: true })` brings. */
export type Scenarios =
  | Scenario
  | readonly Scenario[]
  | { readonly [file: string]: Scenario | { readonly default: Scenario } };

/**
 * Makes one test of every scenario x engine x path, of a set one of each of its paths. The tests of a scenario share one plan: a hop that several of them
 * begin with is walked once. A rehearsal that does not meet its expectation throws its report. Where several paths come to one
 * release, one more test fails if they do not come to the same.
 *
 * Only the tests that run are walked (`vitest -t '#3'`). `ENGINES=postgres` or `ENGINES=mysql:9` narrows; an engine named
 * there that cannot be had fails, one that only a scenario names is a visible skip. `SANDBOX_SERVER=container` and
 * `SANDBOX_POSTGRES_URL` say where servers come from.
 *
 * @throws {HarnessError} while tests are collected: `bad-input`
 * @example
 * ```ts
 * import { clean, defineScenario, release } from "migration-sandbox";
 * import { rehearseAll } from "migration-sandbox/vitest";
 * rehearseAll(
 *   defineScenario({
 *     title: "a first table",
 *     engines: ["postgres"],
 *     chain: [release("1.0", { migrations: [{ name: "0001", up: "create table users (id int primary key)" }] })],
 *     paths: [{ to: "1.0", expect: clean }],
 *   }),
 * );
 * ```
 */
export function rehearseAll(
  scenarios: Scenarios,
  options: Partial<Pick<WalkOptions, "seed" | "timeout" | "strict">> = {},
): void {
  const asked = enginesAsked();
  for (const scenario of listed(scenarios)) {
    refuseWhatCannotBe(scenario);
    describe(`${nameOf(scenario)}: ${scenario.title}`, async () => {
      await readSamples(scenario);
      const paths = pathsOf(scenario);
      for (const wish of asked ?? scenario.engines.map((engine): Wish => ({ engine }))) {
        if (scenario.engines.includes(wish.engine)) rehearseOn(wish, scenario, paths, { ...defaults, ...options });
        else base.skip(`${wish.engine} is not among its engines (${scenario.engines.join(", ")})`, () => {});
      }
    });
  }
}

function rehearseOn(wish: Wish, scenario: Scenario, paths: readonly Selection[], options: WalkOptions): void {
  const { engine } = wish;
  const title = ({ name, path }: Selection) => {
    return `${wishInWords(wish)} ${numberOf({ name })} ${pathInWords(toldOf(path))}`;
  };
  const here = paths.filter(({ path }) => path.engines?.includes(engine) ?? true);
  const titles = new Map(here.map((selection) => [title(selection), selection]));
  const on = `--engine ${wishInWords(wish)}`;
  const together = `${wishInWords(wish)} all ends agree`;
  let walking: Walking | undefined;
  let inThisTestFile = false;

  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern which fixtures this hook needs: none.
  beforeAll(({}, suite) => {
    inThisTestFile = suite.file.filepath === fileOf(scenario);
    const running = suite.tasks.filter(({ mode }) => mode === "run" || mode === "queued");
    const isWhole = running.some(({ name }) => name === together);
    const wanted = isWhole ? here : running.flatMap(({ name }) => titles.get(name) ?? []);
    walking = walkingOf(scenario, wish, wanted, { ...options, on });
  });

  // An engine that was asked for fails; one that only a scenario names is left out for all to see.
  const orSkipped = (skip: (why: string) => never) => (error: unknown) => {
    if (!isNotHad(error) || enginesAsked() !== undefined) throw error;
    return skip(`${engine} is not covered: ${inOneLine(error.message)}`);
  };
  // A scenario that stands in a test file is replayed by running that test.
  const again = (name: string) =>
    `npx vitest run ${quotedArgument(relative(process.cwd(), fileOf(scenario) ?? ""))} -t ${quotedArgument(name.replace(/[\\^$*+?()[\]{}|]/g, "\\$&"))}`;
  const timeoutOf = ({ path }: Selection) => options.timeout * ((path.via?.length ?? 0) + 3) + 60_000;

  for (const [name, selection] of titles) {
    base(name, { timeout: timeoutOf(selection) }, async ({ skip }) => {
      const rehearsal = await walking?.told(selection.name).catch(orSkipped(skip));
      if (rehearsal === undefined || !rehearsal.met) {
        const report = rehearsal === undefined ? undefined : reportOf(rehearsal);
        throw new Unmet(report, inThisTestFile ? again(name) : rehearsal?.replay);
      }
    });
  }

  const goals = here.map(({ path }) => path.to);
  if (new Set(goals).size === goals.length) return;
  const timeout = Math.min(
    here.map(timeoutOf).reduce((sum, each) => sum + each, 0),
    longest,
  );
  base(together, { timeout }, async ({ skip }) => {
    const walked = await walking?.whole.catch(orSkipped(skip));
    const differ = walked?.ends.some(({ groups }) => groups.some(({ findings }) => findings.length > 0)) ?? true;
    if (!differ) return;
    const replay = `${ourCommand} rehearse ${quotedArgument(nameOf(scenario))} ${on} --seed ${options.seed}`;
    throw new Unmet(walked && endsInWords(walked.ends, walked).trimStart(), inThisTestFile ? again(together) : replay);
  });
}

/** No timer takes longer. */
const longest = 2 ** 31 - 1;

interface Walking {
  /** What a rehearsal came to, as soon as it is known. */
  told(name: string): Promise<Rehearsal | undefined>;
  readonly whole: Promise<Walked>;
}

function isNotHad(error: unknown): error is HarnessError {
  return error instanceof HarnessError && error.code === "engine-not-had";
}

function walkingOf(scenario: Scenario, wish: Wish, selected: readonly Selection[], options: WalkOptions): Walking {
  const told = new Map<string, (rehearsal: Rehearsal) => void>();
  const rehearsals = new Map(
    selected.map(({ name }) => [name, new Promise<Rehearsal>((tell) => told.set(name, tell))]),
  );
  const whole = onSharedStage(wish, async (stage) => {
    const plan = await planOf(scenario, wish.engine, selected);
    return walk(plan, stage, { ...options, onRehearsal: (rehearsal) => told.get(rehearsal.name)?.(rehearsal) });
  });
  whole.catch(() => {}); // Told by every test that waits for it.
  return { whole, told: (name) => Promise.race([rehearsals.get(name), whole.then(() => rehearsals.get(name))]) };
}

async function onSharedStage<T>(wish: Wish, act: (stage: Stage) => Promise<T>): Promise<T> {
  const stage = await openStage(await haveServer(wish, { sharedWith: rootOfRun() }));
  try {
    return await act(stage);
  } finally {
    await stage.leave();
  }
}

/** Vitest's own process: the parent of a forked worker, the very process of a threaded one. */
function rootOfRun(): number {
  return isMainThread ? process.ppid : process.pid;
}

/** The report of a rehearsal that did not meet its expectation, or of ends that differ. */
class Unmet extends Error {
  override readonly name = "Unmet";

  constructor(report: string | undefined, replay: string | undefined) {
    super(report === undefined ? "It was not walked" : `${report}\n  replay: ${replay}`);
    this.stack = `${this.name}: ${this.message}`; // Where a test threw it tells nobody anything.
  }
}

function reportOf(rehearsal: Rehearsal): string {
  const { verdict, expected, engine } = rehearsal;
  const first = `${pathInWords(rehearsal)} is ${verdict.outcome}, expected ${expectationInWords(expected, engine)}`;
  return [first, ...explain(rehearsal)].join("\n");
}

/** @throws {HarnessError} `bad-input` for an engine that there is not */
function enginesAsked(): readonly Wish[] | undefined {
  const asked = process.env.ENGINES?.split(/[\s,]+/).filter((name) => name !== "");
  return asked === undefined || asked.length === 0 ? undefined : asked.map(parseWish);
}

function listed(scenarios: Scenarios): readonly Scenario[] {
  if (Array.isArray(scenarios)) return scenarios;
  if ("chain" in scenarios) return [scenarios as Scenario];
  const modules = Object.values(scenarios as { readonly [file: string]: Scenario | { readonly default?: Scenario } });
  return modules.flatMap((module) => ("chain" in module ? [module] : (module.default ?? [])));
}

/**
 * Vitest's `test` with a `sandbox`: a database of its own for every test, thrown away afterwards.
 *
 * @example
 * ```ts
 * import { release } from "migration-sandbox";
 * import { test } from "migration-sandbox/vitest";
 * const users = { name: "0001", up: "create table users (id int primary key)" };
 * const names = { name: "0002", up: "alter table users add column name text not null default 'nobody'" };
 * const chain = [release("1.0", { migrations: [users] }), release("1.1", { migrations: [users, names] })];
 *
 * test("a user from before names is nobody", async ({ sandbox }) => {
 *   await sandbox.install(chain, "1.0");
 *   await sandbox.knex("users").insert({ id: 1 });
 *   const ledger = await sandbox.upgrade("1.1");
 *   const [user] = await ledger.after.all("users");
 *   console.assert(user?.name === "nobody");
 * });
 * ```
 */
export const test = base.extend<{ sandbox: UpgradeSandbox }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern which fixtures this one needs: none.
  sandbox: async ({}, use) => {
    const [wish = { engine: "postgres" }] = enginesAsked() ?? [];
    await onSharedStage(wish, async (stage) => {
      const sandbox = await upgradeSandbox(stage);
      try {
        await use(sandbox);
      } finally {
        await sandbox.end();
      }
    });
  },
});
