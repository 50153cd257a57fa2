import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import type { Rehearsal } from "../harness/rehearsal.ts";
import { alike, inRanges, narrowed, wrapped } from "../harness/report/alike.ts";
import { matricesOf } from "../harness/report/matrix.ts";
import { matrix } from "../harness/report/matrix-in-words.ts";
import type { Verdict } from "../harness/verdict.ts";
import { come, everyPair, told } from "./told.ts";

const oncall = ["1.2.40", "1.3.10", "1.3.11", "1.3.115", "1.3.116", "1.4.x", "1.8.5"];
const numbered = (count: number) => Array.from({ length: count }, (_, i) => `1.${i}`);
const stamped = (count: number) =>
  Array.from({ length: count }, (_, i) => `2024061410${4000 + i * 7}_add_new_fields_to_tool_${i}`);
const installs = (releases: readonly string[]) => releases.map((release) => told([release]));

function shown(rehearsals: readonly Rehearsal[], columns = 80): string {
  return stripVTControlCharacters(
    matricesOf(rehearsals)
      .map((of) => matrix(of, { columns }))
      .join("\n"),
  );
}

function widthOf(text: string): number {
  return Math.max(...text.split("\n").map(({ length }) => length));
}

describe("matrix()", () => {
  test("shows from where to where paths come, why some break, and where they have to stop", () => {
    const pairs = everyPair(oncall, (from, to) => (from < 2 && to >= 4 ? come.broken(oncall[to] ?? "") : come.clean));
    expect(shown([...pairs, ...installs(oncall)])).toBe(`
app  from ↓ to →  postgres 18.4
                      1.2.40 … 1.3.115 (4)  1.3.116 … 1.8.5 (3)
  fresh install       ✓                     ✓
  1.2.40, 1.3.10      ✓                     ✗
  1.3.11 … 1.4.x (4)  ✓                     ✓
  ✓ clean   ✗ broken
  ✗ migration-failed 42703, 0008_move
      1.2.40, 1.3.10 → 1.3.116 … 1.8.5 (3)
  needed stop: 1.3.115 (1.3.11 does as well)
    without it 1.2.40 → 1.8.5 is broken: migration-failed 42703, 0008_move
  told hop by hop for 2 of 6 starts (--paths via:1.3.115 walks them)
  28 paths, 0.3 s one after the other`);
  });

  test("tells sixty releases to the newest in a few lines", () => {
    const names = numbered(60);
    const outcome = (i: number) => (i < 15 ? come.broken("1.59") : i === 30 ? come.inconclusive : come.clean);
    const straight = names.slice(0, -1).map((name, i) => told([name, "1.59"], outcome(i), { set: "to-latest" }));
    expect(shown([told(names, come.clean, { set: "stepwise" }), ...straight, told(["1.59"])])).toBe(`
app  from ↓ to →  postgres 18.4
                    1.59
  fresh install     ✓
  1.0 … 1.14 (15)   ✗
  1.15 … 1.29 (15)  ✓
  1.30              ?
  1.31 … 1.58 (28)  ✓
  ✓ clean   ✗ broken   ? inconclusive
  ✗ migration-failed 42703, 0008_move
      1.0 … 1.14 (15) → 1.59
  ? timed-out
      1.30 → 1.59
  needed stops: 1.1 … 1.15 (15), 1.31
    without them 1.0 → 1.59 is broken: migration-failed 42703, 0008_move
  not every hop between them was walked: --paths all may show that fewer stops
      do
  told hop by hop for 16 of 59 starts
  61 paths (with stops: 1 clean), 0.6 s one after the other`);
  });

  test("is of upgrades: what is found on the way back keeps nobody from getting there", () => {
    const names = numbered(4);
    const downs = come.broken("1.3", { code: "down-failed" });
    const both: Verdict = {
      outcome: "broken",
      findings: [...downs.findings, ...come.broken("1.3").findings],
      notes: [],
    };
    const pairs = everyPair(names, (from, to) => (to < 3 ? come.clean : from === 0 ? both : downs));
    expect(shown(pairs)).toBe(
      shown(everyPair(names, (from, to) => (to === 3 && from === 0 ? come.broken("1.3") : come.clean))),
    );
    expect(shown(pairs)).toContain("needed stop: 1.2 (1.1 does as well)");
  });

  test("puts together what came out alike, though no path leads back", () => {
    const names = numbered(25);
    expect(shown([...everyPair(names), ...installs(names)])).toBe(`
app  from ↓ to →  postgres 18.4
                   1.0 … 1.24 (25)
  fresh install    ✓
  1.0 … 1.23 (24)  ✓
  ✓ clean
  no stop is needed: 24 starts reach 1.24 directly
  325 paths, 3.3 s one after the other`);
  });

  test("does not take for walked what was not", () => {
    const straight = ["1.0", "1.1"].map((name) => told([name, "1.2"]));
    expect(shown([...straight, ...installs(numbered(3))])).toContain(`
                 1.0, 1.1  1.2
  fresh install  ✓         ✓
  1.0, 1.1       –         ✓
  ✓ clean   – not walked`);
  });

  test("marks what contradicts its expectation, and not what breaks as expected", () => {
    const [first, ...rest] = everyPair(numbered(3));
    const odd = { ...(first as Rehearsal), met: false };
    const known = told(["1.0", "1.2"], come.broken("1.2"), { met: true });
    expect(shown([odd, ...rest, known])).toContain(`
       1.1  1.2
  1.0  !    x
  1.1  ·    ✓
  ✓ clean   x broken, as expected   ! clean, and was not to be   · not a path`);
  });

  test("shows jumps in its cells, and names the hop at which a path with stops failed", () => {
    const names = numbered(4);
    const onItsWay = told(names, come.broken("1.2"), { set: "stepwise" });
    const text = shown([...everyPair(names), onItsWay]);
    expect(text).toContain("  1.0 … 1.2 (3)  ✓\n");
    expect(text).toContain("7 paths (with stops: 1 broken), ");
    expect(text).toContain("  ✗ migration-failed 42703, 0008_move\n      1.1 → 1.2\n");
    expect(text).toContain("stopping at 1.1 does harm: 1.0 → 1.3 is clean, and 1.0 → 1.1 → 1.2 → 1.3 is\n");
  });

  test("shows a path with stops where nobody jumped, and the worst of several jumps", () => {
    const stepwise = told(["1.0", "1.1", "1.2"], come.broken("1.2"));
    expect(shown([stepwise, told(["1.1", "1.2"])])).toContain("  1.0  ✗\n  1.1  ✓\n");
    const twice = [
      told(["1.0", "1.2"]),
      told(["1.0", "1.2"], come.broken("1.2")),
      told(["1.0", "1.2"], come.inconclusive),
    ];
    expect(shown([...twice, told(["1.1", "1.2"])])).toContain("  1.0  ✗\n  1.1  ✓\n");
  });

  test("says of starts which fail directly only what is known of them", () => {
    expect(shown([told(["1.0", "1.2"], come.broken("1.2")), told(["1.1", "1.2"])])).toContain(`
  1 start reaches 1.2 directly
  from 1.0 no way to 1.2 is known, and not all were walked (--paths all walks
      them): 1.0 → 1.2 is broken: migration-failed 42703, 0008_move
`);
  });

  test("says that fewer stops may do unless going straight was tried", () => {
    const all = "not every hop between them was walked: --paths all may show that fewer stops";
    const via = told(["1.0", "1.1", "1.2"], come.clean, { set: "via" });
    const other = told(["1.1", "1.2"]);
    expect(shown([via, other])).toContain(all);
    expect(shown([via, other, told(["1.0", "1.2"], come.broken("1.2"))])).not.toContain(all);
  });

  test("shows nothing of what is one cell, or of paths that somebody wrote out", () => {
    expect(shown(installs(["1.0"]))).toBe("");
    expect(shown([told(["1.0", "1.1"], come.clean, { set: null })])).toBe("");
    expect(shown(everyPair(["1.0", "1.1"]))).toBe("");
  });

  test("has one for each scenario, engine and version", () => {
    const pairs = everyPair(numbered(3));
    const others = [{ engine: "mariadb", version: "10.11" } as const, { scenario: "other" }, { version: "15.9" }];
    const all = [...pairs, ...others.flatMap((more) => pairs.map((pair) => ({ ...pair, ...more })))];
    expect(matricesOf(all).map(({ scenario, engine, version }) => `${scenario} ${engine} ${version}`)).toEqual([
      "app postgres 18.4",
      "app mariadb 10.11",
      "other postgres 18.4",
      "app postgres 15.9",
    ]);
  });

  test("names long releases in full where they are to be typed, and stays within the terminal", () => {
    const names = stamped(12);
    const text = shown(
      everyPair(names, (from, to) => (from < 5 && to > 7 ? come.broken(names[to] ?? "") : come.clean)),
    );
    expect(text).toContain(`  needed stop: ${names[7]} (any of\n      ${names[5]} …\n      ${names[7]} (3) does)`);
    expect(widthOf(text)).toBeLessThanOrEqual(80);
  });
});

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

test(`matrix() fits whatever terminal, chain and outcomes there are (SEED=${seed})`, () => {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 0x80000000;
  };
  for (const [count, columns] of [1, 2, 3, 25, 60].flatMap(
    (count) =>
      [
        [count, 80],
        [count, 60],
      ] as const,
  )) {
    for (const names of [numbered(count), stamped(count)]) {
      const share = random();
      const outcome = (_: number, to: number) => {
        const drawn = random();
        if (drawn < share) return come.clean;
        return drawn < share + 0.05 ? come.inconclusive : come.broken(names[to] ?? "", { migration: `m${to % 3}` });
      };
      const text = shown([...everyPair(names, outcome), ...installs(names)], columns);
      expect(widthOf(text), `${count} releases in ${columns} columns:\n${text}`).toBeLessThanOrEqual(columns);
    }
  }
});

test(`alike() puts together neighbours that differ nowhere, and no others (SEED=${seed})`, () => {
  let state = seed;
  const draw = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >> 8) % below;
  };
  for (let round = 0; round < 300; round++) {
    const rows = Array.from({ length: 1 + draw(8) }, () =>
      Array.from({ length: 4 }, () => ["a", "b", undefined][draw(3)]),
    );
    const groups = alike([...rows.keys()], (row) => rows[row] ?? []);
    expect(groups.flatMap(({ items }) => items)).toEqual([...rows.keys()]);
    for (const { items, values } of groups)
      for (const row of items)
        for (const [i, value] of (rows[row] ?? []).entries()) if (value !== undefined) expect(values[i]).toBe(value);
    for (const [i, { items }] of groups.slice(1).entries()) {
      const [first] = items;
      const before = groups[i]?.values ?? [];
      const clashes = rows[first ?? 0]?.some(
        (value, j) => value !== undefined && before[j] !== undefined && value !== before[j],
      );
      expect(clashes).toBe(true);
    }
  }
});

test("names are told as ranges, and too long ones by their ends", () => {
  expect(inRanges(["1", "2", "3", "5", "7", "8"], ["1", "2", "3", "4", "5", "6", "7", "8"])).toBe("1 … 3 (3), 5, 7, 8");
  expect(narrowed("20240614104000_add_new_fields", 16)).toBe("2024061410…ields");
  expect(narrowed("short", 16)).toBe("short");
  expect(wrapped("  one two threefold", 10)).toEqual(["  one two", "      th…d"]);
});
