import { fileURLToPath } from "node:url";
import type { MigrationSource } from "./chain.ts";
import { folderAt } from "./formats/folder.ts";
import { type ReadAs, shippedBy } from "./shipped.ts";

/** How a folder is read; rules of the product are the release's to say. */
export type HowRead = Omit<ReadAs, "transaction" | "lock">;

/**
 * The migrations of a folder in any format that is known: Flyway's, golang-migrate's, Prisma's and so on. They are run as the
 * format's own tool would run them, and recorded where it would record them.
 *
 * @throws {HarnessError} `bad-input` when read: for what is no folder of migrations, for one that may be of two formats
 * (`format` says which), and with file and line for what the tool itself would refuse
 * @example
 * ```ts
 * import { migrationsIn, release } from "migration-sandbox";
 * const folder = new URL("./db/migrations/", import.meta.url);
 * const first = release("1.0", { migrations: migrationsIn(folder, { format: "flyway", placeholders: { owner: "app" } }) });
 * console.assert("read" in first.migrations);
 * ```
 */
export function migrationsIn(folder: URL | string, how: HowRead = {}): MigrationSource {
  const path = typeof folder === "string" ? folder : fileURLToPath(folder);
  return { read: shippedBy([() => folderAt(path)], how) };
}
