import type { Applied, Migrator, Recorded } from "./migrator.ts";
import type { PlannedMigration, PlannedRelease } from "./planned-release.ts";
import type { Finding } from "./verdict.ts";

/** What a hop has to run, and what is to be said about it. */
export interface Pending {
  readonly migrations: readonly PlannedMigration[];
  readonly notes: readonly Finding[];
  /** Why the tool runs nothing at all. */
  readonly refusal?: Finding;
}

/** What there is to know of a record: what a tool goes by, and what it holds. */
export interface Told {
  readonly migrator: Pick<Migrator, "title" | "late" | "edited" | "removed">;
  readonly recorded: Recorded;
  readonly applied: readonly Applied[];
}

/**
 * What of a release's list the record lacks, by the rules of its tool. What the record holds and the release does not, or
 * holds otherwise, and what comes late, is a note unless the tool refuses it.
 *
 */
export function pendingOf(release: PlannedRelease, record: Told, { last: previous, isFirst }: Before): Pending {
  const { migrator, recorded } = record;
  const said: Said = { release, title: migrator.title };
  const { halfDone } = recorded;
  if (halfDone !== undefined) {
    const migration = release.migrations.find((shipped) => idOf(shipped) === halfDone.id)?.name ?? halfDone.id;
    return refusing({ ...refusalOf(said, halfDone.message), ...(migration !== undefined && { migration }) });
  }
  const applied = appliedOf(release, record);
  if (applied === undefined) {
    const message = `its record stands at "${recorded.upTo}", which ${release.name} does not ship`;
    return migrator.removed === "refuse"
      ? refusing({ ...refusalOf(said, message), ...(recorded.upTo !== undefined && { migration: recorded.upTo }) })
      : { migrations: [], notes: [noteOf("migration-removed", release, recorded.upTo ?? "", message)] };
  }
  const removed = removedOf(release, record, previous);
  const edited = editedOf(release, applied, previous);
  const new_ = release.migrations.filter((shipped) => isPending(shipped, applied));
  const late = lateOf(release, new_, applied, previous, record);
  const order = [...applied.keys()];
  const held = [
    ...removed.map((id) => ({ id, name: id, code: "migration-removed", why: `${release.name} does not ship it` })),
    ...edited.map((shipped) => ({
      ...{ id: idOf(shipped), name: shipped.name, code: "migration-edited" },
      why: `with another text than ${release.name} ships; it is not run again`,
    })),
  ].sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
  const notes = [
    ...held.map(({ code, name, why }) =>
      noteOf(code, release, name, `"${name}" was applied${code === "migration-removed" ? ", and" : ""} ${why}`),
    ),
    ...(release.migrator === undefined
      ? []
      : late.map(({ name }) => noteOf("migration-late", release, name, lateInWords(name, record)))),
  ];
  const [gone, changed, old] = [removed[0], edited[0]?.name, late[0]?.name];
  const refused =
    // Of a record that is one number, only that one has to be shipped.
    (migrator.removed === "refuse" && recorded.upTo === undefined && gone) ||
    (migrator.edited === "refuse" && changed) ||
    (migrator.late === "refuse" && old);
  const reason = notes.find(({ migration }) => migration === refused);
  if (refused && reason !== undefined) {
    const others = notes.filter((note) => note !== reason);
    return { ...refusing({ ...refusalOf(said, reason.message), migration: refused }), notes: others };
  }
  const news = isFirst ? notes : notes.filter((note) => isNews(note, release, previous));
  const skipped = new Set(migrator.late === "skip" ? late : []);
  const left = release.leftOut.filter(({ name }) => !(previous?.leftOut ?? []).some((known) => known.name === name));
  return {
    migrations: new_.filter((migration) => !skipped.has(migration)),
    notes: [
      ...news,
      ...left.map(({ name, why }) => noteOf("migration-left-out", release, name, `"${name}" was not run: ${why}`)),
    ],
  };
}

/** Where the path stood before: what the record itself does not tell. */
export interface Before {
  readonly last: PlannedRelease | undefined;
  /** Nothing was said there yet. */
  readonly isFirst?: boolean;
}

interface Said {
  readonly release: PlannedRelease;
  readonly title: string;
}

function refusing(refusal: Finding): Pending {
  return { migrations: [], notes: [], refusal };
}

function refusalOf({ release, title }: Said, why: string): Finding {
  return { code: "migration-failed", release: release.name, message: `${title} refuses to migrate: ${why}` };
}

function noteOf(code: string, { name: release }: PlannedRelease, migration: string, message: string): Finding {
  return { code, release, migration, message };
}

function idOf({ recordedAs, name }: PlannedMigration): string {
  return recordedAs?.id ?? name;
}

/** What is applied, by id; `undefined` where the record stands at something that is not shipped. */
function appliedOf(release: PlannedRelease, { recorded, applied }: Told): ReadonlyMap<string, string> | undefined {
  const known = new Map(applied.map(({ id, checksum }) => [id, checksum ?? ""]));
  if (recorded.upTo === undefined) return known;
  const at = release.migrations.findIndex((shipped) => idOf(shipped) === recorded.upTo);
  if (at < 0) return undefined;
  for (const shipped of release.migrations.slice(0, at + 1)) known.set(idOf(shipped), "");
  return known;
}

function isPending(shipped: PlannedMigration, applied: ReadonlyMap<string, string>): boolean {
  const checksum = applied.get(idOf(shipped));
  if (checksum === undefined) return true;
  const { again, checksum: now } = shipped.recordedAs ?? {};
  return again === "always" || (again === "when-changed" && (now ?? shipped.checksum) !== checksum);
}

/** Where the record is one number, only the release before tells what it stands for. */
function removedOf(
  release: PlannedRelease,
  { applied, recorded }: Told,
  previous: PlannedRelease | undefined,
): readonly string[] {
  const shipped = new Set([...release.migrations.map(idOf), ...release.leftOut.map(({ name }) => name)]);
  const held = recorded.upTo === undefined ? applied.map(({ id }) => id) : (previous?.migrations ?? []).map(idOf);
  return held.filter((id) => !shipped.has(id));
}

/** What was so at the stop before has been said there. */
function isNews(note: Finding, release: PlannedRelease, previous: PlannedRelease | undefined): boolean {
  if (previous === undefined) return true;
  const [now, then] = [release, previous].map(({ migrations }) =>
    migrations.find((shipped) => shipped.name === note.migration || idOf(shipped) === note.migration),
  );
  // Of what is gone, that the one before had it; of what is there, that it had it not, or otherwise.
  return now === undefined ? then !== undefined : then?.checksum !== now.checksum;
}

/** Told by the record where that holds checksums, else by what the release before had shipped. */
function editedOf(
  release: PlannedRelease,
  applied: ReadonlyMap<string, string>,
  previous: PlannedRelease | undefined,
): readonly PlannedMigration[] {
  const before = new Map((previous?.migrations ?? []).map((shipped) => [idOf(shipped), shipped.checksum]));
  return release.migrations.filter((shipped) => {
    const then = applied.get(idOf(shipped));
    if (then === undefined || shipped.recordedAs?.again !== undefined) return false;
    if (then !== "") return then !== (shipped.recordedAs?.checksum ?? shipped.checksum);
    const known = before.get(idOf(shipped));
    return known !== undefined && known !== shipped.checksum;
  });
}

/** New ones that stand before the newest one applied. */
function lateOf(
  release: PlannedRelease,
  new_: readonly PlannedMigration[],
  applied: ReadonlyMap<string, string>,
  previous: PlannedRelease | undefined,
  { recorded }: Told,
): readonly PlannedMigration[] {
  const { passed, upTo } = recorded;
  if (passed !== undefined)
    return new_.filter((shipped) => passed({ id: idOf(shipped), facts: shipped.recordedAs?.facts ?? {} }));
  const before = new Set(previous?.migrations.map(idOf));
  // A record of one version takes all below it for applied: only the release before tells what was.
  if (upTo !== undefined)
    return release.migrations.filter(
      (shipped) => previous !== undefined && applied.has(idOf(shipped)) && !before.has(idOf(shipped)),
    );
  const newest = release.migrations.findLastIndex(
    (shipped) => applied.has(idOf(shipped)) && shipped.recordedAs?.again === undefined,
  );
  return new_.filter(
    (shipped) => shipped.recordedAs?.again === undefined && release.migrations.indexOf(shipped) < newest,
  );
}

function lateInWords(name: string, { migrator }: Told): string {
  const older = `"${name}" is older than what was applied before it was shipped`;
  if (migrator.late === "skip") return `${older}: ${migrator.title} never runs it`;
  if (migrator.late === "run") return `${older}: ${migrator.title} runs it out of its order`;
  return `${older} (where the product allows that, say late: "run")`;
}
