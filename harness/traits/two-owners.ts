import type { Row } from "../snapshot.ts";
import { changed } from "./changed.ts";

/**
 * Rows that belong to two owners by turns: users, tenants, projects. With one of them everything is his, and a migration that
 * asks for any owner rather than for the row's own is right by luck.
 *
 * @example
 * ```ts
 * import { ofTwoOwners } from "migration-sandbox";
 * const volumes = [{ id: 1 }, { id: 2 }, { id: 3 }];
 * console.assert([...ofTwoOwners(volumes, "owner", ["ann", "bob"])].map((row) => row.owner).join() === "ann,bob,ann");
 * ```
 */
export function ofTwoOwners<R extends Row, C extends string, O>(
  rows: Iterable<R>,
  column: C,
  owners: readonly [O, O],
): Iterable<R & Readonly<Record<C, O>>> {
  return changed(rows, (_, n) => ({ [column]: owners[n % 2] }), { trait: "ofTwoOwners" }) as Iterable<
    R & Readonly<Record<C, O>>
  >;
}
