import type { LeftOut, Migration, SqlFile } from "../chain.ts";
import { forEngine, type PerEngine } from "../database.ts";
import { HarnessError } from "../errors.ts";
import type { Migrator, RecordBook } from "../migrator.ts";
import { textAsSent } from "./as-sent.ts";
import { asAsked } from "./asked.ts";
import { codeAmong } from "./code.ts";
import type { Folder, Format, ReadOptions } from "./format.ts";
import { firstMarked } from "./marked.ts";
import { recordTable } from "./record-table.ts";
import { lineOf, refused } from "./refused.ts";

/** SQL as dbmate reads it: `20240101_users.sql` with a block behind `-- migrate:up` and one behind `-- migrate:down`. */
export const dbmate: Format = {
  name: "dbmate",
  title: "dbmate",

  async detect(folder) {
    const file = await firstMarked(folder, folder.files.filter(isNamed), /^--\s*migrate:(up|down)/m);
    return file === undefined ? undefined : { by: "content", what: `-- migrate:up in ${file}` };
  },

  async read(folder, options) {
    // As names, not as numbers: 10_x runs before 9_x.
    const files = folder.files.filter(isNamed).sort();
    if (files.length === 0) {
      const why = "it holds no .sql file whose name begins with a number";
      throw new HarnessError("bad-input", `Cannot read migrations from "${folder.path}": ${why}`);
    }
    refuseTwins(folder, files);
    return {
      migrations: (await Promise.all(files.map((file) => migrationsOf(folder, file)))).flat(),
      migrator: migrator(options),
      ...leftOut(folder),
      ...asAsked(options),
    };
  },
};

function isNamed(file: string): boolean {
  return /^\d+[^/]*\.sql$/.test(file);
}

/** The digits ahead, as text: `001` is another version than `1`. */
function versionOf(file: string): string {
  return /^\d+/.exec(file)?.[0] ?? "";
}

function refuseTwins(folder: Folder, files: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const file of files) {
    const twin = seen.get(versionOf(file));
    const way = "the second of them could never be recorded; give one of them another version";
    if (twin !== undefined) throw refused(folder, file, `"${twin}" has the same version (${way})`);
    seen.set(versionOf(file), file);
  }
}

/** One for each pair of blocks: each is a transaction of its own, and each is recorded, which goes well only once. */
async function migrationsOf(folder: Folder, file: string): Promise<readonly Migration[]> {
  const text = await textAsSent(folder, file);
  return pairsOf(folder, file, text).map(({ start, middle, end }, i) => {
    const up = block(folder, file, { text, start, end: middle });
    const down = block(folder, file, { text, start: middle, end });
    const isAlike = (up.pieces === undefined) === (down.pieces === undefined);
    return {
      name: `${file.slice(0, -".sql".length)}${i === 0 ? "" : ` (${i + 1})`}`,
      up,
      down: { ...down, ...(!isAlike && { transaction: down.pieces === undefined }) },
      ...(up.pieces !== undefined && { transaction: false as const }),
      recordedAs: { id: versionOf(file) },
    };
  });
}

/** Where a pair of blocks begins, where its down block does, and where it ends. */
interface Pair {
  readonly start: number;
  readonly middle: number;
  readonly end: number;
}

function pairsOf(folder: Folder, file: string, text: string): readonly Pair[] {
  const ups = startsOf(text, "up");
  const downs = startsOf(text, "down");
  const [first] = ups;
  if (first === undefined) throw without(folder, file, text, "up");
  const before = text
    .slice(0, first)
    .split("\n")
    .findIndex((line) => !/^[\t\n\f\r ]*(--.*)?$/s.test(line));
  if (before >= 0) {
    throw refused(folder, file, `a statement stands before "-- migrate:up" (put it behind that line)`, before + 1);
  }
  return ups.map((start, i) => {
    const end = ups[i + 1] ?? text.length;
    const [middle, another] = downs.filter((at) => at > start && at < end);
    if (middle === undefined) throw without(folder, file, text, "down", start);
    if (another === undefined) return { start, middle, end };
    const why = `a second "-- migrate:down" follows one "-- migrate:up" (join them, or put a "-- migrate:up" ahead of it)`;
    throw refused(folder, file, why, lineOf(text, another));
  });
}

/** Only these count as blanks, and only `\n` ends a line: so says the language that dbmate is written in. */
function startsOf(text: string, direction: "up" | "down"): readonly number[] {
  const marker = `(?<![^\\n])--[\\t\\n\\f\\r ]*migrate:${direction}`;
  const rest = "(?:[\\t\\n\\f\\r ]*(?![^\\n])|[\\t\\n\\f\\r ]+[^\\t\\n\\f\\r ])";
  return [...text.matchAll(new RegExp(marker + rest, "g"))].map(({ index }) => index);
}

/** A line that looks as if it was meant is where to look. */
function without(folder: Folder, file: string, text: string, direction: "up" | "down", from = 0): HarnessError {
  const meant = text.slice(from).search(new RegExp(`^.*--.*migrat\\w*\\s*:?\\s*${direction}`, "im"));
  const way = text.startsWith("\uFEFF")
    ? "save the file without a byte order mark"
    : "add that line; nothing may stand ahead of it";
  const why = `dbmate wants a line "-- migrate:${direction}" (${way})`;
  return refused(folder, file, why, lineOf(text, meant < 0 ? from : from + meant));
}

/** Sent whole, with the line that opens it; `pieces` tells that no transaction is around it. */
function block(folder: Folder, file: string, part: { text: string; start: number; end: number }): SqlFile {
  const { text, start, end } = part;
  const sql = text.slice(start, end);
  const alone = optionsIn(sql).get("transaction") === "false";
  const within = { text, start };
  return { sql, file: folder.shown(file), within, ...(alone && { pieces: [{ sql, offset: 0 }] }) };
}

/** `transaction:false` behind the marker; what is no such pair says nothing. */
function optionsIn(sql: string): ReadonlyMap<string, string> {
  const [line = ""] = sql.split("\n");
  const words = line
    .replace(/^--\s*migrate:(up|down)/, "")
    .trim()
    .split(/\s+/);
  return new Map(
    words
      .map((word) => word.split(":"))
      .flatMap(([key = "", value, more]) => (value === undefined || more !== undefined ? [] : [[key, value] as const])),
  );
}

function leftOut({ files }: Folder): { readonly leftOut?: readonly LeftOut[] } {
  const why = "dbmate takes no notice of a name that begins with no number";
  const others = files.filter((file) => /^[^/]+\.sql$/.test(file) && !isNamed(file));
  const left = [...others.sort().map((name) => ({ name, why })), ...codeAmong(files)];
  return left.length === 0 ? {} : { leftOut: left };
}

function migrator(options: ReadOptions): Migrator {
  return {
    title: dbmate.title,
    engines: ["postgres", "mysql", "mariadb"],
    transaction: "each",
    lock: "none",
    late: "run",
    edited: "ignore",
    removed: "ignore",
    record: record(options),
  };
}

function record({ engine, recordTable: given, prelude }: ReadOptions): RecordBook {
  // Where a migration empties the search_path, dbmate looks into this schema.
  const schema = prelude?.session === undefined ? { schema: "public" } : {};
  const { quoted, shown, name } = recordTable(given, { ...schema, name: "schema_migrations" });
  const insert = (table: string, id: string) => `insert into ${table} (version) values (${id})`;
  return {
    tables: [forEngine(shown, engine) ?? name],
    create: {
      postgres: `create table if not exists ${quoted.postgres} (version varchar primary key)`,
      mysql: `create table if not exists ${quoted.mysql} (version varchar(128) primary key)`,
    },
    async read(ask) {
      const rows = await ask(`select version from ${forEngine(quoted, engine)} order by version`);
      return { applied: rows.map((row) => ({ id: String(row.version) })) };
    },
    add({ id, literal }): PerEngine<string> {
      return { postgres: insert(quoted.postgres, literal(id)), mysql: insert(quoted.mysql, literal(id)) };
    },
    back: {
      remove: ({ id, literal }) => ({
        postgres: `delete from ${quoted.postgres} where version = ${literal(id)}`,
        mysql: `delete from ${quoted.mysql} where version = ${literal(id)}`,
      }),
    },
  };
}
