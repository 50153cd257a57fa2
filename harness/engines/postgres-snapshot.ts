import type { Client, QueryResult } from "pg";
import type { Catalogue, Entry, ForeignKey, Part, Row, Rows, Snapshot, TableOutline } from "../snapshot.ts";
import { readCatalogue, readParts, readPositions, readTables } from "./postgres-catalogue.ts";
import { quoted } from "./postgres-text.ts";

const rowsAtATime = 1000;

/** One read-only transaction is the moment; cursors in it hand out rows as they are asked for. */
export async function openSnapshot(client: Client): Promise<Snapshot & { end(): Promise<void> }> {
  // The moment is that of the first question, so one is asked at once.
  await client.query("begin isolation level repeatable read, read only; select 1");
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

  async function* cursor<T>(sql: string, asText: boolean): AsyncGenerator<T> {
    const name = `c${++cursors}`;
    const fetch = `fetch ${rowsAtATime} from ${name}`;
    let text = `declare ${name} no scroll cursor for ${sql}; ${fetch}`;
    try {
      for (;;) {
        const sent = text;
        const ask = (): Promise<unknown> =>
          asText ? client.query({ text: sent, rowMode: "array" }) : client.query(sent);
        const result = await inTurn(ask);
        // Two statements have two results, the rows being the second's.
        const { rows } = (Array.isArray(result) ? result.at(-1) : result) as { rows: T[] };
        yield* rows;
        if (rows.length < rowsAtATime) return;
        text = fetch;
      }
    } finally {
      await inTurn(() => client.query(`close ${name}`)).catch(() => {}); // The moment may have ended before its reader did.
    }
  }

  const snapshot: Snapshot = {
    catalogue: () => (catalogue ??= inTurn(() => readCatalogue(client))),
    parts: () => (parts ??= inTurn(() => readParts(client))),
    positions: () => inTurn(() => readPositions(client)),
    tables: () => (tables ??= inTurn(() => readTables(client))),

    async *rows(name) {
      const table = (await snapshot.tables()).find((t) => t.name === name);
      if (table === undefined) throw new Error(`There is no table "${name}" in this snapshot`);
      const { primaryKey } = table;
      const order = primaryKey.length === 0 ? "" : ` order by ${primaryKey.map(quoted).join(", ")}`;
      yield* cursor<Row>(`select * from ${sqlName(table)}${order}`, false);
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
      const asText = (name: string, i: number) => `${quoted(name)}::text as c${i}`;
      const order = key.map((_, i) => `c${i} collate "C" nulls last`).join(", ");
      const list = [...key, ...columns].map(asText).join(", ");
      const ordered = order === "" ? "" : ` order by ${order}`;
      const sql = `select * from (select ${list} from ${sqlName(table)}) as entries${ordered}`;
      for await (const row of cursor<(string | null)[]>(sql, true)) {
        yield { key: row.slice(0, key.length), values: row.slice(key.length) } satisfies Entry;
      }
    },

    async fingerprints(of) {
      if (of.length === 0) return [];
      const { rows } = await inTurn(() => client.query<{ print: string }>(inOneQuestion(of.map(fingerprintOf))));
      return rows.map(({ print }) => print);
    },

    async orphans(of) {
      const tables = await snapshot.tables();
      const told = of.map(({ table, key }) =>
        orphansOf(
          table,
          key,
          tables.find((t) => t.name === key.to),
        ),
      );
      if (told.length === 0) return [];
      const { rows } = await inTurn(() => client.query<{ orphans: string }>(inOneQuestion(told)));
      return rows.map(({ orphans }) => Number(orphans));
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

/** A sum of hashes does not care for order, and counts equal rows as often as they stand there. */
function fingerprintOf({ table, columns }: Rows): string {
  const row = columns
    .map((column) => `coalesce(length(${quoted(column)}::text) || ':' || ${quoted(column)}::text, 'null')`)
    .join(" || ',' || ");
  if (columns.length === 0) return `select count(*)::text as print from ${sqlName(table)}`;
  return `select count(*) || ' ' || coalesce(sum(hashtextextended(${row}, 0)), 0) as print from ${sqlName(table)}`;
}

function orphansOf(table: TableOutline, { columns, toColumns }: ForeignKey, parent: TableOutline | undefined): string {
  if (parent === undefined) return "select 0 as orphans";
  const refers = columns.map((column) => `child.${quoted(column)} is not null`).join(" and ");
  const meets = columns
    .map((column, i) => `parent.${quoted(toColumns[i] ?? "")} = child.${quoted(column)}`)
    .join(" and ");
  return `select count(*) as orphans from ${sqlName(table)} as child
    where ${refers} and not exists (select from ${sqlName(parent)} as parent where ${meets})`;
}

/** The answers of many questions as rows in their order: one round trip instead of one each. */
function inOneQuestion(questions: readonly string[]): string {
  const numbered = questions.map((question, i) => `select ${i} as number, answer.* from (${question}) as answer`);
  return `${numbered.join(" union all ")} order by number`;
}

function sqlName(table: TableOutline): string {
  return `${quoted(table.schema)}.${quoted(table.name.slice(table.schema === "public" ? 0 : table.schema.length + 1))}`;
}
