import type { Ends } from "./ends-agree.ts";
import type { Plan, PlannedPath } from "./plan.ts";
import type { Stage } from "./sandbox.ts";
import { keysOf } from "./state-keys.ts";
import type { Telling } from "./telling.ts";
import type { WalkOptions } from "./walk-options.ts";

/** What a walk and those before it and after it know of each other. */
export interface Memory {
  /** Paths that were told without being walked. */
  readonly reused: number;
  /** Keeps what the walk has come to. */
  keep(telling: Telling): void;
}

const none: Memory = { reused: 0, keep() {} };

/**
 * Tells what earlier runs have come to on the paths of sets: those are many, and nobody wrote them out. What is accepted in a scenario
 * has to be seen again, and what somebody wants to look at has to be there: then nothing is reused.
 */
export async function recalled(
  plan: Plan,
  { server }: Stage,
  options: WalkOptions,
  { telling, ends }: { readonly telling: Telling; readonly ends: Ends },
): Promise<Memory> {
  const { reuse, seed, strict, keep, back = false } = options;
  const mayReuse = plan.paths.some(({ set }) => set !== undefined) && (plan.scenario.known ?? []).length === 0 && !keep;
  if (reuse === undefined || !mayReuse) return none;
  const { store, version } = reuse;
  const keys = await keysOf(plan, { server, seed, strict, version, back });
  const keyOf = (path: PlannedPath) => (path.set === undefined ? undefined : keys.get(path));
  let reused = 0;
  for (const path of plan.paths) {
    const key = keyOf(path);
    const found = key === undefined ? undefined : store.get(key);
    if (found === undefined) continue;
    telling.recall(path, found);
    if (found.verdict.outcome === "clean" && found.end !== undefined) ends.add({ ...found.end, path: path.name });
    reused++;
  }
  return {
    reused,
    keep({ rehearsals }) {
      for (const path of plan.paths) {
        const key = keyOf(path);
        const rehearsal = rehearsals.find(({ name }) => name === path.name);
        if (key === undefined || rehearsal === undefined || rehearsal.reused) continue;
        const { verdict, hops, milliseconds, end: told } = rehearsal;
        if (verdict.outcome === "inconclusive") continue;
        store.put(key, { verdict, hops, milliseconds, told, end: ends.of(path.name) });
      }
      store.trim();
    },
  };
}
