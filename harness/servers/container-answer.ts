import { setTimeout as sleep } from "node:timers/promises";
import type { Address } from "../database.ts";
import type { Administration, Engine, Survey } from "../engines/engine.ts";
import { HarnessError, messageOf } from "../errors.ts";
import { compareVersions } from "../wish.ts";

const patience = 120_000;

export interface Awaited {
  readonly engine: Engine;
  /** The image by its name and tag. */
  readonly image: string;
  readonly run: string;
  /** Whether the container has ended: then nothing will answer. */
  readonly hasEnded: () => Promise<boolean>;
}

/**
 * Waits until the server lets us in, and takes the run's lock on the same session, which stays open: no server is seen
 * to be ready for longer than a moment without its run being seen to live.
 *
 * @returns the server's version
 * @throws {HarnessError} `engine-not-had` where the image holds something else than its name says, or too old a version.
 */
export async function firstAnswer(maintenance: Address, awaited: Awaited): Promise<string> {
  const over = new AbortController();
  const waits = [answered(maintenance, awaited, over.signal), ended(awaited, over.signal), late(over.signal)];
  // Each of them is told that it is over; what they say then is of no interest.
  for (const wait of waits) wait.catch(() => {});
  try {
    return await Promise.race(waits);
  } finally {
    over.abort();
  }
}

let said: unknown;

async function answered(maintenance: Address, awaited: Awaited, over: AbortSignal): Promise<string> {
  for (;;) {
    let admin: Administration;
    try {
      admin = await awaited.engine.administer(maintenance);
    } catch (cause) {
      // Before it is ready, an image's server is started more than once, and what listens first is Docker's own proxy.
      said = cause;
      await sleep(20, undefined, { signal: over });
      continue;
    }
    const survey = await admin.survey();
    refuseOther(survey, awaited);
    await holdSoon(admin, awaited.run);
    return survey.version;
  }
}

/** Whoever looks for what dead runs left may hold the lock for a moment. */
async function holdSoon(admin: Administration, run: string): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (await admin.hold(run)) return;
    await sleep(20);
  }
  throw new Error("somebody else holds the lock of this run");
}

function refuseOther({ isThisEngine, version }: Survey, { engine, image }: Awaited): void {
  if (isThisEngine && compareVersions(version, engine.oldest) >= 0) return;
  const what = isThisEngine ? `and ${engine.oldest} is the oldest that is supported` : `and no ${engine.title}`;
  throw new HarnessError(
    "engine-not-had",
    `Cannot rehearse on image "${image}": it is ${isThisEngine ? `${engine.title} ` : ""}${version}, ${what}`,
  );
}

async function ended({ hasEnded }: Awaited, over: AbortSignal): Promise<never> {
  while (!(await hasEnded())) await sleep(200, undefined, { signal: over });
  throw new Error("the container ended");
}

async function late(over: AbortSignal): Promise<never> {
  await sleep(patience, undefined, { signal: over });
  throw new Error(`it lets nobody in after ${patience / 1000} s: ${messageOf(said)}`);
}
