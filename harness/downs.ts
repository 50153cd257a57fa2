import { changeFor, type Migration } from "./chain.ts";
import type { EngineName } from "./database.ts";
import { withoutComments } from "./lexemes.ts";
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

function hasDown({ down }: Migration, engine: EngineName): boolean {
  const change = down === undefined ? undefined : changeFor(down, engine);
  if (change === undefined) return false;
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
