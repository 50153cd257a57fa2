import { inspect } from "node:util";
import type { Row } from "../snapshot.ts";

/**
 * Texts one character short of a limit, at it and one beyond, in letters of one, two, three and four bytes. A column that
 * becomes narrower cuts or refuses the last of each, an index of limited bytes those of several; so the limit to give is
 * the one that the later release has: what the earlier one does not take cannot be sown.
 *
 * @example
 * ```ts
 * import { lengthsAround } from "migration-sandbox";
 * const names = [...lengthsAround(20, (text, i) => ({ id: i + 1, name: text }))];
 * console.assert([...new Set(names.map(({ name }) => [...name].length))].join() === "19,20,21");
 * console.assert(Buffer.byteLength(names.at(-1)?.name ?? "") === 84);
 * ```
 */
export function lengthsAround<R extends Row>(limit: number, row: (text: string, i: number) => R): Iterable<R> {
  if (!(Number.isInteger(limit) && limit >= 1))
    throw new TypeError(`lengthsAround: limit is ${inspect(limit)}; it may be a whole number from 1`);
  return {
    *[Symbol.iterator]() {
      let i = 0;
      for (const letter of ["x", "é", "日", "😀"]) {
        for (const length of [limit - 1, limit, limit + 1]) yield row(letter.repeat(length), i++);
      }
    },
  };
}
