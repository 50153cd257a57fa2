import type { Origin } from "./checks/rows-lost.ts";
import { pairOf } from "./ledger.ts";
import { emptySnapshot, identityOf, type Snapshot, type TableOutline } from "./snapshot.ts";

/**
 * Tables that somebody other than the product has written into, by the names that they have in the last state.
 *
 * @param origins who took the steps to each state, oldest first
 */
export async function sownTables(origins: readonly Origin[]): Promise<ReadonlySet<string>> {
  let sown = new Set<string>();
  let last: Snapshot = emptySnapshot;
  for (const { by, state } of origins) {
    const [before, after] = [await last.tables(), await state.tables()];
    sown = new Set(before.filter(({ name }) => sown.has(name)).flatMap((table) => namesNow(table, after, before)));
    if (by === "seeder") for (const name of await writtenBetween(last, state)) sown.add(name);
    last = state;
  }
  return sown;
}

function namesNow(table: TableOutline, after: readonly TableOutline[], before: readonly TableOutline[]): string[] {
  const { after: now, also } = pairOf(table, after, before);
  return [now, also?.after].flatMap((one) => (one === undefined ? [] : [one.name]));
}

/** Tables that hold other rows than they did; where they held none, those that hold any. */
async function writtenBetween(before: Snapshot, after: Snapshot): Promise<readonly string[]> {
  const [old, now] = [await before.tables(), await after.tables()];
  const counted = await after.fingerprints(now.map((table) => ({ table, columns: [] })));
  const then = await before.fingerprints(old.map((table) => ({ table, columns: [] })));
  const wasEmpty = (name: string) => {
    const i = old.findIndex((table) => table.name === name);
    return i < 0 || then[i] === "0";
  };
  const filled = now.filter((_, i) => counted[i] !== "0");
  const rewritten = filled.filter(({ name }) => !wasEmpty(name));
  const columns = (table: TableOutline) => ({ table, columns: identityOf({ ...table, primaryKey: [] }) });
  const [prints, others] = await Promise.all([
    after.fingerprints(rewritten.map(columns)),
    before.fingerprints(rewritten.map(columns)),
  ]);
  const same = new Set(rewritten.filter((_, i) => prints[i] === others[i]).map(({ name }) => name));
  return filled.map(({ name }) => name).filter((name) => !same.has(name));
}
