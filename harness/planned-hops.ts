import type { Plan, PlannedPath, State } from "./plan.ts";

/** What one hop of a path will run, told without a server. */
export interface PlannedHop {
  readonly from: string | undefined;
  readonly to: string;
  readonly pending: readonly string[];
  /** Number of the path by which this hop is walked already, if it is not walked by this one. */
  readonly walkedBy?: string;
}

/** The hops of every path with their pending migrations in order, as the record will decide. */
export function hopsOf(plan: Plan): ReadonlyMap<PlannedPath, readonly PlannedHop[]> {
  const walkers = new Map<State, string>();
  return new Map(
    plan.paths.map((path) => {
      const record = new Set<string>();
      const hops = trail(plan.roots, path).flatMap((state): PlannedHop[] => {
        const walkedBy = walkers.get(state);
        if (walkedBy === undefined) walkers.set(state, path.name);
        const { step } = state;
        if (step.kind === "sow" || step.kind === "use") return [];
        const { release } = step;
        const ships = [...release.migrations.map(({ name }) => name), ...release.driven];
        // What the dump's own record says is known once it is restored.
        if (step.kind === "restore") for (const name of ships) record.add(name);
        if (step.kind === "restore") return [];
        const { last } = step;
        const pending = ships.filter((name) => !record.has(name));
        for (const name of pending) record.add(name);
        return [{ from: last?.name, to: release.name, pending, ...(walkedBy !== undefined && { walkedBy }) }];
      });
      return [path, hops];
    }),
  );
}

/** The states that a path passes through, in order. */
function trail(states: readonly State[], path: PlannedPath): readonly State[] {
  for (const state of states) {
    if (state.ends.includes(path)) return [state];
    const rest = trail(state.children, path);
    if (rest.length > 0) return [state, ...rest];
  }
  return [];
}
