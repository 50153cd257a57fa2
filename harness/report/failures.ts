import pc from "picocolors";
import type { Failing, Outcomes } from "../outcomes.ts";
import { alike, inRanges, wrapped } from "./alike.ts";
import type { FirstFailing, Matrix } from "./matrix.ts";
import { findingInShort } from "./pretty.ts";

/** So many lines of hops are read. */
const most = 6;

/** Why cells are broken: what was found first, and the hops at which that was. */
export function failuresInWords({ firstFailing, releases }: Matrix, room: number): readonly string[] {
  return firstFailing.flatMap(({ outcome, finding, at }) => {
    const sign = outcome === "broken" ? pc.red("✗") : pc.yellow("?");
    const [first = "", ...rest] = wrapped(foundInShort(finding), room - 4);
    const hops = hopsOf(at, releases);
    const more = hops.length - most;
    return [
      `  ${sign} ${first}`,
      ...rest.map((line) => `    ${line}`),
      ...hops.slice(0, more > 1 ? most : hops.length).flatMap((hop) => wrapped(`      ${hop}`, room)),
      ...(more > 1 ? [pc.dim(`      and ${more} more like these (--reporter json names all)`)] : []),
    ];
  });
}

/** `migration-failed 42703, 0008_move`. */
export function foundInShort(finding: Failing["finding"]): string {
  const { migration } = finding;
  return `${findingInShort(finding)}${migration === undefined ? "" : `, ${migration}`}`;
}

/** `1.0 … 1.4 (5) → 1.6`: starts from which the same hops fail are one line. */
function hopsOf(at: FirstFailing["at"], releases: Outcomes["releases"]): readonly string[] {
  const hops = new Map<string | null, Set<string>>();
  for (const { from, to } of at) hops.set(from, (hops.get(from) ?? new Set()).add(to));
  const places = new Map(releases.map((release, i) => [release, i]));
  const starts = [...(hops.has(null) ? [null] : []), ...releases.filter((release) => hops.has(release))];
  const groups = alike(
    starts,
    (start) =>
      releases.map((release, i) => {
        if (start !== null && i <= (places.get(start) ?? 0)) return undefined;
        return hops.get(start)?.has(release) ? "fails" : "does not";
      }),
    (start) => start === null,
  );
  return groups.map(({ items, values }) => {
    const [first] = items;
    const from = first === null ? "fresh install" : inRanges(items as readonly string[], releases);
    const to = releases.filter((_, i) => values[i] === "fails");
    return `${from} → ${inRanges(to, releases)}`;
  });
}
