import type { Definition, Key } from "../snapshot.ts";
import { byName } from "./mysql-outline.ts";

interface Parts {
  readonly keys: readonly Key[];
  readonly indexes: readonly Definition[];
  readonly options: string;
}

/**
 * The keys and the options of a table as SHOW CREATE TABLE writes them, one to a line: nothing else tells all of lengths,
 * parsers, expressions and partitions.
 */
export function partsOf(created: string): Parts {
  const [, ...lines] = created.split("\n");
  const end = lines.findIndex((line) => line.startsWith(")"));
  const keys: Key[] = [];
  const indexes: Definition[] = [];
  const extra: string[] = [];
  for (const line of lines.slice(0, end)) {
    const text = line.trim().replace(/,$/, "");
    const { kind = "", name = "", rest = "" } = keyLine.exec(text)?.groups ?? {};
    const columns = plainColumns(rest);
    if (kind.startsWith("PRIMARY")) keys.push({ name: "PRIMARY", columns: columns ?? columnsIn(rest), primary: true });
    else if (kind.startsWith("UNIQUE") && columns !== undefined)
      keys.push({ name: unquoted(name), columns, primary: false });
    else if (kind !== "")
      indexes.push({ name: unquoted(name), definition: `${kind.replace(/ ?KEY$/, "").toLowerCase()} ${rest}`.trim() });
    else if (/^PERIOD FOR/.test(text)) extra.push(text);
  }
  const options = lines
    .slice(end)
    .join("\n")
    .slice(1)
    .replace(/ AUTO_INCREMENT=\d+/, "")
    .trim();
  return { keys: keys.sort(byName), indexes: indexes.sort(byName), options: [options, ...extra].join("\n") };
}

const keyLine =
  /^(?<kind>(?:PRIMARY |UNIQUE |FULLTEXT |SPATIAL |VECTOR )?KEY) ?(?<name>`(?:[^`]|``)*`)? ?(?<rest>\([\s\S]*)$/;
const quotedName = /`(?:[^`]|``)*`/g;

/** The columns of a key that is nothing but columns. */
function plainColumns(rest: string): readonly string[] | undefined {
  const plain = /^\(`(?:[^`]|``)*`(?:,`(?:[^`]|``)*`)*\)(?: USING BTREE)?$/.test(rest);
  return plain ? columnsIn(rest) : undefined;
}

function columnsIn(rest: string): readonly string[] {
  return (rest.match(quotedName) ?? []).map(unquoted);
}

function unquoted(name: string): string {
  return name.slice(1, -1).replaceAll("``", "`");
}
