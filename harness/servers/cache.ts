import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { HarnessError, messageOf } from "../errors.ts";
import { makeFolder } from "./folder.ts";
import { mayEnter, type ServerUser } from "./run.ts";

/** `~/.cache/migration-sandbox` or what the system has instead; as root, one that the server's user can enter. */
export function cacheFolder(user: ServerUser | undefined): string {
  const asked = process.env.MIGRATION_SANDBOX_CACHE;
  const usual = join(process.env.XDG_CACHE_HOME || systemCache(), "migration-sandbox");
  // A root's home is closed to others, and so is a cache in it.
  const closed = !asked && user !== undefined && !mayEnter(usual, user);
  if (closed && process.env.XDG_CACHE_HOME) usableFolder(usual); // What was asked for and cannot be at all is told.
  const folder = usableFolder(resolve(closed ? "/var/cache/migration-sandbox" : asked || usual));
  if (/["$`\\]/.test(folder)) {
    const why = "initdb cannot work in a folder with a quote, a dollar or a backslash in its name";
    throw new HarnessError(
      "server-not-started",
      `Cannot use cache folder "${folder}": ${why} (choose another with MIGRATION_SANDBOX_CACHE)`,
    );
  }
  if (user !== undefined && !mayEnter(folder, user)) {
    const why = `the server runs as user "${user.name}", who may not enter it (choose another with MIGRATION_SANDBOX_CACHE)`;
    throw new HarnessError("server-not-started", `Cannot use cache folder "${folder}": ${why}`);
  }
  return folder;
}

function usableFolder(folder: string): string {
  try {
    makeFolder(folder);
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return folder;
  } catch (error) {
    throw unusable(folder, error);
  }
}

function systemCache(): string {
  return process.platform === "darwin" ? join(homedir(), "Library", "Caches") : join(homedir(), ".cache");
}

export function unusable(folder: string, cause: unknown): HarnessError {
  const full = (cause as NodeJS.ErrnoException).code === "ENOSPC";
  return new HarnessError(
    full ? "disk-full" : "server-not-started",
    `Cannot use cache folder "${folder}": ${messageOf(cause)} (make room or make it writable, or choose another with MIGRATION_SANDBOX_CACHE)`,
    { cause },
  );
}
