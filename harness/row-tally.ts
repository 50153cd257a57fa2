import { compareKeys, named, type RowChange, type TablePair } from "./ledger.ts";
import { identityOf, type Values } from "./snapshot.ts";

type Key = Values;

/** Counts what became of rows, in whatever order they are met, and remembers what a reader in key order meets first. */
export class RowTally {
  readonly counts = { changed: 0, lost: 0, added: 0 };
  readonly #pair: TablePair;
  readonly #columns = new Map<string, Key>();
  #first: { readonly key: Key; readonly kind: RowChange["kind"] } | undefined;

  constructor(pair: TablePair) {
    this.#pair = pair;
  }

  /** @param columns those that differ in a changed row, as named before */
  count(kind: "changed" | "lost" | "added", key: Key, columns: readonly string[] = []): void {
    this.counts[kind] += 1;
    if (this.#first === undefined || compareKeys(key, this.#first.key) < 0) this.#first = { key, kind };
    for (const name of columns) {
      const least = this.#columns.get(name);
      if (least === undefined || compareKeys(key, least) < 0) this.#columns.set(name, key);
    }
  }

  /** The columns in which rows changed, in the order in which they are met. */
  get columns(): readonly string[] {
    const place = (name: string) => this.#pair.common.findIndex(([old]) => old === name);
    return [...this.#columns]
      .sort(([a, first], [b, second]) => compareKeys(first, second) || place(a) - place(b))
      .map(([name]) => name);
  }

  /** The first row that is not the same, by what tells it from others. */
  get first(): { readonly [column: string]: string | null } | undefined {
    if (this.#first === undefined) return undefined;
    const { key = identityOf(this.#pair.before).map((name) => [name, name] as const) } = this.#pair;
    const side = this.#first.kind === "added" ? 1 : 0;
    return named(
      key.map((names) => names[side]),
      this.#first.key,
    );
  }
}
