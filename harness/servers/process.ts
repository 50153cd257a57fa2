import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HarnessError } from "../errors.ts";
import type { Installation } from "./installation.ts";
import type { Offer } from "./offer.ts";
import { discardPrepared, type Prepared, prepared } from "./prepared.ts";
import { reapDeadRuns } from "./reap.ts";
import { isFull, type Run, type ServerUser, serverEnvironment, serverUser } from "./run.ts";
import type { Server } from "./server.ts";

const startLimit = 60_000;

/**
 * A server from binaries on this machine: a copy of their prepared folder, on a random port of loopback, ended with the
 * run even if the run is killed.
 */
export function offerOf(installation: Installation): Offer {
  const { kind, engine, version } = installation;
  return {
    kind,
    engine,
    word: `${kind}-${engine.name}-${version}`,
    start: (run) => startIn(run, installation),
    describe: (run) => describe(run, installation),
  };
}

/** @throws {HarnessError} `server-not-started` with the server's own words; `disk-full`. */
async function startIn(run: Run, installation: Installation): Promise<Server> {
  const user = serverUser();
  const { engine, version } = installation;
  const { program } = engine;
  let from = prepared(installation, user);
  for (let attempt = 1; ; attempt++) {
    const port = 10240 + Math.floor(Math.random() * 22000); // Below what the system hands to outgoing connections.
    const child = launch(run, installation, from, port, user);
    engine.load({ knex: false });
    const words = await readiness(run, child, installation);
    if (words === undefined) {
      const maintenance = program.maintenance({ port, password: from.password });
      const reaping = reapDeadRuns().catch(() => {}); // What cannot be removed now, the next run may.
      return {
        ...describe(run, installation),
        kind: installation.kind,
        engine,
        version,
        exclusive: true,
        maintenance,
        stop: async ({ keep = false } = {}) => {
          await Promise.all([stop(run, child, program.endSignal, keep), reaping]);
        },
      };
    }
    const full = isFull(run.folder); // Then even its words may have found no room.
    endGroup(child);
    rmSync(join(run.folder, "data"), { recursive: true, force: true });
    const refusal = full ? "no-room" : program.refusal(words);
    if (refusal === "no-room")
      throw new HarnessError(
        "disk-full",
        `Cannot start ${engine.title}: no space left in "${run.folder}" (make room there, or set MIGRATION_SANDBOX_RUNS to another folder)`,
      );
    // A folder that was damaged in the cache is made anew, once.
    if (refusal === "damaged" && attempt === 1) {
      discardPrepared(from);
      from = prepared(installation, user);
    } else if (refusal !== "port-taken" || attempt >= 20) throw notStarted(words, run, installation);
  }
}

function describe(run: Run, { engine }: Installation): Pick<Server, "lastWords" | "howToEnd"> {
  const { endSignal, pidFile } = engine.program;
  return {
    lastWords: () => wordsOf(run).trim().split("\n").slice(-3).join("\n"),
    howToEnd: `kill -${endSignal.slice(3)} $(head -1 ${join(run.folder, "data", pidFile)})`,
  };
}

function notStarted(words: string, { folder }: Run, { engine, kind }: Installation): HarnessError {
  return new HarnessError(
    "server-not-started",
    `Cannot start ${engine.title} (${kind}) in "${folder}": ${words.trim().split("\n").slice(-5).join("\n  ")}`,
  );
}

/**
 * A companion in the same process group watches the run's root, so that the server ends within a moment of a run that
 * could not end it, SIGKILL included. Copy and server are one process (`exec`): its pid is known before it is ready.
 */
const script = `
run=$1 prepared=$2 root=$3 signal=$4; shift 4
alive() { kill -0 "$root" 2>/dev/null || [ -d "/proc/$root" ]; }
if alive; then (
  trap '' QUIT
  while alive; do sleep 0.25; done
  [ -e "$run/kept" ] && exit
  kill -$signal $$ 2>/dev/null
  for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 $$ 2>/dev/null && sleep 0.02; done
  rm -rf "$run" 2>/dev/null
) & fi
cp -R "$prepared" "$run/data" && exec "$@"
`;

function launch(
  run: Run,
  { engine: { program }, version }: Installation,
  { data: source, executable }: Prepared,
  port: number,
  user: ServerUser | undefined,
): ChildProcess {
  const { folder } = run;
  // A socket's path has room for 107 bytes; it is there for a look from another container, never needed by this run.
  const sockets = Buffer.byteLength(folder) < 85 && !/[,"']/.test(folder) ? folder : undefined; // A comma would make a list of it.
  const data = join(folder, "data");
  const server = [executable, ...program.launch({ data, port, sockets, version })];
  const options = [folder, source, String(run.root), program.endSignal.slice(3), ...server];
  const child = spawn("/bin/sh", ["-c", `exec >>"$1/log" 2>&1${script}`, "sh", ...options], {
    detached: true, // A Ctrl-C is ours to answer, not the server's.
    stdio: "ignore",
    cwd: "/",
    env: serverEnvironment(),
    ...(user !== undefined && { uid: user.uid, gid: user.gid }),
  });
  child.on("error", (error) => writeFileSync(join(folder, "log"), String(error)));
  child.unref();
  return child;
}

/** Resolves once the server accepts connections, or to what it said when it did not come up. */
async function readiness(
  run: Run,
  child: ChildProcess,
  { engine: { program } }: Installation,
): Promise<string | undefined> {
  const deadline = Date.now() + startLimit;
  for (;;) {
    const words = wordsOf(run);
    if (program.isReady(words)) return undefined;
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
      return words || "it ended without a word";
    if (Date.now() > deadline) return `it was not ready after ${startLimit / 1000} s: ${words}`;
    await sleep(2);
  }
}

async function stop(run: Run, child: ChildProcess, signal: NodeJS.Signals, keep: boolean): Promise<void> {
  if (keep) {
    writeFileSync(join(run.folder, "kept"), "");
    return;
  }
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.ref();
    child.kill(signal);
    await Promise.race([ended, sleep(5000, undefined, { ref: false })]);
  }
  endGroup(child);
  rmSync(run.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
}

/** Ends what is left of the server's process group: its companion, or all of it. */
function endGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  } catch {} // Nobody is left.
}

function wordsOf({ folder }: Run): string {
  try {
    return readFileSync(join(folder, "log"), "utf8");
  } catch {
    return "";
  }
}
