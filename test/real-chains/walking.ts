import { relative } from "node:path";
import {
  type Check,
  clean,
  type Finding,
  migrationsIn,
  type ReadAs,
  type Rehearsal,
  type Release,
  rehearse,
  release,
  type Scenario,
} from "migration-sandbox";
import type { Stage } from "../../harness/sandbox.ts";
import { folderOf, type Tree } from "../repository.ts";
import { sowing } from "../walk.contract.ts";

/** A rehearsal in short: its outcome, then what is wrong. */
export type Told = readonly [outcome: string, ...findings: string[]];

interface More {
  /** Rows that are sown in a release, as SQL. */
  readonly sows?: { readonly [release: string]: string };
  readonly check?: Check;
}

/** Paths through a chain, each told in short: from its first release by all others to the last, and the last on an empty database. */
export async function walked(stage: Stage, chain: readonly Release[], more: More = {}): Promise<readonly Told[]> {
  const names = chain.map(({ name }) => name);
  const [from = "", to = ""] = [names[0], names.at(-1)];
  const stepwise = { from, via: names.slice(1, -1), to, expect: clean };
  const paths = [...(names.length > 1 ? [stepwise] : []), { to, expect: clean }];
  return (await rehearsed(stage, { chain, paths, ...more })).map(told);
}

/** Paths of a chain, each from a release straight to another: `"1.0 → 1.2"`; `"1.2"` alone is an install. */
export async function hopped(
  stage: Stage,
  chain: readonly Release[],
  paths: readonly string[],
  more: More = {},
): Promise<readonly Rehearsal[]> {
  return rehearsed(stage, { chain, paths: paths.map(pathIn), ...more });
}

/** A release that ships a folder with these files. */
export function shipping(name: string, files: Tree, how: ReadAs = {}): Release {
  const { transaction, lock, ...read } = how;
  return release(name, {
    migrations: migrationsIn(folderOf(files), read),
    ...(transaction !== undefined && { transaction }),
    ...(lock !== undefined && { lock }),
  });
}

/** An install of these files alone, told in short. */
export async function installed(stage: Stage, files: Tree, how?: ReadAs): Promise<Told> {
  const [only = ["nothing was rehearsed"] as const] = await walked(stage, [shipping("1.0", files, how)]);
  return only;
}

export function told({ verdict }: Rehearsal): Told {
  const why = verdict.outcome === "inconclusive" ? [verdict.cause.message] : [];
  return [verdict.outcome, ...why, ...verdict.findings.map(inShort)];
}

/** What was noted, as `code migration`. */
export function noted({ verdict }: Rehearsal): readonly string[] {
  return verdict.notes.map(({ code, migration = "" }) => `${code} ${migration}`.trim());
}

/** `migration-failed 2_index 25001 at 2_index.sql:1` */
function inShort({ code, migration, sqlState, errno, place, exception, message }: Finding): string {
  const error = [errno ?? sqlState, exception].filter((part) => part !== undefined).join(" ");
  const where = place === undefined ? "" : `at ${shown(place.file)}:${place.line}`;
  return [code, migration, error === "" && place === undefined ? `(${message})` : error, where]
    .filter(Boolean)
    .join(" ");
}

/** Without the temporary folder in which it stands. */
function shown(file = "?"): string {
  return file.startsWith("/") ? relative("/", file).replace(/^.*?\/product-\w+\//, "") : file;
}

function pathIn(text: string): Scenario["paths"][number] {
  const stops = text.split(" → ");
  const [from = "", to = ""] = [stops[0], stops.at(-1)];
  return stops.length === 1 ? { to, expect: clean } : { from, via: stops.slice(1, -1), to, expect: clean };
}

async function rehearsed(
  stage: Stage,
  { sows = {}, ...scenario }: Pick<Scenario, "chain" | "paths"> & More,
): Promise<readonly Rehearsal[]> {
  const seeds = Object.fromEntries(Object.entries(sows).map(([name, sql]) => [name, sowing(sql)]));
  const whole: Scenario = { title: "a chain", engines: [stage.engine.name], seeds, ...scenario };
  const { rehearsals } = await rehearse([whole], { stage: async () => stage });
  return rehearsals;
}
