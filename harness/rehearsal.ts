import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Task } from "./chain.ts";
import type { EngineName } from "./database.ts";
import { stopsOf, type UpgradePath } from "./scenario.ts";
import type { Hop } from "./start.ts";
import type { Expectation, Finding, Verdict } from "./verdict.ts";

/** What a path is told by, beside what is expected of it. */
export interface ToldPath {
  /** The releases it stands at, in order. */
  readonly path: readonly string[];
  /** The file whose content takes the place of an install of the first. */
  readonly dump: string | null;
  /** Name of the seeder sown with this path alone. */
  readonly with: string | null;
  /** What its tasks are handed, and nobody else's. */
  readonly settings: unknown;
  /** How many start at once in the last hop. */
  readonly runners: number;
  /** What the operator does once it has failed. */
  readonly workaround: string | null;
}

export function toldOf(path: UpgradePath): ToldPath {
  return {
    path: stopsOf(path),
    dump: path.dump === undefined ? null : relative(process.cwd(), fileURLToPath(path.dump)),
    with: path.with?.name ?? null,
    settings: path.settings ?? null,
    runners: path.runners ?? 1,
    workaround: path.workaround === undefined ? null : sentenceOf(path.workaround),
  };
}

/** A function's name as words: `giveAllToTheFirstUser` is "give all to the first user". */
function sentenceOf({ name }: Task<never>): string {
  if (name === "" || name === "workaround") return "a workaround";
  return name.replace(/(?<=[a-z\d])(?=[A-Z])/g, " ").toLowerCase();
}

/** One path walked once, on one engine, and what came of it. */
export interface Rehearsal extends ToldPath {
  /** `<scenario>#<n>`. */
  readonly name: string;
  readonly scenario: string;
  readonly title: string;
  readonly engine: EngineName;
  readonly server: string;
  readonly version: string;
  readonly expected: Expectation;
  readonly met: boolean;
  readonly milliseconds: number;
  readonly hops: readonly Hop[];
  readonly verdict: Verdict;
  /** The set that it is one of; null: a path that somebody wrote out. */
  readonly set: string | null;
  /** What the state at its end is known by: equal texts, equal shape and product rows. Null: it came to no end. */
  readonly end: { readonly catalogue: string; readonly rows: string } | null;
  /** What came of it was told from states of an earlier run. */
  readonly reused: boolean;
  /** The command that walks this path again. */
  readonly replay: string;
  /** Left up, because somebody asked to look at what was unmet. */
  readonly kept?: { readonly url: string; readonly client: string };
}

/** What came of a run. */
export interface Rehearsals {
  /** The number that randomness started from. */
  readonly seed: number;
  readonly rehearsals: readonly Rehearsal[];
  readonly met: number;
  /** Verdicts that contradict their expectation. */
  readonly unmet: number;
  readonly inconclusive: number;
  /** Where several paths came to one release: whether they came to the same. */
  readonly ends: readonly EndsCompared[];
  readonly work: Work;
  /** Engines that scenarios name, nobody asked for and nobody has here. */
  readonly notCovered: readonly NotCovered[];
}

/** All ends at one release, on one engine. */
export interface EndsCompared {
  readonly scenario: string;
  readonly engine: EngineName;
  readonly release: string;
  /** Paths that came to the same; those of the first are what the others are held against. */
  readonly groups: readonly EndGroup[];
}

export interface EndGroup {
  /** Names of rehearsals. */
  readonly paths: readonly string[];
  /** In what they differ from the first group; none in the first. */
  readonly findings: readonly Finding[];
  /** What is known, and accepted. */
  readonly notes: readonly Finding[];
}

/** What a run took. */
export interface Work {
  /** Migrations that were run. */
  readonly migrations: number;
  /** Migrations that would have been run if each path had been walked alone. */
  readonly plainly: number;
  /** States taken from earlier runs. */
  readonly reused: number;
  /** What earlier runs had kept and could not be read any more: it was removed, and walked again. */
  readonly damaged: number;
  /** The most bytes that its databases, and the store, held at once. */
  readonly disk: number;
  readonly milliseconds: number;
}

export interface NotCovered {
  readonly engine: EngineName;
  readonly why: string;
}
