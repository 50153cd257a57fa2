import type { Origin } from "./checks/rows-lost.ts";
import { pairOf } from "./ledger.ts";
import type { Counted } from "./remembered.ts";
import type { Snapshot, TableOutline } from "./snapshot.ts";

/**
 * Tables that somebody other than the product has written into, once it was them who took the last step.
 *
 * @param origins who took the steps so far, oldest first
 */
export async function sownTables(
  known: ReadonlySet<string>,
  origins: readonly Origin[],
  now: Snapshot | Counted,
): Promise<ReadonlySet<string>> {
  if (!("filled" in now) || origins.at(-1)?.by !== "seeder") return known;
  const before = origins.at(-2)?.state;
  const filled = await now.filled();
  const counted = before !== undefined && "filled" in before ? (before as Counted) : undefined;
  const had = (await counted?.filled()) ?? new Map<string, number>();
  const both = [...filled.keys()].filter((name) => had.has(name));
  const [prints, were] = both.length === 0 ? [] : await Promise.all([now.prints(both), counted?.prints(both)]);
  const isSame = (name: string) => had.has(name) && prints?.get(name) === were?.get(name);
  return new Set([...known, ...[...filled.keys()].filter((name) => !isSame(name))]);
}

/** What these tables are called behind a hop. */
export function namesAfter(
  names: ReadonlySet<string>,
  before: readonly TableOutline[],
  after: readonly TableOutline[],
): ReadonlySet<string> {
  const tables = before.filter(({ name }) => names.has(name));
  return new Set(
    tables.flatMap((table) => {
      const { after: now, also } = pairOf(table, after, before);
      return [now, also?.after].flatMap((one) => (one === undefined ? [] : [one.name]));
    }),
  );
}
