import type { EngineName } from "./database.ts";
import { engineNamed } from "./engines/named.ts";
import { HarnessError } from "./errors.ts";
import { handsOutKnex, type Plan, planOf } from "./plan.ts";
import { refuseWhatCannotBe } from "./refusals.ts";
import type { NotCovered, Rehearsal, Rehearsals } from "./rehearsal.ts";
import { openStage, type Stage } from "./sandbox.ts";
import type { Scenario } from "./scenario.ts";
import { pathsOf, type Selection } from "./selection.ts";
import { haveServer } from "./servers/had.ts";
import { type WalkOptions, walk } from "./walk.ts";

export interface RehearseOptions extends Partial<WalkOptions> {
  /** Only these engines; one that cannot be had is then an error. */
  readonly engines?: readonly EngineName[];
  /** The paths to walk; all of a scenario's unless said. */
  readonly select?: (scenario: Scenario) => readonly Selection[];
  /** Where sandboxes are made; what it brings, its giver ends. Unless said, a server is started and ended here. */
  readonly stage?: (engine: EngineName) => Promise<Stage>;
}

export const defaults: WalkOptions = { seed: 1, timeout: 300_000, keep: false, bail: false, strict: false };

/**
 * Rehearses scenarios: every path of each, on every engine that it names and this machine has. A bad upgrade is no
 * exception: it is a verdict.
 *
 * @throws {HarnessError} before anything is walked: `bad-input`, `not-served-yet`, `engine-not-had`,
 * `server-not-started`. What goes wrong later makes a rehearsal inconclusive.
 * @example
 * ```ts
 * import { clean, defineScenario, rehearse, release } from "migration-sandbox";
 * const scenario = defineScenario({
 *   title: "a first table",
 *   engines: ["postgres"],
 *   chain: [release("1.0", { migrations: [{ name: "0001", up: "create table users (id int primary key)" }] })],
 *   paths: [{ to: "1.0", expect: clean }],
 * });
 * const { rehearsals, met } = await rehearse([scenario]);
 * console.assert(met === 1 && rehearsals[0].verdict.outcome === "clean");
 * ```
 */
export async function rehearse(scenarios: readonly Scenario[], options: RehearseOptions = {}): Promise<Rehearsals> {
  const { engines, select = pathsOf } = options;
  for (const scenario of scenarios) refuseWhatCannotBe(scenario);
  const plans: Plan[] = [];
  for (const scenario of scenarios) {
    const wanted = scenario.engines.filter((engine) => engines === undefined || engines.includes(engine));
    for (const engine of wanted) plans.push(await planOf(scenario, engine, select(scenario)));
  }
  if (plans.length > 0 && plans.every(({ paths }) => paths.length === 0)) {
    throw new HarnessError("bad-input", "Cannot rehearse: no path is left on any engine that was asked for");
  }
  const walks = { ...defaults, ...options };
  const rehearsals: Rehearsal[] = [];
  const notCovered: NotCovered[] = [];
  for (const engine of new Set(plans.map((plan) => plan.engine))) {
    // The server may still be starting.
    if (plans.some((plan) => plan.engine === engine && handsOutKnex(plan))) engineNamed(engine)?.load({ knex: true });
    const stage = await stageFor(engine, options, notCovered);
    if (stage === undefined) continue;
    try {
      for (const plan of plans.filter((plan) => plan.engine === engine)) {
        rehearsals.push(...(await walk(plan, stage, walks)));
        if (walks.bail && rehearsals.some(({ met }) => !met)) break;
      }
    } finally {
      if (options.stage === undefined) {
        await stage.leave();
        await stage.server.stop({ keep: rehearsals.some(({ kept }) => kept) });
      }
    }
  }
  return counted(walks.seed, rehearsals, notCovered);
}

function counted(seed: number, rehearsals: readonly Rehearsal[], notCovered: readonly NotCovered[]): Rehearsals {
  const inconclusive = rehearsals.filter(({ verdict }) => verdict.outcome === "inconclusive").length;
  const met = rehearsals.filter((rehearsal) => rehearsal.met).length;
  return { seed, rehearsals, met, unmet: rehearsals.length - met - inconclusive, inconclusive, notCovered };
}

async function stageFor(
  engine: EngineName,
  options: RehearseOptions,
  notCovered: NotCovered[],
): Promise<Stage | undefined> {
  try {
    return await (options.stage ?? ownStage)(engine);
  } catch (error) {
    const asked = options.engines?.includes(engine) ?? false;
    if (asked || !(error instanceof HarnessError) || error.code !== "engine-not-had") throw error;
    notCovered.push({ engine, why: error.message });
    return undefined;
  }
}

async function ownStage(engine: EngineName): Promise<Stage> {
  const server = await haveServer(engine);
  try {
    return await openStage(server);
  } catch (error) {
    await server.stop();
    throw error;
  }
}
