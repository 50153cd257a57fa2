import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import {
  type Change,
  changeFor,
  type LeftOut,
  type Migration,
  type Prelude,
  type RecordedAs,
  type Release,
  type Shipment,
  type SqlFile,
  type Task,
  type Tasks,
} from "./chain.ts";
import type { Database, EngineName } from "./database.ts";
import type { Driver } from "./driver.ts";
import { HarnessError } from "./errors.ts";
import type { LockRule, Migrator, TransactionRule } from "./migrator.ts";
import { expectationFor, refuseMigrations, refuseWhatCannotBe, releaseNamed } from "./refusals.ts";
import { fileOf, nameOf, type Scenario, stopsOf, type UpgradePath } from "./scenario.ts";
import type { Seeder } from "./seeder.ts";
import { pathsOf, replayOf } from "./selection.ts";
import type { Expectation } from "./verdict.ts";

/** A migration as one engine runs it. */
export interface PlannedMigration {
  readonly name: string;
  readonly change: string | SqlFile | ((db: Database) => Promise<void>);
  /** SHA-256 of the SQL sent, or of a function's source text. */
  readonly checksum: string;
  readonly alone: boolean;
  readonly recordedAs?: RecordedAs;
}

export interface PlannedRelease {
  readonly name: string;
  readonly transaction: TransactionRule;
  readonly lock: LockRule;
  readonly migrations: readonly PlannedMigration[];
  /** The tool whose rules and record hold; missing: ours. */
  readonly migrator?: Migrator;
  /** The tool that does it all itself, and what it told of its migrations. */
  readonly driver?: Driver;
  readonly driven: readonly string[];
  readonly prelude: Prelude;
  readonly session: "shared" | "own";
  readonly leftOut: readonly LeftOut[];
  readonly model: { readonly [table: string]: readonly string[] };
  readonly boot: readonly PlannedTask[];
  readonly use: readonly PlannedTask[];
}

export interface PlannedTask {
  readonly sentence: string;
  readonly task: Task;
}

export interface PlannedPath {
  /** `<scenario>#<n>`, as reports and replay lines call it. */
  readonly name: string;
  readonly source: UpgradePath;
  readonly stops: readonly string[];
  readonly expected: Expectation;
  /** What to type behind `rehearse` to walk this path alone. */
  readonly replay: string;
  readonly steps: readonly Step[];
  /** Its workaround has been done: this is what comes after. */
  readonly worked?: true;
}

/** What takes a path from one state to the next. */
export type Step =
  | Start
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
  readonly paths: readonly PlannedPath[];
  readonly roots: readonly State[];
}

/**
 * Reads a scenario's migrations and merges equal beginnings, so that each hop is walked once.
 *
 * @param selected the paths to walk; all of the scenario's unless said
 * @throws {HarnessError} `bad-input`, `not-served-yet`: see {@link refuseWhatCannotBe}
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
  for (const { name, path } of here) {
    const stops = stopsOf(path);
    const expected = expectationFor(path.expect, engine);
    if (expected === undefined) continue; // refuseWhatCannotBe has said so already.
    const steps = await stepsOf(scenario, path, stops, read);
    const planned = { name, source: path, stops, expected, replay: replayOf(scenario, name, path), steps };
    paths.push(planned);
    grow(roots, steps, planned);
  }
  return { scenario, name: nameOf(scenario), file: fileOf(scenario), engine, paths, roots };
}

async function stepsOf(
  scenario: Scenario,
  path: UpgradePath,
  stops: readonly string[],
  read: (name: string) => Promise<PlannedRelease>,
): Promise<readonly Step[]> {
  const steps: Step[] = [];
  const { settings } = path;
  let last: PlannedRelease | undefined;
  for (const [i, stop] of stops.entries()) {
    const release = await read(stop);
    const isLast = i === stops.length - 1;
    steps.push({ kind: "start", release, last, settings, runners: isLast ? (path.runners ?? 1) : 1 });
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
  if (b.kind === "sow" || a.kind !== b.kind || a.release !== b.release) return false;
  const asMany = a.kind === "use" || b.kind === "use" || a.runners === b.runners;
  // Settings are told to tasks alone: without any, starts are equal whatever the settings.
  const tasks = a.release[a.kind === "use" ? "use" : "boot"];
  return asMany && (tasks.length === 0 || isDeepStrictEqual(a.settings, b.settings));
}

/** Reads what a release ships, as one engine runs it. */
export async function plannedRelease(release: Release, engine: EngineName, whose: string): Promise<PlannedRelease> {
  const where = `${whose}, release "${release.name}"`;
  const shipment = await shipmentOf(release, engine);
  const { migrations, migrator, driver } = shipment;
  refuseMigrations(migrations, where, "read" in release.migrations);
  return {
    name: release.name,
    transaction: release.transaction ?? migrator?.transaction ?? "each",
    lock: release.lock ?? migrator?.lock ?? "wait",
    ...(migrator !== undefined && { migrator }),
    ...(driver !== undefined && { driver }),
    driven: (await driver?.ships?.()) ?? [],
    prelude: shipment.prelude ?? {},
    session: shipment.session ?? "shared",
    leftOut: shipment.leftOut ?? [],
    model: release.model ?? {},
    boot: tasksOf(release.boot),
    use: tasksOf(release.use),
    migrations: migrations.map((migration) => plannedMigration(migration, engine, where)),
  };
}

async function shipmentOf({ migrations }: Release, engine: EngineName): Promise<Shipment> {
  const read = "read" in migrations ? await migrations.read(engine) : migrations;
  return "migrations" in read ? read : { migrations: read };
}

function tasksOf(tasks: Tasks = {}): readonly PlannedTask[] {
  return Object.entries(tasks).map(([sentence, task]) => ({ sentence, task }));
}

function plannedMigration(
  { name, up, transaction, recordedAs }: Migration,
  engine: EngineName,
  where: string,
): PlannedMigration {
  const change = changeFor(up, engine);
  if (change === undefined)
    throw new HarnessError("bad-input", `Cannot rehearse ${where}, migration "${name}": it has no SQL for ${engine}`);
  const known = recordedAs === undefined ? {} : { recordedAs };
  return { name, change, checksum: checksumOf(change), alone: transaction === false, ...known };
}

function checksumOf(change: Exclude<Change, object> | SqlFile | ((db: Database) => Promise<void>)): string {
  const text = typeof change === "string" ? change : typeof change === "function" ? change.toString() : change.sql;
  return createHash("sha256").update(text).digest("hex");
}

/** Tables in which a release's tool keeps its record. */
export function recordTablesOf({ migrator, driver }: PlannedRelease): readonly string[] {
  return [...(migrator?.record.tables ?? []), ...(driver?.recordTables ?? [])];
}

/** Whether anything in the plan is handed a database to work with in code. */
export function handsOutKnex({ roots }: Plan): boolean {
  const hands = ({ step, children }: State): boolean =>
    step.kind !== "start" ||
    step.release.boot.length > 0 ||
    step.release.migrations.some(({ change }) => typeof change === "function") ||
    children.some(hands);
  return roots.some(hands);
}

/** Paths that end at this state or beyond it. */
export function pathsThrough(state: State): readonly PlannedPath[] {
  return [...state.ends, ...state.children.flatMap(pathsThrough)];
}
