import type { EngineName } from "./database.ts";
import type { Dump } from "./dump.ts";
import { HarnessError, knownNames } from "./errors.ts";
import type { Wanted } from "./load.ts";
import type { Scenario } from "./scenario.ts";
import { pathFromDump, pathsBetween, pathsOf, type Selection } from "./selection.ts";

interface Asked {
  readonly engine?: readonly EngineName[] | undefined;
  readonly from?: string;
  readonly to?: string;
  /** What a path starts from instead of an install. */
  readonly dump?: Dump | undefined;
}

/**
 * The paths that were asked for, by number, by their ends and by engine.
 *
 * @throws {HarnessError} `bad-input` for what leaves nothing to rehearse
 */
export function chosenPaths(
  wanted: readonly Wanted[],
  { engine, from, to, dump }: Asked,
): ReadonlyMap<Scenario, readonly Selection[]> {
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
  if (dump !== undefined) refuseDump(dump, engine, passing);
  for (const { scenario, only } of passing) {
    if (dump !== undefined) {
      chosen.set(scenario, [pathFromDump(scenario, dump, from, to)]);
      continue;
    }
    const paths = asked.length === 0 || only !== undefined ? pathsOf(scenario) : pathsBetween(scenario, from, to);
    chosen.set(scenario, only === undefined ? paths : paths.filter(({ name }) => only.has(name)));
  }
  return chosen;
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
