import { createReadStream } from "node:fs";
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
  fault: DatabaseFault & { readonly piece?: { readonly offset: number; readonly sql: string } | undefined },
  engine: Engine,
  file: string | undefined,
): Promise<Place> {
  const { piece } = fault;
  if (typeof change !== "string" && typeof change.pieces === "function" && piece !== undefined) {
    return placeInStream(change.file, piece, fault.offset);
  }
  const sql = typeof change === "string" ? change : change.sql;
  const statements = piece !== undefined ? [piece] : await engine.split(sql).catch((): readonly Statement[] => []);
  const pointed = fault.offset === undefined ? undefined : unitsOf(sql, fault.offset);
  const counted = piece ?? statements[fault.statementsBefore ?? 0];
  const offset = pointed ?? counted?.offset ?? 0;
  const statement = statements.findLast((s) => s.offset <= offset)?.sql ?? roughlyAround(sql, offset);
  const { text, start, named } =
    typeof change === "string"
      ? await lookedUp(sql, file)
      : { text: sql, start: 0, ...change.within, named: change.file };
  const before = text.slice(0, start + offset);
  const line = before.split("\n").length;
  const column = start + offset - before.lastIndexOf("\n");
  return { ...(named !== undefined && { file: named }), line, column, text, statement };
}

/** A file that was read while it was sent is counted through once more. */
async function placeInStream(
  file: string,
  piece: { readonly offset: number; readonly sql: string },
  offset = piece.offset,
): Promise<Place> {
  let lines = 0;
  let seen = 0;
  for await (const chunk of createReadStream(file, "utf8")) {
    const part = String(chunk).slice(0, Math.max(piece.offset - seen, 0));
    lines += part.split("\n").length - 1;
    seen += String(chunk).length;
    if (seen >= piece.offset) break;
  }
  const before = piece.sql.slice(0, unitsOf(piece.sql, Math.max(offset - piece.offset, 0)));
  const line = lines + before.split("\n").length;
  // The frame around the place counts lines in a text: those before it are left empty.
  const text = "\n".repeat(lines) + piece.sql;
  return { file, line, column: before.length - before.lastIndexOf("\n"), text, statement: piece.sql };
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
