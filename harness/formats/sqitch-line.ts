/** Who planned something, when, and why. */
export interface Stamp {
  readonly time: string;
  readonly planner: string;
  readonly email: string;
  readonly note: string;
}

/** What a line of the plan says, ahead of its note. */
export interface ChangeLine {
  readonly isTag: boolean;
  readonly name: string;
  /** As they stand there, those in conflict with their `!`. */
  readonly dependencies: readonly string[];
  readonly stamp: Omit<Stamp, "note">;
}

/** Punctuation, without the underscore. */
const mark = "[-!\"#$%&'()*+,./:;<=>?@[\\]\\\\^`{|}~]";
const word = "[\\p{L}\\p{M}\\p{N}_]";
/** Begins and ends with no punctuation, has no blank, `@`, `:`, `#` or `\`, and no digits behind a mark at its end. */
const name = `(?!${mark})(?:(?![~/=%^]\\d+(?:$|[ \\t]))[^ \\t:@#\\\\])+(?<=${word})(?!${word})`;

const wholeLine = new RegExp(
  `^[ \\t]*(?<sign>@|[ \\t]*[+-][ \\t]*)?(?<name>${name})(?:[ \\t]+)?` +
    "(?:\\[(?<dependencies>[^\\]]+)\\][ \\t]*)?" +
    "(?:(?<time>\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z)[ \\t]*)?" +
    "(?:(?<planner>[^<]+)[ \\t]+<(?<email>[^>]+)>)?$",
  "u",
);

const stamp = /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z/;

/** Reads a change or a tag; `no` makes the error for what Sqitch would not read. */
export function changeLine(line: string, no: (why: string) => Error): ChangeLine {
  const { sign = "", name, dependencies, time, planner, email } = wholeLine.exec(line)?.groups ?? {};
  const isTag = sign === "@";
  if (name === undefined || (time === undefined && stamp.test(line))) {
    throw no(
      'its name begins or ends with punctuation, or holds "@", ":", "#", "\\" or blanks (a line reads: name [requires] 2024-01-31T12:00:00Z Ann <ann@example.com> # note)',
    );
  }
  if (time === undefined && planner === undefined) throw no(`"${name}" lacks the time and who planned it`);
  if (time === undefined) throw no(`"${name}" lacks the time when it was planned, as in 2024-01-31T12:00:00Z`);
  if (planner === undefined || email === undefined)
    throw no(`"${name}" lacks who planned it, as in Ann <ann@example.com>`);
  if (name === "ROOT" || name === "HEAD")
    throw no(`"${name}" has a meaning of its own to Sqitch (choose another name)`);
  if (/^[0-9a-f]{40}/.test(name)) throw no(`"${name}" looks like the id of a change (choose another name)`);
  if (isTag && name.includes("/")) throw no(`tag "@${name}" holds "/" (choose another name)`);
  if (isTag && dependencies !== undefined) throw no(`tag "@${name}" requires something, and only changes may`);
  if (sign.trim() === "-") throw no(`"-${name}" asks for a revert, which Sqitch does not do from a plan`);
  return { isTag, name, dependencies: split(dependencies, no), stamp: { time, planner, email } };
}

function split(dependencies: string | undefined, no: (why: string) => Error): readonly string[] {
  const all = dependencies?.split(/[ \t]+/).filter((named) => named !== "") ?? [];
  const twin = all.find((named, i) => all.indexOf(named) < i);
  if (twin !== undefined) throw no(`it names "${twin}" twice`);
  return all;
}

const dependency = new RegExp(
  `^!?(?:(?<project>${name}):)?(?:(?<id>[0-9a-f]{40})|(?<change>${name})(?:@(?<of>${name}))?|@(?<tag>${name}))$`,
  "u",
);

export interface Dependency {
  readonly project: string | undefined;
  readonly change: string | undefined;
  readonly tag: string | undefined;
  readonly id: string | undefined;
}

/** What `project:change@tag` names. */
export function dependencyIn(named: string, no: (why: string) => Error): Dependency {
  const found = dependency.exec(named)?.groups;
  if (found === undefined) throw no(`"${named}" names no change (write change, change@tag, @tag or project:change)`);
  return { project: found.project, change: found.change, tag: found.of ?? found.tag, id: found.id };
}

const pragma = /^[ \t]*%[ \t]*(?<name>[^\s=]+?)(?:[ \t]*=[ \t]*(?<value>.+))?$/;

/** Reads a line such as `%project=shop`. */
export function pragmaLine(
  line: string,
  no: (why: string) => Error,
): { readonly name: string; readonly value: string } {
  const { name, value = "" } = pragma.exec(line)?.groups ?? {};
  if (name === undefined)
    throw no("it is no pragma such as %project=… (leave an empty line between those and the changes)");
  return { name, value };
}

export function isName(text: string): boolean {
  return new RegExp(`^${name}$`, "u").test(text);
}

const note = /[ \t]*(?:#[ \t]*(?<note>.*))?$/;

export function withoutNote(line: string): string {
  return line.replace(note, "");
}

/** What stands behind `#`, with its line ends. */
export function noteIn(line: string): string {
  const text = note.exec(line)?.groups?.note?.trim() ?? "";
  return text.replace(/\\([\\nr])/g, (_, escaped: string) => ({ n: "\n", r: "\r" })[escaped] ?? "\\");
}
