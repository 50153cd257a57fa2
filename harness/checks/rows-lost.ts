import { compareKeys, type Ledger, lostRows, named, pairOf, type TablePair } from "../ledger.ts";
import { type Entry, identityOf, type Rows, type Snapshot, type TableOutline } from "../snapshot.ts";
import type { Finding } from "../verdict.ts";
import type { Judgement } from "./check.ts";

const keysShown = 3;

/** How a path came to where it stands: the state after each step, and who wrote the rows that the step added. */
export interface Origin {
  readonly by: "product" | "seeder";
  readonly state: Snapshot;
}

/** A row that a seeder put there and the hop removed is lost, whatever the statement said; the product's own are notes. */
export async function judgeRowsLost(ledger: Ledger, origins: readonly Origin[]): Promise<Judgement> {
  const [before, after] = await Promise.all([ledger.before.tables(), ledger.after.tables()]);
  const findings: Finding[] = [];
  const notes: Finding[] = [];
  const pairs = before.map((table) => pairOf(table, after, before));
  const unchanged = await unchangedIn(pairs, ledger);
  for (const pair of pairs) {
    if (unchanged.has(pair)) continue;
    const { before: table } = pair;
    const lost = { seeder: tally(), product: tally() };
    const rows = lostRows(ledger.before, ledger.after, pair);
    const columns = pair.key?.map(([name]) => name) ?? identityOf(table);
    for await (const [row, by] of withOrigin(rows, { table, columns, among: before }, origins)) lost[by](row);
    const gone = pair.after === undefined ? ", and so is the table" : "";
    const say = (count: number, whose: string, keys: readonly Entry[]) => {
      const shown = keys.map((row) => shortened(JSON.stringify(named(columns, row.key)))).join(", ");
      const rows = count === 1 ? `1 ${whose} row is` : `${count} ${whose} rows are`;
      return `${rows} gone from "${table.name}"${gone}: ${shown}${count > keys.length ? ", …" : ""}`;
    };
    const [sown, products] = [lost.seeder(), lost.product()];
    if (sown.count > 0)
      findings.push({ code: "rows-lost", table: table.name, message: say(sown.count, "sown", sown.first) });
    if (products.count > 0)
      notes.push({
        code: "rows-lost",
        table: table.name,
        message: say(products.count, "product", products.first),
      });
  }
  return { findings, notes };
}

/** A row without a key is told by all that it holds. */
function shortened(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 300)}…`;
}

/** Where the keys on both sides come to the same fingerprint nothing is lost, and no row has to be looked at. */
async function unchangedIn(pairs: readonly TablePair[], { before, after }: Ledger): Promise<ReadonlySet<TablePair>> {
  const left = pairs.flatMap((pair) => (pair.after && pair.key ? [{ pair, now: pair.after, key: pair.key }] : []));
  const [old, now] = await Promise.all([
    before.fingerprints(left.map(({ pair, key }) => ({ table: pair.before, columns: key.map(([name]) => name) }))),
    after.fingerprints(left.map(({ now, key }) => ({ table: now, columns: key.map(([, name]) => name) }))),
  ]);
  return new Set(left.filter((_, i) => old[i] === now[i]).map(({ pair }) => pair));
}

/** Counts rows and remembers the first of them; called without a row, it tells. */
function tally(): (row?: Entry) => { readonly count: number; readonly first: readonly Entry[] } {
  let count = 0;
  const first: Entry[] = [];
  return (row) => {
    if (row !== undefined && ++count <= keysShown) first.push(row);
    return { count, first };
  };
}

/** Rows to be found in earlier states, and all tables there are beside theirs. */
interface Sought extends Rows {
  readonly among: readonly TableOutline[];
}

/**
 * Walks back from where the rows were last seen: whoever made the step before which a row was not there wrote it. All
 * streams are in key order, so one pass over each is enough.
 */
async function* withOrigin(
  rows: AsyncIterable<Entry>,
  rowsOf: Sought,
  origins: readonly Origin[],
): AsyncGenerator<readonly [Entry, Origin["by"]]> {
  const earlier = origins.slice(0, -1).map(({ state }) => lookup(state, rowsOf));
  try {
    for await (const row of rows) {
      let step = origins.length - 1;
      let was: boolean | undefined = true;
      while (step > 0 && was) {
        was = await earlier[step - 1]?.has(row);
        if (was) step--;
      }
      // Rows were told apart by other columns then. Rather a finding too many than a user's row called the product's.
      const untold = step > 0 && was === undefined;
      yield [row, untold ? await whoeverSowed(rowsOf, origins.slice(0, step)) : (origins[step]?.by ?? "product")];
    }
  } finally {
    for (const states of earlier) await states.end();
  }
}

/** A seeder, if any had put rows into this table by then. */
async function whoeverSowed({ table, among }: Sought, origins: readonly Origin[]): Promise<Origin["by"]> {
  let before = 0;
  for (const { by, state } of origins) {
    const then = pairOf(table, await state.tables(), among).after;
    const [count = "0"] = then === undefined ? [] : await state.fingerprints([{ table: then, columns: [] }]);
    if (by === "seeder" && Number(count) > before) return "seeder";
    before = Number(count);
  }
  return "product";
}

/** Answers whether rows, asked for in key order, are in this state; `undefined` if that cannot be told. */
function lookup(
  state: Snapshot,
  rowsOf: Sought,
): { has(row: Entry): Promise<boolean | undefined>; end(): Promise<void> } {
  let keys: ReturnType<typeof keysOf> | undefined;
  let stream: AsyncIterator<Entry> | undefined;
  let current: IteratorResult<Entry> | undefined;
  return {
    async has(row) {
      keys ??= keysOf(state, rowsOf);
      stream ??= (await keys)?.[Symbol.asyncIterator]();
      if (stream === undefined) return undefined;
      current ??= await stream.next();
      while (!current.done && compareKeys(current.value.key, row.key) < 0) current = await stream.next();
      const found = !current.done && compareKeys(current.value.key, row.key) === 0;
      if (found) current = await stream.next(); // Of rows that are equal, each can be met once.
      return found;
    },
    async end() {
      await stream?.return?.();
    },
  };
}

/** The state's rows by these columns; `undefined` where it has the table and not the columns. */
async function keysOf(
  state: Snapshot,
  { table, columns: wanted, among }: Sought,
): Promise<AsyncIterable<Entry> | undefined> {
  const pair = pairOf(table, await state.tables(), among);
  if (pair.after === undefined) return nobody();
  const key = wanted.flatMap((name) => pair.common.filter(([now]) => now === name).map(([, then]) => then));
  return key.length < wanted.length ? undefined : state.entries(pair.after, key, []);
}

async function* nobody(): AsyncGenerator<Entry> {}
