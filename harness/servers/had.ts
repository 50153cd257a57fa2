import type { EngineName } from "../database.ts";
import { HarnessError } from "../errors.ts";
import { startEmbedded } from "./embedded.ts";
import type { Server } from "./server.ts";

/**
 * The fastest server of an engine that can be had here, started for this process alone.
 *
 * @throws {HarnessError} `engine-not-had` for an engine that nothing here can run.
 */
export function haveServer(engine: EngineName): Promise<Server> {
  refuseUnhad(engine);
  return startEmbedded();
}

export function refuseUnhad(engine: EngineName): void {
  if (engine === "postgres") return;
  throw new HarnessError("engine-not-had", `Cannot rehearse on ${engine}: only postgres (embedded) can be had so far`);
}
