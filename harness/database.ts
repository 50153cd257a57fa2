import type { Knex } from "knex";

/** What migrations in code, seeders and tasks are handed: Knex, speaking to the sandbox. */
export type Database = Knex;

/** The products we know how to speak to. */
export type EngineName = "postgres" | "mysql" | "mariadb";

export const engineNames: readonly EngineName[] = ["postgres", "mysql", "mariadb"];

/** Something that may differ from engine to engine. */
export type PerEngine<T> = { readonly [E in EngineName]?: T };

/** What holds for this engine; MariaDB falls back to what is said for MySQL. */
export function forEngine<T>(told: PerEngine<T>, engine: EngineName): T | undefined {
  return told[engine] ?? (engine === "mariadb" ? told.mysql : undefined);
}

/** Where a sandbox can be reached. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Empty: none in particular, where the engine lets a session be in none. */
  readonly database: string;
  /** The connection is encrypted; `verify`: and the server proves who it is. */
  readonly tls?: "require" | "verify";
}

/** What the server said about a statement it refused. */
export interface DatabaseFault {
  readonly message: string;
  readonly sqlState?: string;
  readonly errno?: number;
  readonly detail?: string;
  readonly hint?: string;
  /** Characters before the place the server points at, in the SQL as sent. */
  readonly offset?: number;
  /** Statements of the SQL as sent that had succeeded before. */
  readonly statementsBefore?: number;
}
