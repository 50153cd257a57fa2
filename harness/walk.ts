import { ourCommand } from "./command.ts";
import { HarnessError, orWhyNot } from "./errors.ts";
import { judgeEnd } from "./judge.ts";
import { KnownFindings } from "./known.ts";
import { ledgerOf } from "./ledger.ts";
import type { Placed } from "./placing.ts";
import { type Plan, type PlannedPath, pathsThrough, type State, type Step, wayOf } from "./plan.ts";
import { type Rehearsal, toldOf } from "./rehearsal.ts";
import { restartedOnce } from "./restart.ts";
import { type Reading, readingOf, type Sandbox, type Stage } from "./sandbox.ts";
import { emptySnapshot, type Snapshot } from "./snapshot.ts";
import { mayAskFor, nowhere, originsFrom, type Standing, type Trodden, untrodden } from "./standing.ts";
import { overdue, type StepOptions, take } from "./step.ts";
import { perform } from "./task.ts";
import { within } from "./time-limit.ts";
import { type Finding, meets, type Verdict, verdictOf } from "./verdict.ts";

export interface WalkOptions {
  readonly seed: number;
  /** Milliseconds for one hop. */
  readonly timeout: number;
  readonly keep: boolean;
  readonly bail: boolean;
  readonly strict: boolean;
  /** The options with which the command finds such a server again; unless said, those that name the engine. */
  readonly on?: string;
  readonly onStep?: (step: Step, plan: Plan) => void;
  readonly onRehearsal?: (rehearsal: Rehearsal, plan: Plan) => void;
}

/**
 * Walks a plan's tree of states depth first. A state that several paths go on from is frozen and cloned; each hop is
 * walked once, and whatever goes wrong in it is told by every path that leads through it.
 *
 * @returns the rehearsals in the order of the scenario's paths; with `bail`, those up to the first unmet
 */
export async function walk(plan: Plan, stage: Stage, options: WalkOptions): Promise<readonly Rehearsal[]> {
  const { seed, timeout } = options;
  const steps = { stage, file: plan.file, seed, timeout, onHung: () => {} };
  const whole = plan.paths.some(({ dump }) => dump !== undefined)
    ? await (await import("./placing.ts")).placed(plan, steps)
    : { plan, restored: new Map(), unplaced: new Map() };
  const walker = new Walker(whole, stage, options);
  await walker.visitAll();
  const order = (rehearsal: Rehearsal) => whole.plan.paths.findIndex(({ name }) => name === rehearsal.name);
  return walker.rehearsals.sort((a, b) => order(a) - order(b));
}

class Walker {
  readonly rehearsals: Rehearsal[] = [];
  readonly #plan: Plan;
  readonly #stage: Stage;
  readonly #options: WalkOptions;
  readonly #steps: StepOptions;
  readonly #known: KnownFindings;
  readonly #placed: Placed;
  readonly #drops: Promise<void>[] = [];
  readonly #kept = new Set<Sandbox>();
  #bailed = false;
  #hung = false;

  constructor(whole: Placed, stage: Stage, options: WalkOptions) {
    const { plan, restored } = whole;
    this.#placed = whole;
    this.#plan = plan;
    this.#stage = stage;
    this.#options = options;
    const { seed, timeout } = options;
    const onHung = () => {
      this.#hung = true;
    };
    this.#steps = { stage, file: plan.file, seed, timeout, onHung, restored };
    this.#known = new KnownFindings(plan.scenario.known, plan.engine);
  }

  async visitAll(): Promise<void> {
    for (const state of this.#plan.roots) {
      await this.#visit(state, emptySnapshot, async () => nowhere(await this.#stage.create()), untrodden);
    }
    const { plan, unplaced, restored } = this.#placed;
    for (const path of plan.paths) {
      const why = unplaced.get(path.name);
      if (why !== undefined) await this.#inconclusive(path, why, untrodden);
    }
    for (const { sandbox } of restored.values()) this.#drop(sandbox);
    // On a server that ends with this run, what nobody needs any more ends with it.
    if (!this.#stage.server.exclusive || this.#kept.size > 0) await Promise.all(this.#drops);
  }

  /**
   * Takes one step from where `arrive` brings us, and whatever follows from it.
   *
   * @param leave told where it led before anybody goes on from there
   */
  async #visit(
    state: State,
    before: Snapshot,
    arrive: () => Promise<Standing>,
    known: Trodden,
    leave?: (next: Standing) => Promise<void>,
  ): Promise<void> {
    if (this.#bailed || pathsThrough(state).every((path) => this.#isTold(path))) return;
    this.#options.onStep?.(state.step, this.#plan);
    let at: Standing | undefined;
    try {
      at = await arrive();
      const next = await take(state.step, at, { state: before, again: arrive }, this.#steps);
      at = next;
      if (next.unjudged !== undefined) throw next.unjudged;
      await this.#end(next.failed ? pathsThrough(state) : state.ends, next);
      if (!next.failed) await this.#workAroundHere(state, next);
      if (next.failed || state.children.length === 0) await this.#done(next);
      else {
        await leave?.(next);
        await this.#goOn(state.children, next);
      }
    } catch (error) {
      // Whatever keeps the harness from judging makes every path through this state inconclusive.
      if (!(error instanceof HarnessError)) throw error;
      for (const path of pathsThrough(state)) await this.#inconclusive(path, error, at ?? known);
      await at?.now.close().catch(() => {}); // The server may be the one that was lost.
      if (at !== undefined) this.#drop(at.sandbox);
    }
  }

  async #goOn(children: readonly State[], at: Standing): Promise<void> {
    if (this.#bailed) return this.#done(at);
    // What somebody asked to keep is left as it is; others go on from a copy.
    if (this.#kept.has(at.sandbox)) {
      await at.now.close();
      const sandbox = await at.sandbox.copy();
      return this.#goOn(children, { ...at, sandbox, now: readingOf(sandbox) });
    }
    const frozen = await this.#frozenIfNeeded(children, at);
    // Seeds sown on seeds are one sowing.
    const together = frozen === undefined && at.by === "seeder";
    const origins = together ? at.origins : originsFrom(at, frozen ?? emptySnapshot);
    let isLeft = false;
    for (const child of children) {
      if (frozen === undefined) await this.#visit(child, emptySnapshot, async () => ({ ...at, origins }), at);
      else {
        const arrive = async () => {
          // What hung in a check may still be reading.
          if (this.#hung) await at.sandbox.endSessions();
          return { ...(await this.#cloned(at)), origins };
        };
        // A long chain would fill the disk if each of its states lasted until all that follow have been walked.
        const leave = async (next: Standing) => {
          if (mayAskFor(frozen, next) || pathsThrough(child).some(comesBack)) return;
          isLeft = true;
          await this.#done(at);
        };
        await this.#visit(child, frozen, arrive, at, child === children.at(-1) ? leave : undefined);
      }
    }
    if (frozen !== undefined && !isLeft) await this.#done(at);
  }

  /** A state is kept as it is for those who go on from it, for a ledger's before, and to tell sown rows from others. */
  async #frozenIfNeeded([child, ...others]: readonly State[], at: Standing): Promise<Reading | undefined> {
    if (at.sandbox.frozen) return at.now;
    const sowing = child?.step.kind !== "start" && others.length === 0;
    const needed = !sowing || (at.by === "product" && (await at.now.hasRows()));
    await at.now.close();
    if (!needed) return undefined;
    await at.sandbox.freeze();
    return at.now; // Nothing has changed since it was first read.
  }

  /** The same place in a database of its own. */
  async #cloned(at: Standing): Promise<Standing> {
    await at.now.close();
    if (!at.sandbox.frozen) await at.sandbox.freeze();
    const sandbox = await at.sandbox.clone();
    if (this.#kept.has(at.sandbox)) await at.sandbox.thaw();
    return { ...at, sandbox, now: readingOf(sandbox) };
  }

  /** Lets paths end here, each with its own checks; the second start is the same for all of them. */
  async #end(paths: readonly PlannedPath[], at: Standing): Promise<void> {
    const begun = performance.now();
    const judged = [];
    for (const path of paths.filter((path) => !this.#isTold(path)))
      judged.push({ path, own: await this.#ownFindings(path, at) });
    const again = paths.length === 0 || at.failed ? [] : await orWhyNot(this.#restarted(at));
    for (const { path, own } of judged) {
      const here = { ...at, milliseconds: at.milliseconds + performance.now() - begun };
      if (own instanceof HarnessError) await this.#inconclusive(path, own, here);
      else if (again instanceof HarnessError)
        await this.#inconclusive(path, again, { ...here, findings: [...here.findings, ...own] });
      else await this.#conclude(path, [...own, ...again], here);
    }
  }

  #ownFindings(path: PlannedPath, at: Standing): Promise<readonly Finding[] | HarnessError> {
    // Where somebody is to work around the failure, the path has not ended yet.
    const goesOn = at.failed && path.source.workaround !== undefined && !path.worked;
    const checks = [
      ...(goesOn ? [] : listed(path.source.check)),
      ...(at.failed ? [] : listed(this.#plan.scenario.check)),
    ];
    const judging = judgeEnd(ledgerOf(at.first, at.now), { checks, stage: this.#stage });
    // The session that hung is ended, and the next path's checks are to have another.
    const late = () =>
      overdue("Cannot judge what came out", at.sandbox, this.#steps).finally(() => at.now.close().catch(() => {}));
    return orWhyNot(within(this.#options.timeout, judging, late));
  }

  #restarted(at: Standing): Promise<readonly Finding[]> {
    const late = () => overdue("Cannot start the release once more", at.sandbox, this.#steps);
    return within(this.#options.timeout * 2, restartedOnce(at, this.#steps), late);
  }

  async #conclude(path: PlannedPath, own: readonly Finding[], at: Standing): Promise<void> {
    if (this.#bailed) return;
    // The install that an upgrade begins with is as the product shipped it; one that is an end is judged for itself.
    const isInstall = path.stops.length === 1;
    const all = [...(isInstall ? at.ofInstall : []), ...at.findings, ...own];
    const { findings, notes: accepted } = this.#known.sort(all);
    const notes = [...(isInstall ? [] : at.ofInstall), ...at.notes, ...accepted];
    if (path.source.workaround !== undefined && !path.worked)
      return this.#workAround(path, findings, { ...at, ofInstall: [], notes });
    const unseen = this.#isLast() ? this.#known.unseen() : [];
    // What is accepted, or was worked around, is no finding even to whoever is strict.
    const settled = new Set([...accepted, ...at.workedAround]);
    const counts = (note: Finding) => this.#options.strict && !settled.has(note);
    const found = [...findings, ...unseen, ...notes.filter(counts)];
    const left = notes.filter((note) => !counts(note));
    await this.#tell(path, verdictOf(found, left), at);
  }

  /** Only whoever has walked every path of the scenario can say that something was in none of them. */
  #isLast(): boolean {
    const { paths, scenario, engine } = this.#plan;
    const wanted = scenario.paths.filter((path) => !("engines" in path) || (path.engines?.includes(engine) ?? true));
    const conclusive = this.rehearsals.every(({ verdict }) => verdict.outcome !== "inconclusive");
    const walked = new Set<unknown>(paths.map(({ source }) => source));
    return conclusive && wanted.every((path) => walked.has(path)) && this.rehearsals.length === paths.length - 1;
  }

  /** An operator does not wait for the end of the path: paths with a workaround leave the others where something is found. */
  async #workAroundHere(state: State, at: Standing): Promise<void> {
    const leaving = state.children.flatMap(pathsThrough).filter(({ source, steps, worked }) => {
      return source.workaround !== undefined && !worked && steps[at.taken]?.kind === "start";
    });
    if (leaving.length === 0) return;
    const { findings, notes: accepted } = this.#known.sort(at.findings);
    const notes = [...at.ofInstall, ...at.notes, ...accepted];
    for (const path of findings.length === 0 ? [] : leaving)
      await this.#workAround(path, findings, { ...at, ofInstall: [], notes });
  }

  #isTold({ name }: PlannedPath): boolean {
    return this.rehearsals.some((rehearsal) => rehearsal.name === name);
  }

  /** The operator does what was advised on what is left, and the same release starts again; the verdict is of that. */
  async #workAround(path: PlannedPath, findings: readonly Finding[], at: Standing): Promise<void> {
    const { workaround: task, settings } = path.source;
    const { started } = at;
    if (task === undefined || started === undefined) return;
    const sentence = toldOf(path.source).workaround ?? "";
    if (findings.length === 0 && !at.failed) {
      const message = `Cannot judge the workaround "${sentence}": ${path.stops.join(" → ")} had no findings before it (take the workaround out)`;
      return this.#inconclusive(path, new HarnessError("nothing-to-work-around", message), at);
    }
    const mended: PlannedPath = { ...path, worked: true };
    // What was sown at this stop is there; what users do they do again.
    const since = path.steps.slice(started.taken + 1, at.taken).filter(({ kind }) => kind === "use");
    const way = wayOf([{ ...started.step, runners: 1 }, ...since, ...path.steps.slice(at.taken)], mended);
    const begun = performance.now();
    const notes = [...at.notes, ...findings];
    const afresh = { findings: [], ofInstall: [], notes, workedAround: findings, failed: false };
    const left = await this.#cloned({ ...at, ...afresh });
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
    if (done instanceof HarnessError) await this.#inconclusive(mended, done, again);
    else {
      const { failure, swallowed } = done;
      const found = [...again.findings, ...(failure === undefined ? [] : [failure]), ...swallowed];
      const next: Standing = { ...again, findings: found, failed: failure !== undefined };
      if (!next.failed && way !== undefined) return this.#visit(way, started.before, async () => next, next);
      await this.#end([mended], next);
    }
    await this.#done(again);
  }

  async #done(at: Standing): Promise<void> {
    await at.now.forget();
    this.#drop(at.sandbox);
  }

  async #inconclusive(path: PlannedPath, error: HarnessError, at: Trodden | Standing): Promise<void> {
    if (this.#bailed || this.#isTold(path)) return;
    const ofInstall = "ofInstall" in at ? at.ofInstall : [];
    const isInstall = path.stops.length === 1;
    const findings = isInstall ? [...ofInstall, ...at.findings] : at.findings;
    const notes = isInstall ? at.notes : [...ofInstall, ...at.notes];
    const cause = { code: error.code, message: error.message };
    await this.#tell(path, { outcome: "inconclusive", cause, findings, notes }, at);
  }

  async #tell(path: PlannedPath, verdict: Verdict, at: Trodden): Promise<void> {
    if (this.#bailed) return;
    const { name, scenario, engine } = this.#plan;
    const { server } = this.#stage;
    const met = meets(verdict, path.expected, engine);
    if (!met && this.#options.bail) this.#bailed = true;
    const kept = !met && this.#options.keep && at.sandbox !== undefined ? await this.#keep(at.sandbox) : undefined;
    const rehearsal: Rehearsal = {
      name: path.name,
      scenario: name,
      title: scenario.title,
      engine,
      server: server.kind,
      version: server.version,
      ...toldOf(path.source),
      expected: path.expected,
      met,
      milliseconds: Math.round(at.milliseconds * 10) / 10,
      hops: at.hops,
      verdict,
      set: null,
      end: null,
      reused: false,
      replay: `${ourCommand} rehearse ${path.replay} ${this.#options.on ?? `--engine ${engine}`} --seed ${this.#options.seed}`,
      ...(kept && { kept }),
    };
    this.rehearsals.push(rehearsal);
    this.#options.onRehearsal?.(rehearsal, this.#plan);
  }

  /** A server that is gone keeps nothing. */
  async #keep(sandbox: Sandbox): Promise<Rehearsal["kept"]> {
    try {
      const entrance = await sandbox.keep();
      this.#kept.add(sandbox);
      return entrance;
    } catch {
      return undefined;
    }
  }

  /** Nobody waits for a drop: the next step goes on while the server does it. */
  #drop(sandbox: Sandbox): void {
    if (!this.#kept.has(sandbox)) this.#drops.push(sandbox.drop().catch(() => {}));
  }
}

/** A workaround may still be done at a stop that others have left. */
function comesBack({ source, worked }: PlannedPath): boolean {
  return source.workaround !== undefined && !worked;
}

function listed<T extends object>(some: T | readonly T[] | undefined): readonly T[] {
  return some === undefined ? [] : Array.isArray(some) ? some : [some as T];
}
