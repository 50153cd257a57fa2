import type { Database } from "../database.ts";
import type { Row } from "../snapshot.ts";

/** Rows to be written, and where to. They are read once, in order, and never all held at a time. */
export interface Planting {
  readonly table: string;
  readonly rows: Iterable<Row>;
}

/** Rows one after another that name the same columns, as values in the columns' order. */
export interface Run {
  readonly columns: readonly string[];
  readonly rows: Iterable<readonly unknown[]>;
  /** How many rows came in the runs before it. */
  readonly before: number;
}

/**
 * What bulk writing takes in one go: it knows no DEFAULT, which is what Knex writes for a column that a row does not name.
 * Take each run's rows before the next run.
 */
export function* runsOf(rows: Iterable<Row>): Generator<Run> {
  const source = rows[Symbol.iterator]();
  try {
    let next = source.next();
    let taken = 0;
    while (!next.done) {
      const columns = columnsOf(next.value);
      yield {
        columns,
        before: taken,
        rows: (function* () {
          for (; !next.done; next = source.next()) {
            const values = valuesOf(next.value, columns);
            if (values === undefined) return;
            taken++;
            yield values;
          }
        })(),
      };
    }
  } finally {
    source.return?.();
  }
}

function columnsOf(row: Row): readonly string[] {
  return Object.keys(row).filter((name) => row[name] !== undefined);
}

function valuesOf(row: Row, columns: readonly string[]): readonly unknown[] | undefined {
  const [names, values] = [Object.keys(row), Object.values(row)];
  // Mostly rows are made by one literal. Looking up each value by its name would take as long as all else.
  if (names.every((name, i) => name === columns[i]) && names.length === columns.length && !values.includes(undefined))
    return values;
  const named = columnsOf(row);
  return named.length === columns.length && named.every((name) => columns.includes(name))
    ? columns.map((name) => row[name])
    : undefined;
}

/** Why the server refused rows, for whoever planted them: what is thrown stays the driver's error. */
export interface Refusal {
  readonly message: string;
  /** A row's parent is missing. */
  readonly isOrphan: boolean;
}

const refusals = new WeakMap<object, Refusal>();

/** Remembers why rows were refused; the error is to be thrown as it is. */
export function refused<E extends object>(error: E, refusal: Refusal): E {
  refusals.set(error, refusal);
  return error;
}

export function refusalOf(thrown: unknown): Refusal | undefined {
  return typeof thrown === "object" && thrown !== null ? refusals.get(thrown) : undefined;
}

/** @throws {TypeError} for what Knex would have made SQL of. */
export function refuseSql(value: unknown): void {
  const toSql = (value as { readonly toSQL?: unknown } | null | undefined)?.toSQL;
  if (typeof value === "function" || typeof toSql === "function")
    throw new TypeError("SQL is no value that can be planted (insert such rows by db)");
}

/** Lets something be done on one session of Knex's pool; if `db` is a transaction, on that one's. */
export async function onSession<S extends object, T>(db: Database, act: (session: S) => Promise<T>): Promise<T> {
  const session: S = await db.client.acquireConnection();
  try {
    return await act(session);
  } finally {
    await db.client.releaseConnection(session);
  }
}

/** Knex's pool hands a session out to nobody any more. */
export function discard(session: object, why: unknown): void {
  Object.assign(session, { __knex__disposed: why });
}

/** A table's name as Knex writes it, with its schema before the dot. */
export function tableName(db: Database, table: string): string {
  return db.raw("??", [table]).toString();
}
