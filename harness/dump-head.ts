import type { EngineName } from "./database.ts";

/** What the first bytes of a dump say of it. */
export interface DumpHead {
  /** The engines that may have written it, as far as it tells; none where nothing does. */
  readonly engines: readonly EngineName[];
  /** The server it was dumped from: `15.20`. */
  readonly version?: string;
  /** What its last lines say where it is whole: who writes such a head writes that too. */
  readonly ending?: string;
  /** Why it cannot be restored, whoever wrote it. */
  readonly refusal?: string;
}

/** Reads what the text of a dump begins with: what the tools write above it, or else the SQL itself. */
export function headOf(text: string): DumpHead {
  const engines = (writers.find(({ mark }) => mark.test(text)) ?? likely(text))?.engines ?? [];
  const version = /^-- (?:Dumped from database version|Server version:?)\s+(\d+(?:\.\d+)*)/m.exec(text)?.[1];
  const ending = endings.find(({ mark }) => mark.test(text))?.ending;
  const refusal = refusals.find(({ mark }) => mark.test(text))?.why;
  return {
    engines,
    ...(version !== undefined && { version }),
    ...(ending !== undefined && { ending }),
    ...(refusal !== undefined && { refusal }),
  };
}

interface Sign {
  readonly mark: RegExp;
  readonly engines: readonly EngineName[];
}

/** Above all that the tools write themselves; the server counts for more than the client that asked it. */
const writers: readonly Sign[] = [
  { mark: /^-- PostgreSQL database (cluster )?dump/m, engines: ["postgres"] },
  { mark: /^-- Dumped from database version/m, engines: ["postgres"] },
  { mark: /^-- Server version:?\s+\S*mariadb/im, engines: ["mariadb"] },
  { mark: /^\/\*M?!999999\\- enable the sandbox mode/m, engines: ["mariadb"] },
  { mark: /^-- MariaDB dump /m, engines: ["mariadb"] },
  { mark: /^-- MySQL dump .*mariadb/im, engines: ["mariadb"] },
  { mark: /^-- MySQL dump /m, engines: ["mysql"] },
  { mark: /^-- phpMyAdmin SQL Dump/m, engines: ["mysql", "mariadb"] },
];

/** What only one of them says, in dumps that somebody wrote or took the head from. */
const signs: readonly Sign[] = [
  { mark: /^copy\s.+\sfrom\s+stdin\b/im, engines: ["postgres"] },
  {
    mark: /\bpg_catalog\.|^set (statement_timeout|search_path|client_encoding)\b|^alter table only /im,
    engines: ["postgres"],
  },
  {
    mark: /\bowner to\b|::\w|\b(big)?serial\b|\bjsonb\b|\$\$|\btimestamptz\b|\bcharacter varying\b/i,
    engines: ["postgres"],
  },
  { mark: /utf8mb4_0900_|^set @@(global|session)\.|\bGTID_PURGED\b/im, engines: ["mysql"] },
  { mark: /\buca1400_|\/\*M!|\bwith system versioning\b/i, engines: ["mariadb"] },
  {
    mark: /`\w+`|\bauto_increment\b|\bengine\s*=|\/\*!\d{5}|^delimiter\b|^lock tables\b/im,
    engines: ["mysql", "mariadb"],
  },
  { mark: /^(create table|insert into)\b/im, engines: ["postgres", "mysql", "mariadb"] },
];

/** Strings may hold anything. */
function likely(text: string): Sign | undefined {
  const bare = text.replace(/'(?:[^'\\]|\\[\s\S]|'')*'/g, "''");
  return signs.find(({ mark }) => mark.test(bare));
}

const endings = [
  { mark: /^-- PostgreSQL database dump$/m, ending: "-- PostgreSQL database dump complete" },
  { mark: /^-- (?:MySQL|MariaDB) dump /m, ending: "-- Dump completed" },
] as const;

const refusals = [
  {
    mark: /^-- PostgreSQL database cluster dump/m,
    why: "it is of a whole server, by pg_dumpall (dump the one database: pg_dump <database>)",
  },
] as const;

/** What the first bytes of a file say that holds no text; `undefined`: they may be text. */
export function kindOf(bytes: Buffer): "gzip" | "archive" | { readonly refusal: string } | undefined {
  const known = magics.find(({ magic, at = 0 }) => bytes.toString("latin1", at, at + magic.length) === magic);
  if (known !== undefined) return known.kind ?? { refusal: known.why };
  return bytes.includes(0) ? { refusal: `it is no text, and nothing that pg_dump writes (${wanted})` } : undefined;
}

export const wanted = "wanted is what pg_dump, mysqldump or mariadb-dump wrote, as SQL, a gzip of it, or pg_dump -Fc";

const unpack = (name: string, command: string) => `it is packed by ${name} (${command} it first, or take gzip)`;

const magics: readonly {
  readonly magic: string;
  readonly at?: number;
  readonly kind?: "gzip" | "archive";
  readonly why: string;
}[] = [
  { magic: "\x1f\x8b", kind: "gzip", why: "" },
  { magic: "PGDMP", kind: "archive", why: "" },
  { magic: "ustar", at: 257, why: "it is a tar archive (where pg_dump -Ft wrote it: pg_restore -f theirs.sql <file>)" },
  { magic: "\x28\xb5\x2f\xfd", why: unpack("zstd", "unzstd") },
  { magic: "\xfd7zXZ", why: unpack("xz", "unxz") },
  { magic: "BZh", why: unpack("bzip2", "bunzip2") },
  { magic: "\x04\x22\x4d\x18", why: unpack("lz4", "unlz4") },
  { magic: "PK\x03\x04", why: unpack("zip", "unzip") },
  { magic: "SQLite format 3", why: "it is a database of SQLite, which is no engine here" },
  {
    magic: "\xff\xfe",
    why: "it is UTF-16, as PowerShell writes what > is given (let the tool write it: pg_dump -f, mysqldump -r)",
  },
];
