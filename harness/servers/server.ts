import type { Address } from "../database.ts";
import type { Engine } from "../engines/engine.ts";

/** A running engine, and how it came to run. */
export interface Server {
  readonly kind: "embedded" | "local" | "container" | "existing";
  readonly engine: Engine;
  /** The engine's own version: `18.4`. */
  readonly version: string;
  /** What the names and the marks of this run's sandboxes begin with. */
  readonly run: string;
  /** Nobody else uses it: what is left on it when the run ends, ends with it. */
  readonly exclusive: boolean;
  /** Where databases are created and dropped from. */
  readonly maintenance: Address;
  /** The last lines the server wrote, for a message that has to explain its end. */
  lastWords(): string;
  /** Ends the server at once; with `keep` it goes on after this process, marked as kept. */
  stop(options?: { readonly keep?: boolean }): Promise<void>;
  /** How a person ends a server that was kept. */
  readonly howToEnd: string;
}
