import type { Engine } from "../engines/engine.ts";

/** An engine's binaries somewhere on this machine. */
export interface Installation {
  readonly kind: "embedded" | "local";
  readonly engine: Engine;
  readonly version: string;
  /** The server's own executable; with `packaged`, as it stands in the package. */
  readonly executable: string;
  /** Out of an npm package, which keeps neither symbolic links nor the right to execute: they run from a copy. */
  readonly packaged: boolean;
}
