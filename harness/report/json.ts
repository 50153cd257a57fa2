import { relative } from "node:path";
import type { Plan } from "../plan.ts";
import { hopsOf } from "../planned-hops.ts";
import { type Rehearsals, toldOf } from "../rehearsal.ts";
import { nameOf, type Scenario } from "../scenario.ts";
import type { Selection } from "../selection.ts";
import type { ShardOf } from "../shards.ts";
import type { Finding } from "../verdict.ts";
import { matricesOf } from "./matrix.ts";

/** The whole run as one document, or a part of it; its form is described in the README and numbered. */
export function json({ rehearsals, seed, ...more }: Rehearsals, shard: ShardOf | null = null): string {
  const document = { format: 1, seed, shard, rehearsals, ...more, matrices: matricesOf(rehearsals) };
  return JSON.stringify(document, located, 2);
}

/** Scenarios without their functions. */
export function listingJson(scenarios: ReadonlyMap<Scenario, readonly Selection[]>): string {
  const told = [...scenarios].map(([scenario, paths]) => {
    const { title, source, engines, chain } = scenario;
    return {
      name: nameOf(scenario),
      title,
      source,
      engines,
      chain: chain.map(({ name }) => name),
      paths: paths.length,
    };
  });
  return JSON.stringify({ format: 1, scenarios: told }, undefined, 2);
}

/** What would be walked, hop by hop. */
export function plansJson(plans: readonly Plan[]): string {
  const told = plans.map((plan) => {
    const paths = [...hopsOf(plan)].map(([{ name, source, expected }, hops]) => {
      return { name, ...toldOf(source), expected, hops };
    });
    return { scenario: plan.name, engine: plan.engine, paths };
  });
  return JSON.stringify({ format: 1, plans: told }, undefined, 2);
}

/** A finding's place is told by file, line, character and statement; the file's text is for frames. */
function located(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("place" in value)) return value;
  const { place, ...finding } = value as Finding;
  if (place === undefined) return finding;
  const { file, line, column, statement } = place;
  return {
    ...finding,
    ...(file !== undefined && { file: relative(process.cwd(), file) }),
    line,
    character: column,
    statement,
  };
}
