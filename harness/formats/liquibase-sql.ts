import type { Piece } from "../chain.ts";

export interface SplitBy {
  readonly stripComments: boolean;
  readonly split: boolean;
  /** Missing: `;`, and `/` or `GO` on a line of its own. */
  readonly delimiter: string | undefined;
  /** Blanks ahead of each line stand for what is no SQL. */
  readonly indented?: boolean;
}

/**
 * The statements of a changeset as Liquibase sends them. It knows strings and comments and counts BEGIN and END; of dollar
 * quotes it knows nothing, so a `;` between DECLARE and BEGIN ends a statement there too.
 */
export function liquibasePieces(sql: string, by: SplitBy): readonly Piece[] {
  const pieces: Piece[] = [];
  const tokens = merged(tokensOf(sql), by.delimiter);
  let from: number | undefined;
  let text = "";
  let depth = 0;
  const end = () => {
    if (from !== undefined && text.trim() !== "") pieces.push({ sql: text.trimEnd(), offset: from });
    from = undefined;
    text = "";
  };
  for (const [i, token] of tokens.entries()) {
    if (
      /^begin$/i.test(token.text) &&
      !/^(transaction|trans|tran|dialog|conversation|distributed)$/i.test(next(tokens, i))
    )
      depth++;
    else if (/^end$/i.test(token.text) && depth > 0 && !/^(transaction|trans|tran)$/i.test(next(tokens, i))) depth--;
    if (depth === 0 && by.split && isDelimiter(token.text, tokens[i - 1]?.text, by)) end();
    else if (from !== undefined || token.text.trim() !== "") {
      const stripped = by.stripComments && /^(?:--|\/\*)/.test(token.text);
      // Blanks in its place, so that what comes behind stays where it stands in the file.
      const shown = stripped ? token.text.replace(/[^\r\n]/g, " ") : token.text;
      if (from === undefined && shown.trim() === "") continue;
      from ??= token.offset;
      text += shown;
    }
  }
  end();
  return pieces;
}

interface Token {
  readonly text: string;
  readonly offset: number;
}

const blank = "[\\s\\u0085\\u180e\\u200b-\\u200d\\u2060\\ufeff]+";
const comment = "--[^\\r\\n]*|/\\*[\\s\\S]*?\\*/";
const word = "[\\p{L}_$][\\p{L}\\d_$#@]*";
const quotedName = '"[^\\n\\r"]+"|`[^\\n\\r`]+`|\\[[^\\d\\]][^\\n\\r\\]]*\\]';
const complex = `(?:${word}|${quotedName})(?:[\\r\\n ]*\\.[\\r\\n ]*(?:${word}|${quotedName}))+`;
const single = `'(?:''|\\\\'|\\\\"|\\\\[ntbrf\\\\0]|[^\\\\'])*'`;
const double = `"(?:\\\\'|""|\\\\"|\\\\[ntbrf\\\\0]|[^\\\\"])*"`;
const string = `(?:[UENRBuenrb]|[Rr][Bb]|_utf8)?(?:${single}|${double})`;
const number = "\\d+(?:\\.\\d*)?(?:[eE][+-]?\\d+)?|\\.\\d+(?:[eE][+-]?\\d+)?";
const token = new RegExp(`${blank}|${comment}|${complex}|${string}|${quotedName}|${word}|${number}|[\\s\\S]`, "gu");

function tokensOf(sql: string): readonly Token[] {
  return [...sql.matchAll(token)].map((found) => ({ text: found[0], offset: found.index }));
}

/** A delimiter such as `//` may be several tokens. */
function merged(tokens: readonly Token[], delimiter: string | undefined): readonly Token[] {
  if (delimiter === undefined) return tokens;
  const whole: Token[] = [];
  let begun: Token[] = [];
  for (const token of tokens) {
    const [first] = begun;
    const text = begun.map((part) => part.text).join("") + token.text;
    if (first !== undefined && text === delimiter) {
      whole.push({ text, offset: first.offset });
      begun = [];
    } else if (delimiter.startsWith(text) && (first !== undefined || text !== delimiter)) begun.push(token);
    else {
      whole.push(...begun, token);
      begun = [];
    }
  }
  return [...whole, ...begun];
}

function next(tokens: readonly Token[], i: number): string {
  return tokens.find((token, at) => at > i && token.text.trim() !== "")?.text ?? "";
}

function isDelimiter(text: string, before: string | undefined, { delimiter, indented }: SplitBy): boolean {
  const onItsLine = before === undefined || (indented ? /\n *$/ : /\n$/).test(before);
  if (delimiter === undefined) return text === ";" || (/^(?:go|\/)$/i.test(text) && onItsLine);
  const [wanted, is] = [delimiter.toLowerCase(), text.toLowerCase()];
  if (wanted.length === 1) return is === wanted && (wanted !== "/" || onItsLine);
  return is === wanted || endsAs(`${before ?? ""}${is}`.toLowerCase(), wanted);
}

/** Liquibase reads a longer delimiter as a regular expression. */
function endsAs(text: string, wanted: string): boolean {
  try {
    return new RegExp(`^[\\s\\n\\r]*(?:${wanted})$`).test(text);
  } catch {
    return false;
  }
}
