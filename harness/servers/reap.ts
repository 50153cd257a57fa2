import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, readFileSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { foldersOfRuns, namesIn, namespace, startOf } from "./run.ts";

/** Removes what dead runs left: their processes, then their folders. Two runs may do so at once. */
export async function reapDeadRuns(): Promise<readonly string[]> {
  const reaped: string[] = [];
  for (const left of await leftRuns()) {
    if (left.state !== "dead") continue;
    await removeRun(left);
    reaped.push(left.id);
  }
  return reaped;
}

/** A run that has a folder here: of this process or another, of today or long ago. */
export interface LeftRun {
  readonly id: string;
  readonly folder: string;
  readonly state: "alive" | "kept" | "dead";
}

export async function leftRuns(): Promise<readonly LeftRun[]> {
  const left: LeftRun[] = [];
  for (const runs of foldersOfRuns()) {
    for (const id of namesIn(runs)) left.push({ id, folder: join(runs, id), state: await stateOf(join(runs, id), id) });
  }
  return left;
}

/** Ends what a run started and removes its folder. */
export async function removeRun({ folder }: LeftRun): Promise<void> {
  await endProcessesOf(folder);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
}

async function stateOf(folder: string, id: string): Promise<LeftRun["state"]> {
  if (existsSync(join(folder, "kept"))) return processesOf(folder).length > 0 ? "kept" : "dead";
  const [pid, start, space] = id.split("-");
  if (space === namespace()) return startOf(Number(pid)) === Number(start) ? "alive" : "dead";
  // A run of another container that shares this folder: its process cannot be seen, its server's socket can be called.
  const socket = namesIn(folder).find((name) => /^\.s\.PGSQL\.\d+$|^server\.sock$/.test(name));
  const lives = socket === undefined ? isYoung(folder) : await answers(join(folder, socket));
  return lives ? "alive" : "dead";
}

function isYoung(folder: string): boolean {
  try {
    return Date.now() - lstatSync(folder).ctimeMs < 10 * 60_000;
  } catch {
    return false;
  }
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(socket);
    const tell = (alive: boolean) => {
      connection.destroy();
      resolve(alive);
    };
    connection.once("connect", () => tell(true)).once("error", () => tell(false));
  });
}

/** Ends whatever was started for this folder and outlived its run. */
async function endProcessesOf(folder: string): Promise<void> {
  for (const signal of ["SIGQUIT", "SIGKILL"] as const) {
    for (const pid of processesOf(folder)) {
      try {
        process.kill(pid, signal);
      } catch {} // Gone by itself.
    }
    for (let i = 0; i < 50 && processesOf(folder).length > 0; i++) await sleep(10);
  }
}

/** The processes that we start name the folder on their command line; an editor open in it is none of ours. */
function processesOf(folder: string): readonly number[] {
  return commands()
    .filter(
      ([, command]) =>
        /^\S*(sh|cp|postgres|mysqld|mariadbd)\s|container-keeper/.test(command) && command.includes(folder),
    )
    .map(([pid]) => pid);
}

function commands(): readonly (readonly [pid: number, command: string])[] {
  if (!existsSync("/proc/self/cmdline")) {
    const listing = execFileSync("ps", ["-axo", "pid=,command="], { encoding: "utf8" }).trim().split("\n");
    return listing.map((line) => [Number.parseInt(line, 10), line.trim().replace(/^\d+\s+/, "")]);
  }
  const pids = namesIn("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => [Number(pid), commandOf(pid)]);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
