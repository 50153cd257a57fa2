import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { basesOfRuns, mine, namespace, startOf } from "./run.ts";

/** Removes what dead runs left: their processes, then their folders. Two runs may do so at once. */
export async function reapDeadRuns(): Promise<readonly string[]> {
  const reaped: string[] = [];
  for (const base of basesOfRuns()) {
    const runs = join(base, `migration-sandbox-${mine}`);
    for (const id of foldersIn(runs)) {
      const folder = join(runs, id);
      if (await isAlive(folder, id)) continue;
      await endProcessesOf(folder);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
      reaped.push(id);
    }
  }
  return reaped;
}

function foldersIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

async function isAlive(folder: string, id: string): Promise<boolean> {
  if (existsSync(join(folder, "kept"))) return processesOf(folder).length > 0;
  const [pid, start, space] = id.split("-");
  if (space === namespace()) return startOf(Number(pid)) === Number(start);
  // A run of another container that shares this folder: its process cannot be seen, its server's socket can be called.
  const socket = foldersIn(folder).find((name) => /^\.s\.PGSQL\.\d+$/.test(name));
  return socket === undefined ? isYoung(folder) : answers(join(folder, socket));
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
    .filter(([, command]) => /^\S*(sh|cp|postgres)\s/.test(command) && command.includes(folder))
    .map(([pid]) => pid);
}

function commands(): readonly (readonly [pid: number, command: string])[] {
  if (!existsSync("/proc/self/cmdline")) {
    const listing = execFileSync("ps", ["-axo", "pid=,command="], { encoding: "utf8" }).trim().split("\n");
    return listing.map((line) => [Number.parseInt(line, 10), line.trim().replace(/^\d+\s+/, "")]);
  }
  const pids = foldersIn("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => [Number(pid), commandOf(pid)]);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
