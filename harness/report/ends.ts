import pc from "picocolors";
import { outcomesOf } from "../outcomes.ts";
import type { EndGroup, EndsCompared, Rehearsal } from "../rehearsal.ts";
import type { Finding } from "../verdict.ts";
import { inRanges, wrapped } from "./alike.ts";
import { findingInShort, pathInWords } from "./pretty.ts";
import { sidesInWords } from "./sides.ts";

interface Telling {
  /** Those whose ends were compared: they tell what paths their names stand for. */
  readonly rehearsals: readonly Rehearsal[];
  /** How wide the terminal is, where there is one. */
  readonly columns?: number | undefined;
}

/** Where several paths came to one release: which agree, and in what the others differ. Each cause is told once. */
export function ends(compared: readonly EndsCompared[], { rehearsals, columns = 80 }: Telling): string {
  const several = compared.filter(({ groups }) => pathsOf(groups).length > 1);
  const room = Math.max(columns, 40);
  return [...new Set(several.map(placeOf))]
    .map((place) => {
      const here = several.filter((each) => placeOf(each) === place);
      const walked = rehearsals.filter((rehearsal) => placeOf(rehearsal) === place);
      const [{ scenario, engine } = { scenario: "", engine: "" }] = here;
      return [
        `\n${pc.bold(scenario)}  ends compared  ${pc.dim(engine)}`,
        ...agreeing(here, walked),
        ...here.filter(({ groups }) => groups.length > 1).flatMap((each) => differing(each, walked, room)),
      ].join("\n");
    })
    .join("\n");
}

function placeOf({ scenario, engine }: Pick<EndsCompared, "scenario" | "engine">): string {
  return JSON.stringify([scenario, engine]);
}

function pathsOf(groups: readonly EndGroup[]): readonly string[] {
  return groups.flatMap(({ paths }) => paths);
}

function agreeing(compared: readonly EndsCompared[], walked: readonly Rehearsal[]): readonly string[] {
  const alike = compared.filter(({ groups }) => groups.length === 1);
  if (alike.length === 0) return [];
  const count = alike.flatMap(({ groups }) => pathsOf(groups)).length;
  const releases = alike.map(({ release }) => release);
  return [pc.dim(`  all ${count} ends at ${inRanges(releases, orderOf(walked, releases))} agree`)];
}

/** Releases as their paths order them; those of no set stand where they were told. */
function orderOf(walked: readonly Rehearsal[], told: readonly string[]): readonly string[] {
  return [...new Set([...outcomesOf(walked).releases, ...told])];
}

function differing({ release, groups }: EndsCompared, walked: readonly Rehearsal[], room: number): readonly string[] {
  const [first, ...others] = groups;
  const named = (some: readonly EndGroup[]) => inWords(pathsOf(some), walked);
  const differ = others.some(({ findings }) => findings.length > 0);
  const sign = differ ? pc.red("✗") : pc.green("✓");
  const head = `ends at ${release} ${differ ? "differ" : "agree, but for what is known"}`;
  const causes = causesOf(others);
  return [
    `  ${sign} ${head}`,
    ...wrapped(
      `    ${named(first === undefined ? [] : [first])} ${pathsOf(groups.slice(0, 1)).length === 1 ? "comes" : "come"} to one end (-)`,
      room,
    ),
    ...causes.flatMap(({ of, findings, notes }) => [
      ...wrapped(`    ${named(of)} ${pathsOf(of).length === 1 ? "comes" : "come"} to another (+)`, room),
      ...findings.flatMap((finding) => difference(finding, room)),
      ...notes.flatMap((note) => wrapped(`      known: ${findingInShort(note)}  ${note.message}`, room).map(pc.dim)),
    ]),
  ];
}

function difference(finding: Finding, room: number): readonly string[] {
  const { sides, message } = finding;
  return [
    ...wrapped(`      ${findingInShort(finding)}  ${message}`, room),
    ...(sides === undefined ? [] : sidesInWords(sides, room - 8).map((line) => `        ${line}`)),
  ];
}

interface Cause {
  readonly of: readonly EndGroup[];
  readonly findings: readonly Finding[];
  readonly notes: readonly Finding[];
}

/** What several groups have in common is told once, of all of them. */
function causesOf(groups: readonly EndGroup[]): readonly Cause[] {
  const told = new Map<string, { readonly finding: Finding; readonly isKnown: boolean; readonly of: EndGroup[] }>();
  for (const group of groups) {
    for (const [isKnown, found] of [
      [false, group.findings],
      [true, group.notes],
    ] as const) {
      for (const finding of found) {
        const key = JSON.stringify([isKnown, finding]);
        const each = told.get(key) ?? { finding, isKnown, of: [] };
        told.set(key, each);
        each.of.push(group);
      }
    }
  }
  const causes = new Map<string, { of: readonly EndGroup[]; findings: Finding[]; notes: Finding[] }>();
  for (const { finding, isKnown, of } of told.values()) {
    const key = JSON.stringify(of.map((group) => groups.indexOf(group)));
    const cause = causes.get(key) ?? { of, findings: [], notes: [] };
    causes.set(key, cause);
    (isKnown ? cause.notes : cause.findings).push(finding);
  }
  return [...causes.values()];
}

/** So many paths are read that are more than a start. */
const most = 4;

/** `fresh install, 1.0 … 1.4 (5), 1.0 → 1.1 → 1.2`: who jumps is told by where from. */
function inWords(names: readonly string[], walked: readonly Rehearsal[]): string {
  const byName = new Map(walked.map((rehearsal) => [rehearsal.name, rehearsal]));
  const known = names.flatMap((name) => byName.get(name) ?? []);
  const isPlain = ({ set, path }: Rehearsal) => set !== null && path.length < 3;
  const jumps = known.filter(isPlain);
  const starts = jumps.flatMap(({ path: [start = "", ...end] }) => (end.length === 0 ? [] : [start]));
  const others = [
    ...known.filter((each) => !isPlain(each)).map(pathInWords),
    ...names.filter((name) => !byName.has(name)),
  ];
  const more = others.length - most;
  return [
    ...(jumps.some(({ path }) => path.length === 1) ? ["fresh install"] : []),
    ...(starts.length === 0 ? [] : [`from ${inRanges(starts, orderOf(walked, starts))}`]),
    ...others.slice(0, more > 1 ? most : others.length),
    ...(more > 1 ? [`${more} more`] : []),
  ].join("; ");
}
