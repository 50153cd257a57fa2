import type { Rehearsals } from "../rehearsal.ts";
import { ends } from "./ends.ts";
import { matricesOf } from "./matrix.ts";
import { matrix } from "./matrix-in-words.ts";
import { explanations, summary } from "./pretty.ts";
import { sideBySide } from "./side-by-side.ts";

interface Closing {
  readonly verbose: boolean;
  /** How wide the terminal is, where there is one. */
  readonly columns?: number | undefined;
  /** What the run took, for whoever waited for it. */
  readonly milliseconds: number;
}

/** All that is told once a run is over: what broke, engines side by side, matrices, ends compared, and the counts. */
export function closing(result: Rehearsals, { milliseconds, ...how }: Closing): string {
  const { rehearsals } = result;
  const matrices = matricesOf(rehearsals).map((of) => [of.scenario, matrix(of, how)] as const);
  const shown = new Set(matrices.filter(([, text]) => text !== "").map(([scenario]) => scenario));
  // What a matrix shows needs no row of its own.
  const rows = rehearsals.filter(({ scenario, set }) => set === null || !shown.has(scenario));
  return [
    explanations(rehearsals, how),
    sideBySide(rows),
    ...matrices.map(([, text]) => text),
    ends(worthTelling(result), { ...how, rehearsals }),
    summary(result, milliseconds),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

/** That ends agree goes without saying where somebody wrote the paths out. */
function worthTelling({ ends, rehearsals }: Rehearsals): Rehearsals["ends"] {
  const ofSets = new Set(rehearsals.filter(({ set }) => set !== null).map(({ scenario }) => scenario));
  return ends.filter(({ scenario, groups }) => groups.length > 1 || ofSets.has(scenario));
}
