import type { LeftOut, Migration } from "../chain.ts";
import { HarnessError } from "../errors.ts";
import { asAsked } from "./asked.ts";
import { codeAmong } from "./code.ts";
import { dialectNamed } from "./dialect.ts";
import type { Folder, Format, ReadOptions } from "./format.ts";
import { byNumber, directionNamed, migrationOf, type Named, named, type Pair, pairsOf } from "./named.ts";
import { refused } from "./refused.ts";
import { byVersion, type Version, versionIn } from "./versions.ts";

/**
 * A folder for each version of the product, on top of a base schema: `schema.sql`, `1.1/tables.sql`, `1.10/names.sql`. Versions
 * come in their order, files by number and name, or as a `manifest.json` lists them. What was applied stands in our own record.
 */
export const versioned: Format = {
  name: "versioned",
  title: "a folder per version",
  numbersPerFolder: true,

  async detect({ files }) {
    const versions = versionFolders(files);
    const base = baseOf(files)[0];
    const [last] = versions.slice(-1);
    if (last === undefined || (base === undefined && versions.length < 2)) return undefined;
    const first = base?.file ?? `${versions[0]?.folder}/`;
    return { by: "names", what: `${first} with ${last.folder}/` };
  },

  async read(folder, options) {
    const versions = versionFolders(folder.files);
    if (versions.length === 0) {
      const why = "it holds no folder that is named after a version and has .sql files in it";
      throw new HarnessError("bad-input", `Cannot read migrations from "${folder.path}": ${why}`);
    }
    const base = pairsOf(folder, baseOf(folder.files), { engine: options.engine, what: "name" });
    refuseTwoBases(folder, base);
    const migrations: Migration[] = [];
    const unlisted: LeftOut[] = [];
    for (const pair of base) migrations.push(await migrationOf(folder, pair, { name: pair.up.name, options }));
    for (const { folder: version } of versions) {
      const { pairs, leftOut } = await pairsIn(folder, version, options);
      for (const pair of pairs)
        migrations.push(await migrationOf(folder, pair, { name: `${version}/${pair.up.name}`, options }));
      unlisted.push(...leftOut);
    }
    const leftOut = [...unlisted, ...outside(folder.files)];
    return { migrations, ...(leftOut.length > 0 && { leftOut }), ...asAsked(options) };
  },
};

const bases = ["schema", "base", "baseline", "install", "init"];

interface VersionFolder {
  readonly folder: string;
  readonly version: Version;
}

/** Folders that are named after a version and hold SQL, in the order of their versions. */
function versionFolders(files: readonly string[]): readonly VersionFolder[] {
  const names = new Set(files.flatMap((file) => (/\.sql$/i.test(file) ? /^[^/]+(?=\/)/.exec(file) : null) ?? []));
  const found = [...names].flatMap((folder) => {
    const version = versionOf(folder);
    return version === undefined ? [] : [{ folder, version }];
  });
  return found.sort((a, b) => byVersion(a.version, b.version) || (a.folder < b.folder ? -1 : 1));
}

/** `20240101_users/` is how other tools name a migration. */
function versionOf(folder: string): Version | undefined {
  return /\d{8}/.test(folder) ? undefined : versionIn(folder);
}

function baseOf(files: readonly string[]): readonly Named[] {
  const top = files.filter((file) => !file.includes("/")).flatMap((file) => named(file) ?? []);
  return top.filter(({ name }) => bases.includes(name.toLowerCase()));
}

function refuseTwoBases(folder: Folder, [first, second]: readonly Pair[]): void {
  if (first === undefined || second === undefined) return;
  const why = `"${first.up.file}" is a base schema too (leave only one of them in the folder)`;
  throw refused(folder, second.up.file, why);
}

/** What a version runs, in its order, and what its manifest leaves out. */
async function pairsIn(
  folder: Folder,
  version: string,
  { engine }: ReadOptions,
): Promise<{ readonly pairs: readonly Pair[]; readonly leftOut: readonly LeftOut[] }> {
  const files = folder.files.flatMap((file) => (file.startsWith(`${version}/`) ? (inVersion(file) ?? []) : []));
  const pairs = pairsOf(folder, files, { engine, what: "name" });
  const manifest = await manifestOf(folder, version);
  if (manifest === undefined) return { pairs, leftOut: [] };
  const listed = inOrder(folder, pairs, manifest);
  const why = `${manifest.file} does not list it`;
  const leftOut = pairs.filter((pair) => !listed.includes(pair)).map(({ up }) => ({ name: up.file, why }));
  return { pairs: listed, leftOut };
}

/** A file of a version: its folders may say direction and dialect too, as in `1.1/mysql/up/names.sql`. */
function inVersion(file: string): Named | undefined {
  const found = named(file);
  if (found === undefined) return undefined;
  let said = found;
  for (const word of file.split("/").slice(1, -1)) {
    const direction = directionNamed(word.toLowerCase());
    const dialect = dialectNamed(word.toLowerCase());
    if (direction === undefined && dialect === undefined) return undefined;
    said = { ...said, ...(direction !== undefined && { direction }), ...(dialect !== undefined && { dialect }) };
  }
  return said;
}

/** What a version lists as its files. */
interface Manifest {
  readonly file: string;
  readonly names: readonly string[];
}

async function manifestOf(folder: Folder, version: string): Promise<Manifest | undefined> {
  const file = `${version}/manifest.json`;
  if (!folder.files.includes(file)) return undefined;
  const names = listIn(await folder.text(file).then(parsedOrNot));
  if (names !== undefined) return { file, names };
  throw refused(folder, file, 'it is no manifest that we can read (write ["first.sql", "second.sql"], or no manifest)');
}

function parsedOrNot(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The one list of `.sql` files in a manifest, whatever it is called there. */
function listIn(manifest: unknown): readonly string[] | undefined {
  const isList = (value: unknown): value is readonly string[] =>
    Array.isArray(value) && value.every((name) => typeof name === "string" && /\.sql$/i.test(name));
  if (isList(manifest)) return manifest;
  if (typeof manifest !== "object" || manifest === null) return undefined;
  const lists = Object.values(manifest).filter(isList);
  return lists.length === 1 ? lists[0] : undefined;
}

function inOrder(folder: Folder, pairs: readonly Pair[], { file, names }: Manifest): readonly Pair[] {
  const version = file.slice(0, file.indexOf("/"));
  return names.map((name) => {
    const found = pairs.find(({ up }) => up.file === `${version}/${name}` || named(name)?.name === up.name);
    if (found !== undefined) return found;
    const known = [...pairs].sort((a, b) => byNumber(a.up, b.up)).map(({ up }) => up.file.slice(version.length + 1));
    throw refused(folder, file, `it lists "${name}", which is not there (there: ${known.join(", ") || "nothing"})`);
  });
}

function outside(files: readonly string[]): readonly LeftOut[] {
  const versions = new Set(versionFolders(files).map(({ folder }) => folder));
  const top = new Set(baseOf(files).map(({ file }) => file));
  const rest = files.filter((file) => {
    if (!/\.sql$/i.test(file) || top.has(file)) return false;
    return !versions.has(file.slice(0, Math.max(file.indexOf("/"), 0))) || inVersion(file) === undefined;
  });
  const why = "it stands in no version's folder, so nothing says when it runs";
  const inVersions = files.filter((file) => versionOf(/^[^/]+(?=\/)/.exec(file)?.[0] ?? "") !== undefined);
  return [...rest.sort().map((name) => ({ name, why })), ...codeAmong(inVersions, /^/)];
}
