import { pathsThrough, type Start, type State } from "./plan.ts";
import type { PlannedRelease } from "./planned-release.ts";

/** A state that is reached by starting a release. */
export interface Stop extends State {
  readonly step: Start;
}

/**
 * Starts of several releases on one and the same state, put together where the later ones pass through what the earlier ones come
 * to: each migration commits by itself there, so a hop to release 7 is a hop to release 6 that goes on. A ride is walked once, on
 * one sandbox. Whether a release really can be passed through is seen on the way.
 *
 * @param placeOf a release's place in its chain
 */
export function ridesOf(
  states: readonly State[],
  placeOf: (release: string) => number,
): readonly (readonly [State, ...State[]])[] {
  const rides = new Map<string, [State, ...State[]]>();
  for (const state of states) {
    const rules = mayRide(state) ? rulesOf(state.step.release) : undefined;
    // What rides with nobody has a ride to itself.
    const key = rules ?? `alone ${rides.size}`;
    const ride = rides.get(key);
    if (ride === undefined) rides.set(key, [state]);
    else ride.push(state);
  }
  const inOrder = (a: State, b: State) => placeOf(stopOf(a)) - placeOf(stopOf(b));
  return [...rides.values()].map((ride) => (ride.length === 1 ? ride : (ride.sort(inOrder) as [State, ...State[]])));
}

export function mayRide(state: State): state is Stop {
  const { step } = state;
  if (step.kind !== "start" || step.runners > 1) return false;
  const { driver, transaction, prelude, migrations } = step.release;
  if (driver !== undefined || transaction === "all" || prelude.session !== undefined) return false;
  // What runs at every start is pending again at once.
  if (migrations.some(({ recordedAs }) => recordedAs?.again === "always")) return false;
  return pathsThrough(state).every(({ source }) => source.workaround === undefined);
}

/** Whether a path goes on from there with nothing but another start. */
export function goesOnwards(state: State): boolean {
  return mayRide(state) && state.step.release.boot.length === 0 && state.children.some(mayRide);
}

/** Whether one runner can start both, one behind the other. */
export function rideTogether(one: Stop, other: Stop): boolean {
  return rulesOf(one.step.release) === rulesOf(other.step.release);
}

/** What must be the same for two releases that one runner starts one behind the other. */
function rulesOf({ migrator, transaction, lock, session, prelude }: PlannedRelease): string {
  const { title, late, edited, removed } = migrator ?? {};
  return JSON.stringify(["ride", title, late, edited, removed, transaction, lock, session, prelude.database]);
}

function stopOf({ step }: State): string {
  return step.kind === "start" ? step.release.name : "";
}
