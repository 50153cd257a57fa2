import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { Engine } from "../engines/engine.ts";
import type { Docker } from "./container-docker.ts";
import { namespace, startOf } from "./run.ts";

const domain = "com.migration-sandbox";

/** What a container of ours carries, so that anybody who finds it can tell whether its run still lives. */
export interface ContainerMark {
  readonly run: string;
  readonly engine: string;
  /** The process that removes it: `<pid>-<start time>-<pid namespace>`. */
  readonly keeper: string;
  /** On which machine that process is, since it was last started: pids of others say nothing. */
  readonly machine: string;
}

export function labelsOf(run: string, engine: Engine): Readonly<Record<string, string>> {
  const mark: ContainerMark = { run, engine: engine.name, keeper: ownName(), machine: machine() };
  return Object.fromEntries(Object.entries(mark).map(([name, value]) => [`${domain}.${name}`, value]));
}

export function markOf(labels: Readonly<Record<string, string>>): ContainerMark {
  const told = (name: keyof ContainerMark) => labels[`${domain}.${name}`] ?? "";
  return { run: told("run"), engine: told("engine"), keeper: told("keeper"), machine: told("machine") };
}

/** A container as Docker lists it. */
export interface Listed {
  readonly Id: string;
  readonly Image: string;
  readonly State: string;
  /** Seconds since 1970, by the clock of the machine that Docker is on. */
  readonly Created: number;
  readonly Labels: Readonly<Record<string, string>>;
}

/** The containers of all runs, or of one. */
export async function markedContainers(docker: Docker, run?: string) {
  const label = run === undefined ? `${domain}.run` : `${domain}.run=${run}`;
  const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
  const { said, now } = await docker.get<readonly Listed[]>(`/containers/json?all=1&filters=${filters}`);
  return { containers: said, now };
}

/** Removes whatever was started for a run. */
export async function removeContainersOf(docker: Docker, run: string): Promise<void> {
  const { containers } = await markedContainers(docker, run);
  await Promise.all(containers.map(({ Id }) => docker.remove(Id)));
}

/** Whether a process of this machine lives; `undefined` where it cannot be seen from here. */
export function isAlive(process: string, on: string): boolean | undefined {
  const [pid, start, space] = process.split("-");
  if (on !== machine() || space !== namespace()) return undefined;
  return startOf(Number(pid)) === Number(start);
}

function ownName(): string {
  return `${process.pid}-${startOf(process.pid) ?? 0}-${namespace()}`;
}

/** Every Linux calls its first pid namespace the same, so the namespace alone does not tell machines apart. */
function machine(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return hostname();
  }
}
