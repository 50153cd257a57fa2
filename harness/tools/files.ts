import { readdir } from "node:fs/promises";
import { join, parse, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { HarnessError, knownNames } from "../errors.ts";

/** A folder of migrations: a URL, or a path from the working folder. */
export type Where = URL | string;

export function pathOf(where: Where): string {
  return resolve(typeof where === "string" ? where : fileURLToPath(where));
}

/**
 * The names of a folder's files, in no particular order.
 *
 * @throws {HarnessError} `bad-input` for what is no folder, or cannot be read
 */
export async function namesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause) => {
    const why = cause.code === "ENOENT" ? "there is no such folder" : cause.message;
    throw new HarnessError("bad-input", `Cannot read migrations from "${folder}": ${why}`, { cause });
  });
  return entries.filter((entry) => entry.isFile() || entry.isSymbolicLink()).map(({ name }) => name);
}

/** The files of a folder that hold code, in the order of their names; what describes types alone is none. */
export async function codeIn(folder: string): Promise<readonly string[]> {
  const names = (await namesIn(folder)).filter((name) => /(?<!\.d)\.[cm]?[jt]s$/.test(name)).sort();
  if (names.length > 0) return names.map((name) => join(folder, name));
  throw new HarnessError(
    "bad-input",
    `Cannot read migrations from "${folder}": it holds no TypeScript or JavaScript file`,
  );
}

/**
 * Migrations up to the one that a release ends with, which may be named without its ending; all of them unless one is named.
 *
 * @throws {HarnessError} `bad-input` where it is not among them
 */
export function upTo<M>(
  last: string | undefined,
  migrations: readonly M[],
  nameOf: (migration: M) => string,
): readonly M[] {
  if (last === undefined) return migrations;
  const names = migrations.map(nameOf);
  const exact = names.indexOf(last);
  const end = exact >= 0 ? exact : names.findIndex((name) => parse(name).name === last);
  if (end >= 0) return migrations.slice(0, end + 1);
  const message = `Cannot find migration "${last}", up to which a release goes (${knownNames(last, names)})`;
  throw new HarnessError("bad-input", message);
}
