import type { EngineName } from "../database.ts";
import { expectationFor } from "../refusals.ts";
import { type ToldPath, toldOf } from "../rehearsal.ts";
import { nameOf, type Scenario, type UpgradePath } from "../scenario.ts";
import { pathsOf, type Selection } from "../selection.ts";
import { type ExpectedFinding, inShort } from "../verdict.ts";
import { numberOf, pathInWords } from "./pretty.ts";

/** A scenario's table (path, data) → verdict, as Markdown; of all its paths, unless some were chosen. */
export function markdown(scenario: Scenario, paths: readonly Selection[] = pathsOf(scenario)): string {
  const { engines } = scenario;
  const rows = grouped(
    paths.map((selection) => ({ ...selection, verdicts: engines.map((engine) => verdictIn(selection.path, engine)) })),
  ).map(({ name, told, verdicts }) => [numberOf({ name }), pathInWords(told), ...verdicts]);
  const head = ["", `\`${nameOf(scenario)}\``, ...engines];
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** What is expected of a path on one engine; nothing where it is not walked. */
function verdictIn(path: UpgradePath, engine: EngineName): string {
  const expected = (path.engines?.includes(engine) ?? true) && expectationFor(path.expect, engine);
  if (!expected) return "";
  if (expected.outcome === "clean") return "clean";
  return expected.findings.map((wanted) => inCell(wanted, wanted[engine] ?? wanted.exception, path)).join(", ");
}

interface Told extends Selection {
  readonly verdicts: readonly string[];
}

interface Row extends Pick<Told, "name" | "verdicts"> {
  readonly told: ToldPath;
}

/** Paths of one set that are expected to come out alike share rows: by their starts first, then by their ends. */
function grouped(paths: readonly Told[]): readonly Row[] {
  const byStart = together(paths, (one) => keyOf(one, [one.path.from, one.path.via]));
  const byEnds = together(byStart, ([first, ...more]) => {
    const ends = [first, ...more].map(({ path }) => path.to);
    return keyOf(first, [first.path.from === undefined, first.path.via, ends]);
  });
  return byEnds.map(([group, ...more]) => {
    const { name, path, verdicts } = group[0];
    const starts = [group, ...more].flatMap(([{ path }]) => path.from ?? []);
    const ends = inList(group.map(({ path }) => path.to));
    const stops = [...(starts.length === 0 ? [] : [inList(starts)]), ...(path.via ?? []), ends];
    return { name, verdicts, told: { ...toldOf(path), path: stops } };
  });
}

type Several<T> = readonly [T, ...T[]];

/** Those of one key, in the order in which the first of them came. */
function together<T>(all: readonly T[], key: (one: T) => string): readonly Several<T>[] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const one of all) {
    const group = groups.get(key(one));
    if (group === undefined) groups.set(key(one), [one]);
    else group.push(one);
  }
  return [...groups.values()];
}

/** What paths have in common that share a row; one that somebody wrote out has its own. */
function keyOf({ name, set, verdicts }: Told, parts: readonly unknown[]): string {
  return JSON.stringify([set === undefined ? name : numberOf({ name }), verdicts, ...parts]);
}

function inList(names: readonly string[]): string {
  if (names.length <= 8) return names.join(", ");
  return [...names.slice(0, 3), `… ${names.length - 4} more …`, names.at(-1)].join(", ");
}

/** Where a path breaks before its end, the release is told. */
function inCell(wanted: ExpectedFinding, error: string | number | undefined, { to }: UpgradePath): string {
  const at = wanted.release === undefined || wanted.release === to ? "" : ` at ${wanted.release}`;
  return `${inShort(wanted, error)}${at}`;
}
