import { fileURLToPath } from "node:url";
import type { Release, Task } from "./chain.ts";
import type { Check } from "./checks/check.ts";
import type { EngineName, PerEngine } from "./database.ts";
import type { Seeder } from "./seeder.ts";
import type { Expectation, Facts } from "./verdict.ts";

/** Where to start, at which releases to stop, where to end. Without `from`: a fresh install of `to`. */
export interface UpgradePath<Name extends string = string, S = unknown> {
  readonly from?: Name;
  /** The state at `from` is this dump, not an install. */
  readonly dump?: URL;
  /** Sown at `from`, after the release's own seeds. */
  readonly with?: Seeder;
  readonly via?: readonly Name[];
  readonly to: Name;
  /** Plain data for every task. */
  readonly settings?: S;
  /** Only these of the scenario's engines. */
  readonly engines?: readonly EngineName[];
  /** So many starts at once in the last hop. */
  readonly runners?: number;
  /** What an operator does once the path has failed, before the same release starts again. */
  readonly workaround?: Task<S>;
  /** Judged wherever this path ended, over its first snapshot before and its last after. */
  readonly check?: Check | readonly Check[];
  readonly expect: Expectation | PerEngine<Expectation>;
}

/** The releases at which a path stands, in order. */
export function stopsOf({ from, via = [], to }: UpgradePath): readonly string[] {
  return [...(from === undefined ? [] : [from]), ...via, to];
}

/**
 * Many paths by one word, over the releases of the chain; stand-ins are none of them, and nothing is sown beside the releases'
 * own seeds.
 *
 * - `stepwise`: one path, through every release.
 * - `to-latest`: from every release straight to the newest.
 * - `all`: from every release to every later one, and a fresh install of each.
 * - `install`: a fresh install of each.
 * - `{ via: [stops] }`: from every release to the newest, stopping at those of the stops that lie between.
 *
 * @example
 * ```ts
 * import { broken, clean, type PathSet } from "migration-sandbox";
 * const tooEarly = broken("migration-failed", { postgres: "42703" });
 * const set: PathSet = { every: "all", expect: clean, but: [{ from: "1.0", to: ["1.2", "1.3"], expect: tooEarly }] };
 * console.assert(set.every === "all");
 * ```
 */
export interface PathSet<Name extends string = string, S = unknown> {
  readonly every: "stepwise" | "to-latest" | "all" | "install" | { readonly via: readonly Name[] };
  /** The oldest start, in the place of the chain's oldest. */
  readonly from?: Name;
  /** The newest end, in the place of the chain's newest. */
  readonly to?: Name;
  /** So many of the releases they start from: the oldest, those that touch data, and others evenly spread. */
  readonly sample?: number;
  /** Plain data for every task. */
  readonly settings?: S;
  /** Only these of the scenario's engines. */
  readonly engines?: readonly EngineName[];
  /** Judged wherever one of these paths ended. */
  readonly check?: Check | readonly Check[];
  readonly expect: Expectation | PerEngine<Expectation>;
  /** Those of which something else is expected; of several that fit a path, the first counts. */
  readonly but?: readonly PathException<Name>[];
}

/** Paths of a set by their ends: with these starts and these ends. `from: null` means fresh installs. */
export interface PathException<Name extends string = string> {
  readonly from?: Name | readonly Name[] | null;
  readonly to?: Name | readonly Name[];
  readonly expect: Expectation | PerEngine<Expectation>;
}

export function isSet<Name extends string, S>(path: UpgradePath<Name, S> | PathSet<Name, S>): path is PathSet<Name, S> {
  return "every" in path;
}

/** A finding that is accepted, on these engines alone if it names some. One that no path shows is `known-not-seen`. */
export interface KnownFinding extends Facts {
  readonly code: string;
  readonly why: string;
  readonly engines?: readonly EngineName[];
}

/** One upgrade bug, or one promise about upgrades, told as data. */
export interface Scenario<Name extends string = string, S = unknown> {
  readonly title: string;
  /** Where the bug was reported. */
  readonly source?: string;
  readonly engines: readonly EngineName[];
  /** Releases in order; a stand-in beside the release whose place it shares. */
  readonly chain: readonly Release<Name, S>[];
  /** Sown whenever a path stands at that release and will go on. */
  readonly seeds?: { readonly [N in NoInfer<Name>]?: Seeder };
  readonly paths: readonly (UpgradePath<NoInfer<Name>, NoInfer<S>> | PathSet<NoInfer<Name>, NoInfer<S>>)[];
  /** Judged where a path reached its end, over its first snapshot before and its last after. */
  readonly check?: Check | readonly Check[];
  /** Findings that are accepted, and why. */
  readonly known?: readonly KnownFinding[];
}

/** What a scenario that stands in no file is called, and the options behind its name that find it again. */
interface Called {
  readonly name: string;
  readonly options: string;
}

const called = new WeakMap<object, Called>();

/** Names a scenario that was made of what somebody pointed at. */
export function calledBy(scenario: Scenario, by: Called): void {
  called.set(scenario, by);
}

export function optionsOf(scenario: Scenario): string | undefined {
  return called.get(scenario)?.options;
}

/** The file a scenario stands in: its name and its replay line come from it. */
const files = new WeakMap<object, string>();

/**
 * A scenario, checked by the compiler: a path that names a release which the chain does not have is an error.
 *
 * @example
 * ```ts
 * import { clean, defineScenario, release } from "migration-sandbox";
 * const scenario = defineScenario({
 *   title: "users can be given a name",
 *   engines: ["postgres"],
 *   chain: [
 *     release("1.0", { migrations: [{ name: "0001", up: "create table users (id int primary key)" }] }),
 *     release("1.1", {
 *       migrations: [
 *         { name: "0001", up: "create table users (id int primary key)" },
 *         { name: "0002", up: "alter table users add column name text" },
 *       ],
 *     }),
 *   ],
 *   paths: [{ from: "1.0", to: "1.1", expect: clean }],
 * });
 * console.assert(scenario.chain.length === 2);
 * ```
 */
export function defineScenario<Name extends string, S = unknown>(scenario: Scenario<Name, S>): Scenario<Name, S> {
  const file = callerFile();
  if (file !== undefined) files.set(scenario, file);
  return scenario;
}

/** What a message may call a scenario: its path under `scenarios/` without the ending, else its title in small letters. */
export function nameOf(scenario: Scenario): string {
  const name = called.get(scenario)?.name;
  if (name !== undefined) return name;
  const file = fileOf(scenario);
  if (file !== undefined) return nameIn(file);
  const title = scenario.title ?? "untitled";
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "");
}

/** The name of a scenario that stands in this file. */
export function nameIn(file: string): string {
  const path = file.replaceAll("\\", "/").replace(/(\.(scenario|test|spec))?\.[cm]?[jt]s$/, "");
  return (
    path
      .split("/scenarios/")
      .at(-1)
      ?.split("/")
      .slice(path.includes("/scenarios/") ? 0 : -1)
      .join("/") ?? path
  );
}

/** A file that was loaded for its scenario is where that stands, whoever called defineScenario() for it. */
export function standsIn(scenario: Scenario, file: string): void {
  files.set(scenario, file);
}

export function fileOf(scenario: Scenario): string | undefined {
  return files.get(scenario);
}

/** The file that called the function which calls this: the first on the stack beyond this one. */
function callerFile(): string | undefined {
  const { prepareStackTrace } = Error;
  try {
    Error.prepareStackTrace = (_, sites) => sites.map((site) => site.getFileName() ?? undefined);
    const stack = new Error().stack as unknown as readonly (string | undefined)[];
    const own = stack[0];
    const caller = stack.find((file) => file !== undefined && file !== own);
    return caller?.startsWith("file:") ? fileURLToPath(caller) : caller;
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
  }
}
