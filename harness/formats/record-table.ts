import { type EngineName, forEngine, type PerEngine } from "../database.ts";
import { HarnessError } from "../errors.ts";
import type { Folder } from "./format.ts";

/** A record table, quoted for SQL, and as snapshots know it. */
export interface RecordTable {
  readonly quoted: PerEngine<string> & { readonly postgres: string; readonly mysql: string };
  readonly schema: string | undefined;
  readonly name: string;
  /** `drizzle.__drizzle_migrations`; without a schema where it is the one that sessions are in anyway. */
  readonly shown: PerEngine<string>;
}

/**
 * The tool's own table, or the one that the product names instead: `name`, or `schema.name`. Where schemas are databases that
 * is `schema_name`: another database would not be the sandbox's.
 *
 * @throws {HarnessError} `bad-input` for what is neither
 */
export function recordTable(
  given: string | undefined,
  own: { readonly schema?: string; readonly name: string },
): RecordTable {
  const parts = given === undefined ? [own.name] : partsOf(given);
  const [name = own.name, named] = [...parts].reverse();
  const schema = named ?? own.schema;
  const inPostgres = schema === undefined ? [name] : [schema, name];
  const inMysql = [parts.join("_")];
  return {
    quoted: {
      postgres: inPostgres.map((part) => `"${part.replaceAll('"', '""')}"`).join("."),
      mysql: inMysql.map((part) => `\`${part.replaceAll("`", "``")}\``).join("."),
    },
    schema,
    name,
    shown: { postgres: inPostgres.filter((part) => part !== "public").join("."), mysql: inMysql.join(".") },
  };
}

/** The same for a tool that quotes no names: as its SQL says it on this engine. */
export function unquotedTable(given: string | undefined, own: string, engine: EngineName): string {
  if (given === undefined) return own;
  const parts = partsOf(given);
  if (!parts.every((part) => /^[\p{L}_][\p{L}\p{N}_$]*$/u.test(part))) throw noTable(given, "it needs quotes");
  return forEngine({ postgres: given, mysql: parts.join("_") }, engine) ?? given;
}

function partsOf(given: string): readonly string[] {
  const parts = given.split(".");
  const why = parts.some((part) => part.trim() === "")
    ? "it names no table"
    : parts.length > 2
      ? `it has ${parts.length} parts`
      : /["'`\\;\p{Cc}]/u.test(given)
        ? "it holds a quote, or what else no name holds"
        : undefined;
  if (why !== undefined) throw noTable(given, why);
  return parts;
}

function noTable(given: string, why: string): HarnessError {
  const way = 'say it as recordTable: "name" or "schema.name", without quotes';
  return new HarnessError("bad-input", `Cannot keep a record in the table ${JSON.stringify(given)}: ${why} (${way})`);
}

/** Throws where a product names another table for a tool that knows one alone. */
export function refuseOtherTable(folder: Folder, title: string, given: string | undefined, own: string): void {
  if (given === undefined || given === own) return;
  const message = `Cannot read migrations from "${folder.path}": ${title} keeps its record in "${own}" alone, not in "${given}" (leave recordTable out)`;
  throw new HarnessError("bad-input", message);
}
