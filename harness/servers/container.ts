import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Address } from "../database.ts";
import type { Engine } from "../engines/engine.ts";
import { HarnessError } from "../errors.ts";
import { compareVersions } from "../wish.ts";
import { type Docker, findDocker } from "./container-docker.ts";
import { removeContainersOf } from "./container-mark.ts";
import { reapContainers } from "./container-reap.ts";
import { wordsIn } from "./container-words.ts";
import type { Offer } from "./offer.ts";
import { reapDeadRuns } from "./reap.ts";
import type { Run } from "./run.ts";
import type { Server } from "./server.ts";

/**
 * A server in a container, kept by a process of its own. Without a tag it is the newest version whose image is here;
 * where there is none, the engine's own choice, which is pulled.
 *
 * @throws {HarnessError} `engine-not-had` where Docker does not answer.
 */
export async function containerOffer(engine: Engine, tag: string | undefined): Promise<Offer> {
  const docker = await findDocker();
  const chosen = tag ?? (await newestHere(docker, engine)) ?? engine.image.tag;
  return {
    kind: "container",
    engine,
    word: `container-${engine.name}-${chosen}`.replace(/[^\w.-]/g, "_"),
    start: (run) => startIn(run, { docker, engine, tag: chosen }),
    describe,
  };
}

/** A variant such as `16-alpine` only where its version is not here without; what is no release yet, never. */
async function newestHere(docker: Docker, { image, oldest }: Engine): Promise<string | undefined> {
  const prefix = process.env.TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX?.replace(/\/?$/, "/") ?? "";
  const filters = encodeURIComponent(JSON.stringify({ reference: [`${prefix}${image.name}`] }));
  const { said } = await docker.get<readonly { readonly RepoTags: readonly string[] | null }[]>(
    `/images/json?filters=${filters}`,
  );
  const tags = said.flatMap(({ RepoTags }) => RepoTags ?? []).map((name) => name.slice(name.lastIndexOf(":") + 1));
  const versions = tags.filter((tag) => /^\d+(\.\d+)*(-(?!rc|beta|alpha|dev|nightly)[\w.-]+)?$/.test(tag));
  // `10` is any 10.x that there is.
  const supported = versions.filter((tag) => compareVersions(`${tag.replace(/-.*/, "")}.9999`, oldest) >= 0);
  return supported.sort((a, b) => compareVersions(b, a) || a.length - b.length)[0];
}

interface Chosen {
  readonly docker: Docker;
  readonly engine: Engine;
  readonly tag: string;
}

/** @throws {HarnessError} `engine-not-had` without the image; `server-not-started` with its own words; `disk-full`. */
async function startIn(run: Run, chosen: Chosen): Promise<Server> {
  const { docker, engine } = chosen;
  const keeper = launch(run, chosen);
  engine.load({ knex: false });
  const { maintenance, version } = await told(run, keeper);
  const reaping = Promise.all([reapDeadRuns(), reapContainers()]).catch(() => {}); // What cannot be removed now, the next run may.
  return {
    ...describe(run),
    kind: "container",
    engine,
    version,
    exclusive: true,
    maintenance,
    stop: async ({ keep = false } = {}) => {
      await Promise.all([keep ? writeFileSync(join(run.folder, "kept"), "") : stop(run, keeper, docker), reaping]);
    },
  };
}

function describe(run: Run): Pick<Server, "lastWords" | "howToEnd"> {
  return {
    lastWords: () => wordsIn(run.folder),
    get howToEnd() {
      return `kill ${notes<Kept>(run, "container.json")?.keeper}`;
    },
  };
}

/** What the keeper writes down once the server lets us in. */
interface Kept {
  readonly maintenance: Address;
  readonly version: string;
  readonly keeper: number;
}

/** The keeper loads what takes longest, Testcontainers, in its own process: whoever asks has other things to do. */
function launch(run: Run, { engine, tag }: Chosen): ChildProcess {
  const source = import.meta.url.endsWith(".ts");
  const keeper = fileURLToPath(new URL(source ? "container-keeper.ts" : "container-keeper.js", import.meta.url));
  const { NODE_OPTIONS: _, ...env } = process.env; // What was meant for this process: a debugger, a loader.
  const log = openSync(join(run.folder, "log"), "a");
  try {
    const child = spawn(
      process.execPath,
      [...(source ? ["--import", jiti()] : []), keeper, run.folder, run.id, String(run.root), engine.name, tag],
      {
        detached: true, // A Ctrl-C is ours to answer, not the server's.
        stdio: ["ignore", log, log],
        cwd: "/",
        env,
      },
    );
    child.on("error", (error) => writeFileSync(join(run.folder, "log"), String(error)));
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

function jiti(): string {
  const folder = createRequire(import.meta.url).resolve("jiti/package.json");
  return new URL("lib/jiti-register.mjs", pathToFileURL(folder)).href;
}

async function told(run: Run, keeper: ChildProcess): Promise<Kept> {
  for (;;) {
    const gone = hasEnded(keeper); // Asked first: its last act may be to write.
    const kept = notes<Kept>(run, "container.json");
    if (kept !== undefined) return kept;
    const refused = notes<{ code: HarnessError["code"]; message: string }>(run, "refused.json");
    if (refused !== undefined) throw new HarnessError(refused.code, refused.message);
    if (gone) throw new HarnessError("server-not-started", `Cannot start a container: its keeper ended: ${logOf(run)}`);
    await sleep(5);
  }
}

async function stop(run: Run, keeper: ChildProcess, docker: Docker): Promise<void> {
  const ended = new Promise((resolve) => keeper.once("exit", resolve));
  if (!hasEnded(keeper)) {
    keeper.ref();
    keeper.kill("SIGTERM");
    await Promise.race([ended, sleep(15_000, undefined, { ref: false })]);
  }
  if (!existsSync(run.folder)) return;
  // Somebody ended it harshly.
  keeper.kill("SIGKILL");
  await removeContainersOf(docker, run.id);
  rmSync(run.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
}

function hasEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

function notes<T>({ folder }: Run, file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, file), "utf8")) as T;
  } catch {
    return undefined;
  }
}

function logOf({ folder }: Run): string {
  try {
    return readFileSync(join(folder, "log"), "utf8").trim().split("\n").slice(-5).join("\n  ") || "without a word";
  } catch {
    return "without a word";
  }
}
