import type { Migration, MigrationSource, TransactionRule } from "migration-sandbox";
import { release } from "migration-sandbox";
import { backAndForth } from "../harness/back.ts";
import { takeBack } from "../harness/down-runner.ts";
import { type PlannedRelease, plannedRelease } from "../harness/planned-release.ts";
import { readingOf } from "../harness/reading.ts";
import type { Sandbox, Stage } from "../harness/sandbox.ts";
import { emptySnapshot } from "../harness/snapshot.ts";
import { start } from "../harness/start.ts";
import type { StepOptions } from "../harness/step.ts";
import type { Finding } from "../harness/verdict.ts";

/** An upgrade that is to be taken back and made again. */
export interface Upgraded {
  /** What stands before it. */
  readonly installs?: string;
  /** Rows that users had by then. */
  readonly sows?: string;
  readonly hop: readonly Omit<Migration, "name">[];
  readonly transaction?: TransactionRule;
  readonly boot?: string;
}

export interface Told {
  readonly findings: readonly Finding[];
  readonly notes: readonly Finding[];
}

export function stepsOn(stage: Stage): StepOptions {
  return { stage, file: undefined, seed: 1, timeout: 60_000, onHung: () => {} };
}

/** Makes an upgrade as a walk would, and takes it back. */
export async function tookBack(stage: Stage, upgrade: Upgraded): Promise<Told> {
  const { installs, sows, hop, transaction = "each", boot } = upgrade;
  const first: Migration = { name: "0001", up: installs ?? "select 1", down: "select 1" };
  const list = [first, ...hop.map((one, i): Migration => ({ ...one, name: `000${i + 2}` }))];
  const tasks = {
    boots: async ({ db }: { readonly db: { raw(sql: string): PromiseLike<unknown> } }) =>
      void (await db.raw(boot ?? "")),
  };
  const parts = { transaction, ...(boot !== undefined && { boot: tasks }) };
  const before = await planned(stage, "1.0", [first], { transaction });
  const after = await planned(stage, "1.1", list, parts);
  const made: Sandbox[] = [];
  try {
    const old = await stage.create();
    made.push(old);
    await started(stage, old, before, undefined);
    if (sows !== undefined) await said(old, sows);
    await old.freeze();
    const again = async () => {
      const clone = await old.clone();
      made.push(clone);
      return clone;
    };
    const sandbox = await again();
    await started(stage, sandbox, after, before);
    const at = { sandbox, now: readingOf(sandbox) };
    const applied = list.slice(1).map(({ name }) => name);
    return await backAndForth(
      { before: readingOf(old), again, at, release: after, last: before, applied },
      stepsOn(stage),
    );
  } finally {
    for (const sandbox of made) await ended(sandbox);
  }
}

/**
 * The same for a fresh install.
 *
 * @param look sees a copy of it in which all was taken back
 */
export async function tookBackInstall(
  stage: Stage,
  migrations: readonly Migration[] | MigrationSource,
  look?: (sandbox: Sandbox) => Promise<void>,
): Promise<Told> {
  const installed = await planned(stage, "1.0", migrations, {});
  const made = [await stage.create()];
  try {
    const [sandbox] = made as [Sandbox];
    await started(stage, sandbox, installed, undefined);
    const at = { sandbox, now: readingOf(sandbox) };
    const applied = installed.migrations.map(({ name }) => name);
    const hop = { before: emptySnapshot, at, release: installed, last: undefined, applied };
    const told = await backAndForth(hop, stepsOn(stage));
    if (look === undefined) return told;
    const copy = await sandbox.clone();
    made.push(copy);
    const { failure } = await takeBack(installed.migrations, { ...hop, sandbox: copy, stage, file: undefined });
    if (failure !== undefined) throw new Error(failure.message);
    await look(copy);
    return told;
  } finally {
    for (const sandbox of made) await ended(sandbox);
  }
}

export function planned(
  { engine }: Stage,
  name: string,
  migrations: readonly Migration[] | MigrationSource,
  parts: Omit<Parameters<typeof release>[1], "migrations">,
): Promise<PlannedRelease> {
  return plannedRelease(release(name, { ...parts, migrations }), engine.name, "a test");
}

export async function started(
  stage: Stage,
  sandbox: Sandbox,
  planned: PlannedRelease,
  last: PlannedRelease | undefined,
): Promise<void> {
  const options = { ...stepsOn(stage), settings: {}, last, from: last?.name ?? null, runners: 1 };
  const { findings } = await start(sandbox, planned, options);
  const [first] = findings;
  if (first !== undefined) throw new Error(`It did not come up: ${first.message}`);
}

async function said(sandbox: Sandbox, sql: string): Promise<void> {
  const session = await sandbox.connect();
  await session.script(sql).finally(() => session.end());
}

async function ended(sandbox: Sandbox): Promise<void> {
  for (const reading of sandbox.readings) await reading.close();
  await sandbox.drop();
}
