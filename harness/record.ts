import type { EngineName, PerEngine } from "./database.ts";
import { forEngine } from "./database.ts";
import type { Engine, Session } from "./engines/engine.ts";
import { HarnessError } from "./errors.ts";
import type { Applied, Migrator, RecordBook, RecordEntry, Recorded } from "./migrator.ts";
import type { PlannedMigration, PlannedRelease } from "./planned-release.ts";
import type { Sandbox } from "./sandbox.ts";

/** Writes down what migrating does, or taking back. */
export interface Recorder {
  /** What the tool says ahead of a migration, where it says anything. */
  begin(migration: PlannedMigration): Promise<void>;
  /** SQL by which the tool remembers what was done, to be said in its transaction where it has one. */
  adding(migration: PlannedMigration, milliseconds: number): string;
  /** Told once that is said, though its transaction may still be open. */
  added(migration: PlannedMigration): void;
  /** What the tool says once the transaction is committed, where it says anything. */
  end(migration: PlannedMigration, milliseconds: number): Promise<void>;
  /** What it says after a failure. */
  fail(migration: PlannedMigration, milliseconds: number): Promise<void>;
}

/**
 * What was applied, in order, as the release's own tool keeps it: in the sandbox itself, so that a clone remembers it too,
 * and a dump brings it along.
 */
export class Record implements Recorder {
  readonly migrator: Migrator;
  /** What it held when it was read, and what was added since. */
  readonly recorded: Recorded;
  readonly #session: Session;
  readonly #sandbox: Sandbox;
  readonly #applied: Applied[];
  #inHop = 0;

  private constructor(session: Session, sandbox: Sandbox, migrator: Migrator, recorded: Recorded) {
    this.#session = session;
    this.#sandbox = sandbox;
    this.migrator = migrator;
    this.recorded = recorded;
    this.#applied = [...recorded.applied];
  }

  static async open(session: Session, sandbox: Sandbox, release: PlannedRelease): Promise<Record> {
    const { engine } = sandbox;
    const migrator = migratorOf(release, sandbox);
    const { record } = migrator;
    await session.script(sqlFor(record.create, engine.name, migrator));
    if (release.prelude.session !== undefined) await followPrelude(session, sandbox, record.tables);
    const recorded = await record.read((sql) => session.query(sql));
    return new Record(session, sandbox, migrator, recorded);
  }

  get applied(): readonly Applied[] {
    return this.#applied;
  }

  /** What the tool says ahead of a migration, where it says anything. */
  async begin(migration: PlannedMigration): Promise<void> {
    await this.#say((book, entry) => book.begin?.(entry), migration, 0);
  }

  /** SQL by which the tool remembers a migration, to be said in its transaction where it has one. */
  adding(migration: PlannedMigration, milliseconds: number): string {
    const { migrator } = this;
    return sqlFor(migrator.record.add(this.#entryOf(migration, milliseconds)), this.#sandbox.engine.name, migrator);
  }

  /** Told once a migration is recorded, though its transaction may still be open. */
  added(migration: PlannedMigration): void {
    this.#inHop += 1;
    this.#applied.push(appliedAs(migration));
  }

  /** What the tool says once the transaction is committed, where it says anything. */
  async end(migration: PlannedMigration, milliseconds: number): Promise<void> {
    await this.#say((book, entry) => book.end?.(entry), migration, milliseconds);
  }

  /** What the tool leaves in its record after a failure, where it leaves anything. */
  async fail(migration: PlannedMigration, milliseconds: number): Promise<void> {
    await this.#say((book, entry) => book.fail?.(entry), migration, milliseconds);
  }

  /** Writes down what is taken back; `undefined`: nothing here knows how the tool would. */
  removing({ migrations }: Pick<PlannedRelease, "migrations">): Recorder | undefined {
    const { back } = this.migrator.record;
    if (back === undefined) return undefined;
    const nothing = async () => {};
    const { name: engine } = this.#sandbox.engine;
    const entry = (migration: PlannedMigration, milliseconds: number): RecordEntry => {
      const of = this.#entryOf(migration, milliseconds);
      // Where the record is one number, only what is shipped tells the one before it.
      const shipped = migrations
        .slice(
          0,
          migrations.findIndex(({ name }) => name === migration.name),
        )
        .map(appliedAs);
      const held = this.recorded.upTo === undefined ? this.#applied.filter(({ id }) => id !== of.id) : shipped;
      return { ...of, last: held.at(-1) };
    };
    return {
      begin: async (migration) => {
        const said = back.begin?.(entry(migration, 0));
        if (said !== undefined) await this.#session.script(sqlFor(said, engine, this.migrator));
      },
      adding: (migration, milliseconds) => sqlFor(back.remove(entry(migration, milliseconds)), engine, this.migrator),
      added: (migration) => {
        const at = this.#applied.findLastIndex(({ id }) => id === appliedAs(migration).id);
        if (at >= 0) this.#applied.splice(at, 1);
      },
      end: nothing,
      fail: nothing,
    };
  }

  async #say(
    what: (book: RecordBook, entry: RecordEntry) => PerEngine<string> | undefined,
    migration: PlannedMigration,
    milliseconds: number,
  ): Promise<void> {
    const { migrator } = this;
    const said = what(migrator.record, this.#entryOf(migration, milliseconds));
    if (said !== undefined) await this.#session.script(sqlFor(said, this.#sandbox.engine.name, migrator));
  }

  #entryOf({ name, checksum, recordedAs }: PlannedMigration, milliseconds: number): RecordEntry {
    const { engine, address } = this.#sandbox;
    return {
      name,
      id: recordedAs?.id ?? name,
      checksum: recordedAs?.checksum ?? checksum,
      facts: recordedAs?.facts ?? {},
      last: this.#applied.at(-1),
      position: this.#applied.length + 1,
      inHop: this.#inHop + 1,
      milliseconds: Math.round(milliseconds),
      user: address.user,
      database: address.database,
      literal: (text) => engine.literal(text),
    };
  }
}

function appliedAs({ recordedAs, name, checksum }: PlannedMigration): Applied {
  return { id: recordedAs?.id ?? name, checksum: recordedAs?.checksum ?? checksum };
}

/** What a product says to its sessions may put its tables elsewhere than names alone tell. */
async function followPrelude(
  session: Session,
  { engine, recordTables }: Sandbox,
  tables: readonly string[],
): Promise<void> {
  const asked: PerEngine<string> = { postgres: "select current_schema() as schema" };
  const sql = asked[engine.name];
  if (sql === undefined) return;
  const [row] = await session.query(sql);
  for (const table of tables.filter((name) => !name.includes("."))) recordTables.add(`${row?.schema}.${table}`);
}

/** The tool whose rules hold; without one, ours: names and checksums, and what is new is run. */
export function migratorOf({ migrator, name }: PlannedRelease, { engine, address }: Sandbox): Migrator {
  if (migrator === undefined) return ownMigrator(engine, address.database);
  if (migrator.engines.includes(engine.name)) return migrator;
  const known = migrator.engines.join(", ");
  throw new HarnessError(
    "bad-input",
    `Cannot start "${name}" on ${engine.name}: ${migrator.title} knows ${known} only`,
  );
}

function ownMigrator(engine: Engine, database: string): Migrator {
  const table = engine.recordTable(database);
  const anywhere = (sql: string): PerEngine<string> => ({ postgres: sql, mysql: sql });
  return {
    title: "migration-sandbox",
    engines: [engine.name],
    transaction: "each",
    lock: "wait",
    late: "run",
    edited: "ignore",
    removed: "ignore",
    record: {
      tables: [],
      create: anywhere(
        `create table if not exists ${table} (position integer primary key, name text not null, checksum char(64) not null)`,
      ),
      async read(ask) {
        const rows = await ask(`select name, checksum from ${table} order by position`);
        return { applied: rows.map((row) => ({ id: String(row.name), checksum: String(row.checksum) })) };
      },
      add({ id, checksum, literal }) {
        // Counted there: a migration may have taken rows out of it, and another runner may have put some in.
        const next = `coalesce(max(position), 0) + 1, ${literal(id)}, ${literal(checksum)}`;
        return anywhere(`insert into ${table} (position, name, checksum) select ${next} from ${table}`);
      },
      back: { remove: ({ id, literal }) => anywhere(`delete from ${table} where name = ${literal(id)}`) },
    },
  };
}

function sqlFor(told: PerEngine<string>, engine: EngineName, { title }: Migrator): string {
  const sql = forEngine(told, engine);
  if (sql === undefined) throw new HarnessError("bad-input", `Cannot keep ${title}'s record on ${engine}`);
  return sql;
}
