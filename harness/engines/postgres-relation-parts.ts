import { firstOwn, joined, type PartSql, settings, sorted, thing, when } from "./postgres-part.ts";
import { nameOf, ofNoExtension, ours, products } from "./postgres-product.ts";

// Each relation with what it is known by. A partition is a part of the table that it is attached to.
export const relations = `product as materialized (select n.oid, n.nspname from pg_namespace n where ${products}),
relation as materialized (
  select c.*, ${thing("c.kind", "c.name", "c.parent")} as thing,
    case when c.kind = 'partition' then c.parent when c.kind = 'table' then c.name end as "table",
    case when c.kind in ('table', 'partition', 'view') then c.name end as whole
  from (select c.*, n.nspname, ${nameOf("n.nspname", "c.relname")} as name,
      case when c.relispartition then 'partition' when c.relkind in ('v', 'm') then 'view' when c.relkind = 'S' then 'sequence'
        when c.relkind = 'c' then 'type' else 'table' end as kind,
      case when c.relispartition then (select ${nameOf("pn.nspname", "p.relname")} from pg_inherits i join pg_class p on p.oid = i.inhparent
        join pg_namespace pn on pn.oid = p.relnamespace where i.inhrelid = c.oid) end as parent
    from pg_class c join product n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f', 'c') and ${ours} and ${ofNoExtension("pg_class", "c.oid")}) c)`;

const parents = sorted(
  `select ${nameOf("n.nspname", "p.relname")} from pg_inherits i join pg_class p on p.oid = i.inhparent
    join pg_namespace n on n.oid = p.relnamespace where i.inhrelid = r.oid`,
  ", ",
);
const foreignColumns = `(select string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' order by a.attnum)
  from pg_attribute a where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped)`;
const facts = joined(
  "\\n",
  when("r.relpersistence = 'u'", "'unlogged'"),
  when("r.relispartition", "pg_get_expr(r.relpartbound, r.oid)"),
  when("r.relkind = 'p'", "'partition by ' || pg_get_partkeydef(r.oid)"),
  when("not r.relispartition", `'inherits ' || ${parents}`),
  when("r.reloftype <> 0", "'of ' || r.reloftype::regtype"),
  `'with ' || ${settings("r.reloptions")}`,
  `'with toast ' || ${settings("(select t.reloptions from pg_class t where t.oid = r.reltoastrelid)")}`,
  `'using ' || (select amname from pg_am where oid = r.relam and amname not in ('heap', 'btree'))`,
  `'tablespace ' || (select spcname from pg_tablespace where oid = r.reltablespace)`,
  when(
    "r.relkind in ('r', 'p') and r.relreplident <> 'd'",
    "'replica identity ' || case r.relreplident when 'f' then 'full' when 'n' then 'nothing' else 'index' end",
  ),
  when("r.relkind = 'm' and not r.relispopulated", "'with no data'"),
  `(select 'foreign table of ' || s.srvname || concat(' ', array_to_string(f.ftoptions, ', '), ' ', ${foreignColumns})
     from pg_foreign_table f join pg_foreign_server s on s.oid = f.ftserver where f.ftrelid = r.oid)`,
).replaceAll("'\\n'", "E'\\n'");

// Those of their TOAST tables stand in the same list.
const anyFacts = `from pg_class c where c.oid >= ${firstOwn} and (c.relpersistence = 'u' or c.relkind in ('p', 'f') or c.reloftype <> 0
  or c.reloptions is not null or c.reltablespace <> 0 or (c.relkind = 'r' and c.relreplident <> 'd') or (c.relkind = 'm' and not c.relispopulated)
  or (c.relkind in ('r', 'm') and c.relam <> (select oid from pg_am where amname = 'heap'))
  or exists (select from pg_inherits i where i.inhrelid = c.oid and c.relkind = 'r'))`;

const indexFacts = joined(
  " ",
  when("not x.indisvalid", "'invalid'"),
  when("x.indisclustered", "'clustered'"),
  when("x.indisreplident", "'replica identity'"),
);
export const kindOfConstraint =
  "case k.contype when 'f' then 'foreign-key' when 'p' then 'key' when 'u' then 'key' else 'check' end";
/** What belongs to tables, partitions, views and sequences, as far as the catalogue's own lists do not tell it. */
export const relationParts: readonly PartSql[] = [
  {
    kind: "r.kind",
    name: "r.name",
    definition: facts,
    from: "from relation r where r.kind not in ('type', 'partition')",
    any: anyFacts,
  },
  {
    kind: "r.kind",
    name: "r.name",
    table: "r.parent",
    definition: facts,
    of: [thing("'table'", "r.parent")],
    from: "from relation r where r.kind = 'partition'",
    any: "from pg_class where relispartition",
  },
  {
    kind: "'column'",
    name: "a.attname",
    table: "r.name",
    column: "a.attname",
    definition: joined(
      " ",
      when("a.attcollation <> t.typcollation", "'collate ' || a.attcollation::regcollation"),
      when("a.attstorage <> t.typstorage", "'storage ' || a.attstorage::text"),
      "'statistics ' || nullif(a.attstattarget, -1)",
      when("a.attgenerated = 'v'", "'virtual'"),
      `'with ' || ${settings("a.attoptions")}`,
    ),
    from: `from relation r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
      join pg_type t on t.oid = a.atttypid where r.relkind in ('r', 'p') and r.kind = 'table'`,
    any: `from pg_attribute where attrelid >= ${firstOwn} and attnum > 0 and not attisdropped
      and (attstattarget >= 0 or attgenerated = 'v' or attoptions is not null or (atttypid, attcollation, attstorage) not in (select oid, typcollation, typstorage from pg_type))
      and attrelid in (select oid from pg_class where relkind in ('r', 'p'))`,
  },
  {
    kind: "'column'",
    name: "a.attname",
    table: "r.name",
    column: "a.attname",
    definition: "'compression ' || nullif(a.attcompression::text, '')",
    from: "from relation r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 where r.relkind in ('r', 'p') and r.kind = 'table'",
    // Older servers do not know the column.
    since: 140_000,
    any: `from pg_attribute where attrelid >= ${firstOwn} and attcompression <> ''`,
  },
  {
    kind: "'index'",
    name: "i.relname",
    table: "r.whole",
    definition: joined(" ", when("r.kind <> 'table'", "pg_get_indexdef(i.oid)"), `nullif(${indexFacts}, '')`),
    of: ["r.thing"],
    from: `from pg_index x join relation r on r.oid = x.indrelid join pg_class i on i.oid = x.indexrelid
      where not exists (select from pg_inherits h where h.inhrelid = i.oid)
        and not exists (select from pg_constraint k where k.conindid = i.oid and k.contype in ('p', 'u', 'x'))`,
    any: `from pg_index where indexrelid >= ${firstOwn} and (not indisvalid or indisclustered or indisreplident
      or indrelid in (select oid from pg_class where relkind = 'm' or relispartition))`,
  },
  {
    kind: kindOfConstraint,
    name: "k.conname",
    table: "r.name",
    definition: "pg_get_constraintdef(k.oid)",
    of: ["r.thing"],
    // What the tables themselves do not tell.
    from: `from pg_constraint k join relation r on r.oid = k.conrelid left join pg_index x on x.indexrelid = k.conindid
      where k.conparentid = 0 and k.contype in ('p', 'u', 'f', 'c', 'x') and k.coninhcount = 0 and (r.kind <> 'table'
        or (k.contype = 'f' and (k.condeferrable or k.confmatchtype <> 's' or k.confdeltype in ('n', 'd') or not k.convalidated))
        or (k.contype in ('p', 'u') and (k.condeferrable or k.contype = 'u' or x.indnatts <> x.indnkeyatts)))`,
  },
  {
    kind: "'column'",
    name: "a.attname",
    table: "r.name",
    column: "a.attname",
    definition: "pg_get_constraintdef(k.oid)",
    from: `from pg_constraint k join relation r on r.oid = k.conrelid join pg_attribute a on a.attrelid = r.oid and a.attnum = k.conkey[1]
      where k.contype = 'n' and (not k.convalidated or k.connoinherit) and r.kind = 'table'`,
    any: "from pg_constraint where contype = 'n' and (not convalidated or connoinherit)",
  },
  {
    kind: "'trigger'",
    name: "t.tgname",
    table: "r.name",
    definition: joined(
      " ",
      when("r.kind <> 'table'", "pg_get_triggerdef(t.oid)"),
      "case t.tgenabled when 'D' then 'disabled' when 'R' then 'enabled replica' when 'A' then 'enabled always' end",
    ),
    of: ["r.thing"],
    any: "from pg_trigger where not tgisinternal",
    from: "from pg_trigger t join relation r on r.oid = t.tgrelid where not t.tgisinternal and t.tgparentid = 0",
  },
  {
    kind: "'policy'",
    name: "'row level security'",
    table: "r.name",
    definition:
      "case when r.relforcerowsecurity then 'forced, ' else '' end || case when r.relrowsecurity then 'enabled' else 'disabled' end",
    of: ["r.thing"],
    from: "from relation r where r.relrowsecurity or r.relforcerowsecurity",
    any: "from pg_class where relrowsecurity or relforcerowsecurity",
  },
  {
    kind: "'policy'",
    name: "p.polname",
    table: "r.name",
    definition: joined(
      " ",
      "case when p.polpermissive then 'permissive' else 'restrictive' end",
      "'for ' || case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end",
      `'to ' || ${sorted("select case u.role when 0 then 'public' else quote_ident(pg_get_userbyid(u.role)) end from unnest(p.polroles) u(role)", ", ")}`,
      "'using (' || pg_get_expr(p.polqual, p.polrelid) || ')'",
      "'with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'",
    ),
    of: ["r.thing"],
    from: "from pg_policy p join relation r on r.oid = p.polrelid",
    any: "from pg_policy",
  },
  {
    kind: "'rule'",
    name: "w.rulename",
    table: "r.name",
    definition:
      "pg_get_ruledef(w.oid) || case w.ev_enabled when 'D' then ' disabled' when 'R' then ' enabled replica' when 'A' then ' enabled always' else '' end",
    of: ["r.thing"],
    from: "from pg_rewrite w join relation r on r.oid = w.ev_class where w.rulename <> '_RETURN'",
    any: `from pg_rewrite where rulename <> '_RETURN' and oid >= ${firstOwn}`,
  },
  {
    kind: "'statistics'",
    name: nameOf("n.nspname", "s.stxname"),
    table: "r.name",
    definition: "concat_ws(' ', pg_get_statisticsobjdef(s.oid), 'statistics ' || nullif(s.stxstattarget, -1))",
    of: ["r.thing"],
    any: "from pg_statistic_ext",
    from: "from pg_statistic_ext s join relation r on r.oid = s.stxrelid join product n on n.oid = s.stxnamespace",
  },
  {
    kind: "'sequence'",
    name: "s.name",
    definition: "'owned by ' || quote_ident(r.name) || '.' || quote_ident(a.attname)",
    of: ["r.thing", thing("'column'", "a.attname", "r.name")],
    from: `from pg_depend d join relation s on s.oid = d.objid and s.relkind = 'S' join relation r on r.oid = d.refobjid
      join pg_attribute a on a.attrelid = r.oid and a.attnum = d.refobjsubid
      where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')`,
    any: "from pg_sequence",
  },
];
