import type { Address } from "../database.ts";
import type { Crew } from "./mysql-crew.ts";

/** A frozen database, and the empty one that becomes like it. */
export interface Copy {
  readonly crew: Crew;
  readonly server: Address;
  readonly from: string;
  readonly to: string;
}
