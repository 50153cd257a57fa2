import { HarnessError, knownNames } from "../errors.ts";
import type { Commit } from "./git.ts";
import type { Repository } from "./repository.ts";
import { byVersion, type Version, versionIn } from "./versions.ts";

/** A release's tag. */
export interface Tag extends Commit {
  readonly version: Version;
}

/** Tags that are releases, and those that are none. */
export interface Tags {
  /** In semver's order. */
  readonly tags: readonly Tag[];
  /** Names that fit and are no versions. */
  readonly leftOut: readonly string[];
}

/**
 * The tags whose names fit one of these patterns, `v*` or `server@*`, in semver's order: a patch of an old line stands
 * in that line, whenever it was made.
 *
 * @throws {HarnessError} `bad-input` for a pattern that nothing fits, and for one that the tags of several packages fit
 */
export async function tagsOf(repository: Repository, patterns: string | readonly string[]): Promise<Tags> {
  const listed = await repository.run(["for-each-ref", "--format=%(objectname) %(refname:strip=2)", "refs/tags"]);
  const hashes = new Map(
    linesOf(listed).map((line) => [line.slice(line.indexOf(" ") + 1), line.split(" ", 1)[0] ?? ""]),
  );
  const fitting = (typeof patterns === "string" ? [patterns] : patterns).flatMap((pattern) => {
    const names = [...hashes.keys()].filter((name) => name === pattern || globOf(pattern).test(name));
    if (names.length === 0) throw noSuchTag(repository, pattern, [...hashes.keys()]);
    refusePackages(repository, pattern, names);
    return names;
  });
  const names = [...new Set(fitting)].sort();
  const tags = names.flatMap((name): Tag[] => {
    const version = versionIn(name);
    return version === undefined ? [] : [{ name, hash: hashes.get(name) ?? "", version }];
  });
  const known = new Set(tags.map(({ name }) => name));
  if (tags.length === 0) {
    const found = names.slice(0, 5).map((name) => JSON.stringify(name));
    const why = `the tags that fit are no versions (${found.join(", ")}); a release's tag holds one, as "v1.2.3" does`;
    throw new HarnessError("bad-input", `Cannot find releases in "${repository.path}": ${why}`);
  }
  return {
    tags: tags.sort((a, b) => byVersion(a.version, b.version)),
    leftOut: names.filter((name) => !known.has(name)),
  };
}

function linesOf(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** `*` stands for anything but a `/`, `**` for that too, `?` for one letter, `{a,b}` for either. */
function globOf(pattern: string): RegExp {
  const parts = pattern.match(/\*\*|[*?{},]|\[[^\]]+\]|[^*?{},[]+|\[/g) ?? [];
  const meaning: { readonly [part: string]: string } = {
    ...{ "**": ".*", "*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")", ",": pattern.includes("{") ? "|" : "," },
  };
  const isSet = (part: string) => /^\[.+\]$/.test(part);
  const source = parts.map((part) => meaning[part] ?? (isSet(part) ? part.replace(/^\[!/, "[^") : escaped(part)));
  try {
    return new RegExp(`^${source.join("")}$`);
  } catch (cause) {
    const why = 'its brackets do not close (a pattern looks like "v*", "server@*" or "v{1,2}.*")';
    throw new HarnessError("bad-input", `Cannot read pattern "${pattern}" for tags: ${why}`, { cause });
  }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function noSuchTag({ path, shallow }: Repository, pattern: string, known: readonly string[]): HarnessError {
  const what = /[*?[{]/.test(pattern) ? `a tag like "${pattern}"` : `tag "${pattern}"`;
  const why = shallow
    ? "it is a shallow clone, which may lack it (git fetch --unshallow --tags)"
    : "it has no such tag";
  const near = shallow && known.length === 0 ? "" : ` (${knownNames(pattern, known)})`;
  return new HarnessError("bad-input", `Cannot find ${what} in "${path}": ${why}${near}`);
}

/** A chain is of one package: one whose releases alternate with another's would fit nobody's database. */
function refusePackages({ path }: Repository, pattern: string, names: readonly string[]): void {
  const packages = [...new Set(names.map((name) => /^.*[@/]/.exec(versionIn(name)?.prefix ?? "")?.[0] ?? ""))];
  const named = packages.filter((name) => name !== "");
  // Whoever spells several out means them: a product's prefix may have become another.
  if (named.length < 2 || pattern.includes("{")) return;
  const which = named.map((name) => `"${name}*"`).join(", ");
  const why = `they are of ${named.length} packages, and a chain is of one (say which: ${which})`;
  throw new HarnessError("bad-input", `Cannot make releases of the tags like "${pattern}" in "${path}": ${why}`);
}
