import type { EngineName } from "../database.ts";
import { neededStops, type Stops } from "../needed-stops.ts";
import { type Failing, failingOf, type Outcomes, outcomesOf, type Walked } from "../outcomes.ts";
import type { Rehearsal } from "../rehearsal.ts";
import type { Verdict } from "../verdict.ts";
import { findingInShort } from "./pretty.ts";

/** From which release to which one comes, for the paths of sets of one scenario on one engine. */
export interface Matrix {
  readonly scenario: string;
  readonly engine: EngineName;
  readonly version: string;
  /** Oldest first; those that are neither start nor end, too. */
  readonly releases: readonly string[];
  /** Null: nothing was there, and the end was installed. */
  readonly starts: readonly (string | null)[];
  readonly ends: readonly string[];
  /** For each start and each end what came of the jump, else of a path with stops; null: none was walked. */
  readonly cells: readonly (readonly (Verdict["outcome"] | null)[])[];
  /** Cells in which that contradicts what was expected. */
  readonly unmet: readonly Cell[];
  /** How many paths with stops on their way came out how. */
  readonly stopping: { readonly [outcome in Verdict["outcome"]]: number };
  readonly firstFailing: readonly FirstFailing[];
  readonly stops: Stops;
  readonly paths: number;
  /** What the paths took, one after the other. */
  readonly milliseconds: number;
}

export interface Cell {
  readonly start: string | null;
  readonly end: string;
}

/** What was found first, and the hops at which that was so. */
export interface FirstFailing {
  readonly outcome: Failing["outcome"];
  readonly finding: Failing["finding"];
  readonly at: readonly (Cell & Pick<Failing, "from" | "to" | "rehearsal">)[];
}

/** The matrices of a run: one for each scenario and engine of which sets were walked. */
export function matricesOf(rehearsals: readonly Rehearsal[]): readonly Matrix[] {
  const groups = new Map<string, Rehearsal[]>();
  for (const rehearsal of rehearsals.filter(({ set }) => set !== null)) {
    const key = JSON.stringify([rehearsal.scenario, rehearsal.engine, rehearsal.version]);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [rehearsal]);
    else known.push(rehearsal);
  }
  return [...groups.values()].flatMap(matrixOf);
}

/** The matrix of rehearsals of one scenario on one engine. */
function matrixOf(rehearsals: readonly Rehearsal[]): readonly Matrix[] {
  const [first] = rehearsals;
  const outcomes = outcomesOf(rehearsals);
  if (first === undefined || outcomes.walked.length === 0) return [];
  const { scenario, engine, version } = first;
  const { releases, walked } = outcomes;
  const among = (names: readonly (string | null | undefined)[]) => {
    const known = new Set(names);
    return releases.filter((release) => known.has(release));
  };
  const starts = [
    ...(walked.some((each) => startOf(each) === null) ? [null] : []),
    ...among(walked.map((each) => startOf(each))),
  ];
  const ends = among(walked.map(endOf));
  const cells = cellsOf(outcomes);
  const plain = rehearsals.filter(({ set }) => set !== null);
  return [
    {
      ...{ scenario, engine, version, releases, starts, ends },
      cells: starts.map((start) => ends.map((end) => cells.get(keyOf({ start, end }))?.outcome ?? null)),
      unmet: [...cells.values()].filter(({ contradicts }) => contradicts).map(({ start, end }) => ({ start, end })),
      stopping: stoppingOf(outcomes),
      firstFailing: firstFailing(walked),
      stops: neededStops(rehearsals),
      paths: plain.length,
      milliseconds: Math.round(plain.reduce((sum, { milliseconds }) => sum + milliseconds, 0)),
    },
  ];
}

export function keyOf({ start, end }: Cell): string {
  return JSON.stringify([start, end]);
}

interface Told extends Cell {
  readonly outcome: Verdict["outcome"];
  readonly contradicts: boolean;
  readonly worst: Walked;
}

/**
 * A cell is a jump, and shows what comes of that; a path that stops on its way is in a cell only where nobody jumped. Where
 * several are left, the worst of them counts.
 */
function cellsOf({ walked }: Outcomes): ReadonlyMap<string, Told> {
  const cells = new Map<string, Told>();
  const jumps = new Set(walked.filter(isJump).map((each) => keyOf({ start: startOf(each), end: endOf(each) })));
  for (const each of walked) {
    if (!isJump(each) && jumps.has(keyOf({ start: startOf(each), end: endOf(each) }))) continue;
    const cell = { start: startOf(each), end: endOf(each) };
    const { outcome } = each.rehearsal.verdict;
    const before = cells.get(keyOf(cell));
    const worst = before === undefined || badness[outcome] > badness[before.outcome] ? each : before.worst;
    // What could not be told contradicts nothing.
    const contradicts = (before?.contradicts ?? false) || (!each.met && outcome !== "inconclusive");
    cells.set(keyOf(cell), { ...cell, outcome: worst.rehearsal.verdict.outcome, contradicts, worst });
  }
  return cells;
}

const badness: { readonly [outcome in Verdict["outcome"]]: number } = { clean: 0, inconclusive: 1, broken: 2 };

function isJump({ path }: Walked): boolean {
  return path.length < 3;
}

function startOf({ path }: Walked): string | null {
  return path.length === 1 ? null : (path[0] ?? null);
}

function endOf({ path }: Walked): string {
  return path.at(-1) ?? "";
}

function stoppingOf({ walked }: Outcomes): Matrix["stopping"] {
  const count = { clean: 0, broken: 0, inconclusive: 0 };
  for (const each of walked) if (!isJump(each)) count[each.rehearsal.verdict.outcome]++;
  return count;
}

/** What was found is told once; what is inconclusive comes last. */
function firstFailing(walked: readonly Walked[]): readonly FirstFailing[] {
  const groups = new Map<string, { readonly of: Failing; readonly at: FirstFailing["at"][number][] }>();
  for (const each of walked) {
    const failing = failingOf(each.rehearsal);
    if (failing === undefined) continue;
    const { outcome, finding, from, to, rehearsal } = failing;
    const key = JSON.stringify([outcome, findingInShort(finding), finding.migration]);
    const group = groups.get(key) ?? { of: failing, at: [] };
    groups.set(key, group);
    group.at.push({ start: startOf(each), end: endOf(each), from, to, rehearsal });
  }
  const told = [...groups.values()].map(({ of: { outcome, finding }, at }) => ({ outcome, finding, at }));
  return [...told.filter(({ outcome }) => outcome === "broken"), ...told.filter(({ outcome }) => outcome !== "broken")];
}
