import pc from "picocolors";
import type { Plan } from "../plan.ts";
import { hopsOf, type PlannedHop } from "../planned-hops.ts";
import { toldOf } from "../rehearsal.ts";
import { nameOf, type Scenario } from "../scenario.ts";
import type { Selection } from "../selection.ts";
import { expectationInWords } from "../verdict.ts";
import { numberOf, pathInWords, remarksOn } from "./pretty.ts";

/** Scenarios, one a line: name, engines, number of paths, title; below, what is to be known of their sets. */
export function listing(scenarios: ReadonlyMap<Scenario, readonly Selection[]>): string {
  const all = [...scenarios];
  const widest = Math.max(...all.map(([scenario]) => nameOf(scenario).length));
  const rows = all.flatMap(([scenario, paths]) => {
    const { title, engines } = scenario;
    const facts = `${engines.join(", ")}, ${paths.length} ${paths.length === 1 ? "path" : "paths"}`;
    return [`${pc.bold(nameOf(scenario).padEnd(widest))}  ${title} ${pc.dim(`(${facts})`)}`, ...remarksOn(paths)];
  });
  return rows.join("\n");
}

/** A plan told before it is walked: every path, its hops, what each will run. */
export function planned(plan: Plan): string {
  const hops = hopsOf(plan);
  const behind = (name: string) => name.slice(plan.name.length);
  const rows = [...hops].flatMap(([path, hops]) => {
    const expected = pc.dim(`expected ${expectationInWords(path.expected, plan.engine)}`);
    const number = numberOf(path) === "" ? "" : `${numberOf(path)}  `;
    const told = hops.map((hop) => (hop.walkedBy === undefined ? hop : { ...hop, walkedBy: behind(hop.walkedBy) }));
    return [`  ${number}${pathInWords(toldOf(path.source))}  ${expected}`, ...told.flatMap(hopRows)];
  });
  const all = [...hops.values()].flat();
  const walked = all.filter(({ walkedBy }) => walkedBy === undefined).length;
  const title = `${pc.bold(plan.name)}  ${plan.scenario.title}  ${pc.dim(`(${plan.engine})`)}`;
  return [
    title,
    ...remarksOn(plan.selected),
    ...rows,
    pc.dim(`  ${all.length} hops in ${plan.paths.length} paths, ${walked} walked`),
  ].join("\n");
}

function hopRows({ from, to, pending, refusal, walkedBy }: PlannedHop): readonly string[] {
  const walked = walkedBy === undefined ? "" : pc.dim(`  walked with ${walkedBy}`);
  const first = `      ${from ?? "∅"} → ${to}${walked}`;
  if (refusal !== undefined) return [first, pc.yellow(`        ${refusal}`)];
  if (pending.length === 0) return [first, pc.dim("        nothing is pending")];
  return [first, ...pending.map((name) => `        ${name}`)];
}
