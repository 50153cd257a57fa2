/** A line of a changelog, and the characters before it. */
export interface Line {
  readonly text: string;
  readonly start: number;
  /** Counted from 1. */
  readonly number: number;
}

export function linesOf(text: string): readonly Line[] {
  const found = [...text.matchAll(/([^\r\n]*)(?:\r\n|\r|\n|$)/g)].filter(
    ({ 0: whole, index }) => whole !== "" || index === 0,
  );
  return found.map(({ 1: line = "", index }, i) => ({ text: line, start: index, number: i + 1 }));
}

/** What Liquibase looks for in a changelog's lines; letters' case does not matter. */
export const marks = {
  first: /^\s*--\s*liquibase\s*formatted.*$/i,
  property: /^\s*--\s*property\s+(.*:.*)\s+(.*:.*).*$/i,
  ignore: /^--\s*ignoreLines:(\w+)$/i,
  changeset: /^\s*--\s*changeset\s+("[^"]+"|[^:]+):("[^"]+"|\S+).*$/i,
  comment: /^--\s*comment:? (.*)$/i,
  validCheckSum: /^--\s*validCheckSum:? (.*)$/i,
  rollback: /^(\s*--\s*rollback )(.*)$/i,
  rollbackBegin: /^\s*\/\*\s*liquibase\s*rollback\s*$/i,
  rollbackEnd: /^(.*?)\s*\*\/\s*$/,
  preconditions: /^\s*--\s*preconditions(.*)$/i,
  precondition: /^\s*--\s*precondition-([a-z0-9-]+) (.*)$/i,
} as const;

/** Lines that Liquibase refuses, as they nearly are one of those, and what they would have to be. */
export const nearly: readonly (readonly [RegExp, string])[] = [
  [/^\s*-+\s*property\s.*$/i, "--property name:<name> value:<value>"],
  [/^-\s*ignoreLines:(\w+).*$|^--\s*ignore:(\w+)$/i, "--ignoreLines:<count>, or :start and :end"],
  [/^-\s*changeset\s.*$|^\s*--\s*changeset\s*.*$/i, "--changeset <author>:<id>"],
];

/** The same within a changeset. */
export const nearlyWithin: readonly (readonly [RegExp, string])[] = [
  [/^-\s*comment:? .*$|^--\s*comments:? .*$/i, "--comment <text>"],
  [/^-\s*validCheckSum.*$/i, "--validCheckSum <checksum>"],
  [/^\s*-\s*rollback\s.*$/i, "--rollback <SQL>"],
  [/^\s*-\s*preconditions\s.*$/i, "--preconditions onFail:<what>"],
  [
    /^\s*-\s*precondition.*$|^\s*--\s*precondition-[a-z0-9-]+$/i,
    "--precondition-sql-check expectedResult:<value> <SQL>",
  ],
];

/** Lines that Liquibase takes for mere comments, so that what is behind them runs elsewhere or never; we refuse them. */
export const misspelt =
  /^\s*(?:-{3,}\s*changeset\s|-+\s*(?!changeset\b)(?:change[\s_-]?sets?|chang\w*set\w*|cahngeset|chnageset)\s+[^\s:]+:\S)/i;

/** The last value of an attribute on a changeset's line. */
export function attribute(line: string, name: string): string | undefined {
  const found = [...line.matchAll(new RegExp(`(?<![a-z])${name}:("[^"]*"|\\S*)`, "gi"))].at(-1)?.[1];
  return found?.replace(/^"(.*)"$/, "$1");
}

/** Anything but `true` is false to Liquibase. */
export function flag(line: string, name: string): boolean | undefined {
  const value = attribute(line, name);
  return value === undefined ? undefined : /^true\b/i.test(value);
}

/** Whether a `dbms` of Liquibase's means the product: `postgresql,!mysql`. */
export function meansProduct(dbms: string | undefined, product: string): boolean {
  const listed = (dbms ?? "")
    .toLowerCase()
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (listed.length === 0 || listed.includes("all")) return true;
  if (listed.includes("none") || listed.includes(`!${product}`)) return false;
  return listed.includes(product) || listed.every((name) => name.startsWith("!"));
}
