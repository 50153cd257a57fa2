import type { Origin } from "./checks/rows-lost.ts";
import type { HarnessError } from "./errors.ts";
import type { Start } from "./plan.ts";
import type { PlannedRelease } from "./planned-release.ts";
import { type Reading, readingOf } from "./reading.ts";
import type { Sandbox } from "./sandbox.ts";
import { emptySnapshot, type Snapshot } from "./snapshot.ts";
import type { Hop } from "./start.ts";
import type { Finding } from "./verdict.ts";

/** What a path has been through so far. */
export interface Trodden {
  readonly sandbox?: Sandbox;
  readonly hops: readonly Hop[];
  readonly findings: readonly Finding[];
  readonly notes: readonly Finding[];
  readonly milliseconds: number;
}

/** Where a walk stands: a database, and all that is known of how it came to be so. */
export interface Standing extends Trodden {
  readonly sandbox: Sandbox;
  /** The sandbox as it is now, read on demand. */
  readonly now: Reading;
  /** Who took the last step, and the states before it. */
  readonly by: Origin["by"];
  readonly origins: readonly Origin[];
  /** Tables that seeders or users had written into ahead of the last hop, as they are called behind it. */
  readonly sown: ReadonlySet<string>;
  /** How many steps of its path it has taken. */
  readonly taken: number;
  /** What is wrong with the install that the path began with. */
  readonly ofInstall: readonly Finding[];
  /** What was found before the operator's workaround. */
  readonly workedAround: readonly Finding[];
  /** The state just ahead of the first upgrade. */
  readonly first: Snapshot;
  /** The last start, as whoever starts again has to know it. */
  readonly started?: {
    readonly step: Start;
    /** How many steps had been taken before it. */
    readonly taken: number;
    readonly before: Snapshot;
    readonly origins: readonly Origin[];
  };
  /** Who wrote what so far, to be known once the release has been started again on it. */
  readonly resumed?: readonly Origin[];
  /** Why no more can be told of the last step than it has found. */
  readonly unjudged?: HarnessError;
  /** It began with a dump, which is at this release by its record, or at none. */
  readonly arrived?: { readonly stands: PlannedRelease | undefined };
  /** The last step failed: nothing goes on from here. */
  readonly failed: boolean;
}

/** Where a step begins: the state it is judged against, and how to come to stand on it, as often as somebody has to. */
export interface From {
  readonly before: Snapshot;
  arrive(): Promise<Standing>;
  /** Learns of `before` from a copy that somebody has just come to stand on, where that is quicker than to enter it. */
  learn?(copy: Sandbox): Promise<void>;
  /** Who wrote what there is by then. */
  readonly origins: readonly Origin[];
  readonly known: Trodden;
  /** Told where it led before anybody goes on from there: the state may not be asked for again. */
  leave?(next: Standing): Promise<void>;
  /** Told once all that follows from the step has been walked. */
  release?(): Promise<void>;
  /** Somebody comes to stand on it once: the very database goes on, and `before` is what is remembered of it. */
  readonly isOnce?: boolean;
  /** It goes on from work that was done just now. */
  readonly ahead?: boolean;
}

export const untrodden: Trodden = { hops: [], findings: [], notes: [], milliseconds: 0 };

/** Ahead of the first step, on an empty database. */
export function nowhere(sandbox: Sandbox): Standing {
  const nothing = {
    ...untrodden,
    origins: [],
    sown: new Set<string>(),
    ofInstall: [],
    workedAround: [],
    by: "product",
    taken: 0,
    failed: false,
  } as const;
  return { ...nothing, sandbox, now: readingOf(sandbox), first: emptySnapshot };
}

/**
 * Who wrote what, for those who go on from here. Where nobody has sown yet all rows are the product's, whichever step
 * wrote them: then the states before this one tell nothing more.
 */
export function originsFrom({ by, origins }: Pick<Standing, "by" | "origins">, state: Snapshot): readonly Origin[] {
  const sown = [by, ...origins.map((origin) => origin.by)].includes("seeder");
  return [...(sown ? origins : []), { by, state }];
}

/** Whether those who go on from here, and have no workaround to come back with, may ask for an earlier state. */
export function mayAskFor(state: Snapshot, at: Standing): boolean {
  return at.first === state || originsFrom(at, emptySnapshot).some((origin) => origin.state === state);
}
