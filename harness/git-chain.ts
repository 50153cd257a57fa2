import type { Release, Shipment } from "./chain.ts";
import type { EngineName } from "./database.ts";
import { HarnessError } from "./errors.ts";
import type { Folder } from "./formats/format.ts";
import { foldersAround, foldersWithSql, gitFolder } from "./formats/git.ts";
import { type FolderAt, folderAtEach, type Located } from "./formats/git-moves.ts";
import { type Tag, tagsOf } from "./formats/git-tags.ts";
import { type Repository, repositoryAt } from "./formats/repository.ts";
import { type ReadAs, rulesOf, shippedBy } from "./shipped.ts";

/** Where a product's releases are tagged, and where its migrations are. */
export interface GitReleasesOptions extends ReadAs {
  /** A work tree's folder or a bare repository. */
  readonly repo: URL | string;
  /**
   * Where the migrations are, named from `repo`: one folder, the first of several that there is, or a folder for each range
   * of versions (`{ "<2": "sql", ">=2": "db/migrations" }`). A folder that moved is found by its files.
   */
  readonly folder?: FolderAt;
  /** Several folders that are joined in this order, in place of `folder`. */
  readonly folders?: readonly FolderAt[];
  /** Which tags are releases: `v*`, `server@*`, or a list of patterns and names. */
  readonly tags: string | readonly string[];
  /** Of tags in a row with the same files, only the first is a release. */
  readonly collapse?: boolean;
}

/** Releases out of git, with what there is to tell about them. */
export interface GitChain {
  readonly repository: Repository;
  readonly releases: readonly GitRelease[];
  /** Tags that are no versions. */
  readonly noVersions: readonly string[];
  /** Tags from before there were migrations. */
  readonly before: readonly string[];
  /** Tags that ship what the one before them ships, where those are left out. */
  readonly collapsed: readonly string[];
}

/** A tag as a release, and the folders that it ships. */
export interface GitRelease {
  readonly release: Release;
  readonly read: (engine: EngineName) => Promise<Shipment>;
  readonly folders: readonly (Located & { open(): Promise<Folder> })[];
}

/** Reads which tags are releases, and where each keeps its migrations; these are read once somebody asks. */
export async function gitChain(options: GitReleasesOptions): Promise<GitChain> {
  const { repo, folder, folders, tags: patterns, collapse, ...how } = options;
  const repository = await repositoryAt(repo);
  const { tags, leftOut } = await tagsOf(repository, patterns);
  const joined = folders ?? [folder ?? (await onlyFolder(repository, tags))];
  const places = await Promise.all(joined.map((where) => folderAtEach(repository, tags, where)));
  const read = new Map<string, ReturnType<typeof shippedBy>>();
  const shipping = tags.map((tag, i) => {
    const located = places.flatMap((place) => place[i] ?? []);
    const open = (path: string) => () => gitFolder({ ...repository, prefix: "" }, tag, path);
    const opened = located.map((place) => ({ ...place, open: open(place.path) }));
    const key = located.map(({ tree }) => tree).join();
    const shipped =
      read.get(key) ??
      shippedBy(
        opened.map(({ open }) => open),
        how,
      );
    read.set(key, shipped);
    return {
      key,
      release: { name: tag.name, ...rulesOf(how), migrations: { read: shipped } },
      read: shipped,
      folders: opened,
    };
  });
  const since = shipping.filter(({ key }) => key !== "");
  const releases = collapse ? since.filter(({ key }, i) => key !== since[i - 1]?.key) : since;
  const nameOf = ({ release }: GitRelease) => release.name;
  return {
    repository,
    releases,
    noVersions: leftOut,
    before: shipping.filter(({ key }) => key === "").map(nameOf),
    collapsed: since.filter((one) => !releases.includes(one)).map(nameOf),
  };
}

/** Where nobody says it: the folder that we were pointed at, or the one in which all of the newest release's SQL is. */
async function onlyFolder(repository: Repository, tags: readonly Tag[]): Promise<string> {
  const newest = tags.at(-1);
  if (repository.prefix !== "" || newest === undefined) return ".";
  const folders = await foldersWithSql(repository, newest);
  const outermost = folders.filter((folder) => foldersAround(folder).length === 0);
  const why =
    folders.length === 0
      ? `"${newest.name}" holds no .sql file`
      : `"${newest.name}" holds SQL in several folders, ${shortList(folders)}`;
  const inner = folders.filter((folder) =>
    folders.every((other) => `${other}/`.startsWith(`${folder}/`) || folder.startsWith(`${other}/`)),
  );
  const only = inner.at(-1);
  if (outermost.length === 1 && only !== undefined) return only;
  throw new HarnessError(
    "bad-input",
    `Cannot tell in which folder of "${repository.path}" its migrations are: ${why} (say which: --folder db/migrations)`,
  );
}

function shortList(names: readonly string[]): string {
  const more = names.length > 6 ? ` and ${names.length - 6} more` : "";
  return `${names
    .slice(0, 6)
    .map((name) => JSON.stringify(name))
    .join(", ")}${more}`;
}
