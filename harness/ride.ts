import { HarnessError } from "./errors.ts";
import type { Start } from "./plan.ts";
import { type PlannedMigration, recordTablesOf } from "./planned-release.ts";
import { type RunnerOptions, tenths } from "./runner.ts";
import type { Sandbox } from "./sandbox.ts";
import { SqlRunner } from "./sql-runner.ts";
import { findingsOf, type Started, timedOut } from "./start.ts";
import { perform } from "./task.ts";
import { within } from "./time-limit.ts";
import type { Finding } from "./verdict.ts";

/** How a ride is made. */
export interface RideOptions extends RunnerOptions {
  readonly from: string | null;
  /** Milliseconds for a hop. */
  readonly timeout: number;
}

/** What came of going on to a release, and how many migrations that took. */
export interface Leg {
  readonly started: Started;
  readonly ran: number;
}

/**
 * One runner that starts several releases, one behind the other, on what one path has come to: each as if it had been the only one,
 * as far as whoever looks at the database can tell.
 */
export class Ride {
  readonly #runner: SqlRunner;
  readonly #options: RideOptions;
  #sandbox: Sandbox;
  #milliseconds = 0;
  #locks = false;
  /** The migration that ended it, and what came of that. */
  #broken: { readonly by: PlannedMigration | undefined; readonly came: Finding | HarnessError } | undefined;

  private constructor(runner: SqlRunner, sandbox: Sandbox, options: RideOptions) {
    this.#runner = runner;
    this.#sandbox = sandbox;
    this.#options = options;
  }

  /** @throws {HarnessError} as {@link start} does */
  static async board(sandbox: Sandbox, { release }: Start, options: RideOptions): Promise<Ride> {
    for (const table of recordTablesOf(release)) sandbox.recordTables.add(table);
    const runner = await SqlRunner.connect(sandbox, release, options);
    const ride = new Ride(runner, sandbox, options);
    try {
      await ride.#asked(release.name, async () => {
        ride.#locks = release.lock !== "none";
        if (ride.#locks) await runner.tryLock();
        await runner.board();
      });
      return ride;
    } catch (error) {
      await runner.end();
      throw error;
    }
  }

  get sandbox(): Sandbox {
    return this.#sandbox;
  }

  /**
   * Goes on to a release, without letting it boot.
   *
   * @returns `undefined` if the way there does not begin as the way here did: then it has to be walked from where this ride began
   * @throws {HarnessError} `timed-out`; `server-lost`, `disk-full` where that, and nothing of the release, was the reason
   */
  async to({ release }: Start): Promise<Leg | undefined> {
    const runner = this.#runner;
    if (this.#broken === undefined && runner.failure !== undefined) return undefined;
    const turned = runner.turnTo(release);
    if (turned === undefined) return undefined;
    const { notes, rest } = turned;
    // What failed once on this very state fails again.
    if (this.#broken !== undefined) return this.#brokenLeg(release.name, rest[0], notes);
    const [begun, before] = [performance.now(), runner.done.length];
    await this.#asked(release.name, () => runner.goOn(rest)).catch((error: HarnessError) => {
      this.#broken = { by: rest[runner.done.length - before], came: error };
      throw error;
    });
    this.#milliseconds += performance.now() - begun;
    const ran = runner.done.length - before;
    if (runner.failure !== undefined) this.#broken = { by: rest[ran], came: runner.failure };
    return { started: this.#startedAs(release.name, notes), ran: ran + (runner.failure === undefined ? 0 : 1) };
  }

  #brokenLeg(release: string, next: PlannedMigration | undefined, notes: readonly Finding[]): Leg | undefined {
    const { by, came } = this.#broken ?? {};
    // A message points into the file that this very release ships.
    if (by === undefined || next === undefined || !isSame(by, next)) return undefined;
    if (!(came instanceof HarnessError)) return { started: this.#startedAs(release, notes), ran: 0 };
    const from = this.#options.from ?? "∅";
    throw new HarnessError(came.code, came.message.replace(/(?<=the hop ).*? → [^:]*/, `${from} → ${release}`));
  }

  #startedAs(release: string, notes: readonly Finding[]): Started {
    const { done, failure } = this.#runner;
    const { from } = this.#options;
    const milliseconds = tenths(this.#milliseconds);
    const findings = findingsOf([this.#runner]).map((finding) => ({ ...finding, release }));
    return {
      hop: { from, to: release, milliseconds, migrations: [...done] },
      cameUp: failure === undefined,
      findings,
      notes,
    };
  }

  /** Whether somebody who comes with a session of his own finds all as this one does. */
  isAsNew(): Promise<boolean> {
    return this.#runner.isAsNew();
  }

  /** Goes on in a copy of the sandbox, which stays behind as it is, frozen. */
  async leaveBehind(): Promise<Sandbox> {
    const left = this.#sandbox;
    await this.#runner.end();
    await left.freeze();
    this.#sandbox = await left.clone();
    await this.#runner.moveTo(this.#sandbox);
    if (this.#locks) await this.#runner.tryLock();
    return left;
  }

  async end(): Promise<void> {
    await this.#runner.end();
  }

  #asked(release: string, act: () => Promise<void>): Promise<void> {
    const late = () => timedOut(this.#sandbox, { name: release }, [this.#runner], this.#options);
    return within(this.#options.timeout, act(), late);
  }
}

/** Lets a release boot that a ride has left behind. */
export async function booted(
  sandbox: Sandbox,
  { hop, findings, notes }: Started,
  { release, settings }: Start,
  { stage, timeout }: Pick<RideOptions, "stage" | "timeout">,
): Promise<Started> {
  const runner: Pick<SqlRunner, "running" | "booting" | "giveUp"> = {
    running: undefined,
    booting: undefined,
    giveUp() {},
  };
  const found: Finding[] = [];
  const begun = performance.now();
  const boot = async () => {
    for (const task of release.boot) {
      runner.booting = task.sentence;
      const at = { stage, settings, sandbox, release: release.name, code: "boot-failed" } as const;
      const { failure, swallowed } = await perform(task, at);
      if (failure !== undefined) found.unshift(failure);
      found.push(...swallowed);
      if (failure !== undefined) return false;
    }
    return true;
  };
  const cameUp = await within(timeout, boot(), () => timedOut(sandbox, release, [runner], { from: hop.from, timeout }));
  const milliseconds = tenths(hop.milliseconds + performance.now() - begun);
  return { hop: { ...hop, milliseconds }, cameUp, findings: [...findings, ...found], notes };
}

function isSame(one: PlannedMigration, other: PlannedMigration): boolean {
  const fileOf = ({ change }: PlannedMigration) => (typeof change === "object" ? change.file : undefined);
  return one.name === other.name && one.checksum === other.checksum && fileOf(one) === fileOf(other);
}
