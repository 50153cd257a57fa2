import type { Plan, Step } from "../plan.ts";
import { type Rehearsal, toldOf } from "../rehearsal.ts";
import { heading, line, remarksOn, type Widths, widthsOf } from "./pretty.ts";

/** Who tells of a run while it goes on. */
export interface Teller {
  onStep(step: Step): void;
  onRehearsal(rehearsal: Rehearsal, plan: Plan): void;
  /** Tells what was held back for its place and never came to it. */
  end(): void;
}

/**
 * Tells rehearsals as they come, in the order of the paths, though shared beginnings are walked in another; on a
 * terminal the last line says what is being done.
 */
export function tellerTo(out: NodeJS.WriteStream, { verbose }: { readonly verbose: boolean }): Teller {
  const clear = out.isTTY ? "\r\u001b[K" : "";
  let plan: Plan | undefined;
  let widths: Widths = { number: 0, path: 0 };
  let waiting: Rehearsal[] = [];
  let next = 0;
  const tell = (rehearsal: Rehearsal) => {
    out.write(`${clear}${line(rehearsal, { widths, verbose })}\n`);
    waiting = waiting.filter((other) => other !== rehearsal);
  };
  const end = () => {
    for (const rehearsal of waiting) tell(rehearsal);
    out.write(clear);
  };
  return {
    end,
    onStep(step) {
      // One that is wider than the terminal could not be cleared.
      if (out.isTTY) out.write(`${clear}${`  … ${inWords(step)}`.slice(0, (out.columns || 80) - 1)}`);
    },
    onRehearsal(rehearsal, of) {
      if (plan !== of) {
        end();
        out.write(`${clear}${[heading(rehearsal), ...remarksOn(of.selected)].join("\n")}\n`);
        plan = of;
        widths = widthsOf(of.paths.map(({ name, source }) => ({ name, ...toldOf(source) })));
        next = 0;
      }
      waiting.push(rehearsal);
      for (;;) {
        const due = waiting.find(({ name }) => name === of.paths[next]?.name);
        if (due === undefined) return;
        tell(due);
        next++;
      }
    },
  };
}

function inWords(step: Step): string {
  switch (step.kind) {
    case "start":
      return `${step.last?.name ?? "∅"} → ${step.release.name}`;
    case "restore":
      return `restoring ${step.dump.name}`;
    case "sow":
      return `sowing ${step.seeder.name}`;
    case "use":
      return `using ${step.release.name}`;
  }
}
