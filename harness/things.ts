import { type Kind, wordOf } from "./differing.ts";
import type { Catalogue, Column, Definition, Part, Position, Snapshot, Table, Thing } from "./snapshot.ts";

/** A thing of a database with all that is told of it, as it is compared with its like in another one. */
export interface Told extends Thing {
  readonly column?: string;
  readonly text: string;
  /** What it would not be there without. */
  readonly of: readonly Thing[];
}

/** Every thing of a database by what it is known by. What is told of one at several places is put together. */
export async function thingsIn(snapshot: Snapshot, positions = false): Promise<ReadonlyMap<string, Told>> {
  const [catalogue, parts] = await Promise.all([snapshot.catalogue(), snapshot.parts()]);
  const stands = positions ? await snapshot.positions() : [];
  const things = new Map<string, Told>();
  const told = [...listed(catalogue), ...parts.map(partTold), ...stands.map(positionTold)];
  const schemas = parts.filter(({ kind }) => kind === "schema");
  for (const alone of told) {
    const thing = inSchema(alone, schemas);
    const key = keyOf(thing);
    const known = things.get(key);
    const text = [known?.text ?? "", thing.text].filter((part) => part !== "").join("\n");
    things.set(key, known === undefined ? thing : { ...known, text, of: [...known.of, ...thing.of] });
  }
  return things;
}

/** What a thing is known by, on whichever side it is. */
export function keyOf({ kind, name, table }: Thing): string {
  return JSON.stringify([kind, table ?? "", name]);
}

function* listed(catalogue: Catalogue): Generator<Told> {
  if (catalogue.options !== undefined) yield { kind: "options", name: "", text: catalogue.options, of: [] };
  const apart = ["enum", "sequence", "view", "function"] as const;
  const { tables, enums, sequences, views, functions } = catalogue;
  for (const table of tables) yield* ofTable(table);
  const labelled = enums.map(({ name, labels }) => ({ name, definition: labels.map(quoted).join(", ") }));
  const lists = { enum: labelled, sequence: sequences, view: views, function: functions };
  for (const kind of apart)
    for (const { name, definition } of lists[kind]) yield { kind, name, text: definition, of: [] };
}

/** Things outside the schema that names without one mean are not there without theirs. */
function inSchema(thing: Told, schemas: readonly Thing[]): Told {
  if (thing.kind === "schema" || thing.table) return thing;
  const schema = schemas.find(({ name }) => thing.name.startsWith(`${name}.`));
  return schema === undefined ? thing : { ...thing, of: [...thing.of, { kind: "schema", name: schema.name }] };
}

function* ofTable(table: Table): Generator<Told> {
  const { name, options = "", columns, keys, indexes, checks, foreignKeys, triggers } = table;
  const of = [{ kind: "table", name }] as const;
  const part = (kind: Kind, name: string, text: string): Told => ({ kind, name, table: table.name, text, of });
  yield { kind: "table", name, table: null, text: options, of: [] };
  const order = columns.map((column) => column.name).join("\n");
  yield part("order", "", order);
  for (const column of columns) {
    yield { ...part("column", column.name, columnText(column)), column: column.name };
    if (column.comment === undefined) continue;
    const on = { kind: "column", name: column.name, table: name } as const;
    yield partTold({
      kind: "comment",
      name: "",
      table: name,
      column: column.name,
      definition: column.comment,
      of: [on, ...of],
    });
  }
  for (const { name, columns, primary } of keys)
    yield part("key", name, `${primary ? "primary key" : "unique"} (${columns.map(quoted).join(", ")})`);
  const texts = (kind: Kind, things: readonly Definition[]) =>
    things.map(({ name, definition }) => part(kind, name, definition));
  yield* [...texts("index", indexes), ...texts("check", checks), ...texts("trigger", triggers)];
  for (const key of foreignKeys) {
    const { columns, to, toColumns, onUpdate, onDelete, validated } = key;
    const text = `(${columns.map(quoted).join(", ")}) references ${quoted(to)} (${toColumns.map(quoted).join(", ")})
on update ${onUpdate} on delete ${onDelete}${validated ? "" : "\nnot validated"}`;
    yield { ...part("foreign-key", key.name, text), of: [...of, { kind: "table", name: to }] };
  }
}

function columnText({ type, nullable, default: value }: Column): string {
  return `${type}${nullable ? "" : " not null"}${value === null ? "" : ` default ${value}`}`;
}

function partTold({ kind, name, table, column, definition, of }: Part): Told {
  const owners = of ?? [];
  // What is said about a thing is known by that thing.
  const named = name === "" && owners[0] !== undefined ? onThing(owners[0]) : name;
  return { kind, name: named, table: table ?? null, ...(column && { column }), text: definition, of: owners };
}

/** Where a sequence stands is told of the sequence; where a table counts by itself, of the table. */
function positionTold({ name, table, position }: Position): Told {
  const counts = name === table;
  const on = { kind: counts ? "table" : "sequence", name } as const;
  const owner = table === undefined ? [] : [{ kind: "table", name: table } as const];
  return { kind: "position", name, table: table ?? null, text: position, of: [on, ...owner] };
}

function onThing({ kind, name }: Thing): string {
  return `${wordOf(kind)} ${quoted(name)}`;
}

/** A name as messages quote it. */
export function quoted(name: string): string {
  return `"${name}"`;
}
