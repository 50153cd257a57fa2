import pc from "picocolors";
import type { Plan } from "../plan.ts";
import { hopsOf, type PlannedHop } from "../planned-hops.ts";
import { toldOf } from "../rehearsal.ts";
import { nameOf, type Scenario } from "../scenario.ts";
import { expectationInWords } from "../verdict.ts";
import { numberOf, pathInWords } from "./pretty.ts";

/** Scenarios, one a line: name, engines, number of paths, title. */
export function listing(scenarios: readonly Scenario[]): string {
  const widest = Math.max(...scenarios.map((scenario) => nameOf(scenario).length));
  const row = (scenario: Scenario) => {
    const { title, engines, paths } = scenario;
    const facts = `${engines.join(", ")}, ${paths.length} ${paths.length === 1 ? "path" : "paths"}`;
    return `${pc.bold(nameOf(scenario).padEnd(widest))}  ${title} ${pc.dim(`(${facts})`)}`;
  };
  return scenarios.map(row).join("\n");
}

/** A plan told before it is walked: every path, its hops, what each will run. */
export function planned(plan: Plan): string {
  const hops = hopsOf(plan);
  const rows = [...hops].flatMap(([path, hops]) => {
    const expected = pc.dim(`expected ${expectationInWords(path.expected, plan.engine)}`);
    return [`  ${numberOf(path)}  ${pathInWords(toldOf(path.source))}  ${expected}`, ...hops.flatMap(hopRows)];
  });
  const all = [...hops.values()].flat();
  const walked = all.filter(({ walkedBy }) => walkedBy === undefined).length;
  const title = `${pc.bold(plan.name)}  ${plan.scenario.title}  ${pc.dim(`(${plan.engine})`)}`;
  return [title, ...rows, pc.dim(`  ${all.length} hops in ${plan.paths.length} paths, ${walked} walked`)].join("\n");
}

function hopRows({ from, to, pending, refusal, walkedBy }: PlannedHop): readonly string[] {
  const walked = walkedBy === undefined ? "" : pc.dim(`  walked with ${numberOf({ name: walkedBy })}`);
  const first = `      ${from ?? "∅"} → ${to}${walked}`;
  if (refusal !== undefined) return [first, pc.yellow(`        ${refusal}`)];
  if (pending.length === 0) return [first, pc.dim("        nothing is pending")];
  return [first, ...pending.map((name) => `        ${name}`)];
}
