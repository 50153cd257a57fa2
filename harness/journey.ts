import { differences } from "./difference.ts";
import { codeOf, type Difference } from "./differing.ts";
import { pairOf } from "./ledger.ts";
import { type Journey, type Losses, lossesIn, type Toll } from "./losses.ts";
import type { Snapshot, TableOutline } from "./snapshot.ts";
import type { Finding } from "./verdict.ts";

/** What was taken back, as findings tell it. */
export interface What {
  readonly release: string;
  /** Where it was one alone, or can be told. */
  readonly migration?: string;
  /** Its way back says nothing at all. */
  readonly empty: boolean;
  /** The release boots: what is there and was not before may be of that. */
  readonly boots: boolean;
}

/** What is to be said of a way there and back. */
export interface Said {
  readonly findings: readonly Finding[];
  readonly notes: readonly Finding[];
  /** Something that was there before cannot be brought back by anybody. */
  readonly isGone?: boolean;
}

/**
 * Judges a way there and back: the state after it must be the one before. What could not be brought back, because the way
 * there had removed it, is a note.
 *
 * @param found how the state after it differs from the one before
 */
export async function judgedJourney(journey: Journey, found: readonly Difference[], what: What): Promise<Said> {
  const { before, there, back } = journey;
  const counts = found.filter((difference) => !what.boots || !isNew(difference));
  if (counts.length === 0) return { findings: [], notes: [] };
  const said = await Promise.all(counts.map((difference) => judged(difference, journey, what)));
  const tables = await before.tables();
  const gone = counts.flatMap(({ code, sides, table }) =>
    code === codeOf("table") && sides?.other === null ? tables.filter(({ name }) => name === table) : [],
  );
  said.push(...(await Promise.all(gone.map((table) => judgedGone(table, journey, what)))));
  const [findings, notes] = [said.flatMap((one) => one.findings), said.flatMap((one) => one.notes)];
  const isIdle = findings.length + notes.length > 0 && (await differences(there, back)).length === 0;
  // Where nothing was done all follows from that; where rows were removed and nothing else, nothing could be done.
  const isGone = said.some((one) => one.isGone);
  if (!isIdle || counts.every(isRemoval)) return { findings, notes, isGone };
  return { findings: [idle(counts, what)], notes: [], isGone };
}

function isNew({ sides, rows }: Difference): boolean {
  return rows === undefined ? sides?.one === null : rows.added > 0 && rows.lost === 0 && rows.columns.length === 0;
}

function isRemoval({ rows }: Difference): boolean {
  return rows !== undefined && rows.added === 0 && rows.columns.length === 0;
}

function idle(found: readonly Difference[], what: What): Finding {
  const [first, ...more] = found.map(({ message }) => message);
  const rest = more.length === 0 ? "" : `, and ${more.length} more`;
  const why = what.empty ? "is empty" : "changes nothing";
  const message = `the way back of ${called(what)} ${why}, and its way there does not: ${first}${rest}`;
  return { code: "down-empty", ...factsOf(what), message };
}

async function judged(difference: Difference, journey: Journey, what: What): Promise<Said> {
  const { before, there } = journey;
  const tables = await before.tables();
  const table = tables.find(({ name }) => name === difference.table);
  if (difference.rows !== undefined && table !== undefined) return ofRows(await lossesIn(table, journey), table, what);
  const { table: name, column, message, sides } = difference;
  const facts = {
    ...factsOf(what),
    ...(name !== undefined && { table: name }),
    ...(column !== undefined && { column }),
  };
  // A column that is made anew stands last, unless the engine can put it elsewhere.
  const after = table && pairOf(table, await there.tables(), tables).after;
  const isMoved = difference.code === codeOf("order") && table?.columns.some((one) => !has(after, one.name));
  if (isMoved)
    return { findings: [], notes: [{ code: "down-cannot-restore", ...facts, message: cannot(message, what) }] };
  const told = `with ${called(what)} taken back, the database is not as it was before: ${message}`;
  return { findings: [{ code: "down-differs", ...facts, message: told, ...(sides && { sides }) }], notes: [] };
}

function has(table: TableOutline | undefined, column: string): boolean {
  return table?.columns.some(({ name }) => name === column) ?? false;
}

function ofRows({ avoidable, inevitable, isGone, added }: Losses, { name }: TableOutline, what: What): Said {
  const facts = { ...factsOf(what), table: name };
  const columnOf = ({ columns: [column, ...more] }: Toll) => (column && more.length === 0 ? { column } : {});
  const findings: Finding[] = [];
  const notes: Finding[] = [];
  if (isAny(avoidable)) {
    const message = `taking back ${called(what)} loses what it had kept: "${name}": ${inWords(avoidable)}`;
    findings.push({ code: "down-loses-rows", ...facts, ...columnOf(avoidable), message });
  }
  if (isAny(inevitable)) {
    const message = cannot(`"${name}": ${inWords(inevitable)}`, what);
    notes.push({ code: "down-cannot-restore", ...facts, ...columnOf(inevitable), message });
  }
  // Rows that are known by another key now are gone and added.
  if (added > inevitable.lost + avoidable.lost && !what.boots) {
    const rows = added === 1 ? "1 row is" : `${added} rows are`;
    const message = `with ${called(what)} taken back, the database is not as it was before: "${name}": ${rows} left that it had added`;
    findings.push({ code: "down-differs", ...facts, message });
  }
  return { findings, notes, isGone };
}

/** A table that is not there any more takes its rows along: those that the way there had kept could have been. */
async function judgedGone(table: TableOutline, { before, there }: Journey, what: What): Promise<Said> {
  const nothing = { findings: [], notes: [] };
  const after = pairOf(table, await there.tables(), await before.tables()).after;
  const [rows, left] = await Promise.all([rowsIn(before, table), after === undefined ? 0 : rowsIn(there, after)]);
  if (rows === 0 || left === 0) return nothing;
  const all = `${left} ${left === 1 ? "row" : "rows"} gone, and so is the table`;
  const message = `taking back ${called(what)} loses what it had kept: "${table.name}": ${all}`;
  return { findings: [{ code: "down-loses-rows", ...factsOf(what), table: table.name, message }], notes: [] };
}

async function rowsIn(state: Snapshot, table: TableOutline): Promise<number> {
  const [count] = await state.fingerprints([{ table, columns: [] }]);
  return Number(count);
}

function isAny({ lost, changed }: Toll): boolean {
  return lost + changed > 0;
}

function inWords({ lost, changed, columns, first }: Toll): string {
  const told = Object.entries({ gone: lost, changed }).flatMap(([word, count]) =>
    count === 0 ? [] : [`${count} ${count === 1 ? "row" : "rows"} ${word}`],
  );
  const where = columns.length === 0 ? "" : ` in ${columns.map((name) => `"${name}"`).join(", ")}`;
  const key = JSON.stringify(first ?? {});
  return `${told.join(", ")}${where}; the first: ${key.length <= 200 ? key : `${key.slice(0, 200)}…`}`;
}

function cannot(message: string, what: What): string {
  return `taking back ${called(what)} cannot bring back what it had removed: ${message}`;
}

function called({ release, migration }: What): string {
  return migration === undefined ? `what ${release} runs` : `"${migration}"`;
}

function factsOf({ release, migration }: What): Pick<Finding, "release" | "migration"> {
  return { release, ...(migration !== undefined && { migration }) };
}
