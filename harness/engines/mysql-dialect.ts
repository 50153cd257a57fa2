/** What MySQL and MariaDB do differently; everything else of the two is one. */
export interface Dialect {
  readonly name: "mysql" | "mariadb";
  readonly title: string;
  readonly oldest: string;
  /** The engine's own default, told to every session: servers are configured otherwise. */
  readonly sqlMode: string;
  readonly collation: string;
  /** The variable by which a server ends statements that take long. */
  readonly timeLimit: string;
  /** The columns of `information_schema` that tell a table's lasting id: view, id column. */
  readonly tableIds: string;
  /** The columns of `information_schema` say defaults as SQL; otherwise a literal stands there bare. */
  readonly defaultsAreSql: boolean;
  /** The check constraints of this database: table, name, definition. */
  readonly checks: string;
  /** The version by which Knex tells what the oldest server can do, and which product it is. */
  readonly knexVersion: string;
  /** What a person types to speak to a server. */
  readonly command: string;
  /** SQL for a hash of some text, as a number that sums do not overflow. */
  hash(text: string): string;
  /** Whether a server that calls itself so is this engine: `10.11.19-MariaDB-0+deb12u1`. */
  isNamed(version: string): boolean;
  /** Sequences, packages and system-versioned tables. */
  readonly hasSequences: boolean;
  /** `CREATE DATABASE … COMMENT`. */
  readonly hasDatabaseComments: boolean;
  /** Fills an empty table quicker where unique keys are not checked. */
  readonly loadsInBulk: boolean;
  /** `ALTER SCHEMA … READ ONLY`, which keeps everybody from writing. */
  readonly hasReadOnlySchemas: boolean;
}

export const mysqlDialect: Dialect = {
  name: "mysql",
  title: "MySQL",
  oldest: "8.0.16", // Earlier ones do not tell check constraints.
  sqlMode:
    "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
  collation: "utf8mb4_0900_ai_ci",
  timeLimit: "max_execution_time",
  tableIds: "information_schema.innodb_tables",
  defaultsAreSql: false,
  checks: `select t.table_name as 'table', c.constraint_name as 'name',
      concat(c.check_clause, if(t.enforced = 'NO', ' not enforced', '')) as 'definition'
    from information_schema.check_constraints c join information_schema.table_constraints t
      on t.constraint_schema = c.constraint_schema and t.constraint_name = c.constraint_name
    where c.constraint_schema = database() and t.constraint_type = 'CHECK'`,
  knexVersion: "8.0.0",
  command: "mysql",
  // MySQL 9 has neither MD5() nor SHA1() any more.
  hash: (text) => `cast(conv(left(sha2(${text}, 256), 15), 16, 10) as unsigned)`,
  isNamed: (version) => !/mariadb/i.test(version),
  hasSequences: false,
  hasDatabaseComments: false,
  loadsInBulk: false,
  hasReadOnlySchemas: true,
};

export const mariadbDialect: Dialect = {
  ...mysqlDialect,
  name: "mariadb",
  title: "MariaDB",
  oldest: "10.5",
  sqlMode: "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION",
  collation: "utf8mb4_general_ci",
  timeLimit: "max_statement_time",
  tableIds: "information_schema.innodb_sys_tables",
  defaultsAreSql: true,
  // A check of a column is called as its column is, and may share that name with one of the table.
  checks: `select table_name as 'table', constraint_name as 'name',
      concat(check_clause, if(level = 'Column', ' of column', '')) as 'definition'
    from information_schema.check_constraints where constraint_schema = database()`,
  knexVersion: "10.5.0-MariaDB",
  command: "mariadb",
  hash: (text) => `cast(conv(left(md5(${text}), 15), 16, 10) as unsigned)`,
  isNamed: (version) => /mariadb/i.test(version),
  hasSequences: true,
  hasDatabaseComments: true,
  loadsInBulk: true,
  hasReadOnlySchemas: false,
};
