import type { Column, ForeignKey, Rows, TableOutline } from "../snapshot.ts";
import type { Dialect } from "./mysql-dialect.ts";
import { quoted } from "./mysql-text.ts";

/** A query for the rows of a table as text, in the byte order of `key` with NULL last. */
export function entriesOf(table: TableOutline, key: readonly string[], columns: readonly string[]): string {
  const list = [...key, ...columns].map((name) => textOf(columnNamed(table, name))).join(", ");
  // Every collation would pad, fold or ignore something.
  const order = key.flatMap((name) => {
    const column = columnNamed(table, name);
    const bytes = `cast(${textOf(column)} as binary)`;
    return column.nullable ? [`${quoted(name)} is null`, bytes] : [bytes];
  });
  const ordered = order.length === 0 ? "" : ` order by ${order.join(", ")}`;
  return `select ${list} from ${quoted(table.name)}${ordered}`;
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
  const values = columns.map((name) => hashedPart(columnNamed(table, name), dialect)).join(", ',', ");
  return `select concat(count(*), ' ', coalesce(sum(${dialect.hash(`concat(${values})`)}), 0)) as print
    from ${quoted(table.name)}`;
}

/** A text in which no value can be taken for another one, and which fits into what a server handles at once. */
function hashedPart(column: Column, dialect: Dialect): string {
  const text = textOf(column);
  const told = isLong(column) ? `if(octet_length(${text}) < 4096, ${text}, ${dialect.hash(text)})` : text;
  return `coalesce(concat('${isBytes(column) ? "x" : ""}', octet_length(${text}), ':', ${told}), 'null')`;
}

/**
 * How many rows refer to none. The server compares as the collation of the column referred to does; were the other one
 * of another collation, it would refuse to.
 */
export function orphansOf(
  table: TableOutline,
  { columns, to, toColumns }: ForeignKey,
  parent: TableOutline | undefined,
  collationOf: (table: string, column: string) => string | undefined,
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
