import { type ComparedPair, chunked, chunkings } from "./chunking.ts";
import type { Difference } from "./differing.ts";
import { ledgerOf, pairOf, type TablePair } from "./ledger.ts";
import { meet } from "./row-meeting.ts";
import { RowTally } from "./row-tally.ts";
import { type Chunk, type Chunking, identityOf, type Snapshot } from "./snapshot.ts";

/** Tables whose rows are looked at at the same time: while one waits for its server, another is worked at. */
const atOnce = 2;
/** As few rows as this are read with all that they hold. */
const few = 4000;

/** What became of the rows of tables that both have, by name: one difference for each in which any differ. */
export async function inRows(one: Snapshot, other: Snapshot, names: readonly string[]): Promise<readonly Difference[]> {
  const [old, now] = await Promise.all([one.tables(), other.tables()]);
  const pairs = names.flatMap((name) => {
    const table = old.find((t) => t.name === name);
    return table === undefined ? [] : [pairOf(table, now, old)];
  });
  const told = new Map<TablePair, RowTally>();
  const whole = pairs.filter(isWhole);
  // Without a column in common there is nothing to compare.
  for (const pair of pairs) if (!isWhole(pair)) told.set(pair, await streamed(one, other, pair));
  const ways = await chunkings(one, other, whole);
  const sides = whole.map((pair, i) => chunked(pair, ways[i] as Chunking));
  const [ours, theirs] = await Promise.all([
    one.chunks(sides.map(([side]) => side)),
    other.chunks(sides.map(([, side]) => side)),
  ]);
  const left = whole
    .map((pair, i) => ({ pair, chunking: ways[i] as Chunking, chunks: unlike(ours[i] ?? [], theirs[i] ?? []) }))
    .filter(({ chunks }) => chunks.numbers.length > 0)
    .values();
  const work = async () => {
    for (const { pair, ...differing } of left) told.set(pair, await drilled(one, other, pair, differing));
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return pairs.flatMap((pair) => sentenceOf(pair, told.get(pair)));
}

/** All rows of a table, one by one, as they come in the order of their keys. */
async function streamed(one: Snapshot, other: Snapshot, pair: TablePair): Promise<RowTally> {
  const tally = new RowTally(pair);
  const names = (pair.key ?? identityOf(pair.before).map((name) => [name, name] as const)).map(([was, is]) => ({
    was,
    is,
  }));
  for await (const { kind, key, changed = {} } of ledgerOf(one, other).changes(pair.before.name)) {
    if (kind === "kept") continue;
    const values = names.map(({ was, is }) => key[kind === "added" ? is : was] ?? null);
    tally.count(kind, values, Object.keys(changed));
  }
  return tally;
}

function isWhole(pair: TablePair): pair is ComparedPair {
  return pair.after !== undefined && pair.key !== undefined;
}

/** Chunks that are not the same on both sides. */
interface Unlike {
  readonly numbers: readonly string[];
  /** How many rows there are in them at most on one side. */
  readonly rows: number;
  /** Whether they are most of all chunks. */
  readonly most: boolean;
}

function unlike(ours: readonly Chunk[], theirs: readonly Chunk[]): Unlike {
  const others = new Map(theirs.map((chunk) => [chunk.number, chunk]));
  const found = ours.flatMap((chunk): readonly Chunk[] => {
    const other = others.get(chunk.number);
    others.delete(chunk.number);
    if (other?.print === chunk.print) return [];
    return [{ ...chunk, rows: Math.max(chunk.rows, other?.rows ?? 0) }];
  });
  const all = [...found, ...others.values()];
  return {
    numbers: all.map(({ number }) => number),
    rows: all.reduce((sum, { rows }) => sum + rows, 0),
    most: all.length * 2 > ours.length + others.size,
  };
}

/** Reads the rows of chunks that differ, and of columns no more than may differ. */
async function drilled(
  one: Snapshot,
  other: Snapshot,
  pair: ComparedPair,
  { chunking, chunks }: { readonly chunking: Chunking; readonly chunks: Unlike },
): Promise<RowTally> {
  const tally = new RowTally(pair);
  const look = (into: RowTally, { numbers, most }: Pick<Unlike, "numbers" | "most">, columns?: ReadonlySet<string>) => {
    const [ours, theirs] = chunked(pair, chunking, columns);
    const asked = most ? undefined : numbers;
    return meet(into, [one.pieces(ours, asked), other.pieces(theirs, asked)], ours);
  };
  const changed = chunks.rows <= few ? undefined : await changedIn(look, pair, chunks);
  if (changed === undefined) {
    await look(tally, chunks);
    return tally;
  }
  // Where all else is the same, these are all that can differ.
  const names = pair.common.map(([name]) => name);
  const rest = new Set(names.filter((name) => !changed.has(name)));
  const [ours, theirs] = chunked(pair, chunking, rest);
  const [mine, others] = await Promise.all([one.chunks([ours]), other.chunks([theirs])]);
  const more = new Set(unlike(mine[0] ?? [], others[0] ?? []).numbers);
  const [wide, narrow] = [chunks.numbers.filter((n) => more.has(n)), chunks.numbers.filter((n) => !more.has(n))];
  if (narrow.length === 0) await look(tally, chunks);
  else {
    if (wide.length > 0) await look(tally, { numbers: wide, most: false });
    await look(tally, { numbers: narrow, most: wide.length === 0 && chunks.most }, changed);
  }
  return tally;
}

/** The columns in which a few chunks differ, if no more than half of them all, and rows are neither lost nor added there. */
async function changedIn(
  look: (into: RowTally, chunks: Pick<Unlike, "numbers" | "most">) => Promise<void>,
  pair: ComparedPair,
  { numbers }: Unlike,
): Promise<ReadonlySet<string> | undefined> {
  if (numbers.length < 8) return undefined;
  const sample = [0, numbers.length >> 1, numbers.length - 1].flatMap((i) => numbers[i] ?? []);
  const tally = new RowTally(pair);
  await look(tally, { numbers: sample, most: false });
  const { lost, added } = tally.counts;
  const { columns } = tally;
  const fits = lost + added === 0 && columns.length > 0 && columns.length * 2 <= pair.common.length - pair.key.length;
  return fits ? new Set(columns) : undefined;
}

function sentenceOf({ before: table }: TablePair, tally?: RowTally): readonly Difference[] {
  if (tally === undefined) return [];
  const { changed, lost, added } = tally.counts;
  const told = Object.entries({ added, gone: lost, changed }).flatMap(([word, count]) =>
    count === 0 ? [] : [`${count} ${count === 1 ? "row" : "rows"} ${word}`],
  );
  if (told.length === 0) return [];
  const { columns } = tally;
  const where = columns.length === 0 ? "" : ` in ${columns.map((name) => `"${name}"`).join(", ")}`;
  const first = shortened(JSON.stringify(tally.first));
  const message = `"${table.name}": ${told.join(", ")}${where}; the first by ${identityOf(table).join(", ")}: ${first}`;
  return [{ code: "rows-differ", table: table.name, message, rows: { lost, added, columns } }];
}

function shortened(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}
