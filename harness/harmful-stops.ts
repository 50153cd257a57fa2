import { type Failing, failingOf, keyOf, type Walked } from "./outcomes.ts";

/** Stops on whose account a path breaks that is clean without them. */
export interface HarmfulStop {
  /** One of these does the harm: those that the path had stood at before it broke. */
  readonly stops: readonly string[];
  readonly failing: Failing;
  /** The path that stops nowhere, and is clean. */
  readonly direct: readonly string[];
  /** `composed`: it breaks for whoever begins at the stop; the path through it was not walked. */
  readonly by: "walked" | "composed";
}

/** Each stop is told once, by the first path that shows it; of a path, no more than the fewest stops that break it. */
export function harmfulStops(upgrades: readonly Walked[], newest: string): readonly HarmfulStop[] {
  const outcomes = new Map(upgrades.map((upgrade) => [keyOf(upgrade.path), upgrade]));
  const isClean = (...path: readonly string[]) => outcomes.get(keyOf(path))?.rehearsal.verdict.outcome === "clean";
  const walked = upgrades.flatMap(({ path, rehearsal }): readonly HarmfulStop[] => {
    const failing = brokenBy(rehearsal);
    const direct = [path[0] ?? "", path.at(-1) ?? ""];
    if (path.length < 3 || failing === undefined || !isClean(...direct)) return [];
    const before = path.slice(1, -1);
    const at = failing.from === null ? 0 : before.indexOf(failing.from) + 1;
    const stops = before.slice(0, at);
    // What breaks on the way to the first stop is not that stop's doing.
    return stops.length === 0 ? [] : [{ stops, failing, direct, by: "walked" }];
  });
  const fewest = walked.filter(
    ({ stops }) =>
      !walked.some((other) => other.stops.length < stops.length && other.stops.every((s) => stops.includes(s))),
  );
  const composed = upgrades.flatMap(({ path, rehearsal }): readonly HarmfulStop[] => {
    const [stop = "", end] = path;
    const failing = brokenBy(rehearsal);
    if (path.length !== 2 || end !== newest || failing === undefined) return [];
    const through = upgrades.find(({ path: [start = "", to] }) => {
      const isWalked = outcomes.has(keyOf([start, stop, newest]));
      return to === stop && !isWalked && isClean(start, stop) && isClean(start, newest);
    });
    return through === undefined
      ? []
      : [{ stops: [stop], failing, direct: [through.path[0] ?? "", newest], by: "composed" }];
  });
  const told = new Map<string, HarmfulStop>();
  for (const each of [...fewest, ...composed]) if (!told.has(keyOf(each.stops))) told.set(keyOf(each.stops), each);
  return [...told.values()];
}

/** What could not be told shows no harm. */
function brokenBy(rehearsal: Walked["rehearsal"]): Failing | undefined {
  return rehearsal.verdict.outcome === "broken" ? failingOf(rehearsal) : undefined;
}
