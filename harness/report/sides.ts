import { structuredPatch } from "diff";
import pc from "picocolors";
import type { Finding } from "../verdict.ts";
import { narrowed } from "./alike.ts";

/** So many lines of one difference are read. */
const most = 30;

/** How two ends write one thing, line by line: `-` is the one, `+` the other. */
export function sidesInWords({ one, other }: NonNullable<Finding["sides"]>, room: number): readonly string[] {
  const [before, after] = [one, other].map((side) => inLines(side, room - 2));
  const { hunks } = structuredPatch("", "", before ?? "", after ?? "", "", "", { context: 2 });
  const lines = hunks.flatMap((hunk, i) => [...(i === 0 ? [] : ["  …"]), ...hunk.lines.map((line) => spaced(line))]);
  const told = lines.filter((line) => !line.startsWith("\\"));
  const more = told.length - most;
  return [
    ...told.slice(0, more > 1 ? most : told.length).map((line) => coloured(narrowed(line, room))),
    ...(more > 1 ? [pc.dim(`and ${more} more lines (--reporter json holds all)`)] : []),
  ];
}

/** What is written in one long line is told where it differs: a line for every part of it. */
function inLines(side: string | null, room: number): string {
  if (side === null) return "";
  const lines = side.split("\n").flatMap((line) => (line.length <= room ? [line] : line.split(/(?<=[,;(]) ?(?=\S)/)));
  return `${lines.join("\n")}\n`;
}

function spaced(line: string): string {
  return line.startsWith("\\") || line === "" ? line : `${line[0]} ${line.slice(1)}`;
}

function coloured(line: string): string {
  return line.startsWith("-") ? pc.red(line) : line.startsWith("+") ? pc.green(line) : pc.dim(line);
}
