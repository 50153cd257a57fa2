import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { postgres } from "../engines/postgres.ts";
import { HarnessError } from "../errors.ts";
import { discardPrepared, type Prepared, preparedPostgres, serverEnvironment, serverUser } from "./prepared.ts";
import { reapDeadRuns } from "./reap.ts";
import { isFull, makeRun, type Run, type ServerUser, sharedRun } from "./run.ts";
import type { Server } from "./server.ts";

const startLimit = 60_000;

/**
 * PostgreSQL out of npm: a copy of the prepared cluster, on a random port of loopback, ended with the run even if the
 * run is killed. Nothing of it needs an install script, the network or a privilege.
 *
 * @throws {HarnessError} `server-not-started` with the server's own words; `disk-full`.
 */
export async function startEmbedded(): Promise<Server> {
  const user = serverUser();
  const run = makeRun(process.pid, randomBytes(3).toString("hex"), ownerOf(user));
  if (run === undefined) return startEmbedded();
  try {
    return await startIn(run, user);
  } catch (error) {
    rmSync(run.folder, { recursive: true, force: true });
    throw error;
  }
}

/**
 * The one server of a run whose processes come and go, such as Vitest's workers: the first to ask starts it, and it
 * ends when the process `root` does.
 */
export async function shareEmbedded(root: number): Promise<Server> {
  const user = serverUser();
  const shared = sharedRun(root, "shared", ownerOf(user));
  const run = makeRun(root, "shared", ownerOf(user));
  const [told, refused] = [join(shared.folder, "server.json"), join(shared.folder, "refused.json")];
  if (run !== undefined) {
    try {
      const { maintenance, version } = await startIn(run, user);
      writeFileSync(`${told}.new`, JSON.stringify({ maintenance, version }), { mode: 0o600 });
      renameSync(`${told}.new`, told);
    } catch (error) {
      const { code, message } = error as HarnessError;
      writeFileSync(refused, JSON.stringify({ code, message }));
      throw error;
    }
  }
  const deadline = Date.now() + 2 * startLimit;
  while (!existsSync(told)) {
    if (existsSync(refused)) {
      const { code, message } = JSON.parse(readFileSync(refused, "utf8"));
      throw new HarnessError(code, message);
    }
    if (Date.now() > deadline) throw notStarted("whoever of this run was to start it did not", shared);
    await sleep(5);
  }
  const { maintenance, version } = JSON.parse(readFileSync(told, "utf8"));
  // Ended by its companion once the root is gone; a worker must not end what others use.
  return serverOf(shared, version, maintenance);
}

async function startIn(run: Run, user: ServerUser | undefined): Promise<Server> {
  let prepared = preparedPostgres(user);
  for (let attempt = 1; ; attempt++) {
    const port = 10240 + Math.floor(Math.random() * 22000); // Below what the system hands to outgoing connections.
    const child = launch(run, prepared, port, user);
    postgres.load({ knex: false });
    const refusal = await readiness(run, child);
    if (refusal === undefined) {
      const maintenance = {
        host: "127.0.0.1",
        port,
        user: "postgres",
        password: prepared.password,
        database: "postgres",
      };
      const reaping = reapDeadRuns().catch(() => {}); // What cannot be removed now, the next run may.
      return serverOf(run, prepared.version, maintenance, (keep) =>
        Promise.all([stop(run, child, keep), reaping]).then(() => {}),
      );
    }
    const full = isFull(run.folder); // Then even its words may have found no room.
    endGroup(child);
    rmSync(join(run.folder, "data"), { recursive: true, force: true });
    if (full || /No space left on device/.test(refusal))
      throw new HarnessError(
        "disk-full",
        `Cannot start PostgreSQL: no space left in "${run.folder}" (make room there, or set MIGRATION_SANDBOX_RUNS to another folder)`,
      );
    const taken = /could not (bind|create any)/.test(refusal);
    // A cluster that was damaged in the cache is made anew, once.
    const damaged =
      /PANIC|shared librar|Library not loaded|^cp: |control file|database files|could not (open|read|locate|load)|not a valid|is missing/m.test(
        refusal,
      );
    if (damaged && attempt === 1) {
      discardPrepared(prepared);
      prepared = preparedPostgres(user);
    } else if (!taken || attempt >= 20) throw notStarted(refusal, run);
  }
}

/**
 * A companion in the same process group watches the run's root, so that the server ends within a moment of a run that
 * could not end it, SIGKILL included. Copy and server are one process (`exec`): its pid is known before it is ready.
 */
const script = `
run=$1 cluster=$2 postgres=$3 port=$4 root=$5
alive() { kill -0 "$root" 2>/dev/null || [ -d "/proc/$root" ]; }
if alive; then (
  trap '' QUIT
  while alive; do sleep 0.1; done
  [ -e "$run/kept" ] && exit
  kill -QUIT $$ 2>/dev/null
  for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 $$ 2>/dev/null && sleep 0.02; done
  rm -rf "$run" 2>/dev/null
) & fi
cp -R "$cluster" "$run/data" && exec "$postgres" -D "$run/data" -p "$port" -k "$6"
`;

function launch(run: Run, { binaries, cluster }: Prepared, port: number, user: ServerUser | undefined): ChildProcess {
  const { folder } = run;
  // A socket's path has room for 107 bytes; it is there for a look from another container, never needed by this run.
  const sockets = Buffer.byteLength(folder) < 85 && !/[,"']/.test(folder) ? folder : ""; // A comma would make a list of it.
  const log = join(folder, "log");
  const options = [folder, cluster, join(binaries, "postgres"), String(port), String(run.root), sockets];
  const child = spawn("/bin/sh", ["-c", `exec >>"$1/log" 2>&1${script}`, "sh", ...options], {
    detached: true, // A Ctrl-C is ours to answer, not the server's.
    stdio: "ignore",
    cwd: "/",
    env: serverEnvironment(),
    ...(user !== undefined && { uid: user.uid, gid: user.gid }),
  });
  child.on("error", (error) => writeFileSync(log, String(error)));
  child.unref();
  return child;
}

/** Resolves once the server accepts connections, or to what it said when it did not come up. */
async function readiness(run: Run, child: ChildProcess): Promise<string | undefined> {
  const deadline = Date.now() + startLimit;
  for (;;) {
    const words = wordsOf(run);
    if (words.includes("ready to accept connections")) return undefined;
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
      return words || "it ended without a word";
    if (Date.now() > deadline) return `it was not ready after ${startLimit / 1000} s: ${words}`;
    await sleep(2);
  }
}

function serverOf(
  run: Run,
  version: string,
  maintenance: Server["maintenance"],
  end?: (keep: boolean) => Promise<void>,
): Server {
  return {
    kind: "embedded",
    exclusive: end !== undefined,
    engine: postgres,
    version,
    run: run.id,
    maintenance,
    lastWords: () => wordsOf(run).trim().split("\n").slice(-3).join("\n"),
    stop: async ({ keep = false } = {}) => end?.(keep),
    get howToEnd() {
      return `kill -QUIT $(head -1 ${join(run.folder, "data", "postmaster.pid")})`;
    },
  };
}

async function stop(run: Run, child: ChildProcess, keep: boolean): Promise<void> {
  if (keep) {
    writeFileSync(join(run.folder, "kept"), "");
    return;
  }
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.ref();
    child.kill("SIGQUIT");
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

function notStarted(words: string, run: Run): HarnessError {
  return new HarnessError(
    "server-not-started",
    `Cannot start PostgreSQL in "${run.folder}": ${words.trim().split("\n").slice(-5).join("\n  ")}`,
  );
}

/** To whom a run's folder belongs: the server's user, who is us unless we are root. */
function ownerOf(user: ServerUser | undefined): ServerUser {
  return user ?? { name: "", uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}
