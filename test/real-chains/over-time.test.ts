// What becomes of migrations between releases: what `inspect` says of it, and what it does to those who upgrade.
import { knexMigrations, release, umzugMigrations } from "migration-sandbox";
import { describe, expect, test } from "vitest";
import { onStage } from "../stage.ts";
import { inProject } from "../tools/driving.ts";
import { paths, tagged } from "./tagged.ts";
import { hopped, noted, told } from "./walking.ts";

const stage = onStage();
const users = "create table users (id int primary key, name text);\n";
const orders = "create table orders (id int primary key, who int references users);\n";
const first = "insert into users values (1, 'Ada');\n";

test("the folder moves between tags, and nothing is run twice for that", async () => {
  const { chain, inspection, said } = await tagged(
    {
      "v1.0.0": { "sql/1_users.sql": users },
      "v1.1.0": { "server/migrations/1_users.sql": users, "server/migrations/2_orders.sql": orders },
      "v1.2.0": { "db/1_users.sql": users, "db/2_orders.sql": orders, "db/3_rows.sql": first },
    },
    {},
  );
  expect(inspection.releases.map(({ folders }) => folders?.[0]?.path)).toEqual(["sql", "server/migrations", "db"]);
  expect(said).toEqual([]);
  expect(await paths(stage(), chain, "v1.0.0 → v1.1.0 → v1.2.0", "v1.2.0")).toEqual([
    { told: ["clean"], notes: [] },
    { told: ["clean"], notes: [] },
  ]);
});

describe("another extension", () => {
  test("is another name to Knex, which misses the old one", () =>
    inProject(
      {
        "1.0/1_users.js":
          'exports.up = (knex) => knex.schema.createTable("users", (t) => void t.increments()); exports.down = async () => {};',
        "1.1/1_users.ts":
          'export const up = (knex) => knex.schema.createTable("users", (t) => void t.increments()); export const down = async () => {};',
        "1.1/2_more.ts": "export const up = async () => {}; export const down = async () => {};",
      },
      async (folder) => {
        const chain = ["1.0", "1.1"].map((name) => release(name, { migrations: knexMigrations(`${folder}/${name}`) }));
        const [upgrade, fresh] = await hopped(stage(), chain, ["1.0 → 1.1", "1.1"]);
        expect(fresh && told(fresh)).toEqual(["clean"]);
        expect(upgrade?.verdict.findings).toMatchObject([{ code: "migration-failed", release: "1.1" }]);
        expect(upgrade?.verdict.findings[0]?.message).toContain("files are missing: 1_users.js");
      },
    ));

  test("is another name to Umzug, which runs it once more", () =>
    inProject(
      {
        "1.0/1_users.js":
          "exports.up = ({ context }) => context.sequelize.query('create table users (id int)'); exports.down = async () => {};",
        "1.1/1_users.cjs":
          "exports.up = ({ context }) => context.sequelize.query('create table users (id int)'); exports.down = async () => {};",
      },
      async (folder) => {
        const chain = ["1.0", "1.1"].map((name) => release(name, { migrations: umzugMigrations(`${folder}/${name}`) }));
        const rehearsals = await hopped(stage(), chain, ["1.0 → 1.1", "1.1"]);
        expect(rehearsals.map(told)).toEqual([["broken", "migration-failed 1_users.cjs 42P07"], ["clean"]]);
      },
    ));

  test("is no other name to who drops it", async () => {
    const files = { "db/1_users.sql": users };
    const both = {
      "db/1_users.up.sql": users,
      "db/1_users.down.sql": "drop table users;\n",
      "db/2_orders.up.sql": orders,
    };
    const { chain, said } = await tagged({ "v1.0": files, "v1.1": both }, { format: "plain" });
    expect(said).toEqual(["down-missing v1.1 2_orders"]);
    expect(await paths(stage(), chain, "v1.0 → v1.1")).toEqual([{ told: ["clean"], notes: [] }]);
  });
});

describe("another stamp", () => {
  const tags = (sql: string) => ({
    "v1.0": { "db/20240101120000_users.sql": users, "db/20240102120000_first.sql": sql },
    "v1.1": { "db/20240101120000_users.sql": users, "db/20240301120000_first.sql": sql },
  });

  test("has it run twice, which fails where it cannot be done twice", async () => {
    const { chain, said } = await tagged(tags(first));
    expect(said).toEqual(["migration-restamped v1.1 20240301120000_first"]);
    expect(await paths(stage(), chain, "v1.0 → v1.1", "v1.1")).toEqual([
      {
        told: ["broken", "migration-failed 20240301120000_first 23505 at v1.1:db/20240301120000_first.sql:1"],
        notes: ["migration-removed 20240102120000_first"],
      },
      { told: ["clean"], notes: [] },
    ]);
  });

  test("has it run twice, which nobody hears of where it can", async () => {
    const { chain, said } = await tagged(tags("update users set name = name || '!';\n"));
    expect(said).toEqual(["migration-restamped v1.1 20240301120000_first"]);
    const [upgrade] = await hopped(stage(), chain, ["v1.0 → v1.1"], { sows: { "v1.0": first } });
    expect(upgrade?.hops.at(-1)?.migrations.map(({ name }) => name)).toEqual(["20240301120000_first"]);
    expect(upgrade && [told(upgrade), noted(upgrade)]).toEqual([["clean"], ["migration-removed 20240102120000_first"]]);
  });
});

describe("a removed one", () => {
  const tags = (name: (n: number, of: string) => string) => ({
    "v1.0": { [name(1, "users")]: users, [name(2, "orders")]: orders },
    "v1.1": {
      [name(1, "users")]: users,
      [name(3, "invoices")]: "create table invoices (ordered int references orders);\n",
    },
  });

  test("is missed by those who install what came after it", async () => {
    const { chain, said } = await tagged(tags((n, of) => `db/${n}_${of}.sql`));
    expect(said).toEqual(["migration-removed v1.1 2_orders"]);
    expect(await paths(stage(), chain, "v1.0 → v1.1", "v1.1")).toEqual([
      { told: ["clean"], notes: ["migration-removed 2_orders"] },
      { told: ["broken", "migration-failed 3_invoices 42P01 at v1.1:db/3_invoices.sql:1"], notes: [] },
    ]);
  });

  test("is missed by a tool that looks after what it applied", async () => {
    const { chain, said } = await tagged(tags((n, of) => `db/V${n}__${of}.sql`));
    expect(said).toEqual(["migration-removed v1.1 V2__orders"]);
    const [upgrade] = await hopped(stage(), chain, ["v1.0 → v1.1"]);
    expect(upgrade?.verdict.findings).toMatchObject([{ code: "migration-failed", migration: "2", release: "v1.1" }]);
    expect(upgrade?.verdict.findings[0]?.message).toContain("Flyway refuses to migrate");
  });
});

test("one that makes way for another of the same number breaks whoever ran the first", async () => {
  const up = (name: string, sql: string) => ({ [`db/${name}.up.sql`]: sql, [`db/${name}.down.sql`]: "select 1;\n" });
  const { chain, said } = await tagged({
    "v1.0": { ...up("1_users", users), ...up("2_notes", "create table notes (id int);\n") },
    "v1.1": { ...up("1_users", users), ...up("2_orders", orders) },
    "v1.2": {
      ...up("1_users", users),
      ...up("2_orders", orders),
      ...up("3_index", "create index who on orders (who);\n"),
    },
  });
  expect(said).toEqual(["migration-replaced v1.1 2_orders"]);
  expect(await paths(stage(), chain, "v1.0 → v1.1 → v1.2", "v1.1 → v1.2", "v1.2")).toEqual([
    {
      told: ["broken", "migration-failed 3_index 42P01 at v1.2:db/3_index.up.sql:1"],
      notes: ["migration-edited 2_orders"],
    },
    { told: ["clean"], notes: [] },
    { told: ["clean"], notes: [] },
  ]);
});
