import type { Administration } from "./engines/engine.ts";
import { anyMark, markIn, runNamedIn } from "./mark.ts";

/** A database that some run made on a server. */
export interface Leftover {
  readonly database: string;
  readonly run: string;
  /** Its mark; without one its maker died before it could give one, and nobody can have put anything into it. */
  readonly mark: string | undefined;
  readonly kept: boolean;
}

/**
 * Drops what dead runs left on a server: those that hold no session lock on it, wherever they ran. While we drop what a
 * run left we hold its lock, so that two of us who clean up at once do not meet.
 *
 * @param own the run of this very session
 * @returns the databases that were dropped
 */
export async function reapDatabases(admin: Administration, own: string): Promise<readonly string[]> {
  // A session gets its own lock again: our own run must not be asked for.
  const left = (await leftoversOn(admin)).filter(({ run, kept }) => !kept && run !== own);
  const reaped: string[] = [];
  for (const run of new Set(left.map((leftover) => leftover.run))) {
    if (!(await admin.hold(run))) continue;
    try {
      reaped.push(...(await dropAllOf(run, admin)));
    } finally {
      await admin.release(run);
    }
  }
  return reaped;
}

/** Drops what one run has there and nobody asked to keep, under its lock. What cannot be dropped now, another run may. */
export async function dropAllOf(run: string, admin: Administration): Promise<readonly string[]> {
  // Seen anew, now that we have the lock: somebody may have been first.
  const left = await leftoversOn(admin).catch(() => []);
  const its = left.filter((leftover) => leftover.run === run && !leftover.kept);
  const ends = await Promise.allSettled(its.map((leftover) => dropLeftover(admin, leftover)));
  return its.filter((_, i) => ends[i]?.status === "fulfilled").map(({ database }) => database);
}

export async function leftoversOn(admin: Administration): Promise<readonly Leftover[]> {
  return (await admin.marked(anyMark)).flatMap(({ database, mark }): Leftover[] => {
    if (mark === undefined) {
      const run = runNamedIn(database);
      return run === undefined ? [] : [{ database, run, mark, kept: false }];
    }
    const said = markIn(mark);
    return said === undefined ? [] : [{ database, mark, ...said }];
  });
}

export function dropLeftover(admin: Administration, { database, mark }: Leftover): Promise<void> {
  return mark === undefined ? admin.dropUnmarked(database) : admin.drop(database, mark);
}
