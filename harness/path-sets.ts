import type { Release } from "./chain.ts";
import { knownNames } from "./errors.ts";
import { bad, refuseHops, releaseNamed } from "./refusing.ts";
import { type Sampled, sampleOf } from "./samples.ts";
import type { PathException, PathSet, UpgradePath } from "./scenario.ts";

/** The paths that a set stands for. */
export interface Members {
  readonly paths: readonly UpgradePath[];
  /** What whoever reads of these paths should know: that they are a sample; that there was no other way. */
  readonly remark?: string;
}

/** Of each set what it stands for: to whom a path is the same, it is so by being the same object. */
const known = new WeakMap<PathSet, { readonly chain: readonly Release[]; readonly members: Members }>();

/** The paths of a set over a chain, in the order of the chain. Whoever samples has called `readSamples` before. */
export function membersOf(set: PathSet, chain: readonly Release[]): Members {
  const before = known.get(set);
  if (before?.chain === chain) return before.members;
  const names = boundedBy(set, chain, "a set of paths");
  const starts = startsOf(set, names);
  const sample = isCut(set, starts) ? sampleOf(chain, starts, set.sample) : undefined;
  const ends = endsOf(set, names, sample?.releases ?? starts);
  const expected = expectationBy(set.but);
  const { settings, engines, check } = set;
  const more = {
    ...(settings !== undefined && { settings }),
    ...(engines !== undefined && { engines }),
    ...(check !== undefined && { check }),
  };
  const paths = ends.map((end) => ({ ...end, ...more, expect: expected(end) ?? set.expect }));
  const remark = remarkOn(set, names, sample);
  const members = { paths, ...(remark !== undefined && { remark }) };
  known.set(set, { chain, members });
  return members;
}

/** A set as it is asked for: `to-latest`, `via 1.3.11, 1.5`. */
export function setInWords({ every }: PathSet): string {
  return typeof every === "string" ? every : `via ${every.via.join(", ")}`;
}

/** `1.0..1.2`: by what a path of a set is told from its others. */
export function endsInWords({ from = "", to }: Pick<UpgradePath, "from" | "to">): string {
  return `${from}..${to}`;
}

/** Words for sets that have nothing behind them. */
export const plainSets = ["stepwise", "to-latest", "all", "install"] as const;

/** More paths than this have to be sampled: nobody reads them, and they would hardly be walked in a day. */
const most = 10_000;

/**
 * Refuses a set that is none on this chain: an unknown word, stops that cannot be, ends the wrong way round, far too many paths.
 *
 * @throws {HarnessError} `bad-input`
 */
export function refuseSetOf(set: PathSet, chain: readonly Release[], where: string): void {
  const { every, sample } = set;
  refuseWord(every, where);
  const names = boundedBy(set, chain, where);
  if (typeof every !== "string") refuseStops(every.via, { names, chain, where });
  if (sample !== undefined && every === "stepwise")
    throw bad(where, '"sample" has no meaning for "stepwise", which is one path (leave it out)');
  if (sample !== undefined && !(Number.isInteger(sample) && sample >= 2))
    throw bad(where, `"sample" is ${JSON.stringify(sample)}; it may be a whole number of releases from 2 on`);
  const starts = startsOf(set, names);
  const count = countOf(set, Math.min(starts.length, sample ?? starts.length));
  if (count > most) {
    const many = `${inThousands(count)} paths over ${inThousands(names.length)} releases, and ${inThousands(most)} are the most`;
    const way = `take 20 of the releases: sample: 20, or --paths ${asOption(set)}:20`;
    throw bad(where, `"${setInWords(set)}" is ${many} (${way})`);
  }
  for (const [i, exception] of (set.but ?? []).entries())
    refuseException(exception, { set, names, chain, where: `${where}, "but" #${i + 1}` });
}

function refuseWord(every: unknown, where: string): void {
  if (typeof every === "string") {
    if (plainSets.some((word) => word === every)) return;
    throw bad(where, `there is no set "${every}" (${knownNames(every, plainSets)}, or { via: [stops] })`);
  }
  const { via, ...more } = (every ?? {}) as { readonly via?: unknown };
  if (Array.isArray(via) && via.length > 0 && Object.keys(more).length === 0) return;
  const words = plainSets.map((word) => `"${word}"`).join(", ");
  throw bad(where, `"every" is ${JSON.stringify(every)}; it may be ${words} or { via: [stops] }`);
}

interface At {
  /** The set's releases, oldest first. */
  readonly names: readonly string[];
  readonly chain: readonly Release[];
  readonly where: string;
}

function refuseStops(via: readonly string[], { names, chain, where }: At): void {
  const all = shippedIn(chain);
  via.forEach((stop, i) => {
    refuseStandIn(chain, stop, where);
    const before = via[i - 1];
    if (via.indexOf(stop) < i) throw bad(where, `"via" names "${stop}" twice`);
    if (before !== undefined && all.indexOf(stop) < all.indexOf(before))
      throw bad(where, `"via" names "${before}" ahead of "${stop}", which comes before it in the chain`);
    if (names.indexOf(stop) > 0 && stop !== names.at(-1)) return;
    const [oldest, newest] = [names[0], names.at(-1)];
    throw bad(where, `"via" names "${stop}", at which no path stops between "${oldest}" and "${newest}"`);
  });
}

function refuseStandIn(chain: readonly Release[], name: string, where: string): void {
  const { insteadOf } = releaseNamed(chain, name, where);
  if (insteadOf === undefined) return;
  const way = `name "${insteadOf}", or write the path out`;
  throw bad(where, `"${name}" stands in for "${insteadOf}", and sets leave stand-ins out (${way})`);
}

interface AtException extends At {
  readonly set: PathSet;
}

/** An exception that no path is would be forgotten, or misspelt. */
function refuseException({ from, to, expect }: PathException, { set, names, chain, where }: AtException): void {
  for (const name of [from ?? [], to ?? []].flat()) refuseStandIn(chain, name, where);
  if (from === undefined && to === undefined)
    throw bad(where, 'it says for no path that something else is expected of it ("from", "to" or both)');
  const fits = expectationBy([{ ...(from !== undefined && { from }), ...(to !== undefined && { to }), expect }]);
  if (endsOf(set, names, startsOf(set, names)).some((ends) => fits(ends) !== undefined)) return;
  throw bad(where, `no path of "${setInWords(set)}" is one of these`);
}

/** The releases between the set's ends, stand-ins left out. */
function boundedBy({ from, to }: PathSet, chain: readonly Release[], where: string): readonly string[] {
  for (const name of [from, to]) if (name !== undefined) refuseStandIn(chain, name, where);
  if (from !== undefined && to !== undefined && from !== to) refuseHops(chain, [from, to], where);
  const all = shippedIn(chain);
  return all.slice(from === undefined ? 0 : all.indexOf(from), to === undefined ? undefined : all.indexOf(to) + 1);
}

function shippedIn(chain: readonly Release[]): readonly string[] {
  return chain.filter(({ insteadOf }) => insteadOf === undefined).map(({ name }) => name);
}

/** The releases of which a sample may be taken: those that paths start from, or all where each is an end, too. */
function startsOf({ every }: PathSet, names: readonly string[]): readonly string[] {
  return every === "all" || every === "install" ? names : names.slice(0, -1);
}

function isCut({ every, sample }: PathSet, starts: readonly string[]): boolean {
  return every !== "stepwise" && sample !== undefined && sample < starts.length;
}

function countOf({ every }: PathSet, releases: number): number {
  return every === "all" ? (releases * (releases + 1)) / 2 : releases;
}

type Ends = Pick<UpgradePath, "from" | "via" | "to">;

function endsOf({ every }: PathSet, names: readonly string[], starts: readonly string[]): readonly Ends[] {
  const to = names.at(-1) ?? "";
  const [from, ...between] = names.slice(0, -1);
  const installs = starts.map((to) => ({ to }));
  if (every === "install") return installs;
  // With a single release there is nothing to upgrade from.
  if (from === undefined) return [{ to }];
  if (every === "stepwise") return [passing(from, between, to)];
  if (every === "all")
    return [...starts.flatMap((from, i) => starts.slice(i + 1).map((to) => ({ from, to }))), ...installs];
  const stops = typeof every === "string" ? [] : every.via;
  const places = new Map(names.map((name, i) => [name, i]));
  const isBehind = (stop: string, start: string) => (places.get(stop) ?? 0) > (places.get(start) ?? 0);
  return starts.map((from) =>
    passing(
      from,
      stops.filter((stop) => isBehind(stop, from)),
      to,
    ),
  );
}

function passing(from: string, via: readonly string[], to: string): Ends {
  return { from, ...(via.length > 0 && { via }), to };
}

/** What the first exception that fits a path expects of it. */
function expectationBy(but: readonly PathException[] = []): (ends: Ends) => PathException["expect"] | undefined {
  const exceptions = but.map(({ from, to, expect }) => ({
    starts: from === undefined ? undefined : new Set(from === null ? [undefined] : [from].flat()),
    ends: to === undefined ? undefined : new Set([to].flat()),
    expect,
  }));
  return ({ from, to }) =>
    exceptions.find(({ starts, ends }) => (starts?.has(from) ?? true) && (ends?.has(to) ?? true))?.expect;
}

function remarkOn(set: PathSet, names: readonly string[], sample: Sampled | undefined): string | undefined {
  const asked = setInWords(set);
  if (names.length === 1 && set.every !== "all" && set.every !== "install")
    return `${asked}: "${names[0]}" is the only release; there is nothing to upgrade from, and it is installed`;
  if (sample === undefined) return undefined;
  const { releases, of, touching, ofTouching } = sample;
  const what = set.every === "all" || set.every === "install" ? "releases" : "starts";
  const data =
    ofTouching === 0 ? "none of which touches data" : `with ${touching} of the ${ofTouching} that touch data`;
  const option = `--paths ${asOption(set)}`;
  const ways = [...(countOf(set, of) > most ? [] : [`${option} for all`]), ...(of > 50 ? [`${option}:50 for 50`] : [])];
  const some = `${releases.length} of ${inThousands(of)} ${what}`;
  return `${asked}: ${some}, evenly spread, ${data}\n(${ways.join(", ")})`;
}

function asOption({ every }: PathSet): string {
  return typeof every === "string" ? every : `via:${every.via.join(",")}`;
}

function inThousands(number: number): string {
  return number.toLocaleString("en-US");
}
