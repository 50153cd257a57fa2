import { setTimeout as sleep } from "node:timers/promises";
import { DrivenRunner } from "./driven-runner.ts";
import { HarnessError } from "./errors.ts";
import { type PlannedRelease, recordTablesOf } from "./planned-release.ts";
import { type Runner, type RunnerOptions, since } from "./runner.ts";
import type { Sandbox } from "./sandbox.ts";
import { SqlRunner } from "./sql-runner.ts";
import { within } from "./time-limit.ts";
import type { Finding } from "./verdict.ts";

/** One hop as it went: what ran, in order, and how long it took. */
export interface Hop {
  readonly from: string | null;
  readonly to: string;
  readonly milliseconds: number;
  readonly migrations: readonly { readonly name: string; readonly milliseconds: number }[];
}

/** What came of starting a release. */
export interface Started {
  readonly hop: Hop;
  /** The release runs, if only by one of its runners. */
  readonly cameUp: boolean;
  /** Causes before symptoms. */
  readonly findings: readonly Finding[];
  readonly notes: readonly Finding[];
}

/** How a release is started. */
export interface StartOptions extends RunnerOptions {
  readonly from: string | null;
  /** How many start at once. */
  readonly runners: number;
  /** Milliseconds for the whole hop. */
  readonly timeout: number;
}

/**
 * Starts a release on a sandbox: runs those of its migrations that the record lacks, in its order and under its rules,
 * then lets it boot.
 *
 * @throws {HarnessError} `timed-out`; `server-lost` and `disk-full` where that, and nothing of the release, was the reason.
 */
export async function start(sandbox: Sandbox, release: PlannedRelease, options: StartOptions): Promise<Started> {
  const begun = performance.now();
  const runners: Runner[] = [];
  for (const table of recordTablesOf(release)) sandbox.recordTables.add(table);
  const starting = startAll(runners, sandbox, release, options);
  await within(options.timeout, starting, () => timedOut(sandbox, release, runners, options));
  const migrations = runners.flatMap(({ done }) => done);
  return {
    hop: { from: options.from, to: release.name, milliseconds: since(begun), migrations },
    cameUp: runners.some(({ failure }) => failure === undefined),
    findings: findingsOf(runners),
    notes: runners[0]?.notes ?? [],
  };
}

async function startAll(
  runners: Runner[],
  sandbox: Sandbox,
  release: PlannedRelease,
  options: StartOptions,
): Promise<void> {
  try {
    for (let i = 0; i < options.runners; i++) runners.push(await runnerFor(sandbox, release, options));
    if (release.driver !== undefined) await startTogether(runners);
    else if (runners.length === 1 || release.lock === "none") await startUnlocked(runners);
    else await startLocked(runners, release);
  } finally {
    for (const runner of runners) await runner.end();
    // What code left open would hold its locks while the hop is judged.
    if (release.migrations.some(({ change }) => typeof change === "function")) await sandbox.endSessions();
  }
}

async function runnerFor(sandbox: Sandbox, release: PlannedRelease, options: StartOptions): Promise<Runner> {
  const { driver } = release;
  if (driver === undefined) return SqlRunner.connect(sandbox, release, options);
  return new DrivenRunner(driver, sandbox, release, options);
}

/** Who goes first, and who waits for whom, is the tool's own affair. */
async function startTogether(runners: readonly Runner[]): Promise<void> {
  await Promise.all(runners.map(upTo));
}

/** All know what is pending before any of them does it, as if they had begun at the very same moment. */
async function startUnlocked(runners: readonly Runner[]): Promise<void> {
  for (const runner of runners) await runner.read();
  for (const runner of runners) await upTo(runner);
}

/** The one that holds the lock goes on once the others have asked for it; what is pending is read under it. */
async function startLocked([holder, ...others]: readonly Runner[], { name, lock }: PlannedRelease): Promise<void> {
  if (!(await holder?.tryLock())) throw new Error("Somebody else holds the migrator's lock of our own database");
  const asking = [];
  for (const runner of others) if (!(await runner.tryLock())) asking.push(runner);
  await holder?.read();
  if (holder !== undefined) await upTo(holder);
  for (const runner of asking) {
    if (lock === "refuse") {
      runner.failure = {
        code: "runner-refused",
        release: name,
        message: "another runner holds the lock under which migrations run: this one does not come up",
      };
    } else {
      // Asked for again rather than waited for: a statement that waits would itself hold up what runs under the lock.
      while (!(await runner.tryLock())) await sleep(5);
      await runner.read();
      await upTo(runner);
    }
  }
}

async function upTo(runner: Runner): Promise<void> {
  await runner.migrate();
  await runner.boot();
}

export function findingsOf(runners: readonly Runner[]): readonly Finding[] {
  const all = runners.flatMap(({ failure, findings }, i) => {
    const number = runners.length > 1 ? { runner: i + 1 } : {};
    return [...(failure === undefined ? [] : [failure]), ...findings].map((finding) => ({ ...finding, ...number }));
  });
  const told = new Map<string, Finding>();
  // What befalls every runner alike is told once.
  for (const finding of all) {
    const alike = JSON.stringify({ ...finding, runner: undefined });
    if (!told.has(alike)) told.set(alike, finding);
  }
  const isSymptom = ({ code }: Finding) => code === "runner-refused";
  return [...told.values()].sort((a, b) => Number(isSymptom(a)) - Number(isSymptom(b)));
}

/** Ends a hop that hangs. Throws `timed-out`, with what the server says that its sessions wait for. */
export async function timedOut(
  sandbox: Sandbox,
  { name }: Pick<PlannedRelease, "name">,
  runners: readonly Pick<Runner, "running" | "booting" | "giveUp">[],
  { from, timeout }: Pick<StartOptions, "from" | "timeout">,
): Promise<never> {
  for (const runner of runners) runner.giveUp();
  const seen = await sandbox.activity();
  await sandbox.endSessions().catch(() => {});
  const { running, booting } = runners.find((runner) => runner.running ?? runner.booting) ?? {};
  const where =
    running !== undefined ? ` in migration "${running}"` : booting !== undefined ? ` in boot "${booting}"` : "";
  const message = `Cannot tell what becomes of the hop ${from ?? "∅"} → ${name}: it still hung${where} after ${timeout / 1000} s (give it longer with --timeout <seconds>)${seen}`;
  throw new HarnessError("timed-out", message);
}
