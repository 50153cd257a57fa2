import { mysqlBlocks } from "../engines/mysql-blocks.ts";
import {
  begin,
  finish,
  goOn,
  type hungry,
  lineHere,
  type Opened,
  open,
  type Part,
  pass,
  type Reading,
  unfinished,
  unreadable,
  upTo,
} from "./reading.ts";

/** Reads SQL as the client of MySQL does; and where there is no DELIMITER, bodies of routines as the server does. */
export function* mysqlClientText(reading: Reading): Generator<Part | typeof hungry, void> {
  const client: Client = { reading, delimiter: ";", marks: marksFor(";") };
  while (yield* toStatement(client)) {
    begin(reading);
    yield yield* throughStatement(client);
  }
}

interface Client {
  readonly reading: Reading;
  delimiter: string;
  marks: RegExp;
}

const blanks = /\s*/y;
const comment = /[^\n]*/y;
const newDelimiter = /delimiter[ \t]+(?:'([^'\n]+)'|"([^"\n]+)"|`([^`\n]+)`|(\S+))[^\n]*/iy;
/** Words that only the client understands. */
const commands =
  /(?:source|system|tee|notee|pager|nopager|charset|connect|edit|ego|go|print|prompt|quit|exit|rehash|resetconnection|status|warnings|nowarnings)\b[^\n]*/iy;
const use = /use[ \t]+[^\s;]+[ \t\r]*(?=\n|$)/iy;
/** MariaDB's dumps begin with it: it takes rights from the client, and says nothing to the server. */
const sandboxMode = /\/\*M?!999999\\-[^*]*\*\//y;

/** Goes to where a statement begins, past empty ones; `false`: there is none. */
function* toStatement(client: Client): Generator<typeof hungry, boolean> {
  const { reading } = client;
  for (;;) {
    pass(reading, blanks);
    const { text, at } = reading;
    if (at >= text.length) {
      if (!(yield* goOn(reading))) return false;
    } else if (text.startsWith(client.delimiter, at)) reading.at += client.delimiter.length;
    else if (isComment(text, at)) pass(reading, comment);
    else if (found(sandboxMode, reading)) pass(reading, sandboxMode);
    else if (text.startsWith("/*", at) && !isCode(text, at)) yield* throughComment(reading);
    else if (found(newDelimiter, reading)) setDelimiter(client);
    else if (text[at] === "\\" || isCommand(client, commands)) toldToClient(reading);
    else return true;
  }
}

function found(sticky: RegExp, { text, at }: Reading): RegExpExecArray | undefined {
  sticky.lastIndex = at;
  return sticky.exec(text) ?? undefined;
}

function isComment(text: string, at: number): boolean {
  return text[at] === "#" || (text.startsWith("--", at) && !/\S/.test(text[at + 2] ?? ""));
}

/** What stands in a comment for certain versions is code. */
function isCode(text: string, at: number): boolean {
  return text[at + 2] === "!" || text.startsWith("M!", at + 2);
}

function* throughComment(reading: Reading): Generator<typeof hungry> {
  const opened = open(reading, "a comment", "*/");
  reading.at += 2;
  yield* upTo(reading, "*/", opened);
}

function setDelimiter(client: Client): void {
  const { reading } = client;
  const [line = "", ...quotedOrNot] = found(newDelimiter, reading) ?? [];
  const delimiter = quotedOrNot.find((part) => part !== undefined) ?? ";";
  if (delimiter.includes("\\"))
    throw unreadable(reading, `"${line.trim()}" sets a delimiter with a backslash, which escapes (take another)`);
  reading.at += line.length;
  client.delimiter = delimiter;
  client.marks = marksFor(delimiter);
}

/** The client takes a line for a command to itself where its delimiter is not in it. */
function isCommand({ reading, delimiter }: Client, which: RegExp): boolean {
  const line = found(which, reading)?.[0];
  return line !== undefined && !line.includes(delimiter);
}

function toldToClient(reading: Reading): void {
  const { text, at } = reading;
  const where = lineHere(reading);
  pass(reading, comment);
  reading.onMeta(where, text.slice(at, reading.at).trim());
}

/** What may change the state of a statement. The delimiter comes first: it may look like a comment. */
function marksFor(delimiter: string): RegExp {
  const own = delimiter.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  return new RegExp(`${own}|['"\`#\\\\]|--(?!\\S)|/\\*|\\*/`, "g");
}

const marksAndWords = new RegExp(`${marksFor(";").source}|:=|[\\p{L}\\p{N}_$@]+|[^\\s\\p{L}\\p{N}]`, "gu");

function* throughStatement(client: Client): Generator<typeof hungry, Part> {
  const { reading, delimiter, marks } = client;
  if (isCommand(client, use)) {
    pass(reading, use);
    return finish(reading, reading.at);
  }
  const blocks = delimiter === ";" && !reading.asClient ? mysqlBlocks() : undefined;
  let code: Opened | undefined;
  for (;;) {
    const pattern = blocks?.matter() ? marksAndWords : marks;
    pattern.lastIndex = reading.at;
    const { 0: mark, index } = pattern.exec(reading.text) ?? {};
    if (mark === undefined || index === undefined) {
      if (yield* goOn(reading)) continue;
      return ended(reading, reading.at, code);
    }
    reading.at = index;
    if (mark === delimiter) {
      reading.at += mark.length;
      if (blocks === undefined || blocks.closed()) return ended(reading, index, code);
    } else if (mark === "#" || mark === "--") pass(reading, comment);
    else if (mark === "/*") {
      if (!isCode(reading.text, index)) yield* throughComment(reading);
      else {
        code = open(reading, "code for certain versions", "*/");
        pass(reading, beginOfCode);
      }
    } else if (mark === "*/") {
      code = undefined;
      reading.at += 2;
    } else if (mark === "'" || mark === '"' || mark === "`") {
      yield* throughQuotes(reading, mark);
      blocks?.take(mark === "`" ? mark : "'");
    } else if (mark === "\\") {
      if (endsStatement(reading)) return ended(reading, index, code);
    } else {
      reading.at += mark.length;
      blocks?.take(mark.toUpperCase());
    }
  }
}

const beginOfCode = /\/\*M?!\d*/y;

function* throughQuotes(reading: Reading, quote: "'" | '"' | "`"): Generator<typeof hungry> {
  const opened = open(reading, quote === "`" ? "a quoted name" : "a string", quote);
  reading.at++;
  if (quote === "`") yield* upTo(reading, quote, opened);
  else while ((yield* upTo(reading, ends[quote], opened)) !== quote);
}

const ends = { "'": /\\[\s\S]|'/g, '"': /\\[\s\S]|"/g };

/** `\g` and `\G` are delimiters that cannot be changed, and `\N` is NULL. */
function endsStatement(reading: Reading): boolean {
  const command = reading.text.slice(reading.at, reading.at + 2);
  if (!/^\\[gGN]$/.test(command))
    throw unreadable(reading, `"${command}" within a statement is a command to the client (take it out)`);
  reading.at += 2;
  return command !== "\\N";
}

function ended(reading: Reading, end: number, code: Opened | undefined): Part {
  if (code !== undefined) throw unfinished(reading, code);
  return finish(reading, end);
}
