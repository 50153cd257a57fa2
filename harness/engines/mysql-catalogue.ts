import type { Catalogue, Definition, Part, Position, Row, Table, TableOutline } from "../snapshot.ts";
import { grantsOf, grantsSql } from "./mysql-grants.ts";
import { answersTo, byName, grouped, type Source, unqualified } from "./mysql-outline.ts";
import { bodyOf, routinesOf } from "./mysql-routines.ts";
import { partsOf } from "./mysql-table-parts.ts";
import { literal, quoted } from "./mysql-text.ts";

/** Tables, and each as the server would create it. */
export interface Shown {
  readonly outlines: readonly TableOutline[];
  readonly shown: readonly string[];
}

/** Reads what the outlines leave out: a few queries for the whole database. */
export async function readCatalogue(source: Source, { outlines, shown }: Shown): Promise<Catalogue> {
  const { session, address, dialect } = source;
  const answers = await answersTo(session, [
    schemaSql,
    dialect.checks,
    triggersSql,
    viewsSql,
    sequencesSql,
    routinesSql,
    parametersSql,
    eventsSql,
  ]);
  const [[schema] = [], checks = [], triggers = [], views = [], counted = [], ...code] = answers;
  const [checksOf, triggersOf] = [grouped(checks), grouped(triggers)];
  const own = (definition: Definition) => ({
    ...definition,
    definition: unqualified(definition.definition, address.database),
  });
  const tables = outlines.map((outline, i): Table => {
    const { keys, indexes, options } = partsOf(outline.name, shown[i] ?? "");
    return {
      ...outline,
      keys,
      indexes,
      checks: named(checksOf.get(outline.name) ?? []).map(own),
      triggers: named((triggersOf.get(outline.name) ?? []).map(triggerOf)),
      options,
    };
  });
  return {
    tables,
    enums: [],
    sequences: await sequencesOf(source, counted),
    views: named(views.map(viewOf)).map(own),
    functions: routinesOf(code).sort(byName),
    options: `character set ${schema?.charset} collate ${schema?.collation}`,
  };
}

/** Reads what the catalogue leaves out: what is said about tables and keys, and what is allowed. */
export async function readParts({ session }: Source, { outlines, shown }: Shown): Promise<readonly Part[]> {
  const [grants = []] = await answersTo(session, [grantsSql]);
  return [...outlines.flatMap(({ name }, i) => partsOf(name, shown[i] ?? "").parts), ...grantsOf(grants)];
}

/** Where tables and sequences stand; of a sequence, the server tells what lies behind all that it holds ready. */
export async function readPositions(source: Source, outlines: readonly TableOutline[]): Promise<readonly Position[]> {
  const counting = outlines.filter(({ columns }) =>
    columns.some(({ default: value }) => value?.includes("auto_increment")),
  );
  const [created, [counted = []]] = await Promise.all([
    createdAs(source, counting),
    answersTo(source.session, [sequencesSql]),
  ]);
  const names = namesIn(counted);
  const stands = await answersTo(
    source.session,
    names.map((name) => `select next_not_cached_value as next from ${quoted(name)}`),
  );
  const tables = counting.map(({ name }, i): Position => {
    const { counter = "1" } = partsOf(name, created[i] ?? "");
    return { name, table: name, position: `next is ${counter}` };
  });
  return [...tables, ...names.map((name, i) => ({ name, position: `next is ${stands[i]?.[0]?.next}` }))];
}

/** What SHOW CREATE TABLE says of each. */
export async function createdAs({ session }: Source, tables: readonly TableOutline[]): Promise<readonly string[]> {
  const answers = await answersTo(
    session,
    tables.map(({ name }) => `show create table ${quoted(name)}`),
  );
  return answers.map(([answer]) => String(answer?.["Create Table"]));
}

const schemaSql = `select default_character_set_name as charset, default_collation_name as 'collation'
  from information_schema.schemata where schema_name = database()`;
// By the table's schema, which is the trigger's: by the trigger's, MariaDB opens the tables of every database.
const triggersSql = `select event_object_table as 'table', trigger_name as 'name', action_timing as 'timing',
    event_manipulation as 'event', action_order as 'position', action_statement as 'statement', sql_mode as 'mode'
  from information_schema.triggers where event_object_schema = database()`;
const viewsSql = `select table_name as 'name', view_definition as 'text', check_option as 'checked', security_type as 'security'
  from information_schema.views where table_schema = database()`;
const sequencesSql = `select table_name as 'name' from information_schema.tables
  where table_schema = database() and table_type = 'SEQUENCE'`;
const routinesSql = `select routine_name as 'name', specific_name as 'specific', routine_type as 'type', dtd_identifier as 'returns',
    is_deterministic as 'deterministic', sql_data_access as 'access', security_type as 'security', routine_comment as 'comment',
    sql_mode as 'mode', routine_definition as 'body'
  from information_schema.routines where routine_schema = database()`;
const parametersSql = `select specific_name as 'routine', routine_type as 'type', parameter_mode as 'mode', parameter_name as 'name',
    dtd_identifier as 'dtd'
  from information_schema.parameters where specific_schema = database() and ordinal_position > 0 order by ordinal_position`;
const eventsSql = `select event_name as 'name', event_type as 'type', interval_value as 'amount', interval_field as 'unit',
    if(starts = created, null, date_format(starts, '%Y-%m-%d %H:%i:%s')) as 'starts',
    date_format(ends, '%Y-%m-%d %H:%i:%s') as 'ends', status as 'status', on_completion as 'completion', event_comment as 'comment',
    time_zone as 'zone', sql_mode as 'mode', event_definition as 'body'
  from information_schema.events where event_schema = database()`;

function triggerOf({ name, timing, event, position, statement, mode }: Row): Definition {
  const order = Number(position) > 1 ? ` as number ${position}` : "";
  const when = `${timing} ${event}`.toLowerCase();
  return {
    name: String(name),
    definition: `${when}${order} for each row ${bodyOf(statement)}\nsql_mode ${literal(String(mode))}`,
  };
}

function viewOf({ name, text, checked, security }: Row): Definition {
  const invoker = security === "INVOKER" ? " sql security invoker" : "";
  const check = checked === "NONE" ? "" : ` with ${String(checked).toLowerCase()} check option`;
  return { name: String(name), definition: `${text}${check}${invoker}` };
}

/** Where a sequence stands is data; how it goes on is told by itself alone. */
async function sequencesOf({ session }: Source, sequences: readonly Row[]): Promise<readonly Definition[]> {
  const names = namesIn(sequences);
  const answers = await answersTo(
    session,
    names.map((name) => `select * from ${quoted(name)}`),
  );
  return names.map((name, i) => {
    const told: Row = answers[i]?.[0] ?? {};
    const cycle = Number(told.cycle_option) === 1 ? " cycle" : "";
    const definition = `start ${told.start_value} increment ${told.increment} min ${told.minimum_value} max ${told.maximum_value} cache ${told.cache_size}${cycle}`;
    return { name, definition };
  });
}

function namesIn(sequences: readonly Row[]): readonly string[] {
  return [...sequences].sort(byName).map(({ name }) => String(name));
}

function named(rows: readonly (Row | Definition)[]): readonly Definition[] {
  const all = rows.map(({ name, definition }) => ({ name: String(name), definition: String(definition) }));
  return all.sort(byName);
}
