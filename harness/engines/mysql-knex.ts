import { createRequire } from "node:module";
import type { Knex } from "knex";
import type { Connection as RawConnection } from "mysql2";
import type { Connection } from "mysql2/promise";
import type { Address, Database } from "../database.ts";
import { optionsFor, pins, rawOf, welcome } from "./mysql-connection.ts";
import type { Dialect } from "./mysql-dialect.ts";

/** Knex with a small pool of its own sessions. */
export function knexAt(address: Address, dialect: Dialect): Database {
  const afterCreate = (session: RawConnection, done: (error: Error | null, session: RawConnection) => void) => {
    welcome(address, session);
    session.query(pins(dialect), (error: Error | null) => done(error, session));
  };
  // Rows may be loaded through it. The driver reads no file, whatever a server asks for: it sends what it is handed.
  const options = { ...optionsFor(address), flags: ["LOCAL_FILES"] };
  return knexOver(options, { max: 4, afterCreate }, dialect.knexVersion);
}

/** Knex over a session that is there already, and stays when it is destroyed. */
export function knexOverOne(connection: Connection, { knexVersion }: Dialect): Database {
  const db = knexOver({}, { max: 1 }, knexVersion);
  db.client.acquireRawConnection = async () => rawOf(connection);
  db.client.destroyRawConnection = async () => {};
  return db;
}

/** Loads what speaks to the server ahead of its first use. */
export function loadClients({ knex }: { readonly knex: boolean }): void {
  require("mysql2/promise");
  if (knex) loadKnex();
}

// Both are CommonJS and large: `require` takes half the time of `import`, which reads their exports first.
const require = createRequire(import.meta.url);
const loadKnex = () => require("knex") as (config: Knex.Config) => Database;

function knexOver(connection: object, pool: Knex.PoolConfig, version: string): Database {
  const silent = { warn() {}, error() {}, deprecate() {}, debug() {} }; // Only the command prints.
  // Told a version, Knex does not ask a connection for one.
  return loadKnex()({ client: "mysql2", version, connection, pool: { min: 0, ...pool }, log: silent });
}
