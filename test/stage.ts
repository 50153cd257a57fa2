import { afterAll, beforeAll } from "vitest";
import { openStage, type Stage } from "../harness/sandbox.ts";
import { shareEmbedded } from "../harness/servers/embedded.ts";
import type { Server } from "../harness/servers/server.ts";

/** The one server of this test run: it ends with Vitest's own process, this worker's parent. */
export function sharedServer(): Promise<Server> {
  return shareEmbedded(process.ppid);
}

/** A stage on the shared server for the tests of one file; ask for it inside of them. */
export function onStage(): () => Stage {
  let stage: Stage | undefined;
  beforeAll(async () => {
    stage = await openStage(await sharedServer());
  });
  afterAll(() => stage?.leave());
  return () => {
    if (stage === undefined) throw new Error("The stage is open only while tests run");
    return stage;
  };
}
