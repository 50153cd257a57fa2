import { existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { HarnessError, knownNames, messageOf } from "./errors.ts";
import { readSamples } from "./samples.ts";
import { fileOf, nameIn, nameOf, type Scenario, standsIn } from "./scenario.ts";
import { pathsOf } from "./selection.ts";
import type { Unprepared } from "./unprepared.ts";

/** How chains are found that nobody has written a scenario for. */
export type HowUnprepared = Omit<Unprepared, "where">;

/** What was asked for on the command line: scenarios, and of some only one path. */
export interface Wanted {
  readonly scenario: Scenario;
  /** Names of the paths to walk (`<scenario>#<n>`, of a set each of its own); all of them unless said. */
  readonly only?: ReadonlySet<string>;
}

const usualFolder = "scenarios";
const sourceFile = /\.[cm]?[jt]s$/;
const noScenarioFile = /(\.d\.[cm]?ts|\.(test|spec|config|bench)\.[cm]?[jt]s)$/;

/**
 * Finds the scenarios that arguments name: a file or folder that exists, else part of a scenario's name; `#2` behind
 * either asks for its second path. Without arguments: all scenarios under `scenarios/`.
 *
 * A folder without scenarios is taken for migrations, and with `tags` for a repository: then the scenario is made up.
 *
 * @param publicEntry what scenario files get when they import "migration-sandbox": this very library, not a second copy
 * @throws {HarnessError} `bad-input` for a name that selects nothing; `scenario-unreadable` for a file that does not load
 */
export async function load(
  args: readonly string[],
  publicEntry: () => Promise<object>,
  how: HowUnprepared = {},
): Promise<readonly Wanted[]> {
  const read = reader(publicEntry);
  const isChain = how.tags !== undefined || how.folder !== undefined || how.format !== undefined;
  if (args.length === 0 && isChain) return [{ scenario: await unprepared({ ...how, where: "." }) }];
  if (args.length === 0) return (await read.folder(usualFolder)).map((scenario) => ({ scenario }));
  const wanted = new Map<Scenario, Set<string> | undefined>();
  for (const arg of args) {
    const [, what = arg, number, ends] = /^(.*?)(?:#(\d+)(?::(.*))?)?$/s.exec(arg) ?? [];
    const found = isChain ? [await unprepared({ ...how, where: what })] : await chosen(what, read, how);
    for (const scenario of found) {
      const before = wanted.has(scenario) ? wanted.get(scenario) : new Set<string>();
      const named = number === undefined ? [] : await pathsNamed(scenario, number, ends);
      // A scenario asked for whole stays whole.
      wanted.set(scenario, number === undefined || before === undefined ? undefined : new Set([...before, ...named]));
    }
  }
  return [...wanted].map(([scenario, only]) => ({ scenario, ...(only !== undefined && { only }) }));
}

/** A path by its number, or all of a set, or the one of it that has these ends. */
async function pathsNamed(scenario: Scenario, number: string, ends: string | undefined): Promise<readonly string[]> {
  const whole = `${nameOf(scenario)}#${number}`;
  const { length } = scenario.paths ?? [];
  if (Number(number) < 1 || Number(number) > length)
    throw new HarnessError("bad-input", `Cannot rehearse "${whole}": the scenario has paths #1 to #${length}`);
  await readSamples(scenario);
  const names = pathsOf(scenario).map(({ name }) => name);
  const those = names.filter((name) => name === whole || name.startsWith(`${whole}:`));
  if (ends === undefined) return those;
  const name = `${whole}:${ends}`;
  if (those.includes(name)) return [name];
  throw new HarnessError("bad-input", `Cannot rehearse "${name}": there is no such path (${knownNames(name, those)})`);
}

type Reader = ReturnType<typeof reader>;

async function chosen(what: string, read: Reader, how: HowUnprepared): Promise<readonly Scenario[]> {
  if (existsSync(what)) {
    if (!(await stat(what)).isDirectory()) return [await read.file(resolve(what))];
    return (await holdsScenarios(what)) ? read.folder(what) : [await migrationsOrNothing({ ...how, where: what })];
  }
  if (/^\.{0,2}\//.test(what))
    throw new HarnessError("bad-input", `Cannot rehearse "${what}": there is no such file or folder`);
  if (sourceFile.test(what))
    throw new HarnessError("bad-input", `Cannot read scenario file "${what}": there is no such file`);
  const named = existsSync(usualFolder) ? await read.named(what, usualFolder) : [];
  const exact = named.filter((scenario) => nameOf(scenario) === what);
  if (named.length > 0) return exact.length > 0 ? exact : named;
  const names = existsSync(usualFolder) ? (await read.folder(usualFolder)).map(nameOf) : [];
  const where = existsSync(usualFolder) ? `folder "${usualFolder}"` : `this folder, which has no "${usualFolder}"`;
  throw new HarnessError(
    "bad-input",
    `Cannot find a scenario named like "${what}" in ${where} (${knownNames(what, names)})`,
  );
}

async function migrationsOrNothing(chain: Unprepared): Promise<Scenario> {
  try {
    return await unprepared(chain);
  } catch (cause) {
    const isNone = cause instanceof HarnessError && /": it is no migration folder: /.test(cause.message);
    if (!isNone) throw cause;
    const why = cause.message.slice(cause.message.indexOf('": ') + 3);
    const message = `Cannot rehearse folder "${chain.where}": no file in it has a scenario as default export, and ${why}`;
    throw new HarnessError("bad-input", message, { cause });
  }
}

/** Reading chains takes much that scenarios do without: it is loaded once it is asked for. */
async function unprepared(chain: Unprepared): Promise<Scenario> {
  return (await import("./unprepared.ts")).unprepared(chain);
}

/** Whether a folder's files speak of scenarios; reading them as such would run a tool's migrations in code. */
async function holdsScenarios(folder: string): Promise<boolean> {
  const files = await filesUnder(resolve(folder));
  for (const file of files) {
    const text = await readFile(file, "utf8").catch(() => "");
    if (/migration-sandbox|defineScenario/.test(text)) return true;
  }
  return false;
}

function reader(publicEntry: () => Promise<object>) {
  let loader: Promise<(file: string) => Promise<unknown>> | undefined;
  const seen = new Map<string, Scenario | undefined>();

  async function scenarioIn(file: string): Promise<Scenario | undefined> {
    if (seen.has(file)) return seen.get(file);
    loader ??= loaderOf(publicEntry);
    const scenario = scenarioOf(await import_(await loader, file));
    if (scenario !== undefined) standsIn(scenario, file);
    seen.set(file, scenario);
    return scenario;
  }

  /** A file without a scenario is a helper. */
  async function scenariosIn(files: readonly string[]): Promise<readonly Scenario[]> {
    const scenarios: Scenario[] = [];
    for (const file of files) {
      const scenario = await scenarioIn(file);
      if (scenario !== undefined) scenarios.push(scenario);
    }
    return scenarios;
  }

  return {
    async file(file: string): Promise<Scenario> {
      if (!sourceFile.test(file))
        throw new HarnessError(
          "bad-input",
          `Cannot read scenario file "${shown(file)}": scenarios are TypeScript or JavaScript modules`,
        );
      const scenario = await scenarioIn(file);
      if (scenario !== undefined) return scenario;
      throw new HarnessError(
        "scenario-unreadable",
        `Cannot find a scenario in "${shown(file)}": its default export is none (export default defineScenario({ … }))`,
      );
    },

    /** Those whose names contain this; what stands in other files is not read. */
    async named(what: string, folder: string): Promise<readonly Scenario[]> {
      return scenariosIn((await filesUnder(resolve(folder))).filter((file) => nameIn(file).includes(what)));
    },

    async folder(folder: string): Promise<readonly Scenario[]> {
      const files = await filesUnder(resolve(folder));
      const scenarios = await scenariosIn(files);
      if (scenarios.length > 0) return scenarios;
      throw new HarnessError(
        "bad-input",
        `Cannot find a scenario in folder "${folder}": ${files.length === 0 ? "it holds no TypeScript or JavaScript file" : `no file in it has one as default export`}`,
      );
    },
  };
}

async function filesUnder(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause) => {
    throw new HarnessError(
      "bad-input",
      `Cannot read folder "${shown(folder)}": ${cause.message} (scenarios are looked for in "${usualFolder}", or name a file or folder)`,
      { cause },
    );
  });
  return entries
    .filter((entry) => entry.isFile() && sourceFile.test(entry.name) && !noScenarioFile.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes("/node_modules/"))
    .sort();
}

/** jiti reads TypeScript without a build, and remembers what it made of a file. */
async function loaderOf(publicEntry: () => Promise<object>): Promise<(file: string) => Promise<unknown>> {
  // `require` takes a quarter of the time of `import`, which reads the exports of CommonJS first.
  const { createJiti } = createRequire(import.meta.url)("jiti") as typeof import("jiti");
  const entry = await publicEntry();
  const jiti = createJiti(pathToFileURL(resolve("scenarios")).href, {
    virtualModules: { "migration-sandbox": entry },
    interopDefault: false,
  });
  return (file) => jiti.import(file);
}

async function import_(load: (file: string) => Promise<unknown>, file: string): Promise<unknown> {
  try {
    return await load(file);
  } catch (cause) {
    if (cause instanceof HarnessError)
      throw new HarnessError(cause.code, `Cannot load scenario file "${shown(file)}": ${cause.message}`, { cause });
    throw new HarnessError(
      "scenario-unreadable",
      `Cannot load scenario file "${shown(file)}": ${messageOf(cause).trim()}${placeIn(cause, file)}`,
      { cause },
    );
  }
}

/** Where in its own text a file threw, unless the message says so. */
function placeIn(cause: unknown, file: string): string {
  const { stack = "", message = "" } = cause as Partial<Error>;
  const at = stack.split("\n").find((line) => /^\s+at /.test(line) && line.includes(`${file}:`));
  const place = at === undefined ? undefined : /:\d+:\d+/.exec(at.slice(at.indexOf(file) + file.length))?.[0];
  return place === undefined || message.includes(file) ? "" : ` (${shown(file)}${place})`;
}

function scenarioOf(module: unknown): Scenario | undefined {
  const { default: scenario } = (module ?? {}) as { default?: unknown };
  if (typeof scenario !== "object" || scenario === null) return undefined;
  // What defineScenario() has seen is one, even with a field misspelt: then that is what to say of it.
  const isOne = fileOf(scenario as Scenario) !== undefined || ("chain" in scenario && "paths" in scenario);
  return isOne ? (scenario as Scenario) : undefined;
}

function shown(file: string): string {
  const path = relative(process.cwd(), file);
  return path.startsWith("..") ? file : path;
}
