import { dbMigrate } from "./db-migrate.ts";
import { dbmate } from "./dbmate.ts";
import { diesel } from "./diesel.ts";
import { drizzle } from "./drizzle.ts";
import { drizzleFolders } from "./drizzle-folders.ts";
import { flyway } from "./flyway.ts";
import type { Format } from "./format.ts";
import { golangMigrate } from "./golang-migrate.ts";
import { goose } from "./goose.ts";
import { graphileMigrate } from "./graphile-migrate.ts";
import { hasura } from "./hasura.ts";
import { liquibase } from "./liquibase.ts";
import { nodePgMigrate } from "./node-pg-migrate.ts";
import { ory } from "./ory.ts";
import { plain } from "./plain.ts";
import { prisma } from "./prisma.ts";
import { sqitch } from "./sqitch.ts";
import { versioned } from "./versioned.ts";

/** Every layout of migrations that can be read, those that anything could be taken for last. */
export const formats: readonly Format[] = [
  flyway,
  golangMigrate,
  goose,
  dbmate,
  prisma,
  drizzle,
  drizzleFolders,
  diesel,
  nodePgMigrate,
  graphileMigrate,
  sqitch,
  liquibase,
  ory,
  hasura,
  dbMigrate,
  versioned,
  plain,
];
