import { relative, resolve, sep } from "node:path";
import { refusePath, refuseWhatCannotBe } from "./refusals.ts";
import { fileOf, nameOf, optionsOf, type Scenario, type UpgradePath } from "./scenario.ts";
import { clean } from "./verdict.ts";

/** A path to rehearse beside or instead of the scenario's own. */
export interface Selection {
  readonly name: string;
  readonly path: UpgradePath;
}

/** The scenario's own paths, numbered from 1. */
export function pathsOf(scenario: Scenario): readonly Selection[] {
  refuseWhatCannotBe(scenario);
  return (scenario.paths as readonly UpgradePath[]).map((path, i) => ({ name: `${nameOf(scenario)}#${i + 1}`, path }));
}

/** The scenario's paths between two releases; where it has none, the path that they make, expected to be clean. */
export function pathsBetween(
  scenario: Scenario,
  from: string | undefined,
  to: string | undefined,
): readonly Selection[] {
  const own = pathsOf(scenario).filter(({ path }) => (from ?? path.from) === path.from && (to ?? path.to) === path.to);
  if (own.length > 0) return own;
  const newest = scenario.chain.findLast(({ insteadOf }) => insteadOf === undefined)?.name ?? "";
  const path: UpgradePath = { ...(from !== undefined && { from }), to: to ?? newest, expect: clean };
  const name = `${nameOf(scenario)}#${from ?? ""}..${path.to}`;
  refusePath(scenario, path, `"${name}"`);
  return [{ name, path }];
}

/** A scenario under `scenarios/` is found by its name, another by its file. */
export function replayOf(scenario: Scenario, name: string, { from, to }: UpgradePath): string {
  const [known, number = ""] = [nameOf(scenario), /#\d+$/.exec(name)?.[0]];
  const file = fileOf(scenario);
  const byName = file === undefined || file.startsWith(resolve("scenarios") + sep);
  const what = `${byName ? known : relative(process.cwd(), file)}${number}`;
  const options = optionsOf(scenario) ?? "";
  const between =
    number === "" ? `${from === undefined ? "" : ` --from ${quotedArgument(from)}`} --to ${quotedArgument(to)}` : "";
  return `${quotedArgument(what)}${options === "" ? "" : ` ${options}`}${between}`;
}

/** Text as a shell takes it for one argument. */
export function quotedArgument(text: string): string {
  return /^[\w@%+=:,./#-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
