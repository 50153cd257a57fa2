import { type Bounds, pathsInSets } from "./asked-sets.ts";
import type { EngineName } from "./database.ts";
import type { Dump } from "./dump.ts";
import { HarnessError, knownNames } from "./errors.ts";
import type { Wanted } from "./load.ts";
import { readSamples } from "./samples.ts";
import type { Scenario } from "./scenario.ts";
import { pathFromDump, pathsBetween, pathsOf, type Selection } from "./selection.ts";

interface Asked extends Bounds {
  readonly engine?: readonly EngineName[] | undefined;
  /** Sets of paths in place of a scenario's own. */
  readonly paths?: readonly string[];
  /** What a path starts from instead of an install. */
  readonly dump?: Dump | undefined;
}

/**
 * The paths that were asked for, by number, by sets, by their ends and by engine.
 *
 * @throws {HarnessError} `bad-input` for what leaves nothing to rehearse
 */
export async function chosenPaths(
  wanted: readonly Wanted[],
  { engine, paths: sets, from, to, dump }: Asked,
): Promise<ReadonlyMap<Scenario, readonly Selection[]>> {
  const scenarios = wanted.filter(
    ({ scenario }) => engine === undefined || scenario.engines.some((name) => engine.includes(name)),
  );
  if (scenarios.length === 0) {
    const named = [...new Set(wanted.flatMap(({ scenario }) => scenario.engines))];
    throw new HarnessError(
      "bad-input",
      `Cannot rehearse on ${engine?.join(", ")}: no scenario that was asked for names it (they name ${named.join(", ")})`,
    );
  }
  const asked = [from, to].filter((name) => name !== undefined);
  const passing = scenarios.filter(({ scenario }) => asked.every((name) => releasesOf(scenario).includes(name)));
  if (passing.length === 0) throw unknownRelease(scenarios, asked);
  const chosen = new Map<Scenario, readonly Selection[]>();
  if (sets !== undefined) refuseSets(sets, dump, passing);
  if (dump !== undefined) refuseDump(dump, engine, passing);
  const bounds = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
  for (const { scenario, only } of passing) {
    if (sets !== undefined) {
      chosen.set(scenario, await pathsInSets(scenario, sets, bounds));
      continue;
    }
    if (dump !== undefined) {
      chosen.set(scenario, [pathFromDump(scenario, dump, from, to)]);
      continue;
    }
    await readSamples(scenario);
    const paths = asked.length === 0 || only !== undefined ? pathsOf(scenario) : pathsBetween(scenario, from, to);
    chosen.set(scenario, only === undefined ? paths : paths.filter(({ name }) => only.has(name)));
  }
  return chosen;
}

/** Sets are made of releases: not of a path that stands there already, nor of what somebody's dump is. */
function refuseSets(sets: readonly string[], dump: Dump | undefined, passing: readonly Wanted[]): void {
  const cannot = `Cannot rehearse --paths ${sets.join(" --paths ")}`;
  const [numbered] = passing.flatMap(({ only }) => [...(only ?? [])]);
  if (numbered !== undefined) {
    const why = `"${numbered}" is a path of its own, and a set is made of all releases (leave one of the two out)`;
    throw new HarnessError("bad-input", `${cannot}: ${why}`);
  }
  if (dump === undefined) return;
  const why = `"${dump.file}" stands at one release, and a set starts from many (leave one of the two out)`;
  throw new HarnessError("bad-input", `${cannot}: ${why}`);
}

function refuseDump(dump: Dump, engine: readonly EngineName[] | undefined, passing: readonly Wanted[]): void {
  const cannot = `Cannot rehearse from "${dump.file}"`;
  const numbered = passing.find(({ only }) => only !== undefined);
  if (numbered !== undefined) {
    const way = "name the releases: --from <release> --to <release>";
    throw new HarnessError(
      "bad-input",
      `${cannot}: a path of its own begins with it, and not ${[...(numbered.only ?? [])].join(", ")} (${way})`,
    );
  }
  if (engine === undefined || engine.some((name) => dump.engines.includes(name))) return;
  const why = `it is a dump of ${dump.engines.join(" or ")}, and ${engine.join(", ")} was asked for`;
  throw new HarnessError("bad-input", `${cannot}: ${why}`);
}

function releasesOf({ chain }: Scenario): readonly string[] {
  return Array.isArray(chain) ? chain.map(({ name }) => name) : [];
}

function unknownRelease(scenarios: readonly Wanted[], asked: readonly string[]): HarnessError {
  const names = [...new Set(scenarios.flatMap(({ scenario }) => releasesOf(scenario)))];
  const unknown = asked.find((name) => !names.includes(name));
  if (unknown === undefined)
    return new HarnessError("bad-input", `Cannot rehearse ${asked.join(" → ")}: no one scenario has both releases`);
  return new HarnessError(
    "bad-input",
    `Cannot rehearse: no scenario has a release "${unknown}" (${knownNames(unknown, names)})`,
  );
}
