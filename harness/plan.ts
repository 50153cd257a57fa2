import { isDeepStrictEqual } from "node:util";
import type { EngineName } from "./database.ts";
import type { Dump } from "./dump.ts";
import { HarnessError } from "./errors.ts";
import { type PlannedRelease, plannedRelease } from "./planned-release.ts";
import { expectationFor, refuseWhatCannotBe, releaseNamed } from "./refusals.ts";
import { fileOf, nameOf, type Scenario, stopsOf, type UpgradePath } from "./scenario.ts";
import type { Seeder } from "./seeder.ts";
import { pathsOf, replayOf, type Selection } from "./selection.ts";
import type { Expectation } from "./verdict.ts";

/** A path as one engine walks it. */
export interface PlannedPath {
  /** `<scenario>#<n>`, as reports and replay lines call it. */
  readonly name: string;
  readonly source: UpgradePath;
  readonly stops: readonly string[];
  readonly expected: Expectation;
  /** The set that it is one of, where nobody wrote it out. */
  readonly set?: string;
  /** What to type behind `rehearse` to walk this path alone. */
  readonly replay: string;
  /** None where only its dump tells at which release it begins. */
  readonly steps: readonly Step[];
  readonly dump?: Dump;
  /** Its workaround has been done: this is what comes after. */
  readonly worked?: true;
}

/** What takes a path from one state to the next. */
export type Step =
  | Start
  | Restore
  | { readonly kind: "sow"; readonly seeder: Seeder }
  | { readonly kind: "use"; readonly release: PlannedRelease; readonly settings: unknown };

/** A release is started on what there is, by so many runners at once. */
export interface Start {
  readonly kind: "start";
  readonly release: PlannedRelease;
  /** The stop before, where there is one. */
  readonly last: PlannedRelease | undefined;
  readonly settings: unknown;
  readonly runners: number;
}

/** A dump takes the place of an install. */
export interface Restore {
  readonly kind: "restore";
  readonly dump: Dump;
  /** Where the path says that it stands. */
  readonly release: PlannedRelease;
  /** The chain without its stand-ins, read once somebody asks. */
  readonly others: () => Promise<readonly PlannedRelease[]>;
}

/** A state of the database, reached by one step from its parent; paths that begin alike share it. */
export interface State {
  readonly step: Step;
  readonly children: State[];
  /** Paths that end here. */
  readonly ends: PlannedPath[];
}

/** All paths of a scenario on one engine, as the tree of states they pass through. */
export interface Plan {
  readonly scenario: Scenario;
  readonly name: string;
  readonly file: string | undefined;
  readonly engine: EngineName;
  /** What it was made of, on this engine. */
  readonly selected: readonly Selection[];
  readonly paths: readonly PlannedPath[];
  readonly roots: readonly State[];
}

/**
 * Reads a scenario's migrations and merges equal beginnings, so that each hop is walked once.
 *
 * @param selected the paths to walk; all of the scenario's unless said
 * @throws {HarnessError} `bad-input`: see {@link refuseWhatCannotBe}
 */
export async function planOf(scenario: Scenario, engine: EngineName, selected = pathsOf(scenario)): Promise<Plan> {
  refuseWhatCannotBe(scenario);
  const releases = new Map<string, Promise<PlannedRelease>>();
  const read = (name: string) => {
    const found =
      releases.get(name) ??
      plannedRelease(
        releaseNamed(scenario.chain, name, `scenario "${nameOf(scenario)}"`),
        engine,
        `scenario "${nameOf(scenario)}"`,
      );
    releases.set(name, found);
    return found;
  };
  const here = selected.filter(({ path }) => (path.engines ?? scenario.engines).includes(engine));
  const roots: State[] = [];
  const paths: PlannedPath[] = [];
  for (const { name, path, set } of here) {
    const stops = stopsOf(path);
    const expected = expectationFor(path.expect, engine);
    if (expected === undefined) continue; // refuseWhatCannotBe has said so already.
    const from = path.dump === undefined ? {} : { dump: await dumpOf(path.dump, engine, name) };
    const steps = await stepsOf(scenario, { path, stops, ...from }, read);
    const replay = replayOf(scenario, name, path);
    const planned = { name, source: path, stops, expected, replay, steps, ...from, ...(set !== undefined && { set }) };
    paths.push(planned);
    grow(roots, steps, planned);
  }
  return { scenario, name: nameOf(scenario), file: fileOf(scenario), engine, selected: here, paths, roots };
}

async function dumpOf(where: URL, engine: EngineName, path: string): Promise<Dump> {
  const { dumpAt } = await import("./dump.ts"); // Loaded once it is asked for, as all that dumps take.
  const dump = await dumpAt(where);
  if (dump.engines.includes(engine)) return dump;
  const of = dump.engines.join(" or ");
  const message = `Cannot rehearse "${path}" on ${engine}: "${dump.file}" is a dump of ${of} (say on which engines the path is walked: engines: ["${dump.engines.join('", "')}"])`;
  throw new HarnessError("bad-input", message);
}

interface Told {
  readonly path: UpgradePath;
  readonly stops: readonly string[];
  readonly dump?: Dump;
}

async function stepsOf(
  scenario: Scenario,
  { path, stops, dump }: Told,
  read: (name: string) => Promise<PlannedRelease>,
): Promise<readonly Step[]> {
  if (dump !== undefined && path.from === undefined) return [];
  const steps: Step[] = [];
  const shipped = scenario.chain.filter(({ insteadOf }) => insteadOf === undefined);
  const others = () => Promise.all(shipped.map(({ name }) => read(name)));
  const { settings } = path;
  let last: PlannedRelease | undefined;
  for (const [i, stop] of stops.entries()) {
    const release = await read(stop);
    const isLast = i === stops.length - 1;
    if (i === 0 && dump !== undefined) steps.push({ kind: "restore", dump, release, others });
    else steps.push({ kind: "start", release, last, settings, runners: isLast ? (path.runners ?? 1) : 1 });
    last = release;
    const own = scenario.seeds?.[stop];
    if (!isLast && own !== undefined) steps.push({ kind: "sow", seeder: own });
    if (!isLast && i === 0 && path.with !== undefined) steps.push({ kind: "sow", seeder: path.with });
    if (release.use.length > 0) steps.push({ kind: "use", release, settings });
  }
  return steps;
}

/** The tree of states that one walk of these steps alone passes through. */
export function wayOf(steps: readonly Step[], path: PlannedPath): State | undefined {
  const states: State[] = [];
  grow(states, steps, path);
  return states[0];
}

function grow(states: State[], [step, ...rest]: readonly Step[], path: PlannedPath): void {
  if (step === undefined) return;
  let state = states.find((known) => same(known.step, step));
  if (state === undefined) {
    state = { step, children: [], ends: [] };
    states.push(state);
  }
  if (rest.length === 0) state.ends.push(path);
  else grow(state.children, rest, path);
}

function same(a: Step, b: Step): boolean {
  if (a.kind === "sow") return b.kind === "sow" && a.seeder === b.seeder;
  if (a.kind === "restore") return b.kind === "restore" && a.dump.hash === b.dump.hash && a.release === b.release;
  if (b.kind === "sow" || b.kind === "restore" || a.kind !== b.kind || a.release !== b.release) return false;
  const asMany = a.kind === "use" || b.kind === "use" || a.runners === b.runners;
  // Settings are told to tasks and to tools that are driven: without any, starts are equal whatever the settings.
  const { use, boot, driver } = a.release;
  const told = a.kind === "use" ? use.length > 0 : boot.length > 0 || driver !== undefined;
  return asMany && (!told || isDeepStrictEqual(a.settings, b.settings));
}

/** Whether anything in the plan is handed a database to work with in code. */
export function handsOutKnex({ roots }: Plan): boolean {
  const hands = ({ step, children }: State): boolean =>
    step.kind === "sow" ||
    step.kind === "use" ||
    (step.kind === "start" && (step.release.boot.length > 0 || hasCode(step.release))) ||
    children.some(hands);
  return roots.some(hands);
}

function hasCode({ migrations }: PlannedRelease): boolean {
  return migrations.some(({ change }) => typeof change === "function");
}

/** Paths that end at this state or beyond it. */
export function pathsThrough(state: State): readonly PlannedPath[] {
  return [...state.ends, ...state.children.flatMap(pathsThrough)];
}
