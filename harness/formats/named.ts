import type { Migration, SqlFile } from "../chain.ts";
import { type EngineName, forEngine, type PerEngine } from "../database.ts";
import { dialectNamed, fits } from "./dialect.ts";
import type { Folder, ReadOptions } from "./format.ts";
import { sqlIn } from "./large.ts";
import { refused } from "./refused.ts";
import { statementsOf } from "./statements.ts";
import { refuseTemplate } from "./templates.ts";

/** What the name of a `.sql` file says of it, by the customs that no tool made: `2_names.mysql.up.sql`. */
export interface Named {
  readonly file: string;
  /** Without direction, dialect and ending. */
  readonly name: string;
  /** `1.10` as its parts; missing: the name begins with no number. */
  readonly number?: readonly bigint[];
  readonly direction: "up" | "down";
  /** Missing: it is for every engine. */
  readonly dialect?: EngineName | "another";
}

/** What a file's name says; `undefined` for what is no SQL. */
export function named(file: string): Named | undefined {
  const base = file.slice(file.lastIndexOf("/") + 1);
  if (!/\.sql$/i.test(base)) return undefined;
  const { name, ...said } = withoutSuffixes({ name: base.slice(0, -".sql".length), direction: "up" });
  const number = /^\d+(?:\.\d+)*(?=[._ -]|$)/.exec(name)?.[0].split(".").map(BigInt);
  return { file, name, ...said, ...(number !== undefined && { number }) };
}

/** By their numbers, part by part; by the rest of their names where those are equal. */
export function byNumber(a: Named, b: Named): number {
  const [x, y] = [a.number ?? [], b.number ?? []];
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const difference = (x[i] ?? 0n) - (y[i] ?? 0n);
    if (difference !== 0n) return difference < 0n ? -1 : 1;
  }
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** The files of one migration that an engine runs. */
export interface Pair {
  readonly up: Named;
  readonly down?: Named;
}

/** For which engine, and what makes files one migration. */
interface By {
  readonly engine: EngineName;
  readonly what: "number" | "name";
}

/**
 * The migrations that an engine runs, in order: of the files whose key is equal, the ones that are written for it best.
 *
 * @throws {HarnessError} `bad-input` where two fit equally well, or something is taken back that is not there
 */
export function pairsOf(folder: Folder, files: readonly Named[], by: By): readonly Pair[] {
  const key = by.what === "number" ? numberOf : ({ name }: Named) => name;
  const groups = new Map<string, Named[]>();
  for (const file of files) {
    if (rank(file, by.engine) === undefined) continue;
    const group = groups.get(key(file));
    if (group === undefined) groups.set(key(file), [file]);
    else group.push(file);
  }
  return [...groups.values()].map((group) => pairOf(folder, group, by)).sort((a, b) => byNumber(a.up, b.up));
}

/** What a pair of files does. */
export async function migrationOf(
  folder: Folder,
  { up, down }: Pair,
  { name, options }: { readonly name: string; readonly options: ReadOptions },
): Promise<Migration> {
  const read = ({ file }: Named) => asWritten(folder, file, options);
  const sql = await read(up);
  return {
    name,
    up: sql,
    ...(down !== undefined && { down: await read(down) }),
    ...(optsOut(sql.sql) && { transaction: false as const }),
  };
}

/** Nobody's tool says who runs it: what only a client understands is read as that client reads it. */
async function asWritten(folder: Folder, file: string, options: ReadOptions): Promise<SqlFile> {
  const { engine } = options;
  const found = await sqlIn(folder, file, options);
  if (found.pieces !== undefined) return found;
  const { sql, file: shown } = found;
  refuseTemplate(folder, { file, sql }, engine);
  const isForClient = forEngine(saidToClient, engine)?.test(sql) ?? false;
  return isForClient ? { ...found, pieces: statementsOf(sql, { engine, file: shown }) } : found;
}

/** Rows behind a COPY, the client's own commands, another delimiter. */
const saidToClient: PerEngine<RegExp> = {
  postgres: /\bfrom\s+stdin\b|^[ \t]*\\/im,
  mysql: /^[ \t]*(?:delimiter[ \t]|source[ \t]|\\\.)/im,
};

/** `1`, `01` and `1.0` are one number. */
function numberOf({ number = [] }: Named): string {
  return number.slice(0, Math.max(1, number.findLastIndex((part) => part !== 0n) + 1)).join(".");
}

type Suffixed = Pick<Named, "name" | "direction" | "dialect">;

/** Direction and dialect stand at the end of a name, in either order. */
function withoutSuffixes(file: Suffixed): Suffixed {
  const suffix = /^(.+)\.([a-z0-9]+)$/i.exec(file.name);
  const [name, word] = [suffix?.[1], suffix?.[2]?.toLowerCase()];
  if (name === undefined || word === undefined) return file;
  const direction = directionNamed(word);
  if (direction !== undefined) return withoutSuffixes({ ...file, name, direction });
  const dialect = dialectNamed(word);
  return dialect === undefined ? file : withoutSuffixes({ ...file, name, dialect });
}

/** What folders and file names call a direction. */
export function directionNamed(word: string): "up" | "down" | undefined {
  const directions: { readonly [word: string]: "up" | "down" } = { up: "up", do: "up", down: "down", undo: "down" };
  return Object.hasOwn(directions, word) ? directions[word] : undefined;
}

/** The higher, the better it fits; `undefined`: it is for others. */
function rank({ dialect }: Named, engine: EngineName): number | undefined {
  if (dialect === undefined) return 0;
  return fits(dialect, engine) || undefined;
}

function pairOf(folder: Folder, group: readonly Named[], by: By): Pair {
  const [up, down] = (["up", "down"] as const).map((direction) => {
    const files = group.filter((file) => file.direction === direction);
    return theOne(folder, files, by);
  });
  if (up !== undefined) return { up, ...(down !== undefined && { down }) };
  const why = "it takes back a migration that is not there (add the file that it takes back)";
  throw refused(folder, down?.file ?? "", why);
}

/** The file that fits the engine best. Two that fit equally well are two migrations of one number. */
function theOne(folder: Folder, files: readonly Named[], { engine, what }: By): Named | undefined {
  const worth = (file: Named) => rank(file, engine) ?? -1;
  const [first, ...rest] = [...files].sort((a, b) => worth(b) - worth(a) || (a.file < b.file ? -1 : 1));
  const twin = rest.find((file) => first !== undefined && (file.name !== first.name || worth(file) === worth(first)));
  if (first === undefined || twin === undefined) return first;
  const [a = "", b = ""] = [first.file, twin.file].sort();
  const why = `"${a}" has the same ${what} (give one of them another)`;
  throw refused(folder, b, why);
}

/** A comment ahead of the first statement says that the file runs outside a transaction. */
function optsOut(sql: string): boolean {
  const comments = /^(?:[ \t]*(?:--.*)?\r?\n)*(?:[ \t]*--.*)?/.exec(sql)?.[0] ?? "";
  return /^[ \t]*--[ \t]*no[- _]?transaction[ \t]*\r?$/im.test(comments);
}
