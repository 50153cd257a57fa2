import { HarnessError, knownNames } from "../errors.ts";
import { codeIn } from "./code.ts";
import type { Evidence, Folder, Format } from "./format.ts";
import { formats } from "./formats.ts";
import { beginningsOf } from "./large.ts";

/** A format, and what it was known by. */
export interface Detected {
  readonly format: Format;
  readonly evidence: Evidence;
}

/**
 * The format of a folder's migrations: a marker file says more than what stands in a file, and that more than names.
 *
 * @throws {HarnessError} `bad-input` where nothing fits, or two formats fit equally well
 */
export async function formatOf(folder: Folder): Promise<Detected> {
  const [first, ...others] = surest(await detectedIn(folder), folder);
  if (first === undefined) throw await nothingFits(folder);
  if (others.length > 0) throw manyFit(folder, [first, ...others]);
  return first;
}

/**
 * The format that is called so.
 *
 * @throws {HarnessError} `bad-input` with the names that are most like it
 */
export function formatNamed(name: string): Format {
  const found = formats.find((format) => format.name === name);
  if (found !== undefined) return found;
  const known = knownNames(
    name,
    formats.map((format) => format.name),
  );
  throw new HarnessError("bad-input", `Cannot read migrations: there is no format "${name}" (${known})`);
}

async function detectedIn(folder: Folder): Promise<readonly Detected[]> {
  const light = beginningsOf(folder);
  const found = await Promise.all(
    formats.map(async (format) => {
      const evidence = await format.detect(light);
      return evidence === undefined ? [] : [{ format, evidence }];
    }),
  );
  return found.flat();
}

const ranks = ["marker", "content", "names"] as const;

function surest(detected: readonly Detected[], folder: Folder): readonly Detected[] {
  const rank = ranks.find((rank) => detected.some(({ evidence }) => evidence.by === rank));
  const best = detected.filter(({ evidence }) => evidence.by === rank);
  return best.filter(({ format }) => !best.some((other) => yieldsTo(format.name, other.format.name, folder)));
}

/** Whether one format's names are another's too, whose word on them counts for more. */
function yieldsTo(name: string, other: string, { files }: Folder): boolean {
  if (name === "golang-migrate" && other === "plain") return isMixed(files);
  if (name === "plain" && other === "golang-migrate") return !isMixed(files);
  if (name === "golang-migrate") return other === "ory";
  return (
    (name === "plain" && other !== "plain") || (name === "versioned" && other !== "plain" && other !== "versioned")
  );
}

/** golang-migrate would not see the files without a direction among those that have one. */
function isMixed(files: readonly string[]): boolean {
  const numbered = files.filter((file) => /^\d+[^/]*\.sql$/.test(file));
  const directed = numbered.filter((file) => /\.(?:up|down)\.sql$/.test(file));
  return directed.length > 0 && directed.length < numbered.length;
}

function manyFit({ path }: Folder, fitting: readonly Detected[]): HarnessError {
  const said = fitting.map(({ format, evidence }) => `${format.title} by ${evidence.what}`).join(", ");
  const ways = fitting.map(({ format }) => `--format ${format.name}`).join(" or ");
  const way = `say which with ${ways}, in code with format: "${fitting[0]?.format.name}"`;
  return new HarnessError("bad-input", `Cannot read migrations from "${path}": it may be ${said} (${way})`);
}

async function nothingFits(folder: Folder): Promise<HarnessError> {
  const no = (why: string) => new HarnessError("bad-input", `Cannot read migrations from "${folder.path}": ${why}`);
  const code = await codeIn(folder);
  if (code !== undefined) return no(`${code.what}, which only ${code.title} itself can run (${code.how})`);
  const below = await foldersBelow(folder);
  if (below.length > 0) return no(`there are none in it; ${below.join("; ")} (name that folder)`);
  const titles = formats.map(({ title }) => title).join(", ");
  return no(`it is no migration folder: it holds ${contentOf(folder)} (looked for ${titles})`);
}

/** Folders further down that hold migrations, the nearest first. */
async function foldersBelow(folder: Folder): Promise<readonly string[]> {
  const names = new Set(folder.files.flatMap((file) => parentsOf(file)));
  const nearest = [...names].sort((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1)).slice(0, 200);
  const told: { readonly name: string; readonly title: string }[] = [];
  for (const name of nearest) {
    if (told.length >= 3) break;
    if (told.some((other) => name.startsWith(`${other.name}/`))) continue;
    const inside = within(folder, name);
    const [first] = surest(await detectedIn(inside), inside);
    if (first !== undefined) told.push({ name, title: first.format.title });
  }
  return told.map(({ name, title }) => `"${folder.shown(name)}" looks like ${title}`);
}

function parentsOf(file: string): readonly string[] {
  const parts = file.split("/").slice(0, 3);
  const parents = file.split("/").length > 3 ? parts : parts.slice(0, -1);
  return parents.map((_, i) => parents.slice(0, i + 1).join("/"));
}

function depth(name: string): number {
  return name.split("/").length;
}

function within(folder: Folder, name: string): Folder {
  const above = (file: string) => `${name}/${file}`;
  return {
    path: folder.shown(name),
    files: folder.files.filter((file) => file.startsWith(above(""))).map((file) => file.slice(name.length + 1)),
    shown: (file) => folder.shown(above(file)),
    text: (file) => folder.text(above(file)),
    bytes: (file) => folder.bytes(above(file)),
    size: (file) => folder.size(above(file)),
    stream: (file) => folder.stream(above(file)),
  };
}

function contentOf({ files }: Folder): string {
  const top = [...new Set(files.map((file) => (file.includes("/") ? `${file.split("/")[0]}/` : file)))].sort();
  if (top.length === 0) return "nothing";
  const shown = top.slice(0, 5).join(", ");
  return top.length > 5 ? `${shown} and ${top.length - 5} more` : shown;
}
