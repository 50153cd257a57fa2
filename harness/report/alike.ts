/** Neighbours that are alike. */
export interface Alike<T> {
  readonly items: readonly T[];
  /** What they have in common; `undefined` where none of them can have anything. */
  readonly values: readonly (string | undefined)[];
}

/** Puts neighbours together wherever both can have a value and it is the same. */
export function alike<T>(
  items: readonly T[],
  valuesOf: (item: T) => readonly (string | undefined)[],
  isApart: (item: T) => boolean = () => false,
): readonly Alike<T>[] {
  const groups: { items: T[]; values: readonly (string | undefined)[] }[] = [];
  for (const item of items) {
    const values = valuesOf(item);
    const last = groups.at(-1);
    const [before] = last?.items ?? [];
    const joins =
      last !== undefined &&
      before !== undefined &&
      !isApart(before) &&
      !isApart(item) &&
      values.every((value, i) => value === undefined || last.values[i] === undefined || value === last.values[i]);
    if (!joins) groups.push({ items: [item], values });
    else {
      last.items.push(item);
      last.values = last.values.map((value, i) => value ?? values[i]);
    }
  }
  return groups;
}

/** `1.0 … 1.14 (15)`. */
export function rangeOf(names: readonly string[]): string {
  const [first = "", second] = names;
  if (second === undefined) return first;
  return names.length === 2 ? `${first}, ${second}` : `${first} … ${names.at(-1)} (${names.length})`;
}

/** Names as ranges of what stands side by side in the whole: `1.0 … 1.4 (5), 1.6`. */
export function inRanges(names: readonly string[], whole: readonly string[]): string {
  const among = new Set(names);
  const ranges: string[][] = [];
  let isApart = true;
  for (const name of whole) {
    if (among.has(name)) {
      if (isApart) ranges.push([]);
      ranges.at(-1)?.push(name);
    }
    isApart = !among.has(name);
  }
  return ranges.map(rangeOf).join(", ");
}

/** A text in lines that are no wider; those behind the first stand farther in than it does. */
export function wrapped(text: string, width: number): readonly string[] {
  const indent = /^ */.exec(text)?.[0] ?? "";
  const lines: string[] = [];
  for (const word of text.trim().split(" ")) {
    const longer = lines.length === 0 ? `${indent}${word}` : `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && longer.length <= width) lines[lines.length - 1] = longer;
    else {
      const ahead = lines.length === 0 ? indent : `${indent}    `;
      lines.push(`${ahead}${narrowed(word, width - ahead.length)}`);
    }
  }
  return lines;
}

/** A text that is no wider; what is left out is left out of its middle, for names differ at their ends. */
export function narrowed(text: string, width: number): string {
  if (text.length <= width) return text;
  const tail = Math.floor((width - 1) / 3);
  return `${text.slice(0, width - 1 - tail)}…${tail === 0 ? "" : text.slice(-tail)}`;
}
