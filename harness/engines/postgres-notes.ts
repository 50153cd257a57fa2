import { firstOwn, type PartSql, sorted, thing } from "./postgres-part.ts";
import { nameOf, ofNoExtension } from "./postgres-product.ts";
import { kindOfConstraint } from "./postgres-relation-parts.ts";

/** Things about which something may be said, or with which something may be allowed. */
interface Noted {
  readonly class: string;
  readonly oid: string;
  /** The number of a column, where it is one. */
  readonly number?: string;
  readonly table?: string;
  readonly column?: string;
  readonly of: readonly string[];
  readonly from: string;
}

const functionName = `${nameOf("n.nspname", "p.proname")} || '(' || pg_get_function_identity_arguments(p.oid) || ')'`;
const kindOfType = "case t.typtype when 'e' then 'enum' else 'type' end";
const onRelation = { class: "pg_class", oid: "r.oid", table: `r."table"`, of: ["r.thing"], from: "relation r" };
const onColumn = {
  ...onRelation,
  number: "a.attnum",
  column: "a.attname",
  of: [thing("'column'", "a.attname", "r.name"), "r.thing"],
  from: "relation r join pg_attribute a on a.attrelid = r.oid",
};
const onFunction = {
  class: "pg_proc",
  oid: "p.oid",
  of: [thing("'function'", functionName)],
  from: "pg_proc p join product n on n.oid = p.pronamespace",
};
const onType = {
  class: "pg_type",
  oid: "t.oid",
  of: [thing(kindOfType, nameOf("n.nspname", "t.typname"))],
  from: "pg_type t join product n on n.oid = t.typnamespace",
};
const onSchema = { class: "pg_namespace", oid: "n.oid", of: [thing("'schema'", "n.nspname")], from: "product n" };

/** A part of a table that has a catalogue of its own. */
const onPart = (kind: string, catalogue: string, name: string, relation: string): Noted => ({
  class: catalogue,
  oid: "o.oid",
  table: `r."table"`,
  of: [thing(kind, `o.${name}`, "r.name"), "r.thing"],
  from: `${catalogue} o join relation r on r.oid = o.${relation}`,
});

const commented: readonly Noted[] = [
  onRelation,
  onColumn,
  onFunction,
  onType,
  onSchema,
  {
    class: "pg_class",
    oid: "o.oid",
    table: `r."table"`,
    of: [thing("'index'", "o.relname", "r.name"), "r.thing"],
    from: "pg_class o join pg_index x on x.indexrelid = o.oid join relation r on r.oid = x.indrelid",
  },
  {
    class: "pg_constraint",
    oid: "k.oid",
    table: `r."table"`,
    of: [thing(kindOfConstraint, "k.conname", "r.name"), "r.thing"],
    from: "pg_constraint k join relation r on r.oid = k.conrelid",
  },
  {
    class: "pg_constraint",
    oid: "k.oid",
    of: [thing("'check'", "k.conname"), thing("'type'", nameOf("n.nspname", "t.typname"))],
    from: "pg_constraint k join pg_type t on t.oid = k.contypid join product n on n.oid = t.typnamespace",
  },
  onPart("'trigger'", "pg_trigger", "tgname", "tgrelid"),
  onPart("'policy'", "pg_policy", "polname", "polrelid"),
  onPart("'rule'", "pg_rewrite", "rulename", "ev_class"),
  onPart("'statistics'", "pg_statistic_ext", "stxname", "stxrelid"),
  { class: "pg_extension", oid: "o.oid", of: [thing("'extension'", "o.extname")], from: "pg_extension o" },
  { class: "pg_event_trigger", oid: "o.oid", of: [thing("'trigger'", "o.evtname")], from: "pg_event_trigger o" },
  ...[
    "pg_operator",
    "pg_cast",
    "pg_collation",
    "pg_ts_config",
    "pg_ts_dict",
    "pg_publication",
    "pg_foreign_server",
  ].map(
    (catalogue): Noted => ({
      class: catalogue,
      oid: "o.oid",
      of: [
        thing(
          "'object'",
          `(select i.type || ' ' || i.identity from pg_identify_object('${catalogue}'::regclass, o.oid, 0) i)`,
        ),
      ],
      from: `${catalogue} o`,
    }),
  ),
];

const comments = commented.map(
  ({ class: catalogue, oid, number = "0", from, ...known }): PartSql => ({
    ...known,
    kind: "'comment'",
    name: "''",
    definition: "said.description",
    any: `from pg_description where objoid >= ${firstOwn} and classoid = '${catalogue}'::regclass and objsubid ${number === "0" ? "=" : ">"} 0`,
    // What comes with an extension is said by the extension.
    from: `from ${from} join pg_description said on said.objoid = ${oid} and said.objsubid = ${number}
        and said.classoid = '${catalogue}'::regclass and said.objoid >= ${firstOwn}
      where said.classoid = 'pg_extension'::regclass or ${ofNoExtension(catalogue, "said.objoid")}`,
  }),
);

/** Who made it may do with it what he likes, whatever he is called. */
const allowed = (acl: string, owner: string) =>
  sorted(
    `select case g.grantee when 0 then 'public' when ${owner} then 'owner' else quote_ident(pg_get_userbyid(g.grantee)) end || ': ' ||
        string_agg(lower(g.privilege_type) || case when g.is_grantable then ' with grant option' else '' end, ', ' order by g.privilege_type)
      from aclexplode(${acl}) g group by g.grantee`,
    "\\n",
  ).replace("'\\n'", "E'\\n'");

/** What nobody has allowed is allowed by default, and may also be allowed in so many words. */
const grantsOf = (
  { class: catalogue, oid, from, ...known }: Noted,
  acl: string,
  owner: string,
  standard: string,
): PartSql => {
  const own = `coalesce(${allowed(`coalesce(${acl}, ${standard})`, owner)}, 'nobody')`;
  const usual = `coalesce(${allowed(standard, owner)}, 'nobody')`;
  const owned = `'owned by ' || quote_ident(pg_get_userbyid(${owner}))`;
  const foreign = `(${owner} <> (select datdba from pg_database where datname = current_database())
    and pg_get_userbyid(${owner}) not in (current_user, 'pg_database_owner'))`;
  return {
    ...known,
    kind: "'grant'",
    name: "''",
    any: anyGrant(catalogue, acl, owner),
    definition: `concat_ws(E'\\n', case when ${foreign} then ${owned} end,
      case when ${own} <> ${usual} then ${own} end)`,
    from: `from ${from} where (${acl} is not null or ${foreign}) and ${ofNoExtension(catalogue, oid)}`,
  };
};

/** Whether anything of a class is another's or has been allowed to anybody; of what the server itself brings, a schema may be. */
function anyGrant(catalogue: string, acl: string, owner: string): string {
  const [column, made] = [acl, owner].map((name) => name.slice(2));
  if (column === "attacl") return `from pg_attribute where attacl is not null and attrelid >= ${firstOwn}`;
  const since = catalogue === "pg_namespace" ? "" : ` and oid >= ${firstOwn}`;
  return `from ${catalogue} where (${column} is not null or pg_get_userbyid(${made}) <> current_user)${since}`;
}

const grants: readonly PartSql[] = [
  grantsOf(
    { ...onRelation, from: "(select * from relation where kind <> 'type') r" },
    "r.relacl",
    "r.relowner",
    `acldefault(case r.relkind when 'S' then 's' else 'r' end::"char", r.relowner)`,
  ),
  grantsOf(
    { ...onColumn, from: "relation r join pg_attribute a on a.attrelid = r.oid and a.attacl is not null" },
    "a.attacl",
    "r.relowner",
    "acldefault('c', r.relowner)",
  ),
  grantsOf(onFunction, "p.proacl", "p.proowner", "acldefault('f', p.proowner)"),
  grantsOf(
    {
      ...onType,
      from: "(select * from pg_type where typtype in ('d', 'e', 'r', 'b', 'c') and typcategory <> 'A') t join product n on n.oid = t.typnamespace and (t.typrelid = 0 or exists (select from relation r where r.oid = t.typrelid and r.kind = 'type'))",
    },
    "t.typacl",
    "t.typowner",
    "acldefault('T', t.typowner)",
  ),
  grantsOf(
    { ...onSchema, from: "(select n.* from pg_namespace n join product using (oid)) n" },
    "n.nspacl",
    "n.nspowner",
    "coalesce((select i.initprivs from pg_init_privs i where i.classoid = 'pg_namespace'::regclass and i.objoid = n.oid), acldefault('n', n.nspowner))",
  ),
  {
    kind: "'grant'",
    name: "concat_ws(' ', 'default on', case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types' else 'schemas' end, 'in ' || n.nspname)",
    definition: `concat_ws(E'\\n', case when d.defaclrole <> current_user::regrole then 'of ' || pg_get_userbyid(d.defaclrole) end, ${allowed("d.defaclacl", "d.defaclrole")})`,
    any: "from pg_default_acl",
    from: "from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace",
  },
];

/** What is said about things, and who may do what with them. */
export const notes: readonly PartSql[] = [...comments, ...grants];
