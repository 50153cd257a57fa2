import { alembic } from "./alembic.ts";
import { dbMigrateOne, dbMigrateSql } from "./db-migrate.ts";
import { dbmate } from "./dbmate.ts";
import { django } from "./django.ts";
import { drizzle } from "./drizzle.ts";
import { graphileMigrate } from "./graphile-migrate.ts";
import { knex } from "./knex.ts";
import { kysely } from "./kysely.ts";
import { mikroOrm } from "./mikro-orm.ts";
import { nodePgMigrate } from "./node-pg-migrate.ts";
import { nodePgMigrateInCode } from "./node-pg-migrate-code.ts";
import { prisma } from "./prisma.ts";
import { rails } from "./rails.ts";
import { sqitch } from "./sqitch.ts";
import type { Tool } from "./tool.ts";
import { typeorm } from "./typeorm.ts";
import { umzug } from "./umzug.ts";

/** Whose folders are read, and whose rules are followed. */
export const imitated: readonly Tool[] = [
  dbmate,
  nodePgMigrate,
  drizzle,
  graphileMigrate,
  prisma,
  dbMigrateSql,
  dbMigrateOne,
];

/** The same of those that start clients, and what is run as a command: both take their time. */
export const clients: readonly Tool[] = [sqitch, alembic, django, rails];

/** Those that run their migrations themselves, and are told where. */
export const driven: readonly Tool[] = [knex, kysely, umzug, typeorm, mikroOrm, nodePgMigrateInCode];
