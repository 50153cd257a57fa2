import type { Piece } from "./chain.ts";
import type { Session } from "./engines/engine.ts";
import { migrateAll } from "./migrating.ts";
import type { Recorded } from "./migrator.ts";
import { type Before, type Pending, pendingOf } from "./pending.ts";
import { placeOf } from "./place.ts";
import { isSameMigration, type PlannedMigration, type PlannedRelease } from "./planned-release.ts";
import { migratorOf, Record } from "./record.ts";
import { Runner, type RunnerOptions, tenths } from "./runner.ts";
import { guarded, lost, type Sandbox, unableToGoOn } from "./sandbox.ts";
import { saidBy } from "./task.ts";
import type { Finding } from "./verdict.ts";

/** Where in a ride somebody boarded: behind so many migrations, with the record as it was then. */
export interface Boarding {
  readonly since: number;
  readonly recorded: Recorded;
}

/** What there is to say of a hop, and what of it is still to be run. */
export interface Turned {
  readonly notes: Pending["notes"];
  readonly rest: readonly PlannedMigration[];
}

/** What sessions look like that nothing was said to yet. */
const imprints = new WeakMap<object, Map<string, Promise<string>>>();

/** A runner that runs the release's SQL and code itself, over a session of its own, as the release's tool would. */
export class SqlRunner extends Runner {
  #session: Session;
  #record: Record | undefined;
  /** The tool whose record that is, as a release ships it. */
  #recordsFor: PlannedRelease["migrator"];
  #pending: Pending = { migrations: [], notes: [] };
  /** What it has run, and how the session was when it began. */
  readonly #ran: PlannedMigration[] = [];
  #imprint = "";
  #lingers = false;
  #isDone = false;

  private constructor(session: Session, sandbox: Sandbox, release: PlannedRelease, options: RunnerOptions) {
    super(sandbox, release, options);
    this.#session = session;
  }

  static async connect(sandbox: Sandbox, release: PlannedRelease, options: RunnerOptions): Promise<SqlRunner> {
    return new SqlRunner(await sandbox.connect(), sandbox, release, options);
  }

  /** Asks for the lock under which the product migrates; `false`: another runner holds it. */
  override async tryLock(): Promise<boolean> {
    await this.#returnIfEnded();
    return guarded(this.options.stage, () => this.#session.tryLock(lockOf(this.sandbox)));
  }

  override async read(): Promise<void> {
    await this.#sayPrelude();
    if (this.failure !== undefined) return;
    const record = await this.#orRefused(this.#openRecord());
    if (record === undefined) return;
    this.#pending = pendingOf(this.release, record, this.options);
    this.notes = this.#pending.notes;
    this.#record = record;
  }

  /** What keeps it from migrating is told by trying. */
  override get hasPending(): boolean {
    const { migrations, refusal } = this.#pending;
    return this.failure !== undefined || refusal !== undefined || migrations.length > 0;
  }

  /** Runs what it has read as pending; its session ends with that, and the lock with the session. */
  override async migrate(): Promise<void> {
    await this.#returnIfEnded();
    this.failure ??= this.#pending.refusal;
    const record = this.#record;
    try {
      if (this.failure === undefined && record !== undefined) await this.#migrate(record);
    } catch (thrown) {
      this.failure = await this.#failureOf(thrown);
    } finally {
      await this.end();
    }
  }

  async #migrate(record: Record, migrations = this.#pending.migrations): Promise<void> {
    await migrateAll(migrations, {
      sandbox: this.sandbox,
      session: this.#session,
      record,
      release: this.release,
      progress: {
        begun: (name) => {
          this.running = name;
        },
        done: (name, milliseconds) => this.done.push({ name, milliseconds: tenths(milliseconds) }),
        halfApplied: () => this.findings.push(this.#halfApplied()),
      },
    });
    this.running = undefined;
  }

  /** Reads as {@link read} does, for somebody who will pass through several releases. */
  async board(): Promise<void> {
    await this.read();
    if (this.failure !== undefined) return;
    // All that are as new are alike.
    const { lock, prelude } = this.release;
    const like = JSON.stringify([lock === "none", prelude.session]);
    const known = imprints.get(this.options.stage) ?? new Map<string, Promise<string>>();
    imprints.set(this.options.stage, known.set(like, known.get(like) ?? this.#session.imprint()));
    this.#imprint = (await known.get(like)) ?? "";
  }

  /** What a runner that was started just now for a release would read: each release's tool reads its record by what it ships. */
  async boarding(release: PlannedRelease): Promise<Boarding | undefined> {
    if (this.#record === undefined) return undefined;
    const { record } = migratorOf(release, this.sandbox);
    const reading = guarded(this.options.stage, () => record.read((sql) => this.#session.query(sql)));
    return { since: this.#ran.length, recorded: await reading };
  }

  /**
   * What a release would have run on what there was when somebody boarded, and whether what has been run since is how that would
   * have begun: then going on from here comes to the same.
   */
  turnTo(release: PlannedRelease, { since, recorded }: Boarding, before: Before): Turned | undefined {
    const record = this.#record;
    if (record === undefined) return undefined;
    const told = { migrator: migratorOf(release, this.sandbox), recorded, applied: recorded.applied };
    const { migrations, notes, refusal } = pendingOf(release, told, before);
    const ran = this.#ran.slice(since);
    const isShared = (one: PlannedMigration, i: number) => isSameMigration(one, migrations[i]);
    if (refusal !== undefined || !ran.every(isShared)) return undefined;
    this.release = release;
    return { notes, rest: migrations.slice(ran.length) };
  }

  /** Runs these, and stays for who goes on; a failure ends its session. */
  async goOn(migrations: readonly PlannedMigration[]): Promise<void> {
    if (this.#record === undefined) return;
    try {
      // By what it ships itself, too.
      if (migrations.length > 0 && this.#recordsFor !== this.release.migrator) this.#record = await this.#openRecord();
      await this.#migrate(this.#record, migrations);
      this.#ran.push(...migrations);
      this.#lingers ||= migrations.some((migration) => mayLinger(migration, this.sandbox));
    } catch (thrown) {
      const came = this.done.length - this.#ran.length;
      this.#ran.push(...migrations.slice(0, came));
      this.failure = await this.#failureOf(thrown);
      await this.end();
    }
  }

  /** Whether a session of its own would find everything as this one does. */
  async isAsNew(): Promise<boolean> {
    return !this.#lingers && (await this.#session.imprint()) === this.#imprint;
  }

  /** Lets others read its sandbox by its own session while it has nothing to do. */
  lend(): void {
    this.sandbox.lend(this.#session);
  }

  /** Goes on in a copy of its sandbox; what is pending stays as it was read. */
  async moveTo(sandbox: Sandbox): Promise<void> {
    this.sandbox = sandbox;
    await this.#begin();
    this.#record = await this.#openRecord();
  }

  override async end(): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    await this.sandbox.retire(this.#session).catch(() => {}); // It may be the very session that was lost.
  }

  async #begin(): Promise<void> {
    this.#session = await this.sandbox.connect();
    this.#isDone = false;
    await this.#sayPrelude();
  }

  /** What another runner's boot left open is ended, and with it whoever waits: nobody tells their sessions apart. */
  async #returnIfEnded(): Promise<void> {
    if (this.release.boot.length === 0) return;
    const ended = await this.#session.query("select 1").then(
      () => false,
      () => true,
    );
    if (!ended) return;
    await this.#begin();
    // What is pending stays as it was read.
    if (this.#record !== undefined) this.#record = await this.#openRecord();
  }

  #openRecord(): Promise<Record> {
    this.#recordsFor = this.release.migrator;
    return guarded(this.options.stage, () => Record.open(this.#session, this.sandbox, this.release));
  }

  /** What the product says before its migrations: to a new database once, and to every session. */
  async #sayPrelude(): Promise<void> {
    const { database, session } = this.release.prelude;
    const { preludes } = this.sandbox;
    try {
      if (database !== undefined && !preludes.has(database)) await this.#session.script(database);
      if (database !== undefined) preludes.add(database);
      if (session !== undefined) await this.#session.script(session);
    } catch (thrown) {
      const finding = await this.#failureOf(thrown);
      this.failure = { ...finding, message: `in its prelude: ${finding.message}` };
      await this.end();
    }
  }

  /** A tool that cannot keep its record does not come up; where ours cannot be kept, we cannot judge. */
  async #orRefused(opening: Promise<Record>): Promise<Record | undefined> {
    try {
      return await opening;
    } catch (thrown) {
      const { migrator } = this.release;
      const { cause } = thrown as { cause?: unknown };
      if (migrator === undefined || this.sandbox.engine.fault(cause)?.kind !== "refused") throw thrown;
      const finding = await this.#failureOf(cause);
      this.failure = { ...finding, message: `${migrator.title} cannot keep its record: ${finding.message}` };
      return undefined;
    }
  }

  /** The migration ended the transaction that its migrator had opened, and what ran until then stays. */
  #halfApplied(): Finding {
    const { name, transaction } = this.release;
    const promised = transaction === "all" ? "all that was pending" : "each migration";
    return {
      code: "half-applied",
      release: name,
      ...(this.running !== undefined && { migration: this.running }),
      message: `the transaction that was to take back ${promised} had been committed before it failed: what ran until then stays`,
    };
  }

  async #failureOf(thrown: unknown): Promise<Finding> {
    const { stage, file } = this.options;
    const fault = this.sandbox.engine.fault(thrown);
    const migration = this.running;
    const facts = {
      code: "migration-failed",
      release: this.release.name,
      ...(migration !== undefined && { migration }),
    };
    if (fault?.kind === "connection" && !(await stage.answers())) throw lost(stage.server, thrown);
    const unable = unableToGoOn(stage.server, thrown, migration === undefined ? "" : ` in migration "${migration}"`);
    if (unable !== undefined) throw unable;
    const said = { ...facts, ...saidBy(thrown, this.sandbox) };
    const change = this.release.migrations.find(({ name }) => name === migration)?.change;
    // Code has no SQL of its own to point into, nor has a COMMIT that fails.
    if (fault === undefined || change === undefined || typeof change === "function") return said;
    if ((fault.statementsBefore ?? fault.offset) === undefined) return said;
    const { piece } = thrown as { piece?: Piece };
    return { ...said, place: await placeOf(change, { ...fault, piece }, this.sandbox.engine, file) };
  }
}

/** Code is looked at as it is written: what it calls is not. */
function mayLinger({ change }: PlannedMigration, { engine }: Sandbox): boolean {
  if (typeof change === "function") return engine.mayLinger(change.toString());
  // What is read while it is sent is not held to be looked at.
  if (typeof change === "object" && typeof change.pieces === "function") return true;
  return engine.mayLinger(typeof change === "string" ? change : change.sql);
}

/** Servers that know no lock of one database alone are told its name. */
function lockOf({ address }: Sandbox): string {
  return `migrator of ${address.database}`;
}
