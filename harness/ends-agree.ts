import { beginningOf, type End, endOf, type RowsRead } from "./end.ts";
import { rowDifferences } from "./end-rows.ts";
import type { Plan, PlannedPath } from "./plan.ts";
import type { EndGroup, EndsCompared } from "./rehearsal.ts";
import { inShape } from "./shape-differences.ts";
import type { Standing } from "./standing.ts";
import type { Telling } from "./telling.ts";
import type { Finding } from "./verdict.ts";

/** Gathers what paths come to. Of ends with the same shape one is remembered: there may be thousands. */
export class Ends {
  readonly #plan: Plan;
  readonly #ends: End[] = [];
  readonly #shapes = new Map<string, End["things"]>();
  readonly #many: ReadonlySet<string>;
  readonly #alike: ReadonlySet<string>;
  readonly #read: RowsRead = new Map();

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#many = twice(plan.paths.map(({ stops }) => stops.at(-1) ?? ""));
    this.#alike = twice(plan.paths.map(begunLike));
  }

  /** Whether there is anything to hold a path's end against, here or in another part of the run. */
  wants({ stops, set }: PlannedPath): boolean {
    return set !== undefined || this.#many.has(stops.at(-1) ?? "");
  }

  /** Reads what a path has come to. */
  read(path: PlannedPath, at: Standing): Promise<End> {
    return endOf(path, at, { read: this.#read, alike: this.#alike.has(begunLike(path)) });
  }

  add(end: End): void {
    const things = this.#shapes.get(end.text.catalogue) ?? end.things;
    this.#shapes.set(end.text.catalogue, things);
    this.#ends.push({ ...end, things });
  }

  /** What a path came to, if it was clean. */
  of(path: string): End | undefined {
    return this.#ends.find((end) => end.path === path);
  }

  compared(sorted: Telling["sorted"]): readonly EndsCompared[] {
    // Whoever comes first decides where as many paths came to one end as to another, and which walk ends first is chance.
    const places = new Map(this.#plan.paths.map(({ name }, i) => [name, i]));
    const place = ({ path }: End) => places.get(path) ?? -1;
    const inOrder = [...this.#ends].sort((a, b) => place(a) - place(b));
    return endsCompared(inOrder, this.#plan, sorted);
  }
}

function begunLike(path: PlannedPath): string {
  return JSON.stringify([path.stops.at(-1), beginningOf(path).beginning]);
}

function twice(texts: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  return new Set(texts.filter((text) => seen.size === seen.add(text).size));
}

/**
 * Holds all ends at a release against the fresh install of it, or, without one, against what most paths came to: what was sown only
 * between paths with the same beginning. Paths that differ in the same are told together.
 *
 * @param sorted takes out what is known
 */
function endsCompared(
  ends: readonly End[],
  { scenario: { chain }, name, engine }: Plan,
  sorted: Telling["sorted"],
): readonly EndsCompared[] {
  return chain.flatMap(({ name: release }): readonly EndsCompared[] => {
    const here = ends.filter((end) => end.release === release);
    if (here.length < 2) return [];
    return [{ scenario: name, engine, release, groups: groupsOf(here, sorted) }];
  });
}

function groupsOf(ends: readonly End[], sorted: Telling["sorted"]): readonly EndGroup[] {
  const first = ends.find(({ isInstall }) => isInstall) ?? commonest(ends);
  const groups = new Map<string, { paths: string[]; findings: readonly Finding[]; notes: readonly Finding[] }>();
  groups.set("", { paths: [], findings: [], notes: [] });
  // Rows that were sown are compared with those of the first that began alike.
  const firsts = new Map<string, End>();
  for (const end of [first, ...ends.filter((end) => end !== first)]) {
    const alike = firsts.get(end.beginning) ?? end;
    firsts.set(end.beginning, alike);
    const all =
      end === first ? [] : [...found(first, end), ...(alike === end || alike === first ? [] : rowsFound(alike, end))];
    const { findings, notes } = sorted(distinct(all));
    const key = JSON.stringify(
      [findings, notes].map((some) => some.map(({ message, sides }) => [message, sides])),
    ).replace(/^\[\[\],\[\]\]$/, "");
    const group = groups.get(key) ?? { paths: [], findings, notes };
    group.paths.push(end.path);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function commonest(ends: readonly End[]): End {
  const counts = new Map<string, number>();
  const key = ({ text }: End) => `${text.catalogue} ${text.rows}`;
  for (const end of ends) counts.set(key(end), (counts.get(key(end)) ?? 0) + 1);
  const most = Math.max(...counts.values());
  return ends.find((end) => counts.get(key(end)) === most) as End;
}

function found(first: End, end: End): readonly Finding[] {
  const shape = first.text.catalogue === end.text.catalogue ? [] : inShape(first.things, end.things);
  const told = shape.map(({ code, table, column, message, sides }): Finding => {
    const where = { ...(table !== undefined && { table }), ...(column !== undefined && { column }) };
    return { code, release: end.release, ...where, message, ...(sides !== undefined && { sides }) };
  });
  return [...told, ...rowsFound(first, end)];
}

function rowsFound(one: End, other: End): readonly Finding[] {
  return rowDifferences(one, other).map(({ table, message }) => ({
    code: "rows-differ",
    release: other.release,
    table,
    message,
  }));
}

function distinct(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.map((finding) => [`${finding.code} ${finding.message}`, finding])).values()];
}
