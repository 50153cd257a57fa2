import type { Dump } from "./dump.ts";
import type { Session } from "./engines/engine.ts";
import { HarnessError } from "./errors.ts";
import { type FoundRecord, recordsIn, tablesFor } from "./formats/recognise.ts";
import { type PlannedRelease, recordTablesOf } from "./planned-release.ts";
import { Record } from "./record.ts";
import { guarded, type Sandbox, type Stage } from "./sandbox.ts";
import { isAt, type Standpoint, standpointOf } from "./standpoint.ts";
import type { Finding } from "./verdict.ts";

/** A dump that was restored, and where it is said to stand. */
export interface Restored {
  readonly dump: Dump;
  readonly sandbox: Sandbox;
  readonly stage: Stage;
  readonly release: PlannedRelease;
  /** All releases of the chain that are no stand-ins, read once somebody asks. */
  readonly others: () => Promise<readonly PlannedRelease[]>;
}

/** Where a path goes on from a dump, and what is to be said about it. */
export interface Arrival {
  /** The release whose list the record is; `undefined`: none of the chain's. */
  readonly stands: PlannedRelease | undefined;
  readonly notes: readonly Finding[];
}

/**
 * What a restored database tells of where it stands: by the record of the release's own tool, which the path then goes on from.
 * Where a chain keeps ours, and the dump has none, what the release ships is taken for applied.
 *
 * @throws {HarnessError} `bad-input` where the tool keeps a record and the dump has none of it
 */
export async function arrive(at: Restored): Promise<Arrival> {
  const { sandbox, stage, release } = at;
  for (const table of recordTablesOf(release)) sandbox.recordTables.add(table);
  const { database } = release.prelude;
  // Its product has said that to it long ago.
  if (database !== undefined) sandbox.preludes.add(database);
  const session = await sandbox.connect();
  try {
    return await guarded(stage, () => arrival(session, at));
  } finally {
    await session.end().catch(() => {});
  }
}

async function arrival(session: Session, at: Restored): Promise<Arrival> {
  const { dump, sandbox, release } = at;
  const ask = (sql: string) => session.query(sql);
  const engine = sandbox.engine.name;
  const [found, tables] = [await recordsIn(ask, engine), await tablesFor(ask, engine)];
  const said = found.flatMap((record) => halfDoneNote(record, at));
  const standpoint = await standpointOf(release, { session, sandbox, found, tables });
  const others = found.filter(({ table }) => !standpoint.tables.includes(table));
  if (standpoint.kind === "missing" && standpoint.whose !== "ours") throw withoutRecord(dump, standpoint.whose, others);
  const aside: readonly Finding[] = others.map(({ title, table, names }) => ({
    code: "other-record",
    release: release.name,
    message: `"${dump.name}" holds a record of ${title} ("${table}", ${counted(names.length)}): nothing here keeps it up`,
  }));
  if (standpoint.kind === "missing") return { stands: release, notes: [...said, await filled(session, at), ...aside] };
  const { stands, notes } = await elsewhere(standpoint, { session, sandbox, found, tables }, at);
  return { stands, notes: [...said, ...notes, ...aside] };
}

function halfDoneNote({ title, halfDone }: FoundRecord, { dump, release }: Restored): readonly Finding[] {
  if (halfDone === undefined) return [];
  const message = `"${dump.name}" was taken with ${title}'s work half done: ${halfDone.message}`;
  const migration = halfDone.id === undefined ? {} : { migration: halfDone.id };
  return [{ code: "record-half-done", release: release.name, ...migration, message }];
}

/** What to say where a tool keeps a record, and the dump has none of it. */
export function withoutRecord(
  dump: Dump,
  { title, tables }: { readonly title: string; readonly tables: readonly string[] },
  others: readonly FoundRecord[],
): HarnessError {
  const table = tables.map((name) => `"${name}"`).join(" or ");
  const [other] = others;
  const instead =
    other === undefined ? "" : `; it holds one of ${other.title} ("${other.table}", ${counted(other.names.length)})`;
  const way =
    other === undefined
      ? "dump it with that table, or say what the table is called"
      : "take the chain in that tool's format, or say what the table is called";
  const message = `Cannot go on from "${dump.file}": ${title} keeps its record in ${table}, and the dump has no such table${instead} (${way})`;
  return new HarnessError("bad-input", message);
}

/** The record of a chain whose tool is nobody's but ours. */
async function filled(session: Session, { dump, sandbox, release }: Restored): Promise<Finding> {
  const record = await Record.open(session, sandbox, release);
  for (const migration of release.migrations) {
    await session.query(record.adding(migration, 0));
    record.added(migration);
  }
  const message = `"${dump.name}" has no record of ours: what ${release.name} ships (${counted(release.migrations.length)}) is taken for applied`;
  return { code: "record-filled", release: release.name, message };
}

/** Where the record is not that of the release, it is told whose it is, or how it differs. */
async function elsewhere(
  standpoint: Standpoint,
  where: Parameters<typeof standpointOf>[1],
  at: Restored,
): Promise<Arrival> {
  const { dump, release } = at;
  const differs = isAt(release, standpoint);
  if (differs === undefined) return { stands: release, notes: [] };
  const fitting: PlannedRelease[] = [];
  for (const other of await at.others()) {
    if (other.name === release.name) continue;
    const there = await standpointOf(other, where);
    if (there.kind === "known" && isAt(other, there) === undefined) fitting.push(other);
  }
  const whose =
    fitting.length === 0
      ? `${differs}, and no release of the chain has such a list`
      : `it is that of ${fitting.map(({ name }) => name).join(" and ")} (${differs})`;
  const message = `"${dump.name}" does not stand at ${release.name} by its record: ${whose}; the path goes on from what the record says`;
  return { stands: fitting[0], notes: [{ code: "dump-stands-elsewhere", release: release.name, message }] };
}

/** `1 migration`, `2 migrations`. */
export function counted(count: number): string {
  return count === 1 ? "1 migration" : `${count} migrations`;
}
