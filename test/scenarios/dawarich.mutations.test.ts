import { describe, expect, test } from "vitest";
import blanketAssignment from "../../scenarios/dawarich/blanket-assignment.ts";
import { pointOfTheWrongUser, pointWithoutAUser, reportNotFilledIn } from "../../scenarios/dawarich/checks.ts";
import connectionOfAnotherKind from "../../scenarios/dawarich/connection-of-another-kind.ts";
import olderDataMigration from "../../scenarios/dawarich/older-data-migration.ts";
import pointsWithoutAUser from "../../scenarios/dawarich/points-without-a-user.ts";
import { v0111, v0120, v0121 } from "../../scenarios/dawarich/releases.ts";
import twoContainers from "../../scenarios/dawarich/two-containers.ts";
import {
  anotherConnection,
  anotherConnectionWithoutAUser,
  importWithoutAUser,
  knownConnections,
  oneUserWithPoints,
  pointsAndNobody,
  pointsOfOneUser,
  pointsOfTwoUsers,
  twoUsersWithPoints,
} from "../../seeds/dawarich.ts";
import { unmet, withRelease, withSeeder } from "./mutation.ts";

const unmended = { migrations: v0111.migrations };

describe("points without a user", () => {
  const scenario = pointsWithoutAUser;

  test("stop the mended release too, once its fix is undone", async () => {
    expect(await unmet(withRelease(scenario, "0.11.1 mended", unmended))).toEqual(["#16", "#17"]);
  });

  test("are not there where nobody uses the old address", async () => {
    const idle = withRelease(withRelease(scenario, "0.4.0", { use: {} }), "0.6.0", { use: {} });
    expect(await unmet(idle)).toEqual(["#3", "#4", "#5", "#6 inconclusive", "#8"]);
  });

  test("are bound where somebody had registered", async () => {
    expect(await unmet(withSeeder(scenario, pointsAndNobody, pointsOfOneUser))).toEqual(["#9", "#10"]);
  });

  test("are not in the way where an import's points are bound", async () => {
    expect(await unmet(withSeeder(scenario, importWithoutAUser, oneUserWithPoints))).toEqual(["#12"]);
  });

  test("are seen by a check alone where no migration saves them", async () => {
    expect(await unmet({ ...scenario, check: [pointOfTheWrongUser, reportNotFilledIn] })).toEqual(["#8"]);
  });

  test("leave others half filled in without a transaction", async () => {
    expect(await unmet(withRelease(scenario, "0.11.1", { transaction: "none" }))).toEqual(["#3"]);
  });
});

describe("the blanket assignment", () => {
  const scenario = blanketAssignment;

  test("is right with one user", async () => {
    expect(await unmet(withSeeder(scenario, pointsOfTwoUsers, pointsOfOneUser))).toEqual(["#2"]);
    const one = withSeeder(scenario, twoUsersWithPoints, oneUserWithPoints);
    expect(await unmet(one)).toEqual(["#4", "#8", "#9 inconclusive"]);
  });

  test("goes unseen by a check that asks for any user", async () => {
    expect(await unmet({ ...scenario, check: [pointWithoutAUser, reportNotFilledIn] })).toEqual(["#2", "#4"]);
  });

  test("is what is left without the fix", async () => {
    expect(await unmet(withRelease(scenario, "0.11.1 mended", unmended))).toEqual(["#7", "#8"]);
  });
});

describe("two containers", () => {
  const scenario = twoContainers;

  test("are turned away by a lock that refuses, and by no other", async () => {
    const waiting = withRelease(scenario, "0.11.1", { lock: "wait" });
    expect(await unmet(waiting)).toEqual(["#2", "#3 inconclusive", "#5", "#9"]);
    const refusing = withRelease(scenario, "0.11.1 whose migrator waits", { lock: "refuse" });
    expect(await unmet(refusing)).toEqual(["#10", "#11", "#12"]);
  });

  test("do not stand in each other's way where only one of them migrates", async () => {
    const alone = { ...scenario, paths: scenario.paths.map((path) => ({ ...path, runners: 1 })) };
    expect(await unmet(alone)).toEqual(["#2", "#3 inconclusive", "#5", "#9", "#13"]);
  });

  test("come up in the end where all points have a user", async () => {
    expect(await unmet(withRelease(scenario, "0.6.0", { use: {} }))).toEqual(["#4", "#5", "#6", "#7", "#11"]);
  });
});

describe("a connection of another kind", () => {
  const scenario = connectionOfAnotherKind;

  test("stops nobody whose phones have none", async () => {
    const known = withSeeder(scenario, anotherConnection, knownConnections);
    expect(await unmet(known)).toEqual(["#2", "#3 inconclusive"]);
  });

  test("hides nothing where the point has a user", async () => {
    expect(await unmet(withSeeder(scenario, anotherConnectionWithoutAUser, anotherConnection))).toEqual(["#6"]);
  });

  test("stops the mended release too, once its fix is undone", async () => {
    expect(await unmet(withRelease(scenario, "0.11.1 mended", unmended))).toEqual(["#8", "#9"]);
  });

  test("leaves others half filled in without a transaction", async () => {
    expect(await unmet(withRelease(scenario, "0.11.1", { transaction: "none" }))).toEqual(["#2"]);
  });
});

describe("a data migration that is older than the last one shipped", () => {
  const scenario = olderDataMigration;

  test("is missed by a migrator that asks for the newest timestamp", async () => {
    expect(await unmet(withRelease(scenario, "0.12.1", { migrations: v0111.migrations }))).toEqual(["#1", "#2", "#3"]);
  });

  test("fails everywhere without the fix, and nowhere with it", async () => {
    const undone = withRelease(scenario, "0.12.1", { migrations: v0120.migrations });
    expect(await unmet(undone)).toEqual(["#1", "#2", "#3", "#4", "#9"]);
    const mended = withRelease(scenario, "0.12.0", { migrations: v0121.migrations });
    expect(await unmet(mended)).toEqual(["#5", "#6", "#7", "#8"]);
  });

  test("is not seen to hold up the other one without a check where the path ended", async () => {
    const unchecked = { ...scenario, paths: scenario.paths.map((path) => ({ ...path, check: [] })) };
    expect(await unmet(unchecked)).toEqual(["#6"]);
  });
});
