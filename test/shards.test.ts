import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { release } from "../harness/chain.ts";
import { merged } from "../harness/merge.ts";
import { both, mergedEnds } from "../harness/merged-ends.ts";
import type { Rehearsal, Rehearsals } from "../harness/rehearsal.ts";
import { json } from "../harness/report/json.ts";
import { defineScenario, type Scenario } from "../harness/scenario.ts";
import { pathsOf, type Selection } from "../harness/selection.ts";
import { parseShard, type ShardOf, shardOf, toldShard } from "../harness/shards.ts";
import { clean } from "../harness/verdict.ts";
import { come, everyPair, told } from "./told.ts";

const names = ["1.0", "1.1", "1.2", "1.3", "1.4", "1.5"];
const chain = names.map((name) => release(name, { migrations: [{ name: "0001", up: "select 1" }] }));
const scenarioWith = (title: string, paths: Scenario["paths"], engines: Scenario["engines"] = ["postgres"]) =>
  defineScenario({ title, engines, chain, paths }) as Scenario;
const selected = (...scenarios: readonly Scenario[]) =>
  new Map(scenarios.map((scenario) => [scenario, pathsOf(scenario)]));
const walks = (part: ReadonlyMap<Scenario, readonly Selection[]>) =>
  [...part].flatMap(([scenario, selections]) =>
    selections.flatMap(({ name, path }) => (path.engines ?? scenario.engines).map((engine) => `${name} ${engine}`)),
  );

describe("parseShard()", () => {
  test("reads which part of how many", () => {
    expect(parseShard("1/1")).toEqual({ index: 1, count: 1 });
    expect(parseShard("3/12")).toEqual({ index: 3, count: 12 });
  });

  test.each(["3/2", "0/4", "a/b", "1/0", "1", "", "-1/4", "1/4/2", "1.5/4", " 1/4"])("refuses %j", (text) => {
    expect(() => parseShard(text)).toThrow(
      `Cannot take the part "${text}" of a run: it is <i>/<n>, as in 1/4: the first of four parts`,
    );
  });
});

describe("shardOf()", () => {
  const all = scenarioWith("every pair", [{ every: "all", expect: clean }], ["postgres", "mariadb"]);
  const few = scenarioWith("two paths", [
    { from: "1.0", to: "1.5", expect: clean },
    { to: "1.5", expect: clean },
  ]);

  test.each([1, 2, 3, 4, 7, 40])("parts a run into %i, each path on each engine in one of them", (count) => {
    const whole = selected(all, few);
    const parts = Array.from({ length: count }, (_, i) => walks(shardOf(whole, { index: i + 1, count })));
    expect(parts.flat().sort()).toEqual(walks(whole).sort());
  });

  test("keeps together what begins alike, the fresh install of a release with what starts from it", () => {
    const parts = [1, 2, 3].map((index) => walks(shardOf(selected(all), { index, count: 3 })));
    for (const start of names)
      for (const engine of ["postgres", "mariadb"]) {
        const from = (walk: string) =>
          walk.endsWith(engine) && (walk.includes(`:${start}..`) || walk.includes(`:..${start} `));
        expect(parts.filter((part) => part.some(from))).toHaveLength(1);
      }
  });

  test("gives all parts about as many hops", () => {
    const hops = [1, 2, 3].map((index) => walks(shardOf(selected(all), { index, count: 3 })).length);
    expect(Math.max(...hops) - Math.min(...hops)).toBeLessThanOrEqual(2);
  });

  test("parts what is asked for: other engines weigh nothing", () => {
    const parts = [1, 2].map((index) => shardOf(selected(all, few), { index, count: 2, engines: ["mariadb"] }));
    expect(parts.flatMap((part) => [...part.keys()]).filter((scenario) => scenario === few)).toEqual([]);
    const counts = parts.map((part) => walks(part).filter((walk) => walk.endsWith("mariadb")).length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2);
  });

  test("comes to the same parts however files were listed", () => {
    const [one, other] = [selected(all, few), selected(few, all)].map((whole) =>
      walks(shardOf(whole, { index: 2, count: 3 })),
    );
    expect(one?.sort()).toEqual(other?.sort());
  });

  test("leaves a part empty where there are more parts than starts", () => {
    expect([...shardOf(selected(few), { index: 3, count: 3 })]).toEqual([]);
  });
});

/** Parts of a run, as documents in a folder. */
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "parts-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const end = (catalogue: string, rows = "none") => ({ catalogue, rows });
const pairs = everyPair(["1.0", "1.1", "1.2"]).map((each) => ({ ...each, end: end(each.path.at(-1) ?? "") }));
const order = pairs.map(({ name }) => name);

function run(rehearsals: readonly Rehearsal[], more: Partial<Rehearsals> = {}): Rehearsals {
  const inconclusive = rehearsals.filter(({ verdict }) => verdict.outcome === "inconclusive").length;
  const met = rehearsals.filter((each) => each.met).length;
  const work = { migrations: 3, plainly: 5, reused: 0, damaged: 0, disk: 7, milliseconds: 11 };
  return {
    ...{
      seed: 1,
      rehearsals,
      met,
      unmet: rehearsals.length - met - inconclusive,
      inconclusive,
      ends: [],
      work,
      notCovered: [],
    },
    ...more,
  };
}

async function kept(documents: { readonly [file: string]: string }): Promise<string> {
  const here = await mkdtemp(join(folder, "run-"));
  for (const [file, text] of Object.entries(documents)) {
    await mkdir(join(here, file, ".."), { recursive: true });
    await writeFile(join(here, file), text);
  }
  return here;
}

const part = (index: number, rehearsals: readonly Rehearsal[], more: Partial<Rehearsals & ShardOf> = {}) => {
  const { count = 2, paths = order, ...rest } = more;
  return json(run(rehearsals, rest), { index, count, paths });
};

describe("merge", () => {
  const [first, second, third] = pairs as [Rehearsal, Rehearsal, Rehearsal];

  test("puts parts together in the order of one run, and counts", async () => {
    const broken = told(["1.0", "1.2"], come.broken("1.2"));
    const where = await kept({ "a/1.json": part(1, [third]), "b/2.json": part(2, [first, broken]) });
    const { rehearsals, met, unmet, work, seed } = await merged([where]);
    expect(rehearsals.map(({ name }) => name)).toEqual(order);
    expect({ met, unmet, seed, work }).toEqual({
      ...{ met: 2, unmet: 1, seed: 1 },
      work: { migrations: 6, plainly: 10, reused: 0, damaged: 0, disk: 7, milliseconds: 22 },
    });
  });

  test("tells the same document as a whole run does", async () => {
    const place = {
      file: join(process.cwd(), "x.sql"),
      line: 3,
      column: 5,
      text: "\n\n    select 1",
      statement: "select 1",
    };
    const failing = told(["1.0", "1.2"], come.broken("1.2", { place, column: "name" }));
    const where = await kept({ "1.json": part(1, [third]), "2.json": part(2, [first, failing]) });
    const result = await merged([join(where, "2.json"), join(where, "1.json")]);
    expect(result.rehearsals[1]?.verdict.findings[0]).toEqual(failing.verdict.findings[0]);
    const whole = JSON.parse(json(run([first, failing, third])));
    expect(JSON.parse(json(result))).toEqual({ ...whole, work: result.work });
  });

  test("compares ends of different parts by what they are known by, and says how the others are seen", async () => {
    const other = { ...second, end: end("1.2 otherwise") };
    const where = await kept({ "1.json": part(1, [third]), "2.json": part(2, [first, other]) });
    const { ends } = await merged([where]);
    const message =
      "it differs in shape, and these paths were walked in different parts of the run (npx migration-sandbox rehearse app --paths 1.1..1.2 --paths 1.0..1.2 --engine postgres --seed 1 walks both and shows it)";
    expect(ends).toEqual([
      {
        ...{ scenario: "app", engine: "postgres", release: "1.2" },
        groups: [
          { paths: [third.name], findings: [], notes: [] },
          { paths: [other.name], findings: [{ code: "ends-differ", release: "1.2", message }], notes: [] },
        ],
      },
    ]);
  });

  test.each<[string, { readonly [file: string]: string }, string]>([
    [
      "a part that is missing",
      { "1.json": part(1, [], { count: 3 }), "3.json": part(3, [], { count: 3 }) },
      "part 2 of 3 is missing (rehearse --shard 2/3 --reporter json tells it)",
    ],
    [
      "parts that are missing",
      { "1.json": part(1, [], { count: 3 }) },
      "part 2, 3 of 3 are missing (rehearse --shard 2/3 --reporter json tells them)",
    ],
    [
      "a part that is there twice",
      { "1.json": part(1, []), "2.json": part(2, []), "3.json": part(2, []) },
      "part 2 of 2 is there twice",
    ],
    [
      "parts of another count",
      { "1.json": part(1, []), "2.json": part(2, [], { count: 3 }) },
      "it is part 2 of 3, and",
    ],
    [
      "parts of another seed",
      { "1.json": part(1, []), "2.json": part(2, [], { seed: 7 }) },
      "its seed is 7, and that of",
    ],
    [
      "parts of another run",
      { "1.json": part(1, []), "2.json": part(2, [], { paths: ["app#1"] }) },
      "they were asked for other paths",
    ],
    [
      "a whole run",
      { "1.json": json(run([])) },
      "it holds a whole run, and no part of one (rehearse --shard 1/4 tells a part)",
    ],
    ["what is no JSON", { "1.json": "{" }, "it is not JSON ("],
    ["what was cut off", { "1.json": part(1, pairs).slice(0, 300) }, "it is not JSON ("],
    ["an empty file", { "1.json": "" }, "it is empty: that part of the run did not come to its end"],
    [
      "another format",
      { "1.json": part(1, []).replace('"format": 1', '"format": 2') },
      "its format is 2, and this version reads 1",
    ],
    [
      "another document",
      { "1.json": '{"format": 1, "plans": []}' },
      "it is damaged, or no document of rehearse --shard --reporter json",
    ],
    [
      "a damaged one",
      { "1.json": part(1, pairs).replaceAll('"verdict"', '"verdikt"') },
      "it is damaged, or no document of",
    ],
    ["JSON of nothing", { "1.json": "null" }, "its format is undefined, and this version reads 1"],
    ["an empty folder", {}, "there is no document ("],
  ])("refuses %s", async (_, documents, why) => {
    const where = await kept(documents);
    await expect(merged([where])).rejects.toThrow(why);
    await expect(merged([where])).rejects.toMatchObject({
      code: "bad-input",
      message: expect.stringMatching(/^Cannot merge "/),
    });
  });

  test("refuses a file that is not there", async () => {
    await expect(merged(["nowhere.json"])).rejects.toThrow(
      'Cannot merge "nowhere.json": there is no such file or folder',
    );
  });
});

describe("mergedEnds()", () => {
  const [a, b, c, d] = ["1.0", "1.1", "1.2", "1.3"].map((start) =>
    told([start, "1.9"], come.clean, { end: end("x") }),
  ) as [...[Rehearsal, Rehearsal, Rehearsal, Rehearsal]];
  const at = { scenario: "app", engine: "postgres", release: "1.9" } as const;
  const finding = { code: "column-differs", message: "another" };

  test("agrees where what ends are known by is the same", () => {
    const groups = mergedEnds([run([a, b]), run([c]), run([d])])[0]?.groups;
    expect(groups).toEqual([{ paths: [a, b, c, d].map(({ name }) => name), findings: [], notes: [] }]);
  });

  test("keeps what a part has told of its ends, and what agrees with them in other parts", () => {
    const odd = { ...b, end: end("y") };
    const groups = [
      { paths: [a.name], findings: [], notes: [] },
      { paths: [odd.name], findings: [finding], notes: [] },
    ];
    const whole = mergedEnds([run([a, odd], { ends: [{ ...at, groups }] }), run([c, { ...d, end: end("y") }])]);
    expect(whole[0]?.groups).toEqual([
      { paths: [a.name, c.name], findings: [], notes: [] },
      { paths: [odd.name, d.name], findings: [finding], notes: [] },
    ]);
  });

  test("does not hold against the first what was compared with another", () => {
    const groups = [
      { paths: [c.name], findings: [], notes: [] },
      { paths: [d.name], findings: [finding], notes: [] },
    ];
    const others = run(
      [
        { ...c, end: end("y") },
        { ...d, end: end("z") },
      ],
      { ends: [{ ...at, groups }] },
    );
    const told = mergedEnds([run([a, b]), others])[0]?.groups;
    expect(told?.map(({ paths, findings }) => [paths.length, findings.map(({ code }) => code)])).toEqual([
      [2, []],
      [1, ["ends-differ"]],
      [1, ["ends-differ"]],
    ]);
  });

  test("leaves out paths that came to no end, and releases to which one path came", () => {
    expect(mergedEnds([run([{ ...a, end: null }, b])])).toEqual([]);
  });
});

test("both() asks for two paths by one command", () => {
  expect(both("x rehearse a --paths 1..2 --engine e --seed 1", "x rehearse a --paths 1..3 --engine e --seed 1")).toBe(
    "x rehearse a --paths 1..2 --paths 1..3 --engine e --seed 1",
  );
  expect(both("x rehearse 'a b#2:1..2' --engine e", "x rehearse 'a b#2:1..3' --engine e")).toBe(
    "x rehearse 'a b#2:1..2' 'a b#2:1..3' --engine e",
  );
});

test("toldShard() names all paths of the whole run, whichever part it is", () => {
  const scenario = scenarioWith("three", [
    { to: "1.0", expect: clean },
    { to: "1.1", expect: clean },
  ]);
  expect(toldShard(selected(scenario), { index: 2, count: 2 })).toEqual({
    ...{ index: 2, count: 2 },
    paths: ["shards#1", "shards#2"],
  });
});
