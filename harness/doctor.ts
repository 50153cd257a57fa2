import type { EngineName } from "./database.ts";
import { engineNames } from "./database.ts";
import { engineNamed } from "./engines/named.ts";
import { HarnessError, messageOf } from "./errors.ts";
import { dropLeftover, type Leftover, leftoversOn } from "./leftovers.ts";
import { type Existing, engineAt, existingFor, openExisting, shownUrl, variableOf } from "./servers/existing.ts";
import { type Had, lookFor } from "./servers/had.ts";
import { leftRuns, removeRun } from "./servers/reap.ts";
import type { Server } from "./servers/server.ts";

/** What this machine can do, and what runs left on it or on the servers that somebody runs. */
export interface Health {
  readonly engines: readonly { readonly engine: EngineName; readonly had: readonly Had[] }[];
  readonly left: readonly Left[];
}

/** Something that a run made and that is still there. */
export interface Left {
  readonly what: "run" | "container" | "database";
  readonly name: string;
  readonly where: string;
  /** `alive` belongs to a run that goes on now; `kept` was asked to stay; `dead` nobody wants any more. */
  readonly state: "alive" | "kept" | "dead";
  /** Removed just now. */
  readonly removed: boolean;
}

export interface DoctorOptions {
  /** Removes what is dead or kept; what is alive is left alone. */
  readonly clean?: boolean;
  /** A server to look at besides those that `SANDBOX_POSTGRES_URL` and its like name. */
  readonly server?: Existing | undefined;
}

/** Looks around, and cleans up if asked to. */
export async function examine({ clean = false, server }: DoctorOptions = {}): Promise<Health> {
  const engines = await Promise.all(
    engineNames.map(async (engine) => ({ engine, had: await lookFor(engineNamed(engine)) })),
  );
  const existing = [...engineNames.flatMap((engine) => existingFor(engine) ?? []), ...(server ? [server] : [])];
  const databases = (await Promise.all(existing.map((each) => databasesOn(each, clean)))).flat();
  const runs = await runsHere(clean);
  return { engines, left: [...runs, ...(await containersHere(clean)), ...databases] };
}

async function runsHere(clean: boolean): Promise<readonly Left[]> {
  const left: Left[] = [];
  for (const run of await leftRuns()) {
    const removed = clean && run.state !== "alive";
    if (removed) await removeRun(run);
    left.push({ what: "run", name: run.id, where: run.folder, state: run.state, removed });
  }
  return left;
}

async function containersHere(clean: boolean): Promise<readonly Left[]> {
  const { leftContainers, removeContainer } = await import("./servers/container-reap.ts");
  const left: Left[] = [];
  for (const container of await leftContainers()) {
    const removed = clean && container.state !== "alive";
    if (removed) await removeContainer(container);
    left.push({ what: "container", name: container.id, where: container.image, state: container.state, removed });
  }
  return left;
}

async function databasesOn(existing: Existing, clean: boolean): Promise<readonly Left[]> {
  let server: Server;
  try {
    server = await openExisting(existing, await engineAt(existing));
  } catch (error) {
    // What a variable names is told where engines are; what was asked for is not passed over.
    const byVariable = engineNames.some((name) => variableOf({ name }) === existing.toldBy);
    if (byVariable && error instanceof HarnessError && error.code === "server-unusable") return [];
    throw error;
  }
  const admin = await server.engine.administer(server.maintenance);
  try {
    const left: Left[] = [];
    for (const leftover of await leftoversOn(admin)) {
      const state = leftover.kept ? "kept" : (await isDead(leftover)) ? "dead" : "alive";
      const removed = clean && state !== "alive";
      if (removed) await dropLeftover(admin, leftover);
      left.push({ what: "database", name: leftover.database, where: shownUrl(existing), state, removed });
    }
    return left;
  } catch (cause) {
    throw new HarnessError(
      "server-refused",
      `Cannot look for what is left on ${shownUrl(existing)}: ${messageOf(cause)}`,
      { cause },
    );
  } finally {
    await admin.end();
  }

  /** A run that holds no session lock is dead, wherever it was. */
  async function isDead({ run }: Leftover): Promise<boolean> {
    const got = await admin.hold(run);
    if (got) await admin.release(run);
    return got;
  }
}
