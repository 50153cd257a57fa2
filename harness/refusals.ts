import { type Migration, type Release, refuseTwins } from "./chain.ts";
import { type EngineName, engineNames, type PerEngine } from "./database.ts";
import { HarnessError, knownNames } from "./errors.ts";
import { nameOf, type Scenario, stopsOf, type UpgradePath } from "./scenario.ts";
import type { Expectation, Facts } from "./verdict.ts";

/** Fields of the Semantics that the types know and nothing serves yet, with what to do until then. */
const unserved = {
  migration: { down: "leave it out: only upgrades are rehearsed" },
  path: {
    every: "write the paths out, each with from and to",
  },
} as const;

/** Each has connections of its own, and servers take a hundred. */
const mostRunners = 16;

const fields = {
  scenario: ["title", "source", "engines", "chain", "seeds", "paths", "check", "known"],
  release: ["name", "migrations", "insteadOf", "transaction", "lock", "model", "boot", "use"],
  migration: ["name", "up", "down", "after", "transaction", "recordedAs"],
  finding: ["code", "release", "migration", "table", "column", "task", "exception", ...engineNames],
  known: ["code", "release", "migration", "table", "column", "task", "exception", "why", "engines", ...engineNames],
  path: [
    "from",
    "dump",
    "with",
    "via",
    "to",
    "settings",
    "engines",
    "runners",
    "workaround",
    "check",
    "expect",
    "every",
  ],
} as const;

/**
 * Refuses what cannot be rehearsed before anything is started.
 *
 * @throws {HarnessError} `bad-input` for what cannot be right; `not-served-yet` for what the types know and nothing
 * serves: it is never ignored.
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
  scenario.paths.forEach((path, i) => {
    const here = `${where}, path #${i + 1}`;
    refuseFields("path", path, here);
    refusePath(scenario, path as UpgradePath, here);
    if ("dump" in path && path.dump !== undefined && path.from === undefined)
      throw bad(here, '"dump" needs a "from": the release at which the dump stands');
  });
}

/** @throws {HarnessError} `bad-input`, `not-served-yet`: a chain that no path could be walked on */
export function refuseChain(chain: readonly Release[], where: string): void {
  if (!Array.isArray(chain) || chain.length === 0)
    throw bad(where, "its chain is empty; it needs at least one release(…)");
  const names = chain.map(({ name }) => name);
  refuseTwins(names, `Cannot rehearse ${where}, chain`);
  for (const release of chain) {
    const here = `${where}, release "${release.name}"`;
    refuseFields("release", release, here);
    const { insteadOf, transaction, migrations } = release;
    refuseTasks(release, here);
    if (transaction !== undefined && !["each", "all", "none"].includes(transaction)) {
      throw bad(here, `transaction is ${JSON.stringify(transaction)}; it may be "each", "all" or "none"`);
    }
    if (!Array.isArray(migrations) && typeof (migrations as { read?: unknown } | undefined)?.read !== "function") {
      throw bad(here, "migrations is neither a list nor a source such as sqlFolder(…)");
    }
    if (insteadOf === undefined) continue;
    const original = chain.find(({ name }) => name === insteadOf);
    if (original === undefined)
      throw bad(
        here,
        `insteadOf names "${insteadOf}", which the chain does not have (${knownNames(insteadOf, names)})`,
      );
    if (original.insteadOf !== undefined) throw bad(here, `insteadOf names "${insteadOf}", which is itself a stand-in`);
  }
}

/** Looks at migrations once they are read: names, fields, and SQL or code for the engine. */
export function refuseMigrations(migrations: readonly Migration[], where: string, asRead = false): void {
  refuseTwins(
    migrations.map(({ name }) => name),
    `Cannot rehearse ${where}`,
  );
  const earlier = new Set<string>();
  for (const migration of migrations) {
    const here = `${where}, migration "${migration.name}"`;
    // What a format ships beside its ups is the format's; what somebody writes is for us.
    if (!asRead) refuseFields("migration", migration, here);
    if (typeof migration.name !== "string" || migration.name === "") throw bad(where, "a migration has no name");
    if (migration.transaction !== undefined && migration.transaction !== false) {
      throw bad(here, `transaction is ${JSON.stringify(migration.transaction)}; it may be false, or left out`);
    }
    const late = migration.after?.find((name) => !earlier.has(name));
    earlier.add(migration.name);
    if (late !== undefined)
      throw bad(
        here,
        `it comes after "${late}", which does not stand before it (byDependencies([…]) puts them in order)`,
      );
    if (migration.up === undefined || migration.up === null) throw bad(here, 'it has no "up"');
  }
}

export function refusePath(scenario: Scenario, path: UpgradePath, where: string): void {
  const engines = path.engines ?? scenario.engines;
  if (path.engines !== undefined) refuseEngines(path.engines, where);
  const foreign = engines.find((engine) => !scenario.engines.includes(engine));
  if (foreign !== undefined)
    throw bad(where, `"engines" names ${foreign}, which the scenario does not (${scenario.engines.join(", ")})`);
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

function refuseTasks({ lock, model, boot, use }: Release, where: string): void {
  if (lock !== undefined && !["wait", "refuse", "none"].includes(lock))
    throw bad(where, `lock is ${JSON.stringify(lock)}; it may be "wait", "refuse" or "none"`);
  for (const [kind, tasks] of Object.entries({ boot, use })) {
    if (tasks !== undefined && !isPlainObject(tasks))
      throw bad(
        where,
        `${kind} is no map of tasks; it may be { "make the first user": async ({ db, settings, log }) => … }`,
      );
    for (const [sentence, task] of Object.entries(tasks ?? {}))
      if (typeof task !== "function")
        throw bad(where, `${kind} "${sentence}" is no task; it may be a function: async ({ db, settings, log }) => …`);
  }
  if (model !== undefined && !isPlainObject(model))
    throw bad(where, 'model is no map of columns; it may be { users: ["id", "name"] }');
  for (const [table, columns] of Object.entries(model ?? {}))
    if (!Array.isArray(columns)) throw bad(where, `model says nothing of "${table}"; it may list its columns`);
}

function isPlainObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
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

/** Stops that a chain does not have, or has in another order. */
export function refuseHops(chain: readonly Release[], stops: readonly string[], where: string): void {
  const places = stops.map((name) => placeOf(chain, releaseNamed(chain, name, where)));
  places.forEach((place, i) => {
    const before = places[i - 1];
    if (before === undefined) return;
    const hop = `"${stops[i - 1]}" → "${stops[i]}"`;
    if (place < before)
      throw bad(where, `${hop} goes backwards: "${stops[i]}" comes before "${stops[i - 1]}" in the chain`);
    if (stops[i] === stops[i - 1]) throw bad(where, `${hop} goes nowhere`);
  });
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

/** @throws {HarnessError} `bad-input` with the nearest of the chain's names. */
export function releaseNamed(chain: readonly Release[], name: string, where: string): Release {
  const found = chain.find((release) => release.name === name);
  if (found !== undefined) return found;
  throw bad(
    where,
    `the chain has no release "${name}" (${knownNames(
      name,
      chain.map((r) => r.name),
    )})`,
  );
}

/** A release's place in the chain; a stand-in shares that of the release it stands for. */
function placeOf(chain: readonly Release[], release: Release): number {
  return chain.findIndex(({ name }) => name === (release.insteadOf ?? release.name));
}

function refuseEngines(engines: readonly EngineName[], where: string): void {
  if (!Array.isArray(engines) || engines.length === 0)
    throw bad(where, `it names no engine (${engineNames.join(", ")})`);
  const unknown = engines.find((engine) => !engineNames.includes(engine));
  if (unknown !== undefined) throw bad(where, `there is no engine "${unknown}" (${knownNames(unknown, engineNames)})`);
}

function refuseFields(kind: keyof typeof fields, value: object, where: string): void {
  for (const [field, content] of Object.entries(value ?? {})) {
    if (content === undefined) continue;
    const known: readonly string[] = fields[kind];
    if (!known.includes(field)) throw bad(where, `there is no field "${field}" (${knownNames(field, known)})`);
    const instead = (unserved as { readonly [kind: string]: { readonly [field: string]: string } })[kind]?.[field];
    if (instead === undefined) continue;
    throw new HarnessError("not-served-yet", `Cannot rehearse ${where}: nothing serves "${field}" yet (${instead})`);
  }
}

function bad(where: string, why: string): HarnessError {
  return new HarnessError("bad-input", `Cannot rehearse ${where}: ${why}`);
}
