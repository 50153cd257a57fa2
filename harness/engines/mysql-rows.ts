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
import type { Dialect } from "./mysql-dialect.ts";
import { quoted } from "./mysql-text.ts";

/** The collation of a column, if it has one. */
export type CollationOf = (table: string, column: string) => string | undefined;

/** A query for the rows of a table as text, in the byte order of `key` with NULL last. */
export function entriesOf(table: TableOutline, key: readonly string[], columns: readonly string[]): string {
  const texts = [...key, ...columns].map((name) => textOf(columnNamed(table, name)));
  return `select ${texts.join(", ")} from ${quoted(table.name)}${orderBy(table, key)}`;
}

function orderBy(table: TableOutline, key: readonly string[]): string {
  // Every collation would pad, fold or ignore something.
  const order = key.flatMap((name) => {
    const column = columnNamed(table, name);
    const bytes = `cast(${textOf(column)} as binary)`;
    return column.nullable ? [`${quoted(name)} is null`, bytes] : [bytes];
  });
  return order.length === 0 ? "" : ` order by ${order.join(", ")}`;
}

/** A query for the rows of some chunks. */
export function piecesOf(of: Chunked, dialect: Dialect, chunks?: readonly string[]): string {
  const { table, key, columns, chunking } = of;
  const where = chunks === undefined ? "" : ` where ${withinOf(of, dialect, chunks)}`;
  const list = columns.map((name) => {
    const column = columnNamed(table, name);
    return key.includes(name) ? textOf(column) : inShort(column, dialect);
  });
  const order = "ranges" in chunking ? ` order by ${quoted(chunking.ranges.column)}` : orderBy(table, key);
  return `select ${list.join(", ")} from ${quoted(table.name)}${where}${order}`;
}

/** What tells a value from others, and is never long. */
function inShort(column: Column, dialect: Dialect): string {
  const text = textOf(column);
  if (!isLong(column)) return text;
  return `if(octet_length(${text}) > ${longText}, concat(octet_length(${text}), ' ', ${dialect.hash(text)}), ${text})`;
}

/**
 * A query for the number, the count and the fingerprint of each chunk.
 *
 * @param collationOf where it is known, texts that need not be converted are not
 */
export function chunksOf(of: Chunked, dialect: Dialect, collationOf?: CollationOf): string {
  const { table, columns, chunking } = of;
  const told = `concat(count(*), '') as \`rows\`, ${printOf({ table, columns }, dialect, collationOf)} as print from ${quoted(table.name)}`;
  if ("hashes" in chunking && chunking.hashes === 1) return `select '0' as number, ${told} having count(*) > 0`;
  return `select ${numberOf(of, dialect)} as number, ${told} group by 1`;
}

function numberOf({ table, key, chunking }: Chunked, dialect: Dialect): string {
  // Where a row goes need not be hard to guess, only the same everywhere.
  if ("hashes" in chunking) return `crc32(${injective({ table, columns: key }, dialect)}) % ${chunking.hashes}`;
  const { column, from, width } = chunking.ranges;
  return `(${quoted(column)} - (${from})) div ${width}`;
}

/** Whether a row is in one of these chunks. */
function withinOf(of: Chunked, dialect: Dialect, chunks: readonly string[]): string {
  if ("ranges" in of.chunking) {
    const { column, from, width } = of.chunking.ranges;
    const spans = spansOf(chunks);
    const between = ([first, last]: readonly [bigint, bigint]) =>
      `${quoted(column)} between ${from + first * width} and ${from + (last + 1n) * width - 1n}`;
    if (spans.length <= mostSpans) return spans.map(between).join(" or ");
  }
  return `${numberOf(of, dialect)} in (${chunks.join(", ")})`;
}

const mostSpans = 64;

/** A question for the least and the greatest primary key, where that is one whole number. */
export function boundsOf({ name, primaryKey, columns }: TableOutline): string | undefined {
  const [first] = primaryKey;
  const column = columns.find((one) => one.name === first);
  if (primaryKey.length !== 1 || column === undefined || !/^(tiny|small|medium|big)?int\b/.test(column.type))
    return undefined;
  const key = quoted(column.name);
  return `select concat(min(${key}), '') as least, concat(max(${key}), '') as most from ${quoted(name)}`;
}

/** A query for some rows of a table as text, and for one more than may be many; of a long text for its beginning. */
export function contentOf({ name, columns }: TableOutline): string {
  const texts = columns.map((column) =>
    isLong(column) ? `left(${textOf(column)}, ${shortText + 1})` : textOf(column),
  );
  return `select ${texts.join(", ")} from ${quoted(name)} limit ${fewRows + 1}`;
}

/** A query for how long the longest of these texts is, if there may be long ones. */
export function longestOf(table: TableOutline, key: readonly string[]): string | undefined {
  const long = key.map((name) => columnNamed(table, name)).filter(isLong);
  if (long.length === 0) return undefined;
  const longest = long.map((column) => `coalesce(max(octet_length(${textOf(column)})), 0)`).join(", ");
  return `select greatest(0, ${longest}) as longest from ${quoted(table.name)}`;
}

/** A sum of hashes does not care for order, and counts equal rows as often as they stand there. */
export function fingerprintOf({ table, columns }: Rows, dialect: Dialect): string {
  if (columns.length === 0) return `select concat(count(*), '') as print from ${quoted(table.name)}`;
  return `select ${printOf({ table, columns }, dialect)} as print from ${quoted(table.name)}`;
}

function printOf(rows: Rows, dialect: Dialect, collationOf?: CollationOf): string {
  return `concat(count(*), ' ', coalesce(sum(${dialect.hash(injective(rows, dialect, collationOf))}), 0))`;
}

/**
 * A text that no two rows share, and which fits into what a server handles at once. Commas end what cannot hold any;
 * lengths stand ahead of what can. NULL is nothing at all, where a number has digits and a text a length. What is of
 * which kind is told first.
 */
function injective({ table, columns }: Rows, dialect: Dialect, collationOf?: CollationOf): string {
  const parts = columns.map((name) => {
    const column = columnNamed(table, name);
    const asItIs = isItsText(column.type) || /^utf8mb4_/.test(collationOf?.(table.name, name) ?? "");
    const text = asItIs ? quoted(name) : textOf(column);
    const orNothing = (value: string) => (column.nullable ? `ifnull(${value}, '')` : value);
    if (isPlain(column)) return { kind: "n", told: orNothing(text) };
    const value = isLong(column) ? `if(octet_length(${text}) < ${longText}, ${text}, ${dialect.hash(text)})` : text;
    return { kind: isBytes(column) ? "b" : "t", told: `${orNothing(`octet_length(${text})`)}, ${orNothing(value)}` };
  });
  return `concat_ws(',', '${parts.map(({ kind }) => kind).join("")}', ${parts.map(({ told }) => told).join(", ")})`;
}

/** Whether a server that writes it into a text writes the same as when it is asked for its text: that takes less time. */
function isItsText(type: string): boolean {
  return /^((tiny|small|medium|big)?int|decimal|date|datetime|timestamp|time|year)\b(?!.*zerofill)/.test(type);
}

/** Whether its text is one of digits and signs, and never empty. */
function isPlain({ type }: Column): boolean {
  return /^((tiny|small|medium|big)?int|decimal|float|double|date|datetime|timestamp|time|year)\b/.test(type);
}

/**
 * How many rows refer to none. The server compares as the collation of the column referred to does; were the other one
 * of another collation, it would refuse to.
 */
export function orphansOf(
  table: TableOutline,
  { columns, to, toColumns }: ForeignKey,
  parent: TableOutline | undefined,
  collationOf: CollationOf,
): string {
  const refers = columns.map((name) => `child.${quoted(name)} is not null`).join(" and ");
  const known = parent !== undefined && toColumns.every((name) => parent.columns.some((c) => c.name === name));
  if (!known) {
    // With its checks off, a server drops what is referred to. What stands in another database is not ours to judge.
    const elsewhere = parent === undefined && to.includes(".");
    return elsewhere
      ? "select 0 as orphans"
      : `select count(*) as orphans from ${quoted(table.name)} as child where ${refers}`;
  }
  const meets = columns.map((name, i) => {
    const target = toColumns[i] ?? "";
    const [own, wanted] = [collationOf(table.name, name), collationOf(parent.name, target)];
    const value = `child.${quoted(name)}`;
    const alike =
      wanted === undefined || own === wanted
        ? value
        : `convert(${value} using ${wanted.split("_")[0]}) collate ${wanted}`;
    return `parent.${quoted(target)} = ${alike}`;
  });
  return `select count(*) as orphans from ${quoted(table.name)} as child
    where ${refers} and not exists (select 1 from ${quoted(parent.name)} as parent where ${meets.join(" and ")})`;
}

/** A value as text: bytes stay bytes, which the reader writes as hexadecimal digits. */
function textOf({ name, type }: Pick<Column, "name" | "type">): string {
  const column = quoted(name);
  if (/^(tinyblob|blob|mediumblob|longblob|binary|varbinary|bit)\b/.test(type)) return column;
  if (/^(geom|point|linestring|polygon|multi|vector)/.test(type)) return `hex(${column})`;
  // As float, digits would be left out that tell values apart.
  if (/^float/.test(type)) return `cast((${column} + 0e0) as char)`;
  if (/^(char|varchar|tinytext|text|mediumtext|longtext|enum|set)\b/.test(type))
    return `convert(${column} using utf8mb4)`;
  return `cast(${column} as char)`;
}

function isBytes(column: Column): boolean {
  return textOf(column) === quoted(column.name);
}

/** Whether its values may be longer than what a server compares by itself: 1024 bytes, the length among them. */
function isLong({ type }: Column): boolean {
  const characters = /^(?:var)?(?:char|binary)\((\d+)/.exec(type)?.[1];
  return (
    Number(characters ?? 0) >= 250 || /text\b|blob\b|^(json|geom|point|linestring|polygon|multi|vector)/.test(type)
  );
}

function columnNamed(table: TableOutline, name: string): Column {
  const column = table.columns.find((column) => column.name === name);
  if (column === undefined) throw new Error(`There is no column "${name}" in table "${table.name}" of this snapshot`);
  return column;
}
