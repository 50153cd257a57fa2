import { changeFor, type Migration } from "./chain.ts";
import { type EngineName, forEngine, type PerEngine } from "./database.ts";
import { withoutComments } from "./lexemes.ts";

/** What a server, or our user on it, may lack. */
export interface Need {
  readonly kind: "extension" | "role" | "right" | "server";
  /** `extension "vector"`, `role "app_reader"`, `ALTER SYSTEM`, `CAST … AS JSON`. */
  readonly what: string;
  /** What is to be known about it: `not part of PostgreSQL`. */
  readonly why: string;
  /** The first that needs it. */
  readonly migration: string;
  readonly file?: string;
}

/** What these migrations want of a server beyond tables: extensions, roles, rights that not every user has, SQL that only some read. */
export function needsOf(migrations: readonly Migration[], engine: EngineName): readonly Need[] {
  const needs = new Map<string, Need>();
  for (const { name, up } of migrations) {
    const change = changeFor(up, engine);
    if (change === undefined || typeof change === "function") continue;
    const { sql, file = undefined } = typeof change === "string" ? { sql: change } : change;
    const said = withoutComments(sql, engine);
    for (const { looks, ...sought } of forEngine(wants, engine) ?? [])
      for (const { groups } of said.matchAll(looks)) {
        const need = sought.need(groups?.name?.replace(/^["`]|["`]$/g, "") ?? "");
        if (need === undefined || needs.has(need.what)) continue;
        needs.set(need.what, { ...need, migration: name, ...(file !== undefined && { file }) });
      }
  }
  return [...needs.values()];
}

interface Want {
  readonly looks: RegExp;
  /** `undefined`: every server has it. */
  readonly need: (name: string) => Pick<Need, "kind" | "what" | "why"> | undefined;
}

const extension = (name: string) => {
  if (name === "plpgsql") return undefined;
  const why = contrib.test(name) ? "of PostgreSQL's contrib" : "not part of PostgreSQL";
  return { kind: "extension" as const, what: `extension "${name}"`, why };
};
const made = (name: string) => ({
  kind: "role" as const,
  what: `role "${name}"`,
  why: "makes or changes it: CREATEROLE",
});
const used = (name: string) => {
  if (/^(public|current_user|current_role|session_user|postgres)$/i.test(name)) return undefined;
  return { kind: "role" as const, what: `role "${name}"`, why: "must be there" };
};
const server = (what: string, where: string) => () => ({ kind: "server" as const, what, why: where });
const right = (what: string, why: string) => () => ({ kind: "right" as const, what, why });

const wants: PerEngine<readonly Want[]> = {
  postgres: [
    { looks: /\bcreate\s+extension\s+(?:if\s+not\s+exists\s+)?(?<name>"[^"]+"|[\w-]+)/gi, need: extension },
    {
      looks: /\b(?:create|alter|drop)\s+(?:role|user(?!\s+mapping))\s+(?:if\s+exists\s+)?(?<name>"[^"]+"|\w+)/gi,
      need: made,
    },
    { looks: /\bowner\s+to\s+(?<name>"[^"]+"|\w+)/gi, need: used },
    { looks: /\bgrant\b[^;]*?\bto\s+(?<name>"[^"]+"|\w+)/gi, need: used },
    { looks: /\bset\s+(?:session\s+|local\s+)?role\s+(?<name>"[^"]+"|\w+)/gi, need: used },
    { looks: /\bset\s+session\s+authorization\s+(?<name>"[^"]+"|\w+)/gi, need: used },
    { looks: /\balter\s+system\b/gi, need: right("ALTER SYSTEM", "superuser") },
    {
      looks: /\bcopy\b[^;]*?\b(?:from|to)\s+(?:program\b|'')/gi,
      need: right("COPY of a server's file or program", "superuser"),
    },
    { looks: /\bcreate\s+tablespace\b/gi, need: right("CREATE TABLESPACE", "superuser") },
    { looks: /\bcreate\s+event\s+trigger\b/gi, need: right("CREATE EVENT TRIGGER", "superuser") },
    { looks: /\bcreate\s+foreign\s+data\s+wrapper\b/gi, need: right("CREATE FOREIGN DATA WRAPPER", "superuser") },
    {
      looks: /\bcreate\s+subscription\b/gi,
      need: right("CREATE SUBSCRIPTION", "pg_create_subscription, and a publisher"),
    },
    { looks: /\blanguage\s+'?(?:c|plpython3?u|plperlu)\b/gi, need: right("an untrusted language", "superuser") },
    {
      looks: /\bcreate\s+database\b/gi,
      need: right("CREATE DATABASE", "CREATEDB; and it makes databases beside its own"),
    },
    { looks: /\bmerge\s+into\b/gi, need: server("MERGE", "PostgreSQL 15 or newer") },
    { looks: /\bnulls\s+not\s+distinct\b/gi, need: server("NULLS NOT DISTINCT", "PostgreSQL 15 or newer") },
    { looks: /\bis\s+(?:not\s+)?json\b/gi, need: server("IS JSON", "PostgreSQL 16 or newer") },
    { looks: /\bany_value\s*\(/gi, need: server("any_value()", "PostgreSQL 16 or newer") },
    { looks: /\bjson_table\s*\(/gi, need: server("JSON_TABLE", "PostgreSQL 17 or newer") },
    { looks: /\buuidv7\s*\(/gi, need: server("uuidv7()", "PostgreSQL 18 or newer") },
  ],
  mysql: [
    { looks: /\b(?:create|alter|drop)\s+(?:user|role)\b/gi, need: right("CREATE USER", "CREATE USER on the server") },
    { looks: /\bgrant\s+[^;]*?\bon\b/gi, need: right("GRANT", "GRANT OPTION") },
    {
      looks: /\bset\s+(?:@@)?global\b/gi,
      need: right("SET GLOBAL", "SYSTEM_VARIABLES_ADMIN, and it reaches beyond the database"),
    },
    { looks: /\bset\s+(?:session\s+|@@)?sql_log_bin\b/gi, need: right("sql_log_bin", "SYSTEM_VARIABLES_ADMIN") },
    { looks: /\bdefiner\s*=\s*(?!current_user)/gi, need: right("DEFINER", "SET_USER_ID, and that user") },
    { looks: /\bload\s+data\b/gi, need: right("LOAD DATA", "FILE, or local_infile") },
    { looks: /\binto\s+(?:out|dump)file\b/gi, need: right("INTO OUTFILE", "FILE") },
    {
      looks: /\binstall\s+plugin\b|\bsoname\b/gi,
      need: right("a plugin", "INSERT on mysql.plugin, and the file on the server"),
    },
    { looks: /\bcreate\s+event\b/gi, need: right("CREATE EVENT", "EVENT, and the event scheduler for it to happen") },
    {
      looks: /\bcreate\s+database\b/gi,
      need: right("CREATE DATABASE", "CREATE on the server; and it makes databases beside its own"),
    },
    { looks: /\bcast\s*\([^;]*?\bas\s+json\b/gi, need: server("CAST … AS JSON", "MySQL's, not MariaDB's") },
    { looks: /->>?\s*''/g, need: server("-> and ->>", "MySQL's, not MariaDB's") },
    { looks: /\b(?:bin_to_uuid|uuid_to_bin)\s*\(/gi, need: server("BIN_TO_UUID()", "MySQL's, not MariaDB's") },
    {
      looks: /\bdrop\s+(?:check|constraint)\s+`?\w+_chk_\d+/gi,
      need: server("a check's name", "as MySQL makes it up; MariaDB makes up another"),
    },
    {
      looks: /\bindex\s+\S+\s+on\s+\S+\s*\(\s*\(/gi,
      need: server("an index on an expression", "MySQL's, not MariaDB's"),
    },
    {
      looks: /\b(?:add|drop)\s+(?:column\s+|index\s+|constraint\s+)?if\s+(?:not\s+)?exists\b/gi,
      need: server("IF EXISTS of columns and keys", "MariaDB's, not MySQL's"),
    },
  ],
};

/** Extensions that come with PostgreSQL, though some packages hold them apart. */
const contrib =
  /^(amcheck|autoinc|bloom|btree_gin|btree_gist|citext|cube|dblink|dict_int|dict_xsyn|earthdistance|file_fdw|fuzzystrmatch|hstore|insert_username|intagg|intarray|isn|lo|ltree|moddatetime|pageinspect|pg_buffercache|pg_freespacemap|pg_prewarm|pg_stat_statements|pg_surgery|pg_trgm|pg_visibility|pg_walinspect|pgcrypto|pgrowlocks|pgstattuple|postgres_fdw|refint|seg|sslinfo|tablefunc|tcn|tsm_system_rows|tsm_system_time|unaccent|uuid-ossp|xml2)$/;
