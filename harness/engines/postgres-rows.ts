import {
  type Chunked,
  type Column,
  type ForeignKey,
  fewRows,
  longText,
  type Rows,
  shortText,
  spansOf,
  type TableOutline,
} from "../snapshot.ts";
import { literal, quoted } from "./postgres-text.ts";

/** Servers before it hash no records. */
const hashesRecords = 140_000;

/** A query for the rows of a table as text, in the byte order of `key` with NULL last. */
export function entriesOf(table: TableOutline, key: readonly string[], columns: readonly string[]): string {
  return orderedBy(
    key,
    [...key, ...columns].map((name) => `${quoted(name)}::text`),
    sqlName(table),
  );
}

function orderedBy(key: readonly string[], texts: readonly string[], from: string): string {
  const order = key.map((_, i) => `c${i} collate "C" nulls last`).join(", ");
  const list = texts.map((text, i) => `${text} as c${i}`).join(", ");
  const ordered = order === "" ? "" : ` order by ${order}`;
  return `select * from (select ${list} from ${from}) as entries${ordered}`;
}

/** A query for the rows of some chunks. */
export function piecesOf(of: Chunked, version: number, chunks?: readonly string[]): string {
  const { table, key, columns, chunking } = of;
  const where = chunks === undefined ? "" : ` where ${withinOf(of, version, chunks)}`;
  const texts = columns.map((name) =>
    key.includes(name) ? `${quoted(name)}::text` : inShort(columnNamed(table, name)),
  );
  if (!("ranges" in chunking)) return orderedBy(key, texts, `${sqlName(table)}${where}`);
  const list = texts.join(", ");
  // Without the table's name it would be in the order of the text, which is called the same.
  return `select ${list} from ${sqlName(table)} as chunked${where} order by chunked.${quoted(chunking.ranges.column)}`;
}

/** What tells a value from others, and is never long. */
function inShort(column: Column): string {
  const text = `${quoted(column.name)}::text`;
  if (isNarrow(column)) return text;
  const hash = `octet_length(${text}) || ' ' || encode(sha256(convert_to(${text}, 'UTF8')), 'hex')`;
  return `case when octet_length(${text}) > ${longText} then ${hash} else ${text} end`;
}

/** A question for how wide the widest row of these chunks is, if there may be wide ones. */
export function widestOf(of: Chunked, version: number, chunks?: readonly string[]): string | undefined {
  const wide = of.columns.filter((name) => !isNarrow(columnNamed(of.table, name)));
  if (wide.length === 0) return undefined;
  const width = wide
    .map((name) => `coalesce(octet_length(${quoted(name)}::text), 0)`)
    .map((bytes, i) => (of.key.includes(wide[i] ?? "") ? bytes : `least(${bytes}, ${longText})`))
    .join(" + ");
  const where = chunks === undefined ? "" : ` where ${withinOf(of, version, chunks)}`;
  return `select coalesce(max(${width}), 0)::text as widest from ${sqlName(of.table)}${where}`;
}

/** A query for some rows of a table as text, and for one more than may be many; of a long text for its beginning. */
export function contentOf(table: TableOutline): string {
  const texts = table.columns.map((column) => {
    const text = `${quoted(column.name)}::text`;
    return isNarrow(column) ? text : `left(${text}, ${shortText + 1})`;
  });
  return `select ${texts.join(", ")} from ${sqlName(table)} limit ${fewRows + 1}`;
}

function isNarrow(column: Column): boolean {
  const characters = /^character(?: varying)?\((\d+)\)$/.exec(column.type)?.[1];
  if (characters !== undefined) return Number(characters) <= 1000;
  const { kind } = hashed(column);
  return kind !== "text" && kind !== "bytea";
}

/** Sums of hashes, one for each of these of the same table: they do not care for order, and count equal rows as often as they stand there. */
export function fingerprintsOf(of: readonly Rows[], version: number): string {
  const table = (of[0] as Rows).table;
  const prints = of.map(({ columns }) =>
    columns.length === 0 ? "count(*)::text" : printOf(mixed(hashOf(table, columns, version))),
  );
  return `select array[${prints.join(", ")}] as prints from ${sqlName(table)}`;
}

/** A query for the number, the count and the fingerprint of each chunk. */
export function chunksOf(of: Chunked, version: number): string {
  const { table, key, columns, chunking } = of;
  const hash = hashOf(table, columns, version);
  const told = (print: string) => `count(*)::text as rows, ${printOf(print)} as print`;
  if ("hashes" in chunking && chunking.hashes === 1)
    return `select '0' as number, ${told(mixed(hash))} from ${sqlName(table)} having count(*) > 0`;
  // Without a key the hash of what tells rows apart is that of the whole row, and is not taken twice.
  if ("hashes" in chunking && key.length === columns.length)
    return `select (${chunkOf(chunking.hashes, "hash")})::text as number, ${told(mixed("hash"))}
      from (select ${hash} as hash from ${sqlName(table)} offset 0) as hashed group by 1`;
  return `select (${numberOf(of, version)})::text as number, ${told(mixed(hash))} from ${sqlName(table)} group by 1`;
}

function numberOf({ table, key, chunking }: Chunked, version: number): string {
  if ("hashes" in chunking) return chunkOf(chunking.hashes, hashOf(table, key, version));
  const { column, from, width } = chunking.ranges;
  return `(${quoted(column)}::bigint - (${from})::bigint) / ${width}::bigint`;
}

function chunkOf(count: number, hash: string): string {
  return `(${hash} & ${greatest}) % ${count}`;
}

/** Whether a row is in one of these chunks. */
function withinOf(of: Chunked, version: number, chunks: readonly string[]): string {
  if ("ranges" in of.chunking) {
    const { column, from, width } = of.chunking.ranges;
    const spans = spansOf(chunks);
    const bound = (number: bigint) => `(${number > greatest ? greatest : number})::bigint`;
    const between = ([first, last]: readonly [bigint, bigint]) =>
      `${quoted(column)} between ${bound(from + first * width)} and ${bound(from + (last + 1n) * width - 1n)}`;
    if (spans.length <= mostSpans) return spans.map(between).join(" or ");
  }
  return `${numberOf(of, version)} in (${chunks.join(", ")})`;
}

const mostSpans = 64;
const greatest = 2n ** 63n - 1n;

const printOf = (hash: string) => `count(*) || ' ' || coalesce(sum(${hash}), 0)`;

/**
 * The hash of a record is a sum of its values', times 31 each: added up over rows, it would not tell which value stands
 * beside which. Hashed once more it does.
 */
const mixed = (hash: string) => `hashint8extended(${hash}, 0)`;

/**
 * A hash that is the same only where all values are the same as text. Values of a type are hashed as they are where
 * equal ones have equal texts, otherwise their texts; from what kinds the hash was made is in it.
 */
function hashOf(table: TableOutline, columns: readonly string[], version: number): string {
  const values = columns.map((name) => hashed(columnNamed(table, name)));
  if (version < hashesRecords) {
    const texts = columns.map((name) => `${quoted(name)}::text`).join(", ");
    return `hashtextextended(row(${texts})::text, 0)`;
  }
  const salt = `hashtextextended(${literal(values.map(({ kind }) => kind).join())}, 0)`;
  return `hash_record_extended(row(${values.map(({ value }) => value).join(", ")}), ${salt})`;
}

function hashed({ name, type }: Column): { readonly kind: string; readonly value: string } {
  const column = quoted(name);
  // A number without a scale keeps zeros that its hash does not know of; -0 is 0 to a float's.
  const scale = /^numeric\(\d+,(\d+)\)$/.exec(type)?.[1];
  if (scale !== undefined) return { kind: `numeric ${scale}`, value: column };
  if (/^(smallint|integer|bigint)$/.test(type)) return { kind: "integer", value: column };
  if (/^(boolean|uuid|date|bytea)$/.test(type)) return { kind: type, value: column };
  if (/^(timestamp(\(\d\))? with(out)?|time(\(\d\))? without) time zone$/.test(type))
    return { kind: type.replace(/\(\d\)/, ""), value: column };
  // Under a collation of its own, texts that differ may have equal hashes.
  return { kind: "text", value: `${column}::text collate "C"` };
}

function columnNamed(table: TableOutline, name: string): Column {
  const column = table.columns.find((column) => column.name === name);
  if (column === undefined) throw new Error(`There is no column "${name}" in table "${table.name}" of this snapshot`);
  return column;
}

export function orphansOf(
  table: TableOutline,
  { columns, toColumns }: ForeignKey,
  parent: TableOutline | undefined,
): string {
  if (parent === undefined) return "select 0 as orphans";
  const refers = columns.map((column) => `child.${quoted(column)} is not null`).join(" and ");
  const meets = columns
    .map((column, i) => `parent.${quoted(toColumns[i] ?? "")} = child.${quoted(column)}`)
    .join(" and ");
  return `select count(*) as orphans from ${sqlName(table)} as child
    where ${refers} and not exists (select from ${sqlName(parent)} as parent where ${meets})`;
}

/** A question for about how many bytes the rows of these take, partitions of theirs included. */
export function sizesOf(tables: readonly TableOutline[]): string {
  const names = tables.map((table) => literal(sqlName(table))).join(", ");
  return `select greatest(pg_relation_size(name::regclass),
      (select coalesce(sum(pg_relation_size(relid)), 0) from pg_partition_tree(name::regclass)))::text as bytes
    from unnest(array[${names}]) with ordinality as asked (name, number) order by number`;
}

/** A question for the least and the greatest primary key, where that is one whole number. */
export function boundsOf({ primaryKey, columns, ...table }: TableOutline): string | undefined {
  const [name] = primaryKey;
  const column = columns.find((one) => one.name === name);
  if (primaryKey.length !== 1 || column === undefined || !/^(smallint|integer|bigint)$/.test(column.type))
    return undefined;
  const key = quoted(column.name);
  return `select min(${key})::text as least, max(${key})::text as most from ${sqlName(table)}`;
}

export function sqlName(table: Pick<TableOutline, "schema" | "name">): string {
  return `${quoted(table.schema)}.${quoted(table.name.slice(table.schema === "public" ? 0 : table.schema.length + 1))}`;
}
