/**
 * Rehearses a product's database upgrades on real databases, thrown away afterwards.
 *
 * The cast:
 * - A **release** is one version of an application: the **migrations** it ships, what it does when it **boots**, how users **use**
 *   it. A **stand-in** takes a release's place: as it was first merged, or as it should have been mended. Releases in order
 *   are the **chain**.
 * - An **upgrade path** says where you start, at which releases you stop and where you end; between two stops lies a **hop**.
 *   A **set** is many of them by one word: from every release to the newest, from each to each.
 * - A **scenario** tells one upgrade bug as data: a chain, paths, and for each path the verdict that is expected.
 * - A **seeder** sows believable or awkward rows where a path stands and will go on. A **trait** is one reason why upgrades
 *   fail, as a shape of data.
 * - An **engine** (postgres) runs on a **server** (embedded), which holds **sandboxes**: throwaway databases. A frozen
 *   sandbox is a **state**, from which others are cloned.
 * - The **record** in a sandbox says which migrations it has; a hop **starts** the next release, by one **runner** or several
 *   at once: each runs what the record lacks, then boots. A **restart** should find nothing to do. A **workaround** is what an
 *   operator does by hand after a failed start.
 * - Two **snapshots** around a hop make a **ledger**, row by row: kept, changed, lost, added.
 * - A **check** reads the ledger and yields **findings**; a **note** is worth knowing and breaks nothing.
 * - A **rehearsal** is one path walked once, on one engine. Its **verdict** is clean, broken, or inconclusive: we could
 *   not tell, which is never a pass.
 * - A **matrix** shows from which release to which one comes, and at which **needed stops** one has to stop on the way. The
 *   **ends** of paths to one release are compared: all should come to the same, and where a fresh install begins.
 */
export {
  byDependencies,
  type Change,
  type LeftOut,
  type Log,
  type Migration,
  type MigrationSource,
  type Piece,
  type Prelude,
  type RecordedAs,
  type Release,
  type ReleaseParts,
  release,
  type Shipment,
  type SqlFile,
  type Task,
  type Tasks,
} from "./chain.ts";
export type { Check, Invariant } from "./checks/check.ts";
export { invariant } from "./checks/invariant.ts";
export type { Database, EngineName, PerEngine } from "./database.ts";
export { type Driver, type Driving, type ToolFacts, ToolFailed } from "./driver.ts";
export { HarnessError, type HarnessErrorCode } from "./errors.ts";
export type { FolderReleasesOptions } from "./folder-chain.ts";
export type { FolderAt } from "./formats/git-moves.ts";
export { type SqlFolder, sqlFolder } from "./formats/sql-folder.ts";
export type { GitReleasesOptions } from "./git-chain.ts";
export type { Ledger, RowChange } from "./ledger.ts";
export { type HowRead, migrationsIn } from "./migrations-in.ts";
export type { LockRule, TransactionRule } from "./migrator.ts";
export type { EndGroup, EndsCompared, NotCovered, Rehearsal, Rehearsals, Work } from "./rehearsal.ts";
export { type RehearseOptions, rehearse } from "./rehearse.ts";
export { folderReleases, gitReleases } from "./releases.ts";
export {
  defineScenario,
  type KnownFinding,
  type PathException,
  type PathSet,
  type Scenario,
  type UpgradePath,
} from "./scenario.ts";
export { type Seeder, type Soil, seeder } from "./seeder.ts";
export type { ReadAs } from "./shipped.ts";
export type { Catalogue, Column, Definition, ForeignKey, Key, Row, Snapshot, Table } from "./snapshot.ts";
export type { Hop } from "./start.ts";
export { startAgain } from "./task.ts";
export { type CommandOptions, command } from "./tools/command.ts";
export { type DbMigrations, dbMigrations } from "./tools/db-migrate.ts";
export { type DrizzleMigrations, drizzleMigrations } from "./tools/drizzle.ts";
export { type KnexMigrations, knexMigrations } from "./tools/knex.ts";
export { type KyselyMigrations, kyselyMigrations } from "./tools/kysely.ts";
export { type MikroOrmMigrations, mikroOrmMigrations } from "./tools/mikro-orm.ts";
export { type NodePgMigrations, nodePgMigrations } from "./tools/node-pg-migrate.ts";
export { type TypeormMigrations, typeormMigrations } from "./tools/typeorm.ts";
export { type Umzug, type UmzugAt, type UmzugMigrations, type UmzugOf, umzugMigrations } from "./tools/umzug.ts";
export { believable } from "./traits/believable.ts";
export { differingOnlyInCase } from "./traits/differing-only-in-case.ts";
export { duplicates } from "./traits/duplicates.ts";
export { emptyTables } from "./traits/empty-tables.ts";
export { lengthsAround } from "./traits/lengths-around.ts";
export { oneToMany } from "./traits/one-to-many.ts";
export { orphans } from "./traits/orphans.ts";
export { softDeleted } from "./traits/soft-deleted.ts";
export { ofTwoOwners } from "./traits/two-owners.ts";
export { withoutParent } from "./traits/without-parent.ts";
export {
  broken,
  clean,
  type Expectation,
  type ExpectedFinding,
  type Facts,
  type Finding,
  type Place,
  type Verdict,
} from "./verdict.ts";
