import type { Row } from "../snapshot.ts";
import type { Copy } from "./mysql-copy.ts";
import type { Crew } from "./mysql-crew.ts";
import { literal, quoted, relocated } from "./mysql-text.ts";

/** A table or a sequence, and the storage engine that it is made of. */
export interface Stored {
  readonly name: string;
  readonly kind: "table" | "sequence";
  readonly engine: string;
}

/** How a copy that has been made comes to its rows. */
export interface Filling {
  readonly into: string;
  readonly sql: string;
  /** Whether it may be loaded in bulk: see {@link loadTable}. */
  readonly inBulk: boolean;
}

/** The texts that make them, as the server tells them. */
export async function textsOf({ crew, from }: Copy, all: readonly Stored[]): Promise<readonly string[]> {
  const size = Math.ceil(all.length / crew.size);
  const parts = Array.from({ length: crew.size }, (_, i) => all.slice(i * size, (i + 1) * size));
  const asked = parts
    .filter((part) => part.length > 0)
    .map((part) => crew.send(...part.map(({ kind, name }) => `show create ${kind} ${quoted(from)}.${quoted(name)}`)));
  const shown = (await Promise.all(asked)).flat();
  return shown.map(([row]) => String(row?.["Create Table"]));
}

/** Makes a table of the same text; what fills it, unless its rows stand elsewhere. */
export async function makeTable(copy: Copy, { name, engine }: Stored, text: string): Promise<Filling | undefined> {
  const { crew, from, to } = copy;
  const [source, own] = [`${quoted(from)}.${quoted(name)}`, `${quoted(to)}.${quoted(name)}`];
  const whole: Filling = { into: own, sql: `insert into ${own} select * from ${source}`, inBulk: engine === "InnoDB" };
  if (name === recordTable && !crew.dialect.hasDatabaseComments) return whole;
  // What the text says of other tables is read as of those beside it.
  const making = relocated(text, from, to).replace(/^(CREATE \w+) `(?:[^`]|``)*`/, (_, create) => `${create} ${own}`);
  const joins = engine === "MRG_MyISAM"; // It knows those it joins by the database one is in.
  await made(() => (joins ? crew.sendApart(`use ${quoted(to)}`, making) : crew.send(making)));
  if (joins || /^(FEDERATED|CONNECT|SPIDER|BLACKHOLE)$/i.test(engine)) return undefined;
  if (!/GENERATED ALWAYS|INVISIBLE|SYSTEM VERSIONING/.test(text)) return whole;
  const { columns, moment } = await chosen(copy, name, / WITH SYSTEM VERSIONING/.test(text));
  return {
    ...whole,
    sql: `insert into ${own} (${columns}) select ${columns} from ${source} ${moment}`,
    inBulk: moment === "",
  };
}

const recordTable = "_migration_sandbox";

/** Tables that refer to each other lock each other while they are made; one of them has to let go and begin again. */
async function made(make: () => Promise<unknown>, left = 50): Promise<void> {
  await make().catch((error: { readonly errno?: number }) => {
    if (error.errno !== 1213 || left === 0) throw error;
    return made(make, left - 1);
  });
}

/** Copies the rows, without locks on those that are read where the server can have it so. */
export async function fillTable({ crew }: Copy, { into, sql, inBulk }: Filling): Promise<void> {
  const { loadsInBulk } = crew.dialect;
  if (inBulk && loadsInBulk && (await loadTable(crew, into, sql))) return;
  await (loadsInBulk ? crew.sendApart(oneByOne, sql) : crew.send(sql)).catch((error: { readonly errno?: number }) => {
    if (error.errno !== unlogged) throw error;
    return crew.sendApart(oneByOne, "set session transaction isolation level repeatable read", sql);
  });
}

/** A binary log of statements cannot tell what is done while others are read as they come. */
const unlogged = 1665;
/** As of a temporary file that cannot be written. */
const engineError = 1296;
const oneByOne = "set unique_checks = 1";

/**
 * Without the checks of unique keys an empty table is loaded in bulk, twice as fast. Where the disk is full, MariaDB 10.11
 * may answer that all went well and have no rows; so they are counted. If some are missing none is left, and one by one
 * they will tell why.
 */
async function loadTable(crew: Crew, into: string, sql: string): Promise<boolean> {
  const counted = `select row_count() as told, (select count(*) from ${into}) as found`;
  const [, [rows] = []] = await crew.send(sql, counted).catch((error: { readonly errno?: number }) => {
    if (error.errno !== unlogged && error.errno !== engineError) throw error;
    return [];
  });
  if (rows !== undefined && Number(rows.told) === Number(rows.found)) return true;
  await crew.send(`delete from ${into}`);
  return false;
}

interface Choice {
  readonly columns: string;
  readonly moment: string;
}

/** The columns whose values are stored because somebody gave them; of a table with a history, also when. */
async function chosen({ crew, from }: Copy, table: string, versioned: boolean): Promise<Choice> {
  const [columns = [], history = []] = await crew.send(
    `select column_name as name, column_type as type, generation_expression as expression from information_schema.columns
      where table_schema = ${literal(from)} and table_name = ${literal(table)} order by ordinal_position`,
    "show variables like 'system_versioning_insert_history'",
  );
  const given = columns.filter(({ expression }) => expression === null || expression === "");
  const stamps = versioned && history[0]?.Value === "ON" ? stampsOf(columns) : [];
  return {
    columns: [...given.map(({ name }) => String(name)), ...stamps].map(quoted).join(", "),
    moment: stamps.length > 0 ? "for system_time all" : "",
  };
}

/** Where the numbers of transactions stand for times, only the server itself can write them. */
function stampsOf(columns: readonly Row[]): readonly string[] {
  const stamps = columns.filter(({ expression }) => /^ROW (START|END)$/.test(String(expression)));
  if (stamps.length === 0) return ["row_start", "row_end"];
  return stamps.every(({ type }) => /^timestamp/.test(String(type))) ? stamps.map(({ name }) => String(name)) : [];
}
