import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Grounds, groundsFor, nothing, type Pace, paceOf, type Run, seeded, until } from "./kill-storm.ts";
import { onEachPair, type Pair } from "./kill-storm-pairs.ts";
import { foldersIn } from "./kill-storm-seen.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const patience = 200_000;

describe(`moments at which a kill is awkward (seed ${seed})`, async () => {
  await onEachPair((pair) => {
    const random = seeded(seed);
    const rounds = pair.kind === "container" ? 1 : Number(process.env.ROUNDS ?? 1);
    let grounds: Grounds;
    let pace: Pace;

    beforeAll(async () => {
      grounds = await groundsFor(pair, { paths: 4 });
      pace = await paceOf(grounds.start());
    }, patience);
    afterAll(() => grounds?.[Symbol.asyncDispose](), patience);

    test(
      "a run that is killed while its server is only starting leaves nothing to the next one",
      async () => {
        for (let i = 0; i < rounds; i++) {
          const run = grounds.start();
          await until(() => pair.kind === "existing" || foldersIn(grounds.runs).length > 0);
          await sleep(random() * pace.start * 0.7);
          run.kill("with its companion");
          await run.ended;
        }
        await paceOf(grounds.start());
        expect(await grounds.left()).toEqual([]);
      },
      patience,
    );

    test(
      "a run that is killed while it cleans up after a killed one leaves nothing to the next one",
      async () => {
        for (let i = 0; i < rounds; i++) {
          for (const share of [1, 0.6 + random() * 0.4]) {
            const run = grounds.start();
            if (share === 1) await until(() => run.sown() >= 2);
            else await sleep(share * pace.start);
            run.kill("with its companion");
            await run.ended;
          }
        }
        await paceOf(grounds.start());
        expect(await grounds.left()).toEqual([]);
      },
      patience,
    );

    test(
      "a run that lives is left alone by one with another folder of runs, and by one with the same",
      async () => {
        const elsewhere = folderBeside(grounds.runs);
        const hold = join(elsewhere, "hold");
        writeFileSync(hold, "");
        const held = grounds.start({ STORM_HOLD: hold });
        try {
          await until(() => held.sown() === held.paths || held.hasEnded());
          await paceOf(grounds.start({ MIGRATION_SANDBOX_RUNS: elsewhere }));
          await paceOf(grounds.start());
        } finally {
          rmSync(hold);
        }
        expect((await held.ended).code).toBe(0);
        expect(foldersIn(elsewhere)).toEqual([]);
        expect(await grounds.left()).toEqual([]);
        rmSync(elsewhere, { recursive: true });
      },
      patience,
    );

    test.runIf(pair.kind === "embedded" || pair.kind === "local")(
      "what a dead run left in one folder of runs is nothing to a run with another",
      async () => {
        const elsewhere = folderBeside(grounds.runs);
        const run = grounds.start({ MIGRATION_SANDBOX_RUNS: elsewhere });
        await until(() => run.sown() > 0);
        run.kill("with its companion");
        await run.ended;
        await paceOf(grounds.start());
        expect(foldersIn(elsewhere)).toHaveLength(1);
        await paceOf(grounds.start({ MIGRATION_SANDBOX_RUNS: elsewhere }));
        expect(foldersIn(elsewhere)).toEqual([]);
        expect(await grounds.left()).toEqual([]);
        rmSync(elsewhere, { recursive: true });
      },
      patience,
    );

    test.runIf(pair.kind === "existing")(
      "a database whose maker died before it was marked is dropped by the next run",
      async () => {
        await grounds.host?.leaveHalfMade();
        expect(await grounds.left()).toHaveLength(1);
        await paceOf(grounds.start());
        expect(await grounds.left()).toEqual([]);
      },
      patience,
    );

    test.runIf(pair.kind === "embedded" || pair.kind === "local")(
      "runs that are killed while they prepare a server's folder leave nothing in the cache to the next one",
      async () => {
        const cold = folderBeside(grounds.runs);
        const begun = performance.now();
        await paceOf(grounds.start({ MIGRATION_SANDBOX_CACHE: cold }));
        const preparing = Math.max(performance.now() - begun - pace.end - pace.start, 500);
        rmSync(cold, { recursive: true });
        const cache = folderBeside(grounds.runs);
        for (let i = 0; i < 4; i++) {
          const doomed = Array.from({ length: i % 2 === 0 ? 1 : 2 }, () =>
            grounds.start({ MIGRATION_SANDBOX_CACHE: cache }),
          );
          for (const run of doomed) {
            await sleep((random() * preparing) / doomed.length);
            run.kill("alone");
          }
          await Promise.all(doomed.map(({ ended }) => ended));
        }
        await paceOf(grounds.start({ MIGRATION_SANDBOX_CACHE: cache }));
        expect(await nothing(async () => workshopsIn(cache))).toEqual([]);
        expect(await nothing(grounds.left)).toEqual([]);
        rmSync(cache, { recursive: true });
      },
      patience,
    );

    test.runIf(pair.kind === "embedded" || pair.kind === "local")(
      "a run that is killed while it prepares what another one prepares as well leaves nothing in the cache",
      async () => {
        const cache = folderBeside(grounds.runs);
        const [doomed, other] = [1, 2].map(() => grounds.start({ MIGRATION_SANDBOX_CACHE: cache })) as [Run, Run];
        await until(() => workshopsIn(cache).length === 2 || doomed.hasEnded());
        doomed.kill("alone");
        expect((await other.ended).code).toBe(0);
        await paceOf(grounds.start({ MIGRATION_SANDBOX_CACHE: cache }));
        expect(workshopsIn(cache)).toEqual([]);
        expect(await nothing(grounds.left)).toEqual([]);
        rmSync(cache, { recursive: true });
      },
      patience,
    );
  }, isMeant);
});

/** What keeps a container is the same for every engine. */
function isMeant({ engine, kind }: Pair): boolean {
  return kind !== "container" || engine === "postgres";
}

/** On the same disk, where everybody may enter. */
function folderBeside(runs: string): string {
  const folder = mkdtempSync(join(dirname(runs), "elsewhere-"));
  chmodSync(folder, 0o777);
  return folder;
}

function workshopsIn(cache: string): readonly string[] {
  return readdirSync(cache).filter((name) => name.startsWith("preparing-"));
}
