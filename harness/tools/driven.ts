import { setTimeout as sleep } from "node:timers/promises";
import type { MigrationSource } from "../chain.ts";
import type { Address, EngineName } from "../database.ts";
import type { Driver, Driving } from "../driver.ts";
import { HarnessError } from "../errors.ts";

/**
 * What a release brings whose tool does everything by itself.
 *
 * @throws {HarnessError} `bad-input` when read for an engine that the tool does not know
 */
export function drivenOn(engines: readonly EngineName[], driver: Driver): MigrationSource {
  return {
    async read(engine) {
      if (engines.includes(engine)) return { migrations: [], driver };
      const message = `Cannot drive ${driver.title} on ${engine}: it knows ${engines.join(", ")} (name these in "engines")`;
      throw new HarnessError("bad-input", message);
    },
  };
}

/**
 * Lets a tool work over connections of its own, which end with that, whatever comes of it. Once the time is up nothing
 * is waited for any more.
 */
export async function during<T>(at: Driving, end: () => unknown, work: () => Promise<T>): Promise<T> {
  const { signal } = at;
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
  });
  aborted.catch(() => {}); // It may come while nobody listens.
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([aborted, work()]);
  } finally {
    signal.removeEventListener("abort", abort);
    await Promise.race([ended(end), sleep(500, undefined, { ref: false })]); // A session that is busy may never end.
  }
}

/** What became of the work is told, not what its connections say while they end. */
async function ended(end: () => unknown): Promise<void> {
  try {
    await end();
  } catch {}
}

/** How a connection is encrypted, as most client libraries take it. */
export function securityOf({ tls }: { readonly tls?: Address["tls"] | undefined }): {
  readonly ssl?: { rejectUnauthorized: boolean };
} {
  return tls === undefined ? {} : { ssl: { rejectUnauthorized: tls === "verify" } };
}

/** How a tool wraps what a migration threw: in this field of its error, by this class of its own if one is named. */
export interface Wrapping {
  readonly field: string;
  readonly by?: string;
}

/** What was thrown, out of the tool's wrappings. */
export function unwrapped(thrown: unknown, ...wrappings: readonly Wrapping[]): unknown {
  if (!(thrown instanceof Error)) return thrown;
  const worn = wrappings.filter(({ by }) => by === undefined || by === thrown.constructor.name);
  const inside = worn.map(({ field }) => (thrown as unknown as Record<string, unknown>)[field]);
  const beneath = inside.find((value) => value instanceof Error);
  return beneath === undefined ? thrown : unwrapped(beneath, ...wrappings);
}

/** Tells of migrations where it can only be heard that one begins: the one before has then come through. */
export function inTurn({ begun, done }: Driving) {
  let running: string | undefined;
  const through = () => {
    if (running !== undefined) done(running);
    running = undefined;
  };
  const begin = (name: string) => {
    if (name === running) return;
    through();
    running = name;
    begun(name);
  };
  return { begin, through };
}
