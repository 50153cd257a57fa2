import type { Address } from "../database.ts";
import type { Engine } from "./engine.ts";
import { administer } from "./mysql-administration.ts";
import { fallow, plant } from "./mysql-bulk.ts";
import { connected } from "./mysql-connection.ts";
import { type Dialect, mysqlDialect } from "./mysql-dialect.ts";
import { faultOf } from "./mysql-fault.ts";
import { knexAt, loadClients } from "./mysql-knex.ts";
import { imageOf, programOf } from "./mysql-program.ts";
import { restorerAt } from "./mysql-restore.ts";
import { sessionOf } from "./mysql-session.ts";
import { openSnapshot } from "./mysql-snapshot.ts";
import { split } from "./mysql-split.ts";
import { literal, quoted } from "./mysql-text.ts";

/** MySQL, and what speaks as it does. */
export function mysqlLike(dialect: Dialect): Engine {
  const { name, title, oldest } = dialect;
  return {
    name,
    title,
    oldest,
    // MySQL commits before and after DDL, so a failed migration leaves half a release behind.
    capabilities: {
      transactionalDdl: false,
      transactionalMessage: false,
      closesDatabases: false,
      foldsColumns: true,
    },
    // A migration may leave its session in another database.
    recordTable: (database) => `${quoted(database)}._migration_sandbox`,
    program: programOf(dialect),
    image: imageOf(dialect),
    passwordVariable: "MYSQL_PWD",
    howToGrant: (user) => `grant all on *.* to ${literal(user)}@'%'`,

    load: loadClients,

    async connect(address) {
      return sessionOf(await connected(address, dialect), dialect);
    },

    async knex(address) {
      return knexAt(address, dialect);
    },

    plant,
    fallow: (db, act) => fallow(db, act, dialect),

    snapshot: (address) => openSnapshot(address, dialect),

    restorer: (address) => restorerAt(address, dialect),
    administer: (maintenance) => administer(maintenance, dialect),

    fault: faultOf,

    async split(sql) {
      return split(sql);
    },

    mayLinger: (sql) =>
      /(?:^|[\s(,=;])@[\w`'"]|\btemporary\b|\blast_insert_id\b|\bget_lock\b|\bprepare\b|\block\s+tables?\b|\bset\s+role\b/i.test(
        sql,
      ),

    literal: (text) => (/^[\w .,:;#@+/-]*$/.test(text) ? literal(text) : inAnySession(text)),

    identifier: quoted,

    url,

    client({ host, port, user, password, database }) {
      const secret = password === "" ? "" : ` --password=${shellWord(password)}`;
      const who = `--user=${shellWord(user)}${secret}`;
      return `${dialect.command} --protocol=tcp --host=${host} --port=${port} ${who} ${shellWord(database)}`;
    },
  };
}

export const mysql = mysqlLike(mysqlDialect);

function url({ host, port, user, password, database, tls }: Address): string {
  const secret = password === "" ? "" : `:${encodeURIComponent(password)}`;
  const secured = tls === undefined ? "" : `?ssl-mode=${tls === "verify" ? "VERIFY_IDENTITY" : "REQUIRED"}`;
  return `mysql://${encodeURIComponent(user)}${secret}@${host}:${port}/${database}${secured}`;
}

/** A migration may leave its session with another character set, or with backslashes that mean nothing. */
function inAnySession(text: string): string {
  return `convert(x'${Buffer.from(text).toString("hex")}' using utf8mb4)`;
}

function shellWord(text: string): string {
  return /^[\w.%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
