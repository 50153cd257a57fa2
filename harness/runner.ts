import type { Engine, Session, Transaction } from "./engines/engine.ts";
import { placeOf } from "./place.ts";
import type { PlannedMigration, PlannedRelease } from "./plan.ts";
import { notesOf, Record } from "./record.ts";
import { endKnex, guarded, lost, type Sandbox, type Stage, unableToGoOn } from "./sandbox.ts";
import { perform, saidBy } from "./task.ts";
import type { Finding } from "./verdict.ts";

export interface RunnerOptions {
  readonly stage: Stage;
  readonly settings: unknown;
  /** The scenario's own file, for pointing into SQL that is written in it. */
  readonly file: string | undefined;
}

/** One process that starts a release: it migrates over a session of its own, and then boots. */
export class Runner {
  readonly done: { name: string; milliseconds: number }[] = [];
  /** What ended its start. */
  failure: Finding | undefined;
  readonly findings: Finding[] = [];
  notes: readonly Finding[] = [];
  /** The migration that is running. */
  running: string | undefined;
  /** The task that is running. */
  booting: string | undefined;
  #session: Session;
  readonly #sandbox: Sandbox;
  readonly #release: PlannedRelease;
  readonly #options: RunnerOptions;
  #record: Record | undefined;
  #pending: readonly PlannedMigration[] = [];

  private constructor(session: Session, sandbox: Sandbox, release: PlannedRelease, options: RunnerOptions) {
    this.#session = session;
    this.#sandbox = sandbox;
    this.#release = release;
    this.#options = options;
  }

  static async connect(sandbox: Sandbox, release: PlannedRelease, options: RunnerOptions): Promise<Runner> {
    return new Runner(await sandbox.connect(), sandbox, release, options);
  }

  /** Asks for the lock under which the product migrates; `false`: another runner holds it. */
  async tryLock(): Promise<boolean> {
    await this.#returnIfEnded();
    return guarded(this.#options.stage, () => this.#session.tryLock(lockOf(this.#sandbox)));
  }

  async read(): Promise<void> {
    const record = await this.#openRecord();
    this.#pending = this.#release.migrations.filter(({ name }) => !record.has(name));
    this.notes = notesOf(this.#release, record);
    this.#record = record;
  }

  get hasPending(): boolean {
    return this.#pending.length > 0;
  }

  /** Runs what it has read as pending; its session ends with that, and the lock with the session. */
  async migrate(): Promise<void> {
    await this.#returnIfEnded();
    try {
      for (const unit of unitsOf(this.#pending, this.#release.transaction)) await this.#runUnit(unit);
    } catch (thrown) {
      this.failure = await this.#failureOf(thrown);
    } finally {
      await this.end();
    }
  }

  async boot(): Promise<void> {
    const { stage, settings } = this.#options;
    for (const task of this.#release.boot) {
      if (this.failure !== undefined) return;
      const at = { stage, settings, sandbox: this.#sandbox, release: this.#release.name, code: "boot-failed" } as const;
      this.booting = task.sentence;
      const { failure, swallowed } = await perform(task, at);
      this.booting = undefined;
      this.failure = failure;
      this.findings.push(...swallowed);
    }
  }

  async end(): Promise<void> {
    await this.#session.end().catch(() => {}); // It may be the very session that was lost.
  }

  /** What another runner's boot left open is ended, and with it whoever waits: nobody tells their sessions apart. */
  async #returnIfEnded(): Promise<void> {
    if (this.#release.boot.length === 0) return;
    const ended = await this.#session.query("select 1").then(
      () => false,
      () => true,
    );
    if (!ended) return;
    this.#session = await this.#sandbox.connect();
    // What is pending stays as it was read.
    if (this.#record !== undefined) this.#record = await this.#openRecord();
  }

  #openRecord(): Promise<Record> {
    return guarded(this.#options.stage, () => Record.open(this.#session, this.#sandbox));
  }

  async #runUnit({ migrations, inTransaction }: Unit): Promise<void> {
    const forCode = migrations.some(({ change }) => typeof change === "function");
    const transaction = inTransaction ? await this.#session.begin({ forCode }) : undefined;
    try {
      for (const migration of migrations) {
        const begun = performance.now();
        this.running = migration.name;
        await runMigration(migration, this.#sandbox, this.#session, transaction);
        await this.#record?.add(migration);
        this.done.push({ name: migration.name, milliseconds: since(begun) });
      }
      await transaction?.commit();
      if (!inTransaction && (await this.#session.inTransaction())) {
        throw new Error(
          "It leaves its transaction open: all since its BEGIN is taken back when the migrator disconnects",
        );
      }
      this.running = undefined;
    } catch (thrown) {
      await transaction?.rollback().catch(() => {}); // A session that ended has rolled back.
      if (await transaction?.hadCommitted?.().catch(() => false)) this.findings.push(this.#halfApplied());
      throw thrown;
    }
  }

  /** The migration ended the transaction that its migrator had opened, and what ran until then stays. */
  #halfApplied(): Finding {
    const { name, transaction } = this.#release;
    const promised = transaction === "all" ? "all that was pending" : "each migration";
    return {
      code: "half-applied",
      release: name,
      ...(this.running !== undefined && { migration: this.running }),
      message: `the transaction that was to take back ${promised} had been committed before it failed: what ran until then stays`,
    };
  }

  async #failureOf(thrown: unknown): Promise<Finding> {
    const { stage, file } = this.#options;
    const fault = this.#sandbox.engine.fault(thrown);
    const migration = this.running;
    const facts = {
      code: "migration-failed",
      release: this.#release.name,
      ...(migration !== undefined && { migration }),
    };
    if (fault?.kind === "connection" && !(await stage.answers())) throw lost(stage.server, thrown);
    const unable = unableToGoOn(stage.server, thrown, ` in migration "${migration}"`);
    if (unable !== undefined) throw unable;
    const said = { ...facts, ...saidBy(thrown, this.#sandbox) };
    const change = this.#release.migrations.find(({ name }) => name === migration)?.change;
    // Code has no SQL of its own to point into, nor has a COMMIT that fails.
    if (fault === undefined || change === undefined || typeof change === "function") return said;
    if ((fault.statementsBefore ?? fault.offset) === undefined) return said;
    return { ...said, place: await placeOf(change, fault, this.#sandbox.engine, file) };
  }
}

/** Servers that know no lock of one database alone are told its name. */
function lockOf({ address }: Sandbox): string {
  return `migrator of ${address.database}`;
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

export function since(begun: number): number {
  return Math.round((performance.now() - begun) * 10) / 10;
}
