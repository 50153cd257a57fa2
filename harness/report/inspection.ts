import pc from "picocolors";
import type { InspectedRelease, Inspection } from "../inspect.ts";
import type { ShippedChange } from "../shipped-change.ts";
import type { Finding } from "../verdict.ts";

/** What was found in a chain, within 100 columns; what changed harmlessly is only counted. */
export function inspectionInWords(inspection: Inspection): string {
  const { where, releases, tags, findings } = inspection;
  const harmful = findings.filter((finding) => !isHarmless(finding));
  const told = releases.length === 1 && tags === undefined ? "" : `  ${counted(releases.length, "release")}`;
  return [
    `${pc.bold(where)}${pc.dim(told)}`,
    ...factsIn(inspection).flatMap(([name, text]) => row(name, text)),
    ...releaseRows(inspection),
    ...(findings.length === 0
      ? []
      : [pc.bold(tags === undefined ? "findings" : "what changed under shipped releases")]),
    ...harmful.flatMap(findingRows),
    ...harmlessRows(findings.filter(isHarmless)),
    ...(findings.length === 0 ? [] : [verdictOn(harmful, findings.length)]),
    ...comparison(inspection),
  ].join("\n");
}

/** The same as one document. */
export function inspectionJson(inspection: Inspection): string {
  return JSON.stringify({ format: 1, ...inspection }, undefined, 2);
}

const width = 100;
const label = 14;

function factsIn(inspection: Inspection): readonly (readonly [name: string, text: string])[] {
  const { formats, engines, readFor, transaction, record, needs, leftOut, tags } = inspection;
  const format = formats.map(({ title, evidence, since }) => {
    const from = formats.length > 1 && since !== undefined ? `, since ${since}` : "";
    return `${title} (${evidence?.what ?? "as said"}${from})`;
  });
  const why = engines.signs.length > 0 ? ` (${engines.signs.join(", ")})` : "";
  const guessed =
    engines.by === "nothing" ? `nothing tells${why}; read for ${readFor}` : engines.engines.join(", ") + why;
  const optedOut = transaction.optedOut.length === 0 ? "" : `; without one: ${transaction.optedOut.join(", ")}`;
  return [
    ["format", format.join(", then ")],
    ["engines", guessed],
    ["transactions", `${rules[transaction.rule]}${optedOut}`],
    ["record", record.length === 0 ? "the harness's own" : record.join(", ")],
    ...needs.map(({ what, why, migration }) => ["needs", `${what}: ${why} (${migration})`] as const),
    ...leftOut.map(({ name, why }) => ["left out", `${name}: ${why}`] as const),
    ...(tags === undefined ? [] : tagRows(tags)),
  ];
}

const rules = { each: "one for each migration", all: "one for all that is pending", none: "none" } as const;

function tagRows({ noVersions, before, collapsed, shallow }: NonNullable<Inspection["tags"]>) {
  const rows: (readonly [string, string])[] = [
    ["no version", noVersions.join(", ")],
    ["no migrations", before.join(", ")],
    ["same as before", collapsed.join(", ")],
    ["shallow clone", shallow ? "it may lack tags (git fetch --unshallow --tags)" : ""],
  ];
  return rows.filter(([, text]) => text !== "");
}

/** A line for each release, with its folder where that is another than the release's before. */
function releaseRows({ releases, tags }: Inspection): readonly string[] {
  if (tags === undefined) return releases.flatMap(({ migrations }) => row("migrations", String(migrations)));
  const widest = Math.max(...releases.map(({ name }) => name.length));
  const lines = releases.map((release, i) => {
    const { name, migrations, added } = release;
    const count = `${String(migrations).padStart(5)} ${migrations === 1 ? "migration " : "migrations"}`;
    const news = i === 0 ? "" : added === 0 ? "nothing new" : `${added} new`;
    return `  ${name.padEnd(widest)}  ${count}  ${news.padEnd(11)}  ${folderIn(release, releases[i - 1])}`.trimEnd();
  });
  return [pc.bold("releases"), ...lines];
}

function folderIn({ folders = [] }: InspectedRelease, before: InspectedRelease | undefined): string {
  const same = folders.map(({ path }) => path).join() === before?.folders?.map(({ path }) => path).join();
  if (same) return "";
  return pc.dim(`in ${folders.map(({ path, found }) => `${path}${found ? " (found by its files)" : ""}`).join(", ")}`);
}

function findingRows(finding: ShippedChange | Finding): readonly string[] {
  const where = [finding.release, finding.migration].filter((part) => part !== undefined).join(", ");
  return [`  ${pc.bold(finding.code)}  ${where}`, ...wrapped(finding.message, 4)];
}

function harmlessRows(harmless: readonly (ShippedChange | Finding)[]): readonly string[] {
  const releases = [...new Set(harmless.map(({ release }) => release))];
  return releases.flatMap((release) => {
    const names = harmless.filter((one) => one.release === release).map(({ migration = "" }) => migration);
    const shown = names.length > 8 ? `${names.slice(0, 8).join(", ")} and ${names.length - 8} more` : names.join(", ");
    return wrapped(`harmless in ${release}: ${counted(names.length, "migration")} edited without effect: ${shown}`, 2);
  });
}

function verdictOn(harmful: readonly unknown[], all: number): string {
  const count = `${counted(harmful.length, "finding")}, ${all - harmful.length} harmless`;
  return harmful.length === 0 ? pc.green(count) : pc.red(count);
}

/** A folder holds what one release ships: nothing is known of those before it. */
function comparison({ tags, findings }: Inspection): readonly string[] {
  if (tags === undefined)
    return [pc.dim("a folder is one release: nothing to compare (--tags 'v*' compares releases)")];
  return findings.length === 0 ? [pc.green("nothing changed under shipped releases")] : [];
}

function isHarmless(finding: ShippedChange | Finding): boolean {
  return "harmless" in finding && finding.harmless === true;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function row(name: string, text: string): readonly string[] {
  const [first = "", ...more] = wrapped(text, label + 4);
  return [`  ${pc.dim(name.padEnd(label))}  ${first.trimStart()}`, ...more];
}

/** Lines of words within the width; a word that is longer than a line is broken. */
function wrapped(text: string, indent: number): readonly string[] {
  const room = width - indent;
  const words = text.split(/\s+/).flatMap((word) => word.match(new RegExp(`.{1,${room}}`, "gu")) ?? []);
  const lines: string[] = [];
  for (const word of words) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= room) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => " ".repeat(indent) + line);
}
