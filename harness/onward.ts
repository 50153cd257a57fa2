import type { Disk } from "./disk.ts";
import { type PlannedPath, pathsThrough, type State } from "./plan.ts";
import { readingOf } from "./reading.ts";
import { goesOnwards } from "./rides.ts";
import { guarded, type Sandbox, type Stage } from "./sandbox.ts";
import type { Scenario } from "./scenario.ts";
import { emptySnapshot, type Snapshot } from "./snapshot.ts";
import { type From, mayAskFor, originsFrom, type Standing } from "./standing.ts";

/** What there is to know of a walk for going on in it. */
export interface Walking {
  readonly stage: Stage;
  readonly scenario: Scenario;
  readonly disk: Disk;
  /** Sandboxes that somebody asked to keep. */
  readonly kept: ReadonlySet<Sandbox>;
  /** Whether a database may go on while only what is remembered of it stays. */
  readonly mayGoInPlace: boolean;
  /** How often something has hung, and may still be reading. */
  hung(): number;
  /** Told once nobody asks for a place any more. */
  done(at: Standing): Promise<void>;
}

/** Tells those who go on from a state where they begin. */
export class Onward {
  readonly #walking: Walking;

  constructor(walking: Walking) {
    this.#walking = walking;
  }

  /**
   * Where those begin who go on from a state, which is let go once none of them may ask for it any more.
   *
   * @param over told once all that follows from the state has been walked
   */
  async froms(children: readonly State[], at: Standing, over?: () => Promise<void>): Promise<(child: State) => From> {
    const inPlace = await this.#inPlace(children, at);
    const ahead = children.length === 1;
    if (inPlace !== undefined) {
      const { before, origins } = inPlace;
      let isTaken = false;
      const arrive = async () => {
        isTaken = true;
        return { ...at, now: readingOf(at.sandbox), origins };
      };
      // Nobody came: bailed out, or gone on elsewhere.
      const leave = async () => {
        if (!isTaken) await this.#walking.done(at);
        isTaken = true;
      };
      const release = async () => {
        await leave();
        await over?.();
      };
      const here: From = { before, origins, known: at, ahead, isOnce: true, arrive, leave, release };
      return () => here;
    }
    const frozen = await this.#frozen(at);
    const origins = originsFrom(at, frozen);
    const arrive = async () => {
      // What hung in a check may still be reading.
      if (this.#walking.hung() > 0) await at.sandbox.endSessions();
      return { ...(await this.cloned(at)), origins };
    };
    let [holders, walkers] = [children.length, children.length];
    const letGo = async () => {
      if (--holders === 0) await this.#walking.done(at);
    };
    const froms = children.map((child): From => {
      let holds = true;
      return {
        before: frozen,
        arrive,
        learn: (copy) => guarded(this.#walking.stage, () => frozen.learn(copy)),
        origins,
        known: at,
        ahead,
        // A long chain would fill the disk if each of its states lasted until all that follow have been walked.
        leave: async (next) => {
          if (!holds || mayAskFor(frozen, next) || pathsThrough(child).some(comesBack)) return;
          holds = false;
          await letGo();
        },
        release: async () => {
          if (holds) await letGo();
          holds = false;
          if (--walkers === 0) await over?.();
        },
      };
    });
    return (child) => froms[children.indexOf(child)] as From;
  }

  /** The same place in a database of its own. */
  async cloned(at: Standing): Promise<Standing> {
    const { disk, kept } = this.#walking;
    await at.now.close();
    if (!at.sandbox.frozen) await at.sandbox.freeze();
    const sandbox = await at.sandbox.clone();
    disk.copied(at.sandbox, sandbox);
    if (kept.has(at.sandbox)) await at.sandbox.thaw();
    return { ...at, sandbox, now: readingOf(sandbox) };
  }

  /** What somebody asked to keep is left as it is; others go on from a copy. */
  async spared(at: Standing): Promise<Standing> {
    if (!this.#walking.kept.has(at.sandbox)) return at;
    await at.now.close();
    const sandbox = await at.sandbox.copy();
    return { ...at, sandbox, now: readingOf(sandbox) };
  }

  /** A state is kept as it is for those who go on from it, for a ledger's before, and to tell sown rows from others. */
  async #frozen(at: Standing): Promise<Standing["now"]> {
    await at.now.close();
    if (!at.sandbox.frozen) await at.sandbox.freeze();
    await this.#walking.disk.measure(at.sandbox);
    return at.now; // Nothing has changed since it was first read.
  }

  /** Where only one goes on, it may be the very database: if what will be asked of the state is known by then. */
  async #inPlace(
    [child, ...others]: readonly State[],
    at: Standing,
  ): Promise<Pick<From, "before" | "origins"> | undefined> {
    if (child === undefined || others.length > 0) return undefined;
    const state = await this.#known(child, at);
    if (state === undefined) return undefined;
    await guarded(this.#walking.stage, () => at.now.pause());
    await at.now.forget();
    if (at.sandbox.frozen) await at.sandbox.thaw();
    // What a tool left open would hold up whoever goes on.
    if (at.by === "product" && at.started?.step.release.driver !== undefined) await at.sandbox.endSessions();
    await this.#walking.disk.measure(at.sandbox);
    // Seeds sown on seeds are one sowing.
    const together = child.step.kind !== "start" && at.by === "seeder";
    return { before: state, origins: together ? at.origins : originsFrom(at, state) };
  }

  /** What may be asked of the state that a step is taken from, where its database need not stay for it. */
  async #known(child: State, at: Standing): Promise<Snapshot | undefined> {
    const { stage } = this.#walking;
    if (child.step.kind !== "start") {
      if (at.by === "seeder") return emptySnapshot;
      if (!(await guarded(stage, () => at.now.hasRows()))) return emptySnapshot;
    }
    return this.mayRemember([child]) ? guarded(stage, () => at.now.remembered()) : undefined;
  }

  /** Whether whoever goes on, and judges that, asks the state before for nothing but rows, and nobody begins there again. */
  mayRemember([child, ...others]: readonly State[]): boolean {
    const { scenario, mayGoInPlace, hung } = this.#walking;
    // What hung in a check may still be reading.
    if (child === undefined || others.length > 0 || !mayGoInPlace || hung() > 0) return false;
    const { step } = child;
    const paths = pathsThrough(child);
    if (paths.some(comesBack)) return false;
    if (step.kind !== "start") return true;
    const checks = [scenario.check, ...paths.map(({ source }) => source.check)].flat();
    return step.runners === 1 && !goesOnwards(child) && !checks.some((check) => typeof check === "function");
  }
}

/** A workaround may still be done at a stop that others have left. */
function comesBack({ source, worked }: PlannedPath): boolean {
  return source.workaround !== undefined && !worked;
}
