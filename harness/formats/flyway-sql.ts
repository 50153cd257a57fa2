import { crc32 } from "node:zlib";
import type { Piece } from "../chain.ts";
import { type EngineName, forEngine, type PerEngine } from "../database.ts";
import type { Folder, ReadOptions } from "./format.ts";
import { lineOf, refused } from "./refused.ts";
import { statementsOf } from "./statements.ts";

/** A script as Flyway would run it. */
export interface Script {
  readonly sql: string;
  readonly pieces: readonly Piece[];
  readonly transaction: boolean;
  /** Of the text as it stands in the file, and of what is sent. */
  readonly checksums: { readonly written: string; readonly sent: string };
  /** What decides whether it runs at all, where something does. */
  readonly condition: string | undefined;
}

/** Reads a script, and the settings beside it in `<script>.conf`. */
export async function scriptOf(folder: Folder, file: string, options: ReadOptions): Promise<Script> {
  const settings = await settingsOf(folder, file);
  const text =
    settings.encoding === undefined ? await folder.text(file) : await inEncoding(folder, file, settings.encoding);
  const sql = settings.placeholderReplacement === "false" ? text : filledIn(folder, { file, text }, options);
  const pieces = statementsOf(sql, { engine: options.engine, file: folder.shown(file) });
  return {
    sql,
    pieces,
    transaction: inTransaction(folder, { file, sql, pieces, told: settings.executeInTransaction }, options.engine),
    checksums: { written: checksumOf(text), sent: checksumOf(sql) },
    condition: settings.shouldExecute,
  };
}

const known = ["executeInTransaction", "encoding", "placeholderReplacement", "shouldExecute"] as const;

type Settings = { readonly [S in (typeof known)[number]]?: string };

async function settingsOf(folder: Folder, script: string): Promise<Settings> {
  const file = `${script}.conf`;
  if (!folder.files.includes(file)) return {};
  const lines = (await folder.text(file)).split(/\r\n?|\n/);
  const told = lines.map((line, i) => {
    const [name = "", ...rest] = line.split("=").map((part) => part.trim());
    if (name === "" || /^[#!]/.test(name)) return [];
    if (known.some((setting) => setting === name)) return [[name, rest.join("=")] as const];
    throw refused(folder, file, `Flyway knows no setting "${name}" of a script (known: ${known.join(", ")})`, i + 1);
  });
  return Object.fromEntries(told.flat());
}

async function inEncoding(folder: Folder, file: string, encoding: string): Promise<string> {
  const bytes = await folder.bytes(file);
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw refused(
      folder,
      file,
      `it is not in the encoding "${encoding}" that its .conf names, or nothing here reads that`,
    );
  }
}

/** Placeholders count wherever they stand, in comments as well. */
function filledIn(folder: Folder, { file, text }: { file: string; text: string }, options: ReadOptions): string {
  const { placeholders = {}, recordTable = "flyway_schema_history", engine } = options;
  const own = {
    "flyway:filename": file.slice(file.lastIndexOf("/") + 1),
    "flyway:table": recordTable,
    ...forEngine(schemas, engine),
  };
  const values: { readonly [name: string]: string | undefined } = { ...own, ...placeholders };
  return text.replace(/\$\{([^}]*)\}/g, (whole, name: string, at: number) => {
    const value = values[name];
    if (value !== undefined) return value;
    const way = `give placeholders a ${JSON.stringify(name)}, or say placeholderReplacement=false in ${file}.conf`;
    throw refused(folder, file, `"${whole}" has no value (${way})`, lineOf(text, at));
  });
}

const schemas: PerEngine<{ readonly [name: string]: string }> = { postgres: { "flyway:defaultSchema": "public" } };

interface Asked {
  readonly file: string;
  readonly sql: string;
  readonly pieces: readonly Piece[];
  readonly told: string | undefined;
}

/** Flyway looks into each statement, unless it is told. */
function inTransaction(folder: Folder, { file, sql, pieces, told }: Asked, engine: EngineName): boolean {
  if (told !== undefined) return told.toLowerCase() === "true";
  const outside = forEngine(outsideOnly, engine);
  const without = outside === undefined ? [] : pieces.filter((piece) => outside.test(keywordsOf(piece.sql)));
  if (without.length === 0) return true;
  const mixed = pieces.find((piece, i) => i > 0 && without.includes(piece) !== without.includes(pieces[0] as Piece));
  if (mixed === undefined) return false;
  const [alone = mixed] = without;
  const way = `give it a file of its own, or say executeInTransaction=false in ${file}.conf`;
  const why = `"${keywordsOf(alone.sql).slice(0, 40)}…" cannot run in a transaction as others in this file do, and Flyway refuses the mix (${way})`;
  throw refused(folder, file, why, lineOf(sql, alone.offset + commentsAhead(alone.sql)));
}

/** An added enum value is not among them: Flyway leaves that out for old servers only. */
const outsideOnly: PerEngine<RegExp> = {
  postgres:
    /^((CREATE|DROP) (DATABASE|TABLESPACE|SUBSCRIPTION)|ALTER SYSTEM|(CREATE|DROP)( UNIQUE)? INDEX CONCURRENTLY|REINDEX( VERBOSE)? (SCHEMA|DATABASE|SYSTEM)|VACUUM|DISCARD ALL)\b/,
};

/** The beginning of a statement without comments, in capitals. */
function keywordsOf(sql: string): string {
  const bare = sql
    .slice(commentsAhead(sql))
    .slice(0, 500)
    .replace(/--.*|\/\*[\s\S]*?\*\//g, " ");
  return bare.replace(/\s+/g, " ").trim().toUpperCase();
}

function commentsAhead(sql: string): number {
  return /^(?:\s+|--.*|\/\*[\s\S]*?\*\/)*/.exec(sql)?.[0].length ?? 0;
}

/** Line ends do not count; it is kept as a signed number of 32 bits. */
function checksumOf(text: string): string {
  return String(crc32(text.replace(/[\r\n]/g, "")) | 0);
}
