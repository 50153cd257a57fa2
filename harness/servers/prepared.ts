import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { HarnessError } from "../errors.ts";
import { cacheFolder, unusable } from "./cache.ts";
import type { Installation } from "./installation.ts";
import { namesIn, type ServerUser, serverEnvironment, startOf } from "./run.ts";

/** A data folder ready to be copied, made once per version and kept in the user's cache folder. */
export interface Prepared {
  readonly folder: string;
  /** The server's own executable. */
  readonly executable: string;
  readonly data: string;
  readonly password: string;
}

/**
 * The prepared folder of an installation, made now if there is none. It appears under its name only when it is whole, so
 * a run that is killed, or another one at the same moment, does no harm.
 *
 * @throws {HarnessError} `server-not-started` where the binaries do not run or a folder cannot be had; `disk-full`.
 */
export function prepared(installation: Installation, user: ServerUser | undefined): Prepared {
  const { engine, executable, version } = installation;
  const recipe = createHash("sha256")
    .update(JSON.stringify([form, version, stampOf(installation), engine.program.recipe, user?.uid]))
    .digest("hex")
    .slice(0, 8);
  const cache = cacheFolder(user);
  removeDeadWorkshops(cache);
  const folder = join(cache, `${engine.name}-${version}-${recipe}`);
  if (!existsSync(folder)) prepare(folder, installation, user);
  return describe(folder, installation.packaged ? join(folder, "native", "bin", basename(executable)) : executable);
}

/** Raised when what stands in a prepared folder changes its form. */
const form = 2;

/** Binaries that were exchanged need a new folder; packaged ones are known by their package's version. */
function stampOf({ executable, packaged }: Installation): unknown {
  if (packaged) return undefined;
  const { size, mtimeMs } = statSync(executable);
  return [executable, size, mtimeMs];
}

/** Throws a prepared folder away that no server starts from. */
export function discardPrepared({ folder }: Prepared): void {
  rmSync(folder, { recursive: true, force: true });
}

function describe(folder: string, executable: string): Prepared {
  try {
    const password = readFileSync(join(folder, "password"), "utf8").trim();
    return { folder, executable, data: join(folder, "data"), password };
  } catch (error) {
    throw unusable(folder, error);
  }
}

function prepare(folder: string, installation: Installation, user: ServerUser | undefined): void {
  const cache = dirname(folder);
  const workshop = join(
    cache,
    `preparing-${process.pid}-${startOf(process.pid) ?? 0}-${randomBytes(3).toString("hex")}`,
  );
  try {
    mkdirSync(workshop, { mode: user === undefined ? 0o700 : 0o755 });
    const binaries = dirname(installation.executable);
    if (installation.packaged) copyBinaries(dirname(binaries), join(workshop, "native"));
    makeData(workshop, installation.packaged ? join(workshop, "native", "bin") : binaries, installation, user);
    renameSync(workshop, folder);
  } catch (error) {
    rmSync(workshop, { recursive: true, force: true });
    // Another run was first: what it made is as good.
    if (["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) return;
    throw error instanceof HarnessError ? error : unusable(folder, error);
  }
}

function removeDeadWorkshops(cache: string): void {
  for (const name of readdirSync(cache)) {
    const [, pid, start] = /^preparing-(\d+)-(\d+)-/.exec(name) ?? [];
    const young = () => Date.now() - statSync(join(cache, name)).ctimeMs < 60_000;
    // The maker may live where its pid cannot be seen, so a young workshop is left for a later run.
    if (pid === undefined || startOf(Number(pid)) === Number(start)) continue;
    if (startOf(Number(pid)) === undefined && young() && !sameMachineBoot(Number(start))) continue;
    awaitMakers(join(cache, name));
    try {
      rmSync(join(cache, name), { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
    } catch {} // What cannot be removed now, a later run may.
  }
}

/** What a killed run started to fill its folder goes on for a moment; it would crash if the folder went under it. */
function awaitMakers(workshop: string): void {
  for (let i = 0; i < 250 && makersIn(workshop); i++) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
}

function makersIn(workshop: string): boolean {
  const pids = namesIn("/proc").filter((name) => /^\d+$/.test(name));
  return pids.some((pid) => {
    try {
      return (
        readlinkSync(`/proc/${pid}/cwd`).startsWith(workshop) ||
        readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(workshop)
      );
    } catch {
      return false;
    }
  });
}

/** A start time later than now is of another machine's or another boot's clock. */
function sameMachineBoot(start: number): boolean {
  return start <= (startOf(process.pid) ?? 0);
}

export function copyBinaries(source: string, native: string): void {
  cpSync(source, native, {
    recursive: true,
    filter: (path) => !path.endsWith(".a") && !path.endsWith("/pkgconfig"),
    verbatimSymlinks: true, // Otherwise links would lead back into node_modules, which may go.
  });
  // npm packages cannot hold symbolic links; the package lists them for an install script that may never have run.
  const links = JSON.parse(readFileSync(join(source, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  for (const link of links) {
    const path = join(dirname(native), link.target);
    if (!existsSync(path)) symlinkSync(basename(link.source), path);
  }
  for (const name of readdirSync(join(native, "bin"))) chmodSync(join(native, "bin", name), 0o755);
}

function makeData(
  workshop: string,
  binaries: string,
  { engine: { program, title }, version }: Installation,
  user: ServerUser | undefined,
): void {
  const [data, secretFile] = [join(workshop, "data"), join(workshop, "secret")];
  const password = randomBytes(12).toString("hex");
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(secretFile, program.secret(password), { mode: 0o600 });
  if (user !== undefined) {
    chownSync(data, user.uid, user.gid);
    chownSync(secretFile, user.uid, user.gid);
  }
  for (const { names, args } of program.prepare({ data, secretFile, version })) {
    run(executableOf(names, binaries), args, title, user);
  }
  rmSync(secretFile);
  writeFileSync(join(workshop, "password"), password, { mode: 0o600 });
}

/** Beside the server stands what belongs to it; some of it stands where any program does. */
function executableOf(names: readonly string[], binaries: string): string {
  const places = [binaries, join(dirname(binaries), "bin"), join(dirname(binaries), "scripts")];
  const found = places.flatMap((place) => names.map((name) => join(place, name))).find((path) => existsSync(path));
  return found ?? (names[0] as string);
}

/** What makes the folder ends with its run: left alone, it would crash once the next run removes the folder. */
const watched = `
root=$1; shift
"$@" & maker=$!
(while kill -0 "$root" 2>/dev/null || [ -d "/proc/$root" ]; do sleep 0.1; done; kill -TERM $maker) >/dev/null 2>&1 & watch=$!
wait $maker; status=$?
kill $watch 2>/dev/null
exit $status
`;

function run(program: string, args: readonly string[], title: string, user: ServerUser | undefined): void {
  const as = user === undefined ? {} : { uid: user.uid, gid: user.gid };
  const { error, status, stdout, stderr } = spawnSync(
    "/bin/sh",
    ["-c", watched, "sh", String(process.pid), program, ...args],
    {
      ...as,
      cwd: "/",
      encoding: "utf8",
      env: serverEnvironment(),
    },
  );
  if (error !== undefined) throw error;
  if (status === 0) return;
  const words = stderr.trim() || stdout.trim() || `it ended with ${status}`;
  if (/No space left on device/.test(words))
    throw new HarnessError("disk-full", `Cannot prepare ${title}: no space left (${words.split("\n").at(-1)})`);
  const last = words.split("\n").slice(-8).join("\n  ");
  throw new HarnessError("server-not-started", `Cannot prepare ${title}: ${basename(program)} says: ${last}`);
}
