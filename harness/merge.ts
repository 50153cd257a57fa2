import { readdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { HarnessError, messageOf } from "./errors.ts";
import { mergedEnds } from "./merged-ends.ts";
import type { NotCovered, Rehearsal, Rehearsals } from "./rehearsal.ts";
import type { ShardOf } from "./shards.ts";
import type { Finding, Verdict } from "./verdict.ts";

/**
 * Puts the parts of a run together that `rehearse --shard … --reporter json` told.
 *
 * @param where documents, and folders of them
 * @throws {HarnessError} `bad-input` for what is no such document, and for parts that are missing, doubled or not of one run
 */
export async function merged(where: readonly string[]): Promise<Rehearsals> {
  const documents = await Promise.all((await Promise.all(where.map(filesIn))).flat().map(read));
  const [first, ...others] = documents.toSorted((a, b) => a.shard.index - b.shard.index);
  if (first === undefined)
    throw bad(where.join(", "), "there is no document (rehearse --shard 1/4 --reporter json > 1.json)");
  for (const other of others) refuseOther(first, other);
  const parts = [first, ...others];
  refuseIncomplete(parts);
  const rehearsals = inOrder(parts);
  const inconclusive = rehearsals.filter(({ verdict }) => verdict.outcome === "inconclusive").length;
  const met = rehearsals.filter((rehearsal) => rehearsal.met).length;
  const sum = (of: (part: Rehearsals) => number) => parts.reduce((total, part) => total + of(part), 0);
  return {
    seed: first.seed,
    rehearsals,
    ...{ met, unmet: rehearsals.length - met - inconclusive, inconclusive },
    ends: mergedEnds(parts),
    work: {
      migrations: sum(({ work }) => work.migrations),
      plainly: sum(({ work }) => work.plainly),
      reused: sum(({ work }) => work.reused),
      damaged: sum(({ work }) => work.damaged),
      disk: Math.max(...parts.map(({ work }) => work.disk)),
      milliseconds: sum(({ work }) => work.milliseconds),
    },
    notCovered: notCoveredIn(parts),
  };
}

interface Document extends Rehearsals {
  readonly file: string;
  readonly shard: ShardOf;
}

async function filesIn(where: string): Promise<readonly string[]> {
  const found = await stat(where).catch(() => undefined);
  if (found === undefined) throw bad(where, "there is no such file or folder");
  if (!found.isDirectory()) return [where];
  const files = await readdir(where, { recursive: true });
  return files
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => join(where, file));
}

async function read(file: string): Promise<Document> {
  const told = parsed(await readFile(file, "utf8").catch((error) => Promise.reject(bad(file, messageOf(error)))), file);
  const { format, shard } = told;
  if (format !== 1) throw bad(file, `its format is ${JSON.stringify(format)}, and this version reads 1`);
  if (shard === null) throw bad(file, "it holds a whole run, and no part of one (rehearse --shard 1/4 tells a part)");
  if (!isDocument(told)) throw bad(file, "it is damaged, or no document of rehearse --shard --reporter json");
  return { ...told, file, rehearsals: told.rehearsals.map(placed) };
}

function parsed(text: string, file: string): { readonly [field: string]: unknown } {
  if (text.trim() === "") throw bad(file, "it is empty: that part of the run did not come to its end");
  try {
    const told = JSON.parse(text) as unknown;
    return typeof told === "object" && told !== null ? (told as { readonly [field: string]: unknown }) : {};
  } catch (error) {
    throw bad(file, `it is not JSON (${messageOf(error)})`);
  }
}

/** Deep enough that whatever reads it does not stumble; what is in findings is told as it stands. */
function isDocument(told: unknown): told is Document {
  const { seed, shard, rehearsals, ends, work, notCovered } = told as Partial<Document>;
  const isPart = Number.isInteger(shard?.index) && Number.isInteger(shard?.count) && Array.isArray(shard?.paths);
  const lists: readonly unknown[] = [rehearsals, ends, notCovered];
  if (!isPart || typeof seed !== "number" || typeof work?.migrations !== "number" || !lists.every(Array.isArray))
    return false;
  return (
    (rehearsals ?? []).every(isRehearsal) &&
    (ends ?? []).every(({ groups }) => Array.isArray(groups) && groups.every(({ paths }) => Array.isArray(paths)))
  );
}

const outcomes: readonly unknown[] = ["clean", "broken", "inconclusive"] satisfies readonly Verdict["outcome"][];

function isRehearsal({ name, scenario, engine, path, hops, verdict }: Partial<Rehearsal>): boolean {
  const isNamed = [name, scenario, engine].every((text) => typeof text === "string");
  return (
    isNamed &&
    [path, hops, verdict?.findings, verdict?.notes].every(Array.isArray) &&
    outcomes.includes(verdict?.outcome)
  );
}

/** A finding as documents tell it. */
interface Located extends Finding {
  readonly file?: string;
  readonly line?: number;
  readonly character?: number;
  readonly statement?: string;
}

/** Documents hold no text to count lines in: the statement alone, as far down and in as it stood, makes one for its frame. */
function placed(rehearsal: Rehearsal): Rehearsal {
  const at = (found: readonly Finding[]) => found.map(withPlace);
  const verdict = {
    ...rehearsal.verdict,
    findings: at(rehearsal.verdict.findings),
    notes: at(rehearsal.verdict.notes),
  };
  return { ...rehearsal, verdict: verdict as Verdict };
}

function withPlace(finding: Located): Finding {
  const { file, line, character: column = 1, statement, ...rest } = finding;
  if (line === undefined || statement === undefined) return finding;
  const text = `${"\n".repeat(line - 1)}${" ".repeat(column - 1)}${statement}`;
  return { ...rest, place: { ...(file !== undefined && { file: resolve(file) }), line, column, text, statement } };
}

function refuseOther(one: Document, other: Document): void {
  const [a, b] = [one.shard, other.shard];
  if (a.count !== b.count)
    throw bad(other.file, `it is part ${b.index} of ${b.count}, and "${one.file}" is part ${a.index} of ${a.count}`);
  if (one.seed !== other.seed)
    throw bad(other.file, `its seed is ${other.seed}, and that of "${one.file}" is ${one.seed}: they are of two runs`);
  if (JSON.stringify(a.paths) === JSON.stringify(b.paths)) return;
  throw bad(other.file, `it is of another run than "${one.file}": they were asked for other paths`);
}

function refuseIncomplete(parts: readonly Document[]): void {
  const [first] = parts;
  const count = first?.shard.count ?? 0;
  for (let index = 1; index <= count; index++) {
    const [one, other] = parts.filter(({ shard }) => shard.index === index);
    if (other !== undefined)
      throw bad(other.file, `part ${index} of ${count} is there twice: "${one?.file}" holds it, too`);
  }
  const missing = Array.from({ length: count }, (_, i) => i + 1).filter(
    (i) => !parts.some(({ shard }) => shard.index === i),
  );
  if (missing.length === 0) return;
  const [are, them] = missing.length === 1 ? ["is", "it"] : ["are", "them"];
  const how = `rehearse --shard ${missing[0]}/${count} --reporter json`;
  throw bad(
    parts.map(({ file }) => file).join(", "),
    `part ${missing.join(", ")} of ${count} ${are} missing (${how} tells ${them})`,
  );
}

/** As one run would have told them: engine by engine, and of each the paths in their order. */
function inOrder(parts: readonly Document[]): readonly Rehearsal[] {
  const all = parts.flatMap(({ rehearsals }) => rehearsals);
  const engines = [...new Set(all.map(engineOf))];
  const places = new Map(parts[0]?.shard.paths.map((name, i) => [name, i]));
  return all.toSorted((a, b) => {
    const byEngine = engines.indexOf(engineOf(a)) - engines.indexOf(engineOf(b));
    return byEngine === 0 ? (places.get(a.name) ?? 0) - (places.get(b.name) ?? 0) : byEngine;
  });
}

function engineOf({ engine, version }: Rehearsal): string {
  return `${engine} ${version}`;
}

function notCoveredIn(parts: readonly Document[]): readonly NotCovered[] {
  return [...new Map(parts.flatMap(({ notCovered }) => notCovered).map((each) => [each.engine, each])).values()];
}

function bad(what: string, why: string): HarnessError {
  return new HarnessError("bad-input", `Cannot merge "${what}": ${why}`);
}
