import type { End } from "./end.ts";
import type { Ends } from "./ends-agree.ts";
import { HarnessError, orWhyNot } from "./errors.ts";
import { judgeEnd } from "./judge.ts";
import { ledgerOf } from "./ledger.ts";
import type { Plan, PlannedPath } from "./plan.ts";
import type { Rehearsal } from "./rehearsal.ts";
import { restartedOnce } from "./restart.ts";
import { guarded } from "./sandbox.ts";
import type { Standing } from "./standing.ts";
import { overdue, type StepOptions } from "./step.ts";
import type { Telling, Unsettled } from "./telling.ts";
import { within } from "./time-limit.ts";
import type { Finding } from "./verdict.ts";

/** A path whose workaround is to be done before it is told. */
export interface ToWorkAround extends Unsettled {
  readonly path: PlannedPath;
}

/** What it takes to conclude a path. */
export interface Concluding {
  readonly plan: Plan;
  readonly steps: StepOptions;
  readonly telling: Telling;
  readonly ends: Ends;
}

/** Lets paths end where they stand, each with its own checks; the second start is the same for all of them. */
export async function endPaths(
  paths: readonly PlannedPath[],
  at: Standing,
  { plan, steps, telling, ends }: Concluding,
): Promise<readonly ToWorkAround[]> {
  const begun = performance.now();
  const judged = [];
  for (const path of paths.filter((path) => !telling.isTold(path)))
    judged.push({ path, own: await ownFindings(path, at, plan, steps) });
  const again = paths.length === 0 || at.failed ? [] : await orWhyNot(restarted(at, steps));
  const unsettled: ToWorkAround[] = [];
  for (const { path, own } of judged) {
    const here = { ...at, milliseconds: at.milliseconds + performance.now() - begun };
    if (own instanceof HarnessError) await telling.inconclusive(path, own, here);
    else if (again instanceof HarnessError)
      await telling.inconclusive(path, again, { ...here, findings: [...here.findings, ...own] });
    else {
      const end = at.failed || !ends.wants(path) ? undefined : await orWhyNot(read(path, at, { steps, ends }));
      if (end instanceof HarnessError) await telling.inconclusive(path, end, here);
      else {
        // What is wrong with a path has been told: where it led is no surprise.
        const then = ({ verdict }: Rehearsal) => {
          if (verdict.outcome === "clean" && end !== undefined) ends.add(end);
        };
        const left = await telling.conclude(path, [...own, ...again], here, { end: end?.text ?? null, then });
        if (left !== undefined) unsettled.push({ path, ...left });
      }
    }
  }
  return unsettled;
}

function read(path: PlannedPath, at: Standing, { steps, ends }: Pick<Concluding, "steps" | "ends">): Promise<End> {
  const late = () => overdue("Cannot compare what it came to", at.sandbox, steps);
  return within(
    steps.timeout,
    guarded(steps.stage, () => ends.read(path, at)),
    late,
  );
}

function ownFindings(
  path: PlannedPath,
  at: Standing,
  { scenario }: Plan,
  steps: StepOptions,
): Promise<readonly Finding[] | HarnessError> {
  // Where somebody is to work around the failure, the path has not ended yet.
  const goesOn = at.failed && path.source.workaround !== undefined && !path.worked;
  const checks = [...(goesOn ? [] : listed(path.source.check)), ...(at.failed ? [] : listed(scenario.check))];
  if (checks.length === 0) return Promise.resolve([]);
  const judging = judgeEnd(ledgerOf(at.first, at.now), { checks, stage: steps.stage });
  // The session that hung is ended, and the next path's checks are to have another.
  const late = () =>
    overdue("Cannot judge what came out", at.sandbox, steps).finally(() => at.now.close().catch(() => {}));
  return orWhyNot(within(steps.timeout, judging, late));
}

function restarted(at: Standing, steps: StepOptions): Promise<readonly Finding[]> {
  const late = () => overdue("Cannot start the release once more", at.sandbox, steps);
  return within(steps.timeout * 2, restartedOnce(at, steps), late);
}

function listed<T extends object>(some: T | readonly T[] | undefined): readonly T[] {
  return some === undefined ? [] : Array.isArray(some) ? some : [some as T];
}
