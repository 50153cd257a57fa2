import { compareKeys } from "./ledger.ts";
import { printOf, wholeOf } from "./prints.ts";
import type { Entry, Reference, Rows, Snapshot, TableOutline, Values } from "./snapshot.ts";

/** A state that also tells in which tables anything was written. */
export interface Counted extends Snapshot {
  /** How many rows the tables hold that hold any. */
  filled(): Promise<ReadonlyMap<string, number>>;
  /** For tables: a text that is the same where the same rows are. */
  prints(tables: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

/** Tables and all of their rows; without them where there are more than should be held. */
export interface Held {
  readonly outlines: readonly TableOutline[];
  readonly rows: ReadonlyMap<string, readonly Values[]> | undefined;
}

/** More rows, or characters in them, are not held. */
const mostRows = 2000;
const mostCharacters = 2 ** 18;

/** Rows of tables, as long as they are few. */
export class Holding {
  #rows: Map<string, readonly Values[]> | undefined = new Map();
  #count = 0;
  #characters = 0;

  /** `undefined` once there were too many. */
  get rows(): Held["rows"] {
    return this.#rows;
  }

  take({ name }: TableOutline, rows: readonly Values[]): void {
    this.#count += rows.length;
    for (const row of rows) for (const value of row) this.#characters += value?.length ?? 0;
    if (this.#count > mostRows || this.#characters > mostCharacters) this.#rows = undefined;
    this.#rows?.set(name, rows);
  }
}

/**
 * A state with few rows, held in memory: all that a ledger asks of what was there before a hop, or of who wrote what, so that its database
 * may be the one that goes on. What only a scenario's own checks ask it does not know.
 *
 * @param isProducts whether a table is no record of a tool's: that may be learnt later
 * @returns `undefined` where there is more than should be held
 */
export async function remembered(
  now: Snapshot,
  { outlines, rows }: Held,
  isProducts: (table: { readonly name: string }) => boolean,
): Promise<Counted | undefined> {
  if (rows === undefined) return undefined;
  const references = outlines.flatMap((table) => table.foreignKeys.map((key): Reference => ({ table, key })));
  const orphaned = await now.orphans(references);
  const orphans = new Map(references.map((reference, i) => [keyOf(reference), orphaned[i] ?? 0]));
  const rowsIn = ({ name }: { readonly name: string }) => rows.get(name) ?? [];
  const tables = () => outlines.filter(isProducts);
  const filled = () => tables().filter((table) => rowsIn(table).length > 0);
  return {
    tables: async () => tables(),
    filled: async () => new Map(filled().map((table) => [table.name, rowsIn(table).length])),
    hasRows: async () => filled().length > 0,
    fingerprints: async (of) => of.map((asked) => printOf(rowsIn(asked.table), asked)),
    async prints(names) {
      const asked = tables().filter(({ name }) => names.includes(name));
      return new Map(asked.map((table) => [table.name, printOf(rowsIn(table), wholeOf(table))]));
    },
    async *entries(table, key, columns) {
      yield* entriesOf(rowsIn(table), { table, columns: key }, columns);
    },
    orphans: async (of) => of.map((reference) => orphans.get(keyOf(reference)) ?? 0),
    contents: async (of) => of.map(rowsIn),
    catalogue: unasked,
    parts: unasked,
    positions: unasked,
    rows: unread,
    all: unasked,
    query: unasked,
    sizes: unasked,
    bounds: unasked,
    chunks: unasked,
    pieces: unread,
  };
}

async function unasked(): Promise<never> {
  throw new Error("Of this state only its tables and their rows are remembered");
}

async function* unread(): AsyncGenerator<never> {
  yield await unasked();
}

/** Rows in the order of their key, as a snapshot tells them. */
function entriesOf(
  rows: readonly Values[],
  { table, columns: key }: Rows,
  columns: readonly string[],
): readonly Entry[] {
  const places = new Map(table.columns.map(({ name }, i) => [name, i]));
  const valuesOf = (names: readonly string[], row: Values) => names.map((name) => row[places.get(name) ?? -1] ?? null);
  return rows
    .map((row): Entry => ({ key: valuesOf(key, row), values: valuesOf(columns, row) }))
    .sort((a, b) => compareKeys(a.key, b.key));
}

function keyOf({ table, key }: Reference): string {
  return JSON.stringify([table.name, key.name]);
}
