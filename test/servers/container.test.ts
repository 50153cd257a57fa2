import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { engineNames } from "../../harness/database.ts";
import type { Engine } from "../../harness/engines/engine.ts";
import { engineNamed } from "../../harness/engines/named.ts";
import { openStage } from "../../harness/sandbox.ts";
import { containerOffer } from "../../harness/servers/container.ts";
import { leftContainers, reapContainers } from "../../harness/servers/container-reap.ts";
import { startContainer } from "../../harness/servers/container-start.ts";
import { wordsInto } from "../../harness/servers/container-words.ts";
import { startAlone } from "../../harness/servers/share.ts";
import {
  containersOf,
  docker,
  elsewhere,
  here,
  keepersOf,
  killed,
  leftOf,
  newRun,
  nothing,
  runOf,
  startElsewhere,
  tagHere,
  until,
} from "./container-runs.ts";

const required = (process.env.MIGRATION_SANDBOX_REQUIRED ?? "").split(/\s+/);

/** The engines whose images are here. One that is required is tried whether its image is here or not, and fails. */
const tried: readonly Engine[] = await Promise.all(
  engineNames.map(async (name) => {
    const filters = encodeURIComponent(JSON.stringify({ reference: [name] }));
    const images = await docker?.get<readonly unknown[]>(`/images/json?filters=${filters}`);
    return required.includes(`${name}:container`) || (images?.said.length ?? 0) > 0 ? [engineNamed(name)] : [];
  }),
).then((found) => found.flat());
const [first] = tried;

const untried = engineNames.filter((name) => !tried.some((engine) => engine.name === name));
for (const name of untried) {
  test.skip(`a container of ${name}: ${docker === undefined ? "Docker does not answer" : "its image is not here"}`, () => {});
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe.each(tried)("a container of $title", (engine) => {
  test("serves sandboxes, and leaves nothing behind when it is stopped", async () => {
    const run = newRun();
    const server = await (await containerOffer(engine, undefined)).start(run);
    expect(server).toMatchObject({ kind: "container", exclusive: true, engine });
    expect(server.version).toMatch(/^\d+\.\d+/);
    expect(server.lastWords()).toMatch(/ready (to accept|for) connections/);
    const stage = await openStage(server);
    const sandbox = await stage.create();
    const session = await sandbox.connect();
    await session.script("create table t (id int primary key); insert into t values (1), (2)");
    expect(await session.query("select id from t order by id")).toEqual([{ id: 1 }, { id: 2 }]);
    await session.end();
    await stage.leave();
    expect(server.howToEnd).toBe(`kill ${keepersOf(run)[0]}`);
    await server.stop();
    expect(await leftOf(run)).toEqual(nothing);
  });

  test("keeps its data in memory", async () => {
    const run = newRun();
    await (await containerOffer(engine, undefined)).start(run);
    const [container] = await containersOf(run);
    const { said } = await here().get<{ Mounts: unknown[]; HostConfig: { Tmpfs: Record<string, string> } }>(
      `/containers/${container}/json`,
    );
    expect(said.Mounts).toEqual([]);
    expect(Object.keys(said.HostConfig.Tmpfs)).toEqual([expect.stringMatching(/^\/var\/lib\//)]);
  });

  test("goes on when it is to be kept, until its keeper is told to end", async () => {
    const { root, run } = await startElsewhere(engine, "await server.stop({ keep: true });");
    await killed(root);
    await sleep(500);
    expect(await leftOf(run)).toEqual({ containers: 1, folder: true, keepers: 1 });
    expect((await leftContainers()).find(({ run: id }) => id === run.id)?.state).toBe("kept");
    await reapContainers();
    expect(await leftOf(run)).toEqual({ containers: 1, folder: true, keepers: 1 });
    for (const pid of keepersOf(run)) process.kill(pid);
    await until(() => !existsSync(run.folder) && keepersOf(run).length === 0);
    expect(await leftOf(run)).toEqual(nothing);
  });

  test("ends when its run is killed", async () => {
    const { root, run } = await startElsewhere(engine);
    await killed(root);
    await until(() => !existsSync(run.folder) && keepersOf(run).length === 0);
    expect(await leftOf(run)).toEqual(nothing);
  });

  test("of a run elsewhere is left alone while somebody holds its lock, and removed when nobody does", async () => {
    const run = newRun("999");
    const { maintenance } = await (await containerOffer(engine, undefined)).start(run);
    await reapContainers();
    expect(await containersOf(run)).toHaveLength(1); // The keeper holds it.
    for (const pid of keepersOf(run)) process.kill(pid, "SIGKILL");
    const admin = await engine.administer(maintenance);
    await until(() => admin.hold(run.id));
    await reapContainers();
    expect(await containersOf(run)).toHaveLength(1);
    await admin.end();
    await until(async () => (await reapContainers()).length > 0 || (await containersOf(run)).length === 0);
    expect(await containersOf(run)).toEqual([]);
  });

  test("that does not come up tells why, in its own words", async () => {
    const run = newRun();
    const image = { ...engine.image, args: [...engine.image.args.slice(0, 1), "--no-such-setting=1"] };
    const starting = startContainer(
      { engine: { ...engine, image }, tag: await tagHere(engine), run: run.id },
      wordsInto(run.folder),
    );
    await expect(starting).rejects.toMatchObject({
      code: "server-not-started",
      message: expect.stringMatching(/^Cannot start .* from image ".*": the container ended\n[\s\S]*no.such.setting/),
    });
  });
});

describe.runIf(first)("containers", () => {
  const engine = first as Engine;

  test("of a run that was killed together with their keeper are removed by the next, be it two at once", async () => {
    const { root, run } = await startElsewhere(engine);
    for (const pid of keepersOf(run)) process.kill(pid, "SIGKILL");
    await killed(root);
    const reaped: string[] = [];
    // A process that was killed is there until its parent has looked at it.
    await until(async () => {
      reaped.push(...(await Promise.all([reapContainers(), reapContainers()])).flat());
      return (await containersOf(run)).length === 0;
    });
    expect(reaped).toEqual([...new Set(reaped)]);
    expect(await containersOf(run)).toEqual([]);
  });

  test("of a run that is killed while they start leave nothing either", async () => {
    for (const moment of [200, 600, 1000]) {
      const root = elsewhere(engine);
      const run = await runOf(root);
      await sleep(moment);
      await killed(root);
      await until(() => !existsSync(run.folder) && keepersOf(run).length === 0);
      expect(await leftOf(run)).toEqual(nothing);
    }
  });

  test("are ended all the same where somebody killed their keeper", async () => {
    const run = newRun();
    const server = await (await containerOffer(engine, undefined)).start(run);
    for (const pid of keepersOf(run)) process.kill(pid, "SIGKILL");
    await server.stop();
    expect(await leftOf(run)).toEqual(nothing);
  });

  test("that crashed have had last words", async () => {
    const run = newRun();
    const server = await (await containerOffer(engine, undefined)).start(run);
    const [container] = await containersOf(run);
    execFileSync("docker", ["kill", `--signal=${engine.name === "postgres" ? "INT" : "TERM"}`, container ?? ""]);
    await until(() => /shut ?down/i.test(server.lastWords()));
    expect(server.lastWords().split("\n").length).toBeLessThanOrEqual(3);
  });

  test("are of the newest version whose image is here", async () => {
    expect((await containerOffer(engine, undefined)).word).toBe(`container-${engine.name}-${await tagHere(engine)}`);
    expect((await containerOffer(engine, "16-alpine")).word).toBe(`container-${engine.name}-16-alpine`);
  });

  test("whose image is not to be had are refused with the way out", async () => {
    const offer = await containerOffer(engine, "0.no-such-tag");
    const image = `${engine.name}:0.no-such-tag`;
    await expect(startAlone(offer)).rejects.toMatchObject({
      code: "engine-not-had",
      message: expect.stringMatching(
        `^Cannot rehearse on image "${image}": it is not here and cannot be pulled \\(.+\\): docker pull ${image}, or name a version that is here \\(docker image list ${engine.name}\\)$`,
      ),
    });
  });
});

describe("where Docker does not answer", () => {
  test("there is no offer, and the reason is told", async () => {
    vi.stubEnv("DOCKER_HOST", "unix:///nowhere/docker.sock");
    await expect(containerOffer(engineNamed("postgres"), undefined)).rejects.toMatchObject({
      code: "engine-not-had",
      message:
        "Docker does not answer (unix:///nowhere/docker.sock: there is no such socket): start it, or set DOCKER_HOST",
    });
    vi.stubEnv("DOCKER_HOST", "tcp://127.0.0.1:1");
    await expect(containerOffer(engineNamed("postgres"), "15")).rejects.toThrow(
      "Docker does not answer (tcp://127.0.0.1:1: nobody listens there): start it, or set DOCKER_HOST",
    );
  });

  test("no container is left", async () => {
    vi.stubEnv("DOCKER_HOST", "unix:///nowhere/docker.sock");
    expect(await reapContainers()).toEqual([]);
    expect(await leftContainers()).toEqual([]);
  });
});
