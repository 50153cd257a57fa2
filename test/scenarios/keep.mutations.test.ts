import {
  emptyTables,
  type Migration,
  type Scenario,
  type SqlFolder,
  type Task,
  type UpgradePath,
} from "migration-sandbox";
import { describe, expect, test } from "vitest";
import commitsInItsMiddle from "../../scenarios/keep/a-migration-commits-in-its-middle.ts";
import renamedProviderStays from "../../scenarios/keep/a-renamed-provider-stays.ts";
import technicalTenant from "../../scenarios/keep/a-technical-tenant-passes-for-the-first.ts";
import {
  bootOf,
  type Settings,
  since0415,
  since0431,
  since0475,
  until0414,
  type Ways,
} from "../../scenarios/keep/boot.ts";
import providersMissing from "../../scenarios/keep/providers-missing-after-the-first-start.ts";
import { shippedBy } from "../../scenarios/keep/shipped.ts";
import { logOfNobody, logsOfProvisioned } from "../../seeds/keep.ts";
import { onEngine } from "../stage.ts";
import { unmet, withRelease, withSeeder } from "./mutation.ts";

const mended: Ways = { ...until0414, tenantFor: "every" };

describe("providers missing after the first start", () => {
  const scenario = providersMissing;

  test("are missing in the mended releases too, once their fixes are undone", async () => {
    const one = withRelease(scenario, "0.41.2 mended", { boot: bootOf(until0414) });
    const two = withRelease(one, "0.47.5", { boot: bootOf(since0431) });
    const all = withRelease(two, "0.52.0", { boot: bootOf(since0475) });
    expect(await unmet(all)).toEqual(["#9", "#10", "#11", "#13"]);
  });

  test("are there with a login for which the tenant is made", async () => {
    const listed = withPaths(scenario, (path) => ({ ...path, settings: { ...settingsOf(path), auth: "DB" } }));
    const affected = ["#1", "#2", "#8", "#12", "#14", "#15 inconclusive", "#16 inconclusive", "#19"];
    // On #7 the tenant is there already, and cannot be sown.
    expect(await unmet(listed)).toEqual([...affected.slice(0, 2), "#7 inconclusive", ...affected.slice(2)]);
  });

  test("are not missed where none is configured", async () => {
    const none = withPaths(withoutOwnChecks(scenario), (path) => ({
      ...path,
      settings: { ...settingsOf(path), providers: [] },
    }));
    const workedAround = ["#15 inconclusive", "#16 inconclusive", "#17", "#18 inconclusive"];
    expect(await unmet(none)).toEqual(["#1", "#2", "#8", "#12", "#14", ...workedAround, "#19"]);
  });

  test("are told by the swallowed error alone where nobody counts them", async () => {
    expect(await unmet(withoutOwnChecks(scenario))).toEqual(["#1", "#2", "#8", "#12", "#14", "#15", "#17", "#19"]);
  });

  test("are to be the same after a second start", async () => {
    const restless: Task<Settings> = async ({ db }) => {
      await db("tenant").update({ name: db.raw("concat(name, ?::text)", ["."]) });
    };
    const boot = { ...bootOf(mended), "touch every tenant": restless };
    expect(await unmet(withRelease(scenario, "0.41.2 mended", { boot }))).toEqual(["#9", "#10"]);
  });
});

describe("a renamed provider", () => {
  const scenario = renamedProviderStays;

  test("stays in the mended releases too, once their fixes are undone", async () => {
    const one = withRelease(scenario, "0.41.5", { boot: bootOf(until0414) });
    const two = withRelease(one, "0.41.7", { migrations: shippedBy("0.41.2") });
    const all = withRelease(two, "0.43.1", { boot: bootOf(since0415) });
    expect(await unmet(all)).toEqual(["#4", "#5", "#9", "#12"]);
  });

  test("goes where it has no logs", async () => {
    const known = scenario.known ?? [];
    expect(known).toHaveLength(1);
    const idle = { ...withSeeder(scenario, logsOfProvisioned, emptyTables), known: [] };
    const workedAround = ["#13 inconclusive", "#14 inconclusive"];
    expect(await unmet(idle)).toEqual(["#3", "#4", "#8 inconclusive", "#9", ...workedAround]);
  });

  test("goes where it is marked, where no release stands between, and where the variable is only emptied", async () => {
    const marked = withPaths(scenario, (path) => (path.from === "2024-08-23" ? { ...path, from: "0.40.2" } : path));
    const direct = withPaths(marked, ({ via, ...path }) => path);
    const emptied = withPaths(direct, (path) => ({
      ...path,
      settings: { ...settingsOf(path), providers: settingsOf(path).providers ?? [] },
    }));
    expect(await unmet(emptied)).toEqual(["#6", "#7", "#9", "#10", "#14 inconclusive", "#15 inconclusive"]);
  });

  test("is told by the errors alone where nobody looks for its row, and there need not be any", async () => {
    const affected = ["#3", "#4", "#6", "#7", "#8", "#9", "#10"];
    expect(await unmet(withoutOwnChecks(scenario))).toEqual([...affected, "#15 inconclusive"]);
  });

  test("is not to take with it what users have installed, though its own logs may go", async () => {
    const greedy: Task<Settings> = async ({ db }) => {
      await db("providerexecutionlog").del();
    };
    const boot = { ...bootOf(since0415), "clear the logs": greedy };
    const cleared = withRelease(scenario, "0.41.7", { boot });
    expect(await unmet(cleared)).toEqual(["#5", "#9", "#10", "#11", "#14"]);
    const { check, ...unchecked } = cleared;
    expect(await unmet(unchecked)).toEqual([]);
  });
});

describe("a technical tenant", () => {
  const scenario = technicalTenant;

  test("passes for nobody before there is one", async () => {
    const without = withRelease(scenario, "0.41.2 if there is none", { migrations: shippedBy("0.40.2") });
    expect(await unmet(without)).toEqual(["#3"]);
  });

  test("is in the way of a fix that asks for any tenant, and of none", async () => {
    expect(await unmet(withRelease(scenario, "0.41.2 mended", { boot: bootOf(until0414) }))).toEqual(["#4"]);
    expect(await unmet(withoutOwnChecks(scenario))).toEqual(["#3"]);
  });
});

describe("a migration that commits", () => {
  const scenario = commitsInItsMiddle;

  test("is one that has a COMMIT", async () => {
    const { migrations } = releaseOf(scenario, "0.41.7 without the COMMIT");
    expect(await unmet(withRelease(scenario, "0.41.7", { migrations }))).toEqual(["#3", "#5", "#6", "#7"]);
    const shipped = { migrations: shippedBy("0.41.7") };
    expect(await unmet(withRelease(scenario, "0.41.7 without the COMMIT", shipped))).toEqual(["#4", "#8"]);
  });

  test("does no harm while no later one fails", async () => {
    const harmless = { ...withSeeder(scenario, logOfNobody, logsOfProvisioned), known: [] };
    const workedAround = ["#7 inconclusive", "#8 inconclusive"];
    expect(await unmet(harmless)).toEqual(["#3", "#4", "#5", "#6", ...workedAround]);
  });

  test("opens no other transaction for what comes behind it", async () => {
    const begun = { migrations: replaced(shippedBy("0.41.7"), "commit;", "commit; begin;") };
    expect(await unmet(withRelease(scenario, "0.41.7", begun))).toEqual(["#3", "#5", "#6", "#7"]);
    const inOneMessage = { migrations: sentWhole(shippedBy("0.41.7")) };
    expect(await unmet(withRelease(scenario, "0.41.7", inOneMessage))).toEqual(["#3", "#5", "#6", "#7"]);
  });

  test("does less harm where the later one can run twice", async () => {
    const guarded = { migrations: replaced(shippedBy("0.41.7"), "drop constraint p", "drop constraint if exists p") };
    expect(await unmet(withRelease(scenario, "0.41.7", guarded))).toEqual(["#5", "#6"]);
  });

  test("is seen by the harness where no check looks at what is left", async () => {
    expect(await unmet(withoutOwnChecks(scenario))).toEqual(["#3", "#5", "#6"]);
  });
});

await onEngine("mariadb", ({ name: engine }) => {
  test("the fixes that are undone are missed here too", async () => {
    const unmended = withRelease(providersMissing, "0.41.2 mended", { boot: bootOf(until0414) });
    expect(await unmet(unmended, { engine })).toEqual(["#9"]);
    const held = withRelease(renamedProviderStays, "0.41.7", { migrations: shippedBy("0.41.2") });
    // Nowhere are logs lost any more, which the last path tells.
    expect(await unmet(held, { engine })).toEqual(["#5", "#10"]);
  });
});

/** The scenario with something else said of each path. */
function withPaths(scenario: Scenario, change: (path: UpgradePath) => UpgradePath): Scenario {
  return { ...scenario, paths: scenario.paths.map((path) => ("every" in path ? path : change(path))) };
}

function withoutOwnChecks(scenario: Scenario): Scenario {
  return withPaths(scenario, ({ check, ...path }) => path);
}

function settingsOf({ settings }: UpgradePath): Settings {
  return settings as Settings;
}

function releaseOf({ chain }: Scenario, name: string): Scenario["chain"][number] {
  const found = chain.find((release) => release.name === name);
  if (found === undefined) throw new Error(`There is no release "${name}"`);
  return found;
}

/** What a folder ships, with other words in its SQL. */
function replaced(source: SqlFolder, words: string, others: string): SqlFolder {
  return retold(source, (up) => JSON.parse(JSON.stringify(up).replaceAll(words, others)));
}

/** What a folder ships, each migration in one message. */
function sentWhole(source: SqlFolder): SqlFolder {
  return retold(source, (up) => JSON.parse(JSON.stringify(up, (key, value) => (key === "pieces" ? undefined : value))));
}

function retold(source: SqlFolder, change: (up: Migration["up"]) => Migration["up"]): SqlFolder {
  return { read: async () => (await source.read()).map(({ name, up }) => ({ name, up: change(up) })) };
}
