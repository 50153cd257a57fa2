import type { Recorded } from "./migrator.ts";
import { type Pending, pendingOf, type Told } from "./pending.ts";
import type { Plan, PlannedPath, State } from "./plan.ts";
import { type PlannedMigration, type PlannedRelease, recordTablesOf } from "./planned-release.ts";

/** What one hop of a path will run, told without a server. */
export interface PlannedHop {
  readonly from: string | undefined;
  readonly to: string;
  readonly pending: readonly string[];
  /** Why the release's tool will run nothing at all. */
  readonly refusal?: string;
  /** Number of the path by which this hop is walked already, if it is not walked by this one. */
  readonly walkedBy?: string;
}

/** The hops of every path with their pending migrations in order, as far as that can be told before there is a record. */
export function hopsOf(plan: Plan): ReadonlyMap<PlannedPath, readonly PlannedHop[]> {
  const walkers = new Map<State, string>();
  const trails = trailsIn(plan.roots);
  return new Map(
    plan.paths.map((path) => {
      const ledger: Ledger = new Map();
      const hops = (trails.get(path) ?? []).flatMap((state): readonly PlannedHop[] => {
        const walkedBy = walkers.get(state);
        if (walkedBy === undefined) walkers.set(state, path.name);
        const hop = hopOf(state, ledger);
        return hop === undefined ? [] : [{ ...hop, ...(walkedBy !== undefined && { walkedBy }) }];
      });
      return [path, hops];
    }),
  );
}

/** The states that each path passes through, in order. */
function trailsIn(roots: readonly State[]): ReadonlyMap<PlannedPath, readonly State[]> {
  const parents = new Map<State, State | undefined>(roots.map((root) => [root, undefined]));
  const trails = new Map<PlannedPath, readonly State[]>();
  // States are added while they are gone through.
  for (const [state] of parents) {
    for (const child of state.children) parents.set(child, state);
    for (const path of state.ends) {
      const trail: State[] = [];
      for (let at: State | undefined = state; at !== undefined; at = parents.get(at)) trail.push(at);
      trails.set(path, trail.reverse());
    }
  }
  return trails;
}

/** What each tool will have recorded, oldest first; one that takes over from another begins with nothing. */
type Ledger = Map<string, Noted[]>;

interface Noted {
  readonly id: string;
  readonly checksum?: string;
  /** When it was made, of tools that compare that. */
  readonly when?: number;
}

function hopOf({ step }: State, ledger: Ledger): PlannedHop | undefined {
  if (step.kind === "sow" || step.kind === "use") return undefined;
  const { release } = step;
  const noted = notedBy(release, ledger);
  const driven = release.driven.map((name) => ({ name, id: name }));
  if (step.kind === "restore") {
    // What the dump's own record says is known once it is restored.
    noted.push(...driven, ...release.migrations.flatMap(toNote));
    return undefined;
  }
  const known = new Set(noted.map(({ id }) => id));
  const news = driven.filter(({ id }) => !known.has(id));
  const { migrations, refusal }: Pick<Pending, "migrations" | "refusal"> =
    release.driver === undefined ? pendingOf(release, recordOf(release, noted), step) : { migrations: [] };
  noted.push(...news, ...migrations.flatMap(toNote));
  return {
    from: step.last?.name,
    to: release.name,
    pending: [...migrations, ...news].map(({ name }) => name),
    ...(refusal !== undefined && { refusal: refusal.message }),
  };
}

function notedBy(release: PlannedRelease, ledger: Ledger): Noted[] {
  const book = recordTablesOf(release).join() || (release.driver?.title ?? "");
  const noted = ledger.get(book) ?? [];
  ledger.set(book, noted);
  return noted;
}

function toNote({ name, checksum, recordedAs }: PlannedMigration): readonly Noted[] {
  const { id = name, checksum: told = checksum, facts, again } = recordedAs ?? {};
  // What runs in every hop is in no record.
  if (again === "always") return [];
  return [{ id, checksum: told, ...(typeof facts?.when === "number" && { when: facts.when }) }];
}

/** The record as the tool will read it when the hop begins. */
function recordOf(release: PlannedRelease, noted: readonly Noted[]): Told {
  const migrator: Rules = release.migrator ?? ours;
  // Of what was run twice, the last time counts.
  const applied = [...new Map(noted.map((one) => [one.id, one])).values()];
  return { migrator, applied, recorded: recordedBy(migrator, noted) };
}

type Rules = Told["migrator"];

/** Without a tool's, the rules are ours. */
const ours: Rules = { title: "migration-sandbox", late: "run", edited: "ignore", removed: "ignore" };

/** Tools that skip what comes late compare with the newest alone: by the time that it was made, or by where it stands. */
function recordedBy({ late }: Rules, applied: readonly Noted[]): Recorded {
  const newest = applied.at(-1);
  if (late !== "skip" || newest === undefined) return { applied };
  if (newest.when === undefined) return { applied: [], upTo: newest.id };
  const since = Math.max(...applied.map(({ when = 0 }) => when));
  return { applied, passed: ({ facts }) => Number(facts.when) <= since };
}
