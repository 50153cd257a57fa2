import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Grounds,
  groundsFor,
  killed,
  nothing,
  type Pace,
  paceOf,
  type Stage,
  seeded,
  type Victims,
} from "./kill-storm.ts";
import { onEachPair } from "./kill-storm-pairs.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const killsOfEach = Number(process.env.KILLS ?? 4);
const sandboxes = 20 * killsOfEach;
const patience = 400_000;

/** Where a start takes longest, most kills meet it, and runs have more paths. */
const plans: { readonly [K in "container" | "other"]: { readonly stages: readonly Stage[]; readonly paths: number } } =
  {
    container: { stages: ["start", "walk", "start", "end", "start"], paths: 24 },
    other: { stages: ["start", "walk", "end"], paths: 16 },
  };

/** Runs are killed at random moments, one or two at a time, some beside one that nobody kills; then one comes through. */
describe(`runs that are killed leave nothing behind (seed ${seed})`, async () => {
  await onEachPair((pair) => {
    const random = seeded(seed);
    const { stages, paths } = plans[pair.kind === "container" ? "container" : "other"];
    let grounds: Grounds;
    let pace: Pace;
    let kills = 0;

    beforeAll(async () => {
      grounds = await groundsFor(pair, { paths });
      pace = await paceOf(grounds.start());
    }, patience);
    afterAll(() => grounds?.[Symbol.asyncDispose](), patience);

    test(
      `after ${killsOfEach} kills of the run alone, its server ends by itself, and the next run leaves nothing`,
      async () => {
        kills += await storm("alone");
        expect(await nothing(grounds.atWork)).toEqual([]);
        await paceOf(grounds.start());
        expect(await grounds.left()).toEqual([]);
      },
      patience,
    );

    test(
      `after ${killsOfEach} kills of the run and whoever was to clean up after it, the next run leaves nothing`,
      async () => {
        kills += await storm("with its companion");
        await paceOf(grounds.start());
        expect(await grounds.left()).toEqual([]);
      },
      patience,
    );

    test(`those were ${2 * killsOfEach} kills and ${sandboxes} sandboxes at least`, () => {
      expect(kills).toBeGreaterThanOrEqual(2 * killsOfEach);
      expect(grounds.sown()).toBeGreaterThanOrEqual(sandboxes);
    });

    async function storm(whom: Victims): Promise<number> {
      let count = 0;
      let asked = kills;
      for (let round = 0; count < killsOfEach; round++) {
        const bystander = round % 4 === 1 ? paceOf(grounds.start()) : undefined;
        bystander?.catch(() => {}); // Told below.
        const doomed = Array.from({ length: bystander === undefined && random() < 0.6 ? 2 : 1 }, async () => {
          const stage = stages[asked++ % stages.length] ?? "start";
          return killed(grounds.start(), { stage, pace, random, whom });
        });
        const hits = await Promise.all(doomed);
        await bystander;
        count += hits.filter(Boolean).length;
      }
      return count;
    }
  });
});
