import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statfsSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { HarnessError } from "../errors.ts";
import { makeFolder } from "./folder.ts";

/**
 * A run is known by the process at its root. Its folder is named after that process, so that anybody who finds the
 * folder can tell whether the run still lives: `<pid>-<start time>-<pid namespace>-<word>`.
 */
export interface Run {
  readonly id: string;
  readonly root: number;
  readonly folder: string;
}

/** An unprivileged user for the server: PostgreSQL refuses to run as root. */
export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

const roomNeeded = 512 * 1024 * 1024;
const mine = process.getuid?.() ?? 0;

/**
 * Servers of databases refuse to run as root.
 *
 * @throws {HarnessError} `server-not-started` as root where there is nobody else to run a server.
 */
export function serverUser(): ServerUser | undefined {
  if (mine !== 0) return undefined;
  const users = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const found = ["postgres", "mysql", "nobody"].flatMap((wanted) => users.filter(([name]) => name === wanted))[0];
  if (found === undefined) {
    throw new HarnessError(
      "server-not-started",
      `Cannot start a server as root: there is neither a user "postgres", "mysql" nor "nobody" to run it (run as another user)`,
    );
  }
  return { name: found[0] ?? "", uid: Number(found[2]), gid: Number(found[3]) };
}

/** To whom a run's folder belongs: the server's user, who is us unless we are root. */
export function ownerOf(user: ServerUser | undefined): ServerUser {
  return user ?? { name: "", uid: mine, gid: process.getgid?.() ?? 0 };
}

/** Nothing of the user's own settings reaches a server. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH ?? "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };
}

/** Makes the folder of a run; with a shared `word`, `undefined` if somebody of the same run already has. */
export function makeRun(root: number, word: string, owner: ServerUser): Run | undefined {
  const id = `${root}-${startOf(root) ?? 0}-${namespace()}-${word}`;
  const folder = join(runsFolder(owner), id);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return undefined;
    throw noFolder(folder, error);
  }
  if (owner.uid !== mine) chownSync(folder, owner.uid, owner.gid);
  return { id, root, folder };
}

/** The folder that {@link makeRun} would have made, for those who share it. */
export function sharedRun(root: number, word: string, owner: ServerUser): Run {
  const id = `${root}-${startOf(root) ?? 0}-${namespace()}-${word}`;
  return { id, root, folder: join(runsFolder(owner), id) };
}

/** Data goes to memory where there is room: disks are several times slower. */
function runsFolder(owner: ServerUser): string {
  const base = askedBase() ?? (roomIn("/dev/shm") >= roomNeeded ? "/dev/shm" : tmpdir());
  // What the server's own user is to remove one day stands in a folder of that user's.
  const folder = join(base, `migration-sandbox-${mine}${owner.uid === mine ? "" : `-${owner.uid}`}`);
  try {
    makeFolder(base);
    makeFolder(folder, 0o700);
    const { uid } = lstatSync(folder);
    if (uid !== mine && uid !== owner.uid) throw new Error("it belongs to somebody else");
    if (owner.uid !== mine && !mayEnter(base, owner))
      throw new Error(`the server runs as user "${owner.name}", who may not enter it`);
    if (uid !== owner.uid) chownSync(folder, owner.uid, owner.gid);
  } catch (error) {
    throw noFolder(folder, error);
  }
  return folder;
}

/** The folders in which runs of ours have theirs, whoever their servers ran as. */
export function foldersOfRuns(): readonly string[] {
  const asked = askedBase();
  const bases = asked !== undefined ? [asked] : ["/dev/shm", tmpdir()];
  const ours = new RegExp(`^migration-sandbox-${mine}(-\\d+)?$`);
  return bases.flatMap((base) =>
    namesIn(base)
      .filter((name) => ours.test(name))
      .map((name) => join(base, name)),
  );
}

/** What stands in a folder; nothing where there is none. */
export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function askedBase(): string | undefined {
  const asked = process.env.MIGRATION_SANDBOX_RUNS;
  return asked ? resolve(asked) : undefined;
}

/** Whether a folder's disk is so full that not even a log can be written. */
export function isFull(folder: string): boolean {
  return roomIn(folder) < 1024 * 1024;
}

/** Bytes free where a folder is; none where there is no such folder. */
function roomIn(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return 0;
  }
}

function noFolder(folder: string, cause: unknown): HarnessError {
  const why = (cause as Error).message;
  return new HarnessError(
    "server-not-started",
    `Cannot make folder "${folder}" for this run: ${why} (set MIGRATION_SANDBOX_RUNS to a folder that can be written)`,
    { cause },
  );
}

/** Whether another user can pass through all the folders down to this one. */
export function mayEnter(folder: string, user: ServerUser): boolean {
  for (let path = folder; ; path = dirname(path)) {
    if (existsSync(path)) {
      const { mode, uid, gid } = statSync(path);
      const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
      if ((mode & bit) === 0) return false;
    }
    if (path === dirname(path)) return true;
  }
}

/** When a process started, in the kernel's ticks: with its pid, the name of no other process. */
export function startOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : Number(fields[19]); // A zombie is dead, whether or not anybody asks for it.
  } catch {
    return existsSync("/proc/self") ? undefined : isRunning(pid) ? 0 : undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

export function namespace(): string {
  try {
    return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
  } catch {
    return "0";
  }
}
