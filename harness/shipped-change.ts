import type { Shipment } from "./chain.ts";
import type { EngineName } from "./database.ts";
import type { Finding } from "./verdict.ts";

/** What a release ships on an engine. */
export interface Shipped {
  readonly release: string;
  readonly engine: EngineName;
  readonly shipment: Shipment;
}

/** What became of a migration after it was shipped, or how it was shipped too late. */
export interface ShippedChange extends Finding {
  readonly code:
    | "migration-edited"
    | "migration-renamed"
    | "migration-renumbered"
    | "migration-restamped"
    | "migration-removed"
    | "migration-replaced"
    | "migration-late"
    | "down-missing"
    | "down-unpaired";
  readonly release: string;
  readonly migration: string;
  /** The release before, where it was otherwise. */
  readonly since?: string;
  /** What it was called there, if not the same. */
  readonly before?: string;
  readonly file?: string;
  /** It does what it did: only its text differs, and its tool does not mind. */
  readonly harmless?: true;
}
