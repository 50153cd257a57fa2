import type { Release } from "./chain.ts";
import { knownNames } from "./errors.ts";
import { membersOf, plainSets, refuseSetOf, setInWords } from "./path-sets.ts";
import { refusePath, refuseWhatCannotBe } from "./refusals.ts";
import { bad } from "./refusing.ts";
import { readSamples } from "./samples.ts";
import { nameOf, type PathSet, type Scenario, stopsOf, type UpgradePath } from "./scenario.ts";
import { askedAs, quotedArgument, type Selection } from "./selection.ts";
import { clean } from "./verdict.ts";

/** The oldest start and the newest end of sets. */
export interface Bounds {
  readonly from?: string;
  readonly to?: string;
}

/**
 * The paths of sets as somebody types them, in place of those that a scenario holds; all are expected to be clean. A path
 * that is in several of them is walked once.
 *
 * @throws {HarnessError} `bad-input`
 */
export async function pathsInSets(
  scenario: Scenario,
  asked: readonly string[],
  bounds: Bounds,
): Promise<readonly Selection[]> {
  refuseWhatCannotBe(scenario);
  const paths = new Map<string, Selection>();
  for (const text of asked)
    for (const selection of await pathsIn(text, scenario, bounds))
      if (!paths.has(selection.name)) paths.set(selection.name, selection);
  return [...paths.values()];
}

async function pathsIn(text: string, scenario: Scenario, bounds: Bounds): Promise<readonly Selection[]> {
  const where = `"${nameOf(scenario)}", --paths ${text}`;
  const asked = parsed(text, scenario.chain, where);
  if (Array.isArray(asked)) {
    if (bounds.from !== undefined || bounds.to !== undefined)
      throw bad(where, "a range has its own ends (leave out --from and --to)");
    const path = pathThrough(asked, scenario);
    refusePath(scenario, path, where);
    return [selectionOf(path, scenario, text)];
  }
  const set: PathSet = { ...(asked as Omit<PathSet, "expect">), ...bounds, expect: clean };
  refuseSetOf(set, scenario.chain, where);
  await readSamples({ ...scenario, paths: [set] });
  const { paths, remark } = membersOf(set, scenario.chain);
  return paths.map((path) => ({
    ...(set.every === "stepwise" && path.from !== undefined
      ? stepwise(path, scenario, bounds)
      : selectionOf(path, scenario, setInWords(set))),
    ...(remark !== undefined && { remark }),
  }));
}

/** Stops from a fresh install on; a missing start means that the end is installed, a missing end the newest release. */
function pathThrough(stops: readonly string[], { chain }: Scenario): UpgradePath {
  const newest = chain.findLast(({ insteadOf }) => insteadOf === undefined)?.name ?? "";
  const [from = "", ...via] = stops.slice(0, -1);
  const to = stops.at(-1) || newest;
  return { ...(from !== "" && { from }), ...(via.length > 0 && { via }), to, expect: clean };
}

function selectionOf(path: UpgradePath, scenario: Scenario, set: string): Selection {
  const range = [...(path.from === undefined ? [""] : []), ...stopsOf(path)].join("..");
  askedAs(path, `--paths ${quotedArgument(range)}`);
  return { name: `${nameOf(scenario)}#${range}`, path, set };
}

/** One path with so many stops that nobody would type them. */
function stepwise(path: UpgradePath, scenario: Scenario, bounds: Bounds): Selection {
  const options = Object.entries(bounds).map(([end, release]) => `--${end} ${quotedArgument(release)}`);
  askedAs(path, ["--paths stepwise", ...options].join(" "));
  return { name: `${nameOf(scenario)}#stepwise:${path.from}..${path.to}`, path, set: "stepwise" };
}

/** A set as it is typed; the stops of a range are a list. */
function parsed(
  text: string,
  chain: readonly Release[],
  where: string,
): readonly string[] | Pick<PathSet, "every" | "sample"> {
  const isName = (part: string) => chain.some(({ name }) => name === part);
  const [, head = text, count] = /^(.*):(\d+)$/s.exec(text) ?? [];
  const word = plainSets.find((known) => known === text || known === head);
  if (word !== undefined) return { every: word, ...(word !== text && { sample: Number(count) }) };
  const stops = /^via[: ](.*)$/s.exec(text)?.[1];
  if (stops !== undefined) {
    const whole = partsOf(stops, ",", isName);
    if (whole !== undefined) return { every: { via: whole } };
    const some = count === undefined ? undefined : partsOf(stops.slice(0, -count.length - 1), ",", isName);
    // Which of them there is not is for others to say.
    return some === undefined
      ? { every: { via: stops.split(",").map((stop) => stop.trim()) } }
      : { every: { via: some }, sample: Number(count) };
  }
  // An open end is an end, too.
  if (text.includes("..")) return partsOf(text, "..", (part) => part === "" || isName(part)) ?? text.split("..");
  const known = knownNames(head, plainSets);
  throw bad(where, `there is no set "${text}" (${known}; or via:<stop>,<stop>, or <from>..<to>)`);
}

/** Names may hold what stands between them: only what the chain knows is a part, and of two the longer. */
function partsOf(text: string, between: string, isPart: (part: string) => boolean): readonly string[] | undefined {
  if (isPart(text)) return [text];
  for (let at = text.lastIndexOf(between); at >= 0; at = at === 0 ? -1 : text.lastIndexOf(between, at - 1)) {
    const first = text.slice(0, at);
    const rest = isPart(first) ? partsOf(text.slice(at + between.length), between, isPart) : undefined;
    if (rest !== undefined) return [first, ...rest];
  }
  return undefined;
}
