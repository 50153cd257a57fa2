import { firstOwn, joined, type PartSql, sorted, when } from "./postgres-part.ts";
import { nameOf, ofNobodyElse, ofNoExtension } from "./postgres-product.ts";

const domain = joined(
  " ",
  "'domain ' || format_type(t.typbasetype, t.typtypmod)",
  when(
    "t.typcollation <> (select b.typcollation from pg_type b where b.oid = t.typbasetype)",
    "'collate ' || t.typcollation::regcollation",
  ),
  when("t.typnotnull", "'not null'"),
  "'default ' || t.typdefault",
  sorted(
    "select format('constraint %I %s', k.conname, pg_get_constraintdef(k.oid)) from pg_constraint k where k.contypid = t.oid and k.contype = 'c'",
    " ",
  ),
);
const composite = `'(' || (select string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
    case when a.attcollation <> ct.typcollation then 'collate ' || a.attcollation::regcollation end), ', ' order by a.attnum)
  from pg_attribute a join pg_type ct on ct.oid = a.atttypid where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped) || ')'`;
const range = `(select concat_ws(' ', 'range of', format_type(g.rngsubtype, null), 'by', o.opcname,
    case when g.rngcollation <> 0 then 'collate ' || g.rngcollation::regcollation end,
    case when g.rngsubdiff <> 0 then 'difference ' || g.rngsubdiff end, case when g.rngcanonical <> 0 then 'canonical ' || g.rngcanonical end)
  from pg_range g join pg_opclass o on o.oid = g.rngsubopc where g.rngtypid = t.oid)`;

/** What stands for itself: schemas, extensions, types, aggregates and what hardly anybody has. */
export const otherParts: readonly PartSql[] = [
  {
    kind: "'options'",
    name: "''",
    definition: "format('encoding %s collate %s ctype %s', pg_encoding_to_char(encoding), datcollate, datctype)",
    from: "from pg_database where datname = current_database()",
  },
  {
    kind: "'schema'",
    name: "n.nspname",
    definition: "'schema'",
    from: `from product n where n.nspname <> 'public' and ${ofNoExtension("pg_namespace", "n.oid")}`,
  },
  {
    kind: "'extension'",
    name: "e.extname",
    definition: "format('version %s in schema %s', e.extversion, n.nspname)",
    from: "from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname <> 'plpgsql'",
  },
  {
    kind: "'type'",
    name: nameOf("n.nspname", "t.typname"),
    definition: `case t.typtype when 'd' then ${domain} when 'c' then ${composite} when 'r' then ${range} else 'base' end`,
    any: `from pg_type t where oid >= ${firstOwn} and (typtype in ('d', 'r') or (typtype = 'b' and typcategory <> 'A')
      or exists (select from pg_class c where c.oid = typrelid and relkind = 'c'))`,
    from: `from pg_type t join product n on n.oid = t.typnamespace
      where ${ofNoExtension("pg_type", "t.oid")} and (t.typtype in ('d', 'r') or (t.typtype = 'b' and t.typcategory <> 'A')
        or (t.typtype = 'c' and exists (select from pg_class c where c.oid = t.typrelid and c.relkind = 'c')))`,
  },
  {
    kind: "'function'",
    name: `${nameOf("n.nspname", "p.proname")} || '(' || pg_get_function_identity_arguments(p.oid) || ')'`,
    definition:
      "concat_ws(' ', 'aggregate by', a.aggtransfn, 'of', format_type(a.aggtranstype, null), 'finally', a.aggfinalfn, 'from', a.agginitval, a.aggkind, a.aggcombinefn)",
    any: `from pg_aggregate where aggfnoid >= ${firstOwn}`,
    from: `from pg_aggregate a join pg_proc p on p.oid = a.aggfnoid join product n on n.oid = p.pronamespace where ${ofNoExtension("pg_proc", "p.oid")}`,
  },
  {
    kind: "'trigger'",
    name: "t.evtname",
    definition:
      "concat_ws(' ', 'on', t.evtevent, array_to_string(t.evttags, ', '), 'execute', t.evtfoid::regproc, t.evtenabled)",
    any: "from pg_event_trigger",
    from: `from pg_event_trigger t where ${ofNoExtension("pg_event_trigger", "t.oid")}`,
  },
  ...[
    ["pg_operator", "concat_ws(' ', 'by', o.oprcode, o.oprrest, o.oprjoin, o.oprcanmerge, o.oprcanhash)"],
    ["pg_cast", "concat_ws(' ', 'by', nullif(o.castfunc, 0)::regprocedure, o.castcontext, o.castmethod)"],
    ["pg_collation", "(to_jsonb(o) - '{oid,collname,collnamespace,collowner,collversion}'::text[])::text"],
    [
      "pg_ts_config",
      `coalesce(${sorted("select m.maptokentype || ' by ' || m.mapdict::regdictionary || ' ' || m.mapseqno from pg_ts_config_map m where m.mapcfg = o.oid", ", ")}, 'nothing')`,
    ],
    [
      "pg_ts_dict",
      "concat_ws(' ', 'template', (select p.tmplname from pg_ts_template p where p.oid = o.dicttemplate), o.dictinitoption)",
    ],
    ["pg_opclass", "concat_ws(' ', 'for', o.opcintype::regtype, o.opcdefault)"],
    ["pg_foreign_data_wrapper", "concat_ws(' ', 'options', array_to_string(o.fdwoptions, ', '))"],
    ["pg_foreign_server", "concat_ws(' ', 'options', array_to_string(o.srvoptions, ', '))"],
    [
      "pg_publication",
      `(to_jsonb(o) - '{oid,pubname,pubowner}'::text[])::text || coalesce(' ' || ${sorted("select r.prrelid::regclass::text from pg_publication_rel r where r.prpubid = o.oid", ", ")}, '')`,
    ],
  ].map(([catalogue = "", definition = ""]): PartSql => {
    const identity = `pg_identify_object('${catalogue}'::regclass, o.oid, 0)`;
    return {
      kind: "'object'",
      name: `(select i.type || ' ' || i.identity from ${identity} i)`,
      definition,
      // What a type or an extension brought with it is theirs.
      any: `from ${catalogue} where oid >= ${firstOwn}`,
      from: `from ${catalogue} o where o.oid >= ${firstOwn} and ${ofNobodyElse(catalogue, "o.oid")}`,
    };
  }),
];
