import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";

const mostFiles = 5000;
const mostBytes = 64 * 1024 * 1024;
const lockFiles = ["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock"];

/**
 * What code may come out otherwise by: the content of every file of the package that a scenario stands in, and the lock file. Which of
 * them it loads cannot be known beforehand, so all of them count.
 *
 * @returns a hash; `undefined` where there are too many to read, or none can be told: then nothing may be reused
 */
export async function inputsOf(scenarioFile: string | undefined): Promise<string | undefined> {
  if (scenarioFile === undefined) return undefined;
  const root = await rootOf(dirname(scenarioFile));
  const files = root === undefined ? undefined : await filesIn(root);
  if (root === undefined || files === undefined) return undefined;
  const hash = createHash("sha256");
  for (const file of files) {
    const content = await readFile(file).catch(() => undefined);
    hash.update(JSON.stringify([relative(root, file), content?.length ?? null]));
    if (content !== undefined) hash.update(content);
  }
  return hash.digest("hex");
}

/** The folder of the nearest package that has a lock file, else of the nearest package. */
async function rootOf(folder: string): Promise<string | undefined> {
  let nearest: string | undefined;
  for (let at = folder; ; at = dirname(at)) {
    const names = await readdir(at).catch((): string[] => []);
    if (names.some((name) => lockFiles.includes(name))) return at;
    if (names.includes("package.json")) nearest ??= at;
    if (dirname(at) === at) return nearest;
  }
}

async function filesIn(root: string): Promise<readonly string[] | undefined> {
  const files: string[] = [];
  let bytes = 0;
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const path = join(folder, entry.name);
      // What tools keep there is none of the package's; a `.env` may be.
      if (entry.isDirectory() && !/^(?:\.|node_modules$|states-of-)/.test(entry.name)) folders.push(path);
      else if (entry.isFile()) {
        files.push(path);
        bytes += (await stat(path).catch(() => undefined))?.size ?? 0;
      }
      if (files.length > mostFiles || bytes > mostBytes) return undefined;
    }
  }
  return files.sort();
}
