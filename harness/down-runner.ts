import type { Piece } from "./chain.ts";
import { migrateAll } from "./migrating.ts";
import { placeOf } from "./place.ts";
import { type PlannedMigration, type PlannedRelease, recordTablesOf } from "./planned-release.ts";
import { Record, type Recorder } from "./record.ts";
import { guarded, lost, type Sandbox, type Stage, unableToGoOn } from "./sandbox.ts";
import { saidBy } from "./task.ts";
import type { Finding } from "./verdict.ts";

/** How a leg is travelled: on a database, by a release's rules. */
export interface Leg {
  readonly sandbox: Sandbox;
  readonly release: PlannedRelease;
  readonly stage: Stage;
  /** The scenario's own file, for pointing into SQL that is written in it. */
  readonly file: string | undefined;
}

/** What came of a leg. */
export interface Travelled {
  /** Names of what came through, in the order in which it ran. */
  readonly done: readonly string[];
  /** What ended it. */
  readonly failure?: Finding;
}

/** Whether nothing here knows how the release's tool takes a migration out of its record, or takes it back at all. */
export function takesNothingBack({ driver, migrator }: PlannedRelease): boolean {
  return driver !== undefined || (migrator !== undefined && migrator.record.back === undefined);
}

/** Takes migrations back, the last one first, over a session of its own and under the release's transaction rule. */
export function takeBack(migrations: readonly PlannedMigration[], leg: Leg): Promise<Travelled> {
  const downs = migrations.flatMap((migration) => wayBackOf(migration) ?? []).reverse();
  return travel(downs, leg, { code: "down-failed", way: (record) => record.removing(leg.release) });
}

/** Runs migrations as a hop would, over a session of its own. */
export function goForth(migrations: readonly PlannedMigration[], leg: Leg): Promise<Travelled> {
  return travel(migrations, leg, { code: "up-again-failed", way: (record) => record });
}

/** Makes what a new database has before its first migration: what the product says to it, and the record. */
export async function prepare(leg: Leg): Promise<void> {
  await travel([], leg, { code: "up-again-failed", way: (record) => record });
}

/** A way back as a migration of its own. */
function wayBackOf({ down, ...migration }: PlannedMigration): PlannedMigration | undefined {
  if (down === undefined) return undefined;
  const told = typeof down === "object" ? down.transaction : undefined;
  return { ...migration, change: down, alone: told === undefined ? migration.alone : !told };
}

interface Way {
  readonly code: "down-failed" | "up-again-failed";
  readonly way: (record: Record) => Recorder | undefined;
}

async function travel(
  migrations: readonly PlannedMigration[],
  { sandbox, release, stage, file }: Leg,
  { code, way }: Way,
): Promise<Travelled> {
  for (const table of recordTablesOf(release)) sandbox.recordTables.add(table);
  const done: string[] = [];
  let running: PlannedMigration | undefined;
  const session = await sandbox.connect();
  try {
    const { database, session: toEach } = release.prelude;
    if (database !== undefined && !sandbox.preludes.has(database)) await session.script(database);
    if (database !== undefined) sandbox.preludes.add(database);
    if (toEach !== undefined) await session.script(toEach);
    const record = way(await guarded(stage, () => Record.open(session, sandbox, release)));
    if (record === undefined) return { done };
    const progress = {
      begun: (name: string) => {
        running = migrations.find((migration) => migration.name === name);
      },
      done: (name: string) => void done.push(name),
      halfApplied: () => {},
    };
    await migrateAll(migrations, { sandbox, session, record, release, progress });
    return { done };
  } catch (thrown) {
    return { done, failure: await failureOf(thrown, running, { sandbox, release, stage, file, code }) };
  } finally {
    await session.end().catch(() => {}); // It may be the very session that was lost.
    // What code left open would hold its locks while the leg is judged.
    if (migrations.some(({ change }) => typeof change === "function")) await sandbox.endSessions();
  }
}

async function failureOf(
  thrown: unknown,
  migration: PlannedMigration | undefined,
  { sandbox, release, stage, file, code }: Leg & Pick<Way, "code">,
): Promise<Finding> {
  const fault = sandbox.engine.fault(thrown);
  if (fault?.kind === "connection" && !(await stage.answers())) throw lost(stage.server, thrown);
  const where = migration === undefined ? "" : ` on the way back of "${migration.name}"`;
  const unable = unableToGoOn(stage.server, thrown, where);
  if (unable !== undefined) throw unable;
  const told = { code, release: release.name, ...(migration !== undefined && { migration: migration.name }) };
  const said = { ...told, ...saidBy(thrown, sandbox) };
  // Code has no SQL of its own to point into, nor has a COMMIT that fails.
  if (fault === undefined || migration === undefined || typeof migration.change === "function") return said;
  if ((fault.statementsBefore ?? fault.offset) === undefined) return said;
  const { piece } = thrown as { piece?: Piece };
  return { ...said, place: await placeOf(migration.change, { ...fault, piece }, sandbox.engine, file) };
}
