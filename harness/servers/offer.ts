import type { Engine } from "../engines/engine.ts";
import type { Run } from "./run.ts";
import type { Server, ServerKind } from "./server.ts";

/** A server that could be started here. */
export interface Offer {
  readonly kind: ServerKind;
  readonly engine: Engine;
  /** What tells it from other offers, fit for a file's name: `local-postgres-15.20`. */
  readonly word: string;
  /** Starts it in the folder of a run, which has nothing in it yet. Ends with the run's root, however that ends. */
  start(run: Run): Promise<Server>;
  /** What can be said of it, once started by somebody, from the run's folder alone. */
  describe(run: Run): Pick<Server, "lastWords" | "howToEnd">;
}
