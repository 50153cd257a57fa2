import { createHash } from "node:crypto";
import {
  type Change,
  changeFor,
  type LeftOut,
  type Migration,
  type Prelude,
  type RecordedAs,
  type Release,
  type Shipment,
  type SqlFile,
  type Task,
  type Tasks,
} from "./chain.ts";
import { refuseMigrations } from "./chain-refusals.ts";
import type { Database, EngineName } from "./database.ts";
import type { Driver } from "./driver.ts";
import { HarnessError } from "./errors.ts";
import type { LockRule, Migrator, TransactionRule } from "./migrator.ts";

/** A migration as one engine runs it. */
export interface PlannedMigration {
  readonly name: string;
  readonly change: string | SqlFile | ((db: Database) => Promise<void>);
  /** SHA-256 of the SQL sent, or of a function's source text. */
  readonly checksum: string;
  readonly alone: boolean;
  /** What takes it back, as this engine runs it. */
  readonly down?: PlannedMigration["change"];
  readonly recordedAs?: RecordedAs;
}

/** A release as one engine meets it: its list is read, its rules are settled. */
export interface PlannedRelease {
  readonly name: string;
  readonly transaction: TransactionRule;
  readonly lock: LockRule;
  readonly migrations: readonly PlannedMigration[];
  /** The tool whose rules and record hold; missing: ours. */
  readonly migrator?: Migrator;
  /** The tool that does it all itself, and what it told of its migrations. */
  readonly driver?: Driver;
  readonly driven: readonly string[];
  readonly prelude: Prelude;
  readonly session: "shared" | "own";
  readonly leftOut: readonly LeftOut[];
  readonly model: { readonly [table: string]: readonly string[] };
  readonly boot: readonly PlannedTask[];
  readonly use: readonly PlannedTask[];
}

/** A task, and the sentence by which reports call it. */
export interface PlannedTask {
  readonly sentence: string;
  readonly task: Task;
}

/** Reads what a release ships, as one engine runs it. */
export async function plannedRelease(release: Release, engine: EngineName, whose: string): Promise<PlannedRelease> {
  const where = `${whose}, release "${release.name}"`;
  const shipment = await shipmentOf(release, engine);
  const { migrations, migrator, driver } = shipment;
  const rule = release.transaction ?? migrator?.transaction ?? "each";
  if (shipment.session === "own" && rule === "all")
    throw new HarnessError(
      "bad-input",
      `Cannot rehearse ${where}: migrations that have a session to themselves cannot share a transaction (session: "own" goes with transaction: "each" or "none")`,
    );
  refuseMigrations(migrations, where, "read" in release.migrations);
  return {
    name: release.name,
    transaction: rule,
    lock: release.lock ?? migrator?.lock ?? "wait",
    ...(migrator !== undefined && { migrator }),
    ...(driver !== undefined && { driver }),
    driven: (await driver?.ships?.()) ?? [],
    prelude: shipment.prelude ?? {},
    session: shipment.session ?? "shared",
    leftOut: shipment.leftOut ?? [],
    model: release.model ?? {},
    boot: tasksOf(release.boot),
    use: tasksOf(release.use),
    migrations: migrations.map((migration) => plannedMigration(migration, engine, where)),
  };
}

async function shipmentOf({ migrations }: Release, engine: EngineName): Promise<Shipment> {
  const read = "read" in migrations ? await migrations.read(engine) : migrations;
  return "migrations" in read ? read : { migrations: read };
}

function tasksOf(tasks: Tasks = {}): readonly PlannedTask[] {
  return Object.entries(tasks).map(([sentence, task]) => ({ sentence, task }));
}

/** Releases share what they ship: a migration is looked at once for each engine. */
const planned = new WeakMap<Migration, Map<EngineName, PlannedMigration>>();

function plannedMigration(migration: Migration, engine: EngineName, where: string): PlannedMigration {
  const known = planned.get(migration) ?? new Map<EngineName, PlannedMigration>();
  const made = known.get(engine) ?? planMigration(migration, engine, where);
  planned.set(migration, known.set(engine, made));
  return made;
}

function planMigration(
  { name, up, down, transaction, recordedAs }: Migration,
  engine: EngineName,
  where: string,
): PlannedMigration {
  const change = changeFor(up, engine);
  if (change === undefined)
    throw new HarnessError("bad-input", `Cannot rehearse ${where}, migration "${name}": it has no SQL for ${engine}`);
  const back = down === undefined ? undefined : changeFor(down, engine);
  const known = { ...(back !== undefined && { down: back }), ...(recordedAs !== undefined && { recordedAs }) };
  return { name, change, checksum: checksumOf(change), alone: transaction === false, ...known };
}

/** Whether two releases ship the same. Code with the same text may do something else: only the very same function is the same. */
export function isSameMigration(one: PlannedMigration, other: PlannedMigration | undefined): boolean {
  if (one.name !== other?.name || one.checksum !== other.checksum) return false;
  return typeof one.change !== "function" || one.change === other.change;
}

function checksumOf(change: Exclude<Change, object> | SqlFile | ((db: Database) => Promise<void>)): string {
  if (typeof change === "object" && change.checksum !== undefined) return change.checksum;
  const text = typeof change === "string" ? change : typeof change === "function" ? change.toString() : change.sql;
  const hash = createHash("sha256");
  // In parts: as a whole, a large text would be held twice.
  for (const part of text.matchAll(/[\s\S]{1,1000000}/gu)) hash.update(part[0]);
  return hash.digest("hex");
}

/** Tables in which a release's tool keeps its record. */
export function recordTablesOf({ migrator, driver }: PlannedRelease): readonly string[] {
  return [...(migrator?.record.tables ?? []), ...(driver?.recordTables ?? [])];
}
