import { refuseChain } from "./chain-refusals.ts";
import { type EngineName, engineNames, type PerEngine } from "./database.ts";
import { refuseSetOf } from "./path-sets.ts";
import { bad, refuseEngines, refuseFields, refuseHops, releaseNamed } from "./refusing.ts";
import { isSet, nameOf, type PathSet, type Scenario, stopsOf, type UpgradePath } from "./scenario.ts";
import type { Expectation, Facts } from "./verdict.ts";

export { releaseNamed } from "./refusing.ts";

/** Each has connections of its own, and servers take a hundred. */
const mostRunners = 16;

/**
 * Refuses what cannot be rehearsed before anything is started.
 *
 * @throws {HarnessError} `bad-input`
 */
export function refuseWhatCannotBe(scenario: Scenario): void {
  const where = `scenario "${nameOf(scenario)}"`;
  refuseFields("scenario", scenario, where);
  if (typeof scenario.title !== "string" || scenario.title === "") throw bad(where, "it has no title");
  refuseEngines(scenario.engines, where);
  refuseChain(scenario.chain, where);
  for (const name of Object.keys(scenario.seeds ?? {})) releaseNamed(scenario.chain, name, `${where}, seeds`);
  if (!Array.isArray(scenario.paths) || scenario.paths.length === 0) throw bad(where, "it has no paths");
  refuseKnown(scenario.known, where);
  for (const [i, path] of scenario.paths.entries()) {
    const here = `${where}, path #${i + 1}`;
    if (isSet(path)) refuseSet(scenario, path, here);
    else refuseWrittenPath(scenario, path, here);
  }
}

function refuseWrittenPath(scenario: Scenario, path: UpgradePath, where: string): void {
  refuseFields("path", path, where);
  refusePath(scenario, path, where);
  if (path.dump !== undefined && path.from === undefined)
    throw bad(where, '"dump" needs a "from": the release at which the dump stands');
}

function refuseSet(scenario: Scenario, set: PathSet, where: string): void {
  refuseFields("set", set, where);
  const engines = enginesOf(set, scenario, where);
  refuseSettings(set.settings, where);
  for (const engine of engines) refuseExpectation(set.expect, engine, engines, where);
  if (set.but !== undefined && !Array.isArray(set.but))
    throw bad(where, '"but" is no list; it may be [{ from: "1.0", to: "1.2", expect: broken(…) }]');
  for (const [i, exception] of (set.but ?? []).entries()) {
    const here = `${where}, "but" #${i + 1}`;
    refuseFields("exception", exception, here);
    for (const engine of engines) refuseExpectation(exception.expect, engine, engines, here);
  }
  refuseSetOf(set, scenario.chain, where);
}

/** A path that cannot be walked on this chain, or on these engines. */
export function refusePath(scenario: Scenario, path: UpgradePath, where: string): void {
  const engines = enginesOf(path, scenario, where);
  if (path.to === undefined) throw bad(where, '"to" is missing: the release at which the path ends');
  const stops = stopsOf(path);
  refuseHops(scenario.chain, stops, where);
  if (path.from === undefined && path.with !== undefined) {
    throw bad(where, `"with" needs a "from": nothing is sown before a fresh install ("${path.with.name}")`);
  }
  if (path.from === undefined && path.via !== undefined)
    throw bad(where, '"via" needs a "from": a fresh install stops nowhere');
  if (path.dump !== undefined && !(path.dump instanceof URL && path.dump.protocol === "file:"))
    throw bad(where, `"dump" is ${shown(path.dump)}; it may be new URL("./theirs.sql", import.meta.url)`);
  refuseTelling(path, where);
  for (const engine of engines) refuseExpectation(path.expect, engine, engines, where);
}

function enginesOf(
  { engines }: Pick<UpgradePath, "engines">,
  scenario: Scenario,
  where: string,
): readonly EngineName[] {
  if (engines === undefined) return scenario.engines;
  refuseEngines(engines, where);
  const foreign = engines.find((engine) => !scenario.engines.includes(engine));
  if (foreign === undefined) return engines;
  throw bad(where, `"engines" names ${foreign}, which the scenario does not (${scenario.engines.join(", ")})`);
}

function shown(value: unknown): string {
  return value instanceof URL ? `"${value.href}"` : JSON.stringify(value);
}

/** What a path says beside its stops and its verdict. */
function refuseTelling({ runners, workaround, settings }: UpgradePath, where: string): void {
  if (runners !== undefined && !(Number.isInteger(runners) && runners >= 1 && runners <= mostRunners)) {
    throw bad(where, `"runners" is ${JSON.stringify(runners)}; it may be a whole number from 1 to ${mostRunners}`);
  }
  if (workaround !== undefined && typeof workaround !== "function")
    throw bad(where, `"workaround" is ${JSON.stringify(workaround)}; it may be a task: async ({ db }) => …`);
  refuseSettings(settings, where);
}

function refuseSettings(settings: unknown, where: string): void {
  const odd = notPlain(settings, "settings");
  if (odd !== undefined)
    throw bad(
      where,
      `"${odd}" is no plain data; settings may hold texts, numbers, true, false, null, lists and objects`,
    );
}

/** Where in settings something stands that is more than data. */
function notPlain(value: unknown, name: string): string | undefined {
  if (value === null || ["undefined", "string", "number", "boolean"].includes(typeof value)) return undefined;
  const isList = Array.isArray(value);
  if (typeof value !== "object" || !(isList || [Object.prototype, null].includes(Object.getPrototypeOf(value))))
    return name;
  const inside = Object.entries(value).map(([key, part]) =>
    notPlain(part, isList ? `${name}[${key}]` : `${name}.${key}`),
  );
  return inside.find((odd) => odd !== undefined);
}

function refuseKnown(known: Scenario["known"], where: string): void {
  if (known !== undefined && !Array.isArray(known)) throw bad(where, '"known" is no list of accepted findings');
  for (const [i, entry] of (known ?? []).entries()) {
    const here = `${where}, known #${i + 1}`;
    refuseFields("known", entry, here);
    refuseNumber(entry, where, `known #${i + 1}`);
    if (entry.engines !== undefined) refuseEngines(entry.engines, here);
    if (typeof entry.code !== "string") throw bad(here, "it has no code: which finding is accepted");
    if (typeof entry.why !== "string" || entry.why === "")
      throw bad(here, `it does not say why "${entry.code}" is accepted (why: "…")`);
  }
}

function refuseExpectation(
  expect: UpgradePath["expect"] | undefined,
  engine: EngineName,
  engines: readonly EngineName[],
  where: string,
): void {
  if (expect !== undefined && (typeof expect !== "object" || expect === null)) {
    throw bad(where, `"expect" is ${JSON.stringify(expect)}; say clean or broken(…)`);
  }
  const expected = expect && expectationFor(expect, engine);
  if (expected === undefined) throw bad(where, `"expect" says nothing for ${engine}; say clean or broken(…)`);
  if (expected.outcome === "clean") return;
  for (const finding of expected.findings) {
    refuseFields("finding", finding, `${where}, "expect"`);
    refuseNumber(finding, where, '"expect"');
    const told = engineNames.filter((name) => finding[name] !== undefined);
    const missing = told.length > 0 && engines.includes(engine) && finding[engine] === undefined;
    if (missing)
      throw bad(where, `"expect" names the error of "${finding.code}" for ${told.join(", ")} but not for ${engine}`);
  }
}

function refuseNumber({ postgres }: Facts, where: string, what: string): void {
  if (typeof postgres === "number")
    throw bad(where, `${what} gives ${postgres} for postgres, whose errors are SQLSTATEs: write it as a text`);
}

export function expectationFor(
  expect: Expectation | PerEngine<Expectation>,
  engine: EngineName,
): Expectation | undefined {
  return "outcome" in expect ? (expect as Expectation) : expect[engine];
}
