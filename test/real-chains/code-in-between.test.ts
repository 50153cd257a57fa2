// Migrations in another language between those in SQL: named wherever they were to run, and missed where there are rows.
import { describe, expect, test } from "vitest";
import { inspect } from "../../harness/inspect.ts";
import { folderOf, type Tree } from "../repository.ts";
import { onStage } from "../stage.ts";
import { hopped, noted, shipping, told } from "./walking.ts";

const stage = onStage();
const users = "create table users (id int primary key, name text);\n";
const column = "alter table users add column called text;\n";
const required = "alter table users alter column called set not null;\n";
const up = (sql: string) => `-- +goose Up\n${sql}`;
const milliseconds = (n: number) => 1_706_702_400_000 + n;

/** A release of a table, and one that adds a column, fills it in by code, and requires it. */
const kinds: { readonly [what: string]: readonly [first: Tree, next: Tree, code: string, required: string] } = {
  "Go among goose's": [
    { "1_users.sql": up(users) },
    { "2_column.sql": up(column), "3_fill.go": "package migrations\n", "4_required.sql": up(required) },
    "3_fill.go",
    "4_required.sql:2",
  ],
  "Go among golang-migrate's": [
    { "1_users.up.sql": users },
    { "2_column.up.sql": column, "3_fill.go": "package migrations\n", "4_required.up.sql": required },
    "3_fill.go",
    "4_required.up.sql:1",
  ],
  "TypeScript among node-pg-migrate's": [
    { [`${milliseconds(1)}_users.sql`]: users },
    {
      [`${milliseconds(2)}_column.sql`]: column,
      [`${milliseconds(3)}_fill.ts`]: "export const up = () => {};\n",
      [`${milliseconds(4)}_required.sql`]: required,
    },
    `${milliseconds(3)}_fill`,
    `${milliseconds(4)}_required.sql:1`,
  ],
  "Java among Flyway's": [
    { "V1__users.sql": users },
    { "V2__column.sql": column, "V3__fill.java": "class V3__fill {}\n", "V4__required.sql": required },
    "V3__fill.java",
    "V4__required.sql:1",
  ],
  "Ruby among plain SQL": [
    { "1_users.sql": users },
    { "2_column.sql": column, "3_fill.rb": "class Fill\nend\n", "4_required.sql": required },
    "3_fill.rb",
    "4_required.sql:1",
  ],
  "Go among dbmate's": [
    { "1_users.sql": `-- migrate:up\n${users}-- migrate:down\n` },
    {
      "2_column.sql": `-- migrate:up\n${column}-- migrate:down\n`,
      "3_fill.go": "package migrations\n",
      "4_required.sql": `-- migrate:up\n${required}-- migrate:down\n`,
    },
    "3_fill.go",
    "4_required.sql:2",
  ],
  "Go among Ory's": [
    { "1_users.postgres.up.sql": users, "1_users.down.sql": "" },
    {
      ...{ "2_column.up.sql": column, "2_column.down.sql": "", "3_fill.go": "package migrations\n" },
      ...{ "4_required.up.sql": required, "4_required.down.sql": "" },
    },
    "3_fill.go",
    "4_required.up.sql:1",
  ],
  "TypeScript in a version's folder": [
    { "schema.sql": users, "1.0/nothing.sql": "select 1;\n" },
    { "1.1/column.sql": column, "1.2/fill.ts": "export const up = () => {};\n", "1.3/required.sql": required },
    "1.2/fill.ts",
    "1.3/required.sql:1",
  ],
};

describe.each(Object.entries(kinds))("%s", (_, [first, next, code, place]) => {
  const chain = () => [shipping("1.0", first), shipping("1.1", { ...first, ...next })];
  const left = [expect.stringMatching(new RegExp(`^migration-left-out ${code.replaceAll(".", "\\.")}`))];

  test("is named in every rehearsal that would have run it, and an empty database does not miss it", async () => {
    const rehearsals = await hopped(stage(), chain(), ["1.0 → 1.1", "1.1", "1.0"]);
    expect(rehearsals.map(told)).toEqual([["clean"], ["clean"], ["clean"]]);
    expect(rehearsals.map(noted)).toEqual([left, left, []]);
    const { leftOut } = await inspect(folderOf({ ...first, ...next }));
    expect(leftOut.map(({ name }) => name)).toEqual([expect.stringMatching(new RegExp(code.replaceAll(".", "\\.")))]);
  });

  test("is missed where there are rows", async () => {
    const rows = "insert into users values (1, 'Ada');\n";
    const [upgrade] = await hopped(stage(), chain(), ["1.0 → 1.1"], { sows: { "1.0": rows } });
    const failed = place.replace(/(\.up)?\.sql:\d$/, "");
    expect(upgrade && told(upgrade)).toEqual(["broken", `migration-failed ${failed} 23502 at ${place}`]);
    expect(upgrade && noted(upgrade)).toEqual(left);
  });
});

test("a folder of nothing but code is refused with what can run it", async () => {
  const files = { "20240101_users.rb": "class Users < ActiveRecord::Migration[7.1]\nend\n" };
  await expect(inspect(folderOf(files))).rejects.toThrow(
    '20240101_users.rb is code of Rails, which only Rails itself can run (drive it with command("bin/rails", ["db:migrate"]))',
  );
});
