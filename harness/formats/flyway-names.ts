/** What a file's name says to Flyway. */
export type Named = Versioned | Repeatable | Callback;

/** `V1_2__add_names.sql`, and its kin `U1_2__…` and `B1_2__…`. */
export interface Versioned {
  readonly kind: "versioned" | "undo" | "baseline";
  readonly file: string;
  readonly version: Version;
  readonly description: string;
}

/** `R__views.sql`: run again once it has changed. */
export interface Repeatable {
  readonly kind: "repeatable";
  readonly file: string;
  readonly description: string;
}

interface Callback {
  readonly kind: "callback";
  readonly file: string;
  readonly event: string;
}

/** A version as it is written, and as it counts. */
export interface Version {
  readonly shown: string;
  /** The same for `1`, `01` and `1.0`. */
  readonly id: string;
  readonly parts: readonly bigint[];
}

/** `V1_2__add_names.sql`, `R__views.sql`, `afterMigrate.sql`; `undefined` for a name that Flyway takes no notice of. */
export function nameIn(file: string, suffix = ".sql"): Named | undefined {
  const base = file.slice(file.lastIndexOf("/") + 1, -suffix.length);
  const event = /^(before|after)[A-Z][A-Za-z]*(?=__|$)|^createSchema(?=__|$)/.exec(base)?.[0];
  if (event !== undefined) return { kind: "callback", file, event };
  const [, prefix = "", rest = ""] = /^([VURB])(.*)$/s.exec(base) ?? [];
  const at = rest.indexOf("__");
  const [numbers, words] = at < 0 ? [rest, ""] : [rest.slice(0, at), rest.slice(at + 2)];
  const description = words.replaceAll("_", " ");
  const kind = kinds[prefix];
  if (kind === undefined) return prefix === "R" && at === 0 ? { kind: "repeatable", file, description } : undefined;
  const version = versionIn(numbers);
  return version === undefined ? undefined : { kind, file, version, description };
}

const kinds: { readonly [prefix: string]: Versioned["kind"] } = { V: "versioned", U: "undo", B: "baseline" };

/** Those of one kind, oldest first. */
export function versionedAs(kind: Versioned["kind"], found: readonly Named[]): readonly Versioned[] {
  const those = found.filter((named): named is Versioned => named.kind === kind);
  return those.sort((a, b) => byVersion(a.version, b.version));
}

/** A version as names and records write it; `undefined` for what is none. */
export function versionIn(text: string): Version | undefined {
  const shown = text.replaceAll("_", ".");
  if (!/^\d+(\.\d+)*$/.test(shown)) return undefined;
  const numbers = shown.split(".").map(BigInt);
  const parts = numbers.slice(0, Math.max(numbers.findLastIndex((part) => part !== 0n) + 1, 1));
  return { shown, id: parts.join("."), parts };
}

/** Part by part, as numbers; what is missing counts as 0. */
export function byVersion({ parts: a }: Version, { parts: b }: Version): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [x, y] = [a[i] ?? 0n, b[i] ?? 0n];
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}
