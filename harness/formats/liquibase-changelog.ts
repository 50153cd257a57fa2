import { forEngine, type PerEngine } from "../database.ts";
import type { Folder, ReadOptions } from "./format.ts";
import { type Begun, blanked, type Changeset, onlyIn } from "./liquibase-changeset.ts";
import {
  attribute,
  flag,
  type Line,
  linesOf,
  marks,
  meansProduct,
  misspelt,
  nearly,
  nearlyWithin,
} from "./liquibase-lines.ts";
import { refused } from "./refused.ts";

/**
 * The changesets of a file for one product, as Liquibase reads formatted SQL.
 *
 * @throws {HarnessError} `bad-input` with file and line for what Liquibase refuses, or would silently not run
 */
export function changesetsOf(
  folder: Folder,
  file: string,
  { text, options }: { text: string; options: ReadOptions },
): readonly Changeset[] {
  const lines = linesOf(text);
  const state: State = { folder, file, text, options, properties: new Map(), found: [], open: undefined, path: file };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    if (line === undefined) break;
    const skipped = ignoredFrom(state, lines, i);
    if (skipped > 0) {
      blankOut(state, line.start, lines[i + skipped]?.start ?? text.length);
      i += skipped - 1;
    } else readLine(state, lines, i);
  }
  close(state, text.length);
  return state.found;
}

/** What Liquibase calls our products. */
const products: PerEngine<string> = { postgres: "postgresql", mysql: "mysql", mariadb: "mariadb" };

interface State {
  readonly folder: Folder;
  readonly file: string;
  readonly text: string;
  readonly options: ReadOptions;
  readonly properties: Map<string, string>;
  readonly found: Changeset[];
  open: Begun | undefined;
  path: string;
}

function no({ folder, file }: State, why: string, line: number): Error {
  return refused(folder, file, why, line);
}

/** How many lines from here on Liquibase is told to overlook. */
function ignoredFrom(state: State, lines: readonly Line[], i: number): number {
  const line = lines[i];
  const what = marks.ignore.exec(line?.text ?? "")?.[1];
  if (line === undefined || what === undefined) return 0;
  if (/^\d+$/.test(what)) return Number(what) + 1;
  if (what !== "start") throw no(state, `"ignoreLines:${what}" is neither a count nor start`, line.number);
  const end = lines.findIndex((other, at) => at > i && marks.ignore.exec(other.text)?.[1] === "end");
  return (end < 0 ? lines.length : end + 1) - i;
}

function readLine(state: State, lines: readonly Line[], i: number): void {
  const line = lines[i];
  if (line === undefined) return;
  const end = lines[i + 1]?.start ?? state.text.length;
  const { open } = state;
  if (open?.inRollback) {
    rollbackLine(open, { line, end });
    return;
  }
  const { text } = line;
  if (marks.property.test(text)) {
    setProperty(state, text);
    blankOut(state, line.start, end);
    return;
  }
  if (marks.first.test(text)) state.path = attribute(text, "logicalFilePath") || state.path;
  const changeset = marks.changeset.exec(text);
  if (changeset !== null) {
    close(state, line.start);
    state.open = begun(state, { line, end, author: unquoted(changeset[1]), id: unquoted(changeset[2]) });
    return;
  }
  refuseNearly(state, nearly, line);
  if (misspelt.test(text))
    throw no(state, `"${text.trim()}" is no changeset to Liquibase (write --changeset <author>:<id>)`, line.number);
  if (open !== undefined) lineWithin(state, open, { line, end });
  else if (marks.comment.test(text)) throw no(state, "a --comment stands outside of any changeset", line.number);
  else if (i > 0 && !/^\s*(?:--.*)?$/.test(text)) refuseStray(state, line);
}

/** Liquibase overlooks what stands ahead of the first changeset, without a word. */
function refuseStray(state: State, line: Line): void {
  const why =
    "this SQL stands in no changeset, so Liquibase never runs it (put a line --changeset <author>:<id> before it)";
  throw no(state, why, line.number);
}

function setProperty({ properties, options }: State, line: string): void {
  const name = /^.*name:\s*(\S+).*$/i.exec(line)?.[1];
  const value = /^.*value:\s*(\S+).*$/i.exec(line)?.[1];
  const ours = meansProduct(attribute(line, "dbms"), forEngine(products, options.engine) ?? "");
  // The first one counts.
  if (name !== undefined && value !== undefined && ours && !properties.has(name)) properties.set(name, value);
}

function refuseNearly(state: State, patterns: typeof nearly, { text, number }: Line): void {
  const meant = patterns.find(([pattern]) => pattern.test(text))?.[1];
  if (meant !== undefined) throw no(state, `"${text.trim()}" is not as Liquibase wants it (write ${meant})`, number);
}

function unquoted(text = ""): string {
  return text.replace(/^"(.*)"$/, "$1");
}

function begun(state: State, at: { line: Line; end: number; author: string; id: string }): Begun {
  const { line, end, author, id } = at;
  return {
    line,
    id: expandedBy(state, id),
    author: expandedBy(state, author),
    start: end,
    blanks: [],
    rollbacks: [],
    comment: "",
    validCheckSums: [],
    conditions: [],
    inRollback: false,
  };
}

function lineWithin(state: State, open: Begun, { line, end }: { line: Line; end: number }): void {
  const { text, start } = line;
  const comment = marks.comment.exec(text)?.[1];
  const checkSum = marks.validCheckSum.exec(text)?.[1];
  const rollback = marks.rollback.exec(text);
  if (comment !== undefined) open.comment = comment;
  else if (checkSum !== undefined) open.validCheckSums.push(checkSum.trim());
  else if (rollback !== null) open.rollbacks.push([start + (rollback[1]?.length ?? 0), end]);
  else if (marks.rollbackBegin.test(text)) open.inRollback = true;
  else if (marks.preconditions.test(text) || marks.precondition.test(text)) open.conditions.push(line);
  else {
    refuseNearly(state, nearlyWithin, line);
    return;
  }
  open.blanks.push([start, end]);
}

function rollbackLine(open: Begun, { line, end }: { line: Line; end: number }): void {
  const last = marks.rollbackEnd.exec(line.text)?.[1];
  open.rollbacks.push([line.start, last === undefined ? end : line.start + last.length]);
  open.blanks.push([line.start, end]);
  if (last !== undefined) open.inRollback = false;
}

function blankOut({ open }: State, from: number, to: number): void {
  open?.blanks.push([from, to]);
}

/** Ends the changeset at hand. */
function close(state: State, end: number): void {
  const { open, folder, file, text, path } = state;
  state.open = undefined;
  if (open === undefined) return;
  if (open.inRollback) throw no(state, "its rollback begins and never ends (close it with */)", open.line.number);
  const sql = blanked(text.slice(open.start, end), open.blanks, open.start);
  const name = `changeset ${open.author}:${open.id}`;
  if (sql.trim() === "") throw refused(folder, file, `${name} has no SQL`, open.line.number);
  const attributes = open.line.text;
  if (flag(attributes, "ignore")) return;
  if (!meansProduct(attribute(attributes, "dbms"), forEngine(products, state.options.engine) ?? "")) return;
  const { id, author, line, comment, validCheckSums, conditions } = open;
  const properties = new Map(state.properties);
  state.found.push({
    ...{ id, author, line, comment, validCheckSums, conditions, file, text, start: open.start, end, sql },
    path: expandedBy(state, attribute(attributes, "logicalFilePath") || path).replace(/^classpath:\/?/, ""),
    rollback: onlyIn(text, open.rollbacks),
    expanded: (text) => expandedBy({ ...state, properties }, text),
  });
}

/** Text with values for `${name}`: those asked for first, then the file's own properties; others stay as they are. */
function expandedBy({ properties, options }: Pick<State, "properties" | "options">, text: string): string {
  if (!text.includes("${")) return text;
  return text.replace(/\$\{([^{}]+)\}/g, (whole, name: string) => {
    return options.placeholders?.[name.trim()] ?? properties.get(name.trim()) ?? whole;
  });
}
