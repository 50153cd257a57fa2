import { expect, test } from "vitest";
import { formatNamed, formatOf } from "../../harness/formats/detect.ts";
import { formats } from "../../harness/formats/formats.ts";
import { type Files, folderOf } from "./folder-of.ts";

const sql = "select 1;\n";
const samples: { readonly [format: string]: Files } = {
  flyway: { "V1__users.sql": sql, "R__views.sql": sql },
  "golang-migrate": { "1_users.up.sql": sql, "1_users.down.sql": sql, "2_names.up.sql": sql },
  goose: { "00001_users.sql": `-- +goose Up\n${sql}` },
  dbmate: { "20240131120000_users.sql": `-- migrate:up\n${sql}\n-- migrate:down\n` },
  prisma: { "migration_lock.toml": 'provider = "postgresql"\n', "20240131120000_users/migration.sql": sql },
  drizzle: {
    "meta/_journal.json":
      '{"dialect":"postgresql","entries":[{"idx":0,"when":1,"tag":"0000_users","breakpoints":true}]}',
    "0000_users.sql": sql,
  },
  "drizzle-folders": { "20240131120000_users/migration.sql": sql },
  diesel: { "2024-01-31-120000_users/up.sql": sql, "2024-01-31-120000_users/down.sql": sql },
  "node-pg-migrate": { "1706702400000_users.sql": `-- Up Migration\n${sql}` },
  "graphile-migrate": { "committed/000001.sql": `--! Previous: -\n--! Hash: sha1:abc\n\n${sql}` },
  sqitch: { "sqitch.plan": "%project=shop\n", "deploy/users.sql": sql, "revert/users.sql": sql },
  liquibase: { "1_users.sql": `--liquibase formatted sql\n--changeset ann:1\n${sql}` },
  ory: { "1_users.mysql.up.sql": sql, "1_users.up.sql": sql, "1_users.down.sql": sql },
  hasura: { "1706702400000_users/up.sql": sql, "1706702400000_users/down.sql": sql },
  "db-migrate": { "20240131120000-users.js": "exports.up = (db) => {}", "sqls/20240131120000-users-up.sql": sql },
  versioned: { "schema.sql": sql, "1.1/1_users.sql": sql, "1.10/names.sql": sql },
  plain: { "1_users.sql": sql, "10_names.up.sql": sql, "10_names.down.sql": sql },
};

test("there is a sample of every format", () => {
  expect(Object.keys(samples)).toEqual(formats.map(({ name }) => name));
});

test.each(Object.entries(samples))("a folder of %s is known as that", async (name, files) => {
  const { format } = await formatOf(await folderOf(files));
  expect(format.name).toBe(name);
});

test("a marker file says more than what stands in files, and that more than names", async () => {
  const known = async (files: Files) => (await formatOf(await folderOf(files))).evidence;
  const files = { "1_users.up.sql": "-- +goose Up\nselect 1;" };
  expect(await known(files)).toEqual({ by: "content", what: "-- +goose in 1_users.up.sql" });
  expect(await known({ ...files, "sqitch.plan": "" })).toEqual({ by: "marker", what: "sqitch.plan" });
});

test("the engine is told where the folder says it", async () => {
  const { evidence } = await formatOf(await folderOf({ "sqitch.conf": "[core]\nengine = mysql\n", "sqitch.plan": "" }));
  expect(evidence).toEqual({ by: "marker", what: "sqitch.plan", engine: "mysql" });
});

test("two formats that fit equally well are both named", async () => {
  expect(await refusal({ "1_a.sql": "-- +goose Up\n-- migrate:up\nselect 1;" })).toBe(
    'Cannot read migrations from "…": it may be goose by -- +goose in 1_a.sql, dbmate by -- migrate:up in 1_a.sql ' +
      '(say which with --format goose or --format dbmate, in code with format: "goose")',
  );
});

test("what is no migration folder is told by what it holds", async () => {
  const looked = `looked for ${formats.map(({ title }) => title).join(", ")}`;
  expect(await refusal({})).toBe(
    `Cannot read migrations from "…": it is no migration folder: it holds nothing (${looked})`,
  );
  const files = { "a.txt": "", "b.md": "", "c/d.txt": "", "c/e.txt": "", f: "", g: "", h: "" };
  expect(await refusal(files)).toBe(
    `Cannot read migrations from "…": it is no migration folder: it holds a.txt, b.md, c/, f, g and 1 more (${looked})`,
  );
});

test("a folder further down that holds migrations is named", async () => {
  expect(await refusal({ "db/migrations/1_a.sql": sql, "README.md": "" })).toBe(
    'Cannot read migrations from "…": there are none in it; "…/db/migrations" looks like plain numbered SQL (name that folder)',
  );
  expect(await refusal({ "mysql/1_a.up.sql": sql, "postgres/1_a.up.sql": sql })).toBe(
    'Cannot read migrations from "…": there are none in it; "…/mysql" looks like golang-migrate; "…/postgres" looks like golang-migrate (name that folder)',
  );
});

test.each([
  [
    "Alembic",
    { "versions/abc_users.py": 'revision = "a"\ndown_revision = None\n' },
    'drive it with command("alembic", ["upgrade", "{release}"])',
  ],
  [
    "Django",
    { "0001_initial.py": "class Migration(migrations.Migration):\n" },
    'drive it with command("python", ["manage.py", "migrate"])',
  ],
  [
    "Rails",
    { "20240131120000_users.rb": "class Users < ActiveRecord::Migration[7.1]" },
    'drive it with command("bin/rails", ["db:migrate"])',
  ],
  ["Ecto", { "20240131120000_users.exs": "use Ecto.Migration" }, 'drive it with command("mix", ["ecto.migrate"])'],
  [
    "Entity Framework",
    { "20240131_Users.Designer.cs": "" },
    'drive it with command("dotnet", ["ef", "database", "update"])',
  ],
  [
    "TypeORM",
    { "1-users.ts": "export class Users1 implements MigrationInterface" },
    "drive it with typeormMigrations(…)",
  ],
  ["Kysely", { "1_users.ts": "export async function up(db: Kysely<any>)" }, "drive it with kyselyMigrations(…)"],
  [
    "Sequelize",
    { "1-users.js": "module.exports = { up: (queryInterface) => {} }" },
    "drive it with umzugMigrations(…)",
  ],
  ["Knex", { "1_users.js": "exports.up = (knex) => {}" }, "drive it with knexMigrations(…)"],
] as const)("code of %s is answered with how to drive it", async (title, files, how) => {
  const [file] = Object.keys(files);
  expect(await refusal(files)).toBe(
    `Cannot read migrations from "…": ${file} is code of ${title}, which only ${title} itself can run (${how})`,
  );
});

test("a format is had by its name, or its nearest names are told", () => {
  expect(formatNamed("golang-migrate").title).toBe("golang-migrate");
  expect(() => formatNamed("gose")).toThrow(
    'Cannot read migrations: there is no format "gose" (known: "goose", "ory", "diesel", "dbmate", "prisma", "hasura", "plain", "flyway" and 9 more)',
  );
});

async function refusal(files: Files): Promise<string> {
  const folder = await folderOf(files);
  const refused = await formatOf(folder).then(
    ({ format }) => new Error(`It is known as ${format.name}`),
    (error: Error & { code?: string }) =>
      error.code === "bad-input" ? error : new Error(`No bad input: ${error.stack}`),
  );
  return refused.message.replaceAll(folder.path, "…");
}
