import type { PerEngine } from "../database.ts";
import type { Ledger } from "../ledger.ts";
import type { Finding } from "../verdict.ts";

/** Reads a ledger and yields findings, or is an invariant: a query that must find nothing. */
export type Check = ((ledger: Ledger) => Promise<readonly Finding[]>) | Invariant;

export interface Invariant {
  readonly code: string;
  readonly query: string | PerEngine<string>;
}

/** A check that runs after every hop, whatever the scenario. Notes are worth knowing and break nothing. */
export interface Judgement {
  readonly findings: readonly Finding[];
  readonly notes: readonly Finding[];
}
