import { createHash } from "node:crypto";
import type { Piece, SqlFile } from "../chain.ts";
import type { EngineName } from "../database.ts";
import { textAsSent } from "./as-sent.ts";
import type { Folder } from "./format.ts";

/** A file as Drizzle sends it: whatever stands between two breakpoints is one message, comments or nothing included. */
export async function inPieces(folder: Folder, file: string): Promise<SqlFile & { readonly pieces: readonly Piece[] }> {
  const sql = await textAsSent(folder, file);
  let offset = 0;
  const pieces = sql.split(breakpoint).map((piece) => {
    const at = offset;
    offset += piece.length + breakpoint.length;
    return { sql: piece, offset: at };
  });
  return { sql, file: folder.shown(file), pieces };
}

/** What Drizzle looks for, literally: wherever it stands, in a comment, a string or a function's body. */
export const breakpoint = "--> statement-breakpoint";

/** As its record holds it. */
export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The engines that a dialect of Drizzle's speaks to; `undefined`: none of ours. */
export function enginesOf(dialect: string): readonly EngineName[] | undefined {
  return Object.hasOwn(dialects, dialect) ? dialects[dialect] : undefined;
}

const dialects: { readonly [dialect: string]: readonly EngineName[] } = {
  postgresql: ["postgres"],
  postgres: ["postgres"],
  pg: ["postgres"],
  mysql: ["mysql", "mariadb"],
  mysql2: ["mysql", "mariadb"],
};
