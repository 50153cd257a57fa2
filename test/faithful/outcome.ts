import { type EngineName, forEngine } from "../../harness/database.ts";
import type { ChainName } from "./chains.ts";
import type { Outcome, Tool } from "./tool.ts";

/** What is to come of a chain. */
export function outcomeOf({ outcomes, only }: Tool, name: ChainName, engine: EngineName): Outcome {
  if (only?.includes(name) === false) return "none";
  const told = outcomes[name] ?? "same";
  if (typeof told === "string" || "fails" in told || "refuses" in told) return told;
  return forEngine(told, engine) ?? "same";
}
