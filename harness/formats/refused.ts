import { HarnessError } from "../errors.ts";
import type { Folder } from "./format.ts";

/** What the format's own tool would refuse to read: said with file and line, and what to do about it. */
export function refused(folder: Folder, file: string, why: string, line?: number): HarnessError {
  const place = line === undefined ? folder.shown(file) : `${folder.shown(file)}:${line}`;
  return new HarnessError("bad-input", `Cannot read migration "${place}": ${why}`);
}

/** The line in which a character of a text stands, counted from 1. */
export function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}
