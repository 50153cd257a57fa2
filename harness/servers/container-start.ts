import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import type { ContainerRuntimeClient, GenericContainer, WaitStrategy } from "testcontainers";
import type { Address } from "../database.ts";
import type { Engine } from "../engines/engine.ts";
import { HarnessError, messageOf } from "../errors.ts";
import { firstAnswer } from "./container-answer.ts";
import { publishedAt } from "./container-docker.ts";
import { labelsOf } from "./container-mark.ts";
import type { Words } from "./container-words.ts";

// CommonJS and large: `require` takes half the time of `import`, which reads its exports first.
const require = createRequire(import.meta.url);

/** What is to be started, and for whom. */
export interface Asked {
  readonly engine: Engine;
  readonly tag: string;
  readonly run: string;
}

/** A container whose server answers. */
export interface Started {
  readonly id: string;
  readonly image: string;
  readonly version: string;
  readonly maintenance: Address;
}

/**
 * Starts a container by Testcontainers' own module, its data in memory, and takes the run's lock on its server.
 *
 * @throws {HarnessError} `engine-not-had` without its image; `server-not-started`; `disk-full`.
 */
export async function startContainer({ engine, tag, run }: Asked, words: Words): Promise<Started> {
  const { getContainerRuntimeClient, ImageName } = require("testcontainers") as typeof import("testcontainers");
  const image = ImageName.fromString(`${engine.image.name}:${tag}`).string;
  const password = randomBytes(12).toString("hex");
  let answer: Pick<Started, "version" | "maintenance"> | undefined;
  try {
    const container = moduleOf(engine, image, password);
    const client = await getContainerRuntimeClient();
    const volumes = await volumesOf(image, client);
    await haveReaper(client);
    const started = await container
      .withLabels(labelsOf(run, engine))
      .withCommand([...engine.image.args])
      .withTmpFs(Object.fromEntries((volumes.length > 0 ? volumes : [engine.image.data]).map((path) => [path, "rw"])))
      .withSharedMemorySize(1024 ** 3) // A limit, no more: Docker's own 64 MB are too few for a large sort.
      .withLogConsumer((log) => words.hear(log))
      .withWaitStrategy(
        waitingBy(async (it) => {
          const maintenance = await addressOf(it, { engine, password, client });
          const hasEnded = async () => !(await it.inspect()).State.Running;
          answer = { maintenance, version: await firstAnswer(maintenance, { engine, image, run, hasEnded }) };
        }),
      )
      .start();
    if (answer === undefined) throw new Error("nobody waited for it");
    return { id: started.getId(), image, ...answer };
  } catch (cause) {
    if (cause instanceof HarnessError) throw cause;
    await Promise.race([words.ended, sleep(300)]); // They may be on their way.
    throw notStarted(cause, { engine, image, words: words.last() });
  }
}

/** With no user and no database but those that every server has: others would be one more door, open to the network. */
function moduleOf({ name }: Engine, image: string, password: string): GenericContainer {
  switch (name) {
    case "postgres": {
      const { PostgreSqlContainer } =
        require("@testcontainers/postgresql") as typeof import("@testcontainers/postgresql");
      const container = new PostgreSqlContainer(image).withUsername("postgres").withDatabase("postgres");
      // Its own check runs a program in the container four times a second, for as long as that lives.
      return container.withPassword(password).withHealthCheck({ test: ["CMD", "true"], interval: 86_400_000 });
    }
    case "mysql": {
      const { MySqlContainer } = require("@testcontainers/mysql") as typeof import("@testcontainers/mysql");
      return new MySqlContainer(image)
        .withUsername("")
        .withUserPassword("")
        .withDatabase("")
        .withRootPassword(password);
    }
    case "mariadb": {
      const { MariaDbContainer } = require("@testcontainers/mariadb") as typeof import("@testcontainers/mariadb");
      return new MariaDbContainer(image)
        .withUsername("")
        .withUserPassword("")
        .withDatabase("")
        .withRootPassword(password);
    }
  }
}

/**
 * The folders that an image wants kept. Where its data is differs from version to version, and memory above one of these
 * would have a folder of the disk within it.
 */
async function volumesOf(image: string, { image: images }: ContainerRuntimeClient): Promise<readonly string[]> {
  const { ImageName } = require("testcontainers") as typeof import("testcontainers");
  const name = ImageName.fromString(image);
  try {
    await images.pull(name, { force: false, platform: undefined });
    return Object.keys((await images.inspect(name)).Config.Volumes ?? {});
  } catch (cause) {
    throw new HarnessError(
      /no space left/i.test(messageOf(cause)) ? "disk-full" : "engine-not-had",
      `Cannot rehearse on image "${image}": it is not here and cannot be pulled (${reasonOf(cause)}): docker pull ${image}, or name a version that is here (docker image list ${image.replace(/:[^:/]*$/, "")})`,
      { cause },
    );
  }
}

/** Testcontainers would ask for it itself, and not say what it was that it could not pull. */
async function haveReaper(client: ContainerRuntimeClient): Promise<void> {
  const { getReaper } = require("testcontainers") as typeof import("testcontainers");
  try {
    await getReaper(client);
  } catch (cause) {
    throw new HarnessError(
      "server-not-started",
      `Cannot start a container: Testcontainers' Ryuk, which cleans up behind it, cannot be had (${reasonOf(cause)}): load its image, or set TESTCONTAINERS_RYUK_DISABLED=true, as dead runs are cleaned up without it too`,
      { cause },
    );
  }
}

type Container = Parameters<WaitStrategy["waitUntilReady"]>[0];

async function addressOf(
  container: Container,
  {
    engine,
    password,
    client,
  }: { readonly engine: Engine; readonly password: string; readonly client: ContainerRuntimeClient },
): Promise<Address> {
  const { Ports } = (await container.inspect()).NetworkSettings;
  const published = publishedAt(Ports[`${engine.image.port}/tcp`] ?? [], client.info.containerRuntime.host);
  if (published === undefined) throw new Error("the container ended");
  return engine.image.maintenance({ ...published, password });
}

function waitingBy(wait: (container: Container) => Promise<void>): WaitStrategy {
  const strategy: WaitStrategy = {
    waitUntilReady: wait,
    withStartupTimeout: () => strategy,
    isStartupTimeoutSet: () => true,
    getStartupTimeout: () => 0,
  };
  return strategy;
}

function notStarted(
  cause: unknown,
  { engine, image, words }: { readonly engine: Engine; readonly image: string; readonly words: readonly string[] },
): HarnessError {
  const said = [reasonOf(cause), ...words.slice(-5)].join("\n  ");
  if (/no space left/i.test(said) || engine.program.refusal(words.join("\n")) === "no-room")
    return new HarnessError(
      "disk-full",
      `Cannot start ${engine.title} from image "${image}": no space left where Docker keeps its data (docker system prune makes room): ${said}`,
      { cause },
    );
  return new HarnessError("server-not-started", `Cannot start ${engine.title} from image "${image}": ${said}`, {
    cause,
  });
}

/** What Docker's daemon says comes with a status and, at times, as JSON in JSON. */
function reasonOf(cause: unknown): string {
  const message = messageOf(cause).replace(/^\(HTTP code \d+\) [\w\s]+ - /, "");
  return message.replace(/\s+/g, " ").trim();
}
