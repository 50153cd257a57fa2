import type { Piece } from "../chain.ts";
import { type Database, type EngineName, forEngine, type PerEngine } from "../database.ts";
import { attribute, type Line, marks } from "./liquibase-lines.ts";

/** What must hold before a changeset runs, and what becomes of it otherwise. */
export interface Preconditions {
  readonly onFail: string;
  readonly onError: string;
  readonly checks: readonly Check[];
}

interface Check {
  readonly sql: string;
  readonly expected: string;
}

/** Reads the preconditions of a changeset; `no` makes the error for what Liquibase would not read. */
export function preconditionsIn(
  lines: readonly Line[],
  expanded: (text: string) => string,
  no: (why: string, line: number) => Error,
): Preconditions | undefined {
  if (lines.length === 0) return undefined;
  const heads = lines.flatMap(({ text }) => marks.preconditions.exec(text)?.[1] ?? []);
  const said = (name: string, line: string) => attribute(line, name)?.toUpperCase();
  const [onFail = "HALT", onError = "HALT"] = ["onFail", "onError"].map((name) =>
    heads.map((line) => said(name, line)).findLast(Boolean),
  );
  const [first] = lines;
  for (const what of [onFail, onError]) {
    if (!known.includes(what)) throw no(`"${what}" is none of ${known.join(", ")}`, first?.number ?? 0);
  }
  const checks = lines.flatMap((line) => {
    const found = marks.precondition.exec(line.text);
    return found === null
      ? []
      : [checkIn(found[1] ?? "", { body: expanded(found[2] ?? "").trim(), line: line.number, no })];
  });
  return { onFail, onError, checks };
}

const known = ["HALT", "CONTINUE", "MARK_RAN", "WARN"];

function checkIn(
  kind: string,
  { body, line, no }: { body: string; line: number; no: (why: string, line: number) => Error },
): Check {
  if (kind === "sql-check") {
    const found = /^(?:expectedResult:)?(?:'([^']+)'|"([^"]+)"|(\w+)) (.*)$/i.exec(body);
    if (found === null) throw no(`"${body}" is no check (write expectedResult:<value> <SQL>)`, line);
    return { expected: found[1] ?? found[2] ?? found[3] ?? "", sql: found[4] ?? "" };
  }
  const what = { "table-exists": "table", "view-exists": "view" }[kind];
  if (what === undefined)
    throw no(
      `Liquibase knows no precondition "${kind}" in SQL (it knows sql-check, table-exists and view-exists)`,
      line,
    );
  const name = attribute(body, what);
  if (name === undefined) throw no(`"${body}" names no ${what} (write ${what}:<name>)`, line);
  const schema = attribute(body, "schema");
  const type = what === "view" ? "= 'VIEW'" : "<> 'VIEW'";
  const where = schema === undefined ? "in (select current_schema_or_database)" : `= '${schema}'`;
  return {
    expected: "1",
    sql: `select count(*) from information_schema.tables where lower(table_name) = lower('${name}') and table_type ${type} and table_schema ${where}`,
  };
}

/** A changeset that Liquibase asks about before it runs it. */
class PreconditionFailed extends Error {
  override readonly name = "PreconditionFailed";
}

/** Runs the pieces if all holds; otherwise tells what becomes of the changeset, or throws. */
export async function runIf(
  db: Database,
  { onFail, onError, checks }: Preconditions,
  { pieces, engine }: { readonly pieces: readonly Piece[]; readonly engine: EngineName },
): Promise<"EXECUTED" | "MARK_RAN" | "CONTINUE"> {
  for (const check of checks) {
    const sql = check.sql.replace("current_schema_or_database", forEngine(here, engine) ?? "");
    // Of itself: where a check fails, what is around it goes on.
    const { got, rule } = await db
      .transaction((inner) => asked(inner, sql, engine))
      .then(
        (got) => ({ got, rule: onFail }),
        (error: Error) => ({ got: error.message, rule: onError }),
      );
    if (got === check.expected || rule === "WARN") continue;
    if (rule === "HALT")
      throw new PreconditionFailed(`SQL precondition failed: expected '${check.expected}', got '${got}'`);
    return rule === "MARK_RAN" ? "MARK_RAN" : "CONTINUE";
  }
  for (const { sql } of pieces) await db.raw(literally(sql));
  return "EXECUTED";
}

/** The database in which somebody is, as the record knows it. */
export function databaseOf(db: Database, engine: EngineName): Promise<string> {
  const name = forEngine({ postgres: "current_database()", mysql: "database()" }, engine);
  return asked(db, `select ${name}`, engine);
}

async function asked(db: Database, sql: string, engine: EngineName): Promise<string> {
  const answer: unknown = await db.raw(literally(sql.replace(/;\s*$/, "")));
  const [row] = forEngine(rowsOf, engine)?.(answer) ?? [];
  return String(Object.values(row ?? {})[0]);
}

const here: PerEngine<string> = { postgres: "current_schema()", mysql: "database()" };

const rowsOf: PerEngine<(answer: unknown) => readonly object[]> = {
  postgres: (answer) => (answer as { readonly rows: readonly object[] }).rows,
  mysql: (answer) => (answer as readonly [readonly object[]])[0],
};

/** Knex reads a question mark as a place for a value. */
function literally(sql: string): string {
  return sql.replaceAll("?", "\\?");
}
