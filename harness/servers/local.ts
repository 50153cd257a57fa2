import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import type { Engine } from "../engines/engine.ts";
import { HarnessError } from "../errors.ts";
import { compareVersions } from "../wish.ts";
import { cacheFolder } from "./cache.ts";
import { makeFolder } from "./folder.ts";
import type { Installation } from "./installation.ts";
import { namesIn, serverEnvironment, serverUser } from "./run.ts";

/** The servers of an engine that are installed on this machine, newest first; none of them needs to be running. */
export function localInstallations(engine: Engine): readonly Installation[] {
  const found = new Map<string, Installation>();
  for (const folder of placesOf(engine)) {
    for (const name of engine.program.executables) {
      const executable = join(folder, name);
      const real = realExecutable(executable);
      if (real === undefined || found.has(real)) continue;
      const version = engine.program.versionIn(saidOf(real));
      if (version !== undefined) found.set(real, { kind: "local", engine, version, executable: real, packaged: false });
    }
  }
  return [...found.values()].sort((a, b) => compareVersions(b.version, a.version));
}

/** Every folder in which a server of this engine is looked for. */
function placesOf({ program }: Engine): readonly string[] {
  const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder.startsWith("/"));
  return [...new Set([...program.places.flatMap(expanded), ...path])];
}

// The folders that exist of a pattern in which a part may hold an asterisk.
function expanded(pattern: string): readonly string[] {
  let folders = [""];
  for (const part of pattern.split("/").slice(1)) {
    const like = new RegExp(`^${part.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`);
    const inside = (folder: string) =>
      part.includes("*") ? namesIn(folder || "/").filter((name) => like.test(name)) : [part];
    folders = folders.flatMap((folder) => inside(folder).map((name) => `${folder}/${name}`));
  }
  return folders;
}

function realExecutable(path: string): string | undefined {
  try {
    accessSync(path, constants.X_OK);
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** What `--version` says, remembered in the cache: asking takes as long as starting does. */
function saidOf(executable: string): string {
  const { size, mtimeMs } = statSync(executable);
  const name = createHash("sha256")
    .update(JSON.stringify([executable, size, mtimeMs]))
    .digest("hex")
    .slice(0, 16);
  const folder = join(cacheFolder(serverUser()), "versions");
  return told(join(folder, name)) || asked(executable, folder, name);
}

function told(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function asked(executable: string, folder: string, name: string): string {
  const { stdout } = spawnSync(executable, ["--version"], {
    encoding: "utf8",
    env: serverEnvironment(),
    timeout: 10_000,
    cwd: dirname(executable),
  });
  try {
    makeFolder(folder);
    writeFileSync(join(folder, `${name}.${process.pid}`), stdout ?? "");
    renameSync(join(folder, `${name}.${process.pid}`), join(folder, name));
  } catch {} // Then it is asked again next time.
  return stdout ?? "";
}

/** What was looked for and where, for whoever wonders why nothing was found. */
export function notInstalled(engine: Engine): HarnessError {
  const { executables, places } = engine.program;
  const names = executables.map((name) => `"${name}"`).join(" or ");
  return new HarnessError("engine-not-had", `no ${names} of ${engine.title} in PATH, ${places.join(", ")}`);
}
