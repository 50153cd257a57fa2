import { createRequire } from "node:module";
import type { Connection as RawConnection } from "mysql2";
import type { Connection, ConnectionOptions } from "mysql2/promise";
import type { Address } from "../database.ts";
import type { Dialect } from "./mysql-dialect.ts";
import { enter, leave } from "./mysql-visitors.ts";

// CommonJS and large: `require` takes half the time of `import`, which reads its exports first.
const require = createRequire(import.meta.url);

/** A session whose settings are the engine's own, whatever the server was configured with. */
export async function connected(address: Address, dialect: Dialect): Promise<Connection> {
  const mysql = require("mysql2/promise") as typeof import("mysql2/promise");
  const connection = await mysql.createConnection(optionsFor(address));
  // A connection that ends while nobody asks anything of it is told to whoever asks next.
  connection.on("error", () => {});
  welcome(address, rawOf(connection));
  await connection.query(pins(dialect)).catch((error: unknown) => {
    // Another product refuses what is said to this one; the survey tells what it is.
    if (!dialect.isNamed(versionOf(connection))) return;
    connection.destroy();
    throw error;
  });
  return connection;
}

/** The same session as the driver has it without promises: it tells of rows as they come. */
export function rawOf(connection: Connection): RawConnection {
  return (connection as unknown as { connection: RawConnection }).connection;
}

/** Sessions are known by the database for which they are opened, wherever they go. */
export function welcome(address: Address, session: RawConnection): void {
  if (address.database === "") return;
  enter(address, session.threadId);
  session.once("end", () => leave(address, session.threadId));
}

/** What the server called itself when it greeted us. */
function versionOf(connection: Connection): string {
  const raw = rawOf(connection) as unknown as { _handshakePacket?: { serverVersion?: string } };
  return raw._handshakePacket?.serverVersion ?? "";
}

export function optionsFor({ database, tls, ...where }: Address): ConnectionOptions {
  return {
    ...where,
    ...(database !== "" && { database }),
    charset: "utf8mb4",
    timezone: "Z",
    multipleStatements: true, // SQL is sent whole: the server splits it as no client could get wrong.
    supportBigNumbers: true, // What no number of JavaScript's holds comes as text.
    connectTimeout: 20_000,
    flags: ["-LOCAL_FILES"],
    ...(tls !== undefined && { ssl: { rejectUnauthorized: tls === "verify" } }),
  };
}

/** What servers leave open, said to every session. */
export function pins({ sqlMode, collation, timeLimit }: Dialect): string {
  return `set names utf8mb4 collate ${collation}, sql_mode = '${sqlMode}', time_zone = '+00:00', foreign_key_checks = 1,
    unique_checks = 1, sql_select_limit = 18446744073709551615, ${timeLimit} = 0;
    set session transaction isolation level repeatable read, read write`;
}
