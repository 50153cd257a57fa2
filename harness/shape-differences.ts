import { codeOf, type Difference, differenceCodes, wordOf } from "./differing.ts";
import type { Thing } from "./snapshot.ts";
import { keyOf, quoted, type Told } from "./things.ts";

type Things = ReadonlyMap<string, Told>;

/** A thing on one side or on both. */
interface Pair {
  readonly one: Told | undefined;
  readonly other: Told | undefined;
}

/** How the things of one database differ from those of another, each by its cause: what goes with a thing is not told beside it. */
export function inShape(one: Things, other: Things): readonly Difference[] {
  const keys = [...new Set([...one.keys(), ...other.keys()])];
  const pairs = keys.map((key): Pair => ({ one: one.get(key), other: other.get(key) }));
  const columns = pairs.filter((pair) => isAlone(pair) && thingOf(pair).kind === "column");
  const causes = pairs.filter((pair) => differs(pair, columns) && !isConsequence(pair, { one, other, columns }));
  const codes: readonly string[] = differenceCodes;
  const rank = ({ code }: Difference) => codes.indexOf(code);
  return causes.map((pair) => told(pair, { one, other })).sort((a, b) => rank(a) - rank(b));
}

const thingOf = ({ one, other }: Pair): Told => (one ?? other) as Told;
const isAlone = ({ one, other }: Pair) => one === undefined || other === undefined;

function differs(pair: Pair, columns: readonly Pair[]): boolean {
  const { one, other } = pair;
  if (one === undefined || other === undefined) return true;
  if (one.kind !== "order") return one.text !== other.text;
  const alone = columns.map(thingOf).flatMap(({ table, name }) => (table === one.table ? [name] : []));
  const common = ({ text }: Told) => text.split("\n").filter((name) => !alone.includes(name));
  return common(one).join("\n") !== common(other).join("\n");
}

interface Sides {
  readonly one: Things;
  readonly other: Things;
}

/** Whether a thing that one side lacks is lacking there because something else is. */
function isConsequence(pair: Pair, { one, other, columns }: Sides & { readonly columns: readonly Pair[] }): boolean {
  if (!isAlone(pair)) return false;
  const thing = thingOf(pair);
  const [here, there] = pair.one === undefined ? [other, one] : [one, other];
  const isLacking = (owner: Thing) => here.has(keyOf(owner)) && !there.has(keyOf(owner));
  if (thing.of.some(isLacking)) return true;
  // What numbered a column goes when the column numbers itself otherwise.
  const isAnother = (owner: Thing) => here.get(keyOf(owner))?.text !== there.get(keyOf(owner))?.text;
  if (thing.kind === "sequence" && thing.of.some((owner) => owner.kind === "column" && isAnother(owner))) return true;
  if (!madeOfColumns.includes(thing.kind)) return false;
  const gone = columns.filter((column) => (column.one === undefined) === (pair.one === undefined)).map(thingOf);
  return gone.some(({ table, name }) => table === thing.table && mentions(thing.text, name));
}

const madeOfColumns: readonly string[] = ["key", "index", "check", "foreign-key", "statistics"];

function mentions(text: string, name: string): boolean {
  const escaped = name.replace(/[^\p{L}\p{N}_]/gu, "\\$&");
  return new RegExp(`(?<![\\p{L}\\p{N}_])${escaped}(?![\\p{L}\\p{N}_])`, "u").test(text);
}

function told(pair: Pair, sides: Sides): Difference {
  const thing = thingOf(pair);
  const { kind, name, column } = thing;
  const table = kind === "table" ? name : thing.table;
  const within = thing.table ? `${quoted(thing.table)}: ` : "";
  const textOf = (side: keyof Pair) =>
    pair[side] === undefined ? null : written(pair[side], isAlone(pair), sides[side]);
  return {
    code: codeOf(kind),
    ...(table && { table }),
    ...(column !== undefined && { column }),
    message: `${within}${sentence(pair)}`,
    sides: { one: textOf("one"), other: textOf("other") },
  };
}

function sentence(pair: Pair): string {
  const { kind, name, table, of } = thingOf(pair);
  if (kind === "options") return "the database has other options";
  if (kind === "order") return "its columns stand in another order";
  if (kind === "position")
    return name === table ? "it counts on from elsewhere" : `sequence ${quoted(name)} goes on from elsewhere`;
  if (kind === "table" && !isAlone(pair)) return `${quoted(name)}: its options are others`;
  const became = pair.one === undefined ? "is new" : pair.other === undefined ? "is gone" : "is another";
  const isNote = (kind === "comment" || kind === "grant") && of.length > 0;
  return `${isNote ? `${wordOf(kind)} on ${name}` : called(kind, name)} ${became}`;
}

/** Where routines of several kinds share a list, their names begin with their kind. */
function called(kind: Told["kind"], name: string): string {
  const [, word, own] = /^(function|procedure|event|package|package body) (.+)$/s.exec(name) ?? [];
  return kind === "function" && own !== undefined ? `${word} ${quoted(own)}` : `${wordOf(kind)} ${quoted(name)}`;
}

/** How a thing is written; where the other side lacks it, with what it holds. */
function written(thing: Told, alone: boolean, things: Things): string {
  if (!alone || (thing.kind !== "table" && thing.kind !== "schema")) return thing.text;
  const key = keyOf(thing);
  const held = [...things.values()].filter(
    ({ kind, of }) => holds(thing.kind, kind) && of.some((owner) => keyOf(owner) === key),
  );
  const lines = held.map(({ kind, name, text }) => (kind === "column" ? `${name} ${text}` : `${wordOf(kind)} ${name}`));
  return [...lines, ...(thing.kind === "table" ? [thing.text] : [])].filter((line) => line !== "").join("\n");
}

function holds(owner: Told["kind"], kind: Told["kind"]): boolean {
  return owner === "table" ? kind === "column" : kind !== "comment" && kind !== "grant";
}
