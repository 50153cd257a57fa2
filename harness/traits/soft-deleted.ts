import type { Row } from "../snapshot.ts";
import { changed, type Which } from "./changed.ts";

/**
 * Rows that are there and count as gone. A data migration that leaves them out meets them again in a unique key or a NOT
 * NULL; one that takes them in brings them back; and what only live rows trigger stays unseen among dead ones.
 *
 * @param mark what tells that a row is deleted
 *
 * @example
 * ```ts
 * import { softDeleted } from "migration-sandbox";
 * const buttons = [{ id: 1, deleted_at: null }, { id: 2, deleted_at: null }];
 * const [dead, alive] = [...softDeleted(buttons, { deleted_at: "2024-11-01" }, { every: 2 })];
 * console.assert(dead.deleted_at === "2024-11-01" && alive.deleted_at === null);
 * ```
 */
export function softDeleted<R extends Row>(rows: Iterable<R>, mark: Row, which?: Which): Iterable<R> {
  return changed(rows, () => mark, { ...which, trait: "softDeleted" });
}
