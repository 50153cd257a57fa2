import { withRows } from "./psql-rows.ts";
import { psqlWords } from "./psql-words.ts";
import {
  begin,
  blankOut,
  finish,
  goOn,
  type hungry,
  lineHere,
  open,
  type Part,
  pass,
  passed,
  type Reading,
  toMark,
  unreadable,
  upTo,
} from "./reading.ts";

/** Reads SQL as psql does, with the rows behind `COPY … FROM stdin`. */
export function* psqlText(reading: Reading): Generator<Part | typeof hungry, void> {
  while (yield* toStatement(reading)) {
    const opened = open(reading, "the data of this COPY", "a line of \\.");
    begin(reading);
    const { end, copies } = isClientCopy(reading) ? clientCopy(reading) : yield* throughStatement(reading);
    const piece = finish(reading, end);
    if (copies) yield* withRows(reading, piece, opened);
    else yield piece;
  }
}

const blanks = /[ \t\n\r\f\v]*/y;
const comment = /[^\n\r]*/y;
const line = /[^\n]*/y;

/** Goes to where a statement begins, past empty ones; `false`: there is none. */
function* toStatement(reading: Reading): Generator<typeof hungry, boolean> {
  for (;;) {
    pass(reading, blanks);
    const { text, at } = reading;
    if (at >= text.length) {
      if (!(yield* goOn(reading))) return false;
    } else if (text.startsWith("--", at)) pass(reading, comment);
    else if (text.startsWith("/*", at)) yield* throughComment(reading);
    else if (text[at] === ";") reading.at++;
    else if (text[at] !== "\\" || isEscaped(reading) || isClientCopy(reading)) return true;
    else toldToClient(reading);
  }
}

function* throughComment(reading: Reading): Generator<typeof hungry> {
  const opened = open(reading, "a comment", "*/");
  reading.at += 2;
  for (let depth = 1; depth > 0; ) depth += (yield* upTo(reading, /\/\*|\*\//g, opened)) === "*/" ? -1 : 1;
}

/** `\;` and `\:` are what they say, without a meaning to psql. */
function isEscaped({ text, at }: Reading): boolean {
  return text[at + 1] === ";" || text[at + 1] === ":";
}

const copyFromStdin = /\\copy\b[^\n]*\bfrom[ \t]+stdin\b/iy;

function isClientCopy({ text, at }: Reading): boolean {
  copyFromStdin.lastIndex = at;
  return text[at] === "\\" && copyFromStdin.test(text);
}

/** psql makes a COPY of it, and reads the rows from where it stands. */
function clientCopy(reading: Reading): Statement {
  reading.at++;
  begin(reading);
  pass(reading, line);
  const length = reading.text.slice(reading.from, reading.at).replace(/[\s;]+$/, "").length;
  return { end: (reading.from ?? 0) + length, copies: true };
}

// Two backslashes end a command before its line does.
const command = /\\(?:'[^'\n]*'|"[^"\n]*"|`[^`\n]*`|[^\\\n]|\\(?!\\))*/y;

function toldToClient(reading: Reading): void {
  const { text, at } = reading;
  const where = lineHere(reading);
  pass(reading, command);
  reading.onMeta(where, text.slice(at, reading.at).trim());
  if (text.startsWith("\\\\", reading.at)) reading.at += 2;
}

interface Statement {
  /** In the text at hand, without its semicolon. */
  readonly end: number;
  /** Its rows come behind it. */
  readonly copies: boolean;
}

// The first characters of what may change where the statement ends; those of words only as long as one may matter.
const marks = /['"();\\$]|-(?=-)|\/(?=\*)/g;
const marksAndWords = new RegExp(`${marks.source}|[A-Za-z_\\u0080-\\uffff]`, "g");
const word = /[\w$\u0080-\uffff]*/y;

function* throughStatement(reading: Reading): Generator<typeof hungry, Statement> {
  const words = psqlWords();
  let parentheses = 0;
  for (;;) {
    const mark = toMark(reading, words.matter() ? marksAndWords : marks);
    const { text, at } = reading;
    if (mark === undefined) {
      if (yield* goOn(reading)) continue;
      return { end: at, copies: words.copy() };
    }
    if (mark === "-") pass(reading, comment);
    else if (mark === "/") yield* throughComment(reading);
    else if (mark === "$") yield* throughDollars(reading);
    else if (mark === "'" && hasEscapes(reading)) yield* throughEscapes(reading);
    else if (mark === "\\") keepEscaped(reading);
    else {
      reading.at++;
      if (mark === "'" || mark === '"') {
        if (passed(reading, mark) === undefined) yield* upTo(reading, mark, open(reading, kinds[mark], mark, at));
      } else if (mark === "(") parentheses++;
      else if (mark === ")") parentheses = Math.max(0, parentheses - 1);
      else if (mark !== ";") {
        pass(reading, word);
        if (parentheses === 0) words.take(text.slice(at, reading.at).toLowerCase(), text[at - 1]);
      } else if (parentheses === 0 && words.closed()) return { end: at, copies: words.copy() };
    }
  }
}

const kinds = { "'": "a string", '"': "a quoted name" };

/** `foo$$bar` is a word and `$1` a parameter. */
function* throughDollars(reading: Reading): Generator<typeof hungry> {
  const { text, at } = reading;
  if (isInWord(text[at - 1])) return pass(reading, word);
  pass(reading, tag);
  const found = text.slice(at, reading.at);
  if (found === "") reading.at++;
  else yield* upTo(reading, found, open(reading, "a dollar-quoted string", found, at));
}

const tag = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;

function isInWord(character: string | undefined): boolean {
  return character !== undefined && /[\w$\u0080-\uffff]/.test(character);
}

/** `E'…'`; but the E of `note''` is none. */
function hasEscapes({ text, at }: Reading): boolean {
  const before = text[at - 1];
  return (before === "E" || before === "e") && !isInWord(text[at - 2]);
}

function* throughEscapes(reading: Reading): Generator<typeof hungry> {
  const opened = open(reading, "a string", "'");
  do {
    reading.at++;
    while ((yield* upTo(reading, escapedOrEnd, opened)) !== "'");
  } while (yield* goesOnBelow(reading));
}

const escapedOrEnd = /\\[\s\S]|'/g;

/** A string goes on behind a line end; the E before its first part is for all of them. */
function* goesOnBelow(reading: Reading): Generator<typeof hungry, boolean> {
  for (let below = reading.text[reading.at] === "'"; ; ) {
    const { text, at } = reading;
    pass(reading, blanks);
    below ||= /[\n\r]/.test(text.slice(at, reading.at));
    if (reading.at < text.length) return below && text[reading.at] === "'";
    if (!(yield* goOn(reading))) return false;
  }
}

function keepEscaped(reading: Reading): void {
  if (isEscaped(reading)) {
    blankOut(reading);
    reading.at++;
    return;
  }
  const [shown] = /^\\\S*/.exec(reading.text.slice(reading.at, reading.at + 40)) ?? [];
  const why = `"${shown}" within a statement is a command to psql (end the statement with ; instead)`;
  throw unreadable(reading, why);
}
