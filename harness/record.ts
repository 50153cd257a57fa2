import type { Engine, Session } from "./engines/engine.ts";
import type { PlannedMigration, PlannedRelease } from "./plan.ts";
import type { Sandbox } from "./sandbox.ts";
import type { Finding } from "./verdict.ts";

/** What was applied, in order, with checksums: kept in the sandbox itself, so that a clone remembers it too. */
export class Record {
  readonly #session: Session;
  readonly #engine: Engine;
  readonly #table: string;
  readonly #applied: Map<string, string>;

  private constructor(session: Session, engine: Engine, table: string, applied: Map<string, string>) {
    this.#session = session;
    this.#engine = engine;
    this.#table = table;
    this.#applied = applied;
  }

  static async open(session: Session, { engine, address }: Sandbox): Promise<Record> {
    const table = engine.recordTable(address.database);
    await session.script(
      `create table if not exists ${table} (position integer primary key, name text not null, checksum char(64) not null)`,
    );
    const rows = await session.query(`select name, checksum from ${table} order by position`);
    return new Record(session, engine, table, new Map(rows.map((row) => [String(row.name), String(row.checksum)])));
  }

  has(name: string): boolean {
    return this.#applied.has(name);
  }

  get applied(): ReadonlyMap<string, string> {
    return this.#applied;
  }

  async add({ name, checksum }: PlannedMigration): Promise<void> {
    // Counted there: a migration may have taken rows out of it, and another runner may have put some in.
    const next = `coalesce(max(position), 0) + 1, ${this.#engine.literal(name)}, ${this.#engine.literal(checksum)}`;
    await this.#session.query(
      `insert into ${this.#table} (position, name, checksum) select ${next} from ${this.#table}`,
    );
    this.#applied.set(name, checksum);
  }
}

/** What the record holds and the release does not, or holds otherwise, is not run again; somebody should know. */
export function notesOf(release: PlannedRelease, record: Record): readonly Finding[] {
  const shipped = new Map(release.migrations.map(({ name, checksum }) => [name, checksum]));
  return [...record.applied].flatMap(([migration, checksum]): Finding[] => {
    const now = shipped.get(migration);
    const facts = { release: release.name, migration };
    if (now === undefined)
      return [
        {
          code: "migration-removed",
          ...facts,
          message: `"${migration}" was applied, and ${release.name} does not ship it`,
        },
      ];
    if (now !== checksum)
      return [
        {
          code: "migration-edited",
          ...facts,
          message: `"${migration}" was applied with another text than ${release.name} ships; it is not run again`,
        },
      ];
    return [];
  });
}
