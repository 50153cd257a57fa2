import type { EngineName, PerEngine } from "./database.ts";

/** A place in a file or in a piece of SQL: lines and columns count from 1. */
export interface Place {
  readonly file?: string;
  readonly line: number;
  readonly column: number;
  /** The text that `line` and `column` count in, for a frame around the place. */
  readonly text: string;
  /** The statement that failed, alone. */
  readonly statement: string;
}

/** One thing wrong: a code, facts, where to look. As a note: worth knowing, breaks no verdict. */
export interface Finding {
  readonly code: string;
  readonly message: string;
  readonly release?: string;
  readonly migration?: string;
  readonly table?: string;
  readonly column?: string;
  /** The sentence of the task that went wrong. */
  readonly task?: string;
  /** Which of several runners, counted from 1. */
  readonly runner?: number;
  /** Class name of what was thrown where no database error lies beneath. */
  readonly exception?: string;
  readonly sqlState?: string;
  readonly errno?: number;
  readonly detail?: string;
  readonly hint?: string;
  /** The last lines that a tool printed before it failed. */
  readonly output?: string;
  readonly place?: Place;
  /** How two ends write the thing in which they differ; `null` where one lacks it. */
  readonly sides?: { readonly one: string | null; readonly other: string | null };
}

/** What came of a rehearsal. `inconclusive` is never a pass: the harness could not tell, and `cause` says why. */
export type Verdict =
  | { readonly outcome: "clean"; readonly findings: readonly []; readonly notes: readonly Finding[] }
  | { readonly outcome: "broken"; readonly findings: readonly Finding[]; readonly notes: readonly Finding[] }
  | {
      readonly outcome: "inconclusive";
      readonly cause: { readonly code: string; readonly message: string };
      readonly findings: readonly Finding[];
      readonly notes: readonly Finding[];
    };

/** What a finding must say. Per engine, a string is a SQLSTATE and a number an errno. */
export type Facts = PerEngine<string | number> & {
  readonly release?: string;
  readonly migration?: string;
  readonly table?: string;
  readonly column?: string;
  readonly task?: string;
  readonly exception?: string;
};
export type ExpectedFinding = Facts & { readonly code: string };

/** What a rehearsal should come to. */
export type Expectation =
  | { readonly outcome: "clean" }
  | { readonly outcome: "broken"; readonly findings: readonly [ExpectedFinding, ...ExpectedFinding[]] };

/** The path is expected to come through without a finding. */
export const clean: Expectation = { outcome: "clean" };

/**
 * The path is expected to break: with each of these findings, and with no other.
 *
 * @example
 * ```ts
 * import { broken } from "migration-sandbox";
 * const expected = broken("migration-failed", { postgres: "21000", mariadb: 1242 });
 * console.assert(expected.outcome === "broken");
 * ```
 */
export function broken(code: string, facts?: Facts): Expectation;
export function broken(findings: readonly [ExpectedFinding, ...ExpectedFinding[]]): Expectation;
export function broken(
  what: string | readonly [ExpectedFinding, ...ExpectedFinding[]],
  facts: Facts = {},
): Expectation {
  return { outcome: "broken", findings: typeof what === "string" ? [{ ...facts, code: what }] : what };
}

/** Clean without findings, broken with them. */
export function verdictOf(findings: readonly Finding[], notes: readonly Finding[]): Verdict {
  return findings.length === 0 ? { outcome: "clean", findings: [], notes } : { outcome: "broken", findings, notes };
}

/** Whether a verdict is what was expected: every expected finding occurred, and none that is not. */
export function meets(verdict: Verdict, expected: Expectation, engine: EngineName): boolean {
  if (verdict.outcome !== expected.outcome) return false;
  if (expected.outcome === "clean") return true;
  const fits = (finding: Finding, wanted: ExpectedFinding) => says(finding, wanted, engine);
  return (
    expected.findings.every((wanted) => verdict.findings.some((finding) => fits(finding, wanted))) &&
    verdict.findings.every((finding) => expected.findings.some((wanted) => fits(finding, wanted)))
  );
}

/** The facts that an expectation compares as they stand. */
const facts = ["code", "release", "migration", "table", "column", "task", "exception"] as const;

/** Whether a finding is what was expected, or accepted: it has these facts and may have more. */
export function says(finding: Finding, wanted: ExpectedFinding, engine: EngineName): boolean {
  const error = wanted[engine];
  const sameError =
    error === undefined || (typeof error === "string" ? error === finding.sqlState : error === finding.errno);
  return sameError && facts.every((fact) => wanted[fact] === undefined || wanted[fact] === finding[fact]);
}

/** An expectation in a few words, as reports and test names show it. */
export function expectationInWords(expected: Expectation, engine: EngineName): string {
  if (expected.outcome === "clean") return "clean";
  const words = expected.findings.map((wanted) => inShort(wanted, wanted[engine] ?? wanted.exception));
  return `broken (${words.join(", ")})`;
}

/** A finding in a few words: what it is, by which error, and of which table, so that two of a kind can be told apart. */
export function inShort(
  { code, table, column }: Pick<Finding, "code" | "table" | "column">,
  error: string | number | undefined,
): string {
  const where = table === undefined ? "" : ` (${[table, column].filter(Boolean).join(".")})`;
  return `${code}${error === undefined ? "" : ` ${error}`}${where}`;
}
