import type { Check, Judgement } from "./checks/check.ts";
import { judgeForeignKeys } from "./checks/foreign-keys.ts";
import { judgeInvariant } from "./checks/invariant.ts";
import { judgeModel, type Model } from "./checks/model.ts";
import { judgeRowsLost, type Origin } from "./checks/rows-lost.ts";
import { HarnessError, messageOf } from "./errors.ts";
import type { Ledger } from "./ledger.ts";
import { lost, type Stage } from "./sandbox.ts";
import type { Finding } from "./verdict.ts";

interface HopFacts {
  readonly origins: readonly Origin[];
  /** The release did not come up: then what was done to rows only explains. */
  readonly failed: boolean;
  readonly model: Model;
  readonly stage: Stage;
}

/**
 * What the built-in checks say of a hop.
 *
 * @throws {HarnessError} `check-failed`; `server-lost` where that was the reason
 */
export function judgeHop(ledger: Ledger, { origins, failed, model, stage }: HopFacts): Promise<Judgement> {
  return judged(stage, async () => {
    const rows = await judgeRowsLost(ledger, origins);
    if (failed) return { findings: [], notes: [...rows.findings, ...rows.notes] };
    const keys = await judgeForeignKeys(ledger);
    const lacking = await judgeModel(ledger.after, model, stage.engine.capabilities);
    return {
      findings: [...lacking.findings, ...rows.findings, ...keys.findings],
      notes: [...lacking.notes, ...rows.notes, ...keys.notes],
    };
  });
}

/** What a scenario's or a path's own checks say of its end. Throws as {@link judgeHop} does. */
export function judgeEnd(
  ledger: Ledger,
  { checks, stage }: { checks: readonly Check[]; stage: Stage },
): Promise<readonly Finding[]> {
  return judged(stage, async () => {
    const findings: Finding[] = [];
    for (const check of checks) {
      const found =
        typeof check === "function" ? check(ledger) : judgeInvariant(check, ledger.after, stage.engine.name);
      findings.push(...(await found));
    }
    return findings;
  });
}

/** A check that fails itself says nothing of the upgrade. */
async function judged<T>(stage: Stage, judge: () => Promise<T>): Promise<T> {
  try {
    return await judge();
  } catch (cause) {
    if (cause instanceof HarnessError) throw cause;
    if (stage.engine.fault(cause)?.kind === "connection" && !(await stage.answers())) throw lost(stage.server, cause);
    const message = `Cannot judge what came out: a check failed itself: ${messageOf(cause)}`;
    throw new HarnessError("check-failed", message, { cause });
  }
}
