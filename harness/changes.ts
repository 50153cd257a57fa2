import { type Counterpart, counterparts, doSame, type Known, knownOf } from "./counterparts.ts";
import { downsLacking } from "./downs.ts";
import {
  type Between,
  isLate,
  lateFate,
  renamedFate,
  replacedFate,
  runAgainFate,
  type Standing,
  toolOf,
} from "./fates.ts";
import type { Shipped, ShippedChange } from "./shipped-change.ts";

/** A change without what is said of it. */
type Facts = Pick<ShippedChange, "release" | "migration" | "since" | "file">;

/** What changed under the releases of a chain, each compared with the one before it, and the downs that they lack. */
export async function changesOver(chain: readonly Shipped[]): Promise<readonly ShippedChange[]> {
  const changes: ShippedChange[] = [];
  for (const [i, shipped] of chain.entries()) {
    const earlier = chain[i - 1];
    if (earlier !== undefined) changes.push(...(await changesBetween(earlier, shipped)));
    changes.push(...downsLacking(shipped, earlier));
  }
  return changes;
}

/** What became in a later release of the migrations that an earlier one ships, and what came too late for it. */
export async function changesBetween(earlier: Shipped, later: Shipped): Promise<readonly ShippedChange[]> {
  const at: Between = { earlier, later, tool: toolOf(later.shipment) };
  const [before, after] = await Promise.all([
    knownOf(earlier.shipment.migrations, later.engine),
    knownOf(later.shipment.migrations, later.engine),
  ]);
  const { pairs, gone, added } = counterparts(before, after);
  // What is run again whenever it changed stands behind the others, and nothing is late for it.
  const kept = pairs.filter(({ was, is }) => was.id === is.id && is.migration.recordedAs?.again === undefined);
  const newest = kept.reduce<Known | undefined>(
    (last, { is }) => (last && last.order >= is.order ? last : is),
    undefined,
  );
  const told = pairs.flatMap((pair) => changeOf(pair, { ...at, newest }));
  const removed = gone.map((was) => removedFrom(was, at));
  const late = added.flatMap((is) => lateIn(is, { ...at, newest }));
  return [...told, ...removed, ...late];
}

function changeOf({ was, is, by }: Counterpart, at: Standing): readonly ShippedChange[] {
  const same = doSame(was, is, at.later.engine);
  const facts = factsOf(is, at);
  const called = { ...facts, before: was.name };
  const [there, here] = [at.earlier.release, at.later.release];
  const edited = same === true ? "" : typeof same === "string" ? `, with other ${same}` : ", with another content";
  if (by === "number" && same === false) {
    const message = `"${was.name}" of ${there} made way for "${is.name}" under the same number; ${replacedFate(was, is, at)}`;
    return [{ code: "migration-replaced", ...called, message }];
  }
  if (!sameNumber(was, is) || isRestamped(was, is)) {
    const code = isStamp(was) && isStamp(is) ? "migration-restamped" : "migration-renumbered";
    const what = was.name === is.name ? `"${is.name}" has another stamp in ${here} than in ${there}` : undefined;
    const message = `${what ?? `"${was.name}" of ${there} is "${is.name}" in ${here}`}${edited}; ${runAgainFate(is, at)}`;
    return [{ code, ...called, message }];
  }
  if (was.name !== is.name) {
    const message = `"${was.name}" of ${there} is called "${is.name}" in ${here}${edited}; ${renamedFate(was, is, at)}`;
    return [{ code: "migration-renamed", ...called, message }];
  }
  if (same === true || is.migration.recordedAs?.again !== undefined) return [];
  return [editedIn({ was, is, same }, at)];
}

function editedIn(
  { was, is, same }: { readonly was: Known; readonly is: Known; readonly same: false | string },
  at: Between,
): ShippedChange {
  const { migrator } = at.later.shipment;
  const [there, here] = [at.earlier.release, at.later.release];
  const facts = { code: "migration-edited" as const, ...factsOf(is, at) };
  // Some checksums take no notice of line ends.
  const [x, y] = [was.migration.recordedAs?.checksum, is.migration.recordedAs?.checksum];
  const noticed = migrator?.edited === "refuse" && !(x !== undefined && x === y);
  if (same !== false && !noticed) {
    const message = `"${is.name}" differs between ${there} and ${here} by ${same} alone`;
    return { ...facts, harmless: true, message };
  }
  const how = same === false ? firstDifference(was, is) : `by ${same} alone`;
  const fate = noticed
    ? `${at.tool} refuses to go on where ${there} was installed`
    : `it is not run again where ${there} was installed, which differs from a fresh install then`;
  return { ...facts, message: `"${is.name}" reads otherwise in ${here} than in ${there}, ${how}; ${fate}` };
}

function firstDifference(was: Known, is: Known): string {
  if (was.line === undefined || is.line === undefined) return "somewhere in a file too large to be compared by lines";
  const [before, after] = [was, is].map(({ texts }) => (texts[0] ?? "").split("\n"));
  const line = after?.findIndex((text, i) => text !== before?.[i]) ?? -1;
  // Its end is missing.
  return `from line ${is.line + (line < 0 ? (after?.length ?? 1) - 1 : line)} on`;
}

function removedFrom(was: Known, at: Between): ShippedChange {
  const fate =
    at.later.shipment.migrator?.removed === "refuse"
      ? `${at.tool} refuses to go on where it was applied`
      : "a fresh install lacks what it did";
  const message = `"${was.name}" was shipped by ${at.earlier.release}, and ${at.later.release} does not ship it; ${fate}`;
  const { file, ...facts } = factsOf(was, at);
  return { code: "migration-removed", ...facts, message };
}

function lateIn(is: Known, at: Standing): readonly ShippedChange[] {
  if (!isLate(is, at) || is.migration.recordedAs?.again !== undefined) return [];
  const where = `is new in ${at.later.release} and comes before "${at.newest?.name}", which ${at.earlier.release} ships`;
  const message = `"${is.name}" ${where}; ${lateFate(at)}`;
  return [{ code: "migration-late", ...factsOf(is, at), message }];
}

function factsOf({ name, file }: Known, { earlier, later }: Between): Facts {
  return { release: later.release, migration: name, since: earlier.release, ...(file !== undefined && { file }) };
}

function sameNumber(was: Known, is: Known): boolean {
  return was.number === is.number;
}

/** Drizzle's journal keeps a migration's name when it is given another time. */
function isRestamped(was: Known, is: Known): boolean {
  return was.name === is.name && was.id !== is.id && isStamp(was) && isStamp(is);
}

/** A moment, rather than a number that was counted. */
function isStamp({ number = "", id }: Known): boolean {
  return /^\d{10,}$/.test(number) || /^\d{10,}$/.test(id);
}
