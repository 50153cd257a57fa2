import { createHash } from "node:crypto";
import type { PlannedPath } from "./plan.ts";
import type { Rehearsal } from "./rehearsal.ts";
import type { Entry, Snapshot, TableOutline } from "./snapshot.ts";
import { sownTables } from "./sown-tables.ts";
import type { Standing } from "./standing.ts";
import { type Told, thingsIn } from "./things.ts";

/** What a path came to, as plain data: its database may be gone by the time that it is compared with others. */
export interface End {
  readonly path: string;
  readonly release: string;
  /** A fresh install: what others are held against. */
  readonly isInstall: boolean;
  /** Ends of paths with the same beginning must hold the same rows; others only those that the product put there. */
  readonly beginning: string;
  /** What its tasks were told: what the product puts there may follow from it. */
  readonly settings: string;
  /** Nothing was sown on its way, and nobody used it. */
  readonly isUntouched: boolean;
  readonly things: ReadonlyMap<string, Told>;
  readonly tables: readonly EndTable[];
  readonly text: NonNullable<Rehearsal["end"]>;
}

/** The rows of a table where a path ended; only of those that have any. */
export interface EndTable {
  readonly name: string;
  readonly primaryKey: readonly string[];
  readonly columns: readonly string[];
  /** The same text where the same rows are. */
  readonly print: string;
  readonly count: number;
  /** A seeder, or users, had written into it. */
  readonly sown: boolean;
  /** All of its rows, where they are few and the product's. */
  readonly rows?: readonly Entry[];
}

/** Of a table with more rows it is only told whether they are the same. */
const rowsCompared = 1000;

/** Rows that were read already, by table and print: ends at one release mostly have the same. */
export type RowsRead = Map<string, readonly Entry[]>;

/**
 * Reads what there is to compare where a path has ended.
 *
 * @param alike whether another path began alike: then what was sown is compared, too
 */
export async function endOf(
  path: PlannedPath,
  at: Standing,
  { read, alike }: { readonly read: RowsRead; readonly alike: boolean },
): Promise<End> {
  const { now } = at;
  const sown = await sownTables(at.sown, [...at.origins, { by: at.by, state: now }], now);
  const [things, outlines, filled] = [await thingsIn(now), await now.tables(), await now.filled()];
  const compared = outlines.filter(({ name }) => filled.has(name) && (alike || !sown.has(name)));
  const prints = await now.prints(compared.map(({ name }) => name));
  const tables: EndTable[] = [];
  for (const outline of compared) {
    const { name, primaryKey } = outline;
    const print = prints.get(name) ?? "";
    const count = Number(/^\d+/.exec(print)?.[0] ?? 0);
    const few = !sown.has(name) && count <= rowsCompared;
    const key = `${name} ${print}`;
    if (few && !read.has(key)) read.set(key, await rowsOf(now, outline));
    const rows = few ? { rows: read.get(key) ?? [] } : {};
    tables.push({ name, primaryKey, columns: namesOf(outline), print, count, sown: sown.has(name), ...rows });
  }
  const { stops, source, name } = path;
  return {
    path: name,
    release: stops.at(-1) ?? "",
    isInstall: stops.length === 1 && source.dump === undefined,
    ...beginningOf(path),
    things,
    tables,
    text: { catalogue: hashOf([...things].sort(byKey).map(([key, { text }]) => [key, text])), rows: rowsText(tables) },
  };
}

/** What a path brings along that others may not have. */
export function beginningOf({
  steps,
  stops,
  source,
}: PlannedPath): Pick<End, "beginning" | "settings" | "isUntouched"> {
  const written = steps.flatMap((step): readonly string[] => {
    if (step.kind === "sow") return [`sow ${step.seeder.name}`];
    if (step.kind === "use") return [`use ${step.release.name}`];
    return step.kind === "restore" ? [`restore ${step.dump.hash}`] : [];
  });
  const settings = JSON.stringify(source.settings ?? null);
  const first = written.length === 0 ? "" : (stops[0] ?? "");
  return { beginning: JSON.stringify([first, written, settings]), settings, isUntouched: written.length === 0 };
}

async function rowsOf(now: Snapshot, table: TableOutline): Promise<readonly Entry[]> {
  const rows: Entry[] = [];
  const { primaryKey } = table;
  const rest = namesOf(table).filter((name) => !primaryKey.includes(name));
  for await (const row of now.entries(
    table,
    primaryKey.length > 0 ? primaryKey : rest,
    primaryKey.length > 0 ? rest : [],
  ))
    rows.push(row);
  return rows;
}

function namesOf({ columns }: TableOutline): readonly string[] {
  return columns.map(({ name }) => name);
}

function rowsText(tables: readonly EndTable[]): string {
  return hashOf(tables.filter(({ sown }) => !sown).map(({ name, print }) => [name, print]));
}

function hashOf(what: unknown): string {
  return createHash("sha256").update(JSON.stringify(what)).digest("hex").slice(0, 32);
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
