import { relative } from "node:path";
import { codeFrameColumns } from "@babel/code-frame";
import type { Place } from "../verdict.ts";

/** The lines around a place with a caret below it, within so many columns. */
export function frame({ text, line, column, statement }: Place, columns: number): string {
  const linesBelow = Math.min(statement.split("\n").length, 8);
  // Lines that a terminal breaks would part the caret from what it points at.
  const room = columns - `  > ${line + linesBelow} | `.length;
  const from = column < room ? 0 : column - Math.floor(room / 2);
  const near = (i: number) => i + 1 >= line - 1 && i < line + linesBelow;
  const shown = text.split("\n").map((row, i) => (near(i) ? between(row, from, room) : row));
  const drawn = codeFrameColumns(
    shown.join("\n"),
    { start: { line, column: column - from } },
    { linesAbove: 1, linesBelow, highlightCode: false },
  );
  return drawn.replace(/^/gm, "  ");
}

/** So much of a line, with a mark where it was cut. */
function between(row: string, from: number, room: number): string {
  const ahead = from > 0 && row !== "" ? "…" : "";
  const behind = row.length > from + room ? "…" : "";
  return ahead + row.slice(from + ahead.length, from + room - behind.length) + behind;
}

/** File, line and column of a place. */
export function placeInWords({ file, line, column }: Place): string {
  return `${file === undefined ? "inline SQL" : relative(process.cwd(), file)}:${line}:${column}`;
}
