import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Release, Shipment } from "./chain.ts";
import type { EngineName } from "./database.ts";
import { HarnessError, knownNames } from "./errors.ts";
import { folderAt } from "./formats/folder.ts";
import { foldersAround } from "./formats/git.ts";
import { byVersion, versionIn } from "./formats/versions.ts";
import { type ReadAs, rulesOf, shippedBy } from "./shipped.ts";
import { likelyEngine } from "./signs.ts";

export interface FolderReleasesOptions extends ReadAs {
  /**
   * What a release is: `each` migration one of its own, `folders` below this one, each joined to those before, or the last
   * migration of every release.
   */
  readonly releases?: "each" | "folders" | { readonly [release: string]: string };
}

/** Releases out of one folder of migrations: what `folderReleases` promises. */
export async function folderChain(
  folder: URL | string,
  { releases = "each", ...how }: FolderReleasesOptions = {},
): Promise<readonly Release[]> {
  const path = typeof folder === "string" ? folder : fileURLToPath(folder);
  if (releases === "folders") return releasePerFolder(path, how);
  const read = shippedBy([() => folderAt(path)], how);
  const { migrations } = await read(await likelyEngine(await folderAt(path), how.format));
  const names = migrations.map(({ name }) => name);
  if (releases === "each") return names.map((name, i) => releaseUpTo(name, { read, how, later: names.slice(i + 1) }));
  const cuts = Object.entries(releases).map(([name, last]) => {
    const at = migrations.findIndex((one) => one.name === last || one.recordedAs?.id === last);
    if (at >= 0) return { name, at };
    const why = `its last migration "${last}" is not in "${path}" (${knownNames(last, names)})`;
    throw new HarnessError("bad-input", `Cannot make release "${name}": ${why}`);
  });
  // In the migrations' order: JavaScript puts names that look like numbers before others.
  cuts.sort((a, b) => a.at - b.at);
  return cuts.map(({ name, at }) => {
    const rest = migrations.slice(at + 1);
    // What is run again whenever it changed stands behind all others, and belongs to the newest.
    const later = rest.every(({ recordedAs }) => recordedAs?.again !== undefined) ? [] : rest.map(({ name }) => name);
    return releaseUpTo(name, { read, how, later });
  });
}

/** A release of all that comes before the first migration of those that come later. */
function releaseUpTo(
  name: string,
  {
    read,
    how,
    later,
  }: { readonly read: ReturnType<typeof shippedBy>; readonly how: ReadAs; readonly later: readonly string[] },
): Release {
  const notYet = new Set(later);
  const shipped = async (engine: EngineName): Promise<Shipment> => {
    const shipment = await read(engine);
    const end = shipment.migrations.findIndex(({ name }) => notYet.has(name));
    return { ...shipment, migrations: shipment.migrations.slice(0, end < 0 ? undefined : end) };
  };
  return { name, ...rulesOf(how), migrations: { read: shipped } };
}

async function releasePerFolder(path: string, how: ReadAs): Promise<readonly Release[]> {
  const { files } = await folderAt(path);
  const beside = files.find((file) => !file.includes("/") && file.endsWith(".sql"));
  if (beside !== undefined) {
    const why = `"${beside}" stands beside the folders, and is in none (put it into the first release's)`;
    throw new HarnessError("bad-input", `Cannot make a release of each folder in "${path}": ${why}`);
  }
  const folders = [...new Set(files.flatMap((file) => foldersAround(file).slice(0, 1)))].sort(byVersionOrName);
  if (folders.length === 0)
    throw new HarnessError("bad-input", `Cannot make a release of each folder in "${path}": it holds no folder`);
  return folders.map((name, i) => {
    const shipped = folders.slice(0, i + 1).map((folder) => () => folderAt(join(path, folder)));
    return { name, ...rulesOf(how), migrations: { read: shippedBy(shipped, how) } };
  });
}

function byVersionOrName(a: string, b: string): number {
  const [x, y] = [versionIn(a), versionIn(b)];
  return x === undefined || y === undefined ? a.localeCompare(b, "en", { numeric: true }) : byVersion(x, y);
}
