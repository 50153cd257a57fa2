import { afterAll, beforeAll, describe, test } from "vitest";
import { type EngineName, forEngine, type PerEngine } from "../harness/database.ts";
import type { Engine } from "../harness/engines/engine.ts";
import { engineNamed } from "../harness/engines/named.ts";
import { messageOf } from "../harness/errors.ts";
import { runNamedIn } from "../harness/mark.ts";
import { openStage, type Stage } from "../harness/sandbox.ts";
import { findDocker } from "../harness/servers/container-docker.ts";
import { haveServer, lookFor, type Source } from "../harness/servers/had.ts";
import type { Server } from "../harness/servers/server.ts";

/** The one server of its engine for this test run: it ends with Vitest's own process, this worker's parent. */
export function sharedServer(engine: EngineName = "postgres", source?: Source): Promise<Server> {
  return haveServer({ engine }, { source, sharedWith: process.ppid });
}

/** A stage on the shared server for the tests of one file; ask for it inside of them. */
export function onStage(engine: EngineName = "postgres", source?: Source): () => Stage {
  let stage: Stage | undefined;
  beforeAll(async () => {
    stage = await openStage(await sharedServer(engine, source));
  }, 180_000);
  afterAll(() => stage?.leave());
  return () => {
    if (stage === undefined) throw new Error("The stage is open only while tests run");
    return stage;
  };
}

/** The databases that a stage has on its server, on which others may have theirs. */
export async function databasesOf(stage: Stage): Promise<readonly string[]> {
  const { engine, server } = stage;
  const probe = await stage.create(); // Its name tells the run's.
  const session = await engine.connect(server.maintenance);
  const listed: PerEngine<string> = {
    postgres: "select datname as name from pg_database order by 1",
    mysql: "select schema_name as name from information_schema.schemata order by 1",
  };
  const rows = await session.query(forEngine(listed, engine.name) ?? "");
  await session.end();
  await probe.drop();
  const run = runNamedIn(probe.address.database);
  const names = rows.map(({ name }) => String(name));
  return names.filter((name) => runNamedIn(name) === run && name !== probe.address.database);
}

/** The images that tests ask for, so that none is pulled for them. */
export const tags: { readonly [E in EngineName]: string } = { postgres: "15", mariadb: "10.11", mysql: "9" };

/** What must be had, as in `mariadb:container`: a test that does not find it fails. */
export const required = (process.env.MIGRATION_SANDBOX_REQUIRED ?? "").split(/[\s,]+/);

/**
 * Tells a story of an engine if a server of it can be had here. Otherwise it is skipped under a name that says why; it
 * fails where `ENGINES` or `MIGRATION_SANDBOX_REQUIRED` name the engine.
 */
export async function onEngine(name: EngineName, story: (engine: Engine) => void): Promise<void> {
  const asked = process.env.ENGINES?.split(/[\s,]+/).map((wish) => wish.split(":")[0]);
  if (asked !== undefined && !asked.includes(name)) {
    describe.skip(`${name}, as ENGINES names others`, () => story(engineNamed(name)));
    return;
  }
  const why = await whyNotHad(name);
  if (why === undefined) describe(name, () => story(engineNamed(name)));
  else if (asked?.includes(name) || required.some((pair) => pair.startsWith(`${name}:`))) {
    test(`${name} can be had`, () => {
      throw new Error(why);
    });
  } else describe.skip(`${name}, which cannot be had here: ${why}`, () => story(engineNamed(name)));
}

async function whyNotHad(name: EngineName): Promise<string | undefined> {
  const had = await lookFor(engineNamed(name));
  if (had.some(({ kind, why }) => kind !== "container" && why === undefined)) return undefined;
  return whyNoImage(name);
}

/** Why an engine's image is not here. */
export async function whyNoImage(name: EngineName): Promise<string | undefined> {
  try {
    await (await findDocker()).get(`/images/${name}:${tags[name]}/json`);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
