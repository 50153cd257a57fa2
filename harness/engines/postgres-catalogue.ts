import type { Client, QueryResult } from "pg";
import type { Catalogue, Part, Position, Row, TableOutline } from "../snapshot.ts";
import { anySql, partsSql } from "./postgres-parts.ts";
import { nameOf, ofNobodyElse, ofNoExtension, ours, products } from "./postgres-product.ts";
import { literal, quoted } from "./postgres-text.ts";

/** Reads the catalogue in one round trip; PostgreSQL's own functions say how each thing is written. */
export async function readCatalogue(client: Client): Promise<Catalogue> {
  return answerTo(client, catalogueSql);
}

/** Reads what the catalogue leaves out: first what there is of it, then all of that. */
export async function readParts(client: Client, version: number): Promise<readonly Part[]> {
  return answerTo(client, partsSql(await answerTo<readonly boolean[]>(client, anySql(version))));
}

async function answerTo<T>(client: Client, sql: string): Promise<T> {
  // A database may have settings of its own that its clones lack, and names would be written otherwise; a plan is used once.
  const settings = "set local search_path = public; set local datestyle = iso; set local jit = off";
  const sent = `savepoint reading; ${settings}; ${sql}; rollback to savepoint reading`;
  const results = (await client.query(sent)) as unknown as readonly QueryResult<{ answer: T }>[];
  return results.flatMap(({ rows }) => rows)[0]?.answer as T;
}

/** Reads no more than rows are compared by. */
export async function readTables(client: Client): Promise<readonly TableOutline[]> {
  const { rows } = await client.query<{ tables: readonly TableOutline[] }>(outlineSql);
  return rows[0]?.tables ?? [];
}

/** Sequences alone know where they stand, so each is asked, all in one question. */
export async function readPositions(client: Client): Promise<readonly Position[]> {
  const { rows } = await client.query<Row>(positionedSql);
  if (rows.length === 0) return [];
  const questions = rows.map(
    ({ name, schema, relation, table, increment }, i) => `select ${i} as place, ${literal(String(name))} as name,
      ${table === null ? "null" : literal(String(table))} as "table",
      last_value + case when is_called then ${increment} else 0 end::numeric as next from ${quoted(String(schema))}.${quoted(String(relation))}`,
  );
  const told = await client.query<Row>(`${questions.join(" union all ")} order by place`);
  return told.rows.map(({ name, table, next }) => ({
    name: String(name),
    ...(table !== null && { table: String(table) }),
    position: `next is ${next}`,
  }));
}

const list = (row: string, rest: string, order: string) =>
  `(select coalesce(json_agg(${row} order by ${order}), '[]') ${rest})`;
const columnsOf = (relation: string, numbers: string) =>
  `(select json_agg(a.attname order by u.i) from unnest(${numbers}) with ordinality u(number, i)
    join pg_attribute a on a.attrelid = ${relation} and a.attnum = u.number)`;
const action = (column: string) =>
  `case ${column} when 'a' then 'no action' when 'r' then 'restrict' when 'c' then 'cascade' when 'n' then 'set null' else 'set default' end`;

const columns = list(
  `json_build_object('name', a.attname, 'id', a.attnum::text, 'type', format_type(a.atttypid, a.atttypmod), 'nullable', not a.attnotnull,
    'default', case when a.attidentity <> '' then 'identity ' || a.attidentity::text
      when a.attgenerated <> '' then 'generated ' || pg_get_expr(e.adbin, e.adrelid) else pg_get_expr(e.adbin, e.adrelid) end)`,
  `from pg_attribute a left join pg_attrdef e on e.adrelid = a.attrelid and e.adnum = a.attnum
   where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped`,
  "a.attnum",
);
const keys = list(
  `json_build_object('name', k.conname, 'columns', ${columnsOf("k.conrelid", "k.conkey")}, 'primary', k.contype = 'p')`,
  "from pg_constraint k where k.conrelid = c.oid and k.contype in ('p', 'u')",
  "k.conname",
);
const foreignKeys = list(
  `json_build_object('name', k.conname, 'columns', ${columnsOf("k.conrelid", "k.conkey")}, 'to', ${nameOf("tn.nspname", "t.relname")},
    'toColumns', ${columnsOf("k.confrelid", "k.confkey")}, 'onUpdate', ${action("k.confupdtype")}, 'onDelete', ${action("k.confdeltype")},
    'validated', k.convalidated)`,
  `from pg_constraint k join pg_class t on t.oid = k.confrelid join pg_namespace tn on tn.oid = t.relnamespace
   where k.conrelid = c.oid and k.contype = 'f' and k.conparentid = 0`,
  "k.conname",
);
const indexes = list(
  "json_build_object('name', i.relname, 'definition', pg_get_indexdef(i.oid))",
  `from pg_index x join pg_class i on i.oid = x.indexrelid
   where x.indrelid = c.oid and not exists (select from pg_constraint k where k.conrelid = c.oid and k.conindid = i.oid and k.contype in ('p', 'u', 'x'))`,
  "i.relname",
);
const checks = list(
  "json_build_object('name', k.conname, 'definition', pg_get_constraintdef(k.oid))",
  "from pg_constraint k where k.conrelid = c.oid and k.contype in ('c', 'x')",
  "k.conname",
);
const triggers = list(
  "json_build_object('name', t.tgname, 'definition', pg_get_triggerdef(t.oid))",
  "from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal",
  "t.tgname",
);

const primaryKey = `coalesce((select ${columnsOf("k.conrelid", "k.conkey")} from pg_constraint k
  where k.conrelid = c.oid and k.contype = 'p'), '[]')`;
const outline = `'name', ${nameOf("n.nspname", "c.relname")}, 'schema', n.nspname, 'id', c.oid::text, 'columns', ${columns},
  'primaryKey', ${primaryKey}, 'foreignKeys', ${foreignKeys}`;
const everyTable = `from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and not c.relispartition and ${products} and ${ours} and ${ofNoExtension("pg_class", "c.oid")}`;
const inOrder = "n.nspname <> 'public', n.nspname, c.relname";
const outlineSql = `select ${list(`json_build_object(${outline})`, everyTable, inOrder)} as tables`;

const tables = list(
  `json_build_object(${outline}, 'keys', ${keys}, 'indexes', ${indexes}, 'checks', ${checks}, 'triggers', ${triggers})`,
  everyTable,
  inOrder,
);
const enums = list(
  `json_build_object('name', ${nameOf("n.nspname", "t.typname")}, 'labels',
    (select json_agg(l.enumlabel order by l.enumsortorder) from pg_enum l where l.enumtypid = t.oid))`,
  `from pg_type t join pg_namespace n on n.oid = t.typnamespace where t.typtype = 'e' and ${products} and ${ofNoExtension("pg_type", "t.oid")}`,
  "n.nspname, t.typname",
);
const sequences = list(
  `json_build_object('name', ${nameOf("n.nspname", "c.relname")}, 'definition', format('as %s start %s increment %s min %s max %s cache %s%s',
    format_type(s.seqtypid, null), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, case when s.seqcycle then ' cycle' else '' end))`,
  `from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace
   where ${products} and ${ofNoExtension("pg_class", "c.oid")}`,
  "n.nspname, c.relname",
);
const views = list(
  `json_build_object('name', ${nameOf("n.nspname", "c.relname")}, 'definition',
    case c.relkind when 'm' then 'materialized ' else '' end || pg_get_viewdef(c.oid))`,
  `from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('v', 'm') and ${products} and ${ofNoExtension("pg_class", "c.oid")}`,
  "n.nspname, c.relname",
);
const functions = list(
  `json_build_object('name', ${nameOf("n.nspname", "p.proname")} || '(' || pg_get_function_identity_arguments(p.oid) || ')',
    'definition', pg_get_functiondef(p.oid))`,
  `from pg_proc p join pg_namespace n on n.oid = p.pronamespace
   where p.prokind in ('f', 'p', 'w') and ${products} and ${ofNobodyElse("pg_proc", "p.oid")}`,
  "n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)",
);

const catalogueSql = `select json_build_object('tables', ${tables}, 'enums', ${enums}, 'sequences', ${sequences},
  'views', ${views}, 'functions', ${functions}) as answer`;

const positionedSql = `select ${nameOf("n.nspname", "c.relname")} as name, n.nspname as schema, c.relname as relation, s.seqincrement as increment,
    (select ${nameOf("tn.nspname", "t.relname")} from pg_depend d join pg_class t on t.oid = d.refobjid
      join pg_namespace tn on tn.oid = t.relnamespace
      where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')) as "table"
  from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace
  where ${products} and ${ofNoExtension("pg_class", "c.oid")} order by n.nspname, c.relname`;
