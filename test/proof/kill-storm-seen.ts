import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { findDocker } from "../../harness/servers/container-docker.ts";
import { markedContainers, markOf } from "../../harness/servers/container-mark.ts";

/** What runs have standing in their folder, whoever their servers ran as. */
export function foldersIn(runs: string): readonly string[] {
  return namesIn(runs).flatMap((owner) => namesIn(join(runs, owner)));
}

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {} // Quicker than we.
}

/** Whoever is to clean up after a run, known by the process at its root. */
export function companionsOf(root: number): readonly number[] {
  return processes().flatMap(({ pid, command }) => {
    const companion = command.startsWith("/bin/sh") || command.includes("container-keeper");
    return companion && command.includes(`/${root}-`) ? [pid] : [];
  });
}

/** Processes that name the folder or stand in it: servers and their own children, companions, copies on the way. */
export function commandsIn(folder: string): readonly string[] {
  return processes()
    .filter(({ command, where }) => command.includes(folder) || where.startsWith(folder))
    .map(({ command }) => command.slice(0, 200));
}

function processes(): readonly { readonly pid: number; readonly command: string; readonly where: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
        return [{ pid: Number(name), command, where: readlinkSync(`/proc/${name}/cwd`) }];
      } catch {
        return []; // Ended meanwhile, or somebody else's.
      }
    });
}

/** Others use the same Docker: only containers whose run is one of these processes count. */
export async function containersOf(pids: ReadonlySet<string>): Promise<readonly string[]> {
  const { containers } = await markedContainers(await findDocker());
  return containers.flatMap(({ Id, Labels }) => {
    const { run } = markOf(Labels);
    return pids.has(run.split("-")[0] ?? "") ? [`container ${Id.slice(0, 12)} of ${run}`] : [];
  });
}
