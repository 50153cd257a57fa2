import { HarnessError } from "./errors.ts";
import type { Before } from "./pending.ts";
import type { Start } from "./plan.ts";
import { isSameMigration, type PlannedMigration, recordTablesOf } from "./planned-release.ts";
import { type RunnerOptions, tenths } from "./runner.ts";
import type { Sandbox } from "./sandbox.ts";
import { type Boarding, SqlRunner } from "./sql-runner.ts";
import { findingsOf, type Started, timedOut } from "./start.ts";
import { perform } from "./task.ts";
import { within } from "./time-limit.ts";
import type { Finding } from "./verdict.ts";

/** How a ride is made. */
export interface RideOptions extends RunnerOptions {
  /** Milliseconds for a hop. */
  readonly timeout: number;
}

/** Somebody who rides along: from where, and what there is to know of that. */
export interface Ticket extends Boarding, Before {
  readonly from: string | null;
}

/** What came of going on to a release, and how many migrations were run for it. */
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
  #locks = false;
  /** The migration that ended it, and what came of that. */
  #broken: { readonly by: PlannedMigration | undefined; readonly came: Finding | HarnessError } | undefined;

  /** Why nobody can ride on. */
  #lost: HarnessError | undefined;

  private constructor(runner: SqlRunner, sandbox: Sandbox, options: RideOptions) {
    this.#runner = runner;
    this.#sandbox = sandbox;
    this.#options = options;
  }

  /** @throws {HarnessError} as {@link start} does */
  static async begin(sandbox: Sandbox, { release }: Start, options: RideOptions): Promise<Ride> {
    for (const table of recordTablesOf(release)) sandbox.recordTables.add(table);
    const runner = await SqlRunner.connect(sandbox, release, options);
    const ride = new Ride(runner, sandbox, options);
    const beginning = async () => {
      ride.#locks = release.lock !== "none";
      if (ride.#locks) await runner.tryLock();
      await runner.board();
    };
    try {
      await ride.#inTime(beginning(), { from: options.last?.name ?? null, to: release.name });
      return ride;
    } catch (error) {
      await runner.end();
      throw error;
    }
  }

  get sandbox(): Sandbox {
    return this.#sandbox;
  }

  /** Lets somebody ride along from here; `undefined` if the ride itself could not begin. */
  async board({ release }: Start, before: Before): Promise<Ticket | undefined> {
    if (this.#broken !== undefined || this.#runner.failure !== undefined) return undefined;
    const boarding = await this.#runner.boarding(release);
    return boarding === undefined ? undefined : { ...boarding, ...before, from: before.last?.name ?? null };
  }

  /**
   * Goes on to a release, without letting it boot.
   *
   * @returns `undefined` if the way there does not begin as the way here did: then it has to be walked from where it begins
   * @throws {HarnessError} `timed-out`; `server-lost`, `disk-full` where that, and nothing of the release, was the reason
   */
  async to({ release }: Start, ticket: Ticket): Promise<Leg | undefined> {
    const runner = this.#runner;
    const turned = runner.turnTo(release, ticket, ticket);
    if (this.#lost !== undefined) throw this.#lost;
    if (turned === undefined) return undefined;
    const { notes, rest } = turned;
    const { name } = release;
    // What failed once on this very state fails again.
    if (this.#broken !== undefined) return this.#brokenLeg(name, { next: rest[0], ticket, notes });
    const before = runner.done.length;
    this.#sandbox.lend(undefined);
    await this.#inTime(runner.goOn(rest), { from: ticket.from, to: name }).catch((error: HarnessError) => {
      this.#broken = { by: rest[runner.done.length - before], came: error };
      throw error;
    });
    const ran = runner.done.length - before;
    if (runner.failure !== undefined) this.#broken = { by: rest[ran], came: runner.failure };
    const tried = runner.failure === undefined ? ran : ran + 1;
    return { started: this.#startedAs(name, ticket, notes), ran: tried };
  }

  #brokenLeg(
    release: string,
    { next, ticket, notes }: { next: PlannedMigration | undefined; ticket: Ticket; notes: readonly Finding[] },
  ): Leg | undefined {
    const { by, came } = this.#broken ?? {};
    if (by === undefined || next === undefined || !isSame(by, next)) return undefined;
    if (!(came instanceof HarnessError)) return { started: this.#startedAs(release, ticket, notes), ran: 0 };
    const hop = `the hop ${ticket.from ?? "∅"} → ${release}:`;
    throw new HarnessError(
      came.code,
      came.message.replace(/the hop .*? → [^:]*:/, () => hop),
    );
  }

  #startedAs(release: string, { from, since }: Ticket, notes: readonly Finding[]): Started {
    const { done, failure } = this.#runner;
    const migrations = done.slice(since);
    // What others needed on the same way is its own, too.
    const milliseconds = tenths(migrations.reduce((sum, one) => sum + one.milliseconds, 0));
    const findings = findingsOf([this.#runner]).map((finding) => ({ ...finding, release }));
    return { hop: { from, to: release, milliseconds, migrations }, cameUp: failure === undefined, findings, notes };
  }

  /** Whether somebody who comes with a session of his own finds all as this one does. */
  isAsNew(): Promise<boolean> {
    return this.#runner.isAsNew();
  }

  /** Lets whoever judges read by its session, which is as new; taken back before it goes on. */
  lend(): void {
    this.#runner.lend();
  }

  /** Goes on in a copy of the sandbox, which stays behind as it is, frozen. */
  async leaveBehind(): Promise<Sandbox> {
    const left = this.#sandbox;
    try {
      await this.#runner.end();
      await left.freeze();
      this.#sandbox = await left.clone();
      await this.#runner.moveTo(this.#sandbox);
      if (this.#locks) await this.#runner.tryLock();
      return left;
    } catch (error) {
      if (error instanceof HarnessError) this.#lost = error;
      throw error;
    }
  }

  async end(): Promise<void> {
    this.#sandbox.lend(undefined);
    await this.#runner.end();
  }

  #inTime(work: Promise<void>, { from, to }: { readonly from: string | null; readonly to: string }): Promise<void> {
    const { timeout } = this.#options;
    const late = () => timedOut(this.#sandbox, { name: to }, [this.#runner], { from, timeout });
    return within(timeout, work, late);
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
  // A message points into the file that this very release ships.
  const fileOf = ({ change }: PlannedMigration) => (typeof change === "object" ? change.file : undefined);
  return isSameMigration(one, other) && fileOf(one) === fileOf(other);
}
