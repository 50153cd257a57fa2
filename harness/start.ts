import type { Engine, Session, Transaction } from "./engines/engine.ts";
import { HarnessError, messageOf } from "./errors.ts";
import { placeOf } from "./place.ts";
import type { PlannedMigration, PlannedRelease } from "./plan.ts";
import { notesOf, Record } from "./record.ts";
import { endKnex, guarded, lost, type Sandbox, type Stage, unableToGoOn } from "./sandbox.ts";
import { within } from "./time-limit.ts";
import type { Finding } from "./verdict.ts";

/** One hop as it went: what ran, in order, and how long it took. */
export interface Hop {
  readonly from: string | null;
  readonly to: string;
  readonly milliseconds: number;
  readonly migrations: readonly { readonly name: string; readonly milliseconds: number }[];
}

export interface Started {
  readonly hop: Hop;
  /** Missing: the release came up. */
  readonly failure?: Finding;
  readonly notes: readonly Finding[];
}

export interface StartOptions {
  readonly stage: Stage;
  readonly from: string | null;
  /** Milliseconds for the whole hop. */
  readonly timeout: number;
  /** The scenario's own file, for pointing into SQL that is written in it. */
  readonly file: string | undefined;
}

/**
 * Starts a release on a sandbox: runs those of its migrations that the record lacks, in its order, under its rule.
 *
 * @throws {HarnessError} `timed-out`; `server-lost` and `disk-full` where that, and no migration, was the reason.
 */
export async function start(sandbox: Sandbox, release: PlannedRelease, options: StartOptions): Promise<Started> {
  const begun = performance.now();
  const progress: Progress = { done: [], running: undefined };
  const hop = (): Hop => {
    const migrations = progress.done.map(({ name, milliseconds }) => ({ name, milliseconds }));
    return { from: options.from, to: release.name, milliseconds: since(begun), migrations };
  };
  const walk = migrate(sandbox, release, progress, options);
  const outcome = await within(options.timeout, walk, () => timedOut(sandbox, release, progress, options));
  return { hop: hop(), ...outcome };
}

interface Progress {
  readonly done: { name: string; milliseconds: number }[];
  running: string | undefined;
}

async function timedOut(
  sandbox: Sandbox,
  { name }: PlannedRelease,
  { running }: Progress,
  { from, timeout }: StartOptions,
): Promise<never> {
  await sandbox.endSessions().catch(() => {});
  const where = running === undefined ? "" : ` in migration "${running}"`;
  const message = `Cannot tell what becomes of the hop ${from ?? "∅"} → ${name}: it still hung${where} after ${timeout / 1000} s (give it longer with --timeout <seconds>)`;
  throw new HarnessError("timed-out", message);
}

type Outcome = Pick<Started, "failure" | "notes">;

async function migrate(
  sandbox: Sandbox,
  release: PlannedRelease,
  progress: Progress,
  options: StartOptions,
): Promise<Outcome> {
  const session = await sandbox.connect();
  try {
    const record = await guarded(options.stage, () => Record.open(session, sandbox));
    const pending = release.migrations.filter(({ name }) => !record.has(name));
    const notes = notesOf(release, record);
    for (const unit of unitsOf(pending, release.transaction)) {
      try {
        await runUnit(unit, { sandbox, session, record, progress });
      } catch (thrown) {
        const failure = await failureOf(thrown, release, progress, sandbox, options);
        return { failure, notes };
      }
    }
    return { notes };
  } finally {
    await session.end().catch(() => {}); // It may be the very session that was lost.
    // What code left open would hold its locks while the hop is judged.
    if (pendsOnCode(release)) await sandbox.endSessions();
  }
}

function pendsOnCode({ migrations }: PlannedRelease): boolean {
  return migrations.some(({ change }) => typeof change === "function");
}

/** Migrations that share a transaction, or one that runs without. */
interface Unit {
  readonly migrations: readonly PlannedMigration[];
  readonly inTransaction: boolean;
}

function unitsOf(pending: readonly PlannedMigration[], rule: PlannedRelease["transaction"]): readonly Unit[] {
  const units: { migrations: PlannedMigration[]; inTransaction: boolean }[] = [];
  for (const migration of pending) {
    const inTransaction = rule !== "none" && !migration.alone;
    const open = units.at(-1);
    if (rule === "all" && inTransaction && open?.inTransaction) open.migrations.push(migration);
    else units.push({ migrations: [migration], inTransaction });
  }
  return units;
}

interface Run {
  readonly sandbox: Sandbox;
  readonly session: Session;
  readonly record: Record;
  readonly progress: Progress;
}

async function runUnit(
  { migrations, inTransaction }: Unit,
  { sandbox, session, record, progress }: Run,
): Promise<void> {
  const forCode = migrations.some(({ change }) => typeof change === "function");
  const transaction = inTransaction ? await session.begin({ forCode }) : undefined;
  try {
    for (const migration of migrations) {
      const begun = performance.now();
      progress.running = migration.name;
      await runMigration(migration, sandbox, session, transaction);
      await record.add(migration);
      progress.done.push({ name: migration.name, milliseconds: since(begun) });
    }
    await transaction?.commit();
    if (!inTransaction && (await session.inTransaction())) {
      throw new Error(
        "It leaves its transaction open: all since its BEGIN is taken back when the migrator disconnects",
      );
    }
    progress.running = undefined;
  } catch (thrown) {
    await transaction?.rollback().catch(() => {}); // A session that ended has rolled back.
    throw thrown;
  }
}

async function runMigration(
  { change }: PlannedMigration,
  sandbox: Sandbox,
  session: Session,
  transaction: Transaction | undefined,
): Promise<void> {
  if (typeof change !== "function") {
    const sql = typeof change === "string" ? change : change.sql;
    if (transaction === undefined) await oneByOne(sql, sandbox.engine, session);
    else await session.script(sql);
  } else if (transaction?.db !== undefined) await change(transaction.db);
  else {
    const db = await sandbox.knex();
    try {
      await change(db);
    } finally {
      await endKnex(db);
    }
  }
}

/** Sent whole, statements would share the transaction that some servers open around one message. */
async function oneByOne(sql: string, engine: Engine, session: Session): Promise<void> {
  if (!engine.capabilities.transactionalMessage) return session.script(sql);
  const statements = await engine.split(sql).catch(() => undefined);
  // What the parser does not understand, the server refuses, and says where.
  if (statements === undefined) return session.script(sql);
  for (const [i, statement] of statements.entries()) {
    try {
      await session.script(statement.sql);
    } catch (thrown) {
      const { position } = thrown as { position?: string };
      const shifted =
        position === undefined
          ? {}
          : { position: String(Number(position) + [...sql.slice(0, statement.offset)].length) };
      throw Object.assign(thrown as Error, { statementsBefore: i }, shifted);
    }
  }
}

async function failureOf(
  thrown: unknown,
  release: PlannedRelease,
  progress: Progress,
  sandbox: Sandbox,
  { stage, file }: StartOptions,
): Promise<Finding> {
  const fault = sandbox.engine.fault(thrown);
  const migration = progress.running;
  const facts = { code: "migration-failed", release: release.name, ...(migration !== undefined && { migration }) };
  if (fault === undefined) {
    return { ...facts, message: messageOf(thrown), exception: classOf(thrown) };
  }
  if (fault.kind === "connection" && !(await stage.answers())) throw lost(stage.server, thrown);
  const unable = unableToGoOn(stage.server, thrown, ` in migration "${migration}"`);
  if (unable !== undefined) throw unable;
  const change = release.migrations.find(({ name }) => name === migration)?.change;
  const { kind, offset, statementsBefore, ...said } = fault;
  // Code has no SQL of its own to point into, nor has a COMMIT that fails.
  const inSql = change !== undefined && typeof change !== "function" && (statementsBefore ?? offset) !== undefined;
  return { ...facts, ...said, ...(inSql && { place: await placeOf(change, fault, sandbox.engine, file) }) };
}

function classOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return typeof thrown;
  return thrown.constructor.name === "Error" ? thrown.name : thrown.constructor.name;
}

function since(begun: number): number {
  return Math.round((performance.now() - begun) * 10) / 10;
}
