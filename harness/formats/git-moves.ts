import { posix } from "node:path";
import { HarnessError } from "../errors.ts";
import { filesIn, foldersAround, noSuchFolder, pathIn, treeAt } from "./git.ts";
import type { Tag } from "./git-tags.ts";
import type { Repository } from "./repository.ts";
import { isWithin } from "./versions.ts";

/** Where a folder is: one place, the first of several that there is, or a place for each range of versions. */
export type FolderAt = string | readonly string[] | { readonly [range: string]: string };

/** A folder in a commit. */
export interface Located {
  readonly path: string;
  /** Equal for folders of equal files. */
  readonly tree: string;
  /** Nobody said that it is there: it holds the files that a neighbouring release has elsewhere. */
  readonly found?: true;
}

/**
 * Where the folder is at each tag. A tag that lacks it is asked for another folder with the same files: products move
 * theirs. `undefined`: the product had no such folder yet.
 *
 * @throws {HarnessError} `bad-input` for a folder that no tag has, or that is gone from one without a trace
 */
export async function folderAtEach(
  repository: Repository,
  tags: readonly Tag[],
  where: FolderAt,
): Promise<readonly (Located | undefined)[]> {
  const places = await Promise.all(tags.map((tag) => namedAt(repository, tag, where)));
  const first = places.findIndex((place) => place !== undefined);
  const newest = tags.at(-1);
  if (first < 0 && newest !== undefined) throw await noSuchFolder(repository, newest, firstNamed(where));
  const located = [...places];
  for (let i = first + 1; i < tags.length; i++) {
    located[i] ??= await movedTo(repository, tags[i], { neighbour: tags[i - 1], place: located[i - 1] });
    const tag = tags[i];
    if (located[i] === undefined && tag !== undefined) throw await goneFrom(repository, tag, located[i - 1]);
  }
  let neighbour = first;
  for (let i = first - 1; i >= 0; i--) {
    located[i] = await movedTo(repository, tags[i], { neighbour: tags[neighbour], place: located[neighbour] });
    if (located[i] !== undefined) neighbour = i;
  }
  return located;
}

async function namedAt(repository: Repository, tag: Tag, where: FolderAt): Promise<Located | undefined> {
  for (const folder of placesFor(tag, where)) {
    const path = pathIn(repository, folder);
    const tree = await treeAt(repository, tag, path);
    if (tree !== undefined) return { path, tree };
  }
  return undefined;
}

function placesFor(tag: Tag, where: FolderAt): readonly string[] {
  if (typeof where === "string") return [where];
  if (isList(where)) return where;
  const fitting = Object.entries(where).filter(([range]) => isWithin(tag.version, range));
  if (fitting.length > 0) return fitting.map(([, folder]) => folder);
  const ranges = Object.keys(where).map((range) => JSON.stringify(range));
  const why = `no range of folders holds it (${ranges.join(", ")})`;
  throw new HarnessError("bad-input", `Cannot tell in which folder "${tag.name}" has its migrations: ${why}`);
}

function isList(where: FolderAt): where is readonly string[] {
  return Array.isArray(where);
}

function firstNamed(where: FolderAt): string {
  return (typeof where === "string" ? where : Object.values(where)[0]) ?? "";
}

/** The folder of this tag that holds most of what a neighbouring release has in its own, if it is half of it. */
async function movedTo(
  repository: Repository,
  tag: Tag | undefined,
  { neighbour, place }: { readonly neighbour: Tag | undefined; readonly place: Located | undefined },
): Promise<Located | undefined> {
  if (tag === undefined || neighbour === undefined || place === undefined) return undefined;
  const theirs = new Set((await filesIn(repository, { commit: neighbour, ...place })).values());
  theirs.delete(emptyFile);
  const root = await treeAt(repository, tag, "");
  if (root === undefined) return undefined;
  // Where the neighbour's has moved to already, this one's is likely to be as well: only that folder is read then.
  const again = await treeAt(repository, tag, place.path);
  const [path, tree] = again === undefined ? ["", root] : [place.path, again];
  const shared = new Map<string, number>();
  const all = new Map<string, number>();
  for (const [file, hash] of await filesIn(repository, { commit: tag, path, tree })) {
    for (const folder of foldersAround(posix.join(path, file))) {
      all.set(folder, (all.get(folder) ?? 0) + 1);
      if (theirs.has(hash)) shared.set(folder, (shared.get(folder) ?? 0) + 1);
    }
  }
  // Of those around each other, the innermost.
  const [best] = [...shared].sort(([a, x], [b, y]) => y - x || b.length - a.length);
  if (best === undefined || best[1] * 2 < Math.min(theirs.size, all.get(best[0]) ?? 0)) return undefined;
  const found = again === undefined ? await treeAt(repository, tag, best[0]) : again;
  return found === undefined ? undefined : { path: again === undefined ? best[0] : path, tree: found, found: true };
}

/** Says nothing: any folder may have one. */
const emptyFile = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";

async function goneFrom(repository: Repository, tag: Tag, last: Located | undefined): Promise<HarnessError> {
  const { message } = await noSuchFolder(repository, tag, last?.path ?? "");
  const since = `">=${tag.version.numbers.join(".")}"`;
  const way = `it held migrations before, and no folder holds them now (say where they are: folder: { ${since}: "…" })`;
  return new HarnessError("bad-input", `${message}; ${way}`);
}
