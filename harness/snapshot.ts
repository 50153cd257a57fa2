import type { Kind } from "./differing.ts";

/** A value of a row as the driver gives it. */
export interface Row {
  readonly [column: string]: unknown;
}

export interface Column {
  readonly name: string;
  /** What stays the same when the column is renamed, where the engine has such a thing. */
  readonly id?: string;
  readonly type: string;
  readonly nullable: boolean;
  readonly default: string | null;
  /** What is said about it, where the engine tells that with the column. */
  readonly comment?: string;
}

export interface Key {
  readonly name: string;
  readonly columns: readonly string[];
  readonly primary: boolean;
}

export interface ForeignKey {
  readonly name: string;
  readonly columns: readonly string[];
  /** The table referred to, named as {@link Table.name} is. */
  readonly to: string;
  readonly toColumns: readonly string[];
  readonly onUpdate: string;
  readonly onDelete: string;
  /** `false`: rows from before it existed were never looked at. */
  readonly validated: boolean;
}

/** Something with a name and a text that creates it: an index, a check constraint, a view, a trigger, a function. */
export interface Definition {
  readonly name: string;
  readonly definition: string;
}

/** As much of a table as rows are read and compared by. */
export interface TableOutline {
  /** `volumes`, or `audit.volumes` outside the schema that names without one mean. */
  readonly name: string;
  readonly schema: string;
  /** What stays the same when the table is renamed, where the engine has such a thing. */
  readonly id?: string;
  readonly columns: readonly Column[];
  readonly primaryKey: readonly string[];
  readonly foreignKeys: readonly ForeignKey[];
}

export interface Table extends TableOutline {
  readonly keys: readonly Key[];
  readonly indexes: readonly Definition[];
  readonly checks: readonly Definition[];
  readonly triggers: readonly Definition[];
  /** What else was said when it was created: engine, collation, partitions; where the engine has such things. */
  readonly options?: string;
}

/** What one thing of a database is known by: kind and name, and the table that it is a part of. */
export interface Thing {
  readonly kind: Kind;
  readonly name: string;
  readonly table?: string | null;
}

/**
 * Something that has no place in a catalogue, or what else is to be told of something that has. A comment and a
 * grant have no names: they are what is said about, and allowed with, the first thing of `of`.
 */
export interface Part extends Thing, Definition {
  readonly column?: string | null;
  /** What it would not be there without. */
  readonly of?: readonly Thing[] | null;
}

/** Where a sequence or a counter of a table stands. */
export interface Position {
  /** The sequence, or the table that counts by itself. */
  readonly name: string;
  readonly table?: string;
  readonly position: string;
}

/** A database's shape as plain data, everything in name order. The harness's own record is left out. */
export interface Catalogue {
  readonly tables: readonly Table[];
  readonly enums: readonly { readonly name: string; readonly labels: readonly string[] }[];
  readonly sequences: readonly Definition[];
  readonly views: readonly Definition[];
  /** Functions, and what else has a body of statements. */
  readonly functions: readonly Definition[];
  /** What tables get where they say nothing: character set and collation; where the engine has such things. */
  readonly options?: string;
}

/** A row for comparing: every value as the server's own text, `null` where it is NULL. */
export interface Entry {
  readonly key: readonly (string | null)[];
  readonly values: readonly (string | null)[];
}

/** The rows of a table as some of its columns tell them. */
export interface Rows {
  readonly table: TableOutline;
  readonly columns: readonly string[];
}

/**
 * How rows fall into chunks, in the same way in every database: by ranges of a whole number that tells them apart, or by
 * a hash of all that does. One chunk is the whole table.
 */
export type Chunking =
  | { readonly ranges: { readonly column: string; readonly from: bigint; readonly width: bigint } }
  | { readonly hashes: number };

/** The rows of a table in chunks. */
export interface Chunked extends Rows {
  /** The columns that tell rows apart, first among `columns`. */
  readonly key: readonly string[];
  readonly chunking: Chunking;
}

/** A chunk that has rows, and a text that is the same where the same rows are. */
export interface Chunk {
  readonly number: string;
  readonly rows: number;
  readonly print: string;
}

/** A row's values as the server's own text, in the order of the columns that were asked for. */
export type Values = readonly (string | null)[];

/** So many rows are few, and a text of so many characters is short: to read them takes less time than to have them hashed. */
export const fewRows = 256;
export const shortText = 1024;
/** A text that is longer is told by its hash to whoever only wants to know whether it is another. */
export const longText = 4096;

/** These rows, if they are few and none of their texts is longer than short. */
export function ifFew(rows: readonly Values[]): readonly Values[] | undefined {
  const isShort = (value: string | null) => value === null || value.length <= shortText;
  return rows.length <= fewRows && rows.every((row) => row.every(isShort)) ? rows : undefined;
}

/** A foreign key and the table that has it. */
export interface Reference {
  readonly table: TableOutline;
  readonly key: ForeignKey;
}

/** A database at one moment: its shape as plain data, its rows on demand, never all of them in memory. */
export interface Snapshot {
  catalogue(): Promise<Catalogue>;
  /** All that the catalogue leaves out: types, policies, comments, grants. Only those who compare ends ask for it. */
  parts(): Promise<readonly Part[]>;
  /** Where sequences and counters stand, in name order. They may stand elsewhere than at the moment of the snapshot. */
  positions(): Promise<readonly Position[]>;
  /** Its tables with what tells rows apart and ties them together: much quicker to read than the whole catalogue. */
  tables(): Promise<readonly TableOutline[]>;
  /** The rows of a table in the order of its primary key, as the driver gives them. */
  rows(table: string): AsyncIterable<Row>;
  /** The same, gathered: for tables known to be small. */
  all(table: string): Promise<readonly Row[]>;
  query(sql: string): Promise<readonly Row[]>;
  /** The rows of a table as text, in the byte order of `key` with NULL last. */
  entries(table: TableOutline, key: readonly string[], columns: readonly string[]): AsyncIterable<Entry>;
  /** For each of these: a text that is the same where the same rows are, told by these columns alone. */
  fingerprints(of: readonly Rows[]): Promise<readonly string[]>;
  /** For each of these: about how many bytes its rows take. */
  sizes(of: readonly TableOutline[]): Promise<readonly number[]>;
  /**
   * For each of these: the least and the greatest primary key, of a table without rows neither; `undefined` where the
   * key is not one whole number.
   */
  bounds(of: readonly TableOutline[]): Promise<readonly (readonly bigint[] | undefined)[]>;
  /** For each of these: its chunks, a pass over the rows in the server. */
  chunks(of: readonly Chunked[]): Promise<readonly (readonly Chunk[])[]>;
  /**
   * The rows of some chunks, or of all, a handful at a time: by ranges in the order of that number, by hashes in the
   * byte order of the key with NULL last. Where a value beside the key is long, something short that tells it from others.
   */
  pieces(of: Chunked, chunks?: readonly string[]): AsyncIterable<readonly Values[]>;
  /** For each of these: all of its rows in no order; `undefined` where there are many, or some are wide. */
  contents(of: readonly TableOutline[]): Promise<readonly (readonly Values[] | undefined)[]>;
  /** For each of these: how many rows refer to a row that is not there. */
  orphans(of: readonly Reference[]): Promise<readonly number[]>;
  /** Whether any table holds any row. */
  hasRows(): Promise<boolean>;
}

const nothing: Catalogue = { tables: [], enums: [], sequences: [], views: [], functions: [] };

/** The database before anything was installed. */
export const emptySnapshot: Snapshot = {
  catalogue: async () => nothing,
  parts: async () => [],
  positions: async () => [],
  tables: async () => [],
  rows: () => none(),
  all: async () => [],
  query: async () => [],
  entries: () => none(),
  fingerprints: async (of) => of.map(() => ""),
  sizes: async (of) => of.map(() => 0),
  bounds: async (of) => of.map(() => undefined),
  chunks: async (of) => of.map(() => []),
  pieces: () => none(),
  contents: async (of) => of.map(() => []),
  orphans: async (of) => of.map(() => 0),
  hasRows: async () => false,
};

async function* none(): AsyncGenerator<never> {}

/** The columns that tell a row from another: the primary key, or all of them. */
export function identityOf({ primaryKey, columns }: TableOutline): readonly string[] {
  return primaryKey.length > 0 ? primaryKey : columns.map(({ name }) => name);
}

/** Chunks by ranges that follow each other, as one. */
export function spansOf(chunks: readonly string[]): readonly (readonly [first: bigint, last: bigint])[] {
  const spans: [bigint, bigint][] = [];
  for (const chunk of chunks.map(BigInt).sort((a, b) => (a < b ? -1 : 1))) {
    const last = spans.at(-1);
    if (last !== undefined && last[1] + 1n === chunk) last[1] = chunk;
    else spans.push([chunk, chunk]);
  }
  return spans;
}
