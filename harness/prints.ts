import { createHash } from "node:crypto";
import type { Rows, TableOutline, Values } from "./snapshot.ts";

/** What is known of the rows of one state: for each table, texts that are the same where the same rows are. */
export class Prints {
  readonly #known = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  /** Begins with how many rows there are. */
  of(rows: Rows): string | undefined {
    return rows.columns.length === 0 ? this.countIn(rows.table)?.toString() : this.#known.get(keyOf(rows));
  }

  countIn({ name }: Pick<TableOutline, "name">): number | undefined {
    return this.#counts.get(name);
  }

  /** Whether any table is known to hold rows. */
  get anyRows(): boolean {
    return [...this.#counts.values()].some((count) => count > 0);
  }

  learn(rows: Rows, print: string): void {
    this.#known.set(keyOf(rows), print);
    this.#counts.set(rows.table.name, Number.parseInt(print, 10) || 0);
  }

  /** All that another one knows: of the same state. */
  adopt(other: Prints): void {
    for (const [key, print] of other.#known) this.#known.set(key, print);
    for (const [name, count] of other.#counts) this.#counts.set(name, count);
  }

  forget(): void {
    this.#known.clear();
    this.#counts.clear();
  }
}

/** The print of rows that are at hand: never that of the server, which is taken where they are many. */
export function printOf(rows: readonly Values[], { table, columns }: Rows): string {
  if (rows.length === 0 || columns.length === 0) return String(rows.length);
  const places = columns.map((name) => table.columns.findIndex((column) => column.name === name));
  const texts = rows.map((row) => JSON.stringify(places.map((place) => row[place] ?? null))).sort();
  const hash = createHash("sha256").update(JSON.stringify(texts)).digest("base64url").slice(0, 22);
  return `${rows.length} ${hash}`;
}

/** A table's rows as all of its columns tell them. */
export function wholeOf(table: TableOutline): Rows {
  return { table, columns: table.columns.map(({ name }) => name) };
}

function keyOf({ table, columns }: Rows): string {
  return JSON.stringify([table.name, columns]);
}
