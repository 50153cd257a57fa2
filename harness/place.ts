import { readFile } from "node:fs/promises";
import type { SqlFile } from "./chain.ts";
import type { DatabaseFault } from "./database.ts";
import type { Engine, Statement } from "./engines/engine.ts";
import type { Place } from "./verdict.ts";

/**
 * Where in a migration's SQL a statement was refused. The server points at a character when it read the statement and
 * did not understand it; when it ran one and failed, the statements that came through before are counted instead.
 *
 * @param file the scenario's own, in which SQL written into it is looked up
 */
export async function placeOf(
  change: string | SqlFile,
  fault: DatabaseFault,
  engine: Engine,
  file: string | undefined,
): Promise<Place> {
  const sql = typeof change === "string" ? change : change.sql;
  const statements = await engine.split(sql).catch((): readonly Statement[] => []);
  const pointed = fault.offset === undefined ? undefined : unitsOf(sql, fault.offset);
  const counted = statements[fault.statementsBefore ?? 0];
  const offset = pointed ?? counted?.offset ?? 0;
  const statement = statements.findLast((s) => s.offset <= offset)?.sql ?? roughlyAround(sql, offset);
  const { text, start, named } =
    typeof change === "string" ? await lookedUp(sql, file) : { text: sql, start: 0, named: change.file };
  const before = text.slice(0, start + offset);
  const line = before.split("\n").length;
  const column = start + offset - before.lastIndexOf("\n");
  return { ...(named !== undefined && { file: named }), line, column, text, statement };
}

/** The server counts characters, JavaScript what UTF-16 needs for them. */
function unitsOf(sql: string, characters: number): number {
  return [...sql].slice(0, characters).join("").length;
}

async function lookedUp(
  sql: string,
  file: string | undefined,
): Promise<{ text: string; start: number; named?: string }> {
  const source = file === undefined ? "" : await readFile(file, "utf8").catch(() => "");
  const start = sql.trim() === "" ? -1 : source.indexOf(sql);
  return start >= 0 && file !== undefined ? { text: source, start, named: file } : { text: sql, start: 0 };
}

/** Where not even the parser knows where a statement ends. */
function roughlyAround(sql: string, offset: number): string {
  const end = sql.indexOf(";", offset);
  return sql.slice(sql.lastIndexOf(";", offset - 1) + 1, end < 0 ? undefined : end).trim();
}
