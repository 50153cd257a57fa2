import { setTimeout as sleep } from "node:timers/promises";

/** Work with an end: what comes of it, or what `overdue` throws once it has taken longer than allowed. */
export async function within<T>(milliseconds: number, work: Promise<T>, overdue: () => Promise<never>): Promise<T> {
  const timer = new AbortController();
  const late = Symbol("late");
  const limit = sleep(milliseconds, late, { signal: timer.signal }).catch(() => late);
  work.catch(() => {}); // If it is late, nobody hears what ending its session makes of it.
  try {
    const came = await Promise.race([work, limit]);
    return came === late ? await overdue() : (came as T);
  } finally {
    timer.abort();
  }
}
