import type { Client, QueryResult } from "pg";
import {
  type Catalogue,
  type Chunk,
  type Entry,
  ifFew,
  type Part,
  type Row,
  type Rows,
  type Snapshot,
  type TableOutline,
  type Values,
} from "../snapshot.ts";
import { readCatalogue, readParts, readPositions, readTables } from "./postgres-catalogue.ts";
import {
  boundsOf,
  chunksOf,
  contentOf,
  entriesOf,
  fingerprintsOf,
  orphansOf,
  piecesOf,
  sizesOf,
  sqlName,
  widestOf,
} from "./postgres-rows.ts";
import { quoted } from "./postgres-text.ts";

const rowsAtFirst = 16;
const mostRows = 500;
/** About as much as is fetched at once: what is let go of soon takes little memory. */
const charactersAtATime = 2 ** 18;
/** Where one row is that wide, a few are fetched nevertheless, as most may be narrow. */
const mostCharacters = 2 ** 20;

/** One read-only transaction is the moment; cursors in it hand out rows as they are asked for. */
export async function openSnapshot(client: Client): Promise<Snapshot & { end(): Promise<void> }> {
  // The moment is that of the first question, so one is asked at once.
  const begun = `begin isolation level repeatable read, read only; select current_setting('server_version_num') as version`;
  const [, told] = (await client.query(begun)) as unknown as QueryResult<{ version: string }>[];
  const version = Number(told?.rows[0]?.version);
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(ask: () => Promise<T>): Promise<T> => {
    const answer = last.then(ask, ask);
    last = answer;
    return answer;
  };
  let catalogue: Promise<Catalogue> | undefined;
  let parts: Promise<readonly Part[]> | undefined;
  let tables: Promise<readonly TableOutline[]> | undefined;
  let cursors = 0;

  async function* cursor<T>(sql: string, asText: boolean, most?: number): AsyncGenerator<readonly T[]> {
    const name = `c${++cursors}`;
    let count = most ?? rowsAtFirst;
    const fetched = async (before: string): Promise<readonly T[]> => {
      const text = `${before}fetch ${count} from ${name}`;
      const asked: Promise<unknown> = asText ? client.query({ text, rowMode: "array" }) : client.query(text);
      const result = await asked;
      // Two statements have two results, the rows being the second's.
      return ((Array.isArray(result) ? result.at(-1) : result) as { rows: readonly T[] }).rows;
    };
    let next: Promise<readonly T[]> = inTurn(() => fetched(`declare ${name} no scroll cursor for ${sql}; `));
    next.catch(() => {}); // Told to whoever reads.
    try {
      for (;;) {
        const rows = await next;
        const whole = rows.length < count;
        count = most ?? (asText ? fitting(rows as readonly unknown[] as readonly Values[]) : mostRows);
        const goOn = () => {
          next = inTurn(() => fetched(""));
          next.catch(() => {});
        };
        // While these are looked at the server goes on, unless they are so wide that a few more would take much memory.
        const ahead = !whole && count >= rowsAtFirst;
        if (ahead) goOn();
        yield rows;
        if (whole) return;
        if (!ahead) goOn();
      }
    } finally {
      await inTurn(() => client.query(`close ${name}`)).catch(() => {}); // The moment may have ended before its reader did.
    }
  }

  /** The rows of each query, all of them asked in one message: as one query of many parts they would take several times as long. */
  async function answers<T>(queries: readonly string[], { asText = false } = {}): Promise<readonly (readonly T[])[]> {
    if (queries.length === 0) return [];
    const text = queries.join(";\n");
    const asked = (): Promise<unknown> => (asText ? client.query({ text, rowMode: "array" }) : client.query(text));
    const result = (await inTurn(asked)) as { readonly rows: readonly T[] };
    return (Array.isArray(result) ? result : [result]).map(({ rows }) => rows);
  }

  const snapshot: Snapshot = {
    catalogue: () => (catalogue ??= inTurn(() => readCatalogue(client))),
    parts: () => (parts ??= inTurn(() => readParts(client, version))),
    positions: () => inTurn(() => readPositions(client)),
    tables: () => (tables ??= catalogue?.then((whole) => whole.tables) ?? inTurn(() => readTables(client))),

    async *rows(name) {
      const table = (await snapshot.tables()).find((t) => t.name === name);
      if (table === undefined) throw new Error(`There is no table "${name}" in this snapshot`);
      const { primaryKey } = table;
      const order = primaryKey.length === 0 ? "" : ` order by ${primaryKey.map(quoted).join(", ")}`;
      for await (const rows of cursor<Row>(`select * from ${sqlName(table)}${order}`, false)) yield* rows;
    },

    async all(name) {
      const rows: Row[] = [];
      for await (const row of snapshot.rows(name)) rows.push(row);
      return rows;
    },

    query: (sql) =>
      inTurn(async () => {
        await client.query("savepoint question");
        try {
          const result: unknown = await client.query<Row>(sql);
          if (Array.isArray(result)) throw new Error(`it is ${result.length} statements, and should be one query`);
          const { rows, fields, command } = result as QueryResult<Row>;
          // What answers with no rows at all finds nothing, whatever there is.
          if (fields.length === 0 && command !== "SELECT")
            throw new Error(`it is ${command ?? "empty"}, and should be a query that returns rows`);
          return rows;
        } finally {
          await client.query("rollback to savepoint question"); // A question that fails must not end the moment.
        }
      }),

    async *entries(table, key, columns) {
      const width = key.length;
      for await (const rows of cursor<Values>(entriesOf(table, key, columns), true))
        for (const row of rows) yield { key: row.slice(0, width), values: row.slice(width) } satisfies Entry;
    },

    async fingerprints(of) {
      // Each table is read once, whatever is asked of it.
      const asked = new Map<string, Rows[]>();
      for (const rows of of) asked.set(rows.table.name, [...(asked.get(rows.table.name) ?? []), rows]);
      const tables = [...asked.values()];
      const questions = tables.map((some) => fingerprintsOf(some, version));
      const found = await answers<{ prints: readonly string[] }>(questions);
      const prints = new Map(tables.flatMap((some, t) => some.map((rows, i) => [rows, found[t]?.[0]?.prints[i]])));
      return of.map((rows) => prints.get(rows) ?? "");
    },

    async sizes(of) {
      if (of.length === 0) return [];
      const { rows } = await inTurn(() => client.query<{ bytes: string }>(sizesOf(of)));
      return rows.map(({ bytes }) => Number(bytes));
    },

    async bounds(of) {
      const questions = of.map(boundsOf);
      const found = await answers<Bounds>(questions.filter((question) => question !== undefined));
      const told = found[Symbol.iterator]();
      return questions.map((question) => (question === undefined ? undefined : numbersOf(told.next().value?.[0])));
    },

    async chunks(of) {
      const found = await answers<Told>(of.map((one) => chunksOf(one, version)));
      return found.map((rows) => rows.map((row): Chunk => ({ ...row, rows: Number(row.rows) })));
    },

    async *pieces(of, chunks) {
      const question = widestOf(of, version, chunks);
      const [[told] = []] = question === undefined ? [] : await answers<{ widest: string }>([question]);
      yield* cursor<Values>(piecesOf(of, version, chunks), true, mostOf(Number(told?.widest ?? 0)));
    },

    async contents(of) {
      if (of.length === 0) return [];
      const found = await answers<Values>([...writtenAlike, ...of.map(contentOf), "rollback to savepoint reading"], {
        asText: true,
      });
      return found.slice(writtenAlike.length, -1).map(ifFew);
    },

    async orphans(of) {
      if (of.length === 0) return [];
      const tables = await snapshot.tables();
      const told = of.map(({ table, key }) =>
        orphansOf(
          table,
          key,
          tables.find((t) => t.name === key.to),
        ),
      );
      const found = await answers<{ orphans: string }>(told);
      return found.map(([row]) => Number(row?.orphans));
    },

    async hasRows() {
      const tables = await snapshot.tables();
      if (tables.length === 0) return false;
      const any = tables.map((table) => `exists (select from ${sqlName(table)})`).join(" or ");
      const { rows } = await inTurn(() => client.query<{ any: boolean }>(`select ${any} as any`));
      return rows[0]?.any ?? false;
    },
  };
  return { ...snapshot, end: () => client.end() };
}

/** The same values are the same texts, whatever the database has been told by then. */
const writtenAlike = [
  "savepoint reading",
  "set local timezone = 'UTC'",
  "set local datestyle = iso",
  "set local intervalstyle = postgres",
  "set local bytea_output = hex",
  "set local extra_float_digits = 1",
];

type Told = Omit<Chunk, "rows"> & { readonly rows: string };

interface Bounds {
  readonly least: string | null;
  readonly most: string | null;
}

function numbersOf(bounds: Bounds | undefined): readonly bigint[] {
  return [bounds?.least, bounds?.most].flatMap((one) => (one == null ? [] : [BigInt(one)]));
}

/** How many rows are fetched at once where none is wider than this. */
function mostOf(widest: number): number {
  const width = Math.max(widest, 1);
  const despite = Math.min(rowsAtFirst, Math.floor(mostCharacters / width));
  return Math.max(1, despite, Math.min(mostRows, Math.floor(charactersAtATime / width)));
}

/** How many rows are fetched after these: the wider they are the fewer, and never many more than before. */
function fitting(rows: readonly Values[]): number {
  let widest = 1;
  for (const row of rows) {
    let width = 0;
    for (const value of row) width += value === null ? 0 : value.length;
    if (width > widest) widest = width;
  }
  return Math.max(1, Math.min(mostRows, 4 * rows.length, Math.floor(charactersAtATime / widest)));
}
