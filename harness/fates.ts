import type { Shipment } from "./chain.ts";
import type { Known } from "./counterparts.ts";
import type { Shipped } from "./shipped-change.ts";

/** Two releases, and the tool that brings a database from one to the other. */
export interface Between {
  readonly earlier: Shipped;
  readonly later: Shipped;
  readonly tool: string;
}

/** The same, and how far a database with the earlier release is. */
export interface Standing extends Between {
  /** Of those that both ship, the one that stands last. */
  readonly newest: Known | undefined;
}

/** What messages call the tool that migrates. */
export function toolOf({ migrator, driver }: Shipment): string {
  return migrator?.title ?? driver?.title ?? "the migrator";
}

/** Whether a database that has the earlier release has gone past it already. */
export function isLate(is: Known, { newest }: Standing): boolean {
  return newest !== undefined && is.order <= newest.order;
}

/** What the tool does with a migration that is late. */
export function lateFate({ earlier, later, tool }: Between): string {
  const where = `where ${earlier.release} was installed`;
  switch (later.shipment.migrator?.late) {
    case "skip":
      return `${tool} silently skips it ${where}`;
    case "refuse":
      return `${tool} refuses to go on ${where}`;
    case "run":
    case undefined:
      return `${tool} runs it out of order ${where}`;
  }
}

/** What the tool does with a migration that it has applied under another name or number. */
export function runAgainFate(is: Known, at: Standing): string {
  const { migrator } = at.later.shipment;
  const where = `where ${at.earlier.release} was installed`;
  if (migrator?.removed === "refuse") return `${at.tool} misses the old one and refuses to go on ${where}`;
  if (isLate(is, at) && (migrator?.late ?? "run") !== "run") return lateFate(at);
  return `${at.tool} takes it for a new one, and runs it once more ${where}`;
}

/** What the tool makes of another name under the same number. */
export function renamedFate(was: Known, is: Known, at: Standing): string {
  return was.id === is.id ? `${at.tool} knows it by its number and takes no notice` : runAgainFate(is, at);
}

/** What the tool makes of another migration under the same number. */
export function replacedFate(was: Known, is: Known, at: Standing): string {
  const where = `where ${at.earlier.release} was installed`;
  if (was.id !== is.id) return runAgainFate(is, at).replace("once more ", "");
  if (at.later.shipment.migrator?.edited === "refuse") return `${at.tool} refuses to go on ${where}`;
  return `${at.tool} holds it for applied ${where}, and never runs it`;
}
