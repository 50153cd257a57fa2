import { createRequire } from "node:module";
import type { Connection, RowDataPacket } from "mysql2/promise";
import type { Address } from "../database.ts";
import { optionsFor, pins, rawOf, welcome } from "./mysql-connection.ts";
import type { Dialect } from "./mysql-dialect.ts";
import { judgeCommand, judgeRefused, judgeStatement, type Somebody } from "./mysql-dump.ts";
import { oneDatabase, type Restorer } from "./restorer.ts";

const require = createRequire(import.meta.url);

/** Says to the server what a dump says, as its client would, byte for byte. */
export async function restorerAt(address: Address, dialect: Dialect): Promise<Restorer> {
  const connection = await opened(address, dialect);
  const somebody: Somebody = {
    who: String((await first(connection, "select current_user() as told"))?.told),
    knowsModes: dialect.sqlMode,
    hasRecord: !dialect.hasDatabaseComments,
    database: oneDatabase("dump the one alone, by its name"),
  };
  return {
    judge: (sql) => judgeStatement(sql, somebody),
    judgeCommand,
    judgeRefused,
    async send(sql) {
      await connection.query({ sql, infileStreamFactory: nothing });
    },
    async end() {
      try {
        const told = await first(connection, "select database() as told").catch(() => undefined);
        if (told !== undefined && told.told !== address.database)
          throw new Error(`the dump has led its session to database "${told.told}"`);
      } finally {
        await connection.end().catch(() => {}); // It may be gone.
      }
    },
  };
}

/**
 * A session that sends a byte for each character, whatever character set the dump then says that is; and one statement at a
 * time, so that nothing comes along unseen.
 */
async function opened(address: Address, dialect: Dialect): Promise<Connection> {
  const mysql = require("mysql2/promise") as typeof import("mysql2/promise");
  const options = { ...optionsFor(address), charset: "LATIN1_SWEDISH_CI", multipleStatements: false };
  const connection = await mysql.createConnection(options);
  connection.on("error", () => {});
  welcome(address, rawOf(connection));
  // The driver would follow each SET NAMES, and make other bytes of the same characters.
  const { config } = rawOf(connection) as unknown as { config: { charsetNumber: number } };
  const { charsetNumber } = config;
  Object.defineProperty(config, "charsetNumber", { get: () => charsetNumber, set() {} });
  const ahead = "set foreign_key_checks = 0, unique_checks = 0, sql_mode = 'NO_AUTO_VALUE_ON_ZERO'";
  for (const pin of [...pins(dialect).split(";"), ahead]) await connection.query(pin);
  return connection;
}

/** No dump makes us read a file. */
function nothing(): never {
  throw new Error("LOAD DATA LOCAL is not served");
}

async function first(connection: Connection, sql: string): Promise<RowDataPacket | undefined> {
  const [[row]] = await connection.query<RowDataPacket[]>(sql);
  return row;
}
