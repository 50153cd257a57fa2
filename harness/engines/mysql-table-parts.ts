import type { Definition, Key, Part, Thing } from "../snapshot.ts";
import { byName } from "./mysql-outline.ts";

interface Parts {
  readonly keys: readonly Key[];
  readonly indexes: readonly Definition[];
  readonly options: string;
  /** What is said about the table and its keys, and what columns have that is told nowhere else. */
  readonly parts: readonly Part[];
  /** The number that the next row gets, if any row has had one. */
  readonly counter?: string;
}

/**
 * The keys and the options of a table as SHOW CREATE TABLE writes them, one to a line: nothing else tells all of lengths,
 * parsers, expressions and partitions.
 */
export function partsOf(table: string, created: string): Parts {
  const of = [{ kind: "table", name: table }] as const;
  const parts: Part[] = [];
  const said = (definition: string, about: Thing) =>
    parts.push({ kind: "comment", name: "", table, definition, of: [about, ...of] });
  const [, ...lines] = created.split("\n");
  const end = lines.findIndex((line) => line.startsWith(")"));
  const innodb = lines[end]?.includes("ENGINE=InnoDB") ?? false;
  const keys: Key[] = [];
  const indexes: Definition[] = [];
  const extra: string[] = [];
  for (const line of lines.slice(0, end)) {
    const whole = line.trim().replace(/,$/, "");
    const [column, srid] = [/^`(?:[^`]|``)*`/.exec(whole)?.[0], /\/\*!80003 (SRID \d+) \*\//.exec(whole)?.[1]];
    if (column !== undefined && srid !== undefined)
      parts.push({ kind: "column", name: unquoted(column), table, column: unquoted(column), definition: srid });
    const text = plainly(whole, innodb);
    const { kind = "", name = "", rest = "" } = keyLine.exec(text)?.groups ?? {};
    const columns = plainColumns(rest);
    const comment = kind === "" ? undefined : commentOfKey.exec(whole)?.[1];
    const isKey = kind.startsWith("PRIMARY") || (kind.startsWith("UNIQUE") && columns !== undefined);
    const called = kind.startsWith("PRIMARY") ? "PRIMARY" : unquoted(name);
    if (comment !== undefined) said(comment, { kind: isKey ? "key" : "index", name: called, table });
    if (isKey) keys.push({ name: called, columns: columns ?? columnsIn(rest), primary: kind.startsWith("PRIMARY") });
    else if (kind !== "")
      indexes.push({ name: called, definition: `${kind.replace(/ ?KEY$/, "").toLowerCase()} ${rest}`.trim() });
    else if (/^PERIOD FOR/.test(text)) extra.push(text);
  }
  const told = lines.slice(end).join("\n").slice(1);
  const comment = commentOfTable.exec(told)?.[1];
  if (comment !== undefined) said(comment, of[0]);
  const uncommented = told.replace(commentOfTable, "");
  const counter = / AUTO_INCREMENT=(\d+)/.exec(uncommented)?.[1];
  const options = uncommented.replace(/ AUTO_INCREMENT=\d+/, "").trim();
  return {
    keys: keys.sort(byName),
    indexes: indexes.sort(byName),
    options: [options, ...extra].join("\n"),
    parts,
    ...(counter !== undefined && { counter }),
  };
}

/** A key without what is said about it, and without what InnoDB does with any key. */
function plainly(line: string, innodb: boolean): string {
  if (line.startsWith("`")) return line;
  const uncommented = line.replace(commentOfKey, "");
  return innodb ? uncommented.replace(/ USING BTREE/, "") : uncommented;
}

const commentOfKey = / COMMENT '((?:[^'\\]|\\[\s\S]|'')*)'/;
const commentOfTable = / COMMENT='((?:[^'\\]|\\[\s\S]|'')*)'/;

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
