import { type Column, type Entry, identityOf, type Snapshot, type TableOutline } from "./snapshot.ts";

/** What became of one row. A row is its primary key; without one, its content. */
export interface RowChange {
  readonly kind: "kept" | "changed" | "lost" | "added";
  /** Column (as named before; as named after, for an added row) → value, as the server's text. */
  readonly key: { readonly [column: string]: string | null };
  /** For a changed row: column → its value before and after. */
  readonly changed?: { readonly [column: string]: readonly [before: string | null, after: string | null] };
}

/** Two snapshots around a hop, compared row by row in key order. */
export interface Ledger {
  readonly before: Snapshot;
  readonly after: Snapshot;
  /**
   * What became of the rows of one table, named as before the hop (a table that is new: as after it). A table renamed
   * by the hop is followed where the engine can tell; columns that only one side has are not compared.
   */
  changes(table: string): AsyncIterable<RowChange>;
}

export function ledgerOf(before: Snapshot, after: Snapshot): Ledger {
  return {
    before,
    after,
    changes: async function* (name) {
      const [old, now] = await Promise.all([before.tables(), after.tables()]);
      const table = old.find((t) => t.name === name);
      if (table !== undefined) yield* compare(before, after, pairOf(table, now, old));
      else {
        const added = now.find((t) => t.name === name);
        if (added !== undefined) yield* allAdded(after, added);
      }
    },
  };
}

/** A table before a hop and what it is after it. */
export interface TablePair {
  readonly before: TableOutline;
  /** Missing: the table is gone. */
  readonly after?: TableOutline;
  /** Columns that tell a row from another: name before, name after. Missing: none of them is left. */
  readonly key?: readonly (readonly [before: string, after: string])[];
  /** The table itself under another name, where a new one has taken its name. */
  readonly also?: TablePair;
  /** Columns on both sides. */
  readonly common: readonly (readonly [before: string, after: string])[];
}

/**
 * Finds what a table and its columns are called after a hop: by name, else by what a rename leaves the same, else by its
 * columns, as a table that was rebuilt under another name has.
 *
 * @param old all tables there were before the hop
 */
export function pairOf(before: TableOutline, now: readonly TableOutline[], old: readonly TableOutline[]): TablePair {
  const [named, renamed] = [now.find((t) => t.name === before.name), now.find((t) => sameId(t, before))];
  const after = named ?? renamed ?? rebuilt(before, now, old);
  if (after === undefined) return { before, common: [] };
  const pair = paired(before, after);
  // Renamed to make way for a new table of its name: its rows may be in either.
  return renamed === undefined || renamed === after ? pair : { ...pair, also: paired(before, renamed) };
}

/** The one new table that has the columns of one that is gone: rows are looked for in it, not taken to be there. */
function rebuilt(
  before: TableOutline,
  now: readonly TableOutline[],
  old: readonly TableOutline[],
): TableOutline | undefined {
  const isNew = (t: TableOutline) => !old.some((other) => other.name === t.name || sameId(other, t));
  const namesOf = ({ columns }: TableOutline) =>
    columns
      .map(({ name }) => name)
      .sort()
      .join("\0");
  const alike = now.filter((t) => isNew(t) && namesOf(t) === namesOf(before));
  return alike.length === 1 ? alike[0] : undefined;
}

function paired(before: TableOutline, after: TableOutline): TablePair {
  const common = before.columns.flatMap((column) => {
    const found = columnAfter(column, before, after);
    return found === undefined ? [] : [[column.name, found.name] as const];
  });
  const { primaryKey } = before;
  const key = primaryKey.flatMap((name) => common.filter(([old]) => old === name));
  // A key that lost a column no longer tells rows apart: then the content that is left must do.
  const whole = key.length === primaryKey.length && key.length > 0 ? key : common;
  return { before, after, common, ...(whole.length === 0 ? {} : { key: whole }) };
}

function columnAfter(column: Column, before: TableOutline, after: TableOutline): Column | undefined {
  const known = sameId(before, after);
  const same = known ? after.columns.find((c) => sameId(c, column)) : undefined;
  // A name by which another column of before goes now is that column's.
  const taken = (c: Column) => known && before.columns.some((other) => sameId(other, c));
  return (
    same ?? after.columns.find((c) => c.name === column.name && !taken(c)) ?? keyColumnAfter(column, before, after)
  );
}

/** Where columns have no lasting id: a new column in the place that one of the key has left. */
function keyColumnAfter(column: Column, before: TableOutline, after: TableOutline): Column | undefined {
  const place = before.primaryKey.indexOf(column.name);
  if (column.id !== undefined || place < 0 || before.primaryKey.length !== after.primaryKey.length) return undefined;
  const found = after.columns.find(({ name }) => name === after.primaryKey[place]);
  return before.columns.some(({ name }) => name === found?.name) ? undefined : found;
}

function sameId(a: { readonly id?: string }, b: { readonly id?: string }): boolean {
  return a.id !== undefined && a.id === b.id;
}

/** The rows of `pair.before` that are no longer there, in key order; only keys are read. */
export async function* lostRows(before: Snapshot, after: Snapshot, pair: TablePair): AsyncGenerator<Entry> {
  const key = pair.key?.map(([old]) => old) ?? identityOf(pair.before);
  let rows: AsyncIterable<Entry> = before.entries(pair.before, key, []);
  for (const place of [pair, ...(pair.also === undefined ? [] : [pair.also])]) {
    const now = key.flatMap((name) => place.common.filter(([old]) => old === name).map(([, name]) => name));
    if (place.after !== undefined && now.length === key.length)
      rows = missing(rows, after.entries(place.after, now, []));
  }
  yield* rows;
}

async function* missing(rows: AsyncIterable<Entry>, left: AsyncIterable<Entry>): AsyncGenerator<Entry> {
  for await (const [row, match] of merge(rows, left)) if (row !== undefined && match === undefined) yield row;
}

async function* compare(before: Snapshot, after: Snapshot, pair: TablePair): AsyncGenerator<RowChange> {
  const { key, common } = pair;
  if (pair.after === undefined || key === undefined) {
    const names = identityOf(pair.before);
    for await (const row of before.entries(pair.before, names, [])) yield { kind: "lost", key: named(names, row.key) };
    return;
  }
  const [keyBefore, keyAfter] = [key.map(([old]) => old), key.map(([, now]) => now)];
  const rest = common.filter(([old]) => !keyBefore.includes(old));
  const old = before.entries(
    pair.before,
    keyBefore,
    rest.map(([name]) => name),
  );
  const now = after.entries(
    pair.after,
    keyAfter,
    rest.map(([, name]) => name),
  );
  for await (const [was, is] of merge(old, now)) {
    if (was === undefined) yield { kind: "added", key: named(keyAfter, is?.key ?? []) };
    else if (is === undefined) yield { kind: "lost", key: named(keyBefore, was.key) };
    else {
      const changed = rest.flatMap(([name], i) => {
        const pair = [was.values[i] ?? null, is.values[i] ?? null] as const;
        return pair[0] === pair[1] ? [] : [[name, pair] as const];
      });
      const kind = changed.length === 0 ? "kept" : "changed";
      yield {
        kind,
        key: named(keyBefore, was.key),
        ...(kind === "changed" && { changed: Object.fromEntries(changed) }),
      };
    }
  }
}

async function* allAdded(after: Snapshot, table: TableOutline): AsyncGenerator<RowChange> {
  const names = identityOf(table);
  for await (const row of after.entries(table, names, [])) yield { kind: "added", key: named(names, row.key) };
}

export function named(
  columns: readonly string[],
  values: readonly (string | null)[],
): { [column: string]: string | null } {
  return Object.fromEntries(columns.map((column, i) => [column, values[i] ?? null]));
}

/** Walks two ordered streams side by side; equal keys meet, one to one. */
export async function* merge(
  left: AsyncIterable<Entry>,
  right: AsyncIterable<Entry>,
): AsyncGenerator<readonly [Entry | undefined, Entry | undefined]> {
  const [lefts, rights] = [left[Symbol.asyncIterator](), right[Symbol.asyncIterator]()];
  try {
    let [l, r] = await Promise.all([lefts.next(), rights.next()]);
    while (!l.done || !r.done) {
      const order = l.done ? 1 : r.done ? -1 : compareKeys(l.value.key, r.value.key);
      yield [order <= 0 && !l.done ? l.value : undefined, order >= 0 && !r.done ? r.value : undefined];
      if (order <= 0) l = await lefts.next();
      if (order >= 0) r = await rights.next();
    }
  } finally {
    await lefts.return?.(undefined);
    await rights.return?.(undefined);
  }
}

/** The order that {@link Snapshot.entries} promises: bytes of the text, NULL last. */
export function compareKeys(
  a: readonly (string | null)[],
  b: readonly (string | null)[],
  width: number = a.length,
): number {
  for (let i = 0; i < width; i++) {
    const [x, y] = [a[i] ?? null, b[i] ?? null];
    if (x === y) continue;
    if (x === null || y === null) return x === null ? 1 : -1;
    return compareText(x, y);
  }
  return 0;
}

function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x === y) continue;
    // In UTF-8, as in code points, what JavaScript writes as surrogates comes after everything else.
    const [high, higher] = [isSurrogate(x), isSurrogate(y)];
    return high === higher ? x - y : high ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
