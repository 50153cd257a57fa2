import { compareKeys, type Ledger, ledgerOf, merge, pairOf, type RowChange } from "./ledger.ts";
import { type Entry, identityOf, type Snapshot, type TableOutline } from "./snapshot.ts";

/** A way there and back: the state before, the one that migrations made of it, and the one that taking them back made of that. */
export interface Journey {
  readonly before: Snapshot;
  readonly there: Snapshot;
  readonly back: Snapshot;
}

/** What became of some rows of a table. */
export interface Toll {
  readonly lost: number;
  readonly changed: number;
  readonly columns: readonly string[];
  /** The first of them. */
  readonly first: RowChange["key"] | undefined;
}

/** What a way there and back did to the rows of a table that was there before. */
export interface Losses {
  /** The way there had kept it, the way back did not. */
  readonly avoidable: Toll;
  /** The way there had removed it already, or written over it. */
  readonly inevitable: Toll;
  /** Behind the way there some of it is nowhere any more: what is derived from it cannot be made again. */
  readonly isGone: boolean;
  /** Rows that were not there before. */
  readonly added: number;
}

/** Tells the rows that a way back lost from those that it could not have kept. */
export async function lossesIn(table: TableOutline, { before, there, back }: Journey): Promise<Losses> {
  const [old, now] = await Promise.all([before.tables(), there.tables()]);
  const pair = pairOf(table, now, old);
  const kept = new Set(pair.common.map(([name]) => name));
  const copied = await copiedColumns(table, pair.after, { kept, before, there });
  // A new table with the very columns may be where the way there has put its rows.
  const others = now.filter(
    (other) =>
      other !== pair.after && !old.some(({ name }) => name === other.name) && columnsOf(other) === columnsOf(table),
  );
  const ledgers = [ledgerOf(before, there), ...others.map((other) => ledgerOf(before, only(there, other)))];
  const followers = ledgers.map((ledger) => follow(ledger, table.name));
  const [avoidable, inevitable] = [toll(), toll()];
  let [added, isGone] = [0, false];
  try {
    for await (const change of ledgerOf(before, back).changes(table.name)) {
      if (change.kind === "added") added++;
      // Of keyless rows that are equal each is met once, the kept ones too.
      const held = change.kind === "added" ? [] : await whereHeld(followers, change);
      if (change.kind === "lost" && held.length === 0) isGone = true;
      if (change.kind === "lost") (held.length > 0 ? avoidable : inevitable).count(change, []);
      if (change.kind !== "changed") continue;
      const columns = Object.keys(change.changed ?? {});
      const isKept = (name: string) =>
        (kept.has(name) || copied.has(name)) && held.some(({ changed }) => changed?.[name] === undefined);
      const [could, not] = [columns.filter(isKept), columns.filter((name) => !isKept(name))];
      if (could.length > 0) avoidable.count(change, could);
      isGone ||= not.some((name) => !kept.has(name)) || held.length === 0;
      if (not.length > 0) inevitable.count(change, not);
    }
  } finally {
    for (const follower of followers) await follower.end();
  }
  return { avoidable: avoidable.told(), inevitable: inevitable.told(), isGone, added };
}

function columnsOf({ columns }: TableOutline): string {
  return JSON.stringify(columns.map(({ name }) => name).sort());
}

function only(snapshot: Snapshot, table: TableOutline): Snapshot {
  return { ...snapshot, tables: async () => [table] };
}

function toll() {
  const columns = new Set<string>();
  let [lost, changed] = [0, 0];
  let first: RowChange["key"] | undefined;
  return {
    count({ kind, key }: RowChange, names: readonly string[]): void {
      if (kind === "lost") lost++;
      else changed++;
      for (const name of names) columns.add(name);
      first ??= key;
    },
    told: (): Toll => ({ lost, changed, columns: [...columns], first }),
  };
}

type Follower = ReturnType<typeof follow>;

/** What the way there made of a row, wherever that is to be found. */
async function whereHeld(followers: readonly Follower[], row: RowChange): Promise<readonly RowChange[]> {
  const found = await Promise.all(followers.map((follower) => follower.at(row)));
  return found.filter((change): change is RowChange => change !== undefined && change.kind !== "lost");
}

/** Answers what became of rows that are asked for in key order; `undefined` where rows were told apart by other columns. */
function follow(ledger: Ledger, table: string) {
  const changes = ledger.changes(table)[Symbol.asyncIterator]();
  let current: IteratorResult<RowChange> | undefined;
  return {
    async at({ key }: RowChange): Promise<RowChange | undefined> {
      const wanted = Object.values(key);
      current ??= await changes.next();
      while (!current.done && (current.value.kind === "added" || isBefore(current.value, wanted)))
        current = await changes.next();
      if (current.done) return undefined;
      const { value } = current;
      if (Object.keys(value.key).join("\0") !== Object.keys(key).join("\0")) return undefined;
      if (compareKeys(Object.values(value.key), wanted) !== 0) return undefined;
      current = undefined;
      return value;
    },
    async end(): Promise<void> {
      await changes.return?.(undefined);
    },
  };
}

function isBefore({ key }: RowChange, wanted: readonly (string | null)[]): boolean {
  const values = Object.values(key);
  return values.length === wanted.length && compareKeys(values, wanted) < 0;
}

/** Columns that the way there removed, whose values stand row by row in one that it made: where nothing else tells of renaming. */
async function copiedColumns(
  table: TableOutline,
  after: TableOutline | undefined,
  { kept, before, there }: { readonly kept: ReadonlySet<string>; readonly before: Snapshot; readonly there: Snapshot },
): Promise<ReadonlySet<string>> {
  const copied = new Set<string>();
  const key = identityOf(table);
  if (after === undefined || !key.every((name) => kept.has(name))) return copied;
  const names = table.columns.map(({ name }) => name);
  const made = after.columns.map(({ name }) => name).filter((name) => !names.includes(name));
  for (const name of names.filter((name) => !kept.has(name))) {
    if (made.length === 0 || (await isOneValue(before, table, name))) continue;
    for (const other of made)
      if (await isSame(before.entries(table, [...key, name], []), there.entries(after, [...key, other], [])))
        copied.add(name);
  }
  return copied;
}

async function isSame(rows: AsyncIterable<Entry>, others: AsyncIterable<Entry>): Promise<boolean> {
  for await (const [row, other] of merge(rows, others)) if (row === undefined || other === undefined) return false;
  return true;
}

/** Where all rows have the same value, it may stand in another column by chance. */
async function isOneValue(state: Snapshot, table: TableOutline, column: string): Promise<boolean> {
  let first: string | null | undefined;
  for await (const { key } of state.entries(table, [column], [])) {
    const value = key[0] ?? null;
    if (first !== undefined && value !== first) return false;
    first = value;
  }
  return true;
}
