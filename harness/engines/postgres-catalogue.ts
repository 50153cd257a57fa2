import type { Client } from "pg";
import type { Catalogue, TableOutline } from "../snapshot.ts";

/** Reads the catalogue in one round trip; PostgreSQL's own functions say how each thing is written. */
export async function readCatalogue(client: Client): Promise<Catalogue> {
  const { rows } = await client.query<{ catalogue: Catalogue }>(catalogueSql);
  return rows[0]?.catalogue as Catalogue;
}

/** Reads no more than rows are compared by. */
export async function readTables(client: Client): Promise<readonly TableOutline[]> {
  const { rows } = await client.query<{ tables: readonly TableOutline[] }>(outlineSql);
  return rows[0]?.tables ?? [];
}

const ours = "not (n.nspname = 'public' and c.relname = '_migration_sandbox')";
const products = "n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_t%'";
const ofNoExtension = (catalogue: string, oid: string) =>
  `not exists (select from pg_depend d where d.classid = '${catalogue}'::regclass and d.objid = ${oid} and d.deptype = 'e')`;
const nameOf = (schema: string, name: string) =>
  `case ${schema} when 'public' then ${name}::text else ${schema} || '.' || ${name} end`;
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
   where x.indrelid = c.oid and not exists (select from pg_constraint k where k.conindid = i.oid and k.contype in ('p', 'u', 'x'))`,
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
   where p.prokind in ('f', 'p', 'w') and ${products} and ${ofNoExtension("pg_proc", "p.oid")}`,
  "n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)",
);

const catalogueSql = `select json_build_object('tables', ${tables}, 'enums', ${enums}, 'sequences', ${sequences},
  'views', ${views}, 'functions', ${functions}) as catalogue`;
