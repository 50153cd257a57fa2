import type { Statement } from "./engine.ts";
import { mysqlBlocks } from "./mysql-blocks.ts";

/**
 * The statements of a piece of SQL, as the server would split it. Bodies of routines, triggers and events are full of
 * semicolons: those inside of a block end nothing.
 */
export function split(sql: string): readonly Statement[] {
  const statements: Statement[] = [];
  let start: number | undefined;
  let end = 0;
  let blocks = mysqlBlocks();
  for (const { 0: text, index, groups } of sql.matchAll(lexeme)) {
    if (groups?.comment !== undefined) continue;
    if (text === ";" && blocks.closed()) {
      if (start !== undefined) statements.push({ sql: sql.slice(start, end), offset: start });
      start = undefined;
      blocks = mysqlBlocks();
      continue;
    }
    start ??= index;
    end = index + text.length;
    if (text !== ";" && groups?.code === undefined) blocks.take(/^['"]/.test(text) ? "'" : text.toUpperCase());
  }
  if (start !== undefined) statements.push({ sql: sql.slice(start, end), offset: start });
  return statements;
}

/** What stands in comments for certain versions is code; the marks around it are none. */
const lexeme =
  /(?<comment>\s+|#[^\n]*|--(?=\s|$)[^\n]*|\/\*(?!!|M!)[\s\S]*?\*\/)|'(?:\\[\s\S]|''|[^'\\])*'?|"(?:\\[\s\S]|""|[^"\\])*"?|`(?:``|[^`])*`?|(?<code>\/\*M?!\d*|\*\/)|:=|[\p{L}\p{N}_$@]+|[\s\S]/gu;
