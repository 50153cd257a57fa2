import { createHash, randomBytes } from "node:crypto";

/** What the marks of all runs begin with. */
export const anyMark = "migration-sandbox ";

/** What a database of ours carries: the run that made it, and whether somebody asked to keep it. */
export interface Mark {
  readonly run: string;
  readonly kept: boolean;
}

export function markText({ run, kept }: Mark): string {
  return `${anyMark}${run}${kept ? " kept" : ""}`;
}

export function markIn(text: string): Mark | undefined {
  const [, run, kept] = /^migration-sandbox ([0-9a-f]+)( kept)?$/.exec(text) ?? [];
  return run === undefined ? undefined : { run, kept: kept !== undefined };
}

/** A new run's name. Its last digits follow from the first ones, so that a name can be told from one that looks alike. */
export function newRun(): string {
  const word = randomBytes(5).toString("hex");
  return word + checkDigits(word);
}

/** Names of databases carry the run: `sandbox_<run>_<n>`. */
export function databaseName(run: string, n: number): string {
  return `sandbox_${run}_${n}`;
}

/** The run that a database is named after; `undefined` for a name that we never gave. */
export function runNamedIn(database: string): string | undefined {
  const [, word = "", digits] = /^sandbox_([0-9a-f]{10})([0-9a-f]{6})_\d+$/.exec(database) ?? [];
  return digits === checkDigits(word) ? word + digits : undefined;
}

/** Without the names of sandboxes, which say nothing: MySQL and MariaDB put them in front of what they speak of. */
export function unnamed(text: string): string {
  return text.replace(/\bsandbox_[0-9a-f]{16}_\d+\b/g, "sandbox");
}

function checkDigits(word: string): string {
  return createHash("sha256").update(`migration-sandbox ${word}`).digest("hex").slice(0, 6);
}
