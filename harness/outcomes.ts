import type { Rehearsal } from "./rehearsal.ts";
import type { Finding, Verdict } from "./verdict.ts";

/** What came of a path that belongs to a set: the worst, where several rehearsals stood at the same releases. */
export interface Walked {
  readonly path: readonly string[];
  readonly rehearsal: Rehearsal;
  /** All of them are as expected. */
  readonly met: boolean;
}

/** What came of the paths of sets on one engine. */
export interface Outcomes {
  /** Oldest first, as far as paths tell. */
  readonly releases: readonly string[];
  readonly walked: readonly Walked[];
}

/** Paths that somebody wrote out have data and ways of their own: they say nothing of a plain upgrade. */
export function outcomesOf(rehearsals: readonly Rehearsal[]): Outcomes {
  const plain = rehearsals.filter(({ set, dump }) => set !== null && dump === null).map(asUpgrade);
  const walked = new Map<string, Walked>();
  for (const rehearsal of plain) {
    const { path, met, verdict } = rehearsal;
    const before = walked.get(keyOf(path));
    const isWorse = before === undefined || badness[verdict.outcome] > badness[before.rehearsal.verdict.outcome];
    const worst = isWorse ? rehearsal : before.rehearsal;
    walked.set(keyOf(path), { path, rehearsal: worst, met: met && (before?.met ?? true) });
  }
  return { releases: inOrder(plain.map(({ path }) => path)), walked: [...walked.values()] };
}

/** What is found on the way back keeps nobody from getting there. */
function asUpgrade(rehearsal: Rehearsal): Rehearsal {
  const { verdict } = rehearsal;
  if (verdict.outcome !== "broken") return rehearsal;
  const findings = verdict.findings.filter(({ code }) => !/^(?:down|up-again)-/.test(code));
  if (findings.length > 0) return { ...rehearsal, verdict: { ...verdict, findings } };
  return { ...rehearsal, met: true, verdict: { outcome: "clean", findings: [], notes: verdict.notes } };
}

const badness: { readonly [outcome in Verdict["outcome"]]: number } = { clean: 0, inconclusive: 1, broken: 2 };

/** A path as a key. */
export function keyOf(path: readonly string[]): string {
  return JSON.stringify(path);
}

/** Which of two releases is older is told by a path that stands at both, and else by which was named first. */
function inOrder(paths: readonly (readonly string[])[]): readonly string[] {
  const later = new Map<string, Set<string>>();
  const ahead = new Map<string, number>();
  for (const path of paths) {
    for (const release of path) if (!later.has(release)) later.set(release, new Set());
    path.slice(1).forEach((release, i) => {
      const next = later.get(path[i] ?? "");
      if (next === undefined || next.has(release)) return;
      next.add(release);
      ahead.set(release, (ahead.get(release) ?? 0) + 1);
    });
  }
  const left = new Set(later.keys());
  const ordered: string[] = [];
  for (;;) {
    const [first] = left;
    if (first === undefined) return ordered;
    const next = oldestIn(left, ahead) ?? first;
    left.delete(next);
    ordered.push(next);
    for (const release of later.get(next) ?? []) ahead.set(release, (ahead.get(release) ?? 0) - 1);
  }
}

function oldestIn(left: ReadonlySet<string>, ahead: ReadonlyMap<string, number>): string | undefined {
  for (const release of left) if ((ahead.get(release) ?? 0) === 0) return release;
  return undefined;
}

/** Why a path did not come through clean: the hop at which that showed first, and what was found there. */
export interface Failing {
  /** Name of the rehearsal that tells it. */
  readonly rehearsal: string;
  readonly path: readonly string[];
  readonly outcome: "broken" | "inconclusive";
  readonly from: string | null;
  readonly to: string;
  /** The first finding; the cause, where nothing could be told. */
  readonly finding: Finding;
}

/** Nothing for a path that came through clean. */
export function failingOf({ name, path, hops, verdict }: Rehearsal): Failing | undefined {
  if (verdict.outcome === "clean") return undefined;
  const isBroken = verdict.outcome === "broken";
  const finding: Finding | undefined = isBroken ? verdict.findings[0] : verdict.cause;
  if (finding === undefined) return undefined;
  const next = { from: path[hops.length - 1] ?? null, to: path[hops.length] };
  // A hop that never ended is not told among the hops.
  const hop =
    isBroken || next.to === undefined ? (hops.findLast(({ to }) => to === finding.release) ?? hops.at(-1)) : next;
  const { from, to } = hop ?? { from: path.at(-2) ?? null, to: path.at(-1) };
  return { rehearsal: name, path, outcome: verdict.outcome, from, to: to ?? "", finding };
}
