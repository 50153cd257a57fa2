import { culprits } from "./culprits.ts";
import { differences } from "./difference.ts";
import { type Leg, prepare, takeBack } from "./down-runner.ts";
import { saysNothing } from "./downs.ts";
import { judgedJourney, type Said } from "./journey.ts";
import type { PlannedMigration, PlannedRelease } from "./planned-release.ts";
import { readingOf } from "./reading.ts";
import { guarded, type Sandbox } from "./sandbox.ts";
import { emptySnapshot, type Snapshot } from "./snapshot.ts";
import type { Standing } from "./standing.ts";
import { overdue, type StepOptions } from "./step.ts";
import { within } from "./time-limit.ts";
import { upAgain } from "./up-again.ts";
import type { Finding } from "./verdict.ts";

/** A hop that was made, or all hops of a path. */
export interface Made {
  /** The state just ahead of it; {@link emptySnapshot} for a fresh install. */
  readonly before: Snapshot;
  /** Another database in that state, for whoever wants to know which of several migrations does not lead back. */
  readonly again?: () => Promise<Sandbox>;
  /** Where it led, behind boot and ahead of whatever follows. */
  readonly at: Pick<Standing, "sandbox" | "now">;
  readonly release: PlannedRelease;
  /** The release at which the path stood before. */
  readonly last: PlannedRelease | undefined;
  /** Names of the migrations that it ran, in order. */
  readonly applied: readonly string[];
}

/** How much of it is to be told. */
export interface Journeying extends Made {
  /** Whether the guilty one of several is looked for. */
  readonly searches: boolean;
  readonly comparesRows: boolean;
}

const nothing: Said = { findings: [], notes: [] };

/** The legs of one journey, each in a sandbox that ends with it. */
export class Legs {
  readonly #hop: Journeying;
  readonly #options: StepOptions;
  readonly #made: Sandbox[] = [];

  constructor(hop: Journeying, options: StepOptions) {
    this.#hop = hop;
    this.#options = options;
  }

  /** @param whole all that the hop ran, where all of it is taken back */
  async thereAndBack(back: readonly PlannedMigration[], whole: readonly PlannedMigration[] | undefined): Promise<Said> {
    const { at, last, comparesRows: rows } = this.#hop;
    await at.now.close();
    if (!at.sandbox.frozen) await at.sandbox.freeze();
    const sandbox = await this.#clone(at.sandbox);
    const leg = this.#leg(sandbox);
    const { done, failure } = await this.#inTime(sandbox, takeBack(back, leg));
    if (failure !== undefined) {
      const came = back.filter(({ name }) => done.includes(name));
      return { findings: [await this.#withWhatIsLeft(failure, came, sandbox)], notes: [] };
    }
    const said = whole === undefined ? nothing : await this.#compared(back, whole, sandbox);
    const arriving = this.#arriving();
    const arrive = arriving && (async () => this.#ending(await arriving()));
    const making = upAgain({ back, at, leg, last, rows, said }, { options: this.#options, arrive });
    const again = await this.#inTime(sandbox, making, 4);
    return { findings: [...said.findings, ...again], notes: said.notes };
  }

  /** Holds what was taken back against the state before, and looks for the guilty one where they differ. */
  async #compared(
    back: readonly PlannedMigration[],
    ran: readonly PlannedMigration[],
    sandbox: Sandbox,
  ): Promise<Said> {
    const { at, release, searches } = this.#hop;
    const [before, after] = [await this.#before(), readingOf(sandbox)];
    const found = await this.#asked(() => differences(before, after));
    if (found.length === 0) return nothing;
    const [only, ...more] = back;
    // What runs whenever it has changed has no way back, and may be what is left.
    const isAll = back.length === ran.length;
    const what = {
      release: release.name,
      empty: back.every((migration) => saysNothing(migration, sandbox.engine.name)),
      boots: release.boot.length > 0,
      ...(only !== undefined && more.length === 0 && { migration: only.name }),
    };
    const whole = await this.#asked(() => judgedJourney({ before, there: at.now, back: after }, found, what));
    if ((isAll && what.migration !== undefined) || !isAny(whole)) return whole;
    const told = searches ? await this.searched(ran) : nothing;
    return isAny(told) || !isAll ? told : whole;
  }

  async searched(ran: readonly PlannedMigration[]): Promise<Said> {
    const { at, searches } = this.#hop;
    const arrive = this.#arriving();
    if (arrive === undefined || !searches) return nothing;
    const from = await arrive();
    return this.#inTime(from, culprits(ran, from, this.#leg(at.sandbox)), 4);
  }

  async end(): Promise<void> {
    for (const sandbox of this.#made) {
      for (const reading of sandbox.readings) await reading.close().catch(() => {});
      await sandbox.drop().catch(() => {});
    }
  }

  /** Says what a way back that broke in its middle leaves behind, beside what those before it have taken back. */
  async #withWhatIsLeft(failure: Finding, came: readonly PlannedMigration[], broken: Sandbox): Promise<Finding> {
    const { at } = this.#hop;
    const whole = came.length === 0 ? at.sandbox : await this.#clone(at.sandbox);
    if (came.length > 0) await this.#inTime(whole, takeBack(came, this.#leg(whole)));
    const ahead = came.length === 0 ? at.now : readingOf(whole);
    const left = await this.#asked(() => differences(ahead, readingOf(broken)));
    const [first, second, ...more] = left.map(({ message }) => message);
    if (first === undefined) return failure;
    const both = second === undefined ? first : `${first}; ${second}`;
    const rest = more.length === 0 ? "" : `, and ${more.length} more`;
    return { ...failure, message: `${failure.message}; what it had done by then stays: ${both}${rest}` };
  }

  /** Of a new database, what every new one has. */
  async #before(): Promise<Snapshot> {
    if (this.#hop.before !== emptySnapshot) return this.#hop.before;
    return readingOf(this.#ending(await this.#prepared()));
  }

  #arriving(): (() => Promise<Sandbox>) | undefined {
    const { before, again } = this.#hop;
    return before === emptySnapshot ? () => this.#prepared() : again;
  }

  async #prepared(): Promise<Sandbox> {
    const sandbox = await this.#options.stage.create();
    await prepare(this.#leg(sandbox));
    return sandbox;
  }

  async #clone(sandbox: Sandbox): Promise<Sandbox> {
    return this.#ending(await sandbox.clone());
  }

  #ending(sandbox: Sandbox): Sandbox {
    this.#made.push(sandbox);
    return sandbox;
  }

  #leg(sandbox: Sandbox): Leg {
    const { stage, file } = this.#options;
    return { sandbox, release: this.#hop.release, stage, file };
  }

  #inTime<T>(sandbox: Sandbox, work: Promise<T>, times = 1): Promise<T> {
    const { timeout } = this.#options;
    const late = () => overdue(`Cannot take ${this.#hop.release.name} back`, sandbox, this.#options);
    return within(timeout * times, work, late);
  }

  #asked<T>(ask: () => Promise<T>): Promise<T> {
    return guarded(this.#options.stage, ask);
  }
}

function isAny({ findings, notes }: Said): boolean {
  return findings.length + notes.length > 0;
}
