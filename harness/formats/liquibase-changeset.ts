import type { Line } from "./liquibase-lines.ts";

/** A changeset as it stands in its file. */
export interface Changeset {
  readonly id: string;
  readonly author: string;
  /** `logicalFilePath`, or the file's own. */
  readonly path: string;
  readonly file: string;
  readonly line: Line;
  /** The whole file, and the part of it that is the changeset's. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** The same part with nothing but its SQL: what is told to Liquibase is blank, so that all stands where it stood. */
  readonly sql: string;
  /** The part of the file in which stands what takes the changeset back, with nothing but its SQL. */
  readonly rollback: { readonly sql: string; readonly start: number };
  readonly comment: string;
  readonly validCheckSums: readonly string[];
  readonly conditions: readonly Line[];
  /** What a changeset's first line says, and where properties have values. */
  readonly expanded: (text: string) => string;
}

/** A changeset of which not all lines are read yet. */
export interface Begun {
  readonly line: Line;
  readonly id: string;
  readonly author: string;
  readonly start: number;
  readonly blanks: (readonly [from: number, to: number])[];
  readonly rollbacks: (readonly [from: number, to: number])[];
  comment: string;
  readonly validCheckSums: string[];
  readonly conditions: Line[];
  inRollback: boolean;
}

/** Nothing but blanks in place of some of it, so that all else stands where it stood. */
export function blanked(text: string, ranges: Begun["blanks"], start: number): string {
  let shown = text;
  for (const [from, to] of ranges) {
    const part = shown.slice(from - start, to - start).replace(/[^\r\n]/g, " ");
    shown = shown.slice(0, from - start) + part + shown.slice(to - start);
  }
  return shown;
}

/** From the first of some parts to the last, with nothing but blanks between them. */
export function onlyIn(text: string, parts: Begun["rollbacks"]): Changeset["rollback"] {
  const [start, end] = [parts[0]?.[0] ?? 0, parts.at(-1)?.[1] ?? 0];
  const gaps = parts.slice(1).map(([from], i) => [parts[i]?.[1] ?? from, from] as const);
  return { sql: blanked(text.slice(start, end), gaps, start), start };
}
