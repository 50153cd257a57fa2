import { type EngineName, engineNames } from "./database.ts";
import { HarnessError, knownNames } from "./errors.ts";

/** An engine, and what was asked of it. */
export interface Wish {
  readonly engine: EngineName;
  /** `15`, `10.11`, `9`; for a container any tag: `16-alpine`. */
  readonly version?: string;
}

/** `postgres` or `postgres:15`. */
export type WishText = EngineName | `${EngineName}:${string}`;

/** @throws {HarnessError} `bad-input` for an engine that there is not, or a version that is none */
export function parseWish(text: string): Wish {
  const [, name = "", version] = /^([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  const engine = engineNames.find((known) => known === name);
  if (engine === undefined) {
    throw new HarnessError("bad-input", `There is no engine "${name}" (${knownNames(name, engineNames)})`);
  }
  if (version === undefined) return { engine };
  if (/^[\w][\w.-]*$/.test(version)) return { engine, version };
  throw new HarnessError(
    "bad-input",
    `"${text}" names no version of ${engine}: write ${engine}:15, or ${engine} alone`,
  );
}

export function wishInWords({ engine, version }: Wish): WishText {
  return version === undefined ? engine : `${engine}:${version}`;
}

/** Whether a server's version is one that was asked for: 15.20 is 15, and 10.11.19 is 10.11. */
export function fulfils(version: string, { version: wanted }: Wish): boolean {
  return wanted === undefined || version === wanted || version.startsWith(`${wanted}.`);
}

/** Orders versions by their numbers. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function numbersOf(version: string): readonly number[] {
  return (/^\d+(\.\d+)*/.exec(version)?.[0] ?? "0").split(".").map(Number);
}
