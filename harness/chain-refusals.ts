import { type Migration, type Release, refuseTwins } from "./chain.ts";
import { knownNames } from "./errors.ts";
import { bad, refuseFields } from "./refusing.ts";

/** @throws {HarnessError} `bad-input`: a chain that no path could be walked on */
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
