import { basename } from "node:path";
import pc from "picocolors";
import { unnamed } from "../mark.ts";
import type { NotCovered, Rehearsal, Rehearsals, ToldPath, Work } from "../rehearsal.ts";
import type { Selection } from "../selection.ts";
import { expectationInWords, type Finding, inShort } from "../verdict.ts";
import { frame, placeInWords } from "./frame.ts";

/** What stands above the rehearsals of one scenario on one engine. */
export function heading({ scenario, title, engine, version, server }: Rehearsal): string {
  return `\n${pc.bold(scenario)}  ${title}\n${pc.dim(`  ${engine} ${version} (${server})`)}`;
}

/** One rehearsal in one line; with `verbose`, its hops and migrations below. */
export function line(
  rehearsal: Rehearsal,
  { widths, verbose }: { readonly widths: Widths; readonly verbose: boolean },
): string {
  const { met, verdict } = rehearsal;
  const sign = met ? pc.green("✓") : verdict.outcome === "inconclusive" ? pc.yellow("?") : pc.red("✗");
  const path = pathInWords(rehearsal).padEnd(widths.path);
  const number = widths.number === 0 ? "" : `${numberOf(rehearsal).padEnd(widths.number)}  `;
  const row = `  ${sign} ${number}${path}  ${inWords(rehearsal)}`;
  return verbose ? [row, ...hopsOf(rehearsal)].join("\n") : row;
}

/** What is to be known of the sets that these paths are of, each said once. */
export function remarksOn(paths: readonly Selection[]): readonly string[] {
  const remarks = new Set(paths.flatMap(({ remark }) => remark ?? []));
  return [...remarks].map((remark) => pc.dim(`  ${indented(remark)}`));
}

/** How wide numbers and paths are in lines that stand below each other. */
export interface Widths {
  readonly number: number;
  readonly path: number;
}

type Named = Pick<Rehearsal, "name"> & ToldPath;

/** The widths in which all of these fit. */
export function widthsOf(rehearsals: readonly Named[]): Widths {
  const widest = (texts: readonly string[]) => Math.max(0, ...texts.map((text) => text.length));
  return { number: widest(rehearsals.map(numberOf)), path: widest(rehearsals.map(pathInWords)) };
}

/** `#3` of `users#3`, and of `users#3:1.0..1.2`: the ends of a path that is one of a set stand beside it. Others have none. */
export function numberOf({ name }: Pick<Rehearsal, "name">): string {
  return /(#\d+)(?::.*)?$/s.exec(name)?.[1] ?? "";
}

/** `1.0 → 1.1, with one user`; `fresh install of 1.1`. */
export function pathInWords({ path, dump, with: seeder, settings, runners, workaround }: ToldPath): string {
  return [
    dump !== null ? fromDump(path, basename(dump)) : path.length === 1 ? `fresh install of ${path[0]}` : inArrows(path),
    ...(seeder === null ? [] : [`with ${seeder}`]),
    ...(settings === null ? [] : [settingsInWords(settings)]),
    ...(runners === 1 ? [] : [`${runners} runners`]),
    ...(workaround === null ? [] : [`then ${workaround}`]),
  ].join(", ");
}

/** Where only the dump itself tells at which release it stands, that is not known before. */
function fromDump([first = "", ...stops]: readonly string[], dump: string): string {
  return stops.length === 0 ? `${dump} → ${first}` : inArrows([`${first} (${dump})`, ...stops]);
}

/** Of a long way, its ends: verbose lines and documents hold the stops between. */
function inArrows(stops: readonly string[]): string {
  const whole = stops.join(" → ");
  if (whole.length <= widestPath || stops.length <= 3) return whole;
  return [stops[0], `… ${stops.length - 2} …`, stops.at(-1)].join(" → ");
}

const widestPath = 60;

function settingsInWords(settings: unknown): string {
  const text = plainly(settings);
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`;
}

function plainly(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return `[${value.map(plainly).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  return `{${Object.entries(value)
    .map(([name, inside]) => `${name}: ${plainly(inside)}`)
    .join(", ")}}`;
}

function inWords({ met, verdict, expected, engine }: Rehearsal): string {
  const wanted = expectationInWords(expected, engine);
  if (verdict.outcome === "inconclusive") return pc.yellow(`inconclusive (${verdict.cause.code}), expected ${wanted}`);
  const notes =
    verdict.notes.length === 0
      ? ""
      : pc.dim(`, ${verdict.notes.length} ${verdict.notes.length === 1 ? "note" : "notes"}`);
  const came = verdict.outcome === "clean" ? "clean" : `broken (${verdict.findings.map(findingInShort).join(", ")})`;
  if (met) return `${came}${verdict.outcome === "broken" ? pc.dim(", as expected") : ""}${notes}`;
  return `${pc.red(`${came}, expected ${wanted}`)}${notes}`;
}

/** `migration-failed 42P01`. */
export function findingInShort(finding: Finding): string {
  const { sqlState, errno, exception } = finding;
  return inShort(finding, errno ?? sqlState ?? exception);
}

function hopsOf({ hops, milliseconds, verdict }: Rehearsal): readonly string[] {
  const rows = hops.flatMap(({ from, to, migrations, milliseconds }) => [
    pc.dim(`      ${from ?? "∅"} → ${to}  ${milliseconds} ms`),
    ...migrations.map((m) => pc.dim(`        ${m.name}  ${m.milliseconds} ms`)),
  ]);
  const notes = verdict.notes.map((note) => pc.dim(`      note ${note.code}: ${note.message}`));
  return [...rows, ...notes, pc.dim(`      ${milliseconds} ms in all`)];
}

/**
 * What broke and why nothing could be told, each said once for all the rehearsals that met it: unmet ones first. What
 * broke as expected is told of one scenario, and of many only when that was asked for.
 */
export function explanations(all: readonly Rehearsal[], { verbose, columns }: Explaining): string {
  const several = new Set(all.map(({ scenario }) => scenario)).size > 1;
  const rehearsals = all.filter(({ met }) => !met || !several || verbose);
  const groups = new Map<string, { readonly text: string; readonly of: Rehearsal[] }>();
  for (const rehearsal of [...rehearsals].sort((a, b) => Number(a.met) - Number(b.met))) {
    for (const text of explain(rehearsal, columns)) {
      const key = JSON.stringify([rehearsal.met, rehearsal.scenario, rehearsal.engine, unnamed(text)]);
      const group = groups.get(key) ?? { text, of: [] };
      groups.set(key, group);
      group.of.push(rehearsal);
    }
  }
  return [...groups.values()].map(({ text, of }) => shownFor(text, of)).join("\n");
}

interface Explaining {
  readonly verbose: boolean;
  /** How wide the terminal is, where there is one. */
  readonly columns?: number | undefined;
}

/** Where no terminal breaks lines. */
const wide = 200;

function shownFor(text: string, of: readonly Rehearsal[]): string {
  const [first] = of;
  const names = of.map(({ name, scenario }) => name.slice(scenario.length)).join(" ");
  const label = first?.met
    ? pc.dim(`as expected in ${first.scenario}${names}`)
    : pc.red(`in ${first?.scenario}${names}`);
  const kept = of.flatMap(({ kept }) =>
    kept === undefined ? [] : [`  kept:   ${kept.url}`, `  enter:  ${kept.client}`],
  );
  return [`\n${label}`, text, `  replay: ${pc.cyan(first?.replay ?? "")}`, ...kept].join("\n");
}

/** A rehearsal's findings, or the cause of not knowing; for a clean one that should have broken, that it did not. */
export function explain({ verdict, met, expected, engine }: Rehearsal, columns = wide): readonly string[] {
  const findings = verdict.findings.map((finding) => explained(finding, columns));
  if (verdict.outcome === "inconclusive")
    return [`  ${pc.yellow(verdict.cause.code)}  ${indented(verdict.cause.message)}`, ...findings];
  if (met || expected.outcome === "clean") return findings;
  const missing = `  expected ${expectationInWords(expected, engine)}, and it came out ${verdict.outcome}`;
  return [[missing, ...findings].join("\n")];
}

/** One finding, like a compiler's error: where, the statement with a caret, what the server said. */
export function explainFinding(finding: Finding): string {
  return explained(finding, wide);
}

function explained(finding: Finding, columns: number): string {
  const { code, release, migration, task, runner, sqlState, errno, exception, message, detail, hint, place } = finding;
  const by = runner === undefined ? undefined : `runner ${runner}`;
  // In a chain out of a folder a release is called as its migration.
  const where = [release, migration === release ? undefined : migration, task, by].filter((part) => part !== undefined);
  const error = [errno, sqlState, exception].filter((part) => part !== undefined).join(" ");
  return [
    `  ${pc.bold(code)}${where.length === 0 ? "" : `  ${where.join(", ")}`}`,
    ...(place === undefined ? [] : [`  ${placeInWords(place)}`, frame(place, columns)]),
    `  ${error === "" ? "" : `${pc.red(error)}  `}${indented(message)}`,
    ...(detail === undefined ? [] : [`  detail: ${indented(detail)}`]),
    ...(hint === undefined ? [] : [`  hint:   ${indented(hint)}`]),
  ].join("\n");
}

function indented(text: string): string {
  return text.replaceAll("\n", "\n  ");
}

/** The last lines: counts, the seed, and what was not covered. */
export function summary(
  { met, unmet, inconclusive, seed, notCovered, rehearsals, ends, work }: Rehearsals,
  milliseconds: number,
): string {
  const counts = [
    `${met} met`,
    unmet > 0 ? pc.red(`${unmet} unmet`) : "0 unmet",
    inconclusive > 0 ? pc.yellow(`${inconclusive} inconclusive`) : "0 inconclusive",
  ];
  const differing = ends.filter(({ groups }) => groups.some(({ findings }) => findings.length > 0)).length;
  if (differing > 0) counts.push(pc.red(`ends differ at ${differing} ${differing === 1 ? "release" : "releases"}`));
  const seconds = (milliseconds / 1000).toFixed(1);
  const took = rehearsals.some(({ set }) => set !== null) ? [pc.dim(workInWords(work))] : [];
  return [
    `\n${counts.join(", ")}  ${pc.dim(`(seed ${seed}, ${seconds} s)`)}`,
    ...took,
    ...notCovered.map(uncovered),
  ].join("\n");
}

/** What a run of sets took, and what it was spared. */
function workInWords({ migrations, plainly, reused, damaged, disk }: Work): string {
  const count = (number: number) => number.toLocaleString("en-US");
  return [
    `${count(migrations)} ${migrations === 1 ? "migration" : "migrations"} run${plainly > migrations ? `, ${count(plainly)} without sharing` : ""}`,
    ...(reused === 0 ? [] : [`${count(reused)} ${reused === 1 ? "state" : "states"} of earlier runs`]),
    ...(damaged === 0 ? [] : [`${count(damaged)} damaged and removed`]),
    ...(disk === 0 ? [] : [`at most ${count(Math.ceil(disk / 2 ** 20))} MB on disk`]),
  ].join("; ");
}

function uncovered({ engine, why }: NotCovered): string {
  return pc.yellow(`not covered: ${engine} (${why})`);
}
