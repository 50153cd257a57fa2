import type { Plan, Step } from "./plan.ts";
import type { Rehearsal } from "./rehearsal.ts";
import type { Store } from "./store.ts";

/** How plans are walked. */
export interface WalkOptions {
  readonly seed: number;
  /** Milliseconds for one hop. */
  readonly timeout: number;
  readonly keep: boolean;
  readonly bail: boolean;
  readonly strict: boolean;
  /** How many paths are walked at once; as many as there are cores unless said. */
  readonly workers?: number;
  /** `false`: no hop passes through another's state, and each path that starts anew is walked anew; for whoever doubts it. */
  readonly share?: boolean;
  /** Whether hops are taken back, too, where migrations say how. */
  readonly back?: boolean;
  /** Where what earlier runs came to is looked up, and kept for later ones; nowhere unless said. */
  readonly reuse?: Reuse | undefined;
  /** The options with which the command finds such a server again; unless said, those that name the engine. */
  readonly on?: string;
  readonly onStep?: (step: Step, plan: Plan) => void;
  readonly onRehearsal?: (rehearsal: Rehearsal, plan: Plan) => void;
}

/** What earlier runs came to. */
export interface Reuse {
  readonly store: Store;
  /** Our own version. */
  readonly version: string;
}
