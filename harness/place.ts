import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Piece, SqlFile } from "./chain.ts";
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
  fault: DatabaseFault & { readonly piece?: Piece | undefined },
  engine: Engine,
  file: string | undefined,
): Promise<Place> {
  const sql = typeof change === "string" ? change : change.sql;
  // What the server says is of the message that it got.
  const { piece = { sql, offset: 0 }, statementsBefore = 0 } = fault;
  const statements = await engine.split(piece.sql).catch((): readonly Statement[] => []);
  const pointed = fault.offset === undefined ? undefined : unitsOf(piece.sql, fault.offset);
  const inPiece = pointed ?? statements[statementsBefore]?.offset ?? 0;
  const statement = statements.findLast((s) => s.offset <= inPiece)?.sql ?? roughlyAround(piece.sql, inPiece);
  if (typeof change !== "string" && typeof change.pieces === "function")
    return { ...(await placeInStream(change.file, piece, inPiece)), statement };
  const offset = piece.offset + inPiece;
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
async function placeInStream(file: string, { sql, offset }: Piece, inPiece: number): Promise<Omit<Place, "statement">> {
  const lines = await linesBefore(file, offset).catch(() => 0); // A file in a repository cannot be opened by its name.
  const before = sql.slice(0, inPiece);
  // The frame around the place counts lines in a text: those before it are left empty.
  const text = "\n".repeat(lines) + sql;
  const line = lines + before.split("\n").length;
  return { file, line, column: before.length - before.lastIndexOf("\n"), text };
}

async function linesBefore(file: string, offset: number): Promise<number> {
  let lines = 0;
  let seen = 0;
  for await (const chunk of createReadStream(file, "utf8")) {
    const part = String(chunk).slice(0, Math.max(offset - seen, 0));
    lines += part.split("\n").length - 1;
    seen += String(chunk).length;
    if (seen >= offset) break;
  }
  return lines;
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
