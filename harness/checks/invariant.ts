import { type EngineName, forEngine, type PerEngine } from "../database.ts";
import { HarnessError, messageOf } from "../errors.ts";
import type { Snapshot } from "../snapshot.ts";
import type { Finding } from "../verdict.ts";
import type { Invariant } from "./check.ts";

const rowsShown = 3;

/**
 * A check that is a query: every row it finds is something wrong.
 *
 * @param code the code of the finding, in the form `words-with-dashes`
 * @example
 * ```ts
 * import { invariant } from "migration-sandbox";
 * const check = invariant("order-without-customer", "select id from orders where customer_id is null");
 * console.assert(check.code === "order-without-customer");
 * ```
 */
export function invariant(code: string, query: string | PerEngine<string>): Invariant {
  return { code, query };
}

export async function judgeInvariant(
  { code, query }: Invariant,
  after: Snapshot,
  engine: EngineName,
): Promise<readonly Finding[]> {
  const sql = typeof query === "string" ? query : forEngine(query, engine);
  if (sql === undefined)
    throw new HarnessError("check-failed", `Cannot check "${code}": it has no query for ${engine}`);
  const rows = await after.query(sql).catch((cause) => {
    throw new HarnessError("check-failed", `Cannot check "${code}": ${messageOf(cause)}`, { cause });
  });
  if (rows.length === 0) return [];
  const shown = rows
    .slice(0, rowsShown)
    .map((row) => JSON.stringify(row))
    .join(", ");
  const more = rows.length > rowsShown ? ", …" : "";
  return [
    {
      code,
      message: `${rows.length} ${rows.length === 1 ? "row" : "rows"} found by invariant "${code}": ${shown}${more}`,
    },
  ];
}
