import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, realpath, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const patience = 60_000;

/** The command as its source says it; a shell can run it too. */
export const command = [
  process.execPath,
  at("../node_modules/jiti/lib/jiti-cli.mjs"),
  at("../harness/cli.ts"),
] as const;

/** What became of a command. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command at work. */
interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

interface Surroundings {
  readonly environment?: { readonly [name: string]: string | undefined };
  /** The program and its first arguments, if not the command. */
  readonly words?: readonly string[];
  /** The user whose process it is to be, where ours may choose. */
  readonly as?: number;
  /** Milliseconds until it is ended and the test fails. */
  readonly patience?: number;
}

/** A folder of somebody who uses the command, and a folder of its own for what its runs put down. */
export interface Workplace extends AsyncDisposable {
  readonly folder: string;
  readonly runs: string;
  /** Runs the command to its end. */
  run(args: readonly string[], surroundings?: Surroundings): Promise<Ended>;
  start(args: readonly string[], surroundings?: Surroundings): Running;
  /** Processes and folders of runs that are still there once a killed run's companion has had its time. */
  leftBehind(): Promise<readonly string[]>;
}

/** Makes a {@link Workplace} that holds these files. */
export async function workplaceWith(files: { readonly [path: string]: string }): Promise<Workplace> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "workplace-")));
  const runs = await mkdtemp(join(await roomyFolder(), "runs-"));
  await chmod(folder, 0o755);
  await chmod(runs, 0o777); // Whoever runs the command, and whoever its server.
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  const children = new Set<ChildProcess>();
  const start: Workplace["start"] = (args, { environment = {}, words = command, as, ...more } = {}) => {
    const [program = "", ...first] = words;
    const child = spawn(program, [...first, ...args], {
      cwd: folder,
      // What another test has come to is not to be told here.
      env: { ...usualEnvironment(), MIGRATION_SANDBOX_RUNS: runs, MIGRATION_SANDBOX_STORE: "none", ...environment },
      stdio: ["ignore", "pipe", "pipe"],
      ...(as !== undefined && process.getuid?.() === 0 && { uid: as, gid: as }),
    });
    children.add(child);
    return { child, ended: ending(child, more.patience ?? patience) };
  };
  return {
    folder,
    runs,
    start,
    run: (args, surroundings) => start(args, surroundings).ended,
    leftBehind: () =>
      eventually(
        () => leftIn(runs),
        (left) => left.length === 0,
      ),
    async [Symbol.asyncDispose]() {
      for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      for (const [pid] of processesOf(runs)) end(pid);
      await eventually(
        () => processesOf(runs),
        (left) => left.length === 0,
      );
      await rm(folder, { recursive: true, force: true });
      await rm(runs, { recursive: true, force: true });
    },
  };
}

/** Looks until what is seen is as wanted, or has had time enough to become so. */
export async function eventually<T>(
  look: () => T | Promise<T>,
  wanted: (seen: T) => boolean,
  limit = 5000,
): Promise<T> {
  const deadline = Date.now() + limit;
  for (;;) {
    const seen = await look();
    if (wanted(seen) || Date.now() > deadline) return seen;
    await sleep(30);
  }
}

function ending(child: ChildProcess, limit: number): Promise<Ended> {
  const said = { stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (said.stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (said.stderr += text));
  return new Promise((resolve, reject) => {
    const overdue = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`It still ran after ${limit / 1000} s\n${said.stdout}\n${said.stderr}`));
    }, limit);
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(overdue);
      resolve({ code, ...said });
    });
  });
}

/** Nothing of the tests' own runner: it and a continuous integration would have colours. */
function usualEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(CI|NO_COLOR|FORCE_.*|NODE_OPTIONS|NODE_ENV|VITEST.*|ENGINES|SANDBOX_.*|MIGRATION_SANDBOX_RUNS)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}

async function roomyFolder(): Promise<string> {
  const room = await statfs("/dev/shm").catch(() => undefined);
  return room !== undefined && room.bavail * room.bsize > 1024 ** 3 ? "/dev/shm" : realpath(tmpdir());
}

/** Processes that name this folder of runs, and what stands in it. */
export async function leftIn(runs: string): Promise<readonly string[]> {
  const owners = await readdir(runs).catch(() => []);
  const folders = await Promise.all(owners.map((owner) => readdir(join(runs, owner)).catch(() => [])));
  return [...processesOf(runs).map(([, line]) => line), ...folders.flat()];
}

type Process = readonly [pid: number, commandLine: string];

function processesOf(runs: string): readonly Process[] {
  return processes().filter(([, line]) => line.includes(runs));
}

function processes(): readonly Process[] {
  if (existsSync("/proc/self/cmdline")) {
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    return pids.map((pid) => [Number(pid), commandLineOf(pid)]);
  }
  const listing = execFileSync("ps", ["-axo", "pid=,command="], { encoding: "utf8", timeout: 10_000 });
  return listing.split("\n").map((line) => [Number.parseInt(line, 10), line]);
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return ""; // It has just ended.
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGQUIT"); // PostgreSQL's immediate shutdown.
  } catch {} // It has just ended.
}
