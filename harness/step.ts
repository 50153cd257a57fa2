import { startsDiffer } from "./ends.ts";
import { HarnessError, orWhyNot } from "./errors.ts";
import { judgeHop } from "./judge.ts";
import { ledgerOf } from "./ledger.ts";
import type { Restore, Start, Step } from "./plan.ts";
import type { PlannedRelease } from "./planned-release.ts";
import { type Reading, readingOf } from "./reading.ts";
import { endKnex, guarded, notTheirs, type Sandbox, type Stage } from "./sandbox.ts";
import { type Seeder, sow } from "./seeder.ts";
import type { Snapshot } from "./snapshot.ts";
import { namesAfter, sownTables } from "./sown-tables.ts";
import type { Standing } from "./standing.ts";
import { type Started, start } from "./start.ts";
import { perform } from "./task.ts";
import { within } from "./time-limit.ts";
import type { Finding } from "./verdict.ts";

/** What taking a step needs to know beside where it is taken. */
export interface StepOptions {
  readonly stage: Stage;
  readonly file: string | undefined;
  readonly seed: number;
  /** Milliseconds for one hop. */
  readonly timeout: number;
  /** Dumps that were restored to learn where they stand, by hash: whoever takes one out goes on in it. */
  readonly restored?: Map<string, RestoredAhead>;
  /** Told once something has hung: it may still be at work. */
  readonly onHung: () => void;
}

/** A dump that is restored already, and what was told of it then. */
export interface RestoredAhead {
  readonly sandbox: Sandbox;
  readonly notes: readonly Finding[];
}

/** The state that a step is taken from: as a ledger reads it, and another standing on it. */
export interface Before {
  readonly state: Snapshot;
  readonly again: () => Promise<Standing>;
  /** The whole catalogue of what it leads to will be asked for. */
  readonly whole?: boolean;
}

/**
 * Takes one step of a path and judges it.
 *
 * @throws {HarnessError} what keeps us from judging: `seeder-failed`, `check-failed`, `timed-out`, `server-lost` and the like
 */
export async function take(step: Step, at: Standing, before: Before, options: StepOptions): Promise<Standing> {
  const begun = performance.now();
  try {
    const next = await taken(step, at, before, options);
    const milliseconds = at.milliseconds + performance.now() - begun;
    return { ...next, taken: at.taken + 1, milliseconds };
  } finally {
    await closeAll([before.state, ...at.origins.map((origin) => origin.state)]);
  }
}

/**
 * A long chain leaves many states behind, and a server has only so many sessions. They open again for whoever reads on; the server may
 * be the one that was lost.
 */
export async function closeAll(states: readonly (Snapshot | Reading)[]): Promise<void> {
  for (const state of states) if ("close" in state) await state.close().catch(() => {});
}

function taken(step: Step, at: Standing, before: Before, options: StepOptions): Promise<Standing> {
  switch (step.kind) {
    case "start":
      return startAndJudge(step, at, before, options);
    case "restore":
      return restored(step, at, options);
    case "sow":
      return sown(step.seeder, at, options);
    case "use":
      return used(step.release, step.settings, at, options);
  }
}

async function startAndJudge(step: Start, at: Standing, before: Before, options: StepOptions): Promise<Standing> {
  const started = await start(at.sandbox, step.release, {
    ...options,
    ...step,
    // Only the first hop from a dump may begin elsewhere than its path says.
    ...(at.hops.length === 0 && at.arrived && { last: at.arrived.stands }),
    from: step.last?.name ?? null,
    isFirst: at.hops.length === 0,
  });
  return judged(started, step, at, { before, options });
}

interface Judging {
  readonly before: Before;
  readonly options: StepOptions;
}

/** Where a path stands once a release was started, and what is to be said of that. */
export async function judged(
  { hop, cameUp, findings, notes }: Started,
  step: Start,
  at: Standing,
  { before, options }: Judging,
): Promise<Standing> {
  const { stage, timeout } = options;
  const { release, runners } = step;
  const begun = { step, taken: at.taken, before: before.state, origins: at.origins };
  const after = readingOf(at.sandbox);
  // Whoever asks for all of it need not ask for its tables first.
  if (before.whole && cameUp) await guarded(stage, () => after.catalogue().then(after.foresee));
  const ledger = ledgerOf(before.state, after);
  const judging = judgeHop(ledger, { origins: at.origins, failed: !cameUp, model: release.model, stage });
  const late = () => overdue("Cannot judge the hop", at.sandbox, options);
  const seen = await orWhyNot(within(timeout, judging, late));
  const sown = seen instanceof HarnessError ? at.sown : await guarded(stage, () => sownBehind(at, before.state, after));
  const comparing = runners > 1 && cameUp ? differingEnds(step, after, before, options) : Promise.resolve([]);
  const differing = await orWhyNot(comparing);
  const unjudged = [seen, differing].find((came) => came instanceof HarnessError) as HarnessError | undefined;
  const { findings: broke, notes: noted } = seen instanceof HarnessError ? nothing : seen;
  const others = differing instanceof HarnessError ? [] : differing;
  const found = [...findings, ...[...broke, ...others].map((finding) => named(finding, release))];
  const isInstall = step.last === undefined && cameUp;
  // A start that was tried before is no second upgrade.
  const isFirst = step.last !== undefined && at.hops.every(({ from }) => from === null);
  const { resumed, ...standing } = at;
  return {
    ...standing,
    ...(resumed !== undefined && { origins: resumed }),
    now: after,
    sown,
    first: isFirst ? before.state : at.first,
    by: "product",
    started: begun,
    hops: [...at.hops, hop],
    ...(isInstall ? { ofInstall: found } : { findings: [...at.findings, ...found] }),
    notes: [...at.notes, ...notes, ...noted.map((note) => named(note, release))],
    failed: !cameUp,
    ...(unjudged !== undefined && { unjudged }),
  };
}

async function sownBehind(at: Standing, before: Snapshot | Reading, after: Snapshot): Promise<ReadonlySet<string>> {
  const sown = await sownTables(at.sown, at.origins, before);
  return sown.size === 0 ? sown : namesAfter(sown, await before.tables(), await after.tables());
}

const nothing = { findings: [], notes: [] } as const;

function named({ code, ...finding }: Finding, { name }: PlannedRelease): Finding {
  return { code, release: name, ...finding };
}

/** What several runners made of it must be what one makes of it. */
async function differingEnds(
  step: Start,
  after: Snapshot,
  { again }: Before,
  options: StepOptions,
): Promise<readonly Finding[]> {
  const others: Standing[] = [];
  const alone = async () => {
    const other = await again();
    others.push(other);
    const { cameUp } = await start(other.sandbox, step.release, { ...options, ...step, runners: 1, from: null });
    return cameUp ? readingOf(other.sandbox) : undefined;
  };
  try {
    const judging = startsDiffer(after, alone);
    return await within(options.timeout * 3, judging, () =>
      overdue("Cannot compare with what one runner makes of it", others.at(-1)?.sandbox, options),
    );
  } finally {
    for (const { sandbox } of others) await sandbox.drop().catch(() => {});
  }
}

/** What a dump brings is its users', as what a seeder sows is. */
async function restored({ dump, release, others }: Restore, at: Standing, options: StepOptions): Promise<Standing> {
  const { stage, timeout } = options;
  const ahead = options.restored?.get(dump.hash);
  options.restored?.delete(dump.hash);
  if (ahead !== undefined) await at.sandbox.drop();
  const sandbox = ahead?.sandbox ?? at.sandbox;
  const late = () => overdue(`Cannot restore "${dump.file}"`, sandbox, options);
  const restoring = async () => {
    const [{ restore }, { arrive }] = await Promise.all([import("./restoring.ts"), import("./arrival.ts")]);
    const left = ahead?.notes ?? (await restore(dump, sandbox, stage));
    const { stands, notes } = await arrive({ dump, sandbox, stage, release, others });
    return { stands, notes: [...left, ...notes] };
  };
  const { stands, notes } = await within(timeout, restoring(), late);
  const named = notes.map((note) => ({ release: release.name, ...note }));
  return { ...at, sandbox, now: readingOf(sandbox), by: "seeder", notes: [...at.notes, ...named], arrived: { stands } };
}

async function sown(seeder: Seeder, at: Standing, options: StepOptions): Promise<Standing> {
  const { stage, seed, timeout } = options;
  const db = await at.sandbox.knex();
  const sowing = sow(seeder, { db, engine: at.sandbox.engine, seed })
    .catch(async (error) => {
      throw (await notTheirs(stage, (error as Error).cause)) ?? error;
    })
    .finally(async () => {
      // What a seeder left open would hold up the release that comes.
      if (!(await endKnex(db))) await at.sandbox.endSessions();
    });
  await within(timeout, sowing, () => overdue(`Cannot sow "${seeder.name}"`, at.sandbox, options));
  return { ...at, by: "seeder", now: readingOf(at.sandbox) };
}

/** What users do with a release: what they cannot do is a finding, and they do the rest. */
async function used(
  { name, use }: PlannedRelease,
  settings: unknown,
  at: Standing,
  options: StepOptions,
): Promise<Standing> {
  const { stage, timeout } = options;
  const findings: Finding[] = [];
  for (const task of use) {
    const doing = perform(task, { stage, settings, sandbox: at.sandbox, release: name, code: "use-failed" });
    const late = () => overdue(`Cannot use ${name}: "${task.sentence}"`, at.sandbox, options);
    const done = await orWhyNot(within(timeout, doing, late));
    if (done instanceof HarnessError) return { ...at, findings: [...at.findings, ...findings], unjudged: done };
    const { failure, swallowed } = done;
    findings.push(...(failure === undefined ? [] : [failure]), ...swallowed);
  }
  return { ...at, by: "seeder", now: readingOf(at.sandbox), findings: [...at.findings, ...findings] };
}

/** Ends what hung. Throws `timed-out`, with `what` could not be done. */
export async function overdue(
  what: string,
  sandbox: Sandbox | undefined,
  { timeout, onHung }: Pick<StepOptions, "timeout" | "onHung">,
): Promise<never> {
  onHung();
  const seen = (await sandbox?.activity()) ?? "";
  await sandbox?.endSessions().catch(() => {});
  const message = `${what}: it still hung after ${timeout / 1000} s (give it longer with --timeout <seconds>)${seen}`;
  throw new HarnessError("timed-out", message);
}
