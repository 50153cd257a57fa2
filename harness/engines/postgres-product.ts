// What of a database is the product's own, and what its things are called.

export const ours = "not (n.nspname = 'public' and c.relname = '_migration_sandbox')";

export const products = "n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_t%'";

export const ofNoExtension = (catalogue: string, oid: string) =>
  `not exists (select from pg_depend d where d.classid = '${catalogue}'::regclass and d.objid = ${oid} and d.deptype = 'e')`;

/** The same, and of no type: a range brings functions and casts with it. */
export const ofNobodyElse = (catalogue: string, oid: string) =>
  `not exists (select from pg_depend d where d.classid = '${catalogue}'::regclass and d.objid = ${oid} and d.deptype in ('e', 'i'))`;

export const nameOf = (schema: string, name: string) =>
  `case ${schema} when 'public' then ${name}::text else ${schema} || '.' || ${name} end`;
