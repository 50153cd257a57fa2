import type { Row } from "../snapshot.ts";

/**
 * Each row, and once more with another key. As long as no unique key forbids it, two clicks or two workers write the same row
 * twice; the release that adds the key is the one that fails.
 *
 * @param besides what the second one cannot share, by its number from 0
 *
 * @example
 * ```ts
 * import { duplicates } from "migration-sandbox";
 * const tags = [...duplicates([{ id: 1, name: "new" }], (_, i) => ({ id: 100 + i }))];
 * console.assert(tags.length === 2 && tags.every((tag) => tag.name === "new"));
 * ```
 */
export function duplicates<R extends Row>(rows: Iterable<R>, besides: (row: R, i: number) => Row): Iterable<R> {
  return {
    *[Symbol.iterator]() {
      let i = 0;
      for (const row of rows) {
        yield row;
        yield { ...row, ...besides(row, i++) };
      }
    },
  };
}
