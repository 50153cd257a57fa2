import { type Failing, failingOf, keyOf, type Walked } from "./outcomes.ts";

/** A clean way from a start to the newest release. */
export interface Reached {
  readonly start: string;
  readonly path: readonly string[];
  /** `composed`: each hop of it was clean where it was walked; the whole was not walked. */
  readonly by: "walked" | "composed";
}

/** What walked paths tell of ways to the newest release. */
export interface Evidence {
  readonly newest: string;
  readonly starts: readonly string[];
  /** Stops that may be of use to somebody; oldest first. */
  readonly candidates: readonly string[];
  /** Where clean hops lead, among the candidates and the newest release. */
  readonly onward: ReadonlyMap<string, readonly string[]>;
  /** Paths to the newest release, by their start. */
  readonly walked: ReadonlyMap<string, readonly Walked[]>;
  readonly unclean: ReadonlySet<string>;
  /** Clean hops that come to another shape than a fresh install has: the next hop was not walked from there. */
  readonly astray: ReadonlySet<string>;
  /** By the start of longer paths: later hops at which these failed, however clean they are for whoever begins there. */
  readonly failed: ReadonlyMap<string, ReadonlySet<string>>;
  readonly places: ReadonlyMap<string, number>;
  /** Single hops, whatever came of them. */
  readonly hops: ReadonlySet<string>;
}

export function evidenceOf(walked: readonly Walked[], releases: readonly string[], newest: string): Evidence {
  const upgrades = walked.filter(({ path }) => path.length > 1);
  const hops = cleanHops(upgrades);
  const toNewest = upgrades.filter(({ path }) => path.at(-1) === newest);
  const begun = new Set(upgrades.map(({ path }) => path[0] ?? ""));
  // Who gets there without a stop needs none.
  const easy = new Set(hops.filter(({ path }) => path[1] === newest).map(({ path }) => path[0]));
  const stranded = toNewest.filter((upgrade) => isClean(upgrade) && !easy.has(upgrade.path[0]));
  const useful = new Set(stranded.flatMap(({ path }) => path.slice(1, -1)));
  const forwards = reachable(
    hops,
    [...begun].filter((start) => !easy.has(start)),
  );
  const onwards = reachable(hops.map(backwards), [newest]);
  for (const { path } of hops) {
    const [from = "", to = ""] = path;
    if (to !== newest && forwards.has(from) && onwards.has(to)) useful.add(to);
  }
  const places = new Map(releases.map((release, i) => [release, i]));
  const bySteps = toNewest.toSorted((a, b) => a.path.length - b.path.length);
  // The farthest first: so the way that is found has few stops.
  const far = hops.toSorted((a, b) => (places.get(b.path[1] ?? "") ?? 0) - (places.get(a.path[1] ?? "") ?? 0));
  const leading = far.filter(({ path: [, to = ""] }) => to === newest || useful.has(to));
  return {
    newest,
    starts: releases.filter((release) => release !== newest && begun.has(release)),
    candidates: releases.filter((release) => useful.has(release)),
    onward: new Map([...byStart(leading)].map(([start, hops]) => [start, hops.map(({ path }) => path[1] ?? "")])),
    walked: byStart(bySteps),
    astray: astrayIn(walked),
    failed: failedHops(upgrades),
    places,
    hops: new Set(upgrades.filter(({ path }) => path.length === 2).map(({ path }) => keyOf(path))),
    unclean: new Set(toNewest.filter((upgrade) => !isClean(upgrade)).map(({ path }) => keyOf(path))),
  };
}

/** Hops that are clean by themselves; where one was not walked by itself, as a part of a longer path that is clean. */
function cleanHops(upgrades: readonly Walked[]): readonly Walked[] {
  const direct = new Map(upgrades.filter(({ path }) => path.length === 2).map((hop) => [keyOf(hop.path), hop]));
  for (const upgrade of upgrades.filter(isClean)) {
    for (const [i, to] of upgrade.path.entries()) {
      const hop = [upgrade.path[i - 1] ?? "", to];
      if (i > 0 && !direct.has(keyOf(hop))) direct.set(keyOf(hop), { ...upgrade, path: hop });
    }
  }
  return [...direct.values()].filter(isClean);
}

function astrayIn(walked: readonly Walked[]): ReadonlySet<string> {
  const shapes = new Map<string, string>();
  for (const { path, rehearsal } of walked)
    if (path.length === 1 && rehearsal.end !== null) shapes.set(path[0] ?? "", rehearsal.end.catalogue);
  const differs = ({ path, rehearsal }: Walked) => {
    const fresh = shapes.get(path.at(-1) ?? "");
    return rehearsal.end !== null && fresh !== undefined && fresh !== rehearsal.end.catalogue;
  };
  return new Set(walked.filter((one) => one.path.length === 2 && differs(one)).map(({ path }) => keyOf(path)));
}

function failedHops(upgrades: readonly Walked[]): ReadonlyMap<string, ReadonlySet<string>> {
  const failed = new Map<string, Set<string>>();
  for (const { path, rehearsal } of upgrades) {
    const [start = ""] = path;
    const failing = failingOf(rehearsal);
    if (failing === undefined || failing.from === null || failing.from === start) continue;
    failed.set(start, (failed.get(start) ?? new Set()).add(keyOf([failing.from, failing.to])));
  }
  return failed;
}

/** Whether a hop from this start to one of these releases, where that is later, was not walked. */
export function isUntried(start: string, ends: readonly string[], { places, hops }: Evidence): boolean {
  const isLater = (end: string) => (places.get(end) ?? 0) > (places.get(start) ?? 0);
  return ends.some((end) => isLater(end) && !hops.has(keyOf([start, end])));
}

function byStart(walked: readonly Walked[]): ReadonlyMap<string, readonly Walked[]> {
  const paths = new Map<string, Walked[]>();
  for (const each of walked) {
    const [start = ""] = each.path;
    const known = paths.get(start);
    if (known === undefined) paths.set(start, [each]);
    else known.push(each);
  }
  return paths;
}

function isClean({ rehearsal }: Walked): boolean {
  return rehearsal.verdict.outcome === "clean";
}

function backwards({ path, ...rest }: Walked): Walked {
  return { ...rest, path: path.toReversed() };
}

function reachable(hops: readonly Walked[], from: readonly string[]): ReadonlySet<string> {
  const onward = byStart(hops);
  const seen = new Set(from);
  // A set tells what is added to it while it is read, too.
  for (const release of seen) for (const { path } of onward.get(release) ?? []) seen.add(path[1] ?? "");
  return seen;
}

/** How starts reach the newest release if they stop nowhere else. */
export type Ways = (start: string) => Reached | undefined;

/** Ways that were walked, or else are put together of clean hops and not known to fail. */
export function waysBy(stops: readonly string[], evidence: Evidence): Ways {
  const allowed = new Set(stops);
  const shared = leadingOn(stops, evidence);
  return (start) => {
    const walked = evidence.walked.get(start)?.find((upgrade) => isClean(upgrade) && staysIn(upgrade, allowed));
    if (walked !== undefined) return { start, path: walked.path, by: "walked" };
    const failed = evidence.failed.get(start);
    const leading = failed === undefined ? shared : leadingOn(stops, evidence, failed);
    const path = composed([start], { leading, evidence, left: { tries: 10_000 } });
    return path === undefined ? undefined : { start, path, by: "composed" };
  };
}

function staysIn({ path }: Walked, allowed: ReadonlySet<string>): boolean {
  return path.slice(1, -1).every((stop) => allowed.has(stop));
}

/** Those of the stops from which clean hops lead to the newest release, and that itself. */
function leadingOn(
  stops: readonly string[],
  { newest, onward }: Evidence,
  failed: ReadonlySet<string> = new Set(),
): ReadonlySet<string> {
  const leading = new Set([newest]);
  const leads = (stop: string) => onward.get(stop)?.some((to) => leading.has(to) && !failed.has(keyOf([stop, to])));
  for (const stop of stops.toReversed()) if (leads(stop)) leading.add(stop);
  return leading;
}

interface Composing {
  readonly leading: ReadonlySet<string>;
  readonly evidence: Evidence;
  /** Where hops fail for those who come from elsewhere there may be more ways than anybody could try. */
  readonly left: { tries: number };
}

function composed(path: readonly string[], composing: Composing): readonly string[] | undefined {
  const { leading, evidence, left } = composing;
  const last = path.at(-1) ?? "";
  for (const next of evidence.onward.get(last) ?? []) {
    if (!leading.has(next) || left.tries-- <= 0) continue;
    // What comes from an earlier stop may fail at a hop that is clean from a fresh install.
    const hop = keyOf([last, next]);
    if (path.some((stop) => evidence.failed.get(stop)?.has(hop))) continue;
    const longer = [...path, next];
    if (next !== evidence.newest) {
      if (evidence.astray.has(hop)) continue;
      const whole = composed(longer, composing);
      if (whole !== undefined) return whole;
    } else if (!evidence.unclean.has(keyOf(longer))) return longer;
  }
  return undefined;
}

/** The first path from one of these starts to the newest release, with no other stops, that broke; else one that could not be told. */
export function failingFrom(
  starts: readonly string[],
  allowed: ReadonlySet<string> | undefined,
  { walked }: Evidence,
): Failing | null {
  const paths = starts.flatMap((start) => walked.get(start) ?? []);
  const failing = paths.filter((path) => allowed === undefined || staysIn(path, allowed)).flatMap(asFailing);
  return failing.find(({ outcome }) => outcome === "broken") ?? failing[0] ?? null;
}

function asFailing({ rehearsal }: Walked): readonly Failing[] {
  const failing = failingOf(rehearsal);
  return failing === undefined ? [] : [failing];
}
