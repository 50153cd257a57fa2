import type { State } from "./plan.ts";
import { booted, Ride, type RideOptions } from "./ride.ts";
import type { Stop } from "./rides.ts";
import type { Sandbox } from "./sandbox.ts";
import type { From, Standing } from "./standing.ts";
import { judged, type StepOptions } from "./step.ts";

/** What a ride asks of the walk that it is a part of. */
export interface Way {
  readonly steps: StepOptions;
  /** Every state that is gone through may be looked at afterwards. */
  readonly keep: boolean;
  isOver(state: State): boolean;
  /** Told of each release, with what it ran. */
  began(state: Stop): void;
  ran(migrations: number): void;
  /** Lets paths end at a state. */
  end(state: Stop, at: Standing): Promise<void>;
  /** Goes on from a state that was left behind, beside the ride. */
  goOn(state: Stop, at: Standing): void;
  lost(states: readonly State[], error: unknown, at: Standing): Promise<void>;
  drop(sandbox: Sandbox): void;
  giveWay(): Promise<void>;
}

/**
 * Starts releases one behind the other on what one path has come to.
 *
 * @returns those that could not be passed through: they are to be walked from the same beginning
 */
export async function rideThrough(
  states: readonly [Stop, ...Stop[]],
  at: Standing,
  from: From,
  way: Way,
): Promise<readonly State[]> {
  const [{ step }] = states;
  const { settings, last } = step;
  const begins = at.hops.length === 0 && at.arrived !== undefined ? { last: at.arrived.stands } : { last };
  const options: RideOptions = {
    ...way.steps,
    settings,
    ...begins,
    isFirst: at.hops.length === 0,
    from: last?.name ?? null,
  };
  const ride = await Ride.board(at.sandbox, step, options).catch((error) => {
    way.drop(at.sandbox);
    throw error;
  });
  const missed: State[] = [];
  let stays = false;
  try {
    for (const [i, state] of states.entries()) {
      if (way.isOver(state)) continue;
      const others = states.slice(i + 1);
      const came = await goOn(state, others.length === 0, { ride, at, from, way });
      if (came === "missed") missed.push(state);
      stays = came === "stayed";
      if (!stays) continue;
      missed.push(...others);
      break;
    }
  } finally {
    await ride.end();
    if (!stays) way.drop(ride.sandbox);
  }
  return missed;
}

interface Riding {
  readonly ride: Ride;
  readonly at: Standing;
  readonly from: From;
  readonly way: Way;
}

/** `stayed`: the ride's own sandbox was left here, and it has come to its end. */
async function goOn(
  state: Stop,
  isLast: boolean,
  { ride, at, from, way }: Riding,
): Promise<"passed" | "missed" | "stayed"> {
  const { step } = state;
  way.began(state);
  try {
    const leg = await ride.to(step);
    if (leg === undefined) return "missed";
    way.ran(leg.ran);
    const boots = step.release.boot.length > 0;
    // Somebody goes on from here, or writes here, or wants to look at it.
    const stays = leg.started.cameUp && (state.children.length > 0 || boots || way.keep);
    const ends = stays && (isLast || !(await ride.isAsNew()));
    if (ends) await ride.end();
    // Where a release boots, the others go on from before that.
    const isLeft = stays && boots && !ends;
    const sandbox = isLeft ? await ride.leaveBehind() : ride.sandbox;
    if (isLeft) await sandbox.thaw();
    const started = stays && boots ? await booted(sandbox, leg.started, step, way.steps) : leg.started;
    const before = { state: from.before, again: from.arrive };
    const next = await judged(started, step, { ...at, sandbox }, { before, options: way.steps });
    const stand = { ...next, taken: at.taken + 1, milliseconds: at.milliseconds + started.hop.milliseconds };
    if (stand.unjudged !== undefined) await way.lost([state], stand.unjudged, stand);
    else await way.end(state, stand);
    await stand.now.close(); // What is read is locked, and cannot be copied.
    if (stays && !ends && !isLeft) await ride.leaveBehind();
    if (stays) way.goOn(state, stand);
    else await stand.now.forget();
    if (!ends) await way.giveWay();
    return ends ? "stayed" : "passed";
  } catch (error) {
    await way.lost([state], error, { ...at, sandbox: ride.sandbox });
    return "passed";
  }
}
