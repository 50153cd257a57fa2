import { engineNamed } from "./engines/named.ts";
import { HarnessError } from "./errors.ts";
import { handsOutKnex, type Plan, planOf } from "./plan.ts";
import { refuseWhatCannotBe } from "./refusals.ts";
import type { EndsCompared, NotCovered, Rehearsal, Rehearsals } from "./rehearsal.ts";
import { readSamples } from "./samples.ts";
import { openStage, type Stage } from "./sandbox.ts";
import type { Scenario } from "./scenario.ts";
import { pathsOf, quotedArgument, type Selection } from "./selection.ts";
import { shownUrl } from "./servers/existing.ts";
import { enginesFrom, haveServer, type Source, sourceOf } from "./servers/had.ts";
import { type WalkOptions, walk } from "./walk.ts";
import { parseWish, type Wish, type WishText, wishInWords } from "./wish.ts";

export interface RehearseOptions extends Partial<Omit<WalkOptions, "on" | "reuse">> {
  /** Only these engines, of a version if one is named: `postgres`, `mariadb:10.11`. One that cannot be had is then an error. */
  readonly engines?: readonly WishText[];
  /**
   * Where servers come from: `embedded`, `local`, `container`, or the URL of one that somebody runs, on which databases
   * are made and dropped and nothing else is touched. Unless said, `SANDBOX_POSTGRES_URL` and its like, then the fastest.
   */
  readonly server?: string;
  /** The paths to walk; all of a scenario's unless said. */
  readonly select?: (scenario: Scenario) => readonly Selection[];
  /** Whether what earlier runs came to is told again where nothing has changed, and what comes of this one kept for later ones. */
  readonly reuse?: boolean;
  /** Where sandboxes are made; what it brings, its giver ends. Unless said, a server is started and ended here. */
  readonly stage?: (wish: Wish) => Promise<Stage>;
}

export const defaults: WalkOptions = { seed: 1, timeout: 300_000, keep: false, bail: false, strict: false };

/**
 * Rehearses scenarios: every path of each, on every engine that it names and this machine has. A bad upgrade is no
 * exception: it is a verdict.
 *
 * @throws {HarnessError} before anything is walked: `bad-input`, `engine-not-had`,
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
  for (const scenario of scenarios) refuseWhatCannotBe(scenario);
  for (const scenario of scenarios) await readSamples(scenario);
  const source = sourceOf("server", options.server);
  const asked = options.engines?.map(parseWish) ?? (await wishesFor(source));
  const plans = await plansOf(scenarios, asked, options.select ?? pathsOf);
  const reuse = options.reuse ? (await import("./store.ts")).ownStore() : undefined;
  const walks = { ...defaults, ...options, reuse };
  const begun = performance.now();
  const rehearsals: Rehearsal[] = [];
  const ends: EndsCompared[] = [];
  let [migrations, reused, disk] = [0, 0, 0];
  const notCovered: NotCovered[] = [];
  const own = options.stage === undefined ? new Map<Wish, Promise<Stage>>() : undefined;
  const open = options.stage ?? ((wish) => ownStage(wish, source));
  const wishes =
    asked ??
    [...new Set(plans.filter(({ paths }) => paths.length > 0).map(({ engine }) => engine))].map(
      (engine): Wish => ({ engine }),
    );
  try {
    // All servers start at once: the later ones while the first is used.
    const stages = wishes.map((wish) => [wish, open(wish)] as const);
    for (const [wish, stage] of stages) {
      stage.catch(() => {}); // Told when its turn comes.
      own?.set(wish, stage);
    }
    for (const [wish, opening] of stages) {
      const here = plans.filter(({ engine }) => engine === wish.engine);
      // The server may still be starting.
      if (here.some(handsOutKnex)) engineNamed(wish.engine).load({ knex: true });
      const stage = await coveredBy(opening, wish, asked !== undefined, notCovered);
      if (stage === undefined) continue;
      const on = inOptions(wish, options);
      for (const plan of here) {
        if (walks.bail && rehearsals.some(({ met }) => !met)) break;
        // A copy: a plan that is walked on two servers is told of twice.
        const walked = await walk({ ...plan }, stage, { ...walks, on });
        rehearsals.push(...walked.rehearsals);
        migrations += walked.migrations;
        reused += walked.reused;
        disk = Math.max(disk, walked.disk);
        ends.push(...walked.ends);
      }
    }
  } finally {
    for (const opening of own?.values() ?? []) await close(opening, rehearsals);
  }
  const work = {
    migrations,
    plainly: plainlyRun(rehearsals),
    reused,
    damaged: reuse?.store.damaged ?? 0,
    disk,
    milliseconds: Math.round(performance.now() - begun),
  };
  return { ...counted(walks.seed, rehearsals, notCovered), ends, work };
}

/** A server that somebody pointed us at is asked for, with whatever engine it is. */
async function wishesFor(source: Source | undefined): Promise<readonly Wish[] | undefined> {
  const engines = source === undefined ? undefined : await enginesFrom(source);
  return engines?.map((engine) => ({ engine }));
}

async function plansOf(
  scenarios: readonly Scenario[],
  wishes: readonly Wish[] | undefined,
  select: (scenario: Scenario) => readonly Selection[],
): Promise<readonly Plan[]> {
  const plans: Plan[] = [];
  for (const scenario of scenarios) {
    const wanted = scenario.engines.filter((name) => wishes?.some(({ engine }) => engine === name) ?? true);
    for (const engine of wanted) plans.push(await planOf(scenario, engine, select(scenario)));
  }
  if (scenarios.length > 0 && plans.every(({ paths }) => paths.length === 0)) {
    throw new HarnessError("bad-input", "Cannot rehearse: no path is left on any engine that was asked for");
  }
  return plans;
}

/** The options of the command that ask for such a server again. */
function inOptions(wish: Wish, { server }: RehearseOptions): string {
  const shown = server === undefined ? undefined : shownUrl({ url: server, toldBy: "server" });
  return `--engine ${wishInWords(wish)}${shown === undefined ? "" : ` --server ${quotedArgument(shown)}`}`;
}

/** The stage, or `undefined` for an engine that nobody asked for and nobody has here. */
async function coveredBy(
  opening: Promise<Stage>,
  { engine }: Wish,
  asked: boolean,
  notCovered: NotCovered[],
): Promise<Stage | undefined> {
  try {
    return await opening;
  } catch (error) {
    if (asked || !(error instanceof HarnessError) || error.code !== "engine-not-had") throw error;
    notCovered.push({ engine, why: inOneLine(error.message) });
    return undefined;
  }
}

/** A sentence and the list below it. */
export function inOneLine(message: string): string {
  const [sentence = "", ...list] = message.split(/\n\s*/);
  return list.length === 0 ? sentence : `${sentence} (${list.join("; ")})`;
}

async function ownStage(wish: Wish, source: Source | undefined): Promise<Stage> {
  const server = await haveServer(wish, { source });
  try {
    return await openStage(server);
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function close(opening: Promise<Stage>, rehearsals: readonly Rehearsal[]): Promise<void> {
  const stage = await opening.catch(() => undefined);
  await stage?.leave();
  await stage?.server.stop({ keep: rehearsals.some(({ kept, engine }) => kept && engine === stage.engine.name) });
}

/** What would have been run if nothing was shared. */
function plainlyRun(rehearsals: readonly Rehearsal[]): number {
  return rehearsals.flatMap(({ hops }) => hops).reduce((sum, { migrations }) => sum + migrations.length, 0);
}

function counted(
  seed: number,
  rehearsals: readonly Rehearsal[],
  notCovered: readonly NotCovered[],
): Omit<Rehearsals, "ends" | "work"> {
  const inconclusive = rehearsals.filter(({ verdict }) => verdict.outcome === "inconclusive").length;
  const met = rehearsals.filter((rehearsal) => rehearsal.met).length;
  const unmet = rehearsals.length - met - inconclusive;
  return { seed, rehearsals, met, unmet, inconclusive, notCovered };
}
