import type { Session } from "./engines/engine.ts";
import { HarnessError, messageOf } from "./errors.ts";
import type { FoundRecord, FoundTable } from "./formats/recognise.ts";
import type { Recorded } from "./migrator.ts";
import type { PlannedMigration, PlannedRelease } from "./planned-release.ts";
import { migratorOf } from "./record.ts";
import type { Sandbox } from "./sandbox.ts";

/** What the record of a release's own tool says of a database. */
export type Standpoint =
  | { readonly kind: "known"; readonly tables: readonly string[]; readonly recorded: Recorded }
  /** Its table is there, and only the tool itself can read it. */
  | { readonly kind: "untold"; readonly tables: readonly string[] }
  | { readonly kind: "missing"; readonly tables: readonly string[]; readonly whose: "ours" | Whose };

interface Whose {
  readonly title: string;
  readonly tables: readonly string[];
}

interface In {
  readonly session: Session;
  readonly sandbox: Sandbox;
  readonly found: readonly FoundRecord[];
  readonly tables: readonly FoundTable[];
}

/** Looks for the record of a release's own tool, and reads it as the tool would. */
export async function standpointOf(release: PlannedRelease, at: In): Promise<Standpoint> {
  const { sandbox, found } = at;
  const { driver, migrator } = release;
  if (driver !== undefined) {
    const tables = driver.recordTables;
    const record = found.find((one) => tables.some((table) => isCalled(one, table)));
    if (record !== undefined) {
      const applied = record.names.map((id) => ({ id }));
      const { halfDone } = record;
      return {
        kind: "known",
        tables: [record.table],
        recorded: { applied, ...(halfDone !== undefined && { halfDone }) },
      };
    }
    const isThere = tables.length === 0 || tables.some((table) => at.tables.some((one) => isCalled(one, table)));
    return isThere
      ? { kind: "untold", tables }
      : { kind: "missing", tables: [], whose: { title: driver.title, tables } };
  }
  const tables = migrator?.record.tables ?? ["_migration_sandbox"];
  const there = at.tables.filter((one) => tables.some((table) => isCalled(one, table)));
  if (there.length === 0) {
    return { kind: "missing", tables: [], whose: migrator === undefined ? "ours" : { title: migrator.title, tables } };
  }
  const recorded = await readBy(release, sandbox, at.session);
  // Some sandboxes have the table from their beginning.
  if (migrator === undefined && recorded.applied.length === 0) return { kind: "missing", tables: [], whose: "ours" };
  return {
    kind: "known",
    tables: found
      .filter((one) => there.some((table) => one.name === table.name && one.schema === table.schema))
      .map(({ table }) => table),
    recorded,
  };
}

/** `knex_migrations`, or `drizzle.__drizzle_migrations`. */
function isCalled({ schema, name }: { readonly schema: string; readonly name: string }, table: string): boolean {
  const [last = "", first] = table.replace(/["`]/g, "").toLowerCase().split(".").reverse();
  return name.toLowerCase() === last && (first === undefined || schema.toLowerCase() === first);
}

async function readBy(release: PlannedRelease, sandbox: Sandbox, session: Session): Promise<Recorded> {
  const { title, record } = migratorOf(release, sandbox);
  try {
    if (release.prelude.session !== undefined) await session.script(release.prelude.session);
    return await record.read((sql) => session.query(sql));
  } catch (cause) {
    if (cause instanceof HarnessError || sandbox.engine.fault(cause)?.kind !== "refused") throw cause;
    const message = `Cannot go on from the dump: ${title} does not understand the record in it: ${messageOf(cause)} (is it another tool's? name the chain's format)`;
    throw new HarnessError("bad-input", message, { cause });
  }
}

/** How a record differs from a release's list; `undefined`: it is just that, or nobody can tell. */
export function isAt(release: PlannedRelease, standpoint: Standpoint): string | undefined {
  if (standpoint.kind !== "known") return undefined;
  const { recorded } = standpoint;
  const shipped = idsOf(release);
  if (shipped === undefined) return undefined;
  // What was begun may count or not.
  const begun = recorded.halfDone?.id;
  if (recorded.upTo !== undefined) {
    const newest = shipped.at(-1)?.id;
    return recorded.upTo === newest || recorded.upTo === begun
      ? undefined
      : `it ends at "${recorded.upTo}", and the release at "${newest}"`;
  }
  const applied = new Set(recorded.applied.map(({ id }) => id));
  const left = new Set(release.leftOut.map(({ name }) => name));
  const known = new Set(shipped.map(({ id }) => id));
  const lacks = shipped.filter((one) => !applied.has(one.id) && one.id !== begun && !recorded.passed?.(one));
  const more = [...applied].filter((id) => !known.has(id) && !left.has(id) && id !== begun);
  const differences = [
    ...(lacks.length === 0 ? [] : [`it lacks ${listed(lacks.map(({ name }) => name))}`]),
    ...(more.length === 0 ? [] : [`it has ${listed(more)} besides`]),
  ];
  return differences.length === 0 ? undefined : differences.join(", and ");
}

interface Shipped {
  readonly id: string;
  readonly name: string;
  readonly facts: NonNullable<NonNullable<PlannedMigration["recordedAs"]>["facts"]>;
}

/** What a release ships, as the record names it; `undefined`: its tool does not tell. */
function idsOf({ migrations, driver, driven }: PlannedRelease): readonly Shipped[] | undefined {
  if (driver !== undefined) {
    return driver.ships === undefined ? undefined : driven.map((name) => ({ id: name, name, facts: {} }));
  }
  return migrations
    .filter(({ recordedAs }) => recordedAs?.again !== "always")
    .map(({ name, recordedAs }) => ({ id: recordedAs?.id ?? name, name, facts: recordedAs?.facts ?? {} }));
}

const mostListed = 3;

function listed(names: readonly string[]): string {
  const shown = names.slice(0, mostListed).map((name) => `"${name}"`);
  return `${shown.join(", ")}${names.length > mostListed ? ` and ${names.length - mostListed} more` : ""}`;
}
