import type { Address } from "../database.ts";
import type { Engine } from "../engines/engine.ts";

export type ServerKind = "embedded" | "local" | "container" | "existing";

/** A running engine, and how it came to run. */
export interface Server {
  readonly kind: ServerKind;
  readonly engine: Engine;
  /** The engine's own version: `18.4`. */
  readonly version: string;
  /** Nobody else uses it: what is left on it when the run ends, ends with it. */
  readonly exclusive: boolean;
  /** Where databases are created and dropped from. */
  readonly maintenance: Address;
  /** The last lines the server wrote, for a message that has to explain its end; empty where nobody can know. */
  lastWords(): string;
  /** Ends what was started for this run; with `keep` it goes on after this process, marked as kept. */
  stop(options?: { readonly keep?: boolean }): Promise<void>;
  /** What a person types to be rid of what was kept on it. */
  readonly howToEnd: string;
}
