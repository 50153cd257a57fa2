import type { State } from "./plan.ts";
import type { Reading } from "./reading.ts";
import { booted, Ride, type Ticket } from "./ride.ts";
import { mayRide, rideTogether, type Stop } from "./rides.ts";
import { guarded, type Sandbox } from "./sandbox.ts";

import type { From, Standing } from "./standing.ts";
import { closeAll, judged, type StepOptions } from "./step.ts";

/** What a ride asks of the walk that it is a part of. */
export interface Way {
  readonly steps: StepOptions;
  /** Every state that is gone through may be looked at afterwards. */
  readonly keep: boolean;
  isOver(state: State): boolean;
  /** Whether what paths come to there is compared with what others come to. */
  wantsEnd(state: State): boolean;
  /** Where a release stands in its chain. */
  placeOf(state: Stop): number;
  began(state: Stop): void;
  ran(migrations: number): void;
  /** Lets paths end at a state. */
  end(state: Stop, at: Standing): Promise<void>;
  /**
   * Goes on from a state that was left behind, beside the ride.
   *
   * @returns where those begin who ride along
   */
  goOn(
    at: Standing,
    next: { readonly beside: readonly State[]; readonly onward: readonly Stop[]; readonly from: From },
  ): Promise<readonly From[]>;
  /** Whether those who go on from a state may be told of it when it is gone. */
  mayRemember(next: readonly State[]): boolean;
  /** Walks a start from its own beginning, once there is time. */
  walkAlone(state: Stop, from: From): void;
  lost(states: readonly State[], error: unknown, at: Standing): Promise<void>;
  drop(sandbox: Sandbox): void;
  giveWay(): Promise<void>;
  /** How often something has hung, and sessions were ended for it. */
  hung(): number;
}

/** A start that rides along. */
interface Rider {
  readonly state: Stop;
  readonly from: From;
  /** What its path has been through, ahead of this hop. */
  readonly at: Standing;
  readonly ticket: Ticket;
}

/**
 * Starts releases one behind the other on what one path has come to. Where a path only stops to go on, and nothing is sown, used or
 * booted there, its next hop rides along, too: what it would come to is what the ride comes to.
 */
export async function rideThrough(
  states: readonly [Stop, ...Stop[]],
  at: Standing,
  { fromOf, way }: { readonly fromOf: (state: State) => From; readonly way: Way },
): Promise<void> {
  const [{ step }] = states;
  const { settings, last } = step;
  const before = {
    ...(at.hops.length === 0 && at.arrived !== undefined ? { last: at.arrived.stands } : { last }),
    isFirst: at.hops.length === 0,
  };
  const ride = await Ride.begin(at.sandbox, step, { ...way.steps, settings, ...before }).catch((error) => {
    way.drop(at.sandbox);
    throw error;
  });
  const [first] = states.map(fromOf);
  ride.lend();
  await first?.learn?.(ride.sandbox).catch(async (error) => {
    await ride.end();
    way.drop(at.sandbox);
    throw error;
  });
  const riders: Rider[] = [];
  for (const state of states) {
    const ticket = await ride.board(state.step, before);
    if (ticket === undefined) break;
    riders.push({ state, from: fromOf(state), at, ticket: { ...ticket, from: last?.name ?? null } });
  }
  // What cannot even begin is told by whoever walks alone.
  if (riders.length < states.length) {
    await ride.end();
    way.drop(at.sandbox);
    for (const state of states) way.walkAlone(state, fromOf(state));
    return;
  }
  await new Riding(ride, riders, way).through();
}

/** What is read is locked. What whoever goes on from there will be compared with is read while it is open. */
async function putAside(now: Reading, next: readonly State[], way: Way): Promise<void> {
  if (next.length > 0) await (way.mayRemember(next) ? now.remembered() : now.foresee());
  await now.pause();
}

class Riding {
  readonly #ride: Ride;
  readonly #riders: Rider[];
  readonly #way: Way;
  /** Its session went with somebody who hung in a check. */
  #isLost = false;

  constructor(ride: Ride, riders: Rider[], way: Way) {
    this.#ride = ride;
    this.#riders = riders;
    this.#way = way;
  }

  async through(): Promise<void> {
    let stays = false;
    try {
      for (let rider = this.#riders.shift(); rider !== undefined; rider = this.#riders.shift()) {
        if (stays || this.#isLost) this.#way.walkAlone(rider.state, rider.from);
        else if (this.#way.isOver(rider.state)) await rider.from.release?.();
        else stays = await this.#take(rider);
      }
    } finally {
      await this.#ride.end();
      if (!stays) this.#way.drop(this.#ride.sandbox);
    }
  }

  /** @returns whether the ride's own sandbox was left here, so that it has come to its end */
  async #take(rider: Rider): Promise<boolean> {
    const { state, at, from, ticket } = rider;
    const [ride, way] = [this.#ride, this.#way];
    const { step } = state;
    way.began(state);
    try {
      const leg = await ride.to(step, ticket);
      if (leg === undefined) {
        way.walkAlone(state, from);
        return false;
      }
      way.ran(leg.ran);
      const boots = step.release.boot.length > 0;
      const onward = boots ? [] : state.children.filter(mayRide).filter((child) => rideTogether(state, child));
      const beside = state.children.filter((child) => !onward.some((one) => one === child));
      // Somebody goes on from here, or writes here, or wants to look at it.
      const { cameUp } = leg.started;
      const stays = cameUp && (state.children.length > 0 || boots || way.keep);
      const goesOn = this.#riders.length > 0 || onward.length > 0;
      const isAsNew = cameUp && (await ride.isAsNew());
      const ends = stays && !(goesOn && isAsNew);
      if (ends) await ride.end();
      // Where a release boots, the others go on from before that.
      const isLeft = stays && boots && !ends;
      const sandbox = isLeft ? await ride.leaveBehind() : ride.sandbox;
      if (isLeft) await sandbox.thaw();
      if (isAsNew && !ends && !boots) ride.lend();
      const started = stays && boots ? await booted(sandbox, leg.started, step, way.steps) : leg.started;
      const before = { state: from.before, again: from.arrive, whole: way.wantsEnd(state) };
      const hung = way.hung();
      const next = await judged(started, step, { ...at, sandbox }, { before, options: way.steps });
      const stand = { ...next, taken: at.taken + 1, milliseconds: at.milliseconds + started.hop.milliseconds };
      if (stand.unjudged !== undefined) await way.lost([state], stand.unjudged, stand);
      else await way.end(state, stand);
      await guarded(way.steps.stage, () => putAside(stand.now, stays ? state.children : [], way));
      // What hung in somebody's check may still be reading one of them, and is not waited for.
      if (way.hung() === 0) await closeAll([from.before, ...at.origins.map((origin) => origin.state)]);
      if (way.hung() > hung && !stays) this.#isLost = true;
      if (!stays) {
        await stand.now.forget();
        await from.release?.();
      } else {
        if (!ends && !isLeft) await ride.leaveBehind();
        const isOver = stand.failed || stand.unjudged !== undefined;
        const [others, along] = isOver ? [[], []] : ends ? [state.children, []] : [beside, onward];
        const bases = await way.goOn(stand, { beside: others, onward: along, from });
        for (const [i, next] of along.entries()) await this.#board(next, stand, bases[i]);
      }
      // Whoever has left work behind lets that go first; whoever ends here ends soon.
      if (stays && !ends) await way.giveWay();
      return ends;
    } catch (error) {
      await way.lost([state], error, { ...at, sandbox: ride.sandbox });
      await from.release?.();
      return false;
    }
  }

  async #board(state: Stop, at: Standing, from: From | undefined): Promise<void> {
    if (from === undefined) return;
    const ticket = await this.#ride.board(state.step, { last: state.step.last, isFirst: false });
    if (ticket === undefined) this.#way.walkAlone(state, from);
    else this.#insert({ state, from, at: { ...at, origins: from.origins }, ticket });
  }

  /** Behind all that get off before it, and beside it. */
  #insert(rider: Rider): void {
    const { placeOf } = this.#way;
    const place = this.#riders.findIndex(({ state }) => placeOf(state) > placeOf(rider.state));
    this.#riders.splice(place < 0 ? this.#riders.length : place, 0, rider);
  }
}
