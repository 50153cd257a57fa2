import type { Row } from "../snapshot.ts";
import { changed, type Which } from "./changed.ts";

/**
 * Rows with NULL in a foreign key that allows it: from before there was such a parent. A migration that saves them through a
 * model which by now demands one fails, and one that gives all of them to the first user gives away what is not his.
 *
 * @example
 * ```ts
 * import { withoutParent } from "migration-sandbox";
 * const points = [{ id: 1, user_id: 7 }, { id: 2, user_id: 7 }];
 * console.assert([...withoutParent(points, "user_id", { every: 2 })].map((point) => point.user_id).join() === ",7");
 * ```
 */
export function withoutParent<R extends Row>(rows: Iterable<R>, column: string & keyof R, which?: Which): Iterable<R> {
  return changed(rows, () => ({ [column]: null }), { ...which, trait: "withoutParent" });
}
