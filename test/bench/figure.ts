/** One measured line: what, against what, as a ratio of medians from one run, and what it should be at most. */
export interface Figure {
  readonly name: string;
  readonly what: string;
  readonly floor: string;
  readonly ours: number;
  readonly floors: number;
  readonly unit: "ms" | "MB";
  readonly ratio: number;
  readonly target: number;
}

/** Runs both in turn, so that a machine that slows down slows both, and compares the medians. */
export async function compare(
  about: Pick<Figure, "name" | "what" | "floor" | "target">,
  {
    rounds,
    ours,
    floor,
  }: { readonly rounds: number; readonly ours: () => Promise<number>; readonly floor: () => Promise<number> },
): Promise<Figure> {
  const [mine, theirs]: [number[], number[]] = [[], []];
  for (let round = -1; round < rounds; round++) {
    const [a, b] = [await ours(), await floor()];
    if (round < 0) continue; // The first of each warms caches.
    mine.push(a);
    theirs.push(b);
  }
  return { ...about, ours: median(mine), floors: median(theirs), unit: "ms", ratio: median(mine) / median(theirs) };
}

export async function timed(act: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await act();
  return performance.now() - begun;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
