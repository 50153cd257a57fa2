import { createHash } from "node:crypto";
import type { Check } from "./checks/check.ts";
import { inputsOf } from "./inputs.ts";
import type { Plan, PlannedPath, Step } from "./plan.ts";
import { type PlannedMigration, type PlannedRelease, type PlannedTask, recordTablesOf } from "./planned-release.ts";
import type { Server } from "./servers/server.ts";

/** What else than the plan decides what comes out. */
export interface KeyFacts {
  readonly server: Pick<Server, "kind" | "version">;
  readonly seed: number;
  readonly strict: boolean;
  /** Our own version. */
  readonly version: string;
  /** Hops are taken back, too. */
  readonly back: boolean;
}

/**
 * What the end of each path is known by: the migrations applied on the way, their checksums and order, what was sown and used, by what
 * rules, and on which engine. The same text means the same end, by whichever run it was come to.
 *
 * Paths that code takes part in are known by all files of its package, and by where among them it stands, too: what was handed to code
 * does not show in its text. Those that a tool of somebody else's walks are known by nothing.
 */
export async function keysOf(plan: Plan, facts: KeyFacts): Promise<ReadonlyMap<PlannedPath, string>> {
  const keys = new Map<PlannedPath, string>();
  let inputs: Promise<string | undefined> | undefined;
  const { engine, scenario } = plan;
  for (const path of plan.paths) {
    const told = new Told();
    const {
      server: { kind, version: served },
      ...others
    } = facts;
    told.add([others, kind, served, engine, scenario.known ?? [], path.stops, path.source.settings ?? null]);
    for (const step of path.steps) addStep(step, told);
    for (const check of [scenario.check, path.source.check].flat() as readonly (Check | undefined)[])
      told.addAny(check);
    told.addAny(path.source.workaround);
    if (told.isUnknown || path.steps.length === 0) continue;
    if (told.hasCode) {
      inputs ??= inputsOf(plan.file);
      const files = await inputs;
      if (files === undefined) continue;
      // Of two scenarios, the same text of code may do something else; of two sets, checks that read alike.
      const isItsOwn = [path.source.check].flat().some((check) => typeof check === "function");
      told.add([files, plan.file ?? null, plan.name, scenario.title, isItsOwn ? path.name : null]);
    }
    keys.set(path, told.key());
  }
  return keys;
}

/** Gathers what there is to tell, and whether code is among it. */
class Told {
  hasCode = false;
  /** Somebody's tool takes part: nothing tells what it will do. */
  isUnknown = false;
  readonly #hash = createHash("sha256");

  add(facts: unknown): void {
    this.#hash.update(JSON.stringify(facts) ?? "undefined");
  }

  addAny(value: unknown): void {
    if (typeof value === "function") this.hasCode = true;
    this.add(typeof value === "function" ? value.toString() : (value ?? null));
  }

  key(): string {
    return this.#hash.digest("hex");
  }
}

function addStep(step: Step, told: Told): void {
  if (step.kind === "sow") {
    told.add(["sow", step.seeder.name]);
    told.addAny(step.seeder.sow);
  } else if (step.kind === "use") {
    told.add(["use", step.release.name]);
    addTasks(step.release.use, told);
  } else {
    told.add(step.kind === "restore" ? ["restore", step.dump.hash] : ["start", step.runners]);
    addRelease(step.release, told);
  }
}

function addRelease(release: PlannedRelease, told: Told): void {
  const { name, transaction, lock, session, prelude, leftOut, model, migrator, driver, boot } = release;
  if (driver !== undefined) told.isUnknown = true;
  const { title, late, edited, removed, perMessage } = migrator ?? {};
  told.add([name, transaction, lock, session, prelude, leftOut, model]);
  told.add([title, late, edited, removed, perMessage, recordTablesOf(release)]);
  for (const migration of release.migrations) addMigration(migration, told);
  addTasks(boot, told);
}

function addMigration({ name, checksum, alone, recordedAs, change, down }: PlannedMigration, told: Told): void {
  told.add([name, checksum, alone, recordedAs ?? null]);
  if (typeof change === "function" || typeof down === "function") told.hasCode = true;
  told.addAny(typeof down === "object" ? down.sql : down);
  if (typeof change === "object") told.add([change.standIns ?? null, sizesOf(change.pieces)]);
}

/** How a text is sent in pieces. */
function sizesOf(pieces: unknown): unknown {
  if (!Array.isArray(pieces)) return typeof pieces;
  return pieces.map(({ sql, offset, copied }) => [String(sql).length, offset, typeof copied]);
}

function addTasks(tasks: readonly PlannedTask[], told: Told): void {
  for (const { sentence, task } of tasks) {
    told.add(sentence);
    told.addAny(task);
  }
}
