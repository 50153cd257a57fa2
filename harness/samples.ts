import { changeFor, type Migration, type Release } from "./chain.ts";
import type { EngineName } from "./database.ts";
import { withoutComments } from "./lexemes.ts";
import { isSet, type Scenario } from "./scenario.ts";

/** Some releases of a chain, and how they were found. */
export interface Sampled {
  /** In the order of the chain. */
  readonly releases: readonly string[];
  /** How many there were to choose from. */
  readonly of: number;
  /** How many of those that were chosen touch data, and of all. */
  readonly touching: number;
  readonly ofTouching: number;
}

/** Of each chain the releases that brought a migration which touches data. */
const touched = new WeakMap<readonly Release[], ReadonlySet<string>>();

/** Reads what the releases of a chain do to data, where one of its scenario's sets is sampled: before its paths are asked for. */
export async function readSamples({ chain, paths, engines: [engine = "postgres"] = [] }: Scenario): Promise<void> {
  // What is no chain, and what are no paths, is refused by others.
  if (!Array.isArray(chain) || !Array.isArray(paths) || touched.has(chain)) return;
  if (!paths.some((path) => isSet(path) && path.sample !== undefined)) return;
  touched.set(chain, await thoseThatTouchData(chain, engine));
}

/**
 * So many of these releases: the oldest and the newest of them, up to half by what touches data, and the rest where the gap between
 * two is widest.
 */
export function sampleOf(chain: readonly Release[], releases: readonly string[], most = releases.length): Sampled {
  const touching = touched.get(chain);
  if (touching === undefined) throw new Error("readSamples() comes before a sample");
  const places = releases.flatMap((name, i) => (touching.has(name) ? [i] : []));
  const ends = [0, releases.length - 1].slice(0, most);
  const half = Math.max(0, Math.floor(most / 2) - ends.length);
  const taken = spreadOver(places, half);
  const chosen = filled([...new Set([...ends, ...taken])].sort(byNumber), most);
  const isTouching = new Set(places);
  return {
    releases: chosen.flatMap((i) => releases[i] ?? []),
    of: releases.length,
    touching: chosen.filter((i) => isTouching.has(i)).length,
    ofTouching: places.length,
  };
}

/** So many of them, from the first to the last, at equal distances. */
function spreadOver(places: readonly number[], most: number): readonly number[] {
  if (places.length <= most) return places;
  return Array.from({ length: most }, (_, i) => places[Math.floor((i * places.length) / most)] ?? 0);
}

/** Adds the middle of the widest gap until there are enough. */
function filled(places: readonly number[], most: number): readonly number[] {
  const all = [...places];
  while (all.length < most) {
    let widest = 0;
    for (let i = 1; i < all.length - 1; i++) if (gapAt(all, i) > gapAt(all, widest)) widest = i;
    if (gapAt(all, widest) < 2) return all;
    all.splice(widest + 1, 0, (all[widest] ?? 0) + Math.floor(gapAt(all, widest) / 2));
  }
  return all;
}

function gapAt(places: readonly number[], i: number): number {
  return (places[i + 1] ?? 0) - (places[i] ?? 0);
}

function byNumber(a: number, b: number): number {
  return a - b;
}

async function thoseThatTouchData(chain: readonly Release[], engine: EngineName): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  const touching = new Set<string>();
  let before: readonly Migration[] = [];
  for (const { name, migrations, insteadOf } of chain) {
    if (insteadOf !== undefined) continue;
    // One after the other: a release holds all that those before it shipped.
    const read = "read" in migrations ? await migrations.read(engine) : migrations;
    const shipped = "migrations" in read ? read.migrations : read;
    for (const [i, migration] of shipped.entries()) {
      // Of most releases all but the last are what the one before shipped.
      if (migration === before[i] || seen.has(migration.name)) continue;
      seen.add(migration.name);
      if (touchesData(migration, engine)) touching.add(name);
    }
    before = shipped;
  }
  return touching;
}

/** Whether a migration changes rows, or drops what holds some; code may do anything, and so may what is too large to be held. */
export function touchesData({ up }: Migration, engine: EngineName): boolean {
  const change = changeFor(up, engine);
  if (change === undefined) return false;
  if (typeof change === "function") return true;
  if (typeof change === "object" && typeof change.pieces === "function") return true;
  const sql = typeof change === "string" ? change : change.sql;
  // Most say nothing of the kind, not even in a comment: the others are looked at closely.
  return signs.test(sql) && signs.test(withoutComments(sql, engine));
}

const signs = new RegExp(
  [
    String.raw`(?<!\b(?:on|for|before|after|or|key|of|instead)\s+)\bupdate\s+(?!on\b|cascade\b|restrict\b|set\b|no\b|of\b)[^;]*?\bset\b`,
    String.raw`\bdelete\s+(?:(?:low_priority|quick|ignore|[\w${"`"}."]+)\s+)*from\b`,
    String.raw`\binsert\s+(?:\w+\s+)*?into\b[^;]*?\bselect\b`,
    String.raw`\breplace\s+into\b|\bmerge\s+into\b|\btruncate\b(?!\s*\()`,
    String.raw`\bdrop\s+(?:table|column)\b`,
    String.raw`\balter\s+table\b[^;]*?\bdrop\s+(?!(?:constraint|index|key|primary|foreign|check|default|not|identity|expression|partition)\b)["${"`"}\w]`,
    String.raw`\balter\s+(?:column\s+)?["${"`"}\w]+\s+(?:set\s+data\s+)?type\b`,
    String.raw`\b(?:modify|change)\s+(?:column\s+)?["${"`"}\w]+\s`,
  ].join("|"),
  "i",
);
