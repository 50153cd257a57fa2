import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Task } from "./chain.ts";
import type { EngineName } from "./database.ts";
import { stopsOf, type UpgradePath } from "./scenario.ts";
import type { Hop } from "./start.ts";
import type { Expectation, Verdict } from "./verdict.ts";

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
  /** Engines that scenarios name, nobody asked for and nobody has here. */
  readonly notCovered: readonly NotCovered[];
}

export interface NotCovered {
  readonly engine: EngineName;
  readonly why: string;
}
