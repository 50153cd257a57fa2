import { setTimeout as sleep } from "node:timers/promises";
import { type Address, engineNames } from "../database.ts";
import type { Engine } from "../engines/engine.ts";
import { engineNamed } from "../engines/named.ts";
import { type Binding, type Docker, findDocker, hostOf, publishedAt } from "./container-docker.ts";
import { isAlive, type Listed, markedContainers, markOf } from "./container-mark.ts";

/** A container of a run: of this process or another, here or wherever else the same Docker is used. */
export interface LeftContainer {
  readonly id: string;
  readonly image: string;
  readonly run: string;
  readonly state: "alive" | "kept" | "dead";
}

/** Removes the containers that dead runs left. Two runs may do so at once; each tells those that it removed itself. */
export async function reapContainers(): Promise<readonly string[]> {
  const docker = await findDocker().catch(() => undefined);
  if (docker === undefined) return [];
  const reaped: string[] = [];
  for (const { id, state } of await leftOn(docker)) {
    if (state === "dead" && (await docker.remove(id))) reaped.push(id);
  }
  return reaped;
}

/** What is left where Docker answers; nothing where it does not. */
export async function leftContainers(): Promise<readonly LeftContainer[]> {
  const docker = await findDocker().catch(() => undefined);
  return docker === undefined ? [] : leftOn(docker);
}

/** Removes a container, running or not; whoever kept it finds it gone. */
export async function removeContainer({ id }: LeftContainer): Promise<void> {
  await (await findDocker()).remove(id);
}

async function leftOn(docker: Docker): Promise<readonly LeftContainer[]> {
  const { containers, now } = await markedContainers(docker);
  return Promise.all(
    containers.map(async (listed) => {
      const { run } = markOf(listed.Labels);
      const isYoung = now - listed.Created * 1000 < 10 * 60_000;
      return { id: listed.Id, image: listed.Image, run, state: await stateOf(listed, isYoung, docker) };
    }),
  );
}

async function stateOf(listed: Listed, isYoung: boolean, docker: Docker): Promise<LeftContainer["state"]> {
  const { run, keeper, machine } = markOf(listed.Labels);
  const lives = isAlive(run, machine);
  if (lives === true) return "alive";
  if (lives === false) return isAlive(keeper, machine) ? "kept" : "dead";
  const seen = listed.State === "running" ? await askAfter(listed, docker) : "it answers nobody";
  // What answers nobody may be about to start; after so long it never will.
  return seen === "held" || (seen === "it answers nobody" && isYoung) ? "alive" : "dead";
}

/** Whether somebody holds the lock of the container's run. What cannot be told counts as held. */
async function askAfter(listed: Listed, docker: Docker): Promise<"held" | "free" | "it answers nobody"> {
  const { run, engine: name } = markOf(listed.Labels);
  const known = engineNames.find((engine) => engine === name);
  if (known === undefined) return "held"; // By a version of ours that knows more.
  const engine = engineNamed(known);
  const { host, certain } = await hostOf(docker);
  try {
    const address = await addressOf(listed.Id, { engine, docker, host });
    if (address === undefined) return "held";
    const isHeld = await Promise.race([asked(address, engine, run), sleep(10_000, true, { ref: false })]);
    return isHeld ? "held" : "free";
  } catch (cause) {
    const refused = engine.fault(cause)?.kind === "connection" && !isOutOfReach(cause);
    return refused && certain ? "it answers nobody" : "held";
  }
}

/**
 * A keeper takes the lock a moment after its server is ready. Asked twice, with time between for a keeper that found us
 * in its way, a lock that is free is one that nobody wants.
 */
async function asked(address: Address, engine: Engine, run: string): Promise<boolean> {
  const admin = await engine.administer(address);
  try {
    if (!(await admin.hold(run))) return true;
    await admin.release(run);
    await sleep(500);
    return !(await admin.hold(run));
  } finally {
    await admin.end();
  }
}

interface Inspected {
  readonly Config: { readonly Env: readonly string[] };
  readonly NetworkSettings: { readonly Ports: Readonly<Record<string, readonly Binding[] | null>> };
}

async function addressOf(
  id: string,
  { engine, docker, host }: { readonly engine: Engine; readonly docker: Docker; readonly host: string },
): Promise<Address | undefined> {
  const { Config, NetworkSettings } = (await docker.get<Inspected>(`/containers/${id}/json`)).said;
  const secret = /^(?:POSTGRES|MYSQL_ROOT|MARIADB_ROOT)_PASSWORD=(.*)$/;
  const password = Config.Env.map((entry) => secret.exec(entry)?.[1]).find(Boolean);
  const published = publishedAt(NetworkSettings.Ports[`${engine.image.port}/tcp`] ?? [], host);
  return published && password ? engine.image.maintenance({ ...published, password }) : undefined;
}

/** Then nothing can be told of the server, which others may well reach. */
function isOutOfReach(cause: unknown): boolean {
  const { code } = cause as NodeJS.ErrnoException;
  return ["ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EAI_AGAIN"].includes(String(code));
}
