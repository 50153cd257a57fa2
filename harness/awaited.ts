import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "./errors.ts";

/** Begins some work that the caller is to wait for. */
type Begin = (call: string, work: Promise<void>) => Promise<void>;

/**
 * Waits for what was begun and forgotten, and tells of it: it would fail where nobody hears, or outlive its database.
 *
 * @param patience milliseconds that it is waited for
 */
export async function allAwaited(patience: number, act: (begin: Begin) => Promise<void>): Promise<void> {
  const begun: { readonly call: string; readonly work: Promise<void>; awaited: boolean; settled: boolean }[] = [];
  const begin: Begin = (call, work) => {
    const one = { call, work, awaited: false, settled: false };
    const settle = () => {
      one.settled = true;
    };
    begun.push(one);
    work.then(settle, settle);
    return new Watched(work, () => {
      one.awaited = true;
    });
  };
  const wait = async () => {
    for (const { work } of begun) await work.catch(() => {}); // Also for what these begin in turn.
  };
  const forgotten = ({ call }: { readonly call: string }) => `${call} was not awaited`;
  let failure: { readonly thrown: unknown } | undefined;
  try {
    await act(begin);
  } catch (thrown) {
    failure = { thrown };
  }
  const never = begun.find((one) => !one.awaited);
  const early = never ?? begun.find((one) => !one.settled);
  if (early !== undefined) await Promise.race([wait(), sleep(patience, undefined, { ref: false })]);
  if (failure !== undefined) {
    const { thrown } = failure;
    throw never === undefined ? thrown : told(thrown, `${toldOf(thrown)} (${forgotten(never)})`);
  }
  if (early !== undefined) throw new Error(forgotten(early));
}

/** A promise that tells when somebody begins to wait for it, and is none that nobody handles. */
class Watched extends Promise<void> {
  readonly #onAwait: () => void;

  // What is made of it is watched no more.
  static override get [Symbol.species]() {
    return Promise;
  }

  constructor(work: Promise<void>, onAwait: () => void) {
    super((resolve, reject) => void work.then(resolve, reject));
    this.#onAwait = onAwait;
    super.then(undefined, () => {});
  }

  // biome-ignore lint/suspicious/noThenProperty: it is a promise, and `await` calls this.
  override then<A = void, B = never>(...reactions: Parameters<typeof Promise.prototype.then<A, B>>): Promise<A | B> {
    this.#onAwait();
    return super.then(...reactions);
  }
}

const messages = new WeakMap<Error, string>();

/** What was thrown, with more to say of it: whoever catches it in a seeder has it as the driver made it. */
export function told(thrown: unknown, message: string): Error {
  const error = thrown instanceof Error ? thrown : new Error(message, { cause: thrown });
  messages.set(error, message);
  return error;
}

export function toldOf(thrown: unknown): string {
  return (thrown instanceof Error ? messages.get(thrown) : undefined) ?? messageOf(thrown);
}
