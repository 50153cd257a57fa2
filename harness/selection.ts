import { relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { EngineName } from "./database.ts";
import type { Dump } from "./dump.ts";
import { HarnessError } from "./errors.ts";
import { endsInWords, membersOf, setInWords } from "./path-sets.ts";
import { refusePath, refuseWhatCannotBe } from "./refusals.ts";
import { fileOf, isSet, nameOf, optionsOf, type PathSet, type Scenario, type UpgradePath } from "./scenario.ts";
import { clean } from "./verdict.ts";

/** A path to rehearse beside or instead of the scenario's own. */
export interface Selection {
  readonly name: string;
  readonly path: UpgradePath;
  /** The set that it is one of, as it was asked for; missing: a path that somebody wrote out. */
  readonly set?: string;
  /** What whoever reads of that set should know: that it is a sample, and of what. */
  readonly remark?: string;
}

/**
 * The scenario's own paths, numbered from 1. A set has one number, behind which the ends tell its paths from each other:
 * `users#2:1.0..1.2`.
 *
 * Where sets are sampled, `readSamples` comes first.
 */
export function pathsOf(scenario: Scenario): readonly Selection[] {
  refuseWhatCannotBe(scenario);
  return scenario.paths.flatMap((path, i): readonly Selection[] => {
    const name = `${nameOf(scenario)}#${i + 1}`;
    return isSet(path) ? membersNamed(path, { scenario, name }) : [{ name, path }];
  });
}

function membersNamed(
  set: PathSet,
  { scenario, name }: { readonly scenario: Scenario; readonly name: string },
): readonly Selection[] {
  const { paths, remark } = membersOf(set, scenario.chain);
  return paths.map((path) => ({
    name: set.every === "stepwise" ? name : `${name}:${endsInWords(path)}`,
    path,
    set: setInWords(set),
    ...(remark !== undefined && { remark }),
  }));
}

/** Of paths that no scenario holds: the options behind its name by which they are found again. */
const foundBy = new WeakMap<UpgradePath, string>();

/** Tells how a path is asked for that no scenario holds: `--paths 1.0..1.2`. */
export function askedAs(path: UpgradePath, options: string): void {
  foundBy.set(path, options);
}

/** The same path on fewer engines, and found again as before. */
export function onEngines(path: UpgradePath, engines: readonly EngineName[]): UpgradePath {
  const narrowed = { ...path, engines };
  const found = foundBy.get(path);
  if (found !== undefined) foundBy.set(narrowed, found);
  return narrowed;
}

/** The scenario's paths between two releases; where it has none, the path that they make, expected to be clean. */
export function pathsBetween(
  scenario: Scenario,
  from: string | undefined,
  to: string | undefined,
): readonly Selection[] {
  // Of a chain that nobody has prepared, whoever names a start asks for the jump.
  const isJump = from !== undefined && optionsOf(scenario) !== undefined;
  const own = (isJump ? [] : pathsOf(scenario)).filter(
    ({ path }) => (from ?? path.from) === path.from && (to ?? path.to) === path.to,
  );
  if (own.length > 0) return own;
  const newest = scenario.chain.findLast(({ insteadOf }) => insteadOf === undefined)?.name ?? "";
  const path: UpgradePath = { ...(from !== undefined && { from }), to: to ?? newest, expect: clean };
  const name = `${nameOf(scenario)}#${from ?? ""}..${path.to}`;
  refusePath(scenario, path, `"${name}"`);
  return [{ name, path }];
}

/** The path that goes on from a dump; without `from`, its own record tells where it stands. */
export function pathFromDump(
  scenario: Scenario,
  dump: Dump,
  from: string | undefined,
  to: string | undefined,
): Selection {
  refuseWhatCannotBe(scenario);
  const newest = scenario.chain.findLast(({ insteadOf }) => insteadOf === undefined)?.name ?? "";
  const engines = scenario.engines.filter((engine) => dump.engines.includes(engine));
  const name = `${nameOf(scenario)}#${from ?? ""}..${to ?? newest}`;
  if (engines.length === 0) {
    const why = `"${dump.file}" is a dump of ${dump.engines.join(" or ")}, and the scenario is for ${scenario.engines.join(", ")}`;
    throw new HarnessError("bad-input", `Cannot rehearse "${name}": ${why}`);
  }
  const url = pathToFileURL(resolve(dump.file));
  const path: UpgradePath = {
    ...(from !== undefined && { from }),
    dump: url,
    to: to ?? newest,
    engines,
    expect: clean,
  };
  refusePath(scenario, path, `"${name}"`);
  return { name, path };
}

/** A scenario under `scenarios/` is found by its name, another by its file. */
export function replayOf(scenario: Scenario, name: string, path: UpgradePath): string {
  const { from, to, dump } = path;
  const known = nameOf(scenario);
  const [number = ""] = /^#\d+(?::.*)?$/s.exec(name.slice(known.length)) ?? [];
  const file = fileOf(scenario);
  const byName = file === undefined || file.startsWith(resolve("scenarios") + sep);
  const what = `${byName ? known : relative(process.cwd(), file)}${number}`;
  const options = optionsOf(scenario) ?? "";
  const asked = foundBy.get(path);
  if (asked !== undefined) return [quotedArgument(what), options, asked].filter(Boolean).join(" ");
  const between =
    number === "" ? `${from === undefined ? "" : ` --from ${quotedArgument(from)}`} --to ${quotedArgument(to)}` : "";
  const start =
    number === "" && dump !== undefined
      ? ` --dump ${quotedArgument(relative(process.cwd(), fileURLToPath(dump)))}`
      : "";
  return `${quotedArgument(what)}${options === "" ? "" : ` ${options}`}${between}${start}`;
}

/** Text as a shell takes it for one argument. */
export function quotedArgument(text: string): string {
  return /^[\w@%+=:,./#-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
