import { type EngineName, forEngine, type PerEngine } from "../database.ts";
import type { Ask, HalfDone } from "../migrator.ts";
import { type RecordSign, recordSigns } from "./record-signs.ts";

/** A tool's record, found in a database. */
export interface FoundRecord {
  readonly title: string;
  /** As messages show it: `knex_migrations`, `drizzle.__drizzle_migrations`. */
  readonly table: string;
  readonly schema: string;
  readonly name: string;
  /** What it holds, oldest first, as the tool names it. */
  readonly names: readonly string[];
  /** It tells how far the database is, and nothing of what came before. */
  readonly upTo: boolean;
  readonly halfDone?: HalfDone;
}

/** A table and its columns, by their names in small letters. */
export interface FoundTable {
  readonly schema: string;
  readonly name: string;
  readonly columns: ReadonlyMap<string, string>;
}

/** The tables of a database with their columns: what records are recognised by. */
export async function tablesFor(ask: Ask, engine: EngineName): Promise<readonly FoundTable[]> {
  const where = forEngine(ofThisDatabase, engine);
  const rows = await ask(
    `select table_schema as place, table_name as name, column_name as col from information_schema.columns where ${where}`,
  );
  const found = new Map<string, { schema: string; name: string; columns: Map<string, string> }>();
  for (const row of rows) {
    const [schema, name, column] = [row.place, row.name, row.col].map(String) as [string, string, string];
    const key = JSON.stringify([schema, name]);
    const table = found.get(key) ?? { schema, name, columns: new Map() };
    table.columns.set(column.toLowerCase(), column);
    found.set(key, table);
  }
  return [...found.values()];
}

const ofThisDatabase: PerEngine<string> = {
  postgres: "table_schema not in ('pg_catalog', 'information_schema')",
  mysql: "table_schema = database()",
};

/**
 * The records of migration tools that stand in a database. Several call their table `schema_migrations` or `migrations`: they
 * are told apart by its columns, and by what stands beside it.
 */
export async function recordsIn(ask: Ask, engine: EngineName): Promise<readonly FoundRecord[]> {
  const tables = await tablesFor(ask, engine);
  const records: FoundRecord[] = [];
  for (const table of tables) {
    const sign = recordSigns.find((sign) => fits(sign, table, tables));
    if (sign !== undefined) records.push(await read(sign, table, { ask, engine, tables }));
  }
  // Some sandboxes have ours from their beginning.
  return records.filter(({ name, names }) => name !== "_migration_sandbox" || names.length > 0);
}

function fits(
  { table, columns, without = [], beside }: RecordSign,
  found: FoundTable,
  all: readonly FoundTable[],
): boolean {
  return (
    found.name.toLowerCase() === table &&
    columns.every((column) => found.columns.has(column)) &&
    !without.some((column) => found.columns.has(column)) &&
    (beside === undefined || besides(found, beside, all) !== undefined)
  );
}

function besides({ schema }: FoundTable, name: string, all: readonly FoundTable[]): FoundTable | undefined {
  return all.find((other) => other.schema === schema && other.name.toLowerCase() === name);
}

interface At {
  readonly ask: Ask;
  readonly engine: EngineName;
  readonly tables: readonly FoundTable[];
}

async function read(sign: RecordSign, table: FoundTable, at: At): Promise<FoundRecord> {
  const { title, id, where, order, upTo = false } = sign;
  const { schema, name } = table;
  const said = (sql: string) => withColumns(sql, table, at);
  const orderBy = columnsExist(order, table) ? ` order by ${said(order)}` : "";
  const filter = where === undefined ? "" : ` where ${said(where)}`;
  const rows = await at.ask(`select ${said(id)} as told from ${quotedTable(table, at.engine)}${filter}${orderBy}`);
  const halfDone = await halfDoneOf(sign, table, at);
  const shown = forEngine(shows, at.engine)?.(table) ?? name;
  const names = rows.map(({ told }) => String(told));
  return { title, table: shown, schema, name, names, upTo, ...(halfDone !== undefined && { halfDone }) };
}

async function halfDoneOf({ halfDone }: RecordSign, table: FoundTable, at: At): Promise<HalfDone | undefined> {
  if (halfDone === undefined) return undefined;
  const where = halfDone.table === undefined ? table : besides(table, halfDone.table, at.tables);
  if (where === undefined) return undefined;
  const told = (column: string) => `${withColumns(`[${column}]`, where, at)} as ${quoted(column, at.engine)}`;
  const columns = halfDone.columns.map(told).join(", ");
  const from = quotedTable(where, at.engine);
  const filter = withColumns(halfDone.where, where, at).replace(/<\w+>/g, from);
  const order = halfDone.order === undefined ? "" : ` order by ${withColumns(halfDone.order, where, at)}`;
  const [row] = await at.ask(`select ${columns} from ${from} where ${filter}${order} limit 1`);
  return row === undefined ? undefined : halfDone.tell(row);
}

function columnsExist(sql: string, { columns }: FoundTable): boolean {
  return [...sql.matchAll(/\[(\w+)\]/g)].every(([, name = ""]) => columns.has(name));
}

function withColumns(sql: string, { columns }: FoundTable, { engine }: At): string {
  return sql.replace(/\[(\w+)\]/g, (_, name: string) => quoted(columns.get(name) ?? name, engine));
}

function quotedTable({ schema, name }: FoundTable, engine: EngineName): string {
  return `${quoted(schema, engine)}.${quoted(name, engine)}`;
}

function quoted(name: string, engine: EngineName): string {
  const mark = forEngine(marks, engine) ?? '"';
  return `${mark}${name.replaceAll(mark, mark + mark)}${mark}`;
}

const marks: PerEngine<string> = { postgres: '"', mysql: "`" };

const shows: PerEngine<(table: FoundTable) => string> = {
  postgres: ({ schema, name }) => (schema === "public" ? name : `${schema}.${name}`),
  mysql: ({ name }) => name,
};
