import { setTimeout as sleep } from "node:timers/promises";
import { differences } from "./difference.ts";
import type { Difference } from "./differing.ts";
import type { Leg } from "./down-runner.ts";
import { withoutWhatAlwaysDiffers } from "./ends.ts";
import type { Said } from "./journey.ts";
import type { PlannedMigration, PlannedRelease } from "./planned-release.ts";
import { readingOf } from "./reading.ts";
import { guarded, type Sandbox } from "./sandbox.ts";
import type { Standing } from "./standing.ts";
import { start } from "./start.ts";
import type { StepOptions } from "./step.ts";
import type { Finding } from "./verdict.ts";

/** What was taken back and is to be made again. */
interface TakenBack {
  readonly back: readonly PlannedMigration[];
  /** Where it had led at first. */
  readonly at: Pick<Standing, "now">;
  /** Where it was taken back. */
  readonly leg: Leg;
  readonly last: PlannedRelease | undefined;
  /** Whether rows are to be the same, too. */
  readonly rows: boolean;
  /** What was said of the way back. */
  readonly said: Said;
}

interface How {
  readonly options: StepOptions;
  /** Another database in the state before it, which ends with the journey; without one, rows are not compared. */
  readonly arrive: (() => Promise<Sandbox>) | undefined;
}

/** Makes again what was taken back, and holds what comes out against what it had led to at first. */
export async function upAgain(taken: TakenBack, how: How): Promise<readonly Finding[]> {
  const { back, at, leg } = taken;
  const { sandbox, release, stage } = leg;
  const failed = await started(taken, sandbox, how.options);
  if (failed.length > 0) return failed;
  const again = readingOf(sandbox);
  const found = (await guarded(stage, () => differences(at.now, again))).filter(
    (one) => !isConsequence(one, { ...taken, rows: taken.rows && how.arrive !== undefined }),
  );
  const always = found.some(({ rows }) => rows !== undefined) ? await alwaysDiffers(taken, how) : [];
  const [only, ...more] = back;
  return found.flatMap((difference): readonly Finding[] => {
    const left = withoutWhatAlwaysDiffers(difference, always);
    if (left === undefined) return [];
    const { table, column, sides } = left;
    return [
      {
        code: "up-again-differs",
        release: release.name,
        ...(only !== undefined && more.length === 0 && { migration: only.name }),
        ...(table !== undefined && { table }),
        ...(column !== undefined && { column }),
        message: `taken back and made again, ${release.name} comes to another state than at first: ${left.message}`,
        ...(sides !== undefined && { sides }),
      },
    ];
  });
}

/** Only its migrations: what boot had done is there. */
async function started({ leg: { release }, last }: TakenBack, sandbox: Sandbox, options: StepOptions) {
  await unread(sandbox);
  const how = { ...options, settings: {}, last, from: last?.name ?? null, runners: 1 };
  const { findings } = await start(sandbox, { ...release, boot: [] }, how);
  return findings.map((finding): Finding => {
    const code = finding.code === "migration-failed" ? "up-again-failed" : finding.code;
    return { ...finding, code, message: `made again after it was taken back: ${finding.message}` };
  });
}

/** What the way back left otherwise is told; so is what follows from rows that it lost, or that nobody could bring back. */
function isConsequence({ rows, table, message }: Difference, { said, rows: comparesRows }: TakenBack): boolean {
  const { findings, isGone } = said;
  if (rows === undefined) return findings.some((one) => one.message.endsWith(message));
  if (!comparesRows || isGone) return true;
  return findings.some(({ code, table: where }) => code === "down-loses-rows" || where === table);
}

/** What comes out otherwise whenever it is made: times, random keys. */
async function alwaysDiffers(taken: TakenBack, { options, arrive }: How): Promise<readonly Difference[]> {
  const { at, leg } = taken;
  const other = await arrive?.();
  if (other === undefined) return [];
  // Where clocks tell whole seconds, two walks within one of them would come to the same time.
  await sleep(1000);
  if ((await started(taken, other, options)).length > 0) return [];
  return guarded(leg.stage, () => differences(at.now, readingOf(other)));
}

/** Whoever reads it would hold locks that what comes next has to wait for. */
async function unread(sandbox: Sandbox): Promise<void> {
  for (const reading of sandbox.readings) await reading.close().catch(() => {});
}
