import { describe, expect, test } from "vitest";
import { failureIn, toldIn } from "../../harness/tools/output.ts";
import { Listener, movedIn } from "../../harness/tools/running.ts";
import { isSqlState, sqlStateOf } from "../../harness/tools/sqlstates.ts";

describe("an error of the database is known", () => {
  test.each([
    ["psycopg2.errors.CardinalityViolation: more than one row returned", { sqlState: "21000" }],
    ["psycopg.errors.UndefinedColumn: column x does not exist", { sqlState: "42703" }],
    ["sqlalchemy.exc.ProgrammingError: (psycopg2.errors.UndefinedTable) relation", { sqlState: "42P01" }],
    ["asyncpg.exceptions.CardinalityViolationError: more than one row", { sqlState: "21000" }],
    ["<class 'asyncpg.exceptions.PostgresSyntaxError'>: syntax error", { sqlState: "42601" }],
    ["asyncpg.exceptions._base.InterfaceError: closed", undefined],
    ["ActiveRecord::StatementInvalid: PG::CardinalityViolation: ERROR:  more than one row", { sqlState: "21000" }],
    ["PG::UniqueViolation: ERROR:  duplicate key", { sqlState: "23505" }],
    [
      "SQLSTATE[42S02]: Base table or view not found: 1146 Table 'a.b' doesn't exist",
      { sqlState: "42S02", errno: 1146 },
    ],
    ["SQLSTATE[42703]: Undefined column: 7 ERROR:  column", { sqlState: "42703" }],
    ['ERROR: column "x" does not exist (SQLSTATE 42703)', { sqlState: "42703" }],
    [
      'Error: line: 2, column: 13, position: 27: pq: relation "b" does not exist at position 2:13 (42P01)',
      { sqlState: "42P01" },
    ],
    ["SQL State  : 42703", { sqlState: "42703" }],
    ["Error Code : 1054", { errno: 1054 }],
    ["Error Code : 0", undefined],
    ["  sqlState: '42S22',", { sqlState: "42S22" }],
    ["  errno: 1054,", { errno: 1054 }],
    ["  errno: -111,", undefined],
    ["  code: '42703',", { sqlState: "42703" }],
    ["  code: 'EPERM',", undefined],
    ["ERROR 1054 (42S22) at line 1: Unknown column", { errno: 1054, sqlState: "42S22" }],
    ["Error 1054 (42S22): Unknown column 'x' in 'where clause'", { errno: 1054, sqlState: "42S22" }],
    ["error: Error 1054: Unknown column", { errno: 1054 }],
    [`django.db.utils.OperationalError: (1054, "Unknown column 'x' in 'field list'")`, { errno: 1054 }],
    ["(pymysql.err.OperationalError) (1242, 'Subquery returns more than 1 row')", { errno: 1242 }],
    ["insert into t values (1054, 'x')", undefined],
    ["mysql.connector.errors.ProgrammingError: 1054 (42S22): Unknown column", { errno: 1054, sqlState: "42S22" }],
    ["** (MyXQL.Error) (1054) (ER_BAD_FIELD_ERROR) Unknown column", { errno: 1054 }],
    ["** (Postgrex.Error) ERROR 42703 (undefined_column) column", { sqlState: "42703" }],
    ["psql:up.sql:3: ERROR:  42703: column", { sqlState: "42703" }],
    ["ERROR:  42703: column", { sqlState: "42703" }],
    ["Npgsql.PostgresException (0x80004005): 42703: column", { sqlState: "42703" }],
    ["Database error code: 42703", { sqlState: "42703" }],
    ["Database error code: 1146", { errno: 1146 }],
    ["Duplicate entry '3' for key 'PRIMARY' [Failed SQL: (1062) INSERT INTO c", { errno: 1062 }],
    ["[Failed SQL: (0) UPDATE t SET c = 1", undefined],
    ["SQLSTATE 00000", undefined],
    ["column 1054 of 42703 rows", undefined],
  ])("in %s", (line, said) => {
    expect(toldIn(line)).toEqual(said && { message: line.trim(), ...said });
  });
});

describe("what ended a tool", () => {
  test("is the database's error beneath those that Python made of it", () => {
    const output = `Traceback (most recent call last):
  File "default.py", line 736, in do_execute
psycopg2.errors.CardinalityViolation: more than one row returned by a subquery used as an expression


The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/usr/bin/alembic", line 33, in <module>
sqlalchemy.exc.ProgrammingError: (psycopg2.errors.CardinalityViolation) more than one row returned
[SQL: UPDATE volumes]
(Background on this error at: https://sqlalche.me/e/14/f405)
`;
    expect(failureIn(output)).toEqual({
      sqlState: "21000",
      message: "psycopg2.errors.CardinalityViolation: more than one row returned by a subquery used as an expression",
    });
  });

  test("is not that a transaction which had failed takes nothing more", () => {
    const output = `psycopg2.errors.UniqueViolation: duplicate key
During handling of the above exception, another exception occurred:
psycopg2.errors.InFailedSqlTransaction: current transaction is aborted`;
    expect(failureIn(output)).toMatchObject({ sqlState: "23505" });
  });

  test("is Django's exception, with Django's line about the migration left open ahead of it", () => {
    const output = `Running migrations:
  Applying webhooks.0008_auto_20230712_1613...Traceback (most recent call last):
  File "/usr/bin/django-admin", line 33, in <module>
django.core.exceptions.FieldError: Cannot resolve keyword 'custom_button_trigger' into field. Choices are: id, step`;
    expect(failureIn(output)).toEqual({
      exception: "FieldError",
      message:
        "django.core.exceptions.FieldError: Cannot resolve keyword 'custom_button_trigger' into field. Choices are: id, step",
    });
  });

  test("is not an error of the database that it had got over", () => {
    const output = `ERROR: provisioning failed
Traceback (most recent call last):
psycopg2.errors.ForeignKeyViolation: insert or update on table "provider" violates foreign key constraint
Going on
Traceback (most recent call last):
KeyError: 'vms'`;
    expect(failureIn(output)).toEqual({ exception: "KeyError", message: "KeyError: 'vms'" });
  });

  test("is what a migration of Rails threw, not what Rails wraps it in, nor what was rescued before", () => {
    const output = `== 20240815174852 AddOwntracksPointsData: migrating ====
rails aborted!
StandardError: An error has occurred, this and all later migrations canceled:

Validation failed: User must exist
/app/db/data/20240815174852_add_owntracks_points_data.rb:4:in \`up'

Caused by:
ActiveRecord::RecordInvalid: Validation failed: User must exist
/app/db/data/20240815174852_add_owntracks_points_data.rb:4:in \`up'

Caused by:
LoadError: cannot load such file -- rails/commands

Tasks: TOP => data:migrate
(See full trace by running task with --trace)`;
    expect(failureIn(output)).toEqual({
      exception: "RecordInvalid",
      message: "ActiveRecord::RecordInvalid: Validation failed: User must exist",
    });
  });

  test("is the error of the database beneath what Rails threw", () => {
    const output = `rake aborted!
StandardError: An error has occurred, this and all later migrations canceled:

PG::UndefinedColumn: ERROR:  column "x" does not exist

Caused by:
ActiveRecord::StatementInvalid: PG::UndefinedColumn: ERROR:  column "x" does not exist

Caused by:
PG::UndefinedColumn: ERROR:  column "x" does not exist`;
    expect(failureIn(output)).toMatchObject({ sqlState: "42703" });
  });

  test("is that another runner has the lock", () => {
    const output = `rails aborted!
ActiveRecord::ConcurrentMigrationError: 

Cannot run migrations because another migration process is currently running.`;
    expect(failureIn(output)).toEqual({
      code: "runner-refused",
      message: "ActiveRecord::ConcurrentMigrationError:",
    });
  });

  test("is told by fields in lines of their own", () => {
    const ofFlyway = "Migration V2__b.sql failed\nSQL State  : 42S22\nError Code : 1054\nMessage    : Unknown column";
    expect(failureIn(ofFlyway)).toMatchObject({ sqlState: "42S22", errno: 1054 });
    const ofNode =
      "Error: Unknown column\n    at x {\n  code: 'ER_BAD_FIELD_ERROR',\n  errno: 1054,\n  sql: 'x',\n  sqlState: '42S22'\n}";
    expect(failureIn(ofNode)).toMatchObject({ sqlState: "42S22", errno: 1054 });
  });

  test("is the root of what Java threw, and the error that Node did not catch", () => {
    const ofJava = `Exception in thread "main" org.flywaydb.core.api.FlywayException: Migration failed
\tat org.flywaydb.Main.main(Main.java:1)
Caused by: java.lang.IllegalStateException: no such user
\tat db.V2__Users.migrate(V2__Users.java:7)`;
    expect(failureIn(ofJava)).toMatchObject({ exception: "IllegalStateException" });
    const ofNode =
      "file:///app/0002.js:3\n  throw new TypeError(1)\nTypeError: x is not a function\n    at up (file:///app/0002.js:3:9)\n\nNode.js v20.19.0";
    expect(failureIn(ofNode)).toMatchObject({ exception: "TypeError" });
  });

  test("is its last line where nothing is known of it", () => {
    expect(failureIn("reading\nFAILED: Can't locate revision identified by 'x'\n\n")).toEqual({
      message: "FAILED: Can't locate revision identified by 'x'",
    });
    expect(failureIn("")).toEqual({});
  });
});

describe("the migration that runs is known", () => {
  test.each([
    ["INFO  [alembic.runtime.migration] Running upgrade  -> 54c1252b2c8a, tenants", "54c1252b2c8a"],
    ["INFO  [alembic.runtime.migration] Running upgrade a1, b2 -> c3, merge", "c3"],
    ["  Applying webhooks.0008_auto_20230712_1613... OK", "webhooks.0008_auto_20230712_1613"],
    ["== 20240525110244 AddUserIdToPoints: migrating =====", "20240525110244 AddUserIdToPoints"],
    ["== 20240525110244-users: migrating =======", "20240525110244-users"],
    ['INFO: Migrating schema "public" to version "1.1 - create users"', "1.1 - create users"],
    ["Migrating schema `app` to version 2", "2"],
    ["Running Changeset: db/changelog.sql::2::ann", "db/changelog.sql::2::ann"],
    ["Applying: 20240102_users.sql", "20240102_users.sql"],
    ["2024/01/02 10:00:00 goose run: ERROR 00002_users.sql: failed to run SQL migration: x", "00002_users.sql"],
    ["Applying migration `20240102_users`", "20240102_users"],
    ['migration file "0002_users.js" failed', "0002_users.js"],
    ["### MIGRATION 1700000000000_users (UP) ###", "1700000000000_users"],
    ["[info] == Running 20240102 App.Repo.Migrations.Users.change/0 forward", "20240102 App.Repo.Migrations.Users"],
  ])("in %s", (line, migration) => {
    expect(movedIn(line)).toEqual({ what: "begun", migration });
  });

  test.each([
    ["== 20240525110244 AddUserIdToPoints: migrated (0.0034s) ====", "20240525110244 AddUserIdToPoints"],
    ["2024/01/02 10:00:00 OK   00001_users.sql (3.1ms)", "00001_users.sql"],
    ["1/u users (12.5ms)", "1/u users"],
  ])("to have come through in %s", (line, migration) => {
    expect(movedIn(line)).toEqual({ what: "done", migration });
  });

  test("from pieces that break anywhere, each told once", () => {
    const told: string[] = [];
    const begun = (name: string) => told.push(`begun ${name}`);
    const done = (name: string) => told.push(`done ${name}`);
    const listener = new Listener({ begun, done }, () => {});
    for (const piece of ["  Applying a.00", "01_x...", " OK\n  Applying a.0002_y...", "Traceback\nKeyError: 1\n"])
      listener.hear(piece);
    listener.end(false);
    expect(told).toEqual(["begun a.0001_x", "done a.0001_x", "begun a.0002_y"]);
    expect(listener.running).toBe("a.0002_y");
  });
});

test("a condition's name gives its SQLSTATE, however a tool joins its words", () => {
  expect(["CardinalityViolation", "cardinality_violation", "CardinalityViolationError"].map(sqlStateOf)).toEqual([
    "21000",
    "21000",
    "21000",
  ]);
  expect(["InFailedSQLTransactionError", "RaiseException", "StringDataRightTruncation"].map(sqlStateOf)).toEqual([
    "25P02",
    "P0001",
    "22001",
  ]);
  expect(["transaction_timeout", "Nothing"].map(sqlStateOf)).toEqual(["25P04", undefined]);
  expect(["42703", "F0001", "XX002", "EPERM"].map(isSqlState)).toEqual([true, true, true, false]);
});
