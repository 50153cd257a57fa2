/**
 * Takes what a dump says, one statement after another, on a session of its own. Texts have a character for every byte of the
 * dump, which may be in any encoding, or hold bytes that are in none.
 */
export interface Restorer {
  /** What is to become of a statement, before it is sent. */
  judge(sql: string): Ruling;
  /** What is to become of a line that speaks to the client. */
  judgeCommand(command: string): Ruling;
  /** Sends a statement, with the rows behind its `COPY … FROM stdin`. */
  send(sql: string, rows?: string | AsyncIterable<string>): Promise<void>;
  /** What is to become of a statement that the server has refused; `undefined`: the dump cannot do without it. */
  judgeRefused(sql: string, thrown: unknown): Ruling | undefined;
  /** Throws where the session has been led elsewhere after all. */
  end(): Promise<void>;
}

/** What becomes of a part of a dump. */
export type Ruling =
  | { readonly do: "send"; readonly sql: string; readonly left?: LeftOut }
  | { readonly do: "leave"; readonly left?: LeftOut }
  | { readonly do: "refuse"; readonly why: string };

/** Something of a dump that a sandbox does without. */
export interface LeftOut {
  /** As it can be counted: `OWNER TO "app"`. */
  readonly what: string;
  readonly why: string;
}

/** What is to become of a statement that begins so. */
export interface Rule {
  readonly begins: RegExp;
  readonly rule: (said: string) => Ruling;
}

/** The first rule that fits. */
export function ruled(said: string, rules: readonly Rule[]): Ruling | undefined {
  return rules.find(({ begins }) => begins.test(said))?.rule(said);
}

/** Leaves a statement out, counted by the words that it begins with. */
export function leave(why: string, words = 2): Rule["rule"] {
  return (said) => ({ do: "leave", left: { what: firstWords(said, words), why } });
}

export function refuse(why: string): Rule["rule"] {
  return () => ({ do: "refuse", why });
}

export function firstWords(said: string, words: number): string {
  return said
    .replace(/[(=].*/s, "")
    .split(" ", words)
    .join(" ")
    .replace(/;$/, "")
    .trim()
    .toUpperCase();
}

/** A session can only be in one database: how the dump calls its own. */
export function oneDatabase(others: string): (name: string, said: string) => Ruling {
  let own: string | undefined;
  return (name, said) => {
    own ??= name;
    if (own !== name)
      return { do: "refuse", why: `it holds more than one database, "${own}" and "${name}" (${others})` };
    return { do: "leave", left: { what: said, why: "all goes into the sandbox" } };
  };
}

/** The beginning of a statement without comments, in one line; code in comments for certain versions is code. */
export function beginningOf(sql: string, most = 4000): string {
  return sql
    .slice(0, most)
    .replace(/\/\*(?!M?!)[\s\S]*?\*\/|^\s*--[^\n]*/gm, " ")
    .replace(/\/\*M?!\d*|\*\//g, " ")
    .replace(/\s+/g, " ")
    .trim();
}
