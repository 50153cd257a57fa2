import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Migration, Release, Shipment } from "./chain.ts";
import type { EngineName } from "./database.ts";
import { HarnessError, knownNames } from "./errors.ts";
import { folderAt } from "./formats/folder.ts";
import type { Folder } from "./formats/format.ts";
import { foldersAround } from "./formats/git.ts";
import { byVersion, versionIn } from "./formats/versions.ts";
import { type ReadAs, type Reading, readingOf, rulesOf, shippedBy } from "./shipped.ts";
import { likelyEngine } from "./signs.ts";

/** How a folder is read, and which of its migrations end a release. */
export interface FolderReleasesOptions extends ReadAs {
  /**
   * What a release is: `each` migration one of its own, `folders` below this one, each joined to those before, or the last
   * migration of every release. What is run again whenever it changed is no release of its own: one folder does not tell which
   * text an earlier release shipped, so that it stands in the newest alone, and the others say so; tags tell (`gitReleases`).
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
  const read = readingOf([() => folderAt(path)], how);
  const { shipment } = await read(await likelyEngine(await folderAt(path), how.format));
  const { migrations } = shipment;
  const cuts = releases === "each" ? eachOf(migrations) : cutsOf(migrations, { path, releases });
  const newest = cuts.at(-1)?.name ?? "";
  const order = new Map(migrations.map(({ name }, i) => [name, i]));
  return cuts.map(({ name, at }, i) => {
    const shipped = async (engine: EngineName): Promise<Shipment> => {
      const reading = await read(engine);
      return i === cuts.length - 1 ? reading.shipment : partOf(reading, { isLater: isLater(order, at), newest });
    };
    return { name, ...rulesOf(how), migrations: { read: shipped } };
  });
}

/** A release, and where its last migration stands. */
interface Cut {
  readonly name: string;
  readonly at: number;
}

function eachOf(migrations: readonly Migration[]): readonly Cut[] {
  const all = migrations.map((migration, at) => ({ name: migration.name, at, migration }));
  const once = all.filter(({ migration }) => migration.recordedAs?.again === undefined);
  return once.length === 0 ? all.slice(-1) : once;
}

interface Asked {
  readonly path: string;
  readonly releases: { readonly [release: string]: string };
}

function cutsOf(migrations: readonly Migration[], { path, releases }: Asked): readonly Cut[] {
  const names = migrations.map(({ name }) => name);
  const cuts = Object.entries(releases).map(([name, last]) => {
    const at = migrations.findIndex((one) => one.name === last || one.recordedAs?.id === last);
    if (at >= 0) return { name, at };
    const why = `its last migration "${last}" is not in "${path}" (${knownNames(last, names)})`;
    throw new HarnessError("bad-input", `Cannot make release "${name}": ${why}`);
  });
  // In the migrations' order: JavaScript puts names that look like numbers before others.
  cuts.sort((a, b) => a.at - b.at);
  refuseForgotten(path, migrations, cuts.at(-1));
  return cuts;
}

function refuseForgotten(path: string, migrations: readonly Migration[], newest: Cut | undefined): void {
  const rest = migrations.slice((newest?.at ?? -1) + 1).filter(({ recordedAs }) => recordedAs?.again === undefined);
  const last = rest.at(-1);
  if (last === undefined) return;
  const told = rest.slice(0, 3).map(({ name }) => JSON.stringify(name));
  const more = rest.length > told.length ? ` and ${rest.length - told.length} more` : "";
  const why =
    newest === undefined
      ? `none is named, and the folder holds ${told.join(", ")}${more}`
      : `no release ships ${told.join(", ")}${more}, behind the last of "${newest.name}"`;
  const way = `name a release that ends with "${last.name}"`;
  throw new HarnessError("bad-input", `Cannot make releases of "${path}": ${why} (${way})`);
}

/** Whether a migration stands behind a release's last; those that the order does not know are another engine's. */
function isLater(order: ReadonlyMap<string, number>, at: number): (migration: Migration) => boolean {
  return ({ name }) => (order.get(name) ?? -1) > at;
}

interface Part {
  readonly isLater: (migration: Migration) => boolean;
  readonly newest: string;
}

/** All that comes before the first migration of a later release, and what runs in every hop around them. */
function partOf({ shipment, part }: Reading, { isLater, newest }: Part): Shipment {
  const { migrations } = shipment;
  const end = migrations.findIndex(isLater);
  if (end < 0) return shipment;
  const rest = migrations.slice(end);
  const shipped = part([...migrations.slice(0, end), ...rest.filter(isCallback)]);
  const repeated = migrations.slice(migrations.findLastIndex(({ recordedAs }) => recordedAs?.again === undefined) + 1);
  const why = `one folder does not tell what it was before "${newest}", the newest release, which runs it (tags do: gitReleases)`;
  const left = repeated.flatMap((one) => (isLater(one) && !isCallback(one) ? [{ name: one.name, why }] : []));
  return left.length === 0 ? shipped : { ...shipped, leftOut: [...(shipped.leftOut ?? []), ...left] };
}

/** It leaves no row in the record, and belongs to the tool's run rather than to a release. */
function isCallback({ recordedAs }: Migration): boolean {
  return recordedAs?.again === "always" && recordedAs.id === undefined;
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
  const opened = new Map<string, Promise<Folder>>();
  const open = (name: string) => {
    const folder = opened.get(name) ?? folderAt(join(path, name));
    opened.set(name, folder);
    return folder;
  };
  return folders.map((name, i) => {
    const shipped = folders.slice(0, i + 1).map((folder) => () => open(folder));
    return { name, ...rulesOf(how), migrations: { read: shippedBy(shipped, how) } };
  });
}

function byVersionOrName(a: string, b: string): number {
  const [x, y] = [versionIn(a), versionIn(b)];
  return x === undefined || y === undefined ? a.localeCompare(b, "en", { numeric: true }) : byVersion(x, y);
}
