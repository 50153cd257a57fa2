import { type HarmfulStop, harmfulStops } from "./harmful-stops.ts";
import { type Failing, outcomesOf } from "./outcomes.ts";
import type { Rehearsal } from "./rehearsal.ts";
import { type Evidence, evidenceOf, failingFrom, isUntried, type Reached, waysBy } from "./ways.ts";

/** Where users have to stop on their way to the newest release, as far as the walked paths tell. */
export interface Stops {
  /** Null: no path is an upgrade. */
  readonly newest: string | null;
  /** The smallest set of stops from which every start that can reach the newest release does so clean; oldest first. */
  readonly needed: readonly NeededStop[];
  /** Every smaller set was looked at; if not, none of the stops can be left out, and a smaller set may do. */
  readonly exact: boolean;
  /** Some hop between the starts, the stops that may be of use and the newest release was not walked: fewer stops may do. */
  readonly untried: boolean;
  /** How each start reaches the newest release with these stops. */
  readonly reached: readonly Reached[];
  /** Starts that no set of stops helps. */
  readonly unreachable: readonly Unreachable[];
  readonly harmful: readonly HarmfulStop[];
}

export interface NeededStop {
  readonly release: string;
  /** What does in its place, with the rest of the set unchanged. */
  readonly alternatives: readonly string[];
  /** A path that stops nowhere else and fails. Null: none was walked, and whether the stop is needed is not known. */
  readonly without: Failing | null;
}

export interface Unreachable {
  readonly start: string;
  /** Null: no path from it to the newest release was walked. */
  readonly why: Failing | null;
  /** Not every way with stops was walked, so that some may help. */
  readonly untried: boolean;
}

/**
 * Tells from the rehearsals of one scenario on one engine which stops are needed. Only paths of sets count, and what is
 * inconclusive is not clean.
 *
 * Of sets of one size the one is taken by which most starts were walked, then the newest: of two releases the newer has
 * more of its mistakes mended, and leaves the shorter way to go.
 */
export function neededStops(rehearsals: readonly Rehearsal[]): Stops {
  const { releases, walked } = outcomesOf(rehearsals);
  const upgrades = walked.filter(({ path }) => path.length > 1);
  const newest = releases.findLast((release) => upgrades.some(({ path }) => path.at(-1) === release));
  if (newest === undefined) {
    return { newest: null, needed: [], exact: true, untried: false, reached: [], unreachable: [], harmful: [] };
  }
  const evidence = evidenceOf(walked, releases, newest);
  const { candidates, starts } = evidence;
  const possible = starts.filter(waysBy(candidates, evidence));
  const { stops, exact } = smallestSet(possible, evidence);
  return {
    newest,
    needed: stops.map((release) => neededStop(release, { stops, starts: possible, evidence })),
    exact,
    untried: stops.length > 0 && starts.some((start) => isUntried(start, [...candidates, newest], evidence)),
    reached: possible.flatMap((start) => waysBy(stops, evidence)(start) ?? []),
    unreachable: starts
      .filter((start) => !possible.includes(start))
      .map((start) => ({
        start,
        why: failingFrom([start], undefined, evidence),
        untried: isUntried(start, releases, evidence),
      })),
    harmful: harmfulStops(upgrades, newest),
  };
}

/** So many sets are looked at: all of those of 15 candidates. */
const most = 2 ** 15;

function smallestSet(starts: readonly string[], evidence: Evidence): { stops: readonly string[]; exact: boolean } {
  const newestFirst = evidence.candidates.toReversed();
  const suffices = (stops: readonly string[]) => starts.every(waysBy(stops, evidence));
  let looked = 0;
  for (let size = 0; size <= newestFirst.length; size++) {
    looked += combinationsOf(newestFirst.length, size);
    if (looked > most) break;
    let best: { readonly stops: readonly string[]; readonly walked: number } | undefined;
    for (const stops of combinations(newestFirst, size)) {
      if (!suffices(stops.toReversed())) continue;
      const ways = waysBy(stops.toReversed(), evidence);
      const walked = starts.filter((start) => ways(start)?.by === "walked").length;
      if (best === undefined || walked > best.walked) best = { stops, walked };
    }
    if (best !== undefined) return { stops: best.stops.toReversed(), exact: true };
  }
  let stops = evidence.candidates;
  for (const stop of evidence.candidates) {
    const without = stops.filter((other) => other !== stop);
    if (suffices(without)) stops = without;
  }
  return { stops, exact: false };
}

function combinationsOf(count: number, size: number): number {
  let product = 1;
  for (let i = 0; i < size; i++) product = (product * (count - i)) / (i + 1);
  return product;
}

function* combinations(list: readonly string[], size: number): Generator<readonly string[]> {
  if (size === 0) yield [];
  for (let i = 0; i + size <= list.length && size > 0; i++) {
    for (const rest of combinations(list.slice(i + 1), size - 1)) yield [list[i] ?? "", ...rest];
  }
}

interface At {
  readonly stops: readonly string[];
  readonly starts: readonly string[];
  readonly evidence: Evidence;
}

function neededStop(release: string, { stops, starts, evidence }: At): NeededStop {
  const others = stops.filter((stop) => stop !== release);
  const inPlace = evidence.candidates.filter((candidate) => {
    const instead = evidence.candidates.filter((stop) => stop === candidate || others.includes(stop));
    return !stops.includes(candidate) && starts.every(waysBy(instead, evidence));
  });
  const ways = waysBy(others, evidence);
  const stranded = starts.filter((start) => ways(start) === undefined);
  // Where other stops of the set are stranded too, those show it best: it takes this one beside them.
  const showing = [...others.toReversed().filter((stop) => stranded.includes(stop)), ...stranded];
  return { release, alternatives: inPlace, without: failingFrom(showing, new Set(others), evidence) };
}
