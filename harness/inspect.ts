import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { LeftOut, Shipment } from "./chain.ts";
import { changesOver } from "./changes.ts";
import type { EngineName } from "./database.ts";
import { HarnessError, orWhyNot } from "./errors.ts";
import { formatNamed, formatOf } from "./formats/detect.ts";
import { folderAt } from "./formats/folder.ts";
import type { Evidence, Folder } from "./formats/format.ts";
import { type GitReleasesOptions, gitChain } from "./git-chain.ts";
import type { TransactionRule } from "./migrator.ts";
import { type Need, needsOf } from "./needs.ts";
import { type ReadAs, shippedBy } from "./shipped.ts";
import type { Shipped, ShippedChange } from "./shipped-change.ts";
import { enginesOf, type Guess } from "./signs.ts";
import type { Finding } from "./verdict.ts";

/** How a chain is read for {@link inspect}, and which tags are its releases. */
export interface InspectOptions extends ReadAs, Partial<Omit<GitReleasesOptions, "repo">> {
  /** For which engine to read; the likeliest unless said. */
  readonly engine?: EngineName;
}

/** What there is to know of a chain before any of it runs. */
export interface Inspection {
  readonly where: string;
  /** More than one where the product changed its tool. */
  readonly formats: readonly InspectedFormat[];
  readonly engines: Guess;
  /** The engine that it was read for. */
  readonly readFor: EngineName;
  /** Of a folder, one. */
  readonly releases: readonly InspectedRelease[];
  readonly transaction: { readonly rule: TransactionRule; readonly optedOut: readonly string[] };
  /** The tables of its tool's record; none: the harness keeps its own. */
  readonly record: readonly string[];
  /** What nothing here can run. */
  readonly leftOut: readonly LeftOut[];
  readonly needs: readonly Need[];
  /** Tags that are no releases, and why. */
  readonly tags?: InspectedTags;
  readonly findings: readonly (ShippedChange | Finding)[];
}

/** A format of the chain, and what it was known by. */
export interface InspectedFormat {
  readonly name: string;
  readonly title: string;
  /** Missing: it was said. */
  readonly evidence?: Evidence;
  /** The first release of this format. */
  readonly since?: string;
}

/** What a release ships, in numbers. */
export interface InspectedRelease {
  readonly name: string;
  readonly migrations: number;
  /** Of them, those that the release before does not ship. */
  readonly added: number;
  /** Where in the repository; `found` by its files where nobody said that it is there. */
  readonly folders?: readonly { readonly path: string; readonly found?: true }[];
}

/** What there is to tell of tags beside the releases that they are. */
export interface InspectedTags {
  readonly noVersions: readonly string[];
  /** From before there were migrations. */
  readonly before: readonly string[];
  readonly collapsed: readonly string[];
  /** The clone may lack tags. */
  readonly shallow: boolean;
}

/**
 * What a folder of migrations holds, or a repository under its tags: what it is, what it wants, and what was changed under
 * releases that were shipped. Nothing of it is run.
 *
 * @throws {HarnessError} `bad-input` for what is no folder of migrations, and whatever {@link gitChain} throws
 */
export async function inspect(where: URL | string, options: InspectOptions = {}): Promise<Inspection> {
  const path = typeof where === "string" ? where : fileURLToPath(where);
  const { engine, ...how } = options;
  const { sources, tags } = await sourcesOf(path, how);
  const newest = sources.at(-1);
  if (newest === undefined) throw new HarnessError("bad-input", `Cannot inspect "${path}": no tag ships migrations`);
  const formats = await formatsOf(sources, how.format);
  const [folder] = await Promise.all(newest.folders.slice(0, 1).map(({ open }) => open()));
  const guess: Guess =
    folder === undefined
      ? { engines: [], by: "nothing", signs: [] }
      : await enginesOf(folder, formats.at(-1)?.evidence);
  const readFor = engine ?? guess.engines[0] ?? "postgres";
  const { chain, unreadable } = await readAll(sources, readFor);
  const last = chain.at(-1);
  if (last === undefined) throw unreadable[0]?.error ?? new Error("Nothing was read, and nothing failed");
  const { migrations, migrator, leftOut = [] } = last.shipment;
  return {
    where: path,
    formats,
    engines: guess,
    readFor,
    releases: releasesOf(sources, chain),
    transaction: {
      rule: how.transaction ?? migrator?.transaction ?? "each",
      optedOut: migrations.filter(({ transaction }) => transaction === false).map(({ name }) => name),
    },
    record: migrator?.record.tables ?? [],
    leftOut,
    needs: needsOf(migrations, readFor),
    ...(tags !== undefined && { tags }),
    findings: [
      ...unreadable.map(({ release, error }) => ({ code: "release-unreadable", release, message: error.message })),
      ...(await changesOver(chain)),
    ],
  };
}

/** A release before it is read. */
interface Source {
  readonly name: string;
  readonly folders: readonly { readonly path?: string; readonly found?: true; open(): Promise<Folder> }[];
  readonly read: (engine: EngineName) => Promise<Shipment>;
}

type Sources = { readonly sources: readonly Source[]; readonly tags?: InspectedTags };

async function sourcesOf(path: string, { tags, folder, folders, collapse, ...how }: InspectOptions): Promise<Sources> {
  if (tags === undefined) {
    const [below, ...more] = folders ?? [folder ?? "."];
    if (typeof below !== "string" || more.length > 0)
      throw new HarnessError("bad-input", `Cannot inspect "${path}": several folders are for tags (--tags "v*")`);
    const open = () => folderAt(below === "." ? path : join(path, below));
    refuseRepository(path, await open());
    return { sources: [{ name: "the folder", folders: [{ open }], read: shippedBy([open], how) }] };
  }
  const told = {
    ...(folder !== undefined && { folder }),
    ...(folders !== undefined && { folders }),
    ...(collapse !== undefined && { collapse }),
  };
  const { repository, releases, ...others } = await gitChain({ repo: path, tags, ...told, ...how });
  return {
    sources: releases.map(({ release, folders, read }) => ({ name: release.name, folders, read })),
    tags: { ...others, shallow: repository.shallow },
  };
}

function refuseRepository(path: string, { files }: Folder): void {
  if (!files.includes("HEAD") || !files.some((file) => file.startsWith("objects/"))) return;
  const why = 'it is a bare repository (say which tags are its releases: --tags "v*")';
  throw new HarnessError("bad-input", `Cannot inspect "${path}": ${why}`);
}

async function formatsOf(sources: readonly Source[], format: string | undefined): Promise<readonly InspectedFormat[]> {
  if (format !== undefined) {
    const { name, title } = formatNamed(format);
    return [{ name, title }];
  }
  const found = new Map<string, InspectedFormat>();
  for (const { name: since, folders } of sources) {
    for (const { open } of folders) {
      const known = await orWhyNot(open().then(formatOf));
      // Whoever reads it will say the same.
      if (known instanceof HarnessError || found.has(known.format.name)) continue;
      const { name, title } = known.format;
      found.set(name, { name, title, evidence: known.evidence, ...(sources.length > 1 && { since }) });
    }
  }
  return [...found.values()];
}

async function readAll(sources: readonly Source[], engine: EngineName) {
  const chain: Shipped[] = [];
  const unreadable: { readonly release: string; readonly error: HarnessError }[] = [];
  for (const { name: release, read } of sources) {
    const shipment = await orWhyNot(read(engine));
    if (shipment instanceof HarnessError) unreadable.push({ release, error: shipment });
    else chain.push({ release, engine, shipment });
  }
  return { chain, unreadable };
}

function releasesOf(sources: readonly Source[], chain: readonly Shipped[]): readonly InspectedRelease[] {
  return chain.map(({ release, shipment: { migrations } }, i) => {
    const before = new Set(chain[i - 1]?.shipment.migrations.map(({ name }) => name));
    const places = sources.find(({ name }) => name === release)?.folders ?? [];
    const folders = places.flatMap(({ path, found }) =>
      path === undefined ? [] : [{ path, ...(found && { found }) }],
    );
    const added = migrations.filter(({ name }) => !before.has(name)).length;
    return { name: release, migrations: migrations.length, added, ...(folders.length > 0 && { folders }) };
  });
}
