import { counted, withoutRecord } from "./arrival.ts";
import type { Dump } from "./dump.ts";
import { HarnessError, orWhyNot } from "./errors.ts";
import { recordsIn, tablesFor } from "./formats/recognise.ts";
import { type Plan, type PlannedPath, planOf } from "./plan.ts";
import { type PlannedRelease, plannedRelease } from "./planned-release.ts";
import { restore } from "./restoring.ts";
import { guarded, type Sandbox } from "./sandbox.ts";
import type { Selection } from "./selection.ts";
import { isAt, type Standpoint, standpointOf } from "./standpoint.ts";
import { overdue, type RestoredAhead, type StepOptions } from "./step.ts";
import { within } from "./time-limit.ts";

/** A plan whose paths all have a beginning, as far as their dumps tell it. */
export interface Placed {
  readonly plan: Plan;
  /** What was restored to learn that, for whoever walks the plan. */
  readonly restored: Map<string, RestoredAhead>;
  /** Why a path has none, by its name. */
  readonly unplaced: ReadonlyMap<string, HarnessError>;
}

/** Restores the dumps of paths that do not say where these stand, and reads it out of their records. */
export async function placed(plan: Plan, options: StepOptions): Promise<Placed> {
  const restored = new Map<string, RestoredAhead>();
  const unplaced = new Map<string, HarnessError>();
  const selected: Selection[] = [];
  for (const selection of plan.selected) {
    const path = plan.paths.find(({ name }) => name === selection.name);
    if (path?.dump === undefined || path.steps.length > 0) {
      selected.push(selection);
      continue;
    }
    const from = await orWhyNot(fromOf(path, { plan, options, restored }));
    if (from instanceof HarnessError) unplaced.set(path.name, from);
    selected.push(from instanceof HarnessError ? selection : { ...selection, path: { ...selection.path, from } });
  }
  const isNew = selected.some((selection, i) => selection !== plan.selected[i]);
  return { plan: isNew ? await planOf(plan.scenario, plan.engine, selected) : plan, restored, unplaced };
}

interface At {
  readonly plan: Plan;
  readonly options: StepOptions;
  readonly restored: Map<string, RestoredAhead>;
}

async function fromOf({ dump, source }: PlannedPath, at: At): Promise<string> {
  if (dump === undefined) throw new Error("Only a dump tells where it stands");
  const ahead = at.restored.get(dump.hash) ?? (await restoredAhead(dump, at.options));
  at.restored.set(dump.hash, ahead);
  const standpoints = await standpointsIn(ahead.sandbox, at);
  const fitting = standpoints.filter(
    ({ release, standpoint }) => isKnown(standpoint) && isAt(release, standpoint) === undefined,
  );
  const names = fitting.map(({ release }) => release.name);
  const to = standpoints.findIndex(({ release }) => release.name === (originalOf(at.plan, source.to) ?? source.to));
  const before = names.filter((name) => standpoints.findIndex(({ release }) => release.name === name) < to);
  const [only] = before;
  if (only !== undefined && before.length === 1) return only;
  throw untold(dump, { before, names, standpoints, to: source.to });
}

function isKnown(standpoint: Standpoint): boolean {
  return standpoint.kind === "known";
}

function originalOf({ scenario }: Plan, name: string): string | undefined {
  return scenario.chain.find((release) => release.name === name)?.insteadOf;
}

async function restoredAhead(dump: Dump, options: StepOptions): Promise<RestoredAhead> {
  const { stage, timeout } = options;
  const sandbox = await stage.create();
  const late = () => overdue(`Cannot restore "${dump.file}"`, sandbox, options);
  try {
    return { sandbox, notes: await within(timeout, restore(dump, sandbox, stage), late) };
  } catch (error) {
    await sandbox.drop().catch(() => {}); // The server may be the one that was lost.
    throw error;
  }
}

interface Placing {
  readonly release: PlannedRelease;
  readonly standpoint: Standpoint;
}

/** What each release's own tool would read out of it. */
async function standpointsIn(sandbox: Sandbox, { plan, options }: At): Promise<readonly Placing[]> {
  const chain = plan.scenario.chain.filter(({ insteadOf }) => insteadOf === undefined);
  const releases = await Promise.all(chain.map((one) => plannedRelease(one, plan.engine, `scenario "${plan.name}"`)));
  const session = await sandbox.connect();
  const ask = (sql: string) => session.query(sql);
  try {
    return await guarded(options.stage, async () => {
      const found = await recordsIn(ask, plan.engine);
      const tables = await tablesFor(ask, plan.engine);
      const placings: Placing[] = [];
      for (const release of releases) {
        placings.push({ release, standpoint: await standpointOf(release, { session, sandbox, found, tables }) });
      }
      return placings;
    });
  } finally {
    await session.end().catch(() => {});
  }
}

interface Untold {
  readonly before: readonly string[];
  readonly names: readonly string[];
  readonly standpoints: readonly Placing[];
  readonly to: string;
}

function untold(dump: Dump, { before, names, standpoints, to }: Untold): HarnessError {
  const cannot = `Cannot tell at which release "${dump.file}" stands`;
  const bad = (why: string) => new HarnessError("bad-input", `${cannot}: ${why}`);
  const quoted = (some: readonly string[]) => some.map((name) => `"${name}"`).join(", ");
  const halfDone = standpoints.flatMap(({ standpoint }) =>
    standpoint.kind === "known" ? (standpoint.recorded.halfDone ?? []) : [],
  )[0];
  const half = halfDone === undefined ? "" : `, and it is half done: ${halfDone.message}`;
  if (before.length > 1) return bad(`by its record it may be ${quoted(before)}${half} (say which: --from <release>)`);
  if (names.length > 0) return bad(`by its record it is at ${quoted(names)} already, and the path ends at "${to}"`);
  const known = standpoints.flatMap(({ standpoint }) => (standpoint.kind === "known" ? [standpoint] : []));
  const [read] = known;
  const all = quoted(standpoints.map(({ release }) => release.name));
  if (read !== undefined) {
    const { applied, upTo } = read.recorded;
    const held = upTo === undefined ? counted(applied.length) : `up to "${upTo}"`;
    return bad(`what its record holds (${held}) is the list of none of ${all} (say it: --from <release>)`);
  }
  const missing = standpoints.flatMap(({ standpoint }) => (standpoint.kind === "missing" ? [standpoint.whose] : []));
  const whose = missing.find((one) => one !== "ours");
  if (whose !== undefined) return withoutRecord(dump, whose, []);
  const why = missing.length > 0 ? "it has no record of ours" : "only the tool itself can read its record";
  return bad(`${why} (say it: --from <release>, one of ${all})`);
}
