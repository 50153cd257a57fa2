import { relative } from "node:path";
import type { Plan } from "../plan.ts";
import { hopsOf } from "../planned-hops.ts";
import { type Rehearsal, type Rehearsals, toldOf } from "../rehearsal.ts";
import { nameOf, type Scenario } from "../scenario.ts";
import type { Selection } from "../selection.ts";
import type { Finding } from "../verdict.ts";

/** The whole run as one document; its form is described in the README and numbered. */
export function json({ rehearsals, ...run }: Rehearsals): string {
  const { seed, ...counts } = run;
  return JSON.stringify({ format: 1, seed, rehearsals: rehearsals.map(plain), ...counts }, undefined, 2);
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

function plain(rehearsal: Rehearsal): object {
  const { verdict } = rehearsal;
  return {
    ...rehearsal,
    verdict: { ...verdict, findings: verdict.findings.map(located), notes: verdict.notes.map(located) },
  };
}

/** A finding's place is told by file, line and statement; the file's text is for frames. */
function located({ place, ...finding }: Finding): object {
  if (place === undefined) return finding;
  const { file, line, statement } = place;
  return { ...finding, ...(file !== undefined && { file: relative(process.cwd(), file) }), line, statement };
}
