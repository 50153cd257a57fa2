/** Listens to the words of one statement, outside of parentheses, for those that change where it ends. */
export interface PsqlWords {
  /** Whether a word that is still to come may change anything. */
  matter(): boolean;
  /** A word in small letters, and the character before it. */
  take(word: string, before: string | undefined): void;
  /** Whether a semicolon would end the statement here: in a body of BEGIN ATOMIC it ends only a statement of that. */
  closed(): boolean;
  /** Whether it is a `COPY … FROM stdin`. */
  copy(): boolean;
}

export function psqlWords(): PsqlWords {
  let kind: "unknown" | "a copy" | "a routine" | "something else" = "unknown";
  let previous = "";
  let blocks = 0;
  let copies = false;

  function kindOf(word: string): typeof kind {
    if (previous === "") return word === "copy" ? "a copy" : word === "create" ? "unknown" : "something else";
    if (word === "function" || word === "procedure") return "a routine";
    return word === "or" || word === "replace" ? "unknown" : "something else";
  }

  return {
    matter: () => kind !== "something else",
    take(word, before) {
      if (kind === "unknown") kind = kindOf(word);
      else if (kind === "a copy") copies ||= previous === "from" && word === "stdin";
      else if (previous === "begin" && word === "atomic") blocks = 1;
      else if (blocks > 0 && before !== "." && previous !== "as") {
        if (word === "case") blocks++;
        if (word === "end") blocks--;
      }
      previous = word;
    },
    closed: () => blocks === 0,
    copy: () => copies,
  };
}
