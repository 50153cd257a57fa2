import { type EngineName, engineNames, forEngine, type PerEngine } from "../database.ts";

/** What folders and file names call a database product, in small letters: one of ours, or another. */
export function dialectNamed(name: string): EngineName | "another" | undefined {
  const engine = engineNames.find((engine) => ours[engine].includes(name));
  return engine ?? (others.includes(name) ? "another" : undefined);
}

/** How well what is written for a dialect fits: 2 its own, 1 another's that it understands, 0 not at all. */
export function fits(dialect: EngineName | "another", engine: EngineName): 0 | 1 | 2 {
  if (dialect === engine) return 2;
  const written: PerEngine<boolean> = { [dialect]: true };
  return forEngine(written, engine) === true ? 1 : 0;
}

const ours: { readonly [E in EngineName]: readonly string[] } = {
  postgres: ["postgres", "postgresql", "pg", "pgsql", "psql"],
  mysql: ["mysql"],
  mariadb: ["mariadb"],
};

const others = [
  ...["cockroach", "cockroachdb", "crdb", "yugabyte", "sqlite", "sqlite3", "mssql", "sqlserver", "oracle", "db2"],
  ...["h2", "hsqldb", "derby", "clickhouse", "snowflake", "redshift", "spanner", "firebird", "sybase"],
];
