import type { Piece, SqlFile } from "./chain.ts";
import type { Session, Transaction } from "./engines/engine.ts";
import type { PlannedMigration, PlannedRelease } from "./planned-release.ts";
import type { Recorder } from "./record.ts";
import { endKnex, type Sandbox } from "./sandbox.ts";

/** Told what is going on, so that whoever waits for it can say where it stands. */
export interface Progress {
  begun(migration: string): void;
  done(migration: string, milliseconds: number): void;
  /** A transaction could not be taken back, because somebody had committed it in its middle. */
  halfApplied(): void;
}

interface Where {
  readonly sandbox: Sandbox;
  readonly session: Session;
  readonly record: Recorder;
  readonly release: PlannedRelease;
  readonly progress: Progress;
}

/** Runs what is pending under the release's transaction rule, and has it recorded. Throws what the server or the code threw. */
export async function migrateAll(pending: readonly PlannedMigration[], at: Where): Promise<void> {
  for (const unit of unitsOf(pending, at.release.transaction)) {
    const [only] = unit.migrations;
    const isAlone = unit.migrations.length === 1 && only !== undefined;
    if (isAlone && unit.inTransaction && isWhole(only) && isOurs(at)) await runWhole(only, at);
    else await runUnit(unit, at);
  }
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

/** Messages may be put together as we like: not where the server takes another tool's otherwise than ours. */
function isOurs({ release, sandbox }: Where): boolean {
  return release.migrator === undefined || sandbox.engine.capabilities.transactionalMessage;
}

/** SQL that is sent as it stands, on the migrator's own session. */
function isWhole({ change }: PlannedMigration): boolean {
  if (typeof change === "function") return false;
  // Put together with what is said around it, a large text would be held twice.
  return typeof change === "string" || (change.pieces === undefined && change.sql.length < 1_000_000);
}

async function runWhole(migration: PlannedMigration, at: Where): Promise<void> {
  if (at.release.session === "own") return runUnit({ migrations: [migration], inTransaction: true }, at);
  const { record, session, progress } = at;
  const begun = performance.now();
  progress.begun(migration.name);
  await record.begin(migration);
  try {
    await session.atomically(sqlOf(migration.change, at.sandbox), record.adding(migration, 0));
  } catch (thrown) {
    if ((thrown as { hadCommitted?: boolean }).hadCommitted) progress.halfApplied();
    await record.fail(migration, performance.now() - begun).catch(() => {});
    throw thrown;
  }
  record.added(migration);
  await record.end(migration, performance.now() - begun);
  progress.done(migration.name, performance.now() - begun);
}

function sqlOf(change: PlannedMigration["change"], { address }: Sandbox): string {
  if (typeof change === "string") return change;
  return typeof change === "function" ? "" : named(change.sql, change, address);
}

/** As tools put their own names in: unquoted, and wherever the word ends where it does. */
function named(sql: string, { standIns = {} }: SqlFile, address: Sandbox["address"]): string {
  return Object.entries(standIns).reduce(
    (said, [word, what]) => said.replace(new RegExp(`${word}\\b`, "g"), () => address[what]),
    sql,
  );
}

async function runUnit({ migrations, inTransaction }: Unit, at: Where): Promise<void> {
  const { session, record, progress, release } = at;
  const begun = performance.now();
  const done: { readonly migration: PlannedMigration; readonly milliseconds: number }[] = [];
  let running: PlannedMigration | undefined;
  const forCode = migrations.some(({ change }) => typeof change === "function");
  // One that has a session to itself has its transaction there.
  const isShared = inTransaction && release.session === "shared";
  let transaction: Transaction | undefined;
  try {
    for (const migration of migrations) {
      const started = performance.now();
      running = migration;
      progress.begun(migration.name);
      if (transaction === undefined) await record.begin(migration);
      if (isShared) transaction ??= await session.begin({ forCode });
      await runMigration(migration, at, { transaction, inTransaction });
      await session.query(record.adding(migration, performance.now() - started));
      record.added(migration);
      done.push({ migration, milliseconds: performance.now() - started });
    }
    await transaction?.commit();
    if (!inTransaction && (await session.inTransaction())) {
      throw new Error(
        "It leaves its transaction open: all since its BEGIN is taken back when the migrator disconnects",
      );
    }
    // Until its transaction is committed, nothing is done.
    for (const { migration, milliseconds } of done) {
      await record.end(migration, milliseconds);
      progress.done(migration.name, milliseconds);
    }
  } catch (thrown) {
    await transaction?.rollback().catch(() => {}); // A session that ended has rolled back.
    if (await transaction?.hadCommitted?.().catch(() => false)) progress.halfApplied();
    if (running !== undefined) await record.fail(running, performance.now() - begun).catch(() => {});
    throw thrown;
  }
}

interface Around {
  readonly transaction: Transaction | undefined;
  readonly inTransaction: boolean;
}

async function runMigration(
  { change }: PlannedMigration,
  at: Where,
  { transaction, inTransaction }: Around,
): Promise<void> {
  const { sandbox, release } = at;
  if (typeof change === "function") {
    if (transaction?.db !== undefined) return change(transaction.db);
    const db = await sandbox.knex();
    try {
      await change(db);
    } finally {
      await endKnex(db);
    }
    return;
  }
  if (release.session === "shared") return sent(change, at, transaction !== undefined);
  await onOwnSession(change, at, inTransaction);
}

async function onOwnSession(change: string | SqlFile, at: Where, inTransaction: boolean): Promise<void> {
  const { prelude } = at.release;
  const own = await at.sandbox.connect();
  try {
    if (prelude.session !== undefined) await own.script(prelude.session);
    const transaction = inTransaction ? await own.begin({ forCode: false }) : undefined;
    await sent(change, { ...at, session: own }, inTransaction);
    await transaction?.commit();
  } finally {
    await own.end().catch(() => {}); // A migration may have ended it; what it had not committed is taken back.
  }
}

async function sent(change: string | SqlFile, at: Where, inTransaction: boolean): Promise<void> {
  if (typeof change !== "string" && change.pieces !== undefined) return inPieces(change, at);
  const sql = sqlOf(change, at.sandbox);
  if (inTransaction) await say(sql, at);
  else await oneByOne(sql, at);
}

/** As our own, or as the tool's driver would send it. */
function say(sql: string, { session, release: { migrator } }: Where, copied?: Piece["copied"]): Promise<void> {
  if (migrator === undefined) return session.script(sql, copied);
  return session.message(sql, { one: migrator.perMessage === "one", copied });
}

/** As the format says: each piece is one message. */
async function inPieces(file: SqlFile, at: Where): Promise<void> {
  const { pieces = [] } = file;
  for await (const { sql, offset, copied } of typeof pieces === "function" ? pieces() : pieces) {
    try {
      await say(named(sql, file, at.sandbox.address), at, copied);
    } catch (thrown) {
      throw Object.assign(thrown as Error, { piece: { sql, offset } });
    }
  }
}

/** Sent whole, statements would share the transaction that some servers open around one message. */
async function oneByOne(sql: string, at: Where): Promise<void> {
  const { engine } = at.sandbox;
  const pieces = engine.capabilities.transactionalMessage ? await engine.split(sql).catch(() => undefined) : undefined;
  // What the parser does not understand, the server refuses, and says where.
  if (pieces === undefined) await say(sql, at);
  else await inPieces({ sql, file: "", pieces }, at);
}
