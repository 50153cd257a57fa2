import type { Piece } from "../chain.ts";
import { messageOf } from "../errors.ts";
import { interpolated, type Values } from "./goose-env.ts";

/** One direction of a file, as goose would send it. */
export interface Section {
  readonly pieces: readonly Piece[];
  readonly transaction: boolean;
  /** Characters before its SQL and before what follows it; `undefined`: the file has no such section. */
  readonly start: number | undefined;
  readonly end: number;
}

/** Why goose does not read a file, and the line. */
export class Misread extends Error {
  override readonly name = "Misread";
  readonly line: number;

  constructor(why: string, line: number) {
    super(why);
    this.line = line;
  }
}

/**
 * The statements of one direction: each ends with a line that ends with `;`, or with `-- +goose StatementEnd` where
 * `StatementBegin` stood ahead of it. The text has `\n` at its line ends.
 *
 * @throws {Misread} for what goose refuses
 */
export function section(text: string, wanted: "up" | "down", values: Values): Section {
  if (text.startsWith("\uFEFF")) {
    throw new Misread("it begins with a byte order mark, which goose takes for a statement (save it without one)", 1);
  }
  const scan: Scan = { text, wanted, values, at: "start", block: "none", fills: false, transaction: true };
  const state: State = { ...scan, pieces: [], held: [], begun: 0, start: undefined, end: text.length };
  let offset = 0;
  for (const [i, line] of linesOf(text).entries()) {
    readLine(state, { line, number: i + 1, offset });
    offset += line.length + 1;
  }
  if (state.at === "start") throw new Misread(`it has no line "-- +goose Up" (put it ahead of the statements)`, 1);
  if (state.block === "inside")
    throw new Misread(`"-- +goose StatementBegin" has no "-- +goose StatementEnd"`, state.opened ?? 1);
  refuseUnfinished(state);
  return { pieces: state.pieces, transaction: state.transaction, start: state.start, end: state.end };
}

interface Scan {
  readonly text: string;
  readonly wanted: "up" | "down";
  readonly values: Values;
  at: "start" | "up" | "down";
  /** `ended`: what was in a block is a statement with the next line that says nothing itself. */
  block: "none" | "inside" | "ended";
  fills: boolean;
  transaction: boolean;
}

interface State extends Scan {
  pieces: Piece[];
  /** Lines of the statement at hand, and the characters before the first. */
  held: string[];
  begun: number;
  begunLine?: number;
  opened?: number;
  start: number | undefined;
  end: number;
}

interface Line {
  readonly line: string;
  readonly number: number;
  readonly offset: number;
}

/** As its scanner cuts them: nothing follows the last line end. */
function linesOf(text: string): readonly string[] {
  const lines = text.split("\n");
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

function readLine(state: State, at: Line): void {
  const { line, number, offset } = at;
  if (state.at === "start" && line.trim() === "") return;
  const isComment = line.trim().startsWith("--");
  if (isComment && line.includes("+goose") && !obey(state, annotationIn(at), at)) return;
  // Comments and empty lines ahead of a statement are no part of it.
  if (state.held.length === 0 && (isComment || line === "")) return;
  if (state.at === "start")
    throw new Misread(`a statement stands before "-- +goose Up" (put it behind that line)`, number);
  if (state.block !== "ended") {
    if (state.held.length === 0) Object.assign(state, { begun: offset, begunLine: number });
    state.held.push(state.fills ? filled(state, at) : line);
  }
  if (state.at !== state.wanted) state.held = [];
  else if (state.block === "ended") finish(state);
  else if (state.block === "none" && endsStatement(state.held.at(-1) ?? "")) finish(state);
}

const annotations = ["up", "down", "statementbegin", "statementend", "no transaction", "envsub on", "envsub off"];

function annotationIn({ line, number }: Line): string {
  if (/^[ \t]/.test(line)) throw new Misread(`blanks stand before "${line.trim()}" (begin the line with --)`, number);
  const said = line.replaceAll("--", "").replace("+goose", "").trim();
  const known = annotations.find((annotation) => annotation === said.toLowerCase());
  if (known !== undefined) return known;
  const those = "Up, Down, StatementBegin, StatementEnd, NO TRANSACTION, ENVSUB ON, ENVSUB OFF";
  throw new Misread(`goose does not know "${line.trim()}" (known: ${those})`, number);
}

/** Does what an annotation says; `true`: the line goes on to end a statement. */
function obey(state: State, annotation: string, { number, offset, line }: Line): boolean {
  switch (annotation) {
    case "up":
      if (state.at !== "start") throw new Misread(`a second "-- +goose Up" (one is all that goose takes)`, number);
      return enter(state, "up", offset + line.length + 1);
    case "down":
      if (state.at !== "up" || state.block === "inside") {
        throw new Misread(`"-- +goose Down" does not follow an "-- +goose Up" and whole statements`, number);
      }
      refuseUnfinished(state);
      if (state.wanted === "up") state.end = offset;
      return enter(state, "down", offset + line.length + 1);
    case "statementbegin":
      if (state.at === "start" || state.block === "inside") {
        throw new Misread(`"-- +goose StatementBegin" stands before "-- +goose Up", or in another block`, number);
      }
      state.block = "inside";
      state.opened = number;
      return false;
    case "statementend":
      if (state.block !== "inside")
        throw new Misread(`"-- +goose StatementEnd" has no "-- +goose StatementBegin"`, number);
      state.block = "ended";
      return true;
    case "no transaction":
      state.transaction = false;
      return false;
    default:
      state.fills = annotation === "envsub on";
      return false;
  }
}

function enter(state: State, section: "up" | "down", start: number): false {
  state.at = section;
  state.block = "none";
  if (state.wanted === section) state.start = Math.min(start, state.text.length);
  return false;
}

function refuseUnfinished({ held, begunLine = 1 }: State): void {
  if (held.join("\n").trim() === "") return;
  const way = "end its last line with ;, or put it between -- +goose StatementBegin and -- +goose StatementEnd";
  throw new Misread(`the statement that begins here has no end (${way})`, begunLine);
}

function filled({ values }: State, { line, number }: Line): string {
  try {
    return interpolated(line, values);
  } catch (error) {
    throw new Misread(
      `its variables cannot be filled in: ${messageOf(error)} (or put -- +goose ENVSUB OFF ahead)`,
      number,
    );
  }
}

/** A comment at the end of the line does not count. */
function endsStatement(line: string): boolean {
  const words = line.trim().split(/\s+/);
  const comment = words.findIndex((word) => word.startsWith("--"));
  return (comment < 0 ? words : words.slice(0, comment)).at(-1)?.endsWith(";") ?? false;
}

function finish(state: State): void {
  const whole = state.held.join("\n");
  const blanks = whole.length - whole.trimStart().length;
  state.pieces.push({ sql: whole.trim(), offset: Math.max(state.begun + blanks - (state.start ?? 0), 0) });
  state.held = [];
  if (state.block === "ended") state.block = "none";
}
