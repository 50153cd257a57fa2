import type { Difference } from "./differing.ts";
import { inRows } from "./row-differences.ts";
import { inShape } from "./shape-differences.ts";
import type { Catalogue, Snapshot, Table } from "./snapshot.ts";
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
  const common = before.tables.filter(({ name }) => after.tables.some((table) => table.name === name));
  // Where columns differ that is told, and rows are compared by what both have.
  const rowsOf = (in_: Catalogue) =>
    common.map(({ name }) => {
      const table = in_.tables.find((t) => t.name === name) as Table;
      return { table, columns: table.columns.map((column) => column.name) };
    });
  const [prints, others] = await Promise.all([one.fingerprints(rowsOf(before)), other.fingerprints(rowsOf(after))]);
  const differing = common.filter((_, i) => prints[i] !== others[i]);
  const rows = await Promise.all(differing.map((table) => inRows(one, other, table)));
  return [...shape, ...rows.flat()];
}
