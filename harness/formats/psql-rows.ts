import { goOn, type hungry, type Opened, type Part, pass, type Reading, unfinished, unreadable } from "./reading.ts";

/** A COPY with the rows behind it, in as many parts as there are texts. */
export function* withRows(reading: Reading, copy: Part, opened: Opened): Generator<Part | typeof hungry, void> {
  const { at } = reading;
  pass(reading, onlyComment);
  if (reading.at === at && at < reading.text.length)
    throw unreadable(reading, "rows follow this COPY, and more SQL on its line (give that SQL a line below the rows)");
  for (let part = copy; ; part = { sql: "", offset: reading.base }) {
    const { text, at: from } = reading;
    const end = endOfRows(text, from);
    if (end !== undefined) {
      reading.at = end + 2;
      return yield { ...part, copied: text.slice(from, end) };
    }
    if (reading.last) throw unfinished(reading, opened);
    if (from < text.length || part === copy) yield { ...part, copied: text.slice(from), goesOn: true };
    yield* goOn(reading);
  }
}

const onlyComment = /[ \t\r\f\v]*(?:--[^\n]*)?(?:\n|$)/y;

/** Where a line says nothing but `\.`. */
function endOfRows(text: string, from: number): number | undefined {
  for (let at = text.indexOf("\\.", from); at >= 0; at = text.indexOf("\\.", at + 1)) {
    const behind = text[at + 2] === "\r" ? text[at + 3] : text[at + 2];
    if ((at === from || text[at - 1] === "\n") && (behind === "\n" || behind === undefined)) return at;
  }
  return undefined;
}
