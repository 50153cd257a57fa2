import type { Difference } from "./differing.ts";
import { inRows } from "./row-differences.ts";
import { inShape } from "./shape-differences.ts";
import type { Snapshot } from "./snapshot.ts";
import { thingsIn } from "./things.ts";

/** What is compared beside the shape and the rows. */
export interface DifferenceOptions {
  /** Where sequences and counters stand: a number that was drawn and not used is no difference unless it is asked for. */
  readonly positions?: boolean;
}

/** How the second database differs from the first: shape, then rows. */
export async function differences(
  one: Snapshot,
  other: Snapshot,
  { positions = false }: DifferenceOptions = {},
): Promise<readonly Difference[]> {
  const shape = inShape(...(await Promise.all([thingsIn(one, positions), thingsIn(other, positions)])));
  const [before, after] = await Promise.all([one.catalogue(), other.catalogue()]);
  // Where columns differ that is told, and rows are compared by what both have.
  const common = before.tables.filter(({ name }) => after.tables.some((table) => table.name === name));
  const rows = await inRows(
    one,
    other,
    common.map(({ name }) => name),
  );
  return [...shape, ...rows];
}
