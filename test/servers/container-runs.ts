import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach } from "vitest";
import type { Engine } from "../../harness/engines/engine.ts";
import { findDocker } from "../../harness/servers/container-docker.ts";
import { markedContainers, removeContainersOf } from "../../harness/servers/container-mark.ts";
import { makeRun, ownerOf, type Run, serverUser } from "../../harness/servers/run.ts";

/** What answers as Docker here, if anything does. */
export const docker = await findDocker().catch(() => undefined);

const started: Run[] = [];

/** Whatever a test that failed left behind. */
afterEach(async () => {
  for (const run of started.splice(0)) {
    for (const pid of keepersOf(run)) process.kill(pid, "SIGKILL");
    if (docker !== undefined) await removeContainersOf(docker, run.id);
    rmSync(run.folder, { recursive: true, force: true });
  }
});

export const nothing = { containers: 0, folder: false, keepers: 0 };

export async function leftOf(run: Run) {
  return {
    containers: (await containersOf(run)).length,
    folder: existsSync(run.folder),
    keepers: keepersOf(run).length,
  };
}

export async function containersOf(run: Run): Promise<readonly string[]> {
  return (await markedContainers(here(), run.id)).containers.map(({ Id }) => Id);
}

export function here() {
  if (docker === undefined) throw new Error("Docker does not answer");
  return docker;
}

export function keepersOf({ folder }: Run): readonly number[] {
  const lines = execFileSync("ps", ["-axo", "pid=,stat=,command="], { encoding: "utf8" }).split("\n");
  const keepers = lines.filter((line) => line.includes("container-keeper") && line.includes(folder));
  return keepers.filter((line) => !/^\s*\d+ Z/.test(line)).map((line) => Number.parseInt(line, 10));
}

export async function tagHere(engine: Engine): Promise<string> {
  const filters = encodeURIComponent(JSON.stringify({ reference: [engine.image.name] }));
  const { said } = await here().get<readonly { readonly RepoTags: readonly string[] }[]>(
    `/images/json?filters=${filters}`,
  );
  const tags = said.flatMap(({ RepoTags }) => RepoTags).map((name) => name.slice(name.indexOf(":") + 1));
  return tags.filter((tag) => /^\d/.test(tag)).sort((a, b) => Number.parseFloat(b) - Number.parseFloat(a))[0] ?? "";
}

/** A run of this process; in another pid namespace it looks like one of another machine. */
export function newRun(space?: string): Run {
  const made = makeRun(process.pid, `test${started.length}-${Date.now().toString(36)}`, ownerOf(serverUser()));
  if (made === undefined) throw new Error("There is such a run");
  const run = space === undefined ? made : { ...made, id: made.id.replace(/^(\d+-\d+)-\d+/, `$1-${space}`) };
  started.push(run);
  return run;
}

/** A process of its own that starts a container as a run does, tells its run, and waits to be killed. */
export function elsewhere(engine: Engine, then = ""): ChildProcess {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const code = `
    import { createJiti } from "jiti";
    const harness = createJiti("${root}harness/");
    const { containerOffer } = await harness.import("./servers/container.ts");
    const { engineNamed } = await harness.import("./engines/named.ts");
    const { makeRun, ownerOf, serverUser } = await harness.import("./servers/run.ts");
    const run = makeRun(process.pid, "elsewhere", ownerOf(serverUser()));
    const starting = containerOffer(engineNamed("${engine.name}")).then((offer) => offer.start(run));
    process.send({ run });
    const server = await starting;
    ${then}
    process.send({ ready: true });
    setInterval(() => {}, 1000);`;
  const options = ["--input-type=module", "--eval", code];
  return spawn(process.execPath, options, { cwd: root, stdio: ["ignore", "inherit", "inherit", "ipc"] });
}

export async function startElsewhere(engine: Engine, then?: string): Promise<{ root: ChildProcess; run: Run }> {
  const root = elsewhere(engine, then);
  const [run] = await Promise.all([runOf(root), said<{ ready: true }>(root, "ready")]);
  return { root, run };
}

export async function runOf(root: ChildProcess): Promise<Run> {
  const { run } = await said<{ run: Run }>(root, "run");
  started.push(run);
  return run;
}

function said<T>(root: ChildProcess, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    root.on("message", (message) => {
      if (Object.hasOwn(message as object, what)) resolve(message as T);
    });
    root.once("exit", () => reject(new Error(`It ended before it told "${what}"`)));
  });
}

export async function killed(root: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => root.once("exit", resolve));
  root.kill("SIGKILL");
  await ended;
}

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 400 && !(await holds()); i++) await sleep(25);
}
