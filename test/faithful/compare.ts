import { release } from "migration-sandbox";
import { vi } from "vitest";
import type { MigrationSource } from "../../harness/chain.ts";
import { HarnessError, messageOf } from "../../harness/errors.ts";
import { type PlannedRelease, plannedRelease } from "../../harness/planned-release.ts";
import type { Sandbox, Stage } from "../../harness/sandbox.ts";
import { start } from "../../harness/start.ts";
import { unwrapped } from "../../harness/tools/driven.ts";
import type { Finding } from "../../harness/verdict.ts";

/** How the start of a release went. */
export interface Went {
  /** What the server refused, by its own code. */
  readonly code?: string | number | undefined;
  /** Whatever was said of a failure. */
  readonly said?: string;
}

/** The release as we start it. */
export async function oursOn(
  sandbox: Sandbox,
  stage: Stage,
  { migrations, last, name }: { migrations: MigrationSource; last: PlannedRelease | undefined; name: string },
): Promise<Went & { readonly planned?: PlannedRelease; readonly notes?: readonly Finding[] }> {
  try {
    const planned = await plannedRelease(release(name, { migrations }), sandbox.engine.name, "a test");
    const options = { stage, settings: {}, file: undefined, last, from: null, runners: 1, timeout: 60_000 };
    const { findings, notes } = await start(sandbox, planned, options);
    const failure = findings.find(({ code }) => code === "migration-failed");
    if (failure === undefined) return { planned, notes };
    return { planned, notes, code: failure.errno ?? failure.sqlState, said: failure.message };
  } catch (error) {
    if (error instanceof HarnessError && error.code === "bad-input") return { said: error.message };
    throw error;
  }
}

/** The same by the tool itself. */
export async function theirsOn(sandbox: Sandbox, run: () => Promise<void>): Promise<Went> {
  // Some say what they do to whoever stands by.
  const ears = (["log", "info", "warn", "error"] as const).map((name) => vi.spyOn(console, name));
  for (const ear of ears) ear.mockImplementation(() => {});
  try {
    await run();
    return {};
  } catch (thrown) {
    const fault = sandbox.engine.fault(unwrapped(thrown, ...wrappings));
    return { code: fault?.errno ?? fault?.sqlState, said: messageOf(thrown) };
  } finally {
    for (const ear of ears) ear.mockRestore();
  }
}

const wrappings = ["driverError", "original", "parent", "cause"].map((field) => ({ field }));
