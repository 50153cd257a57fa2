import type { Piece } from "../chain.ts";
import { HarnessError } from "../errors.ts";

/** SQL as it is read: all of it, or those whole lines of it that are at hand. */
export interface Reading {
  readonly file: string;
  /** Bodies of routines are not known. */
  readonly asClient: boolean;
  /** Hears of commands to the client itself, where a statement could begin. */
  readonly onMeta: (line: number, command: string) => void;
  text: string;
  /** How far `text` is read. */
  at: number;
  /** There is nothing behind `text`. */
  last: boolean;
  /** Characters before `text`, and the line of the file in which it begins. */
  base: number;
  line: number;
  /** The statement at hand: where it began, what of it stood in earlier texts, and where it goes on in this one. */
  begun: number;
  kept: string[];
  from: number | undefined;
}

/** A statement; or more rows of the `COPY` told last, where they were not at hand all at once. */
export interface Part extends Piece {
  readonly copied?: string;
  /** More rows come. */
  readonly goesOn?: true;
}

/** Says that all of `text` is read and that more is wanted. */
export const hungry = Symbol("hungry");

/** Reads statements as an engine's client does. */
export type Reader = (reading: Reading) => Generator<Part | typeof hungry, void>;

/** Something that has a beginning, and maybe no end. */
export interface Opened {
  readonly what: string;
  /** What would end it. */
  readonly close: string;
  // Its line is counted once somebody asks: counting for every string would cost the square of the file.
  readonly text: string;
  readonly line: number;
  readonly at: number;
}

/** A statement begins here. */
export function begin(reading: Reading): void {
  reading.from = reading.at;
  reading.begun = reading.base + reading.at;
}

/** The statement at hand, which ends at this place of the text. */
export function finish(reading: Reading, end: number): Part {
  const rest = reading.text.slice(reading.from, end);
  const sql = (reading.kept.length === 0 ? rest : reading.kept.join("") + rest).trimEnd();
  reading.kept = [];
  reading.from = undefined;
  return { sql, offset: reading.begun };
}

/** Leaves one character out of the statement at hand; a blank keeps its place, so that positions stay right. */
export function blankOut(reading: Reading): void {
  reading.kept.push(`${reading.text.slice(reading.from, reading.at)} `);
  reading.at++;
  reading.from = reading.at;
}

/** Passes what the sticky pattern matches here. */
export function pass(reading: Reading, pattern: RegExp): void {
  pattern.lastIndex = reading.at;
  if (pattern.test(reading.text)) reading.at = pattern.lastIndex;
}

/** Goes to the next character that the pattern finds in this text; `undefined`: to its end. */
export function toMark(reading: Reading, pattern: RegExp): string | undefined {
  pattern.lastIndex = reading.at;
  // Faster than exec(), as it tells of nothing.
  reading.at = pattern.test(reading.text) ? pattern.lastIndex - 1 : reading.text.length;
  return reading.text[reading.at];
}

/** Goes on in the next text, where there is one. */
export function* goOn(reading: Reading): Generator<typeof hungry, boolean> {
  const { text, from, last } = reading;
  reading.at = text.length;
  if (last) return false;
  if (from !== undefined) {
    reading.kept.push(text.slice(from));
    reading.from = 0;
  }
  reading.base += text.length;
  reading.line += lineEnds(text, text.length);
  reading.text = "";
  reading.at = 0;
  yield hungry;
  return true;
}

/** Goes behind the next place where `end` is found, in this text or a later one, and tells what was found. */
export function* upTo(reading: Reading, end: string | RegExp, opened: Opened): Generator<typeof hungry, string> {
  for (;;) {
    const found = passed(reading, end);
    if (found !== undefined) return found;
    if (!(yield* goOn(reading))) throw unfinished(reading, opened);
  }
}

/** As {@link upTo}, in this text alone; `undefined`: it is not there. */
export function passed(reading: Reading, end: string | RegExp): string | undefined {
  if (typeof end === "string") {
    const index = reading.text.indexOf(end, reading.at);
    if (index < 0) return undefined;
    reading.at = index + end.length;
    return end;
  }
  end.lastIndex = reading.at;
  const found = end.exec(reading.text)?.[0];
  if (found !== undefined) reading.at = end.lastIndex;
  return found;
}

/** Remembers what begins here, in case that it never ends. */
export function open({ text, line, at }: Reading, what: string, close: string, begun = at): Opened {
  return { what, close, text, line, at: begun };
}

export function unfinished(reading: Reading, { what, close, ...begun }: Opened): HarnessError {
  return unreadable(reading, `${what} begins here and never ends (close it with ${close})`, lineHere(begun));
}

/** What cannot be read, and where. */
export function unreadable(reading: Reading, why: string, line: number = lineHere(reading)): HarnessError {
  return new HarnessError("bad-input", `Cannot read "${reading.file}:${line}": ${why}`);
}

/** The line of the file that is being read. */
export function lineHere({ line, text, at }: Pick<Reading, "line" | "text" | "at">): number {
  return line + lineEnds(text, at);
}

function lineEnds(text: string, end: number): number {
  let lines = 0;
  for (let at = text.indexOf("\n"); at >= 0 && at < end; at = text.indexOf("\n", at + 1)) lines++;
  return lines;
}
