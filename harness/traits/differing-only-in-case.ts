import type { Row } from "../snapshot.ts";
import { duplicates } from "./duplicates.ts";

/**
 * Each row, and once more with a text that differs only in case. Two accounts of one mail address are two on PostgreSQL and
 * one on MySQL and MariaDB, whose usual collations refuse the second; a migration that folds case merges them, or fails.
 *
 * @param besides what else the second one cannot share, by its number from 0
 * @throws {TypeError} for a text in which nothing has a case
 *
 * @example
 * ```ts
 * import { differingOnlyInCase } from "migration-sandbox";
 * const users = [...differingOnlyInCase([{ id: 1, email: "ann@x.org" }], "email", (_, i) => ({ id: 100 + i }))];
 * console.assert(users.map((user) => user.email).join() === "ann@x.org,Ann@x.org");
 * ```
 */
export function differingOnlyInCase<R extends Row>(
  rows: Iterable<R>,
  column: string & keyof R,
  besides: (row: R, i: number) => Row,
): Iterable<R> {
  return duplicates(rows, (row, i) => ({ [column]: otherwise(row[column], column), ...besides(row, i) }));
}

/** The first letter that can be written both ways, written the other way. */
function otherwise(value: unknown, column: string): string {
  const letters = [...String(value)];
  const at = letters.findIndex((letter) => letter.toLowerCase() !== letter.toUpperCase());
  const letter = letters[at];
  if (letter === undefined) throw new TypeError(`"${value}" of "${column}" has no letter of another case`);
  const other = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
  return letters.with(at, other).join("");
}
