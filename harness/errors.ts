/** Why the harness could not judge; each has a test that shows its message. */
export type HarnessErrorCode =
  /** A scenario, an option or a name that cannot be right. */
  | "bad-input"
  /** Something the types know and nothing serves yet. */
  /** A scenario file that does not load. */
  | "scenario-unreadable"
  /** An engine that was asked for and cannot be had here. */
  | "engine-not-had"
  /** A server that we were pointed at: out of reach, too old, read-only, without rights for us, or somebody's database. */
  | "server-unusable"
  /** The server does not start, or the cache folder cannot be used. */
  | "server-not-started"
  /** The server stopped answering in the middle. */
  | "server-lost"
  /** The server answers, and refuses what we ask for ourselves. */
  | "server-refused"
  /** No room left for data. */
  | "disk-full"
  /** A hop took longer than `--timeout`. */
  | "timed-out"
  | "seeder-failed"
  /** A dump that cannot be restored here: broken off, of another server's making, or leading out of its sandbox. */
  | "dump-unreadable"
  /** A workaround for a path that had nothing to work around. */
  | "nothing-to-work-around"
  | "check-failed";

/**
 * We could not judge: bad input, a lost server, a seeder that fails. Never the upgrade's own fault (that is a
 * {@link Finding}). Inside a rehearsal it makes the verdict inconclusive; on the command line it ends with exit code 2.
 */
export class HarnessError extends Error {
  override readonly name = "HarnessError";
  readonly code: HarnessErrorCode;

  constructor(code: HarnessErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** What comes of it, or why nothing can be told. */
export async function orWhyNot<T>(judging: Promise<T>): Promise<T | HarnessError> {
  try {
    return await judging;
  } catch (error) {
    if (error instanceof HarnessError) return error;
    throw error;
  }
}

/** What was meant where `wanted` is not known: the nearest of the known names first. */
export function knownNames(wanted: string, known: readonly string[]): string {
  if (known.length === 0) return "there are none";
  const near = nearest(wanted, known);
  const shown = near.slice(0, 8).map((name) => JSON.stringify(name));
  const more = near.length > shown.length ? ` and ${near.length - shown.length} more` : "";
  return `known: ${shown.join(", ")}${more}`;
}

/** Known names, those most like the wanted one first. */
export function nearest(wanted: string, known: readonly string[]): readonly string[] {
  return [...known].sort((a, b) => distance(wanted, a) - distance(wanted, b));
}

/** The message of anything thrown, without its stack. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.message === "") return thrown.errors.map(messageOf).join("; ");
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Levenshtein's distance, for names of a few letters. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      next[j] = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + cost);
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
