import pc from "picocolors";
import { ourCommand } from "../command.ts";
import type { Health, Left } from "../doctor.ts";

/** What this machine can do, engine by engine, and what is left on it. */
export function healthInWords({ engines, left }: Health, clean: boolean): string {
  const rows = engines.flatMap(({ engine, had }) => [
    pc.bold(engine),
    ...had.flatMap(({ kind, found, why }) =>
      why === undefined
        ? found.map((what) => `  ${pc.green("✓")} ${kind.padEnd(9)}  ${what}`)
        : [`  ${pc.dim("·")} ${kind.padEnd(9)}  ${pc.dim(why)}`],
    ),
  ]);
  const wanted = left.filter(({ state, removed }) => state !== "alive" && !removed).length;
  const advice = wanted > 0 && !clean ? [`  ${ourCommand} doctor --clean removes what is dead or kept`] : [];
  const leftRows = left.length === 0 ? ["  nothing"] : [...left.map(leftInWords), ...advice];
  return [...rows, pc.bold("left by runs"), ...leftRows].join("\n");
}

function leftInWords({ what, name, where, state, removed }: Left): string {
  const fate = removed ? `${state}, removed` : state;
  return `  ${what} ${name}  ${pc.dim(where)}  ${state === "alive" ? pc.green(fate) : fate}`;
}
