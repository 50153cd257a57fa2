import type { Statement } from "./engine.ts";

/**
 * The statements of a piece of SQL, as the server would split it. Bodies of routines, triggers and events are full of
 * semicolons: those inside of a block end nothing.
 */
export function split(sql: string): readonly Statement[] {
  const statements: Statement[] = [];
  let start: number | undefined;
  let end = 0;
  let blocks = blocksOf();
  for (const token of tokensOf(sql)) {
    if (token.text === ";" && blocks.closed()) {
      if (start !== undefined) statements.push({ sql: sql.slice(start, end), offset: start });
      start = undefined;
      blocks = blocksOf();
      continue;
    }
    start ??= token.start;
    end = token.start + token.text.length;
    blocks.take(token);
  }
  if (start !== undefined) statements.push({ sql: sql.slice(start, end), offset: start });
  return statements;
}

interface Token {
  /** In capitals for a word. */
  readonly word: string;
  readonly text: string;
  readonly start: number;
  /** The word behind it. */
  readonly next: string;
}

const lexeme =
  /(?<comment>\s+|#[^\n]*|--(?=\s|$)[^\n]*|\/\*(?!!|M!)[\s\S]*?\*\/)|'(?:\\[\s\S]|''|[^'\\])*'?|"(?:\\[\s\S]|""|[^"\\])*"?|`(?:``|[^`])*`?|\/\*M?!\d*|\*\/|:=|[\p{L}\p{N}_$@]+|[\s\S]/gu;

/** Everything but white space and comments. What stands in comments for certain versions is code. */
function* tokensOf(sql: string): Generator<Token> {
  let held: Omit<Token, "next"> | undefined;
  for (const { 0: text, index: start, groups } of sql.matchAll(lexeme)) {
    if (groups?.comment !== undefined) continue;
    const word = text.toUpperCase();
    if (held !== undefined) yield { ...held, next: word };
    held = { word, text, start };
  }
  if (held !== undefined) yield { ...held, next: "" };
}

const objects =
  /^(TABLE|VIEW|INDEX|DATABASE|SCHEMA|USER|ROLE|SEQUENCE|SERVER|PROCEDURE|FUNCTION|TRIGGER|EVENT|PACKAGE)$/;
const objectsWithBodies = /^(PROCEDURE|FUNCTION|TRIGGER|EVENT|PACKAGE)$/;
const blockWords = /^(IF|CASE|LOOP|WHILE|REPEAT|FOR)$/;
/** Behind these a statement begins, wherever it stands in a body. */
const beforeStatement = /^(;|:|THEN|ELSE|DO|BEGIN|LOOP|REPEAT)$/;
/** Behind these, the one statement that is a routine or a trigger. */
const beforeBody = /^(\)|ROW|SQL|DATA|DETERMINISTIC|INVOKER|DEFINER|'.*)$/s;
/** Behind these, BEGIN is somebody's name. */
const beforeName = /^(\.|,|\(|AS|SELECT|=)$/;
/** A CASE that is part of an expression: whatever stands in it, its END ends it. */
const caseOfValues = "CASE … END";

/** Follows the blocks of one statement, BEGIN … END and their like. */
function blocksOf(): { take(token: Token): void; closed(): boolean } {
  const open: string[] = [];
  let body: boolean | undefined;
  let previous = "";

  const begins = () => beforeStatement.test(previous) || (open.length === 0 && beforeBody.test(previous));

  /** Whether this statement has a body; `undefined` until it can be told. */
  function hasBody({ word, next }: Token): boolean | undefined {
    if (previous !== "") return objects.test(word) ? objectsWithBodies.test(word) : undefined;
    if (word === "CREATE" || word === "ALTER") return undefined;
    // MariaDB alone knows blocks outside of routines.
    const isBlock = blockWords.test(word) || (word === "BEGIN" && next === "NOT");
    if (isBlock) open.push(word);
    return isBlock;
  }

  function followBody({ word, next }: Token): void {
    const innermost = open.at(-1);
    if (innermost === caseOfValues) {
      if (word === "END") open.pop();
      else if (word === "CASE") open.push(caseOfValues);
    } else if (word === "END") {
      if (innermost !== undefined && (begins() || next === innermost)) open.pop();
    } else if (word === "BEGIN") {
      if (!beforeName.test(previous)) open.push(word);
    } else if (word === "CASE") {
      if (previous !== "END") open.push(begins() ? word : caseOfValues);
    } else if (blockWords.test(word) && begins() && !(word === "REPEAT" && next === "(")) {
      open.push(word);
    }
  }

  return {
    take(token) {
      if (token.text.startsWith("/*") || token.text === "*/") return;
      if (body === undefined) body = hasBody(token);
      else if (body) followBody(token);
      previous = token.word;
    },
    closed: () => open.length === 0,
  };
}
