import type { Dialect } from "./mysql-dialect.ts";
import { literal, quoted } from "./mysql-text.ts";

/** How a database carries a mark. */
export interface Marking {
  /** Makes a database and marks it. */
  create(database: string, mark: string, options: string): readonly string[];
  /** A query for databases and their marks, to which further conditions on `name` may be added with HAVING. */
  readonly marks: string;
  remark(database: string, mark: string): string;
  /** The options in what SHOW CREATE DATABASE says that another database may have too. */
  optionsIn(shown: string): string;
}

export function markingOf({ hasDatabaseComments }: Dialect): Marking {
  return hasDatabaseComments ? byDatabase : byRecord;
}

/** As a comment of the database's own: both come in one statement. */
const byDatabase: Marking = {
  create: (database, mark, options) => [`create database ${quoted(database)} ${options} comment = ${literal(mark)}`],
  marks: "select schema_name as name, schema_comment as mark from information_schema.schemata",
  remark: (database, mark) => `alter database ${quoted(database)} comment = ${literal(mark)}`,
  optionsIn: (shown) => shown.replace(/ COMMENT '(?:[^'\\]|\\.|'')*'/, ""),
};

/** Where databases have no comments, the table has in which sandboxes record what was applied: it is made at once. */
const byRecord: Marking = {
  create: (database, mark, options) => [
    `create database ${quoted(database)} ${options}`,
    `create table ${recordOf(database)} (position integer primary key, name text not null, checksum char(64) not null)
      engine = InnoDB character set utf8mb4 collate utf8mb4_bin comment = ${literal(mark)}`,
  ],
  marks: `select table_schema as name, table_comment as mark from information_schema.tables
    where table_name = '_migration_sandbox'`,
  remark: (database, mark) => `alter table ${recordOf(database)} comment = ${literal(mark)}`,
  optionsIn: (shown) => shown,
};

function recordOf(database: string): string {
  return `${quoted(database)}._migration_sandbox`;
}
