import type { Row } from "../snapshot.ts";
import { changed, type Which } from "./changed.ts";

/**
 * Rows that refer to a parent who is not there. Years with foreign keys off, or with none, leave such rows behind: a migration
 * that adds the key fails on them, and one that joins the parent loses them. Where there is a key, plant them in `fallow`.
 *
 * @param missing the columns that refer, with what nobody has as a key
 *
 * @example
 * ```ts
 * import { orphans, seeder } from "migration-sandbox";
 * const comments = [{ id: 1, post_id: 1 }, { id: 2, post_id: 1 }];
 * const commentsOfGonePosts = seeder("a comment whose post is gone", ({ fallow }) =>
 *   fallow(({ plant }) => plant("comments", orphans(comments, { post_id: 404 }, { every: 2 }))),
 * );
 * console.assert(commentsOfGonePosts.name === "a comment whose post is gone");
 * console.assert([...orphans(comments, { post_id: 404 }, { every: 2 })].map((row) => row.post_id).join() === "404,1");
 * ```
 */
export function orphans<R extends Row>(rows: Iterable<R>, missing: Row, which?: Which): Iterable<R> {
  return changed(rows, () => missing, { ...which, trait: "orphans" });
}
