import { type EngineName, forEngine, type PerEngine } from "./database.ts";

/** The smallest part of SQL; blanks and comments are such parts too. */
export interface Lexeme {
  readonly kind: "space" | "comment" | "quoted" | "word" | "sign";
  readonly text: string;
}

/** What some SQL is made of. It forgives: what never closes goes on to the end. */
function* lexemesOf(sql: string, engine: EngineName): Generator<Lexeme> {
  const pattern = new RegExp(forEngine(patterns, engine) ?? /(?<sign>[\s\S])/, "giu");
  for (let found = pattern.exec(sql); found !== null; found = pattern.exec(sql)) {
    const { 0: text, groups = {}, index } = found;
    if (groups.nesting !== undefined) {
      pattern.lastIndex = endOfComment(sql, index);
      yield { kind: "comment", text: sql.slice(index, pattern.lastIndex) };
    } else yield { kind: kinds.find((kind) => groups[kind] !== undefined) ?? "sign", text };
  }
}

/** The SQL without its comments, for whoever looks for words in it; bodies of functions stay, other strings are emptied. */
export function withoutComments(sql: string, engine: EngineName): string {
  let rest = "";
  for (const { kind, text } of lexemesOf(sql, engine)) {
    if (kind === "comment") rest += " ";
    else rest += kind === "quoted" && /^e?'/i.test(text) ? "''" : text;
  }
  return rest;
}

/** By what two pieces of SQL differ that do the same: by no more than this. */
export type Harmless = "line ends" | "white space" | "comments or white space" | "letter case, comments or white space";

/** By what two texts differ where it changes nothing; `undefined` where it may. */
export function harmlessly(a: readonly string[], b: readonly string[], engine: EngineName): Harmless | undefined {
  const [x, y] = [a, b].map((texts) => texts.map((text) => text.replace(/\r\n?/g, "\n")));
  if (x === undefined || y === undefined) return undefined;
  const level = levels.find(({ read }) => {
    const [left, right] = [x, y].map((texts) => texts.map((text) => read(text, engine)).filter((text) => text !== ""));
    return left?.join(between) === right?.join(between);
  });
  // Rows behind a COPY are data, and white space is part of it.
  const holdsRows = x.some((text) => /\bcopy\b[^;]*\bfrom\s+stdin\b/i.test(text));
  return holdsRows && level?.name !== "line ends" ? undefined : level?.name;
}

const between = "\u0001";

const levels: readonly { readonly name: Harmless; readonly read: (sql: string, engine: EngineName) => string }[] = [
  { name: "line ends", read: (sql) => sql },
  { name: "white space", read: (sql, engine) => lexemesBut(sql, engine, ["space"]) },
  { name: "comments or white space", read: (sql, engine) => lexemesBut(sql, engine, ["space", "comment"]) },
  {
    name: "letter case, comments or white space",
    read: (sql, engine) => lexemesBut(sql, engine, ["space", "comment"], true),
  },
];

function lexemesBut(sql: string, engine: EngineName, left: readonly Lexeme["kind"][], folded = false): string {
  const folds = folded ? forEngine(foldedWords, engine) : undefined;
  return [...lexemesOf(sql, engine)]
    .filter(({ kind }) => !left.includes(kind))
    .map(({ kind, text }) => {
      if (kind === "comment") return text.trimEnd();
      return kind === "word" && folds?.test(text) ? text.toLowerCase() : text;
    })
    .join(" ");
}

const kinds = ["space", "comment", "quoted", "word"] as const;

const word = String.raw`(?<word>[\p{L}\p{N}_$]+)`;
const sign = String.raw`(?<sign>(?:(?!--|\/\*)[<>=!|&+\-*\/~@#%^?:])+|[\s\S])`;
const patterns: PerEngine<string> = {
  postgres: [
    String.raw`(?<space>\s+)|(?<comment>--[^\n]*)|(?<nesting>\/\*)`,
    String.raw`(?<quoted>e'(?:\\[\s\S]|''|[^'\\])*'?|'(?:''|[^'])*'?|"(?:""|[^"])*"?|\$(?<tag>(?:[\p{L}_][\p{L}\p{N}_]*)?)\$[\s\S]*?(?:\$\k<tag>\$|$))`,
    word,
    sign,
  ].join("|"),
  // What stands in comments for certain versions is code, and so are hints.
  mysql: [
    String.raw`(?<space>\s+)|(?<comment>#[^\n]*|--(?=\s|$)[^\n]*|\/\*(?!!|M!|\+)[\s\S]*?(?:\*\/|$))`,
    String.raw`(?<quoted>'(?:\\[\s\S]|''|[^'\\])*'?|"(?:\\[\s\S]|""|[^"\\])*"?|${"`"}(?:${"``"}|[^${"`"}])*${"`"}?)`,
    word,
    sign,
  ].join("|"),
};

/** PostgreSQL's comments stand within each other. */
function endOfComment(sql: string, start: number): number {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = start;
  for (let depth = 0; ; ) {
    const mark = marks.exec(sql);
    if (mark === null) return sql.length;
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
}

const commonWords =
  "add after all alter and as asc auto_increment begin between bigint binary blob boolean by cascade case char character charset check collate column comment commit constraint create cross current_timestamp database date datetime decimal declare default delete desc distinct double drop duplicate each else end engine enum exists false first float for foreign from full fulltext function group having if ignore in index inner insert int integer interval into is join json key left like limit longtext mediumtext modify not null numeric on or order outer primary procedure references rename replace return returns right row select set smallint start table temporary text then time timestamp tinyint to transaction trigger true truncate union unique unsigned update use using values varchar view when where while with";

/** Words whose letter case means nothing: on PostgreSQL any that is not quoted; names of MySQL's tables are files. */
const foldedWords: PerEngine<RegExp> = {
  postgres: /^/,
  mysql: new RegExp(`^(?:${commonWords.replaceAll(" ", "|")})$`, "i"),
};
