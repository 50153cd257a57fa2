import type { Connection as RawConnection } from "mysql2";
import type { Connection, ResultSetHeader, RowDataPacket } from "mysql2/promise";
import type { Database } from "../database.ts";
import type { Dialect } from "./mysql-dialect.ts";
import { knexOverOne } from "./mysql-knex.ts";
import { load } from "./mysql-load.ts";
import { type Kind, kindOf, sent, sizeOf } from "./mysql-plain.ts";
import { quoted } from "./mysql-text.ts";
import { discard, onSession, type Planting, type Run, runsOf, tableName } from "./planting.ts";

const inTransactionFlag = 1; // SERVER_STATUS_IN_TRANS of the protocol.

/**
 * Writes rows by LOAD DATA LOCAL where that does what INSERT would. The server makes warnings of what is wrong with a client's
 * data, and goes on: what was loaded with any is taken back and inserted.
 */
export async function plant(db: Database, planting: Planting): Promise<void> {
  const table = tableName(db, planting.table);
  await onSession<RawConnection, void>(db, async (raw) => {
    const session = raw.promise();
    const kinds = await kindsOf(session, planting.table, table);
    const [{ serverStatus }] = await session.query<ResultSetHeader>("do 0");
    const own = (serverStatus & inTransactionFlag) === 0;
    if (own) await session.query("start transaction");
    try {
      for (const run of runsOf(planting.rows)) await plantRun(session, table, run, kinds);
      if (own) await session.query("commit");
    } catch (error) {
      if (own) await session.query("rollback").catch(() => {}); // A session that is gone has rolled back.
      throw error;
    }
  });
}

export async function fallow(db: Database, act: (db: Database) => Promise<void>, dialect: Dialect): Promise<void> {
  await onSession<RawConnection, void>(db, async (raw) => {
    const session = raw.promise();
    const [rows] = await session.query<RowDataPacket[]>("select @@foreign_key_checks as checks");
    await session.query("set foreign_key_checks = 0");
    const one = knexOverOne(session, dialect);
    try {
      await act(one);
    } finally {
      one.destroy().catch(() => {}); // Not waited for: what somebody forgot to end would never end.
      const restored = session.query(`set foreign_key_checks = ${rows[0]?.checks}`);
      await restored.catch((error) => discard(raw, error));
    }
  });
}

type Kinds = ReadonlyMap<string, Kind>;

/** The kinds of a table's columns; none if nothing can be loaded into it, or could not be taken back. */
async function kindsOf(session: Connection, table: string, sqlName: string): Promise<Kinds> {
  const [name, schema = null] = table.split(".").reverse();
  const [[server]] = await session.query<RowDataPacket[]>(
    `select @@local_infile as loads, (select engine from information_schema.tables
      where table_schema = coalesce(?, database()) and table_name = ?) as engine`,
    [schema, name],
  );
  if (server?.loads !== 1 || server.engine !== "InnoDB") return new Map();
  const [columns] = await session.query<RowDataPacket[]>(`show columns from ${sqlName}`);
  const kinds = columns.map(({ Field, Type, Extra }) => [nameOf(Field), kindOf(Type, Extra)] as const);
  return new Map(kinds.filter((entry): entry is [string, Kind] => entry[1] !== undefined));
}

/** The server does not tell columns apart by case. */
const nameOf = (column: string) => column.toLowerCase();

async function plantRun(session: Connection, table: string, { columns, rows }: Run, kinds: Kinds): Promise<void> {
  const known = columns.map((name) => kinds.get(nameOf(name))).filter((kind) => kind !== undefined);
  let loads = columns.length > 0 && known.length === columns.length;
  const source = rows[Symbol.iterator]();
  const left = { [Symbol.iterator]: () => ({ next: () => source.next() }) }; // Whoever breaks off does not end them.
  // What does not load once will not the next time.
  while (loads) {
    const { taken, all, well } = await load(session, { table, columns, kinds: known, rows: left });
    if (!well) for (const few of fewOf(taken)) await insert(session, table, columns, few);
    if (all) return;
    loads = well;
  }
  for (const few of fewOf(left)) await insert(session, table, columns, few);
}

type Values = readonly unknown[];

/** As many as fit into one statement. */
function* fewOf(rows: Iterable<Values>): Generator<readonly Values[]> {
  let few: Values[] = [];
  let size = 0;
  for (const values of rows) {
    few.push(values);
    size += sizeOf(values);
    if (few.length < 1000 && size < 1_000_000) continue;
    yield few;
    few = [];
    size = 0;
  }
  if (few.length > 0) yield few;
}

async function insert(session: Connection, table: string, columns: readonly string[], rows: readonly Values[]) {
  const into = `insert into ${table} (${columns.map(quoted).join(", ")}) values`;
  if (columns.length === 0) await session.query(`${into} ${rows.map(() => "()").join(", ")}`);
  else await session.query(`${into} ?`, [rows.map((values) => values.map(sent))]);
}
