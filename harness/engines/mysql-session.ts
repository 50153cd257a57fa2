import type { Query } from "mysql2";
import type { Connection, FieldPacket, QueryResult, ResultSetHeader } from "mysql2/promise";
import type { Row } from "../snapshot.ts";
import type { Session, Transaction } from "./engine.ts";
import { transactionOf } from "./knex-transaction.ts";
import { rawOf } from "./mysql-connection.ts";
import type { Dialect } from "./mysql-dialect.ts";
import { knexOverOne } from "./mysql-knex.ts";
import { split } from "./mysql-split.ts";

const inTransactionFlag = 1; // SERVER_STATUS_IN_TRANS of the protocol.

export function sessionOf(connection: Connection, dialect: Dialect): Session {
  return {
    async query(sql, values) {
      return lastRowsOf(await connection.query(sql, values as unknown[] | undefined));
    },
    script: (sql) => overlookingEmpty(sendScript(connection, sql)),
    async message(sql, { one }) {
      if (one) await refuseSeveral(connection, sql);
      await sendScript(connection, sql);
    },
    async atomically(sql, behind) {
      try {
        const sent = sendScript(connection, `start transaction;\n${sql}`);
        await overlookingEmpty(sent).catch((error: { statementsBefore?: number }) => {
          throw Object.assign(error, { sql, statementsBefore: Math.max((error.statementsBefore ?? 0) - 1, 0) });
        });
        await connection.query(`${behind}; commit`);
      } catch (error) {
        await connection.query("rollback").catch(() => {}); // A session that ended has rolled back.
        throw error;
      }
    },
    async tryLock(name) {
      const [row] = lastRowsOf(await connection.query("select get_lock(?, 0) as got", [name]));
      return row?.got === 1;
    },
    async inTransaction() {
      const [{ serverStatus }] = await connection.query<ResultSetHeader>("do 0");
      return (serverStatus & inTransactionFlag) !== 0;
    },
    async imprint() {
      const [row] = lastRowsOf(await connection.query("select database() as entered"));
      const elsewhere = row?.entered !== rawOf(connection).config.database;
      const variables = lastRowsOf(await connection.query("show session variables"));
      const told = variables.filter((one) => !passing.test(String(one.Variable_name)));
      return [elsewhere ? row?.entered : "", ...told.map((one) => `${one.Variable_name}=${one.Value}`)].join("\n");
    },
    begin: (
      { forCode }, // Knex is given this one session, so that SQL and code of one transaction share it.
    ) => (forCode ? transactionOf(knexOverOne(connection, dialect)) : begin(connection)),
    end: () => connection.end(),
  };
}

/** Variables that change by themselves, or for everybody. */
const passing =
  /^(?:timestamp|rand_seed\d*|last_insert_id|identity|insert_id|error_count|warning_count|pseudo_thread_id|gtid_.*|last_gtid|in_transaction|server_uuid|hostname|statement_id|innodb_.*|aria_.*|myisam_.*|rocksdb_.*|pseudo_slave_mode|external_user|proxy_user|port|read_only|super_read_only)$/;

/** Of several statements the last one answers. */
function lastRowsOf([result, fields]: [QueryResult, FieldPacket[]]): readonly Row[] {
  const several = Array.isArray(fields) && fields.some((field) => field === undefined || Array.isArray(field));
  const last: unknown = several ? (result as unknown[]).at(-1) : result;
  return Array.isArray(last) ? (last as Row[]) : [];
}

async function begin(connection: Connection): Promise<Transaction> {
  await connection.query("start transaction");
  return {
    async commit() {
      await connection.query("commit");
    },
    async rollback() {
      await connection.query("rollback");
    },
  };
}

/** The whole text as one message: the server splits it as no client could get wrong. */
function sendScript(connection: Connection, sql: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const answers: Answer[] = [];
    let query: Query | undefined; // A connection that is closed says so before there is one.
    const answered = (error: Error | null) => {
      if (error === null) return resolve();
      // The last answer may be one that broke off; the driver knows how many were read to their end.
      const { _resultIndex: whole = 0 } = (query ?? {}) as { _resultIndex?: number };
      reject(Object.assign(error, { sql, statementsBefore: statementsIn(answers.slice(0, whole), sql) }));
    };
    query = rawOf(connection).query(sql, answered);
    query?.on("fields", (fields: unknown) => answers.push(fields === undefined ? "done" : "rows"));
  });
}

/** What a server says for each result: rows, or that something is done. */
type Answer = "rows" | "done";

async function overlookingEmpty(sent: Promise<void>): Promise<void> {
  await sent.catch((error) => {
    if (error.errno !== 1065) throw error; // ER_EMPTY_QUERY: there is no statement.
  });
}

/** Asked to prepare it, the server reads it as from a driver that may say one statement only; what it cannot prepare is one. */
async function refuseSeveral(connection: Connection, sql: string): Promise<void> {
  try {
    await (await connection.prepare(sql)).close();
  } catch (error) {
    const { errno } = error as { errno?: number };
    if (errno !== 1064) return; // ER_PARSE_ERROR. Whatever else there is to say, it will say when it runs it.
    throw Object.assign(error as Error, { sql, statementsBefore: 0 });
  }
}

/** A CALL answers with any number of rows before it is done; everything else answers once. */
function statementsIn(answers: readonly Answer[], sql: string): number {
  if (!answers.includes("rows")) return answers.length;
  const statements = split(sql);
  let read = 0;
  for (const [i, { sql: text }] of statements.entries()) {
    if (/^(call|begin\s+not)\b/i.test(text)) while (answers[read] === "rows") read++;
    if (read >= answers.length) return i;
    read++;
  }
  return statements.length;
}
