import type { Address } from "../database.ts";

/**
 * A clone's tables have ids of their own. So that a table of a clone is known for the one it was copied from, each id of
 * a clone stands for that of the oldest database it goes back to.
 */
const origins = new Map<string, ReadonlyMap<string, string>>();

/** The id by which a table is known among all clones of one database. */
export function originOf(server: Address, database: string, id: string): string {
  return origins.get(placeOf(server, database))?.get(id) ?? id;
}

/** Says which table of `from` each table of its clone `to` was copied from: the clone's id, then the source's. */
export function inherit(server: Address, from: string, to: string, ids: ReadonlyMap<string, string>): void {
  const oldest = [...ids].map(([own, source]) => [own, originOf(server, from, source)] as const);
  origins.set(placeOf(server, to), new Map(oldest));
}

/** A database that was dropped has no lineage any more. */
export function forget(server: Address, database: string): void {
  origins.delete(placeOf(server, database));
}

function placeOf({ host, port }: Address, database: string): string {
  return `${host}:${port}/${database}`;
}
