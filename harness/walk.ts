import { availableParallelism } from "node:os";
import { Disk } from "./disk.ts";
import { type Concluding, endPaths, type ToWorkAround } from "./ending.ts";
import { Ends } from "./ends-agree.ts";
import { HarnessError, orWhyNot } from "./errors.ts";
import { Onward } from "./onward.ts";
import type { Placed } from "./placing.ts";
import { type Plan, type PlannedPath, pathsThrough, type State, wayOf } from "./plan.ts";
import { Pool } from "./pool.ts";
import { type EndsCompared, type Rehearsal, toldOf } from "./rehearsal.ts";
import { recalled } from "./remembering.ts";
import { goesOnwards, mayRide, ridesOf, type Stop } from "./rides.ts";
import { rideThrough, type Way } from "./riding.ts";
import type { Sandbox, Stage } from "./sandbox.ts";
import { emptySnapshot } from "./snapshot.ts";
import { type From, nowhere, type Standing, type Trodden, untrodden } from "./standing.ts";
import { overdue, type StepOptions, take } from "./step.ts";
import { perform } from "./task.ts";
import { Telling } from "./telling.ts";
import { within } from "./time-limit.ts";
import { triedBack } from "./tried-back.ts";
import type { WalkOptions } from "./walk-options.ts";

export type { WalkOptions } from "./walk-options.ts";

/** What came of a walk. */
export interface Walked {
  /** In the order of the scenario's paths; with `bail`, those up to the first unmet. */
  readonly rehearsals: readonly Rehearsal[];
  /** Migrations that were run on the way; what a check of ours runs once more is not counted. */
  readonly migrations: number;
  /** Paths that an earlier run had walked. */
  readonly reused: number;
  /** The most bytes that its sandboxes took at once, as their server counts. */
  readonly disk: number;
  /** Ends at one release, held against each other. */
  readonly ends: readonly EndsCompared[];
}

/**
 * Walks a plan's tree of states, its forks side by side. A state that several paths go on from is frozen and cloned; each hop is
 * walked once, and whatever goes wrong in it is told by every path that leads through it.
 */
export async function walk(plan: Plan, stage: Stage, options: WalkOptions): Promise<Walked> {
  const { seed, timeout } = options;
  const steps = { stage, file: plan.file, seed, timeout, onHung: () => {} };
  const whole = plan.paths.some(({ dump }) => dump !== undefined)
    ? await (await import("./placing.ts")).placed(plan, steps)
    : { plan, restored: new Map(), unplaced: new Map() };
  const walker = new Walker(whole, stage, options);
  const memory = await recalled(whole.plan, stage, options, walker.concluding);
  await walker.visitAll();
  await walker.telling.finish();
  memory.keep(walker.telling);
  const places = new Map(whole.plan.paths.map(({ name }, i) => [name, i]));
  const place = ({ name }: Rehearsal) => places.get(name) ?? -1;
  const rehearsals = walker.telling.rehearsals.sort((a, b) => place(a) - place(b));
  return {
    rehearsals,
    migrations: walker.migrations,
    reused: memory.reused,
    disk: walker.disk.peak,
    ends: walker.endsCompared(),
  };
}

/** What follows, once the work that it follows from has made room for other work. */
type Then = () => Promise<void>;

/** Each has some sessions of its own, and servers take so many. */
const mostWorkers = 8;
/** Frozen states that may wait for somebody to go on from them, for each worker. */
const waitingAtMost = 6;

/** Bytes that sandboxes may take which are left to the end of their server. */
const leftAtMost = 2 ** 27;

class Walker {
  readonly telling: Telling;
  readonly concluding: Concluding;
  readonly disk = new Disk();
  migrations = 0;
  readonly #plan: Plan;
  readonly #stage: Stage;
  readonly #options: WalkOptions;
  readonly #steps: StepOptions;
  readonly #placed: Placed;
  readonly #workers: number;
  readonly #pool: Pool;
  readonly #places: ReadonlyMap<string, number>;
  readonly #drops: Promise<void>[] = [];
  /** Sandboxes that nobody needs any more. */
  readonly #left: Sandbox[] = [];
  readonly #onward: Onward;
  #hung = 0;

  constructor(whole: Placed, stage: Stage, options: WalkOptions) {
    const { plan, restored } = whole;
    this.#placed = whole;
    this.#plan = plan;
    this.#stage = stage;
    this.#options = options;
    const { seed, timeout } = options;
    const onHung = () => {
      this.#hung++;
    };
    this.#steps = { stage, file: plan.file, seed, timeout, onHung, restored };
    this.telling = new Telling(plan, stage, options);
    this.concluding = { plan, steps: this.#steps, telling: this.telling, ends: new Ends(plan) };
    this.#workers = Math.max(1, options.workers ?? Math.min(availableParallelism(), mostWorkers));
    // Whoever waits for the server leaves a core idle: one more than there are cores.
    this.#pool = new Pool(this.#workers === 1 ? 1 : this.#workers + 1);
    this.#onward = new Onward({
      stage,
      scenario: plan.scenario,
      disk: this.disk,
      kept: this.telling.kept,
      // Whoever wants to look at states, to take hops back, or doubts what is shared, wants each in a database of its own.
      mayGoInPlace: !options.keep && options.back !== true && options.share !== false,
      hung: () => this.#hung,
      done: (at) => this.#done(at),
    });
    this.#places = new Map(plan.scenario.chain.map(({ name }, i) => [name, i]));
  }

  async visitAll(): Promise<void> {
    const arrive = async () => nowhere(await this.#stage.create());
    const from = { before: emptySnapshot, arrive, origins: [], known: untrodden };
    // What is under way when somebody wants no more is not waited for: it ends with its sandboxes.
    await Promise.race([settled(this.#visitFrom(this.#plan.roots, () => from)), this.telling.bailing]);
    const { plan, unplaced, restored } = this.#placed;
    for (const path of plan.paths) {
      const why = unplaced.get(path.name);
      if (why !== undefined) await this.telling.inconclusive(path, why, untrodden);
    }
    for (const { sandbox } of restored.values()) this.#drop(sandbox);
    // On a server that ends with this run, what nobody needs any more ends with it.
    if (this.#stage.server.exclusive && this.telling.kept.size === 0) return;
    this.#dropBut(0);
    await Promise.all(this.#drops);
  }

  endsCompared(): readonly EndsCompared[] {
    const { ends } = this.concluding;
    const compared = ends.compared(this.telling.sorted);
    const unseen = this.telling.unseenInEnds();
    const [first, ...others] = compared;
    if (unseen.length === 0 || first === undefined) return compared;
    const [group, ...groups] = first.groups;
    if (group === undefined) return compared;
    return [{ ...first, groups: [{ ...group, findings: [...group.findings, ...unseen] }, ...groups] }, ...others];
  }

  /** Goes all ways from one state, side by side. */
  async #visitFrom(states: readonly State[], fromOf: (state: State) => From): Promise<void> {
    // What is taken back needs a database of its own at each stop.
    const alone = this.#options.back === true || this.#options.share === false;
    const rides = alone ? states.map((state) => [state] as const) : ridesOf(states, this.#placeOf);
    await all(
      rides.map(async (ride) => {
        const [first] = ride;
        const stops = alone ? [] : ride.filter(mayRide);
        const from = fromOf(first);
        const isRide =
          stops.length === ride.length &&
          // Whoever rides may have to begin once more.
          from.isOnce !== true &&
          (ride.length > 1 || goesOnwards(first) || pathsThrough(first).every(({ set }) => set !== undefined));
        const work = isRide ? () => this.#ride(stops, fromOf) : () => this.#step(first, from);
        const then = await this.#pool.run(work, { ahead: from.ahead ?? false });
        await then();
      }),
    );
  }

  readonly #placeOf = (release: string) => this.#places.get(release) ?? -1;

  async #step(state: State, from: From): Promise<Then> {
    const over = async () => from.release?.();
    if (this.#isOver(state)) return over;
    this.#options.onStep?.(state.step, this.#plan);
    let at: Standing | undefined;
    try {
      at = await from.arrive();
      if (state.step.kind === "start") await from.learn?.(at.sandbox);
      const before = { state: from.before, again: from.arrive, whole: this.#wantsEnd(state) };
      let next = await take(state.step, at, before, this.#steps);
      if (state.step.kind === "start") this.migrations += next.hops.at(-1)?.migrations.length ?? 0;
      at = next;
      if (this.#options.back && next.unjudged === undefined)
        at = next = await triedBack(state, next, from, this.#steps);
      if (next.unjudged !== undefined) throw next.unjudged;
      const unsettled = await this.#end(state, next);
      const goesOn = !next.failed && state.children.length > 0;
      if (goesOn) await from.leave?.(next);
      return async () => {
        for (const path of unsettled) await this.#workAround(path);
        if (goesOn) await this.#goOn(state.children, next);
        else await this.#done(next);
        await over();
      };
    } catch (error) {
      await this.#lost([state], error, at ?? from.known);
      await at?.now.close().catch(() => {}); // The server may be the one that was lost.
      if (at !== undefined) this.#drop(at.sandbox);
      return over;
    }
  }

  async #ride(stops: readonly Stop[], fromOf: (state: State) => From): Promise<Then> {
    const [first, ...others] = stops;
    if (first === undefined) return async () => {};
    const later: Promise<void>[] = [];
    const from = fromOf(first);
    try {
      const at = await from.arrive();
      const riders = [first, ...others] as const;
      await rideThrough(riders, at, { fromOf, way: this.#wayInto(later) });
    } catch (error) {
      await this.#lost(stops, error, from.known);
      for (const stop of stops) await fromOf(stop).release?.();
    }
    // What it left behind goes on, and leaves more behind.
    return () => all(later);
  }

  /** @param later what goes on beside the ride */
  #wayInto(later: Promise<void>[]): Way {
    return {
      steps: this.#steps,
      keep: this.#options.keep,
      isOver: (state) => this.#isOver(state),
      wantsEnd: (state) => this.#wantsEnd(state),
      placeOf: ({ step }) => this.#placeOf(step.release.name),
      began: (state) => this.#options.onStep?.(state.step, this.#plan),
      ran: (migrations) => {
        this.migrations += migrations;
      },
      end: async (state, at) => void (await this.#end(state, at)),
      goOn: async (at, { beside, onward, from }) => {
        const over = async () => from.release?.();
        if (beside.length + onward.length === 0) {
          later.push(settled(this.#done(at).then(over)));
          return [];
        }
        await from.leave?.(at);
        const base = await this.#onward.spared(at);
        const froms = await this.#onward.froms([...beside, ...onward], base, over);
        if (beside.length > 0) later.push(settled(this.#visitFrom(beside, froms)));
        return onward.map(froms);
      },
      mayRemember: (next) => this.#onward.mayRemember(next),
      walkAlone: (state, from) => later.push(settled(this.#alone(state, from))),
      lost: (states, error, at) => this.#lost(states, error, at),
      drop: (sandbox) => this.#drop(sandbox),
      hung: () => this.#hung,
      // Where room is short, what there is is walked to its end first.
      giveWay: () => this.#pool.giveWay(this.disk.isFull ? 0 : this.#workers * waitingAtMost),
    };
  }

  async #alone(state: State, from: From): Promise<void> {
    const then = await this.#pool.run(() => this.#step(state, from), { ahead: true });
    await then();
  }

  #wantsEnd({ ends }: State): boolean {
    return ends.some((path) => this.concluding.ends.wants(path));
  }

  #isOver(state: State): boolean {
    return this.telling.bailed || pathsThrough(state).every((path) => this.telling.isTold(path));
  }

  /** Whatever keeps the harness from judging makes every path through these states inconclusive. */
  async #lost(states: readonly State[], error: unknown, at: Trodden): Promise<void> {
    if (!(error instanceof HarnessError)) throw error;
    for (const path of states.flatMap(pathsThrough)) await this.telling.inconclusive(path, error, at);
  }

  /** Lets paths end where a step has led, or where it has failed; those with a workaround leave the others here. */
  async #end(state: State, at: Standing): Promise<readonly ToWorkAround[]> {
    const unsettled = await endPaths(at.failed ? pathsThrough(state) : state.ends, at, this.concluding);
    return at.failed ? unsettled : [...unsettled, ...this.#leavingHere(state, at)];
  }

  /** An operator does not wait for the end of the path: paths with a workaround leave the others where something is found. */
  #leavingHere(state: State, at: Standing): readonly ToWorkAround[] {
    const leaving = state.children.flatMap(pathsThrough).filter(({ source, steps, worked }) => {
      return source.workaround !== undefined && !worked && steps[at.taken]?.kind === "start";
    });
    if (leaving.length === 0) return [];
    const { findings, notes: accepted } = this.telling.sorted(at.findings);
    const notes = [...at.ofInstall, ...at.notes, ...accepted];
    return findings.length === 0
      ? []
      : leaving.map((path) => ({ path, findings, at: { ...at, ofInstall: [], notes } }));
  }

  async #goOn(children: readonly State[], at: Standing): Promise<void> {
    if (this.telling.bailed) return this.#done(at);
    try {
      const base = await this.#onward.spared(at);
      await this.#visitFrom(children, await this.#onward.froms(children, base));
    } catch (error) {
      await this.#lost(children, error, at);
    }
  }

  /** The operator does what was advised on what is left, and the same release starts again; the verdict is of that. */
  async #workAround({ path, findings, at }: ToWorkAround): Promise<void> {
    const { workaround: task, settings } = path.source;
    const { started } = at;
    if (task === undefined || started === undefined || this.telling.bailed) return;
    const sentence = toldOf(path.source).workaround ?? "";
    if (findings.length === 0 && !at.failed) {
      const message = `Cannot judge the workaround "${sentence}": ${path.stops.join(" → ")} had no findings before it (take the workaround out)`;
      return this.telling.inconclusive(path, new HarnessError("nothing-to-work-around", message), at);
    }
    const mended: PlannedPath = { ...path, worked: true };
    // What was sown at this stop is there; what users do they do again.
    const since = path.steps.slice(started.taken + 1, at.taken).filter(({ kind }) => kind === "use");
    const way = wayOf([{ ...started.step, runners: 1 }, ...since, ...path.steps.slice(at.taken)], mended);
    const begun = performance.now();
    const notes = [...at.notes, ...findings];
    const afresh = { findings: [], ofInstall: [], notes, workedAround: findings, failed: false };
    const left = await this.#onward.cloned({ ...at, ...afresh });
    const options = {
      stage: this.#stage,
      sandbox: left.sandbox,
      settings,
      release: started.step.release.name,
    } as const;
    const doing = perform({ sentence, task }, { ...options, code: "workaround-failed" });
    const late = () => overdue(`Cannot go on after "${sentence}"`, left.sandbox, this.#steps);
    const done = await orWhyNot(within(this.#options.timeout, doing, late));
    const milliseconds = left.milliseconds + performance.now() - begun;
    const resumed = [...at.origins, { by: at.by, state: at.now }];
    const again: Standing = {
      ...left,
      origins: started.origins,
      ...(at.taken > started.taken + 1 && { resumed }),
      taken: at.taken - since.length - 1,
      milliseconds,
    };
    if (done instanceof HarnessError) await this.telling.inconclusive(mended, done, again);
    else {
      const { failure, swallowed } = done;
      const found = [...again.findings, ...(failure === undefined ? [] : [failure]), ...swallowed];
      const next: Standing = { ...again, findings: found, failed: failure !== undefined };
      if (!next.failed && way !== undefined)
        return this.#alone(way, {
          before: started.before,
          arrive: async () => next,
          origins: next.origins,
          known: next,
        });
      await endPaths([mended], next, this.concluding);
    }
    await this.#done(again);
  }

  async #done(at: Standing): Promise<void> {
    // What hung in a check may still be reading.
    if (this.#hung > 0) await at.sandbox.endSessions().catch(() => {});
    await at.now.forget();
    // Whoever keeps it wants to enter it.
    if (this.telling.kept.has(at.sandbox) && at.sandbox.frozen) await at.sandbox.thaw();
    this.#drop(at.sandbox);
  }

  /** Nobody waits for a drop: the next step goes on while the server does it. */
  #drop(sandbox: Sandbox): void {
    if (this.telling.kept.has(sandbox)) return;
    this.#left.push(sandbox);
    // On a server that ends with this run, a drop is only for the room it makes.
    this.#dropBut(this.#stage.server.exclusive && !this.disk.isFull ? leftAtMost : 0);
  }

  /** Drops the oldest until the others take no more than so many bytes. */
  #dropBut(most: number): void {
    while (this.#left.length > 0 && (most === 0 || this.disk.bytesOf(this.#left) > most)) {
      const [oldest] = this.#left.splice(0, 1);
      if (oldest === undefined) return;
      this.disk.dropped(oldest);
      this.#drops.push(oldest.drop().catch(() => {}));
    }
  }
}

/** Waits for all, whatever becomes of some, and throws what the first of them threw. */
async function all(works: readonly Promise<void>[]): Promise<void> {
  const ends = await Promise.allSettled(works);
  const broken = ends.find((end) => end.status === "rejected");
  if (broken !== undefined) throw broken.reason;
}

/** Work that is waited for later: until then nobody hears what it throws. */
function settled(work: Promise<void>): Promise<void> {
  work.catch(() => {});
  return work;
}
