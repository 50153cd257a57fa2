import { type Migration, type Scenario, startAgain, type Task, type Tasks } from "migration-sandbox";
import { describe, expect, test } from "vitest";
import columnAddedByHand from "../../scenarios/devlake/column-added-by-hand.ts";
import connectionCannotBeDeleted from "../../scenarios/devlake/connection-cannot-be-deleted.ts";
import { deleteConnection, idOf, usedUntilBeta5, usedWith } from "../../scenarios/devlake/connections.ts";
import halfADelete from "../../scenarios/devlake/half-a-delete.ts";
import modelsAheadOfTheirTables from "../../scenarios/devlake/models-ahead-of-their-tables.ts";
import opsgenieConnectionCannotBeDeleted from "../../scenarios/devlake/opsgenie-connection-cannot-be-deleted.ts";
import scopeConfigsDropped from "../../scenarios/devlake/scope-configs-dropped.ts";
import scopeConfigsOutOfReach from "../../scenarios/devlake/scope-configs-out-of-reach.ts";
import { opsgenieFix, pagerdutyFix, shipped, until } from "../../scenarios/devlake/shipped.ts";
import {
  oneRule,
  oneScopeConfig,
  rulesOfNoService,
  threeRules,
  twoConnections,
  twoScopeConfigs,
} from "../../seeds/devlake.ts";
import { unmet, withRelease, withSeeder } from "./mutation.ts";

const numbers = (...them: readonly number[]) => them.map((n) => `#${n}`);
const scopeConfigs = "_tool_pagerduty_scope_configs";
const unmended = { migrations: shipped(until["0.20.0"]) };
const mended = { migrations: shipped(until["0.20.0"], pagerdutyFix) };

describe.concurrent("connection-cannot-be-deleted", () => {
  const scenario = connectionCannotBeDeleted;

  test("needs the fix at 1.0.0", async () => {
    expect(await unmet(withRelease(scenario, "1.0.0", unmended))).toEqual(numbers(5, 10, 11, 12, 13));
  });

  test("needs the column to be missing at beta6, and code that uses it", async () => {
    const wanted = [...numbers(4, 6, 7, 8, 9, 13), "#14 inconclusive", "#15 inconclusive"];
    expect(await unmet(withRelease(scenario, "1.0.0-beta6", mended))).toEqual(wanted);
    expect(await unmet(withRelease(scenario, "1.0.0-beta6", { use: usedUntilBeta5 }))).toEqual(wanted);
  });

  test("tells a delete that deletes nothing, and one that deletes too much", async () => {
    const nothing = usedWith(async () => {});
    expect(await unmet(withRelease(scenario, "1.0.0", { use: nothing }))).toEqual(numbers(5, 10, 11, 12, 13));
    const everything = usedWith((db) => db("_tool_pagerduty_connections").delete());
    expect(await unmet(withRelease(scenario, "1.0.0", { use: everything }))).toEqual(["#12"]);
  });

  test("needs its check to see that a failed delete took nothing with it", async () => {
    expect(await unmet(unchecked(scenario))).toEqual(numbers(4, 6, 7, 8, 9, 14));
  });

  test("needs the column, and not just another start, to work around it", async () => {
    const paths = scenario.paths.map((path) => ("workaround" in path ? { ...path, workaround: startAgain } : path));
    expect(await unmet({ ...scenario, paths })).toEqual(["#15"]);
  });

  test("does not depend on rows", async () => {
    expect(await unmet(withSeeder(scenario, twoScopeConfigs, twoConnections))).toEqual([]);
  });
});

describe.concurrent("half-a-delete", () => {
  const [inTransaction, alone, scopeConfigsFirst] = [
    "1.0.0-beta6",
    "1.0.0-beta6, no transaction",
    "1.0.0-beta6, scope configs first",
  ] as const;
  const use = (name: string): Tasks => halfADelete.chain.find((release) => release.name === name)?.use ?? {};

  test("needs the column to be missing, and its fix at 1.0.0", async () => {
    expect(await unmet(withRelease(halfADelete, inTransaction, mended))).toEqual(["#1"]);
    expect(await unmet(withRelease(halfADelete, alone, mended))).toEqual(["#2"]);
    expect(await unmet(withRelease(halfADelete, scopeConfigsFirst, mended))).toEqual(["#3"]);
    expect(await unmet(withRelease(halfADelete, "1.0.0", unmended))).toEqual(["#4"]);
    expect(await unmet(withRelease(halfADelete, "1.0.0, no transaction", unmended))).toEqual(["#5"]);
  });

  for (const engine of ["postgres", "mariadb"] as const) {
    test(`tells who commits, and in which order, on ${engine}`, async () => {
      expect(await unmet(withRelease(halfADelete, inTransaction, { use: use(alone) }), { engine })).toEqual(["#1"]);
      expect(await unmet(withRelease(halfADelete, alone, { use: use(inTransaction) }), { engine })).toEqual(["#2"]);
      expect(await unmet(withRelease(halfADelete, scopeConfigsFirst, { use: use(alone) }), { engine })).toEqual(["#3"]);
    });
  }

  test("needs its check", async () => {
    expect(await unmet(unchecked(halfADelete))).toEqual(["#2"]);
  });
});

describe.concurrent("column-added-by-hand", () => {
  test("needs the fix to bring the index", async () => {
    const indexless = {
      ...pagerdutyFix,
      up: `alter table ${scopeConfigs} add column if not exists connection_id bigint`,
    };
    const release = { migrations: shipped(until["0.20.0"], indexless) };
    expect(await unmet(withRelease(columnAddedByHand, "1.0.0", release))).toEqual(numbers(2, 3, 4));
  });

  test("needs the fix to bring an unsigned column where it is missing, on mariadb", async () => {
    const signed: Migration["up"] = (db) =>
      db.schema.alterTable(scopeConfigs, (table) => {
        table.bigInteger("connection_id").index();
      });
    const release = { migrations: shipped(until["0.20.0"], { ...pagerdutyFix, up: signed }) };
    expect(await unmet(withRelease(columnAddedByHand, "1.0.0", release), { engine: "mariadb" })).toEqual(
      numbers(2, 3, 4, 5),
    );
  });

  test("needs the operator to add an unsigned one too, on mariadb", async () => {
    const signed: Task = async ({ db }) => {
      await db.raw(`alter table ${scopeConfigs} add column connection_id bigint`);
    };
    const paths = columnAddedByHand.paths.map((path) =>
      "workaround" in path && path.to === "1.0.0" ? { ...path, workaround: signed } : path,
    );
    expect(await unmet({ ...columnAddedByHand, paths }, { engine: "mariadb" })).toEqual(["#5"]);
  });

  test("needs the operator's hand and its check", async () => {
    const untouched = withRelease(columnAddedByHand, "1.0.0-beta6 mended by hand", { use: {} });
    expect(await unmet(untouched, { engine: "mariadb" })).toEqual(["#2"]);
    expect(await unmet(unchecked(columnAddedByHand))).toEqual(["#1"]);
    expect(await unmet(unchecked(columnAddedByHand), { engine: "mariadb" })).toEqual(numbers(1, 2));
  });
});

describe.concurrent("scope-configs-dropped", () => {
  const scenario = scopeConfigsDropped;

  test("needs the drop", async () => {
    const kept = scenario.chain.find(({ name }) => name === "0.18.0 without its last script")?.migrations ?? [];
    expect(await unmet(withRelease(scenario, "0.18.0", { migrations: kept }))).toEqual(numbers(2, 3, 4, 8, 9));
    const dropped = { migrations: shipped(until["0.18.0"]) };
    expect(await unmet(withRelease(scenario, "0.18.0 without its last script", dropped))).toEqual(["#5"]);
  });

  test("needs rules, and services that use them", async () => {
    expect(await unmet(withSeeder(scenario, oneRule, twoConnections))).toEqual(numbers(2, 7, 8));
    expect(await unmet(withSeeder(scenario, oneRule, rulesOfNoService))).toEqual(numbers(2, 7, 8));
    expect(await unmet(withSeeder(scenario, threeRules, rulesOfNoService))).toEqual(["#3"]);
    expect(await unmet(withSeeder(scenario, rulesOfNoService, twoConnections))).toEqual(numbers(4, 9));
    expect(await unmet(withSeeder(scenario, twoConnections, oneRule))).toEqual(numbers(1, 6));
  });

  test("needs a scope config made anew to take the number of an old one", async () => {
    const { seeds: _, ...seedless } = scenario;
    expect(await unmet(seedless)).toEqual(["#8"]);
  });

  test("needs its check", async () => {
    expect(await unmet(unchecked(scenario))).toEqual(numbers(2, 3, 7, 8));
  });
});

describe.concurrent("scope-configs-out-of-reach", () => {
  const scenario = scopeConfigsOutOfReach;
  const use = scenario.chain.find(({ name }) => name === "1.0.0")?.use ?? {};
  const { "each connection is given a scope config": giving = startAgain } = use;
  const deletingWith = (sql: string): Tasks => ({
    "each connection is given a scope config": giving,
    "delete the connection of Payments": async ({ db }) => {
      const id = await idOf(db, { plugin: "pagerduty", name: "Payments on-call" });
      await db("_tool_pagerduty_connections").where({ id }).delete();
      await db.raw(sql.replace(":id", String(id)));
    },
  });

  test("needs scope configs from before the fix", async () => {
    expect(await unmet(withSeeder(scenario, oneScopeConfig, twoConnections))).toEqual(["#2"]);
    expect(await unmet(withSeeder(scenario, twoScopeConfigs, twoConnections))).toEqual(["#3"]);
  });

  test("would be clean had the fix removed what belongs to nobody", async () => {
    const removing: Migration = { name: "20240614104001_remove", up: `delete from ${scopeConfigs}` };
    const release = { migrations: shipped(until["0.20.0"], pagerdutyFix, removing) };
    // It would lose rows instead.
    expect(await unmet(withRelease(scenario, "1.0.0", release))).toEqual(numbers(2, 3));
  });

  test("needs the fix", async () => {
    expect(await unmet(withRelease(scenario, "1.0.0", unmended))).toEqual([
      "#1 inconclusive",
      "#2 inconclusive",
      "#3 inconclusive",
    ]);
  });

  test("tells a delete that leaves scope configs behind, and one that takes those of others", async () => {
    const none = deletingWith(`delete from ${scopeConfigs} where connection_id = -:id`);
    expect(await unmet(withRelease(scenario, "1.0.0", { use: none }))).toEqual(numbers(1, 2, 3));
    const all = deletingWith(`delete from ${scopeConfigs} where connection_id > 0`);
    expect(await unmet(withRelease(scenario, "1.0.0", { use: all }))).toEqual(numbers(1, 2, 3));
    const own = deletingWith(`delete from ${scopeConfigs} where connection_id = :id`);
    expect(await unmet(withRelease(scenario, "1.0.0", { use: own }))).toEqual([]);
  });

  test("needs its check", async () => {
    expect(await unmet(unchecked(scenario))).toEqual(numbers(2, 3));
  });
});

describe.concurrent("models-ahead-of-their-tables", () => {
  const scenario = modelsAheadOfTheirTables;
  const folders = until["0.20.0 with opsgenie"];

  test("needs both fixes, of which each mends one", async () => {
    const release = (...fixes: readonly Migration[]) => ({ migrations: shipped(folders, ...fixes) });
    expect(await unmet(withRelease(scenario, "1.0.0", release(pagerdutyFix)))).toEqual(numbers(6, 7));
    expect(await unmet(withRelease(scenario, "1.0.0", release(opsgenieFix)))).toEqual(numbers(6, 7));
    const alone = "1.0.0 with #7617 alone";
    expect(await unmet(withRelease(scenario, alone, release(opsgenieFix)))).toEqual(numbers(4, 5));
    expect(await unmet(withRelease(scenario, alone, release(pagerdutyFix, opsgenieFix)))).toEqual(numbers(4, 5));
  });

  test("needs models to be told", async () => {
    expect(await unmet(withRelease(scenario, "0.20.0", { model: {} }))).toEqual(numbers(2, 3));
    expect(await unmet(withRelease(scenario, "1.0.0 with #7617 alone", { model: {} }))).toEqual(numbers(4, 5));
  });

  test("tells a table as 0.17.0 had it from what became of it", async () => {
    const later = scenario.chain.find(({ name }) => name === "1.0.0")?.model ?? {};
    expect(await unmet(withRelease(scenario, "0.17.0", { model: later }))).toEqual(["#1"]);
  });
});

describe.concurrent("opsgenie-connection-cannot-be-deleted", () => {
  const scenario = opsgenieConnectionCannotBeDeleted;
  const folders = until["0.20.0 with opsgenie"];
  const alone = "1.0.0 with #7617 alone";

  test("needs both fixes at 1.0.0, and one of them to be missing before", async () => {
    const release = (...fixes: readonly Migration[]) => ({ migrations: shipped(folders, ...fixes) });
    expect(await unmet(withRelease(scenario, "1.0.0", release(pagerdutyFix)))).toEqual(numbers(3, 4));
    expect(await unmet(withRelease(scenario, "1.0.0", release(opsgenieFix)))).toEqual(numbers(3, 4));
    expect(await unmet(withRelease(scenario, alone, release(opsgenieFix)))).toEqual(numbers(1, 2));
    expect(await unmet(withRelease(scenario, alone, release(pagerdutyFix, opsgenieFix)))).toEqual(numbers(1, 2));
  });

  test("needs somebody who deletes an opsgenie connection", async () => {
    expect(await unmet(withRelease(scenario, alone, { use: usedWith(deleteConnection) }))).toEqual(numbers(1, 2));
  });

  test("needs its check", async () => {
    expect(await unmet(unchecked(scenario))).toEqual(numbers(1, 2));
  });
});

/** The scenario with nobody looking at what came out, beyond what is always looked at. */
function unchecked({ check: _, ...scenario }: Scenario): Scenario {
  const paths = scenario.paths.map((path) => {
    if (!("check" in path)) return path;
    const { check: _, ...rest } = path;
    return rest;
  });
  return { ...scenario, paths };
}
