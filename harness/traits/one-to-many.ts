import { inspect } from "node:util";
import type { Row } from "../snapshot.ts";

/**
 * Children of parents with none, one, two and many of them, by turns. A migration that takes one child for granted, or one
 * parent for all, comes through with a single row: `update … set x = (select …)` fails, or is wrong, from the second on.
 *
 * @param child makes a row of its parent, its number among all children from 0, and its number among its siblings
 * @throws {TypeError} if no parent would have a child
 *
 * @example
 * ```ts
 * import { oneToMany } from "migration-sandbox";
 * const users = [{ id: 1 }, { id: 2 }, { id: 3 }];
 * const posts = [...oneToMany(users, [0, 1, 2], (user, i) => ({ id: i + 1, author_id: user.id }))];
 * console.assert(posts.map((post) => post.author_id).join() === "2,3,3");
 * ```
 */
export function oneToMany<P, R extends Row>(
  parents: Iterable<P>,
  fanOut: readonly number[],
  child: (parent: P, i: number, nth: number) => R,
): Iterable<R> {
  refuseFanOut(fanOut);
  return {
    *[Symbol.iterator]() {
      let i = 0;
      let turn = 0;
      for (const parent of parents) {
        const children = fanOut[turn++ % fanOut.length] ?? 0;
        for (let nth = 0; nth < children; nth++) yield child(parent, i++, nth);
      }
    },
  };
}

function refuseFanOut(fanOut: unknown): void {
  const isList = Array.isArray(fanOut) && fanOut.every((children) => Number.isInteger(children) && children >= 0);
  if (isList && fanOut.length > 0) return;
  throw new TypeError(`oneToMany: fanOut is ${inspect(fanOut)}; it may be a list of whole numbers from 0`);
}
