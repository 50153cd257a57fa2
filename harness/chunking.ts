import type { TablePair } from "./ledger.ts";
import type { Chunked, Chunking, Snapshot, TableOutline } from "./snapshot.ts";

/** A table that holds less is compared as a whole. */
const small = 128 * 1024;
/** A row takes about as much, or more. */
const bytesOfRow = 64;
const mostChunks = 1024;
/** Differences between keys that are further apart may be more than a server's numbers hold. */
const widest = 2n ** 62n;

/** A table that both have, with columns in common by which rows are told from each other. */
export type ComparedPair = TablePair & Required<Pick<TablePair, "after" | "key">>;

/** How tables are best divided, so that both sides divide them alike. */
export async function chunkings(
  one: Snapshot,
  other: Snapshot,
  pairs: readonly ComparedPair[],
): Promise<readonly Chunking[]> {
  const [befores, afters] = [pairs.map(({ before }) => before), pairs.map(({ after }) => after)];
  const [ours, theirs] = await Promise.all([one.sizes(befores), other.sizes(afters)]);
  const bytes = pairs.map((_, i) => Math.max(ours[i] ?? 0, theirs[i] ?? 0));
  const large = pairs.filter((pair, i) => (bytes[i] ?? 0) >= small && hasKeyOfOne(pair));
  const bounded = (tables: readonly TableOutline[], snapshot: Snapshot) =>
    tables.length === 0 ? [] : snapshot.bounds(tables);
  const [mine, others] = await Promise.all([
    bounded(
      large.map(({ before }) => before),
      one,
    ),
    bounded(
      large.map(({ after }) => after),
      other,
    ),
  ]);
  return pairs.map((pair, i) => {
    const count = countFor(bytes[i] ?? 0);
    const place = large.indexOf(pair);
    const [first, second] = [mine[place], others[place]];
    const rangesOf = first === undefined || second === undefined ? undefined : rangesIn([...first, ...second], count);
    const column = pair.key[0]?.[0];
    return rangesOf === undefined || column === undefined ? { hashes: count } : { ranges: { column, ...rangesOf } };
  });
}

/** A pair as each side is asked for it: what tells rows apart first, then the other columns, or some of them. */
export function chunked(
  { before, after, key, common }: ComparedPair,
  chunking: Chunking,
  columns?: ReadonlySet<string>,
): readonly [Chunked, Chunked] {
  const inKey = (name: string) => key.some(([old]) => old === name);
  const rest = common.filter(([old]) => !inKey(old) && (columns === undefined || columns.has(old)));
  const names = [...key, ...rest];
  const side = (table: TableOutline, i: 0 | 1): Chunked => ({
    table,
    key: key.map((pair) => pair[i]),
    columns: names.map((pair) => pair[i]),
    chunking: "ranges" in chunking ? { ranges: { ...chunking.ranges, column: key[0]?.[i] ?? "" } } : chunking,
  });
  return [side(before, 0), side(after, 1)];
}

/** Whether one column tells rows apart, on both sides. */
function hasKeyOfOne({ before, after, key }: ComparedPair): boolean {
  const [[was, is] = []] = key;
  const alone = (table: TableOutline, name?: string) => table.primaryKey.length === 1 && table.primaryKey[0] === name;
  return key.length === 1 && alone(before, was) && alone(after, is);
}

/** As many chunks as a chunk has rows, about: neither they nor the rows of one that differs take long. */
function countFor(bytes: number): number {
  return bytes < small ? 1 : Math.min(mostChunks, 2 ** Math.ceil(Math.log2(Math.sqrt(bytes / bytesOfRow))));
}

function rangesIn(
  bounds: readonly bigint[],
  count: number,
): { readonly from: bigint; readonly width: bigint } | undefined {
  const sorted = [...bounds].sort((a, b) => (a < b ? -1 : 1));
  const [from, to] = [sorted[0], sorted.at(-1)];
  if (from === undefined || to === undefined || to - from >= widest) return undefined;
  return { from, width: (to - from) / BigInt(count) + 1n };
}
