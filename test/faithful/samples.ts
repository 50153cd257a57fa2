import type { Files } from "../tools/driving.ts";
import type { Link } from "./chains.ts";
import { dbMigrateSql } from "./db-migrate.ts";
import { dbmate } from "./dbmate.ts";
import { drizzle } from "./drizzle.ts";
import { graphileMigrate } from "./graphile-migrate.ts";
import { nodePgMigrate } from "./node-pg-migrate.ts";
import { prisma } from "./prisma.ts";
import { sqitch } from "./sqitch.ts";

const says = ["create table users (id int)", "create table posts (id int)"];
const links: readonly Link[] = [{ number: 1, name: "users", says }];
const sql = `${says.join(";\n")};\n`;

/** A folder of each format, with one migration of two statements, and how it was made sure that it is read as its tool reads it. */
export const samples: { readonly [format: string]: { readonly files: Files; readonly against: string } } = {
  flyway: { files: { "V1__users.sql": sql }, against: "read, not run" },
  "golang-migrate": { files: { "1_users.up.sql": sql }, against: "read, not run" },
  goose: { files: { "1_users.sql": `-- +goose Up\n${sql}` }, against: "read, not run" },
  dbmate: { files: dbmate.files(links, "postgres"), against: "itself, 2.36.0" },
  prisma: { files: prisma.files(links, "postgres"), against: "its engine, 8.1, on PostgreSQL" },
  drizzle: { files: drizzle.files(links, "postgres"), against: "itself, 0.45" },
  "drizzle-folders": {
    files: { "20260131120000_users/migration.sql": says.join(";\n--> statement-breakpoint\n") },
    against: "read, not run",
  },
  diesel: { files: { "2026-01-31-120000_users/up.sql": sql }, against: "read, not run" },
  "node-pg-migrate": { files: nodePgMigrate.files(links, "postgres"), against: "itself, 9.0" },
  "graphile-migrate": { files: graphileMigrate.files(links, "postgres"), against: "itself, 1.4" },
  sqitch: { files: sqitch.files(links, "postgres"), against: "itself, 1.3" },
  liquibase: {
    files: { "users.sql": `-- liquibase formatted sql\n-- changeset ann:1\n${sql}` },
    against: "read, not run",
  },
  ory: {
    files: { "1_users.postgres.up.sql": sql, "1_users.postgres.down.sql": "" },
    against: "read, not run",
  },
  hasura: { files: { "1706702400000_users/up.sql": sql }, against: "read, not run" },
  "db-migrate": { files: dbMigrateSql.files(links, "postgres"), against: "itself, 0.11" },
  versioned: { files: { "schema.sql": sql, "1.1/posts.sql": sql }, against: "no tool" },
  plain: { files: { "1_users.sql": sql }, against: "no tool" },
};
