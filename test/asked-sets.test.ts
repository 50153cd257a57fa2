import { broken, clean, type Migration, release, type Scenario } from "migration-sandbox";
import { describe, expect, test } from "vitest";
import { chosenPaths } from "../harness/choice.ts";
import { HarnessError } from "../harness/errors.ts";
import { stopsOf } from "../harness/scenario.ts";
import { replayOf } from "../harness/selection.ts";

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

describe("sets in place of a scenario's own paths", () => {
  const scenario = scenarioWith({ from: "1.0", to: "1.3", expect: broken("never") });
  const asked = async (paths: readonly string[], more: { from?: string; to?: string } = {}) => {
    const chosen = await chosenPaths([{ scenario }], { paths, ...more });
    return [...chosen.values()].flat();
  };
  const told = async (...args: Parameters<typeof asked>) =>
    (await asked(...args)).map(({ path, set }) => `${set}: ${stopsOf(path).join(" ")}`);

  test.each<readonly [what: string, ...args: Parameters<typeof asked>, paths: readonly string[]]>([
    ["a word", ["to-latest"], {}, ["to-latest: 1.0 1.3", "to-latest: 1.1 1.3", "to-latest: 1.2 1.3"]],
    [
      "stops",
      ["via:1.1,1.2"],
      { to: "1.3" },
      ["via 1.1, 1.2: 1.0 1.1 1.2 1.3", "via 1.1, 1.2: 1.1 1.2 1.3", "via 1.1, 1.2: 1.2 1.3"],
    ],
    ["a range", ["1.0..1.2"], {}, ["1.0..1.2: 1.0 1.2"]],
    ["a range with stops", ["1.0..1.1..1.2"], {}, ["1.0..1.1..1.2: 1.0 1.1 1.2"]],
    ["a range to the newest", ["1.1.."], {}, ["1.1..: 1.1 1.3"]],
    ["an install", ["..1.2"], {}, ["..1.2: 1.2"]],
    ["bounds", ["all"], { from: "1.1", to: "1.2" }, ["all: 1.1 1.2", "all: 1.1", "all: 1.2"]],
    [
      "several, each path once",
      ["1.0..1.3", "to-latest", "stepwise"],
      {},
      ["1.0..1.3: 1.0 1.3", "to-latest: 1.1 1.3", "to-latest: 1.2 1.3", "stepwise: 1.0 1.1 1.2 1.3"],
    ],
    ["a sample", ["to-latest:2"], {}, ["to-latest: 1.0 1.3", "to-latest: 1.2 1.3"]],
    ["stops and a sample", ["via:1.1:2"], {}, ["via 1.1: 1.0 1.1 1.3", "via 1.1: 1.2 1.3"]],
  ])("are read: %s", async (_, paths, more, wanted) => {
    expect(await told(paths, more)).toEqual(wanted);
  });

  test("are expected to be clean, and walked again by the line that they print", async () => {
    const all = await asked(["all", "stepwise", "via:1.1"], { from: "1.0" });
    expect(all.every(({ path }) => path.expect === clean)).toBe(true);
    for (const { name, path } of all) {
      const replay = replayOf(scenario, name, path).replaceAll("'", "").split(" ");
      const value = (option: string) => replay[replay.indexOf(option) + 1];
      const from = replay.includes("--from") ? { from: value("--from") ?? "" } : {};
      const [again, ...more] = await asked([value("--paths") ?? ""], from);
      expect([again?.name, again?.path, more]).toEqual([name, path, []]);
    }
  });

  test("take names that hold what stands between names", async () => {
    const odd = ["a,b", "a", "b", "a..b", "c:2"].map((name) => release(name, { migrations: [table(0)] }));
    const oddly = { ...scenarioWith({ to: "b", expect: clean }), chain: odd };
    const chosen = await chosenPaths([{ scenario: oddly }], { paths: ["a,b..a..a..b..c:2", "via:a,a..b"] });
    const stops = [...chosen.values()].flat().map(({ path }) => stopsOf(path).join(" "));
    expect(stops).toEqual(["a,b a a..b c:2", "a a..b c:2", "b a..b c:2", "a..b c:2"]);
  });

  test.each<readonly [text: string, says: string]>([
    [
      "to-latets",
      `there is no set "to-latets" (known: "to-latest", "stepwise", "all", "install"; or via:<stop>,<stop>, or <from>..<to>)`,
    ],
    ["1.2..1.1", `"1.2" → "1.1" goes backwards: "1.1" comes before "1.2" in the chain`],
    ["1.2..1.2", `"1.2" → "1.2" goes nowhere`],
    ["1.2..1.33", `the chain has no release "1.33" (known: "1.3", "1.0", "1.1", "1.2", "1.3 mended")`],
    ["via:1.1,1.7", `the chain has no release "1.7" (known: "1.0", "1.1", "1.2", "1.3", "1.3 mended")`],
    ["via:1.2,1.1", `"via" names "1.2" ahead of "1.1", which comes before it in the chain`],
    ["via:1.1,1.1", `"via" names "1.1" twice`],
    ["to-latest:1", `"sample" is 1; it may be a whole number of releases from 2 on`],
    [
      "",
      `there is no set "" (known: "all", "install", "stepwise", "to-latest"; or via:<stop>,<stop>, or <from>..<to>)`,
    ],
  ])("are refused: %s", async (text, says) => {
    await expect(asked([text])).rejects.toThrow(refusal(`Cannot rehearse "shop", --paths ${text}: ${says}`));
  });

  test("are refused with ends that are the range's own, for a path that has a number, and from a dump", async () => {
    await expect(asked(["1.0..1.2"], { from: "1.0" })).rejects.toThrow(
      'Cannot rehearse "shop", --paths 1.0..1.2: a range has its own ends (leave out --from and --to)',
    );
    await expect(chosenPaths([{ scenario, only: new Set(["shop#1"]) }], { paths: ["all"] })).rejects.toThrow(
      'Cannot rehearse --paths all: "shop#1" is a path of its own, and a set is made of all releases (leave one of the two out)',
    );
    const dump = { file: "theirs.sql", engines: ["postgres"] } as unknown as NonNullable<
      Parameters<typeof chosenPaths>[1]["dump"]
    >;
    await expect(chosenPaths([{ scenario }], { paths: ["all"], dump })).rejects.toThrow(
      'Cannot rehearse --paths all: "theirs.sql" stands at one release, and a set starts from many (leave one of the two out)',
    );
  });
});
