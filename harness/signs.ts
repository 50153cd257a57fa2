import { type EngineName, engineNames, type PerEngine } from "./database.ts";
import { formatNamed, formatOf } from "./formats/detect.ts";
import type { Evidence, Folder } from "./formats/format.ts";

/** For which engines a folder is, and how that is known. */
export interface Guess {
  readonly engines: readonly EngineName[];
  /** The folder says so, its files are named after them, its SQL would run on no other; or nothing tells. */
  readonly by: "format" | "names" | "sql" | "nothing";
  /** What gave it away: `AUTO_INCREMENT in 0001_users.sql`. */
  readonly signs: readonly string[];
}

/** For which engines a folder's SQL is: as its format says, or by what only one kind of server understands. */
export async function enginesOf(folder: Folder, evidence: Evidence | undefined): Promise<Guess> {
  if (evidence?.engine !== undefined) return { engines: [evidence.engine], by: "format", signs: [evidence.what] };
  const named = engineNames.filter((engine) => folder.files.some((file) => dialects[engine]?.test(file)));
  if (named.length > 0) {
    const signs = named.map((engine) => folder.files.find((file) => dialects[engine]?.test(file)) ?? "");
    return { engines: named, by: "names", signs };
  }
  const found = await signsIn(folder);
  const [first, second] = [...found].sort(([, a], [, b]) => b.length - a.length);
  if (first === undefined || first[1].length === 0) return { engines: engineNames, by: "nothing", signs: [] };
  // A word that both know in some version, or a column of that name, is outweighed.
  const clear = first[1].length >= 3 * (second?.[1].length ?? 0);
  const engines = clear ? families[first[0]] : engineNames;
  const signs = clear ? first[1] : [...found.values()].flatMap((told) => told.slice(0, 2));
  return { engines, by: clear ? "sql" : "nothing", signs: signs.slice(0, 4) };
}

/** The engine to read a folder for where nobody said one. */
export async function likelyEngine(folder: Folder, format: string | undefined): Promise<EngineName> {
  const evidence = format === undefined ? (await formatOf(folder)).evidence : await formatNamed(format).detect(folder);
  const [engine = "postgres"] = (await enginesOf(folder, evidence)).engines;
  return engine;
}

type Family = "postgres" | "mysql";

const families: { readonly [F in Family]: readonly EngineName[] } = {
  postgres: ["postgres"],
  mysql: ["mysql", "mariadb"],
};

const dialects: PerEngine<RegExp> = {
  postgres: /[._-](postgres|postgresql|pg)[._]/i,
  mysql: /[._-]mysql[._]/i,
  mariadb: /[._-]mariadb[._]/i,
};

const signs: { readonly [F in Family]: { readonly [sign: string]: RegExp } } = {
  postgres: {
    serial: /\b(big|small)?serial\b/i,
    jsonb: /\bjsonb\b/i,
    $$: /\$\w*\$/,
    "::": /[\w')\]]::\s*["\w]/,
    timestamptz: /\btimestamptz\b|\btimestamp with(out)? time zone\b/i,
    "CREATE EXTENSION": /\bcreate extension\b/i,
    bytea: /\bbytea\b/i,
    "[]": /\b(text|integer|int|uuid|varchar)\s*\[\s*\]/i,
    "CREATE TYPE": /\bcreate type\b/i,
    "ON CONFLICT": /\bon conflict\b/i,
    "USING gin": /\busing\s+(gin|gist|brin)\b/i,
    CONCURRENTLY: /\bconcurrently\b/i,
    gen_random_uuid: /\bgen_random_uuid\b/i,
    'CREATE TABLE "…"': /\bcreate\s+table\s+(if\s+not\s+exists\s+)?"/i,
  },
  mysql: {
    backticks: /`/,
    AUTO_INCREMENT: /\bauto_increment\b/i,
    "ENGINE=": /\bengine\s*=\s*\w/i,
    UNSIGNED: /\bunsigned\b/i,
    CHARSET: /\b(default\s+)?(charset\b|character\s+set\b)/i,
    DELIMITER: /^\s*delimiter\s+\S+/im,
    TINYINT: /\btinyint\b/i,
    DATETIME: /\bdatetime\b/i,
    LONGTEXT: /\b(long|medium)(text|blob)\b/i,
    "ON DUPLICATE KEY": /\bon duplicate key\b/i,
    MODIFY: /\bmodify\s+(column\s+)?[`\w]+\s+\w/i,
  },
};

/** Of each kind of server its signs, each with the first file that has it. */
async function signsIn(folder: Folder): Promise<ReadonlyMap<Family, readonly string[]>> {
  const found = new Map<Family, Map<string, string>>([
    ["postgres", new Map()],
    ["mysql", new Map()],
  ]);
  let read = 0;
  for (const file of folder.files.filter((name) => name.endsWith(".sql")).sort()) {
    const size = await folder.size(file);
    if (size > enough || read > enough) continue;
    read += size;
    const sql = bare(await folder.text(file));
    for (const [family, told] of found)
      for (const [sign, looks] of Object.entries(signs[family]))
        if (!told.has(sign) && looks.test(sql)) told.set(sign, file);
  }
  return new Map(
    [...found].map(([family, told]) => [family, [...told].map(([sign, file]) => `${sign} in ${file}`)] as const),
  );
}

/** Characters of SQL: what gives an engine away is in its tables, and those come first. */
const enough = 2_000_000;

/** Without comments and strings, roughly: by whose rules to read them is what we are about to find out. */
function bare(sql: string): string {
  return sql.replace(/--[^\n]*|\/\*(?!!)[\s\S]*?\*\/|'(?:''|\\'|[^'])*'/g, " ");
}
