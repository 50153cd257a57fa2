import { setTimeout as sleep } from "node:timers/promises";

/** Work with an end: what comes of it, or what `overdue` throws once it has taken longer than allowed. */
export async function within<T>(milliseconds: number, work: Promise<T>, overdue: () => Promise<never>): Promise<T> {
  const timer = new AbortController();
  const late = sleep(milliseconds, true, { signal: timer.signal }).catch(() => false);
  work.catch(() => {}); // If it is late, nobody hears what ending its session makes of it.
  try {
    return await Promise.race([work, late.then((isLate) => (isLate ? overdue() : work))]);
  } finally {
    timer.abort();
  }
}
