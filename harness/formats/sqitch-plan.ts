import { createHash } from "node:crypto";
import type { Folder } from "./format.ts";
import { refused } from "./refused.ts";
import {
  type ChangeLine,
  changeLine,
  dependencyIn,
  isName,
  noteIn,
  pragmaLine,
  type Stamp,
  withoutNote,
} from "./sqitch-line.ts";

/** What `sqitch.plan` says. */
export interface Plan {
  readonly project: string;
  readonly uri: string | undefined;
  readonly changes: readonly Planned[];
}

/** A change in its place, known by an id that all before it have a part in. */
export interface Planned {
  readonly id: string;
  readonly name: string;
  readonly requires: readonly Required[];
  readonly conflicts: readonly string[];
  readonly tags: readonly Tagged[];
  /** Tags under which its scripts may be kept once the change was reworked, the newest first. */
  readonly reworkedAt: readonly string[];
  readonly stamp: Stamp;
  readonly line: number;
}

export interface Required {
  /** As the plan names it: `users@v1.0`. */
  readonly named: string;
  readonly id: string;
}

export interface Tagged {
  readonly id: string;
  /** With its `@`. */
  readonly name: string;
  readonly stamp: Stamp;
}

/**
 * Reads a plan as Sqitch does.
 *
 * @throws {HarnessError} `bad-input` with file and line for what Sqitch refuses to read, or to deploy
 */
export function planIn(folder: Folder, file: string, text: string): Plan {
  const lines = text.split("\n").map((line) => line.replace(/\r$/, ""));
  const no = (why: string, line?: number) => refused(folder, file, why, line);
  const { pragmas, end } = pragmasOf(lines, no);
  const project = pragmas.get("project");
  if (project === undefined) throw no("it names no project (begin it with %project=…)");
  const plan: Draft = { project, uri: pragmas.get("uri"), changes: [], tags: new Map(), lines, no };
  for (const [i, line] of lines.entries()) {
    if (i < end || /^[ \t]*(?:#|$)/.test(line)) continue;
    const found = changeLine(withoutNote(line), (why) => no(why, i + 1));
    const told = { ...found, stamp: { ...found.stamp, note: noteIn(line) }, line: i + 1 };
    if (told.isTag) addTag(plan, told);
    else addChange(plan, told);
  }
  return plan;
}

/** A plan of which not all lines are read yet. */
interface Draft extends Plan {
  readonly changes: Open[];
  /** By their names, without `@`. */
  readonly tags: Map<string, { readonly line: number; readonly index: number }>;
  readonly lines: readonly string[];
  readonly no: (why: string, line?: number) => Error;
}

/** A change that tags may still be added to. */
interface Open extends Planned {
  readonly tags: Tagged[];
  readonly reworkedAt: string[];
}

interface Told extends ChangeLine {
  readonly stamp: Stamp;
  readonly line: number;
}

function pragmasOf(
  lines: readonly string[],
  no: Draft["no"],
): { readonly pragmas: ReadonlyMap<string, string>; readonly end: number } {
  const pragmas = new Map<string, string>();
  for (const [i, line] of lines.entries()) {
    if (/^[ \t]*$/.test(line)) return { pragmas, end: i };
    if (/^[ \t]*#/.test(line)) continue;
    const { name, value } = pragmaLine(withoutNote(line), (why) => no(why, i + 1));
    if (name === "project" && !isName(value)) throw no(`"${value}" is no name for a project`, i + 1);
    pragmas.set(name, value);
  }
  return { pragmas, end: lines.length };
}

function addTag(plan: Draft, { name, stamp, line }: Told): void {
  const last = plan.changes.at(-1);
  if (last === undefined) throw plan.no(`tag "@${name}" has no change before it`, line);
  const twin = plan.tags.get(name);
  if (twin !== undefined) throw plan.no(`tag "@${name}" stands on line ${twin.line} already`, line);
  const id = idOf(plan, "tag", [`tag @${name}`, `change ${last.id}`, ...stamped(stamp), ...noted(stamp)]);
  last.tags.push({ id, name: `@${name}`, stamp });
  plan.tags.set(name, { line, index: plan.changes.length - 1 });
}

function addChange(plan: Draft, told: Told): void {
  const { name, stamp, line } = told;
  const before = plan.changes.findLast((change) => change.name === name);
  if (before !== undefined) rework(plan, before, line);
  const requires = told.dependencies
    .filter((named) => !named.startsWith("!"))
    .map((named) => required(plan, named, told));
  const conflicts = told.dependencies.filter((named) => named.startsWith("!")).map((named) => named.slice(1));
  for (const conflict of conflicts) refuseConflict(plan, conflict, told);
  const parent = plan.changes.at(-1);
  const id = idOf(plan, "change", [
    `change ${name}`,
    ...(parent === undefined ? [] : [`parent ${parent.id}`]),
    ...stamped(stamp),
    ...listed(
      "requires\n  + ",
      "\n  + ",
      requires.map(({ named }) => named),
    ),
    ...listed("conflicts\n  - ", "\n  - ", conflicts),
    ...noted(stamp),
  ]);
  plan.changes.push({ id, name, requires, conflicts, tags: [], reworkedAt: [], stamp, line });
}

/** A change may stand in a plan twice once a tag keeps what it was. */
function rework({ changes, no }: Draft, before: Open, line: number): void {
  const since = changes.slice(changes.indexOf(before)).reverse();
  const tags = since.flatMap(({ tags }) => tags.map(({ name }) => name));
  if (tags.length === 0) {
    const why = `change "${before.name}" stands on line ${before.line} already (to rework it, tag the plan in between)`;
    throw no(why, line);
  }
  before.reworkedAt.push(...tags);
}

function required(plan: Draft, named: string, by: Told): Required {
  const { project, change, tag, id } = dependencyIn(named, (why) => plan.no(why, by.line));
  if (project !== undefined && project !== plan.project) {
    const way = 'drive Sqitch itself: command("sqitch", …)';
    throw plan.no(`change "${by.name}" requires "${named}" of another project (${way})`, by.line);
  }
  const found = id === undefined ? theOne(plan, change, tag) : plan.changes.find((known) => known.id === id);
  if (found === undefined) throw unknown(plan, named, by);
  return { named: project === undefined ? named : named.slice(project.length + 1), id: found.id };
}

/** The first of that name, or the last of it before a tag. */
function theOne({ changes, tags }: Draft, change: string | undefined, tag: string | undefined): Open | undefined {
  if (tag === undefined) return changes.find(({ name }) => name === change);
  const at = tags.get(tag)?.index ?? -1;
  return change === undefined ? changes[at] : changes.slice(0, at + 1).findLast(({ name }) => name === change);
}

function unknown({ lines, no }: Draft, named: string, { name, line }: Told): Error {
  if (named === name) return no(`change "${name}" requires itself`, line);
  const later = lines.findIndex((text, i) => i >= line && text.trim().split(/[ \t]/)[0] === named);
  if (later < 0) return no(`change "${name}" requires "${named}", which is not in the plan`, line);
  return no(
    `change "${name}" requires "${named}", which comes later, on line ${later + 1} (move "${name}" below it)`,
    line,
  );
}

function refuseConflict(plan: Draft, named: string, { name, line }: Told): void {
  const { project, change, tag } = dependencyIn(`!${named}`, (why) => plan.no(why, line));
  if (project !== undefined && project !== plan.project) return;
  const how = theOne(plan, change, tag) === undefined ? "is not in the plan" : "is deployed before it";
  throw plan.no(`change "${name}" conflicts with "${named}", which ${how}: Sqitch refuses to deploy it`, line);
}

/** As Git hashes an object: its kind, its length and what it says. */
function idOf({ project, uri }: Plan, kind: "change" | "tag", lines: readonly string[]): string {
  const known = uri === undefined ? [] : [`uri ${URL.canParse(uri) ? new URL(uri).href : uri}`];
  const said = [`project ${project}`, ...known, ...lines].join("\n");
  return createHash("sha1")
    .update(`${kind} ${Buffer.byteLength(said)}\0${said}`)
    .digest("hex");
}

function stamped({ planner, email, time }: Stamp): readonly string[] {
  return [`planner ${planner} <${email}>`, `date ${time}`];
}

function listed(head: string, between: string, items: readonly string[]): readonly string[] {
  return items.length === 0 ? [] : [head + items.join(between)];
}

function noted({ note }: Stamp): readonly string[] {
  return note === "" ? [] : ["", note];
}
