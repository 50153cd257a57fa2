import type { End, EndTable } from "./end.ts";
import type { Entry } from "./snapshot.ts";
import { keyOf } from "./things.ts";

/** Rows in which two ends differ that must agree. */
export interface RowsDiffer {
  readonly table: string;
  readonly message: string;
}

/**
 * Of paths with the same beginning all rows must be the same. Of others, those that the product put there: what it made of rows that
 * were sown may be more than a path without them has, never less; two paths on which other rows were sown tell nothing of each other.
 */
export function rowDifferences(one: End, other: End): readonly RowsDiffer[] {
  const alike = one.beginning === other.beginning;
  if (!alike && one.settings !== other.settings) return [];
  // Of rows that the product made of other sown ones, nobody can tell which it would have made anyway.
  if (!alike && !one.isUntouched && !other.isUntouched) return [];
  // What the product made of rows that were sown may be more than it has without them.
  const more = { one: !alike && !one.isUntouched, other: !alike && !other.isUntouched };
  const names = new Set([...one.tables, ...other.tables].map(({ name }) => name));
  return [...names].flatMap((name): readonly RowsDiffer[] => {
    const [was, is] = [tableIn(one, name), tableIn(other, name)];
    // A table that only one side has, or with other columns, is told already.
    if (was === undefined || is === undefined || was.print === is.print) return [];
    if (was.count > 0 && is.count > 0 && was.columns.join() !== is.columns.join()) return [];
    if (!alike && (was.sown || is.sown)) return [];
    const message = told(was, is, more);
    return message === undefined ? [] : [{ table: name, message }];
  });
}

/** A table without rows is not listed, and is there nevertheless. */
function tableIn({ tables, things }: End, name: string): EndTable | undefined {
  const isThere = things.has(keyOf({ kind: "table", name }));
  const none = { name, primaryKey: [], columns: [], print: "0", count: 0, sown: false, rows: [] };
  return tables.find((table) => table.name === name) ?? (isThere ? none : undefined);
}

/** Which of two ends may have rows that the other lacks. */
interface More {
  readonly one: boolean;
  readonly other: boolean;
}

function told(one: EndTable, other: EndTable, more: More): string | undefined {
  if (one.rows === undefined || other.rows === undefined) return inCounts(one, other, more);
  const { gone, added, changed } = compared(one.rows, other.rows);
  const parts = [
    ...(gone.length > 0 && !more.one ? [`${rowsIn(gone.length)} less (${shown(gone, one)})`] : []),
    ...(added.length > 0 && !more.other ? [`${rowsIn(added.length)} more (${shown(added, other)})`] : []),
    ...(changed.length > 0 ? [`${rowsIn(changed.length)} with other values (${shown(changed, one)})`] : []),
  ];
  return parts.length === 0 ? undefined : `"${one.name}": ${parts.join(", ")}`;
}

/** Of many rows only counts and whether they are the same are at hand. */
function inCounts(one: EndTable, other: EndTable, more: More): string | undefined {
  if (more.one || more.other) return undefined;
  const name = `"${one.name}"`;
  if (one.count === 1 && other.count === 1) return `${name}: its only row holds other values`;
  if (one.count === other.count) return `${name}: not all of its ${one.count} rows hold the same`;
  return `${name}: ${rowsIn(other.count)} instead of ${one.count}`;
}

function compared(rows: readonly Entry[], now: readonly Entry[]) {
  const left = new Map<string, Entry[]>();
  for (const row of now) left.set(JSON.stringify(row.key), [...(left.get(JSON.stringify(row.key)) ?? []), row]);
  const gone: Entry[] = [];
  const changed: Entry[] = [];
  for (const row of rows) {
    const match = left.get(JSON.stringify(row.key))?.shift();
    if (match === undefined) gone.push(row);
    else if (!isSame(row.values, match.values)) changed.push(row);
  }
  // Where keys are drawn, or told by the clock, rows are paired by all else that they hold.
  const added = [...left.values()].flat();
  const lost = gone.filter((row) => {
    const i = added.findIndex((other) => isSame(row.key, other.key) && isSame(row.values, other.values));
    if (i >= 0) added.splice(i, 1);
    return i < 0;
  });
  return { gone: lost, added, changed };
}

function isSame(one: readonly (string | null)[], other: readonly (string | null)[]): boolean {
  return one.every((value, i) => mayBeSame(value, other[i] ?? null));
}

/** A time, or a key that was drawn, comes out otherwise whenever a hop is walked. */
function mayBeSame(one: string | null, other: string | null): boolean {
  if (one === other) return true;
  if (one === null || other === null) return false;
  return (isRecent(one) && isRecent(other)) || (isDrawn(one) && isDrawn(other));
}

const day = 86_400_000;

function isRecent(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d([ T]\d\d:\d\d|$)/.test(text)) return false;
  const time = Date.parse(`${text.slice(0, 10)}T${text.slice(11, 19).padEnd(8, ":00").slice(0, 8) || "00:00:00"}Z`);
  return Math.abs(Date.now() - time) < 2 * day;
}

function isDrawn(text: string): boolean {
  return /^[\da-f]{8}-[\da-f]{4}-[1-8][\da-f]{3}-[\da-f]{4}-[\da-f]{12}$|^[\da-f]{32,}$/i.test(text);
}

function rowsIn(count: number): string {
  return count === 1 ? "1 row" : `${count} rows`;
}

function shown(rows: readonly Entry[], { primaryKey, columns }: EndTable): string {
  const names = primaryKey.length > 0 ? primaryKey : columns;
  const texts = rows.slice(0, 3).map(({ key }) => names.map((name, i) => `${name} ${key[i] ?? "NULL"}`).join(", "));
  return `${texts.join("; ")}${rows.length > 3 ? "; …" : ""}`.slice(0, 200);
}
