import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HarnessError } from "../errors.ts";
import type { Offer } from "./offer.ts";
import { makeRun, ownerOf, type Run, serverUser, sharedRun } from "./run.ts";
import type { Server } from "./server.ts";

/** An image may have to be pulled first. */
const patience = { embedded: 120_000, local: 120_000, existing: 120_000, container: 900_000 } as const;

/** Starts a server for this process alone. */
export async function startAlone(offer: Offer): Promise<Server> {
  const run = makeRun(process.pid, randomBytes(3).toString("hex"), ownerOf(serverUser()));
  if (run === undefined) return startAlone(offer);
  try {
    return await offer.start(run);
  } catch (error) {
    rmSync(run.folder, { recursive: true, force: true });
    throw error;
  }
}

/**
 * The one server of its kind for a run whose processes come and go, such as Vitest's workers: the first to ask starts
 * it, and it ends when the process `root` does.
 */
export async function startShared(offer: Offer, root: number): Promise<Server> {
  const owner = ownerOf(serverUser());
  const word = `shared-${offer.word}`;
  const run = makeRun(root, word, owner);
  const shared = sharedRun(root, word, owner);
  if (run !== undefined) await startFor(shared, offer);
  const { maintenance, version } = await told(shared, patience[offer.kind]);
  return {
    ...offer.describe(shared),
    kind: offer.kind,
    engine: offer.engine,
    version,
    exclusive: false,
    maintenance,
    stop: async () => {}, // A worker must not end what others use: it ends with the root.
  };
}

async function startFor(shared: Run, offer: Offer): Promise<void> {
  try {
    const { maintenance, version } = await offer.start(shared);
    writeFileSync(`${join(shared.folder, "server.json")}.new`, JSON.stringify({ maintenance, version }), {
      mode: 0o600,
    });
    renameSync(`${join(shared.folder, "server.json")}.new`, join(shared.folder, "server.json"));
  } catch (error) {
    const { code = "server-not-started", message } = error as HarnessError;
    writeFileSync(join(shared.folder, "refused.json"), JSON.stringify({ code, message }));
    throw error;
  }
}

/** What whoever started it wrote down. */
async function told({ folder }: Run, limit: number): Promise<Pick<Server, "maintenance" | "version">> {
  const [started, refused] = [join(folder, "server.json"), join(folder, "refused.json")];
  const deadline = Date.now() + limit;
  while (!existsSync(started)) {
    if (existsSync(refused)) {
      const { code, message } = JSON.parse(readFileSync(refused, "utf8"));
      throw new HarnessError(code, message);
    }
    if (Date.now() > deadline)
      throw new HarnessError(
        "server-not-started",
        `Cannot start a server in "${folder}": whoever of this run was to start it did not`,
      );
    await sleep(5);
  }
  return JSON.parse(readFileSync(started, "utf8"));
}
