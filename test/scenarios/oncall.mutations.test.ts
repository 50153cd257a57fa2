import {
  type Database,
  type Migration,
  rehearse,
  type Scenario,
  type Seeder,
  type UpgradePath,
} from "migration-sandbox";
import { describe, expect, test } from "vitest";
import columnDroppedOnAJump from "../../scenarios/oncall/column-dropped-on-a-jump.ts";
import {
  alerts0051,
  cut,
  named0008,
  of1240,
  shipped,
  webhooks0007,
  webhooks0008,
  webhooks0015,
  webhooks0016,
} from "../../scenarios/oncall/migrations.ts";
import namesEqualWhenCut from "../../scenarios/oncall/names-equal-when-cut.ts";
import namesThatDoNotFit from "../../scenarios/oncall/names-that-do-not-fit.ts";
import {
  equalWhenCutInOneTeam,
  equalWhenCutInTwoOrganisations,
  equalWhenCutInTwoTeams,
  namesThatFit,
  namesTooLong,
  oneUnusedButton,
  softDeletedButtons,
  usedButtons,
} from "../../seeds/oncall.ts";
import { onStage } from "../stage.ts";
import { unmet, withRelease, withSeeder } from "./mutation.ts";

const stage = onStage("postgres");

/** What 1.8.5 ships, with another 0008, 0051 or 0016. */
function of185({
  moving = webhooks0008(cut),
  dropping = alerts0051(),
  deleting = [webhooks0016],
}: {
  readonly moving?: Migration;
  readonly dropping?: Migration;
  readonly deleting?: readonly Migration[];
} = {}) {
  return shipped(...of1240, webhooks0007, moving, webhooks0015, dropping, ...deleting);
}

describe("a column that is dropped on a jump", () => {
  const scenario = columnDroppedOnAJump;
  const nothingToWorkAround = ["#6 inconclusive", "#7 inconclusive", "#8 inconclusive"];

  /** Of these alone: no path that does not stop there can come out otherwise. */
  const unmetWith = (name: string, parts: ReturnType<typeof shipped>) =>
    unmetAmong(withRelease(scenario, name, parts), ({ from, via = [], to }) => [from, ...via, to].includes(name));
  const unmetSowing = (to: Seeder, instead: Seeder) =>
    unmetAmong(withSeeder(scenario, instead, to), (path) => path.with === to);

  test("is dropped too early again without the mended dependency", async () => {
    expect(await unmetWith("1.8.5 mended", of185())).toEqual(["#18", "#19"]);
  });

  test("is not, where the dependency is declared", async () => {
    const declared = of185({ dropping: alerts0051(named0008) });
    expect(await unmetWith("1.8.5", declared)).toEqual(["#4", "#5", ...nothingToWorkAround, "#9"]);
    expect(await unmetWith("1.4.x", declared)).toEqual(["#15"]);
  });

  test("needs a stop that has 0008 and not yet 0051", async () => {
    const early = shipped(...of1240, webhooks0007, webhooks0008(cut));
    expect(await unmetWith("1.3.10", early)).toEqual(["#9"]);
    expect(await unmetWith("1.3.11", of185())).toEqual(["#10", "#11"]);
    expect(await unmetWith("1.3.115", of185())).toEqual(["#13"]);
    expect(await unmetWith("1.3.116", early)).toEqual(["#14"]);
  });

  test("would be asked for without any button, if 0008 were no loop", async () => {
    const up = "update alerts_escalationpolicy set step = 16 where custom_button_trigger_id < 0";
    const moving = { ...webhooks0008(cut), up };
    expect(await unmetWith("1.8.5", of185({ moving }))).toEqual(["#1", "#2", "#3", "#7", "#8"]);
  });

  test("takes a live button to break, and steps to lose", async () => {
    expect(await unmetSowing(softDeletedButtons, oneUnusedButton)).toEqual(["#4"]);
    const all = ["#5", ...nothingToWorkAround, "#9", "#14", "#15"];
    expect(await unmetSowing(softDeletedButtons, usedButtons)).toEqual(all);
    expect(await unmetSowing(oneUnusedButton, usedButtons)).toEqual(["#5", "#6", "#7", "#8"]);
  });

  test("loses no step where 0016 is left out: they stay, and trigger nothing", async () => {
    expect(await unmetWith("1.8.5", of185({ deleting: [] }))).toEqual(["#7", "#8"]);
  });

  test("is told from what was there before", async () => {
    const { check: _, ...unchecked } = scenario;
    expect(await unmetAmong(unchecked, ({ from, to }) => from !== undefined && to === "1.8.5")).toEqual(["#7", "#8"]);
    const paths = scenario.paths.map((path) => ({ ...path, check: [] }));
    const hadOne = (_: UpgradePath, i: number) => "check" in (scenario.paths[i] ?? {});
    expect(await unmetAmong({ ...scenario, paths }, hadOne)).toEqual(["#5", "#6"]);
  });

  test.each<readonly [string, (db: Database) => PromiseLike<unknown>]>([
    ["a step with another's webhook", (db) => steps(db).where({ id: 102 }).update({ custom_webhook_id: 900 })],
    ["a step left at its button", (db) => steps(db).where({ id: 103 }).update({ step: 10 })],
    ["another step", (db) => steps(db).where({ id: 1 }).update({ step: 4 })],
    ["a webhook without credentials", (db) => webhook43(db).update({ authorization_header: null })],
    ["a webhook of another team", (db) => webhook43(db).update({ team_id: 11 })],
    ["a webhook of another name", (db) => webhook43(db).update({ name: "(Legacy)" })],
    ["a webhook too many", (db) => db("webhooks_webhook").insert({ name: "Call (Legacy)", is_legacy: true })],
  ])("is not all: 0008 must not make %s", async (_, spoil) => {
    const { up, ...moving } = webhooks0008(cut);
    const spoilt: Migration = {
      ...moving,
      up: async (db) => {
        if (typeof up === "function") await up(db);
        await spoil(db);
      },
    };
    const parts = of185({ moving: spoilt, dropping: alerts0051(named0008) });
    const unmetOfUsed = unmetAmong(
      withRelease(scenario, "1.8.5 mended", parts),
      (path) => path.to === "1.8.5 mended" && path.with === usedButtons,
    );
    expect(await unmetOfUsed).toEqual(["#19"]);
  });

  test("leaves no webhook behind that was made before the failure", async () => {
    const moving = { ...webhooks0008(cut), transaction: false } as const;
    const affected = (_: UpgradePath, i: number) => [4, 5, 6].includes(i + 1);
    const untransacted = withRelease(scenario, "1.8.5", of185({ moving }));
    expect(await unmetAmong(untransacted, affected)).toEqual(["#5", "#6"]);
  });

  test("keeps a second start from getting anywhere", async () => {
    const paths = scenario.paths.slice(5, 6);
    const options = { engines: ["postgres"], stage: async () => stage() } as const;
    const { rehearsals } = await rehearse([{ ...scenario, paths }], options);
    const ran = rehearsals[0]?.hops.map(({ migrations }) => migrations.map(({ name }) => name));
    expect(ran?.slice(1)).toEqual([[alerts0051().name, webhooks0007.name], []]);
    expect(rehearsals[0]?.verdict.findings.map(({ message }) => message)).toEqual([
      expect.stringContaining('column "custom_button_trigger_id" does not exist'),
      "3 escalation steps no longer know what they triggered: 101, 102, 103",
    ]);
  });
});

describe("names that do not fit", () => {
  test("do, as shipped, and do not, as first merged", async () => {
    const [merged, asShipped] = ["1.3.11 as first merged", "1.3.11"];
    expect(await unmet(withRelease(namesThatDoNotFit, merged, partsOf(namesThatDoNotFit, asShipped)))).toEqual(["#2"]);
    expect(await unmet(withRelease(namesThatDoNotFit, asShipped, partsOf(namesThatDoNotFit, merged)))).toEqual(["#4"]);
  });

  test("are those of 92 characters", async () => {
    expect(await unmet(withSeeder(namesThatDoNotFit, namesTooLong, namesThatFit))).toEqual(["#2"]);
    expect(await unmet(withSeeder(namesThatDoNotFit, namesThatFit, namesTooLong))).toEqual(["#1"]);
  });
});

describe("names that are equal when cut", () => {
  const scenario = namesEqualWhenCut;

  test("are kept apart by the mended names alone", async () => {
    const [asShipped, mended] = ["1.3.11", "1.3.11 mended"];
    expect(await unmet(withRelease(scenario, mended, partsOf(scenario, asShipped)))).toEqual(["#5", "#6"]);
    expect(await unmet(withRelease(scenario, asShipped, partsOf(scenario, mended)))).toEqual(["#2", "#3"]);
  });

  test("meet in one team, clash in two, and pass in two organisations", async () => {
    expect(await unmet(withSeeder(scenario, equalWhenCutInOneTeam, equalWhenCutInTwoOrganisations))).toEqual(["#2"]);
    expect(await unmet(withSeeder(scenario, equalWhenCutInTwoTeams, equalWhenCutInTwoOrganisations))).toEqual(["#3"]);
    expect(await unmet(withSeeder(scenario, equalWhenCutInTwoTeams, equalWhenCutInOneTeam))).toEqual(["#3"]);
  });

  test("meet in silence: without a check nothing is found", async () => {
    const { check: _, ...unchecked } = scenario;
    expect(await unmet(unchecked)).toEqual(["#2"]);
  });
});

function partsOf({ chain }: Scenario, name: string) {
  const found = chain.find((release) => release.name === name);
  if (found === undefined) throw new Error(`There is no release "${name}"`);
  return { migrations: found.migrations };
}

/** Walks only paths that a change can reach, and tells those unmet by their number among all. */
async function unmetAmong(
  { paths, ...scenario }: Scenario,
  reached: (path: UpgradePath, i: number) => boolean,
): Promise<readonly string[]> {
  const numbers = paths.flatMap((path, i) => (!("every" in path) && reached(path, i) ? [i] : []));
  const found = await unmet({ ...scenario, paths: paths.filter((_, i) => numbers.includes(i)) });
  return found.map((name) => name.replace(/\d+/, (n) => String((numbers[Number(n) - 1] ?? NaN) + 1)));
}

function steps(db: Database) {
  return db("alerts_escalationpolicy");
}

function webhook43(db: Database) {
  return db("webhooks_webhook").where({ url: "https://hooks.example.org/43" });
}
