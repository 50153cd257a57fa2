import { relative } from "node:path";
import { isMainThread } from "node:worker_threads";
import { test as base, beforeAll, describe } from "vitest";
import { HarnessError } from "./errors.ts";
import { planOf } from "./plan.ts";
import { refuseWhatCannotBe } from "./refusals.ts";
import { type Rehearsal, toldOf } from "./rehearsal.ts";
import { defaults, inOneLine } from "./rehearse.ts";
import { explain, numberOf, pathInWords } from "./report/pretty.ts";
import { readSamples } from "./samples.ts";
import { openStage, type Stage } from "./sandbox.ts";
import { fileOf, nameOf, type Scenario } from "./scenario.ts";
import { pathsOf, quotedArgument, type Selection } from "./selection.ts";
import { haveServer } from "./servers/had.ts";
import { type UpgradeSandbox, upgradeSandbox } from "./upgrade-sandbox.ts";
import { expectationInWords } from "./verdict.ts";
import { type WalkOptions, walk } from "./walk.ts";
import { parseWish, type Wish, wishInWords } from "./wish.ts";

export { UpgradeFailed, type UpgradeSandbox } from "./upgrade-sandbox.ts";

/** A scenario, a list of them, or what `import.meta.glob("…", { eager: true })` brings. */
export type Scenarios =
  | Scenario
  | readonly Scenario[]
  | { readonly [file: string]: Scenario | { readonly default: Scenario } };

/**
 * Makes one test of every scenario x engine x path, of a set one of each of its paths. The tests of a scenario share one plan: a hop that several of them
 * begin with is walked once. A rehearsal that does not meet its expectation throws its report.
 *
 * Only the tests that run are walked (`vitest -t '#3'`). `ENGINES=postgres` or `ENGINES=mysql:9` narrows; an engine named
 * there that cannot be had fails, one that only a scenario names is a visible skip. `SANDBOX_SERVER=container` and
 * `SANDBOX_POSTGRES_URL` say where servers come from.
 *
 * @throws {HarnessError} while tests are collected: `bad-input`, `not-served-yet`
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
  let walking: Walking | undefined;
  let inThisTestFile = false;

  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern which fixtures this hook needs: none.
  beforeAll(({}, suite) => {
    inThisTestFile = suite.file.filepath === fileOf(scenario);
    const running = suite.tasks.filter(({ mode }) => mode === "run" || mode === "queued");
    const wanted = running.flatMap(({ name }) => titles.get(name) ?? []);
    walking = walkingOf(scenario, wish, wanted, { ...options, on: `--engine ${wishInWords(wish)}` });
  });

  for (const [name, selection] of titles) {
    const hops = (selection.path.via?.length ?? 0) + 2;
    base(name, { timeout: options.timeout * (hops + 1) + 60_000 }, async ({ skip }) => {
      const rehearsal = await walking?.(selection.name).catch((error) => {
        // An engine that was asked for fails; one that only a scenario names is left out for all to see.
        if (!isNotHad(error) || enginesAsked() !== undefined) throw error;
        return skip(`${engine} is not covered: ${inOneLine(error.message)}`);
      });
      if (rehearsal === undefined || !rehearsal.met) {
        // A scenario that stands in a test file is replayed by running that test.
        const again = `npx vitest run ${quotedArgument(relative(process.cwd(), fileOf(scenario) ?? ""))} -t ${quotedArgument(name.replace(/[\\^$*+?()[\]{}|]/g, "\\$&"))}`;
        throw new Unmet(rehearsal, inThisTestFile ? again : rehearsal?.replay);
      }
    });
  }
}

/** What a rehearsal came to, as soon as it is known. */
type Walking = (name: string) => Promise<Rehearsal | undefined>;

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
    await walk(plan, stage, { ...options, onRehearsal: (rehearsal) => told.get(rehearsal.name)?.(rehearsal) });
  });
  whole.catch(() => {}); // Told by every test that waits for it.
  return (name) => Promise.race([rehearsals.get(name), whole.then(() => rehearsals.get(name))]);
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

/** The report of a rehearsal that did not meet its expectation. */
class Unmet extends Error {
  override readonly name = "Unmet";

  constructor(rehearsal: Rehearsal | undefined, replay: string | undefined) {
    super(rehearsal === undefined ? "It was not walked" : `${reportOf(rehearsal)}\n  replay: ${replay}`);
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
