import type { Connection } from "mysql2/promise";
import type { Address } from "../database.ts";
import type { Column, ForeignKey, Row, TableOutline } from "../snapshot.ts";
import type { Dialect } from "./mysql-dialect.ts";
import { originOf } from "./mysql-lineage.ts";
import { literal, relocated } from "./mysql-text.ts";

/** Where a catalogue is read from. */
export interface Source {
  readonly session: Connection;
  readonly address: Address;
  readonly dialect: Dialect;
}

/** Reads no more than rows are compared by: a few queries for the whole database, in one message. */
export async function readTables(source: Source): Promise<readonly TableOutline[]> {
  const [[tables = [], columns = [], keys = [], actions = []], ids] = await Promise.all([
    answersTo(source.session, [tablesSql, columnsSql, keysSql, actionsSql]),
    idsOf(source),
  ]);
  const [columnsOf, keysOf, actionsOf] = [grouped(columns), grouped(keys), grouped(actions)];
  return [...tables].sort(byName).map(({ name: told, collation }): TableOutline => {
    const name = String(told);
    const id = ids.get(name);
    const keys = keysOf.get(name) ?? [];
    const own = columnsOf.get(name) ?? [];
    // A system-versioned table has a column in its key that it does not show.
    const primary = keys.filter((part) => part.toTable === null && own.some((column) => column.name === part.column));
    return {
      name,
      schema: source.address.database,
      ...(id !== undefined && { id }),
      columns: own.map((column) => columnOf(column, collation, source)),
      primaryKey: primary.map((part) => String(part.column)),
      foreignKeys: foreignKeysOf(keys, actionsOf.get(name) ?? []),
    };
  });
}

/** One message, and the rows that each of its queries found. */
export async function answersTo(session: Connection, queries: readonly string[]): Promise<readonly (readonly Row[])[]> {
  if (queries.length === 0) return [];
  const [found] = await session.query(queries.join(";\n"));
  return (queries.length === 1 ? [found] : found) as unknown as readonly (readonly Row[])[];
}

/** Rows by the table they are about. */
export function grouped(rows: readonly Row[]): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const name = String(row.table);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [row]);
    else group.push(row);
  }
  return groups;
}

/** The order of code points, whatever collation the server would use. */
export function byName(a: { readonly name?: unknown }, b: { readonly name?: unknown }): number {
  return Buffer.compare(Buffer.from(String(a.name)), Buffer.from(String(b.name)));
}

/** What the server wrote names this very database, and would differ in every other one. */
export function unqualified(sql: string, database: string): string {
  return relocated(sql, database);
}

// Names are given to columns here, as MySQL gives them in capitals.
const tablesSql = `select table_name as 'name', table_collation as 'collation' from information_schema.tables
  where table_schema = database() and table_type in ('BASE TABLE', 'SYSTEM VERSIONED') and table_name <> '_migration_sandbox'`;
const columnsSql = `select table_name as 'table', column_name as 'name', column_type as 'type', collation_name as 'collation',
    is_nullable as 'nullable', column_default as 'value', extra as 'extra', generation_expression as 'expression', column_comment as 'comment'
  from information_schema.columns where table_schema = database() order by table_name, ordinal_position`;
const keysSql = `select table_name as 'table', constraint_name as 'name', column_name as 'column',
    nullif(referenced_table_schema, database()) as 'toSchema', referenced_table_name as 'toTable', referenced_column_name as 'toColumn'
  from information_schema.key_column_usage
  where table_schema = database() and (constraint_name = 'PRIMARY' or referenced_table_name is not null)
  order by table_name, constraint_name, ordinal_position`;
const actionsSql = `select table_name as 'table', constraint_name as 'name', update_rule as 'onUpdate', delete_rule as 'onDelete'
  from information_schema.referential_constraints where constraint_schema = database()`;

function columnOf(column: Row, tableCollation: unknown, { address, dialect }: Source): Column {
  const { name, type, collation, comment } = column;
  const collated = collation === null || collation === tableCollation ? "" : ` collate ${collation}`;
  const value = defaultOf(column, dialect.defaultsAreSql);
  return {
    name: String(name),
    type: `${type}${collated}`,
    nullable: column.nullable === "YES",
    default: value && unqualified(value, address.database),
    ...(comment !== "" && { comment: String(comment) }),
  };
}

/** What a column holds when nothing is said, and all else that the server does to it by itself. */
function defaultOf({ value, type, expression, extra: told }: Row, isSql: boolean): string | null {
  const extra = String(told);
  const generated = /(VIRTUAL|STORED|PERSISTENT) GENERATED/i.exec(extra);
  const rest = extra
    .replace(/(VIRTUAL|STORED|PERSISTENT|DEFAULT)[ _]GENERATED/i, "")
    .replaceAll(",", " ")
    .trim()
    .replace(/\s+/g, " ");
  const asSql = isSql || /DEFAULT_GENERATED/.test(extra) || /^bit/.test(String(type));
  const none = value === null || (isSql && value === "NULL");
  const text = none ? "" : asSql ? String(value) : literal(String(value));
  const first = generated === null ? text : `generated (${expression}) ${generated[1]?.toLowerCase()}`;
  return [first, rest].filter((part) => part !== "").join(" ") || null;
}

function foreignKeysOf(keys: readonly Row[], actions: readonly Row[]): readonly ForeignKey[] {
  const found = [...actions].sort(byName).map((action): ForeignKey => {
    const parts = keys.filter(({ name, toTable }) => name === action.name && toTable !== null);
    const [first] = parts;
    const to = String(first?.toTable);
    return {
      name: String(action.name),
      columns: parts.map((part) => String(part.column)),
      to: first?.toSchema === null ? to : `${first?.toSchema}.${to}`,
      toColumns: parts.map((part) => String(part.toColumn)),
      onUpdate: String(action.onUpdate).toLowerCase(),
      onDelete: String(action.onDelete).toLowerCase(),
      validated: true,
    };
  });
  return found;
}

/** InnoDB's own number for each table, which stays when it is renamed. Those who may not see them do without. */
async function idsOf({ session, address, dialect }: Source): Promise<ReadonlyMap<string, string>> {
  const folder = `${inFiles(address.database)}/`;
  const sql = `select table_id as id, name from ${dialect.tableIds} where left(name, ${folder.length}) = ${literal(folder)}
    order by table_id desc`;
  const [rows] = await session.query(sql).catch(() => [[]]);
  // Of a table in partitions, each of which has an id, the lowest stands for all.
  const fileOf = (name: unknown) =>
    String(name)
      .slice(folder.length)
      .replace(/#p#.*$/i, "");
  const told = new Map((rows as Row[]).map(({ id, name }) => [fileOf(name), String(id)]));
  return new Map(
    [...told].flatMap(([file, id]) => {
      const name = fromFile(file);
      return name === undefined ? [] : [[name, originOf(address, address.database, id)] as const];
    }),
  );
}

/** InnoDB calls a table as its file is called. */
function inFiles(name: string): string {
  return name.replace(/[^\w]/g, (character) => `@${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Letters beyond ASCII have codes of their own there: such a table goes without an id. */
function fromFile(file: string): string | undefined {
  const name = file.replace(/@([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  return inFiles(name) === file ? name : undefined;
}
