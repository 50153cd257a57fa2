import { HarnessError } from "../errors.ts";
import type { Folder } from "./format.ts";

/**
 * Several folders as one, with the files of all: what a tool sees that is pointed at all of them.
 *
 * @throws {HarnessError} `bad-input` for two files of one path that are not the same
 */
export async function joinedFolder(folders: readonly Folder[]): Promise<Folder> {
  const [only, ...more] = folders;
  if (only !== undefined && more.length === 0) return only;
  const holders = new Map<string, Folder>();
  for (const folder of folders) {
    for (const file of folder.files) {
      const holder = holders.get(file);
      if (holder === undefined) holders.set(file, folder);
      else if (!isProse(file)) await refuseOther(file, holder, folder);
    }
  }
  const path = folders.map((folder) => folder.path).join('", "');
  const holding = (file: string): Folder => {
    const holder = holders.get(file);
    if (holder !== undefined) return holder;
    throw new HarnessError("bad-input", `Cannot read "${file}" in "${path}": there is no such file`);
  };
  return {
    path,
    files: [...holders.keys()],
    // A folder that lacks a file is named by its own.
    shown: (file) => (holders.get(file) ?? withIn(file, holders) ?? only)?.shown(file) ?? file,
    text: async (file) => holding(file).text(file),
    bytes: async (file) => holding(file).bytes(file),
    size: async (file) => holding(file).size(file),
    stream: (file) => holding(file).stream(file),
  };
}

/** No format reads it. */
function isProse(file: string): boolean {
  return /(?:^|\/)(?:\.[^/]*|[^/]*\.(?:md|txt))$/i.test(file);
}

/** The same settings may stand in each folder. */
async function refuseOther(file: string, a: Folder, b: Folder): Promise<void> {
  const isSame = !file.endsWith(".sql") && (await a.bytes(file)).equals(await b.bytes(file));
  if (isSame) return;
  const [first, second] = [a.shown(file), b.shown(file)].map((shown) => JSON.stringify(shown));
  const way = "give one of them another name";
  throw new HarnessError(
    "bad-input",
    `Cannot join folders of migrations: ${first} and ${second} are one file to their tool (${way})`,
  );
}

function withIn(path: string, holders: ReadonlyMap<string, Folder>): Folder | undefined {
  for (const [file, folder] of holders) if (file.startsWith(`${path}/`)) return folder;
  return undefined;
}
