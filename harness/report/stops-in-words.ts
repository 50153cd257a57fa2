import pc from "picocolors";
import type { HarmfulStop } from "../harmful-stops.ts";
import type { Stops } from "../needed-stops.ts";
import type { Failing } from "../outcomes.ts";
import { inRanges, wrapped } from "./alike.ts";
import { foundInShort } from "./failures.ts";
import type { Matrix } from "./matrix.ts";

/** So many are read. */
const most = 4;

/** Where users have to stop, which starts no stop helps, and which stops do harm. */
export function stopsInWords({ stops, releases }: Pick<Matrix, "stops" | "releases">, room: number): readonly string[] {
  const { newest, unreachable } = stops;
  if (newest === null) return [];
  const told = [
    ...neededInWords(stops, releases, unreachable.length > 0),
    ...unreachableInWords({ newest, unreachable }, releases),
    ...harmfulInWords(stops.harmful, releases),
  ];
  return [
    ...told.flatMap((line) => wrapped(`  ${line}`, room)),
    ...doubts(stops).flatMap((line) => wrapped(`  ${line}`, room).map(pc.dim)),
  ];
}

function neededInWords(
  { newest, needed, reached }: Stops,
  releases: readonly string[],
  othersFail: boolean,
): readonly string[] {
  if (needed.length === 0 && reached.length === 0) return [];
  if (needed.length === 0) {
    const reach = `${reached.length} ${reached.length === 1 ? "start reaches" : "starts reach"} ${newest} directly`;
    // Where others do not get there, nobody knows what they need.
    return [othersFail ? reach : `no stop is needed: ${reach}`];
  }
  const names = inRanges(
    needed.map(({ release }) => release),
    releases,
  );
  const shown = needed.find(({ without }) => without !== null)?.without;
  if (shown === undefined || shown === null)
    return [
      `${newest} is reached by way of ${names}; no shorter way was walked, and whether they are needed is not told`,
    ];
  if (needed.length > most) return [`needed stops: ${names}`, `  without them ${failingInWords(shown)}`];
  return needed.flatMap(({ release, alternatives, without }) => {
    const why = without === null ? "no path without it was walked" : `without it ${failingInWords(without)}`;
    return [`needed stop: ${release}${inPlace(release, alternatives, releases)}`, `  ${why}`];
  });
}

function inPlace(release: string, alternatives: readonly string[], releases: readonly string[]): string {
  if (alternatives.length === 0) return "";
  if (alternatives.length === 1) return ` (${alternatives[0]} does as well)`;
  return ` (any of ${inRanges([release, ...alternatives], releases)} does)`;
}

/** `1.0 → 2.0 is broken: migration-failed 42703, 0008_move`; where the path fails on its way, at which hop. */
function failingInWords({ path, from, to, outcome, finding }: Failing): string {
  const isWhole = path.length === 2 && from === path[0];
  return `${arrows(path)} is ${outcome}${isWhole || from === null ? "" : ` at ${from} → ${to}`}: ${foundInShort(finding)}`;
}

function arrows(path: readonly string[]): string {
  return (path.length <= 4 ? path : [path[0], `… ${path.length - 2} …`, path.at(-1)]).join(" → ");
}

function unreachableInWords(
  { newest, unreachable }: Pick<Stops, "newest" | "unreachable">,
  releases: readonly string[],
): readonly string[] {
  const groups = new Map<
    string,
    { readonly starts: string[]; readonly why: Failing | null; readonly untried: boolean }
  >();
  for (const { start, why, untried } of unreachable) {
    const key = why === null ? "" : JSON.stringify([why.outcome, untried, foundInShort(why.finding)]);
    const group = groups.get(key) ?? { starts: [], why, untried };
    groups.set(key, group);
    group.starts.push(start);
  }
  return atMost(
    [...groups.values()].map(({ starts, why, untried }) => {
      const from = inRanges(starts, releases);
      if (why === null) return [`no path from ${from} to ${newest} was walked`];
      if (why.outcome === "broken" && untried)
        return [
          `from ${from} no way to ${newest} is known, and not all were walked (--paths all walks them): ${failingInWords(why)}`,
        ];
      if (why.outcome === "broken") return [`no stops help ${from}: ${failingInWords(why)}`];
      return [`whether ${from} can reach ${newest} is not told: ${failingInWords(why)}`];
    }),
  );
}

function harmfulInWords(harmful: readonly HarmfulStop[], releases: readonly string[]): readonly string[] {
  return atMost(
    harmful.map(({ stops, failing, direct }) => [
      `stopping at ${stops.length === 1 ? "" : "one of "}${inRanges(stops, releases)} does harm: ${arrows(direct)} is clean, and ${failingInWords(failing)}`,
    ]),
  );
}

function atMost(told: readonly (readonly string[])[]): readonly string[] {
  const more = told.length - most;
  return more > 1 ? [...told.slice(0, most).flat(), `and ${more} more like these`] : told.flat();
}

/** What the results do not quite tell. */
function doubts({ needed, exact, untried, reached }: Stops): readonly string[] {
  const composed = reached.filter(({ by }) => by === "composed").length;
  const via = needed.map(({ release }) => release).join(",");
  const walks = via === "" || via.length > 40 ? "" : ` (--paths via:${via} walks them)`;
  return [
    // Fewer than one is none: no use to try again what failed.
    ...(untried && (needed.length > 1 || needed.some(({ without }) => without === null))
      ? ["not every hop between them was walked: --paths all may show that fewer stops do"]
      : []),
    ...(exact || untried ? [] : ["none of them can be left out; whether fewer others would do was not tried"]),
    ...(composed === 0 ? [] : [`told hop by hop for ${composed} of ${reached.length} starts${walks}`]),
  ];
}
