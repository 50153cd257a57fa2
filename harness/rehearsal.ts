import type { EngineName } from "./database.ts";
import type { Hop } from "./start.ts";
import type { Expectation, Verdict } from "./verdict.ts";

/** One path walked once, on one engine, and what came of it. */
export interface Rehearsal {
  /** `<scenario>#<n>`. */
  readonly name: string;
  readonly scenario: string;
  readonly title: string;
  readonly engine: EngineName;
  readonly server: string;
  readonly version: string;
  /** The releases it stood at, in order. */
  readonly path: readonly string[];
  /** Name of the seeder sown with this path alone. */
  readonly with: string | null;
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
