import { ourCommand } from "./command.ts";
import { differenceCodes } from "./differing.ts";
import type { HarnessError } from "./errors.ts";
import { KnownFindings } from "./known.ts";
import type { Plan, PlannedPath } from "./plan.ts";
import { type Rehearsal, toldOf } from "./rehearsal.ts";
import type { Sandbox, Stage } from "./sandbox.ts";
import { pathsOf } from "./selection.ts";
import type { Standing, Trodden } from "./standing.ts";
import type { Remembered } from "./store.ts";
import { type Finding, meets, type Verdict, verdictOf } from "./verdict.ts";
import type { WalkOptions } from "./walk-options.ts";

/** What is to be done with a path that has findings, and a workaround for them. */
export interface Unsettled {
  readonly findings: readonly Finding[];
  readonly at: Standing;
}

type Came = Pick<Rehearsal, "verdict" | "hops" | "milliseconds" | "end" | "reused" | "kept">;

/** Tells what came of a plan's paths, each once. */
export class Telling {
  readonly rehearsals: Rehearsal[] = [];
  readonly kept = new Set<Sandbox>();
  readonly #plan: Plan;
  readonly #stage: Stage;
  readonly #options: WalkOptions;
  readonly #known: KnownFindings;
  readonly #told = new Set<string>();
  /** Tells the plan's last path, to which it is said what is known and was seen in none, where others ended behind it. */
  #heldBack: (() => Promise<unknown>) | undefined;
  #bailed = false;
  #bail: () => void = () => {};
  /** Resolves once somebody wants no more. */
  readonly bailing = new Promise<void>((resolve) => {
    this.#bail = resolve;
  });

  constructor(plan: Plan, stage: Stage, options: WalkOptions) {
    this.#plan = plan;
    this.#stage = stage;
    this.#options = options;
    this.#known = new KnownFindings(plan.scenario.known, plan.engine);
  }

  /** Somebody wants no more after the first that was unmet. */
  get bailed(): boolean {
    return this.#bailed;
  }

  isTold({ name }: PlannedPath): boolean {
    return this.#told.has(name);
  }

  /** What is known of findings, and what is left of them. */
  readonly sorted = (findings: readonly Finding[]): ReturnType<KnownFindings["sort"]> => this.#known.sort(findings);

  /** What is known of ends that differ, and none did: told once all have been compared. */
  unseenInEnds(): readonly Finding[] {
    return this.#isComplete(this.#plan.paths.length) ? this.#known.unseen(isEndCode) : [];
  }

  /**
   * Tells a path's verdict; one that has a workaround is given back with what that is to be done on.
   *
   * @param then told what was told, now or once all others have been
   */
  async conclude(
    path: PlannedPath,
    own: readonly Finding[],
    at: Standing,
    { end, then }: { readonly end: Rehearsal["end"]; readonly then: (rehearsal: Rehearsal) => void },
  ): Promise<Unsettled | undefined> {
    if (this.#bailed) return undefined;
    // The install that an upgrade begins with is as the product shipped it; one that is an end is judged for itself.
    const isInstall = path.stops.length === 1;
    const all = [...(isInstall ? at.ofInstall : []), ...at.findings, ...own];
    const { findings, notes: accepted } = this.#known.sort(all);
    const notes = [...(isInstall ? [] : at.ofInstall), ...at.notes, ...accepted];
    if (path.source.workaround !== undefined && !path.worked) return { findings, at: { ...at, ofInstall: [], notes } };
    // What is accepted, or was worked around, is no finding even to whoever is strict.
    const settled = new Set([...accepted, ...at.workedAround]);
    const counts = (note: Finding) => this.#options.strict && !settled.has(note);
    const left = notes.filter((note) => !counts(note));
    const verdictWith = (unseen: readonly Finding[]) =>
      verdictOf([...findings, ...unseen, ...notes.filter(counts)], left);
    const isLast = path.name === this.#plan.paths.at(-1)?.name;
    const isSettled = this.#plan.paths.every((other) => other.name === path.name || this.isTold(other));
    const endsAll = this.#options.bail && !meets(verdictWith([]), path.expected, this.#plan.engine);
    if (!isLast || isSettled || endsAll || (this.#plan.scenario.known ?? []).length === 0) {
      const told = await this.#tell(path, verdictWith(isLast ? this.#unseen() : []), at, { end });
      if (told !== undefined) then(told);
      return undefined;
    }
    this.#told.add(path.name);
    const kept = await this.#keptIfUnmet(path, verdictWith([]), at);
    this.#heldBack = async () => {
      // Its sandbox did not wait, and shows nothing of what is said of all paths.
      const { sandbox: _, ...trodden } = at;
      const told = await this.#tell(path, verdictWith(this.#unseen()), trodden, { end, kept });
      if (told !== undefined) then(told);
    };
    return undefined;
  }

  /** Tells what was held back, once all paths have been walked. */
  async finish(): Promise<void> {
    await this.#heldBack?.();
  }

  #unseen(): readonly Finding[] {
    return this.#isComplete(this.#plan.paths.length - 1) ? this.#known.unseen((code) => !isEndCode(code)) : [];
  }

  async inconclusive(path: PlannedPath, error: HarnessError, at: Trodden | Standing): Promise<void> {
    if (this.#bailed || this.isTold(path)) return;
    const ofInstall = "ofInstall" in at ? at.ofInstall : [];
    const isInstall = path.stops.length === 1;
    const findings = isInstall ? [...ofInstall, ...at.findings] : at.findings;
    const notes = isInstall ? at.notes : [...ofInstall, ...at.notes];
    const cause = { code: error.code, message: error.message };
    await this.#tell(path, { outcome: "inconclusive", cause, findings, notes }, at, { end: null });
  }

  /** Only whoever has walked every path of the scenario can say that something was in none of them. */
  #isComplete(told: number): boolean {
    const { paths, scenario, engine } = this.#plan;
    if (this.#told.size < told) return false;
    const wanted = pathsOf(scenario).filter(({ path }) => path.engines?.includes(engine) ?? true);
    const walked = new Set(paths.map(({ name }) => name));
    const conclusive = this.rehearsals.every(({ verdict }) => verdict.outcome !== "inconclusive");
    return conclusive && wanted.every(({ name }) => walked.has(name));
  }

  /** Tells what an earlier run has come to. */
  recall(path: PlannedPath, { verdict, hops, milliseconds, told }: Remembered): void {
    this.#told.add(path.name);
    this.#say(path, { verdict, hops, milliseconds, end: told, reused: true });
  }

  async #tell(
    path: PlannedPath,
    verdict: Verdict,
    at: Trodden,
    { end, kept }: { readonly end: Rehearsal["end"]; readonly kept?: Rehearsal["kept"] },
  ): Promise<Rehearsal | undefined> {
    if (this.#bailed) return undefined;
    this.#told.add(path.name);
    const keeping = kept ?? (await this.#keptIfUnmet(path, verdict, at));
    const milliseconds = Math.round(at.milliseconds * 10) / 10;
    return this.#say(path, {
      verdict,
      hops: at.hops,
      milliseconds,
      end,
      reused: false,
      ...(keeping && { kept: keeping }),
    });
  }

  async #keptIfUnmet(path: PlannedPath, verdict: Verdict, { sandbox }: Trodden): Promise<Rehearsal["kept"]> {
    const wanted = this.#options.keep && !meets(verdict, path.expected, this.#plan.engine);
    return wanted && sandbox !== undefined ? this.#keep(sandbox) : undefined;
  }

  #say(path: PlannedPath, came: Came): Rehearsal {
    const { name, scenario, engine } = this.#plan;
    const { server } = this.#stage;
    const met = meets(came.verdict, path.expected, engine);
    if (!met && this.#options.bail) this.#bailed = true;
    if (this.#bailed) this.#bail();
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
      ...came,
      set: path.set ?? null,
      replay: this.#replayOf(path),
    };
    this.rehearsals.push(rehearsal);
    this.#options.onRehearsal?.(rehearsal, this.#plan);
    return rehearsal;
  }

  #replayOf({ replay }: PlannedPath): string {
    const { on = `--engine ${this.#plan.engine}`, seed, back = false } = this.#options;
    return `${ourCommand} rehearse ${replay} ${on} --seed ${seed}${back ? " --back" : ""}`;
  }

  /** A server that is gone keeps nothing. */
  async #keep(sandbox: Sandbox): Promise<Rehearsal["kept"]> {
    try {
      const entrance = await sandbox.keep();
      this.kept.add(sandbox);
      return entrance;
    } catch {
      return undefined;
    }
  }
}

/** Codes of what only ends that are compared can show. */
function isEndCode(code: string): boolean {
  return differenceCodes.some((known) => known === code);
}
