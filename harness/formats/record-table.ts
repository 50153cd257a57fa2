import type { PerEngine } from "../database.ts";
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

/** The tool's own table, or the one that the product names instead: `name`, or `schema.name`. */
export function recordTable(
  given: string | undefined,
  own: { readonly schema?: string; readonly name: string },
): RecordTable {
  const parts = (given ?? own.name).split(".");
  const name = parts.pop() ?? own.name;
  const [named] = parts;
  const schema = named ?? own.schema;
  const inPostgres = schema === undefined ? [name] : [schema, name];
  const inMysql = named === undefined ? [name] : [named, name];
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

/** Throws where a product names another table for a tool that knows one alone. */
export function refuseOtherTable(folder: Folder, title: string, given: string | undefined, own: string): void {
  if (given === undefined || given === own) return;
  const message = `Cannot read migrations from "${folder.path}": ${title} keeps its record in "${own}" alone, not in "${given}" (leave recordTable out)`;
  throw new HarnessError("bad-input", message);
}
