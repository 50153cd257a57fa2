import { posix } from "node:path";
import { HarnessError, knownNames } from "../errors.ts";
import { decoded } from "./folder.ts";
import type { Folder } from "./format.ts";
import type { Repository } from "./repository.ts";

/** A commit of a repository, by a name that people know it by. */
export interface Commit {
  readonly name: string;
  readonly hash: string;
}

/**
 * A folder as it was in a commit, read out of git's objects.
 *
 * @throws {HarnessError} `bad-input` for a folder that the commit does not have, with the nearest that it has
 */
export async function gitFolder(repository: Repository, commit: Commit, folder: string): Promise<Folder> {
  const path = pathIn(repository, folder);
  const tree = await treeAt(repository, commit, path);
  if (tree === undefined) throw await noSuchFolder(repository, commit, folder);
  const files = await filesIn(repository, { commit, path, tree });
  const shown = (file: string) => `${commit.name}:${posix.join(path, file)}`;
  const hashOf = (file: string) => {
    const hash = files.get(file);
    if (hash !== undefined) return hash;
    throw new HarnessError("bad-input", `Cannot read "${shown(file)}": there is no such file`);
  };
  const bytes = async (file: string) => {
    const object = await repository.object(hashOf(file));
    if (object === undefined) throw notHeld(repository, shown(file));
    if (object.content.subarray(0, largeFile.length).equals(largeFile)) {
      const why =
        "git holds a pointer of Git LFS in its place (git lfs fetch, and rehearse a folder of the checked-out files)";
      throw new HarnessError("bad-input", `Cannot read "${shown(file)}": ${why}`);
    }
    return object.content;
  };
  return {
    path: shown(""),
    files: [...files.keys()],
    shown,
    bytes,
    text: async (file) => decoded(await bytes(file), shown(file)),
    size: async (file) => {
      const facts = await repository.facts(hashOf(file));
      if (facts === undefined) throw notHeld(repository, shown(file));
      return facts.size;
    },
    stream: (file) => repository.stream(hashOf(file)),
  };
}

/** A folder as the repository knows it: named from where we were pointed at. */
export function pathIn(repository: Repository, folder: string): string {
  const path = posix.join("/", repository.prefix, folder.replaceAll("\\", "/")).replace(/^\/|\/$/g, "");
  return path;
}

/** The hash of a folder's tree; equal hashes mean equal files. `undefined`: the commit has no such folder. */
export async function treeAt(repository: Repository, commit: Commit, path: string): Promise<string | undefined> {
  const found = await repository.facts(`${commit.hash}:${path}`);
  if (found !== undefined) return found.type === "tree" ? found.hash : undefined;
  if ((await repository.facts(`${commit.hash}^{tree}`)) === undefined) throw notHeld(repository, commit.name);
  return undefined;
}

/** The files below a tree and the hashes of their contents. */
export async function filesIn(
  repository: Repository,
  { commit, path, tree }: { readonly commit: Commit; readonly path: string; readonly tree: string },
): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  const listed = await repository.run(["ls-tree", "-r", "-z", "--full-tree", tree]);
  for (const entry of listed.split("\0")) {
    const [, mode, hash = "", file = ""] = /^(\d+) \w+ ([0-9a-f]+)\t(.*)$/s.exec(entry) ?? [];
    if (mode === "120000") {
      const target = await repository.facts(`${commit.hash}:${posix.join(path, file)}`);
      if (target?.type === "blob") files.set(file, target.hash);
    } else if (mode?.startsWith("100")) files.set(file, hash);
  }
  return files;
}

/** The folders of a commit in which SQL lies, with the folders around them. */
export async function foldersWithSql(repository: Repository, commit: Commit): Promise<readonly string[]> {
  const tree = await treeAt(repository, commit, "");
  const files = tree === undefined ? [] : [...(await filesIn(repository, { commit, path: "", tree })).keys()];
  const from = repository.prefix.replace(/\/$/, "");
  const sql = files.filter((file) => file.endsWith(".sql") && file.startsWith(repository.prefix));
  const folders = sql.flatMap((file) => foldersAround(posix.relative(from, file)));
  return [...new Set(folders)].sort();
}

export function foldersAround(file: string): readonly string[] {
  const folder = posix.dirname(file);
  return folder === "." ? [] : [...foldersAround(folder), folder];
}

const largeFile = Buffer.from("version https://git-lfs.github.com/spec/");

/** What to say of a folder that a commit does not have: the nearest that it has. */
export async function noSuchFolder(repository: Repository, commit: Commit, folder: string): Promise<HarnessError> {
  const known = knownNames(folder, await foldersWithSql(repository, commit));
  const why = `"${commit.name}" has no such folder; those with SQL: ${known.replace(/^known: /, "")}`;
  return new HarnessError("bad-input", `Cannot read folder "${folder}" of "${repository.path}": ${why}`);
}

function notHeld({ path }: Repository, what: string): HarnessError {
  const why = "the clone does not hold it (git fetch --unshallow --tags, or clone it whole)";
  return new HarnessError("bad-input", `Cannot read "${what}" of "${path}": ${why}`);
}
