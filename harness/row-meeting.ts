import { compareKeys } from "./ledger.ts";
import type { RowTally } from "./row-tally.ts";
import type { Chunked, Values } from "./snapshot.ts";

/** Walks the rows of both sides, which come in the same order, and counts what became of them; equal keys meet, one to one. */
export async function meet(
  tally: RowTally,
  sides: readonly [AsyncIterable<readonly Values[]>, AsyncIterable<readonly Values[]>],
  { key, columns, chunking }: Chunked,
): Promise<void> {
  const width = key.length;
  const compare = "ranges" in chunking ? byNumber : (a: Values, b: Values) => compareKeys(a, b, width);
  const [left, right] = [new Walker(sides[0]), new Walker(sides[1])];
  try {
    for (;;) {
      // Only where a handful ends somebody is waited for.
      if (left.wants || right.wants) await Promise.all([left.fill(), right.fill()]);
      const [was, is] = [left.row, right.row];
      if (was === undefined && is === undefined) return;
      const order = was === undefined ? 1 : is === undefined ? -1 : compare(was, is);
      if (order < 0 && was !== undefined) tally.count("lost", was.slice(0, width));
      else if (order > 0 && is !== undefined) tally.count("added", is.slice(0, width));
      else if (was !== undefined && is !== undefined) {
        const changed = changedIn(was, is);
        if (changed !== undefined) tally.count("changed", was.slice(0, width), changed);
      }
      if (order <= 0) left.step();
      if (order >= 0) right.step();
    }
  } finally {
    await Promise.all([left.end(), right.end()]);
  }

  function changedIn(was: Values, is: Values): readonly string[] | undefined {
    let names: string[] | undefined;
    for (let i = width; i < columns.length; i++) {
      if (was[i] === is[i]) continue;
      names ??= [];
      names.push(columns[i] as string);
    }
    return names;
  }
}

/** Whole numbers as texts, in the order of numbers. */
function byNumber([a]: Values, [b]: Values): number {
  if (a === b) return 0;
  const [x, y] = [BigInt(a ?? 0), BigInt(b ?? 0)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** One side's rows, of which a handful is there at a time. */
class Walker {
  readonly #handfuls: AsyncIterator<readonly Values[]>;
  #rows: readonly Values[] = [];
  #at = 0;
  #ended = false;

  constructor(rows: AsyncIterable<readonly Values[]>) {
    this.#handfuls = rows[Symbol.asyncIterator]();
  }

  get row(): Values | undefined {
    return this.#rows[this.#at];
  }

  get wants(): boolean {
    return this.#at >= this.#rows.length && !this.#ended;
  }

  step(): void {
    this.#at += 1;
  }

  async fill(): Promise<void> {
    while (this.wants) {
      const { done, value } = await this.#handfuls.next();
      this.#ended = done === true;
      this.#rows = value ?? [];
      this.#at = 0;
    }
  }

  async end(): Promise<void> {
    await this.#handfuls.return?.(undefined);
  }
}
