import { resolve } from "node:path";
import type { Release } from "./chain.ts";
import type { EngineName } from "./database.ts";
import { HarnessError } from "./errors.ts";
import { formatNamed, formatOf } from "./formats/detect.ts";
import { folderAt } from "./formats/folder.ts";
import type { Folder, Format } from "./formats/format.ts";
import { gitChain } from "./git-chain.ts";
import { folderReleases } from "./releases.ts";
import { calledBy, type Scenario } from "./scenario.ts";
import { quotedArgument } from "./selection.ts";
import { enginesOf } from "./signs.ts";
import { clean } from "./verdict.ts";

/** Where a chain is that nobody has written a scenario for. */
export interface Unprepared {
  /** A folder of migrations; with `tags`, a repository. */
  readonly where: string;
  /** Which tags are releases: `v*`. */
  readonly tags?: string;
  /** Where below `where` the migrations are. */
  readonly folder?: string;
  readonly format?: string;
  /** Its paths do not start from an empty database. */
  readonly hasData?: boolean;
  /** On these engines; unless said, on those that the format or the SQL is for. */
  readonly engines?: readonly EngineName[];
}

/** A chain as it was found. */
export interface Found {
  readonly chain: readonly Release[];
  readonly format: Format;
  readonly engines: readonly EngineName[];
  /** Nothing told for which engine it is. */
  readonly anyEngine: boolean;
}

/**
 * The scenario of a chain that nobody has prepared anything for: release by release on empty tables, from every release
 * straight to the newest, and a fresh install, all expected to be clean.
 *
 * @throws {HarnessError} `bad-input` for what is no folder of migrations, or no repository with such tags
 */
export async function unprepared(asked: Unprepared): Promise<Scenario> {
  const { chain, format, engines, anyEngine } = await found(asked);
  const { where, tags } = asked;
  const name = where.replace(/(?<=.)\/+$/, "");
  const what = tags === undefined ? `${count(chain.length, "migration")}` : count(chain.length, "release");
  const data = asked.hasData ? "" : ", on empty tables (migration-sandbox init writes a scenario with data)";
  const title = `${what} as ${format.title} ships them${data}`;
  const scenario: Scenario = {
    title: anyEngine ? `${title}; nothing says for which engine (--engine)` : title,
    engines,
    chain,
    paths: pathsThrough(chain.map((release) => release.name)),
  };
  const options = (["tags", "folder", "format"] as const).flatMap((option) => {
    const said = asked[option];
    return said === undefined ? [] : [`--${option} ${quotedArgument(said)}`];
  });
  calledBy(scenario, { name, options: options.join(" ") });
  return scenario;
}

/** Finds a chain in a folder or in a repository's tags. Throws as {@link unprepared} does. */
export async function found(asked: Unprepared): Promise<Found> {
  const { where, tags, folder, format } = asked;
  const as = format === undefined ? {} : { format };
  if (tags === undefined) {
    const path = resolve(where, folder ?? ".");
    return { chain: await folderReleases(path, as), ...(await facts(await folderAt(path), asked)) };
  }
  const git = await gitChain({ repo: resolve(where), tags, ...(folder !== undefined && { folder }), ...as });
  const newest = await git.releases.at(-1)?.folders[0]?.open();
  if (newest === undefined)
    throw new HarnessError("bad-input", `Cannot rehearse "${where}": no tag like "${tags}" ships migrations`);
  return { chain: git.releases.map(({ release }) => release), ...(await facts(newest, asked)) };
}

async function facts(folder: Folder, { format, engines }: Unprepared): Promise<Omit<Found, "chain">> {
  const known = format === undefined ? (await formatOf(folder)).format : formatNamed(format);
  if (engines !== undefined) return { format: known, engines, anyEngine: false };
  const guess = await enginesOf(folder, await known.detect(folder));
  // One that is there without installing anything.
  if (guess.by === "nothing") return { format: known, engines: guess.engines.slice(0, 1), anyEngine: true };
  return { format: known, engines: guess.engines, anyEngine: false };
}

/** Of a long chain, so many starts of those who jump. */
export const mostStarts = 20;

/** Release by release, the newest on an empty database, and each straight to it. */
function pathsThrough(names: readonly string[]): Scenario["paths"] {
  const install = { to: names.at(-1) ?? "", expect: clean };
  if (names.length === 1) return [install];
  const stepwise = { every: "stepwise", expect: clean } as const;
  // Of two releases the one hop is both.
  if (names.length === 2) return [stepwise, install];
  return [stepwise, install, { every: "to-latest", sample: mostStarts, expect: clean }];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
