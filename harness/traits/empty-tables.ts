import { type Seeder, seeder } from "../seeder.ts";

/**
 * Sows nothing, and says so: `with: emptyTables`. Whoever installed a release and never used it has no row at all; a migration
 * may count on a first one, or fail without any data, as one does that creates a table short of a column.
 *
 * @example
 * ```ts
 * import { emptyTables } from "migration-sandbox";
 * console.assert(emptyTables.name === "empty tables");
 * ```
 */
export const emptyTables: Seeder = seeder("empty tables", async () => {});
