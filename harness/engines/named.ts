import type { EngineName } from "../database.ts";
import type { Engine } from "./engine.ts";
import { postgres } from "./postgres.ts";

/** The engines that we can speak to so far. */
export function engineNamed(name: EngineName): Engine | undefined {
  const engines: { readonly [E in EngineName]?: Engine } = { postgres };
  return engines[name];
}
