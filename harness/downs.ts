import { changeFor, type Migration } from "./chain.ts";
import type { EngineName } from "./database.ts";
import { withoutComments } from "./lexemes.ts";
import type { PlannedMigration } from "./planned-release.ts";
import type { Shipped, ShippedChange } from "./shipped-change.ts";

/** Migrations that cannot be taken back in a chain where others can, and downs that take nothing back: told once each. */
export function downsLacking(
  { release, engine, shipment }: Shipped,
  earlier: Shipped | undefined,
): readonly ShippedChange[] {
  const { migrations } = shipment;
  const reversible = migrations.filter((one) => hasDown(one, engine)).length;
  const before = new Map(earlier?.shipment.migrations.map((one) => [one.name, one]));
  return migrations.flatMap((one): ShippedChange[] => {
    const facts = { release, migration: one.name };
    const was = before.get(one.name);
    if (isLoneDown(one, engine)) {
      const message = `"${one.name}" has a way down and none up: ${release} ships nothing that it takes back`;
      return was !== undefined && isLoneDown(was, engine) ? [] : [{ code: "down-unpaired", ...facts, message }];
    }
    // What is run again whenever it changed has no way down in any tool.
    if (reversible === 0 || hasDown(one, engine) || one.recordedAs?.again !== undefined) return [];
    const lost = was !== undefined && hasDown(was, engine);
    if (was !== undefined && !lost) return [];
    const what = one.down === undefined ? "has no way down" : "has an empty way down";
    const others = `${reversible} of ${migrations.length} have one`;
    const message = lost
      ? `"${one.name}" ${what} in ${release}, and had one in ${earlier?.release}`
      : `"${one.name}" ${what} in ${release}, where ${others}`;
    return [{ code: "down-missing", ...facts, message }];
  });
}

/** Whether there is something that takes it back, empty as it may be. */
export function hasWayBack(migration: PlannedMigration): boolean {
  return migration.down !== undefined && !isRunAgain(migration);
}

/** What runs again, in every hop or whenever it has changed, is taken back by no tool. */
export function isRunAgain({ recordedAs }: PlannedMigration): boolean {
  return recordedAs?.again !== undefined;
}

/** Whether its way back is there and says nothing. */
export function saysNothing({ down }: PlannedMigration, engine: EngineName): boolean {
  return down !== undefined && !isSomething(down, engine);
}

function hasDown({ down }: Migration, engine: EngineName): boolean {
  const change = down === undefined ? undefined : changeFor(down, engine);
  return change !== undefined && isSomething(change, engine);
}

function isSomething(change: PlannedMigration["change"], engine: EngineName): boolean {
  if (typeof change === "function") return true;
  const { sql, pieces = undefined } = typeof change === "string" ? { sql: change } : change;
  return typeof pieces === "function" || withoutComments(sql, engine).trim() !== "";
}

/** Formats whose tools allow it give such a file as a migration that does nothing on the way up. */
function isLoneDown({ up, down }: Migration, engine: EngineName): boolean {
  const [there, back] = [changeFor(up, engine), down === undefined ? undefined : changeFor(down, engine)];
  if (typeof there !== "object" || typeof back !== "object") return false;
  return there.file === back.file && there.sql === "" && there.within === undefined && there.pieces?.length === 0;
}
