import { differences } from "./difference.ts";
import type { Start } from "./plan.ts";
import { guarded, readingOf } from "./sandbox.ts";
import { SqlRunner } from "./sql-runner.ts";
import type { Standing } from "./standing.ts";
import { start } from "./start.ts";
import type { StepOptions } from "./step.ts";
import type { Finding } from "./verdict.ts";

/**
 * Starts the release once more on what a path has come to, and tells what that changes: nothing should be pending, and
 * boot should find all done. The state itself stays as it is: where there is anything to do, it is done in a clone.
 */
export async function restartedOnce(at: Standing, options: StepOptions): Promise<readonly Finding[]> {
  const step = at.started?.step;
  if (step === undefined) return [];
  const { driver, boot } = step.release;
  if (driver === undefined && boot.length === 0 && (await nothingPending(step, at, options))) return [];
  await at.now.close();
  if (!at.sandbox.frozen) await at.sandbox.freeze();
  const sandbox = await at.sandbox.clone();
  const after = readingOf(sandbox);
  try {
    const { name: release } = step.release;
    const { hop, findings } = await start(sandbox, step.release, { ...options, ...step, from: release, runners: 1 });
    const changes = await guarded(options.stage, () => differences(at.now, after));
    const again = hop.migrations.map(({ name }) => `"${name}"`).join(", ");
    const why = again === "" ? "" : `, which runs ${again} again (the record has lost it),`;
    return [
      ...findings
        .filter((finding) => !at.findings.concat(at.ofInstall).some((known) => alike(known, finding)))
        .map((finding) => ({ ...finding, message: `in a second start: ${finding.message}` })),
      ...changes.map(({ table, message }) => ({
        code: "restart-changed",
        release,
        ...(table !== undefined && { table }),
        message: `a second start of ${release}${why} changes what the first had made: ${message}`,
      })),
    ];
  } finally {
    await after.close();
    await at.now.close();
    await sandbox.drop().catch(() => {});
  }
}

async function nothingPending(step: Start, { sandbox }: Standing, options: StepOptions): Promise<boolean> {
  const runner = await SqlRunner.connect(sandbox, step.release, { ...options, ...step });
  try {
    await runner.read();
    return !runner.hasPending;
  } finally {
    await runner.end();
  }
}

/** What a boot does not say it does not say again: once is enough. */
function alike(one: Finding, other: Finding): boolean {
  const told = ({ code, release, task, sqlState, errno, exception }: Finding) =>
    JSON.stringify([code, release, task, sqlState, errno, exception]);
  return told(one) === told(other);
}
