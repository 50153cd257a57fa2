import { type EngineName, type ReleaseParts, rehearse, type Scenario, type Seeder } from "migration-sandbox";
import { openStage } from "../../harness/sandbox.ts";
import { pathsOf, type Selection } from "../../harness/selection.ts";
import { sharedServer } from "../stage.ts";

/**
 * Rehearses a changed copy of a scenario and tells which of its paths no longer meet their expectation, as `#4`. A
 * change that leaves the harness unable to tell proves nothing: that is `#4 inconclusive`.
 */
export async function unmet(
  scenario: Scenario,
  { engine = "postgres" }: { readonly engine?: EngineName } = {},
): Promise<readonly string[]> {
  const stage = await openStage(await sharedServer(engine));
  try {
    const { rehearsals } = await rehearse([scenario], {
      engines: [engine],
      stage: async () => stage,
      select: concerned,
    });
    return rehearsals
      .filter(({ met }) => !met)
      .map(({ name, verdict }) => {
        const number = name.slice(name.lastIndexOf("#"));
        return verdict.outcome === "inconclusive" ? `${number} inconclusive` : number;
      });
  } finally {
    await stage.leave();
  }
}

/** Releases that are other ones in a changed copy. */
const changed = new WeakMap<Scenario, ReadonlySet<string>>();

/**
 * The paths that stop at a release that was changed: others are what they were. Whoever accepts findings walks all, to tell which of
 * them no path has shown.
 */
function concerned(scenario: Scenario): readonly Selection[] {
  const names = changed.get(scenario);
  if (names === undefined || scenario.known !== undefined) return pathsOf(scenario);
  return pathsOf(scenario).filter(({ path: { from, via = [], to } }) =>
    [from, ...via, to].some((name) => name !== undefined && names.has(name)),
  );
}

/** The scenario with something else in one of its releases. */
export function withRelease(scenario: Scenario, name: string, parts: Partial<ReleaseParts>): Scenario {
  if (!scenario.chain.some((release) => release.name === name)) throw new Error(`There is no release "${name}"`);
  const chain = scenario.chain.map((release) => (release.name === name ? { ...release, ...parts } : release));
  const copy = { ...scenario, chain };
  changed.set(copy, new Set([...(changed.get(scenario) ?? []), name]));
  return copy;
}

/** The scenario with something else sown wherever a path sows this. */
export function withSeeder(scenario: Scenario, from: Seeder, to: Seeder): Scenario {
  const paths = scenario.paths.map((path) => ("with" in path && path.with === from ? { ...path, with: to } : path));
  if (!paths.some((path, i) => path !== scenario.paths[i])) throw new Error(`No path sows "${from.name}"`);
  return { ...scenario, paths };
}
