import compare from "semver/functions/compare.js";
import satisfies from "semver/functions/satisfies.js";

/** A release's number as people write it: in a tag, or as the name of a folder. */
export interface Version {
  /** What stands before it: `v`, `server@`, `release-`. */
  readonly prefix: string;
  readonly numbers: readonly bigint[];
  /** As semver writes it, `rc.1`; empty: no pre-release. */
  readonly preRelease: string;
}

/** What a name says as a version, however it is written; `undefined` for what is none: `latest`, `1.2.x`, `v8-branch`. */
export function versionIn(name: string): Version | undefined {
  const packaged = Math.max(name.lastIndexOf("@"), name.lastIndexOf("/")) + 1;
  const own = name.slice(packaged);
  const found = dotted.exec(own) ?? underscored.exec(own) ?? single.exec(own);
  if (found?.groups === undefined) return undefined;
  const { before = "", numbers = "", rest = "" } = found.groups;
  const preRelease = preReleaseIn(rest);
  if (preRelease === undefined) return undefined;
  // One number and a text is a name with a number in it, unless the text says that it is a release to come.
  if (/^\d+$/.test(numbers) && preRelease !== "" && !toCome.test(preRelease)) return undefined;
  return { prefix: name.slice(0, packaged) + before, numbers: numbers.split(/[._]/).map(BigInt), preRelease };
}

/** Semver's order, of however many numbers: a pre-release comes before what it leads to. */
export function byVersion(a: Version, b: Version): number {
  for (let i = 0; i < Math.max(a.numbers.length, b.numbers.length); i++) {
    const [x, y] = [a.numbers[i] ?? 0n, b.numbers[i] ?? 0n];
    if (x !== y) return x < y ? -1 : 1;
  }
  return compare(`0.0.0${suffix(a)}`, `0.0.0${suffix(b)}`);
}

/** Whether it is within a range as npm writes them, `>=1.2 <3`; the fourth number and those behind it do not count. */
export function isWithin(version: Version, range: string): boolean {
  const [major = 0n, minor = 0n, patch = 0n] = version.numbers;
  return satisfies(`${major}.${minor}.${patch}${suffix(version)}`, range, { includePrerelease: true });
}

/** `v1.2.3`, `1.2.3.4-rc1`, `release-2024.01.15`, `oauth2-1.2.3`. */
const dotted = /^(?<before>(?:.*?[^\d.])??)(?<numbers>\d+(?:\.\d+)+)(?<rest>.*)$/;
/** `REL_1_2_3`. */
const underscored = /^(?<before>[a-z]*_?)(?<numbers>\d+(?:_\d+)+)(?<rest>.*)$/i;
/** `v8`, `release-12`. */
const single = /^(?<before>[a-z]*[-_]?v?)(?<numbers>\d+)(?<rest>.*)$/i;

const toCome = /^(a|alpha|b|beta|c|rc|pre|preview|dev|canary|next|snapshot|nightly|m)(\.|-|$)/i;

/** What the text behind a version says, as semver's identifiers: `rc.1` for `-rc1`; `undefined` if it is no such text. */
function preReleaseIn(rest: string): string | undefined {
  const [text = ""] = rest.split("+");
  if (text === "" || /^[-._]?(final|release|ga)$/i.test(text)) return "";
  // A branch's name, not a release's.
  if (/^\.?x\b/i.test(text)) return undefined;
  const identifiers = text
    .replace(/([a-z])(\d)/gi, "$1.$2")
    .split(/[^0-9a-z-]+/i)
    .map((part) => part.replace(/^-+/, ""))
    .filter((part) => part !== "");
  return identifiers.map((part) => (/^\d+$/.test(part) ? String(BigInt(part)) : part)).join(".");
}

function suffix({ preRelease }: Version): string {
  return preRelease === "" ? "" : `-${preRelease}`;
}
