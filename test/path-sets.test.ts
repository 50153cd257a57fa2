import { broken, clean, defineScenario, type Migration, type PathSet, release, type Scenario } from "migration-sandbox";
import { describe, expect, test } from "vitest";
import { HarnessError } from "../harness/errors.ts";
import { markdown } from "../harness/report/markdown.ts";
import { readSamples } from "../harness/samples.ts";
import { stopsOf } from "../harness/scenario.ts";
import { pathsOf, replayOf } from "../harness/selection.ts";

const table = (n: number): Migration => ({ name: `${n}`, up: `create table t${n} (id int primary key)` });
const names = ["1.0", "1.1", "1.2", "1.3"];
const chain = [
  ...names.map((name, i) => release(name, { migrations: Array.from({ length: i + 1 }, (_, n) => table(n)) })),
  release("1.3 mended", { insteadOf: "1.3", migrations: [table(0)] }),
];

function scenarioWith(...paths: Scenario["paths"]): Scenario {
  return { title: "shop", engines: ["postgres"], chain, paths };
}

function refusal(message: string): HarnessError {
  return new HarnessError("bad-input", message);
}

/** A set's paths by their stops, each behind what tells it from its others. */
function told(set: Omit<PathSet, "expect">): readonly string[] {
  const scenario = scenarioWith({ to: "1.3", expect: clean }, { ...set, expect: clean });
  const [, ...selected] = pathsOf(scenario);
  return selected.map(({ name, path }) => `${name.slice("shop".length)} ${stopsOf(path).join(" ")}`);
}

describe("a set of paths", () => {
  test.each<readonly [what: string, set: Omit<PathSet, "expect">, paths: readonly string[]]>([
    ["stepwise goes through every release", { every: "stepwise" }, ["#2 1.0 1.1 1.2 1.3"]],
    ["stepwise goes from here to there", { every: "stepwise", from: "1.1", to: "1.2" }, ["#2 1.1 1.2"]],
    [
      "to-latest goes from every release straight to the newest",
      { every: "to-latest" },
      ["#2:1.0..1.3 1.0 1.3", "#2:1.1..1.3 1.1 1.3", "#2:1.2..1.3 1.2 1.3"],
    ],
    [
      "to-latest has an oldest start and another end",
      { every: "to-latest", from: "1.1", to: "1.2" },
      ["#2:1.1..1.2 1.1 1.2"],
    ],
    [
      "all goes from every release to every later one, and installs each",
      { every: "all", to: "1.2" },
      [
        "#2:1.0..1.1 1.0 1.1",
        "#2:1.0..1.2 1.0 1.2",
        "#2:1.1..1.2 1.1 1.2",
        "#2:..1.0 1.0",
        "#2:..1.1 1.1",
        "#2:..1.2 1.2",
      ],
    ],
    ["install installs each", { every: "install", from: "1.2" }, ["#2:..1.2 1.2", "#2:..1.3 1.3"]],
    [
      "via stops at those of its stops that lie between",
      { every: { via: ["1.1", "1.2"] } },
      ["#2:1.0..1.3 1.0 1.1 1.2 1.3", "#2:1.1..1.3 1.1 1.2 1.3", "#2:1.2..1.3 1.2 1.3"],
    ],
    ["of one release is its install", { every: "to-latest", from: "1.2", to: "1.2" }, ["#2:..1.2 1.2"]],
    ["stepwise of one release is its install", { every: "stepwise", from: "1.2", to: "1.2" }, ["#2 1.2"]],
  ])("%s", (_, set, paths) => {
    expect(told(set)).toEqual(paths);
  });

  test("leaves stand-ins out, wherever they stand in the chain", () => {
    const [mended, ...rest] = [...chain].reverse();
    if (mended === undefined) throw new Error("A chain has releases");
    const scenario = { ...scenarioWith({ every: "all", expect: clean }), chain: [mended, ...rest.reverse()] };
    expect(pathsOf(scenario)).toHaveLength(10);
    expect(pathsOf(scenario).some(({ path }) => stopsOf(path).includes("1.3 mended"))).toBe(false);
  });

  test("expects the same of all its paths but those of which it says otherwise, the first that fits", () => {
    const [early, late, install] = ["early", "late", "install"].map((code) => broken(code));
    if (early === undefined || late === undefined || install === undefined) throw new Error("There are three");
    const but = [
      { from: ["1.0", "1.1"], to: "1.3", expect: early },
      { from: "1.0", expect: late },
      { from: null, to: ["1.0"], expect: install },
    ];
    const paths = pathsOf(scenarioWith({ every: "all", expect: clean, but }));
    const expected = Object.fromEntries(paths.map(({ name, path }) => [name.slice("shop#1:".length), path.expect]));
    expect(expected).toEqual({
      "1.0..1.1": late,
      "1.0..1.2": late,
      "1.0..1.3": early,
      "1.1..1.2": clean,
      "1.1..1.3": early,
      "1.2..1.3": clean,
      "..1.0": install,
      "..1.1": clean,
      "..1.2": clean,
      "..1.3": clean,
    });
  });

  test("hands on its settings, its engines and its check, and says which set it is", () => {
    const check = async () => [];
    const set: PathSet = { every: { via: ["1.2"] }, settings: { a: 1 }, engines: ["postgres"], check, expect: clean };
    const [first] = pathsOf(scenarioWith(set));
    const path = {
      from: "1.0",
      via: ["1.2"],
      to: "1.3",
      settings: { a: 1 },
      engines: ["postgres"],
      check,
      expect: clean,
    };
    expect(first).toEqual({ name: "shop#1:1.0..1.3", path, set: "via 1.2" });
  });

  test("makes each path once, so that whoever has walked it knows it again", () => {
    const scenario = scenarioWith({ every: "all", expect: clean });
    const again = pathsOf(scenario).map(({ path }) => path);
    expect(pathsOf(scenario).every(({ path }, i) => path === again[i])).toBe(true);
  });

  test("is found by its number and its ends, whatever releases are called", () => {
    const odd = ["a b", "it's #3", "2:x..y"].map((name) => release(name, { migrations: [table(0)] }));
    const scenario = { ...scenarioWith({ every: "to-latest", expect: clean }), chain: odd };
    const replays = pathsOf(scenario).map(({ name, path }) => replayOf(scenario, name, path));
    expect(replays).toEqual(["'shop#1:a b..2:x..y'", `'shop#1:it'\\''s #3..2:x..y'`]);
  });

  test("shares rows in a table where its paths are expected to come out alike", () => {
    const but = [
      { from: ["1.0", "1.1"], to: ["1.2", "1.3"], expect: broken("migration-failed", { postgres: "42703" }) },
    ];
    expect(markdown(scenarioWith({ to: "1.3", expect: clean }, { every: "all", expect: clean, but }))).toBe(
      [
        "|  | `shop` | postgres |",
        "| --- | --- | --- |",
        "| #1 | fresh install of 1.3 | clean |",
        "| #2 | 1.0 → 1.1 | clean |",
        "| #2 | 1.0, 1.1 → 1.2, 1.3 | migration-failed 42703 |",
        "| #2 | 1.2 → 1.3 | clean |",
        "| #2 | fresh install of 1.0, 1.1, 1.2, 1.3 | clean |",
      ].join("\n"),
    );
  });

  test("is typed: a set over releases that the chain lacks does not compile", () => {
    const two = [release("1.0", { migrations: [table(0)] }), release("1.1", { migrations: [table(0)] })];
    const title = "two releases";
    const typed = defineScenario({
      title,
      engines: ["postgres"],
      chain: two,
      paths: [{ every: "all", expect: clean }],
    });
    expect(pathsOf(typed)).toHaveLength(3);
    // @ts-expect-error The chain has no such release.
    defineScenario({ title, engines: ["postgres"], chain: two, paths: [{ every: "all", to: "1.2", expect: clean }] });
  });
});

describe("a set that cannot be", () => {
  const words = '"stepwise", "to-latest", "all", "install"';
  test.each<readonly [what: string, set: object, says: string]>([
    [
      "an unknown word",
      { every: "to-newest" },
      `there is no set "to-newest" (known: "to-latest", "stepwise", "install", "all", or { via: [stops] })`,
    ],
    ["no word", { every: 3 }, `"every" is 3; it may be ${words} or { via: [stops] }`],
    ["via nothing", { every: { via: [] } }, `"every" is {"via":[]}; it may be ${words} or { via: [stops] }`],
    [
      "a field of a path",
      { every: "all", with: () => {} },
      `there is no field "with" (known: "to", "but", "from", "every", "check", "sample", "engines", "expect" and 1 more)`,
    ],
    [
      "a start newer than the end",
      { every: "all", from: "1.2", to: "1.1" },
      `"1.2" → "1.1" goes backwards: "1.1" comes before "1.2" in the chain`,
    ],
    [
      "an unknown start",
      { every: "all", from: "1.00" },
      `the chain has no release "1.00" (known: "1.0", "1.1", "1.2", "1.3", "1.3 mended")`,
    ],
    [
      "a stop that there is not",
      { every: { via: ["1.22"] } },
      `the chain has no release "1.22" (known: "1.2", "1.0", "1.1", "1.3", "1.3 mended")`,
    ],
    ["a stop that is named twice", { every: { via: ["1.1", "1.1"] } }, `"via" names "1.1" twice`],
    [
      "stops out of order",
      { every: { via: ["1.2", "1.1"] } },
      `"via" names "1.2" ahead of "1.1", which comes before it in the chain`,
    ],
    [
      "a stop at the end",
      { every: { via: ["1.3"] } },
      `"via" names "1.3", at which no path stops between "1.0" and "1.3"`,
    ],
    [
      "a stop ahead of all starts",
      { every: { via: ["1.1"] }, from: "1.1" },
      `"via" names "1.1", at which no path stops between "1.1" and "1.3"`,
    ],
    [
      "a stop at a stand-in",
      { every: { via: ["1.3 mended"] } },
      `"1.3 mended" stands in for "1.3", and sets leave stand-ins out (name "1.3", or write the path out)`,
    ],
    [
      "a sample of one path",
      { every: "stepwise", sample: 2 },
      `"sample" has no meaning for "stepwise", which is one path (leave it out)`,
    ],
    [
      "a sample of nothing",
      { every: "all", sample: 1 },
      `"sample" is 1; it may be a whole number of releases from 2 on`,
    ],
    [
      "exceptions outside a list",
      { every: "all", but: { to: "1.1", expect: clean } },
      `"but" is no list; it may be [{ from: "1.0", to: "1.2", expect: broken(…) }]`,
    ],
    [
      "settings that are no data",
      { every: "all", settings: { when: new Date() } },
      `"settings.when" is no plain data; settings may hold texts, numbers, true, false, null, lists and objects`,
    ],
    [
      "another scenario's engine",
      { every: "all", engines: ["mysql"] },
      `"engines" names mysql, which the scenario does not (postgres)`,
    ],
  ])("is refused: %s", (_, set, says) => {
    const scenario = scenarioWith({ expect: clean, ...set } as PathSet);
    expect(() => pathsOf(scenario)).toThrow(refusal(`Cannot rehearse scenario "shop", path #1: ${says}`));
  });

  test.each<readonly [what: string, set: object, says: string]>([
    [
      "an exception without ends",
      { every: "all", but: [{ expect: clean }] },
      `it says for no path that something else is expected of it ("from", "to" or both)`,
    ],
    [
      "an exception that no path is",
      { every: "to-latest", but: [{ from: "1.0", to: "1.2", expect: clean }] },
      `no path of "to-latest" is one of these`,
    ],
    [
      "an exception of nothing known",
      { every: "to-latest", but: [{ from: "1.9", expect: clean }] },
      `the chain has no release "1.9" (known: "1.0", "1.1", "1.2", "1.3", "1.3 mended")`,
    ],
    [
      "an exception without a verdict",
      { every: "all", but: [{ from: "1.0" }] },
      `"expect" says nothing for postgres; say clean or broken(…)`,
    ],
  ])("is refused: %s", (_, set, says) => {
    const scenario = scenarioWith({ expect: clean, ...set } as PathSet);
    expect(() => pathsOf(scenario)).toThrow(refusal(`Cannot rehearse scenario "shop", path #1, "but" #1: ${says}`));
  });

  test("is refused where it says no verdict", () => {
    const silent = { every: "all" } as unknown as PathSet;
    expect(() => pathsOf(scenarioWith(silent))).toThrow('"expect" says nothing for postgres; say clean or broken(…)');
  });

  test("is refused with more paths than anybody walks, and with the way to take some", async () => {
    const long = Array.from({ length: 5000 }, (_, i) => release(`r${i}`, { migrations: [] }));
    const scenario = { ...scenarioWith({ every: "all", expect: clean }), chain: long };
    expect(() => pathsOf(scenario)).toThrow(
      'Cannot rehearse scenario "shop", path #1: "all" is 12,502,500 paths over 5,000 releases, and 10,000 are the most (take 20 of the releases: sample: 20, or --paths all:20)',
    );
    const sampled = { ...scenario, paths: [{ every: "all", sample: 20, expect: clean }] } as const;
    await readSamples(sampled);
    expect(pathsOf(sampled)).toHaveLength(210);
  });
});
