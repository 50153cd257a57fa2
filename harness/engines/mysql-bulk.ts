import type { Connection as RawConnection } from "mysql2";
import type { Connection, ResultSetHeader, RowDataPacket } from "mysql2/promise";
import type { Database } from "../database.ts";
import type { Dialect } from "./mysql-dialect.ts";
import { knexOverOne } from "./mysql-knex.ts";
import { load } from "./mysql-load.ts";
import { type Kind, kindOf, sent, sizeOf } from "./mysql-plain.ts";
import { quoted } from "./mysql-text.ts";
import { discard, onSession, type Planting, type Run, refused, runsOf, tableName } from "./planting.ts";

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
      for (const run of runsOf(planting.rows)) await plantRun(session, { name: planting.table, table, kinds }, run);
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
  const [[server]] = await session.query<RowDataPacket[]>(
    `select @@local_infile as loads, (select engine from information_schema.tables
      where table_schema = coalesce(?, database()) and table_name = ?) as engine`,
    namesOf(table),
  );
  if (server?.loads !== 1 || server.engine !== "InnoDB") return new Map();
  const [columns] = await session.query<RowDataPacket[]>(`show columns from ${sqlName}`);
  const kinds = columns.map(({ Field, Type, Extra }) => [nameOf(Field), kindOf(Type, Extra)] as const);
  return new Map(kinds.filter((entry): entry is [string, Kind] => entry[1] !== undefined));
}

/** The server does not tell columns apart by case. */
const nameOf = (column: string) => column.toLowerCase();

interface Into {
  readonly name: string;
  /** The name as SQL writes it. */
  readonly table: string;
  readonly kinds: Kinds;
}

async function plantRun(session: Connection, into: Into, run: Run): Promise<void> {
  const { table, kinds } = into;
  const { columns, rows } = run;
  const known = columns.map((name) => kinds.get(nameOf(name))).filter((kind) => kind !== undefined);
  let loads = columns.length > 0 && known.length === columns.length;
  const source = rows[Symbol.iterator]();
  const left = { [Symbol.iterator]: () => ({ next: () => source.next() }) }; // Whoever breaks off does not end them.
  let { before } = run;
  const insertAll = async (rows: Iterable<Values>) => {
    for (const few of fewOf(rows)) {
      await insert(session, table, columns, few).catch(async (error) => {
        throw await explained(session, into.name, error, before);
      });
      before += few.length;
    }
  };
  // What does not load once will not the next time.
  while (loads) {
    const { taken, all, well } = await load(session, { table, columns, kinds: known, rows: left });
    if (well) before += taken.length;
    else await insertAll(taken);
    if (all) return;
    loads = well;
  }
  await insertAll(left);
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

type Refused = Error & { readonly errno?: number; readonly sqlMessage?: string };

/** The server counts the rows of one statement, and in a trigger those of the trigger's: that count tells nobody anything. */
async function explained(session: Connection, table: string, error: Refused, before: number): Promise<Error> {
  if (error.sqlMessage === undefined) return error;
  const [what = "", row] = error.sqlMessage.split(/ at row (\d+)$/);
  const isOurs = row !== undefined && !(await hasTriggers(session, table).catch(() => true));
  const message = isOurs ? `${what} at row ${before + Number(row)}` : what;
  return refused(error, { message, isOrphan: error.errno === 1452 || error.errno === 1216 });
}

async function hasTriggers(session: Connection, table: string): Promise<boolean> {
  const [triggers] = await session.query<RowDataPacket[]>(
    "select 1 from information_schema.triggers where event_object_schema = coalesce(?, database()) and event_object_table = ? limit 1",
    namesOf(table),
  );
  return triggers.length > 0;
}

/** A table's schema, if that is said, and its own name. */
function namesOf(table: string): (string | null)[] {
  const [name = "", schema = null] = table.split(".").reverse();
  return [schema, name];
}
