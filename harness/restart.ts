import { differences } from "./difference.ts";
import { pendingOf } from "./pending.ts";
import type { Start } from "./plan.ts";
import { readingOf } from "./reading.ts";
import { migratorOf } from "./record.ts";
import { guarded } from "./sandbox.ts";
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
  const { driver, boot, prelude } = step.release;
  // What is said to a session may change the state itself.
  const asks = driver === undefined && boot.length === 0 && prelude.session === undefined;
  if (asks && (await nothingPending(step, at))) return [];
  await at.now.close();
  if (!at.sandbox.frozen) await at.sandbox.freeze();
  const sandbox = await at.sandbox.clone();
  const after = readingOf(sandbox);
  try {
    const { name: release } = step.release;
    const { hop, findings } = await start(sandbox, step.release, { ...options, ...step, from: release, runners: 1 });
    const changes = await guarded(options.stage, () => differences(at.now, after));
    const why = whyAgain(hop.migrations, step);
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

function whyAgain(ran: readonly { readonly name: string }[], { release }: Start): string {
  const always = release.migrations.filter(({ recordedAs }) => recordedAs?.again === "always").map(({ name }) => name);
  const [lost, usual] = [false, true].map((isUsual) =>
    ran.filter(({ name }) => always.includes(name) === isUsual).map(({ name }) => `"${name}"`),
  );
  if (lost !== undefined && lost.length > 0) return `, which runs ${lost.join(", ")} again (the record has lost it),`;
  return usual === undefined || usual.length === 0 ? "" : `, which runs ${usual.join(", ")} at every start,`;
}

/** Asked as a tool would ask, by the session that reads what the path has come to. */
async function nothingPending(step: Start, { now, sandbox }: Standing): Promise<boolean> {
  const { release } = step;
  const migrator = migratorOf(release, sandbox);
  const recorded = await migrator.record.read((sql) => now.query(sql)).catch(() => undefined);
  // A record that is gone is told by starting.
  if (recorded === undefined) return false;
  const { migrations, refusal } = pendingOf(release, { migrator, recorded, applied: recorded.applied }, step);
  return refusal === undefined && migrations.length === 0;
}

/** What a boot does not say it does not say again: once is enough. */
function alike(one: Finding, other: Finding): boolean {
  const told = ({ code, release, task, sqlState, errno, exception }: Finding) =>
    JSON.stringify([code, release, task, sqlState, errno, exception]);
  return told(one) === told(other);
}
