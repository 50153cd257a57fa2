import type { Address } from "../database.ts";

/** The numbers of sessions by the database for which we opened them: a session may have left that for another. */
const visitors = new Map<string, Set<number>>();

export function enter(address: Address, thread: number): void {
  const place = placeOf(address);
  const known = visitors.get(place);
  if (known === undefined) visitors.set(place, new Set([thread]));
  else known.add(thread);
}

export function leave(address: Address, thread: number): void {
  visitors.get(placeOf(address))?.delete(thread);
}

export function visitorsOf(address: Address): ReadonlySet<number> {
  return visitors.get(placeOf(address)) ?? new Set();
}

function placeOf({ host, port, database }: Address): string {
  return `${host}:${port}/${database}`;
}
