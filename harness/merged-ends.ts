import type { EndGroup, EndsCompared, Rehearsal, Rehearsals } from "./rehearsal.ts";
import type { Finding } from "./verdict.ts";

type Part = Pick<Rehearsals, "rehearsals" | "ends">;

/**
 * The ends of all parts of a run, compared. What one part has compared stands; between parts only what ends are known by can
 * be compared: equal texts agree, others can be named and not shown.
 */
export function mergedEnds(parts: readonly Part[]): readonly EndsCompared[] {
  const places = new Map<string, Place>();
  for (const part of parts) {
    for (const { scenario, engine, path } of part.rehearsals.filter(({ end }) => end !== null))
      noted(places, { scenario, engine, release: path.at(-1) ?? "" });
    for (const { scenario, engine, release } of part.ends) noted(places, { scenario, engine, release });
  }
  return [...places.values()].flatMap((place) => {
    const groups = mergedGroups(parts.map((part) => groupsAt(place, part)));
    return groups.flatMap(({ paths }) => paths).length < 2 ? [] : [{ ...place, groups }];
  });
}

type Place = Pick<EndsCompared, "scenario" | "engine" | "release">;

function noted(places: Map<string, Place>, place: Place): void {
  places.set(JSON.stringify(place), place);
}

/** Paths that agree, as one part tells it. */
interface Agreeing extends EndGroup {
  readonly of: readonly Rehearsal[];
}

/** What a part compared, and the paths that came there alone. */
function groupsAt({ scenario, engine, release }: Place, { rehearsals, ends }: Part): readonly Agreeing[] {
  const here = rehearsals.filter((each) => each.scenario === scenario && each.engine === engine);
  const compared = ends.filter(
    (each) => each.scenario === scenario && each.engine === engine && each.release === release,
  );
  const groups = compared.flatMap(({ groups }) =>
    groups.map((group) => ({ ...group, of: here.filter(({ name }) => group.paths.includes(name)) })),
  );
  const told = new Set(groups.flatMap(({ paths }) => paths));
  const alone = here.filter(({ name, path, end }) => end !== null && path.at(-1) === release && !told.has(name));
  return [...groups, ...alone.map((each) => ({ paths: [each.name], findings: [], notes: [], of: [each] }))];
}

interface Joined {
  readonly paths: string[];
  readonly of: Rehearsal[];
  readonly ends: Set<string>;
  /** What the part told that compared it with the very first; what another part has compared it with is another end. */
  told: Pick<EndGroup, "findings" | "notes"> | undefined;
}

function mergedGroups(parts: readonly (readonly Agreeing[])[]): readonly EndGroup[] {
  const joined: Joined[] = [];
  for (const groups of parts) {
    const [reference] = groups;
    for (const group of groups) {
      const ends = group.of.flatMap(({ end }) => (end === null ? [] : [JSON.stringify(end)]));
      const known = joined.find((other) => ends.some((end) => other.ends.has(end)));
      const into = known ?? { paths: [], of: [], ends: new Set(), told: undefined };
      if (known === undefined) joined.push(into);
      into.paths.push(...group.paths);
      into.of.push(...group.of);
      for (const end of ends) into.ends.add(end);
      const [first] = joined;
      const isHeldAgainstFirst = reference?.paths.every((path) => first?.paths.includes(path)) ?? false;
      const isCompared = group.findings.length + group.notes.length > 0;
      if (isHeldAgainstFirst && isCompared) into.told ??= { findings: group.findings, notes: group.notes };
    }
  }
  const [first, ...others] = joined;
  if (first === undefined) return [];
  return [
    { paths: first.paths, findings: [], notes: [] },
    ...others.map((other) => ({
      paths: other.paths,
      ...(other.told ?? { findings: [apart(first, other)], notes: [] }),
    })),
  ];
}

function apart({ of: [one] }: Joined, { of: [other] }: Joined): Finding {
  const differing = [
    ...(one?.end?.catalogue === other?.end?.catalogue ? [] : ["shape"]),
    ...(one?.end?.rows === other?.end?.rows ? [] : ["rows"]),
  ];
  const what = differing.length === 0 ? "" : ` in ${differing.join(" and ")}`;
  const way =
    one === undefined || other === undefined ? "" : ` (${both(one.replay, other.replay)} walks both and shows it)`;
  const release = other?.path.at(-1);
  const message = `it differs${what}, and these paths were walked in different parts of the run${way}`;
  return { code: "ends-differ", ...(release !== undefined && { release }), message };
}

/** One command for two paths: what differs between their commands stands in it twice. */
export function both(one: string, other: string): string {
  const [words, others] = [one, other].map((command) => command.match(/(?:'[^']*'|\\'|[^\s'\\])+/g) ?? []);
  if (words === undefined || others === undefined) return one;
  let ahead = 0;
  while (ahead < words.length && words[ahead] === others[ahead]) ahead++;
  let behind = 0;
  const most = Math.min(words.length, others.length) - ahead;
  while (behind < most && words.at(-1 - behind) === others.at(-1 - behind)) behind++;
  // The value of an option needs its option.
  const option = words[ahead - 1]?.startsWith("--") ? [words[ahead - 1] ?? ""] : [];
  const between = [...option, ...others.slice(ahead, others.length - behind)];
  return [...words.slice(0, words.length - behind), ...between, ...words.slice(words.length - behind)].join(" ");
}
