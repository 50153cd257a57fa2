import type { Origin } from "./checks/rows-lost.ts";
import { ourCommand } from "./command.ts";
import { HarnessError } from "./errors.ts";
import { judgeEnd, judgeHop } from "./judge.ts";
import { ledgerOf } from "./ledger.ts";
import { type Plan, type PlannedPath, pathsThrough, type State, type Step } from "./plan.ts";
import type { Rehearsal } from "./rehearsal.ts";
import { endKnex, notTheirs, type Reading, readingOf, type Sandbox, type Stage } from "./sandbox.ts";
import { type Seeder, sow } from "./seeder.ts";
import { emptySnapshot, type Snapshot } from "./snapshot.ts";
import { type Hop, start } from "./start.ts";
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
  const walker = new Walker(plan, stage, options);
  await walker.visitAll();
  const order = (rehearsal: Rehearsal) => plan.paths.findIndex(({ name }) => name === rehearsal.name);
  return walker.rehearsals.sort((a, b) => order(a) - order(b));
}

/** What a path has been through so far. */
interface Trodden {
  readonly sandbox?: Sandbox;
  readonly hops: readonly Hop[];
  readonly findings: readonly Finding[];
  readonly notes: readonly Finding[];
  readonly milliseconds: number;
}

const untrodden: Trodden = { hops: [], findings: [], notes: [], milliseconds: 0 };

/** Where a walk stands: a database, and all that is known of how it came to be so. */
interface Standing extends Trodden {
  readonly sandbox: Sandbox;
  /** The sandbox as it is now, read on demand. */
  readonly now: Reading;
  /** Who took the last step, and the states before it. */
  readonly by: Origin["by"];
  readonly origins: readonly Origin[];
  /** What is wrong with the install that the path began with. */
  readonly ofInstall: readonly Finding[];
  /** The state just ahead of the first upgrade. */
  readonly first: Snapshot;
  /** The last step failed: nothing goes on from here. */
  readonly failed: boolean;
}

class Walker {
  readonly rehearsals: Rehearsal[] = [];
  readonly #plan: Plan;
  readonly #stage: Stage;
  readonly #options: WalkOptions;
  readonly #drops: Promise<void>[] = [];
  readonly #kept = new Set<Sandbox>();
  #bailed = false;
  #hung = false;

  constructor(plan: Plan, stage: Stage, options: WalkOptions) {
    this.#plan = plan;
    this.#stage = stage;
    this.#options = options;
  }

  async visitAll(): Promise<void> {
    for (const state of this.#plan.roots) {
      await this.#visit(state, emptySnapshot, async () => nowhere(await this.#stage.create()), untrodden);
    }
    // On a server that ends with this run, what nobody needs any more ends with it.
    if (!this.#stage.server.exclusive || this.#kept.size > 0) await Promise.all(this.#drops);
  }

  /** Takes one step from where `arrive` brings us, and whatever follows from it. */
  async #visit(state: State, before: Snapshot, arrive: () => Promise<Standing>, known: Trodden): Promise<void> {
    if (this.#bailed) return;
    this.#options.onStep?.(state.step, this.#plan);
    let at: Standing | undefined;
    try {
      at = await arrive();
      const next = await this.#step(state, at, before);
      for (const path of next.failed ? pathsThrough(state) : state.ends) await this.#conclude(path, next);
      if (next.failed || state.children.length === 0) await this.#done(next);
      else await this.#goOn(state.children, next);
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
    const origins = together ? at.origins : [...at.origins, { by: at.by, state: frozen ?? emptySnapshot }];
    for (const child of children) {
      if (frozen === undefined) await this.#visit(child, emptySnapshot, async () => ({ ...at, origins }), at);
      else {
        const arrive = async () => {
          // What hung in a check may still be reading.
          if (this.#hung) await at.sandbox.endSessions();
          await frozen.close();
          const sandbox = await at.sandbox.clone();
          return { ...at, origins, sandbox, now: readingOf(sandbox) };
        };
        await this.#visit(child, frozen, arrive, at);
      }
    }
    if (frozen !== undefined) await this.#done(at);
  }

  /** A state is kept as it is for those who go on from it, for a ledger's before, and to tell sown rows from others. */
  async #frozenIfNeeded([child, ...others]: readonly State[], at: Standing): Promise<Reading | undefined> {
    if (at.sandbox.frozen) return at.now;
    const sowing = child?.step.kind === "sow" && others.length === 0;
    const needed = !sowing || (at.by === "product" && (await at.now.hasRows()));
    await at.now.close();
    if (!needed) return undefined;
    await at.sandbox.freeze();
    return at.now; // Nothing has changed since it was first read.
  }

  async #step({ step }: State, at: Standing, before: Snapshot): Promise<Standing> {
    const begun = performance.now();
    const { sandbox } = at;
    if (step.kind === "sow") {
      await this.#sow(step.seeder, sandbox);
      return {
        ...at,
        by: "seeder",
        now: readingOf(sandbox),
        milliseconds: at.milliseconds + performance.now() - begun,
      };
    }
    const { timeout } = this.#options;
    const file = this.#plan.file;
    const started = await start(sandbox, step.release, { stage: this.#stage, from: step.last ?? null, timeout, file });
    const first = at.hops.length === 1 ? before : at.first;
    const after = readingOf(sandbox);
    const { origins } = at;
    const judging = judgeHop(ledgerOf(before, after), { origins, failure: started.failure, stage: this.#stage });
    const judged = await within(timeout, judging, () => this.#overdue("Cannot judge the hop", sandbox));
    const name = ({ code, ...finding }: Finding): Finding => ({ code, release: step.release.name, ...finding });
    const found = judged.findings.map(name);
    const isInstall = at.hops.length === 0 && started.failure === undefined;
    return {
      ...at,
      now: after,
      first,
      by: "product",
      hops: [...at.hops, started.hop],
      ...(isInstall ? { ofInstall: found } : { findings: [...at.findings, ...found] }),
      notes: [...at.notes, ...started.notes, ...judged.notes.map(name)],
      failed: started.failure !== undefined,
      milliseconds: at.milliseconds + performance.now() - begun,
    };
  }

  async #sow(seeder: Seeder, sandbox: Sandbox): Promise<void> {
    const { seed, timeout } = this.#options;
    const db = await sandbox.knex();
    const sowing = sow(seeder, { db, seed })
      .catch(async (error) => {
        throw (await notTheirs(this.#stage, (error as Error).cause)) ?? error;
      })
      .finally(() => endKnex(db));
    await within(timeout, sowing, () => this.#overdue(`Cannot sow "${seeder.name}"`, sandbox));
  }

  async #overdue(what: string, sandbox: Sandbox): Promise<never> {
    this.#hung = true;
    await sandbox.endSessions().catch(() => {});
    const message = `${what}: it still hung after ${this.#options.timeout / 1000} s (give it longer with --timeout <seconds>)`;
    throw new HarnessError("timed-out", message);
  }

  /** Lets a path end here: its own checks, its verdict, whether that was expected. */
  async #conclude(path: PlannedPath, at: Standing): Promise<void> {
    const begun = performance.now();
    const checks = [...listed(path.source.check), ...(at.failed ? [] : listed(this.#plan.scenario.check))];
    const judging = judgeEnd(ledgerOf(at.first, at.now), { checks, stage: this.#stage });
    let own: readonly Finding[];
    try {
      const overdue = () => this.#overdue("Cannot judge what came out", at.sandbox);
      own = await within(this.#options.timeout, judging, overdue);
    } catch (error) {
      if (error instanceof HarnessError) return this.#inconclusive(path, error, at);
      throw error;
    }
    // The install that an upgrade begins with is as the product shipped it; one that is an end is judged for itself.
    const isInstall = path.stops.length === 1;
    const findings = [...(isInstall ? at.ofInstall : []), ...at.findings, ...own];
    const notes = [...(isInstall ? [] : at.ofInstall), ...at.notes];
    const verdict = this.#options.strict ? verdictOf([...findings, ...notes], []) : verdictOf(findings, notes);
    await this.#tell(path, verdict, { ...at, milliseconds: at.milliseconds + performance.now() - begun });
  }

  async #done(at: Standing): Promise<void> {
    await at.now.close();
    this.#drop(at.sandbox);
  }

  async #inconclusive(path: PlannedPath, error: HarnessError, at: Trodden): Promise<void> {
    if (this.#bailed || this.rehearsals.some(({ name }) => name === path.name)) return;
    const { findings, notes } = at;
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
      path: path.stops,
      with: path.source.with?.name ?? null,
      expected: path.expected,
      met,
      milliseconds: Math.round(at.milliseconds * 10) / 10,
      hops: at.hops,
      verdict,
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

function nowhere(sandbox: Sandbox): Standing {
  const nothing = { ...untrodden, origins: [], ofInstall: [], by: "product", failed: false } as const;
  return { ...nothing, sandbox, now: readingOf(sandbox), first: emptySnapshot };
}

function listed<T extends object>(some: T | readonly T[] | undefined): readonly T[] {
  return some === undefined ? [] : Array.isArray(some) ? some : [some as T];
}
