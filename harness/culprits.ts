import { differences } from "./difference.ts";
import { goForth, type Leg, takeBack } from "./down-runner.ts";
import { hasWayBack, saysNothing } from "./downs.ts";
import { judgedJourney, type Said } from "./journey.ts";
import type { PlannedMigration } from "./planned-release.ts";
import { type Reading, readingOf } from "./reading.ts";
import type { Sandbox } from "./sandbox.ts";

/**
 * Finds out which of the migrations of a hop do not lead back, and how: they are made once more, one after the other, and taken back
 * by themselves; as many at once as lead back together. Those without a way back are only made.
 *
 * @param from a database that is as it was ahead of them; dropped with all that is made of it
 */
export async function culprits(
  migrations: readonly PlannedMigration[],
  from: Sandbox,
  leg: Omit<Leg, "sandbox">,
): Promise<Said> {
  const search = new Search(leg);
  let at = from;
  try {
    for (const block of blocksOf(migrations)) at = await search.through(block, at);
  } finally {
    await search.drop(at);
  }
  return search;
}

function blocksOf(migrations: readonly PlannedMigration[]): readonly (readonly PlannedMigration[])[] {
  const blocks: PlannedMigration[][] = [];
  for (const migration of migrations) {
    const open = blocks.at(-1);
    const [last] = open ?? [];
    if (open !== undefined && last !== undefined && hasWayBack(last) === hasWayBack(migration)) open.push(migration);
    else blocks.push([migration]);
  }
  return blocks;
}

class Search implements Said {
  readonly findings: Said["findings"][number][] = [];
  readonly notes: Said["notes"][number][] = [];
  isGone = false;
  readonly #leg: Omit<Leg, "sandbox">;

  constructor(leg: Omit<Leg, "sandbox">) {
    this.#leg = leg;
  }

  /** Makes migrations and judges them; what they are made on is dropped. */
  async through(block: readonly PlannedMigration[], from: Sandbox): Promise<Sandbox> {
    const [first, ...more] = block;
    if (first === undefined) return from;
    const before = await this.#stateOf(from);
    const there = await from.clone();
    const forth = await goForth(block, { ...this.#leg, sandbox: there });
    // It came through before; if it does not now, nothing can be told by it.
    if (forth.failure !== undefined || !hasWayBack(first)) return this.#goneOn(from, there);
    const now = await this.#stateOf(there);
    const back = await there.clone();
    const after = readingOf(back);
    try {
      const { failure } = await takeBack(block, { ...this.#leg, sandbox: back });
      const found = failure === undefined ? await differences(before, after) : [];
      if (failure === undefined && found.length === 0) return await this.#goneOn(from, there);
      if (more.length === 0) {
        if (failure !== undefined) this.findings.push(failure);
        const { release } = this.#leg;
        const empty = saysNothing(first, there.engine.name);
        const what = { release: release.name, migration: first.name, empty, boots: false };
        const said = await judgedJourney({ before, there: now, back: after }, found, what);
        this.findings.push(...said.findings);
        this.notes.push(...said.notes);
        this.isGone ||= said.isGone === true;
        return await this.#goneOn(from, there);
      }
    } finally {
      await after.close();
      await this.drop(back);
    }
    await this.drop(there);
    const half = Math.ceil(block.length / 2);
    return this.through(block.slice(half), await this.through(block.slice(0, half), from));
  }

  async #goneOn(from: Sandbox, there: Sandbox): Promise<Sandbox> {
    await this.drop(from);
    return there;
  }

  async #stateOf(sandbox: Sandbox): Promise<Reading> {
    if (!sandbox.frozen) await sandbox.freeze();
    return readingOf(sandbox);
  }

  async drop(sandbox: Sandbox): Promise<void> {
    for (const reading of sandbox.readings) await reading.close().catch(() => {});
    await sandbox.drop().catch(() => {});
  }
}
