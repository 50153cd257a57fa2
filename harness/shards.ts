import type { EngineName } from "./database.ts";
import { HarnessError } from "./errors.ts";
import { nameOf, type Scenario, stopsOf } from "./scenario.ts";
import { onEngines, type Selection } from "./selection.ts";

/** Which part of a run this is: the `index`-th of `count`, counted from 1. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** A part of a run, as documents tell it. */
export interface ShardOf extends Shard {
  /** Names of all paths of the whole run, in order: by them the parts are put together. */
  readonly paths: readonly string[];
}

/** @throws {HarnessError} `bad-input` for what is no part of anything */
export function parseShard(text: string): Shard {
  const [, index, count] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (shard.index >= 1 && shard.index <= shard.count) return shard;
  const way = "it is <i>/<n>, as in 1/4: the first of four parts";
  throw new HarnessError("bad-input", `Cannot take the part "${text}" of a run: ${way}`);
}

interface Taking extends Shard {
  /** Only these engines are asked for; unless said, those that scenarios name. */
  readonly engines?: readonly EngineName[] | undefined;
}

/**
 * The part of a run that one machine of several walks. Paths that begin alike share states and stay together, on each
 * engine by themselves; of these units each goes where the fewest hops are, the biggest first. So every machine comes to the
 * same parts without asking another.
 */
export function shardOf(
  selected: ReadonlyMap<Scenario, readonly Selection[]>,
  { index, count, engines }: Taking,
): ReadonlyMap<Scenario, readonly Selection[]> {
  const loads = Array.from({ length: count }, () => 0);
  const ours = new Set<string>();
  for (const { key, hops } of unitsOf(selected, engines).toSorted(byHops)) {
    const lightest = loads.indexOf(Math.min(...loads));
    loads[lightest] = (loads[lightest] ?? 0) + hops;
    if (lightest === index - 1) ours.add(key);
  }
  const part = new Map<Scenario, readonly Selection[]>();
  for (const [scenario, selections] of selected) {
    const here = selections.flatMap((selection): readonly Selection[] => {
      const all = enginesOf(scenario, selection, engines);
      const own = all.filter((engine) => ours.has(keyOf(scenario, selection, engine)));
      if (own.length === 0) return [];
      return [own.length === all.length ? selection : { ...selection, path: onEngines(selection.path, own) }];
    });
    if (here.length > 0) part.set(scenario, here);
  }
  return part;
}

/** What is to be told of a part, so that it can be put together with the others. */
export function toldShard(selected: ReadonlyMap<Scenario, readonly Selection[]>, { index, count }: Shard): ShardOf {
  return { index, count, paths: [...selected.values()].flatMap((selections) => selections.map(({ name }) => name)) };
}

interface Unit {
  readonly key: string;
  readonly hops: number;
}

/** The most first; of as many, those whose keys come first, however the machine lists files. */
function byHops(a: Unit, b: Unit): number {
  return b.hops - a.hops || (a.key < b.key ? -1 : 1);
}

function unitsOf(
  selected: ReadonlyMap<Scenario, readonly Selection[]>,
  engines: readonly EngineName[] | undefined,
): readonly Unit[] {
  const hops = new Map<string, Set<string>>();
  for (const [scenario, selections] of selected) {
    for (const selection of selections) {
      const stops = stopsOf(selection.path);
      for (const engine of enginesOf(scenario, selection, engines)) {
        const key = keyOf(scenario, selection, engine);
        const known = hops.get(key) ?? new Set();
        hops.set(key, known);
        // Equal beginnings are walked once; every stop of a path is the end of a hop.
        for (const i of stops.keys()) known.add(JSON.stringify(stops.slice(0, i + 1)));
      }
    }
  }
  return [...hops].map(([key, { size }]) => ({ key, hops: size }));
}

function enginesOf(
  scenario: Scenario,
  { path }: Selection,
  asked: readonly EngineName[] | undefined,
): readonly EngineName[] {
  return (path.engines ?? scenario.engines).filter((engine) => asked?.includes(engine) ?? true);
}

/** A fresh install of a release is what paths from it begin with. */
function keyOf(scenario: Scenario, { path }: Selection, engine: EngineName): string {
  return JSON.stringify([nameOf(scenario), engine, stopsOf(path)[0]]);
}
