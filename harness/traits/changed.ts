import { inspect } from "node:util";
import type { Row } from "../snapshot.ts";

/** Which rows of those that are given; the others stay as they are. */
export interface Which {
  /** 1: each of them; 2: the first, the third, … */
  readonly every?: number;
}

/** Rows of which some differ. They can be read again and again, as often as a seeder sows. */
export function changed<R extends Row>(
  rows: Iterable<R>,
  change: (row: R, n: number) => Row,
  { trait, every = 1 }: Which & { readonly trait: string },
): Iterable<R> {
  if (!(Number.isInteger(every) && every >= 1))
    throw new TypeError(`${trait}: every is ${inspect(every)}; it may be a whole number from 1`);
  return {
    *[Symbol.iterator]() {
      let n = 0;
      for (const row of rows) {
        yield n % every === 0 ? { ...row, ...change(row, n / every) } : row;
        n++;
      }
    },
  };
}
