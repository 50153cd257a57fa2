import { describe, expect, test } from "vitest";
import { neededStops } from "../harness/needed-stops.ts";
import { failingOf } from "../harness/outcomes.ts";
import type { Rehearsal } from "../harness/rehearsal.ts";
import { come, everyPair, told } from "./told.ts";

const oncall = ["1.2.40", "1.3.10", "1.3.11", "1.3.115", "1.3.116", "1.4.x", "1.8.5"];
/** Buttons are moved in 1.3.11; what says where they belong is dropped in 1.3.116. */
const overBoth = everyPair(oncall, (from, to) => (from < 2 && to >= 4 ? come.broken(oncall[to] ?? "") : come.clean));

describe("neededStops()", () => {
  test("names the stop without which old starts break, what does in its place, and the path that shows it", () => {
    const { newest, needed, exact, reached, unreachable, harmful } = neededStops(overBoth);
    expect({ newest, exact, unreachable, harmful }).toEqual({
      newest: "1.8.5",
      exact: true,
      unreachable: [],
      harmful: [],
    });
    expect(needed).toEqual([
      {
        release: "1.3.115",
        alternatives: ["1.3.11"],
        without: {
          rehearsal: "app#1.2.40..1.8.5",
          path: ["1.2.40", "1.8.5"],
          outcome: "broken",
          from: "1.2.40",
          to: "1.8.5",
          finding: come.broken("1.8.5").findings[0],
        },
      },
    ]);
    expect(reached.slice(0, 3)).toEqual([
      { start: "1.2.40", path: ["1.2.40", "1.3.115", "1.8.5"], by: "composed" },
      { start: "1.3.10", path: ["1.3.10", "1.3.115", "1.8.5"], by: "composed" },
      { start: "1.3.11", path: ["1.3.11", "1.8.5"], by: "walked" },
    ]);
  });

  test("prefers what was walked to what is put together of hops, and the newer of two that are alike", () => {
    const walked = [
      told(["1.2.40", "1.3.11", "1.8.5"], come.clean, { set: "via 1.3.11" }),
      told(["1.3.10", "1.3.11", "1.8.5"], come.clean, { set: "via 1.3.11" }),
    ];
    expect(neededStops([...overBoth, ...walked]).needed[0]).toMatchObject({
      release: "1.3.11",
      alternatives: ["1.3.115"],
    });
  });

  test("does not take hops for a way that was walked as a whole, and failed", () => {
    const failed = told(["1.2.40", "1.3.115", "1.8.5"], come.broken("1.8.5"), { set: "via 1.3.115" });
    const { needed } = neededStops([...overBoth, failed]);
    expect(needed.map(({ release, alternatives }) => ({ release, alternatives }))).toEqual([
      { release: "1.3.11", alternatives: [] },
    ]);
    const inDoubt = told(["1.2.40", "1.3.115", "1.8.5"], come.inconclusive, { set: "via 1.3.115" });
    expect(neededStops([...overBoth, inDoubt]).needed[0]?.release).toBe("1.3.11");
  });

  test("does not take a hop for clean that fails for whoever comes from where the way begins", () => {
    const names = ["0.4", "0.6", "0.7", "0.11"];
    const pairs = everyPair(names, (from, to) => (from < 2 && to === 3 ? come.broken("0.11") : come.clean));
    const failed = told(["0.4", "0.7", "0.11"], come.broken("0.11"), { set: "via 0.7" });
    const { needed, unreachable } = neededStops([...pairs, failed, told(["0.6", "0.7", "0.11"])]);
    expect(needed.map(({ release }) => release)).toEqual(["0.7"]);
    expect(unreachable.map(({ start }) => start)).toEqual(["0.4"]);
  });

  test("does not go on from where a hop led astray: the next one was walked from a fresh install", () => {
    const shape = (catalogue: string) => ({ end: { catalogue, rows: "" } });
    const results = (astray: string) => [
      told(["2.0"], come.clean, shape("two")),
      told(["1.0", "2.0"], come.clean, shape(astray)),
      told(["2.0", "3.0"]),
      told(["1.0", "3.0"], come.broken("3.0")),
    ];
    expect(neededStops(results("two")).needed.map(({ release }) => release)).toEqual(["2.0"]);
    expect(neededStops(results("another"))).toMatchObject({ needed: [], unreachable: [{ start: "1.0" }] });
  });

  test("needs no stop where every start comes through", () => {
    const { needed, exact, unreachable } = neededStops(everyPair(["1", "2", "3", "4"]));
    expect({ needed, exact, unreachable }).toEqual({ needed: [], exact: true, unreachable: [] });
  });

  test("tells a start that nothing helps from one that needs a stop, by the finding it fails with", () => {
    const pairs = everyPair(["1", "2", "3"], (from) =>
      from === 0 ? come.broken("3", { code: "rows-lost" }) : come.clean,
    );
    const { needed, unreachable } = neededStops(pairs);
    expect(needed).toEqual([]);
    expect(unreachable.map(({ start, why }) => [start, why?.rehearsal, why?.finding.code])).toEqual([
      ["1", "app#1..3", "rows-lost"],
    ]);
  });

  test("never takes what is inconclusive for clean, and says so", () => {
    const { unreachable } = neededStops([told(["1", "2"], come.inconclusive)]);
    expect(unreachable[0]?.why).toMatchObject({
      outcome: "inconclusive",
      from: "1",
      to: "2",
      finding: { code: "timed-out" },
    });
  });

  test("says of a stop without which nothing was walked that nothing shows its need", () => {
    const { needed } = neededStops([told(["1", "2", "3"], come.clean, { set: "via 2" })]);
    expect(needed).toEqual([{ release: "2", alternatives: [], without: null }]);
  });

  test("tells a stop that does harm by the path that breaks and is clean without it", () => {
    const via = (...path: string[]) => told(path, come.broken("0.11"), { set: "via 0.4, 0.6" });
    const direct = [told(["0.3", "0.11"]), told(["0.4", "0.11"])];
    const { needed, harmful } = neededStops([...direct, via("0.3", "0.4", "0.6", "0.11"), via("0.3", "0.4", "0.11")]);
    expect(needed).toEqual([]);
    expect(harmful).toMatchObject([
      { stops: ["0.4"], direct: ["0.3", "0.11"], by: "walked", failing: { path: ["0.3", "0.4", "0.11"], from: "0.4" } },
    ]);
  });

  test("tells harm from hops, too: who jumps over a release comes through, and who begins there does not", () => {
    const pairs = everyPair(["0.3", "0.4", "0.11"], (from, to) =>
      from === 1 && to === 2 ? come.broken("0.11") : come.clean,
    );
    expect(neededStops(pairs).harmful).toMatchObject([
      { stops: ["0.4"], direct: ["0.3", "0.11"], by: "composed", failing: { path: ["0.4", "0.11"] } },
    ]);
    expect(neededStops(pairs).unreachable).toMatchObject([{ start: "0.4" }]);
  });

  test("leaves out paths that somebody wrote: they have data of their own", () => {
    expect(neededStops([told(["1", "2"], come.broken("2"), { set: null })])).toMatchObject({
      newest: null,
      needed: [],
    });
  });

  test("lets the worst count where a path was walked more than once", () => {
    const twice = [told(["1", "2"]), told(["1", "2"], come.broken("2")), told(["1", "2"])];
    expect(neededStops(twice).unreachable).toHaveLength(1);
  });

  test("of many candidates tells a set from which none can be left out", () => {
    // Only hops to the next release are clean, and sixty of them are no longer looked at set by set.
    const names = Array.from({ length: 60 }, (_, i) => `1.${i}`);
    const pairs = everyPair(names, (from, to) => (to - from > 1 ? come.broken(names[to] ?? "") : come.clean));
    const begun = performance.now();
    const { needed, exact } = neededStops(pairs);
    expect({ count: needed.length, exact }).toEqual({ count: 58, exact: false });
    expect(performance.now() - begun).toBeLessThan(5000);
  });
});

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

test(`neededStops() finds what trying every set finds, in random results (SEED=${seed})`, () => {
  const random = randomFrom(seed);
  for (let round = 0; round < 500; round++) {
    const count = 2 + Math.floor(random() * 6);
    const rehearsals = randomRehearsals(count, random);
    const found = neededStops(rehearsals);
    const sure = byTryingAll(rehearsals, found.newest ?? "");
    const where = `round ${round}: ${JSON.stringify(rehearsals.map(({ path, verdict }) => [path.join(), verdict.outcome]))}`;
    const stops = found.needed.map(({ release }) => release);
    expect(found.exact, where).toBe(true);
    expect(found.unreachable.map(({ start }) => start).toSorted(), where).toEqual(sure.unreachable.toSorted());
    expect(stops.length, where).toBe(sure.fewest);
    expect(sure.suffice(stops), where).toBe(true);
    for (const { release, alternatives } of found.needed) {
      const others = stops.filter((stop) => stop !== release);
      expect(sure.suffice(others), where).toBe(false);
      const inPlace = sure.releases.filter((other) => !stops.includes(other) && sure.suffice([...others, other]));
      expect(alternatives.toSorted(), where).toEqual(inPlace.toSorted());
    }
    for (const { path } of found.reached) expect(sure.isWay(path), where).toBe(true);
  }
});

function randomRehearsals(count: number, random: () => number): readonly Rehearsal[] {
  const names = Array.from({ length: count }, (_, i) => String(i));
  const some = (share: number) => names.filter(() => random() < share);
  const cleanShare = random();
  const outcome = (to: string) => {
    const drawn = random();
    return drawn < cleanShare ? come.clean : drawn < cleanShare + 0.1 ? come.inconclusive : come.broken(to);
  };
  const pairs = everyPair(names, (_, to) => outcome(names[to] ?? "")).filter(() => random() < 0.9);
  const longer = Array.from({ length: Math.floor(random() * 6) }, () => some(0.5)).filter(({ length }) => length > 1);
  const whole = told(names, outcome(names.at(-1) ?? ""));
  return [
    ...(random() < 0.5 ? [whole] : []),
    ...pairs,
    ...longer.map((path) => told(path, outcome(path.at(-1) ?? ""))),
  ];
}

/** The same by trying all sets of releases, and of each all ways through it. */
function byTryingAll(rehearsals: readonly Rehearsal[], newest: string) {
  const releases = [...new Set(rehearsals.flatMap(({ path }) => path))].filter((name) => name !== newest);
  const outcomes = (path: readonly string[]) =>
    rehearsals.filter((r) => r.path.join() === path.join()).map(({ verdict }) => verdict.outcome);
  const clean = (path: readonly string[]) => outcomes(path).length > 0 && outcomes(path).every((o) => o === "clean");
  const whole = rehearsals.map(({ path }) => path).filter(clean);
  const fails = (start: string, i: number, path: readonly string[]) =>
    rehearsals.some((rehearsal) => {
      const failing = rehearsal.path[0] === start ? failingOf(rehearsal) : undefined;
      return failing !== undefined && failing.from === path[i] && failing.to === path[i + 1];
    });
  const isHop = (from: string, to: string) =>
    outcomes([from, to]).length > 0
      ? clean([from, to])
      : whole.some((path) => path.includes(from) && path[path.indexOf(from) + 1] === to);
  const isWay = (path: readonly string[]) =>
    outcomes(path).length > 0
      ? clean(path)
      : path
          .slice(1)
          .every((to, i) => isHop(path[i] ?? "", to) && !path.slice(0, i + 1).some((stop) => fails(stop, i, path)));
  const sets = subsets(releases);
  const ways = new Map(
    releases.map((start) => [start, sets.map((via) => [start, ...inOrder(via), newest]).filter(isWay)]),
  );
  const starts = releases.filter((start) => rehearsals.some(({ path }) => path.length > 1 && path[0] === start));
  const helped = starts.filter((start) => (ways.get(start) ?? []).length > 0);
  const suffice = (stops: readonly string[]) =>
    helped.every((start) => ways.get(start)?.some((way) => way.slice(1, -1).every((stop) => stops.includes(stop))));
  return {
    releases,
    isWay,
    suffice,
    unreachable: starts.filter((start) => !helped.includes(start)),
    fewest: Math.min(...sets.filter(suffice).map(({ length }) => length), newest === "" ? 0 : Number.POSITIVE_INFINITY),
  };
}

function inOrder(names: readonly string[]): readonly string[] {
  return names.toSorted((a, b) => Number(a) - Number(b));
}

function subsets([first, ...rest]: readonly string[]): readonly (readonly string[])[] {
  return first === undefined ? [[]] : subsets(rest).flatMap((set) => [set, [first, ...set]]);
}

function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
