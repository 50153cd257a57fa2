import { takesNothingBack } from "./down-runner.ts";
import { hasWayBack, isRunAgain } from "./downs.ts";
import type { Said } from "./journey.ts";
import { type Journeying, Legs, type Made } from "./legs.ts";
import type { PlannedRelease } from "./planned-release.ts";
import { emptySnapshot } from "./snapshot.ts";
import type { Standing } from "./standing.ts";
import type { StepOptions } from "./step.ts";
import type { Finding } from "./verdict.ts";

/**
 * Takes a hop back and makes it again, each leg on new connections and in clones: after the way back all is to be as before the
 * hop, after the second way there as behind it. Where there are no ways back, nothing is said.
 *
 * @throws {HarnessError} `timed-out`, `server-lost` and the like
 */
export function backAndForth(hop: Made, options: StepOptions): Promise<Said> {
  return judged({ ...hop, searches: true, comparesRows: true }, options);
}

/**
 * The same for all that a path has run: down to where it began, and up again to its end. Rows are compared only where nobody has
 * sown any, since what was sown on the way goes with its tables.
 *
 * @param known what was found hop by hop: it is not told once more
 */
export async function allTheWayBack(
  at: Pick<Standing, "sandbox" | "now" | "hops" | "first" | "by" | "origins" | "started">,
  options: StepOptions,
  known: readonly Finding[] = [],
): Promise<Said> {
  const release = at.started?.step.release;
  if (release === undefined) return nothing;
  const applied = [...new Set(at.hops.flatMap(({ migrations }) => migrations.map(({ name }) => name)))];
  const before = at.hops[0]?.from === null ? emptySnapshot : at.first;
  const comparesRows = ![at.by, ...at.origins.map(({ by }) => by)].includes("seeder");
  const made = { before, at, release, last: undefined, applied, searches: false, comparesRows };
  const { findings, notes } = await judged(made, options);
  const isNew = ({ code, table, column }: Finding) =>
    !known.some((one) => one.code === code && one.table === table && one.column === column);
  const all = findings.filter(isNew);
  return {
    findings: all.map((finding) => ({ ...finding, message: `all the way back and up again: ${finding.message}` })),
    notes: notes.filter(isNew),
  };
}

const nothing: Said = { findings: [], notes: [] };

async function judged(hop: Journeying, options: StepOptions): Promise<Said> {
  const { release, applied, at } = hop;
  const { driver, migrations } = release;
  if (applied.length === 0 || (driver === undefined && !migrations.some(hasWayBack))) return nothing;
  if (takesNothingBack(release)) return { findings: [], notes: [notRun(release)] };
  const names = new Map(migrations.map((migration) => [migration.name, migration]));
  const lacks = (name: string) => {
    const migration = names.get(name);
    return migration === undefined || !(hasWayBack(migration) || isRunAgain(migration));
  };
  const stop = applied.findLastIndex(lacks);
  const shipped = (some: readonly string[]) => some.flatMap((name) => names.get(name) ?? []);
  const [ran, back] = [shipped(applied), shipped(applied.slice(stop + 1)).filter(hasWayBack)];
  const legs = new Legs(hop, options);
  try {
    const isWhole = stop < 0;
    const said = back.length === 0 ? nothing : await legs.thereAndBack(back, isWhole ? ran : undefined);
    // What ran before the one that has no way back is judged by itself.
    const others = isWhole || !ran.some(hasWayBack) ? nothing : await legs.searched(ran);
    return {
      findings: [...said.findings, ...others.findings.filter((one) => !isTold(one, said.findings))],
      notes: [...said.notes, ...others.notes, ...applied.filter(lacks).map((name) => missing(name, release))],
    };
  } finally {
    await at.now.close();
    await legs.end();
  }
}

function isTold(one: Finding, told: readonly Finding[]): boolean {
  const alike = ({ code, migration, table }: Finding) => JSON.stringify([code, migration, table]);
  return told.some((other) => alike(other) === alike(one));
}

function notRun({ name: release, migrator, driver }: PlannedRelease): Finding {
  const { title = "" } = migrator ?? driver ?? {};
  const message = `what ${release} ran was not taken back: nothing here does that for ${title}`;
  return { code: "down-not-run", release, message };
}

function missing(migration: string, { name: release, migrations }: PlannedRelease): Finding {
  const isShipped = migrations.some(({ name }) => name === migration);
  const why = isShipped ? "has no way back" : `is not shipped by ${release}, so there is no way back`;
  return { code: "down-missing", release, migration, message: `"${migration}" ${why}: what ran up to it stays` };
}
