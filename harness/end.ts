import { createHash } from "node:crypto";
import type { PlannedPath } from "./plan.ts";
import type { Rehearsal } from "./rehearsal.ts";
import type { Entry, Snapshot, TableOutline } from "./snapshot.ts";
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
const fewRows = 1000;

/** Reads what there is to compare where a path has ended. */
export async function endOf(path: PlannedPath, at: Standing): Promise<End> {
  const { steps, stops, source, name } = path;
  const sown = await sownIn(at);
  const [things, outlines] = await Promise.all([thingsIn(at.now), at.now.tables()]);
  const prints = await at.now.fingerprints(outlines.map((table) => ({ table, columns: namesOf(table) })));
  const tables: EndTable[] = [];
  for (const [i, outline] of outlines.entries()) {
    const print = prints[i] ?? "";
    const count = Number(/^\d+/.exec(print)?.[0] ?? 0);
    const isSown = sown.has(outline.name);
    if (count === 0) continue;
    const { name, primaryKey } = outline;
    const few = !isSown && count <= fewRows;
    const rows = few ? { rows: await rowsOf(at.now, outline) } : {};
    tables.push({ name, primaryKey, columns: namesOf(outline), print, count, sown: isSown, ...rows });
  }
  const written = steps.flatMap((step): readonly string[] => {
    if (step.kind === "sow") return [`sow ${step.seeder.name}`];
    if (step.kind === "use") return [`use ${step.release.name}`];
    return step.kind === "restore" ? [`restore ${step.dump.hash}`] : [];
  });
  const settings = JSON.stringify(source.settings ?? null);
  const first = written.length === 0 ? "" : (stops[0] ?? "");
  return {
    path: name,
    release: stops.at(-1) ?? "",
    isInstall: stops.length === 1 && source.dump === undefined,
    beginning: JSON.stringify([first, written, settings]),
    settings,
    isUntouched: written.length === 0,
    things,
    tables,
    text: { catalogue: hashOf([...things].sort(byKey).map(([key, { text }]) => [key, text])), rows: rowsText(tables) },
  };
}

/** Tables that a seeder, or users, have written into, as they are called by now. */
async function sownIn(at: Standing): Promise<ReadonlySet<string>> {
  if (at.by !== "seeder" && at.origins.every(({ by }) => by === "product")) return new Set();
  const { sownTables } = await import("./sown-tables.ts");
  return sownTables([...at.origins, { by: at.by, state: at.now }]);
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
