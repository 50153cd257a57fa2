import { setTimeout as sleep } from "node:timers/promises";
import type { Connection } from "mysql2/promise";
import type { Address } from "../database.ts";
import {
  type Catalogue,
  type Chunk,
  ifFew,
  type Row,
  type Snapshot,
  type TableOutline,
  type Values,
} from "../snapshot.ts";
import { createdAs, readCatalogue, readParts, readPositions, type Shown } from "./mysql-catalogue.ts";
import { connected } from "./mysql-connection.ts";
import type { Dialect } from "./mysql-dialect.ts";
import { answersTo, readTables } from "./mysql-outline.ts";
import {
  boundsOf,
  type CollationOf,
  chunksOf,
  contentOf,
  entriesOf,
  fingerprintOf,
  longestOf,
  orphansOf,
  piecesOf,
} from "./mysql-rows.ts";
import { streamsOf } from "./mysql-streams.ts";
import { quoted } from "./mysql-text.ts";

const theMoment = "start transaction with consistent snapshot, read only";
// DDL ends a transaction and would then be free to write.
const readOnly = "set session transaction read only";
// MySQL alone would tell what it knew a day ago.
const asOfNow = "set /*!80000 session information_schema_stats_expiry = 0, */ @asked = 1";
const sizesSql =
  "select table_name as name, data_length as bytes from information_schema.tables where table_schema = database()";
/** Of a text that is longer than this a server would compare the beginning only, if it was not told to do otherwise. */
const sortedBytes = 1024;
const mostSortedBytes = 8 * 1024 ** 2;
/** A text's length is sorted with it, and takes from its room. */
const lengthBytes = 16;

/** One read-only transaction is the moment; rows are read by further ones, as a connection sends one table at a time. */
export async function openSnapshot(address: Address, dialect: Dialect): Promise<Snapshot & { end(): Promise<void> }> {
  const open = async (): Promise<Connection> => {
    const connection = await connected(address, dialect);
    await connection.query(`${readOnly}; ${theMoment}`);
    return connection;
  };
  const session = await open();
  const streams = streamsOf(open, async (thread) => {
    await session.query(`kill ${thread}`);
  });
  const source = { session, address, dialect };
  let catalogue: Promise<Catalogue> | undefined;
  let tables: Promise<readonly TableOutline[]> | undefined;
  let creating: Promise<Shown> | undefined;
  let collations: Promise<Collations> | undefined;

  function created(): Promise<Shown> {
    creating ??= snapshot.tables().then(async (outlines) => ({ outlines, shown: await createdAs(source, outlines) }));
    return creating;
  }

  async function readingOf(name: string): Promise<string> {
    const table = (await snapshot.tables()).find((t) => t.name === name);
    if (table === undefined) throw new Error(`There is no table "${name}" in this snapshot`);
    const order = table.primaryKey.length === 0 ? "" : ` order by ${table.primaryKey.map(quoted).join(", ")}`;
    // Columns that are invisible are rows' content as others are.
    return `select ${table.columns.map((column) => quoted(column.name)).join(", ")} from ${quoted(name)}${order}`;
  }

  const snapshot: Snapshot = {
    catalogue: () => (catalogue ??= created().then((tables) => readCatalogue(source, tables))),
    parts: async () => readParts(source, await created()),
    positions: async () => readPositions(source, await snapshot.tables()),
    tables: () => (tables ??= readTables(source)),

    async *rows(name) {
      yield* streams.rows<Row>(await readingOf(name));
    },

    async all(name) {
      const [rows] = await session.query(await readingOf(name));
      return rows as Row[];
    },

    async query(sql) {
      const [result, fields] = await session.query(sql);
      const answers = Array.isArray(fields) && fields.some(isOfOneStatement) ? fields : [fields];
      const found = answers.flatMap((field, i) => (field === undefined ? [] : [i]));
      // Whatever is no query may have ended the moment.
      if (found.length < answers.length) await session.query(theMoment);
      if (found.length > 1) throw new Error(`it is ${found.length} statements, and should be one query`);
      if (found.length === 0) throw new Error("it returns no rows at all, and should be a query");
      return (answers === fields ? (result as unknown[])[found[0] ?? 0] : result) as Row[];
    },

    async *entries(table, key, columns) {
      const width = key.length;
      const settings = await sortingOf(longestOf(table, key), width);
      const how = { asArrays: true, ...(settings !== undefined && { settings }) };
      for await (const row of streams.rows<unknown[]>(entriesOf(table, key, columns), how)) {
        const values = row.map(asText);
        yield { key: values.slice(0, width), values: values.slice(width) };
      }
    },

    async fingerprints(of) {
      const answers = await answersTo(
        session,
        of.map((rows) => fingerprintOf(rows, dialect)),
      );
      return answers.map(([answer]) => String(answer?.print));
    },

    async sizes(of) {
      if (of.length === 0) return [];
      const [, rows = []] = await answersTo(session, [asOfNow, sizesSql]);
      const known = new Map(rows.map(({ name, bytes }) => [String(name), Number(bytes ?? 0)]));
      return of.map(({ name }) => known.get(name) ?? 0);
    },

    async bounds(of) {
      const questions = of.map(boundsOf);
      const found = await answersTo(
        session,
        questions.filter((question) => question !== undefined),
      );
      const told = found[Symbol.iterator]();
      return questions.map((question) => {
        if (question === undefined) return undefined;
        const { least = null, most = null } = told.next().value?.[0] ?? {};
        return [least, most].flatMap((one) => (one === null ? [] : [BigInt(String(one))]));
      });
    },

    async chunks(of) {
      const many = of.some(({ chunking }) => !("hashes" in chunking) || chunking.hashes > 1);
      const collationOf = many ? await collationsOf() : undefined;
      const found = await answersTo(
        session,
        of.map((one) => chunksOf(one, dialect, collationOf)),
      );
      return found.map((rows) => rows.map(chunkOf));
    },

    async *pieces(of, chunks) {
      const { table, key, chunking } = of;
      const byNumber = "ranges" in chunking;
      const settings = byNumber ? undefined : await sortingOf(longestOf(table, key), key.length);
      yield* batches(
        streams.rows(piecesOf(of, dialect, chunks), { asArrays: true, ...(settings !== undefined && { settings }) }),
      );
    },

    async contents(of) {
      if (of.length === 0) return [];
      const [found] = await session.query({ sql: of.map(contentOf).join(";\n"), rowsAsArray: true });
      const each = (of.length === 1 ? [found] : found) as unknown as readonly (readonly unknown[][])[];
      return each.map((rows) => ifFew(rows.map((row) => row.map(asText))));
    },

    async orphans(of) {
      if (of.length === 0) return [];
      const tables = await snapshot.tables();
      const collationOf = await collationsOf();
      const queries = of.map(({ table, key }) => {
        const parent = tables.find((t) => t.name === key.to);
        return orphansOf(table, key, parent, collationOf);
      });
      return (await answersTo(session, queries)).map(([answer]) => Number(answer?.orphans));
    },

    async hasRows() {
      const tables = await snapshot.tables();
      const answers = await answersTo(
        session,
        tables.map(({ name }) => `select exists (select 1 from ${quoted(name)}) as \`any\``),
      );
      return answers.some(([answer]) => Number(answer?.any) === 1);
    },
  };

  async function collationsOf(): Promise<CollationOf> {
    collations ??= readCollations(session);
    const known = await collations;
    return (table, column) => known.get(`${table}\0${column}`);
  }

  async function sortingOf(question: string | undefined, keys: number): Promise<string | undefined> {
    if (question === undefined) return undefined;
    const [[answer]] = (await session.query(question)) as unknown as [Row[]];
    const longest = Math.min(Math.max(Number(answer?.longest) + lengthBytes, sortedBytes), mostSortedBytes);
    // A server sorts only where there is room for some keys at once.
    return `set max_sort_length = ${longest}, sort_buffer_size = ${Math.max(2 * 1024 ** 2, 32 * longest * keys)}`;
  }

  return {
    ...snapshot,
    async end() {
      await streams.end();
      // It would wait behind a question that hangs.
      await Promise.race([session.end().catch(() => {}), sleep(500, undefined, { ref: false })]);
      session.destroy();
    },
  };
}

function chunkOf({ number, rows, print }: Row): Chunk {
  return { number: String(number), rows: Number(rows), print: String(print) };
}

/** Handfuls, as each one that is handed on takes time. */
async function* batches(rows: AsyncIterable<unknown[]>): AsyncGenerator<readonly Values[]> {
  let batch: Values[] = [];
  let held = 0;
  for await (const row of rows) {
    const values = row.map(asText);
    batch.push(values);
    for (const value of values) held += value?.length ?? 0;
    if (batch.length < rowsAtATime && held < charactersAtATime) continue;
    yield batch;
    batch = [];
    held = 0;
  }
  if (batch.length > 0) yield batch;
}

const rowsAtATime = 500;
const charactersAtATime = 2 ** 18;

type Collations = ReadonlyMap<string, string>;

async function readCollations(session: Connection): Promise<Collations> {
  const [rows] = (await session.query(`select table_name as \`table\`, column_name as name, collation_name as collation
    from information_schema.columns where table_schema = database() and collation_name is not null`)) as unknown as [
    Row[],
  ];
  return new Map(rows.map((row) => [`${row.table}\0${row.name}`, String(row.collation)]));
}

/** The driver tells fields as a list, of several statements as a list of lists. */
function isOfOneStatement(field: unknown): boolean {
  return field === undefined || Array.isArray(field);
}

function asText(value: unknown): string | null {
  if (value === null) return null;
  return Buffer.isBuffer(value) ? value.toString("hex").toUpperCase() : String(value);
}
