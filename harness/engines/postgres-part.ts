/** A row as a part of the catalogue: what it is known by, what is told of it, and what it would not be there without. */
export interface PartSql {
  readonly kind: string;
  readonly name: string;
  readonly definition: string;
  readonly table?: string;
  readonly column?: string;
  readonly of?: readonly string[];
  readonly from: string;
  /** Where it is worth asking: to look whether there is any costs less than to plan how all would be found. */
  readonly any?: string;
  /** The first server, as servers count themselves, that knows of it. */
  readonly since?: number;
}

/** Numbers below are those of what the server itself brings. */
export const firstOwn = 16384;

export const selected = ({ kind, name, definition, table = "null", column = "null", of = [], from }: PartSql) =>
  `select ${kind} as kind, ${name} as name, ${definition} as definition, ${table} as "table", ${column} as "column",
    ${of.length === 0 ? "null::json" : `json_build_array(${of.join(", ")})`} as "of" ${from}`;

/** What a thing is known by, as SQL writes it. */
export const thing = (kind: string, name: string, table = "null") =>
  `json_build_object('kind', ${kind}, 'name', ${name}, 'table', ${table})`;

export const joined = (separator: string, ...texts: readonly string[]) =>
  `concat_ws('${separator}', ${texts.join(", ")})`;
export const when = (condition: string, text: string) => `case when ${condition} then ${text} end`;
export const sorted = (texts: string, separator: string) =>
  `(select string_agg(o.text, '${separator}' order by o.text) from (${texts}) o(text))`;
/** Options as they were told; PostgreSQL 15.20 notes a version of its own among those of every column. */
export const settings = (options: string) =>
  sorted(`select s.option from unnest(${options}) s(option) where s.option not like 'pg\\_%'`, ", ");
