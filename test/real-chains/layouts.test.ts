// Layouts of folders as products have them, each rehearsed release by release and on an empty database.
import { join } from "node:path";
import { migrationsIn, type Release, release } from "migration-sandbox";
import { describe, expect, test } from "vitest";
import { inspect } from "../../harness/inspect.ts";
import { folderReleases, gitReleases } from "../../harness/releases.ts";
import { unprepared } from "../../harness/unprepared.ts";
import { folderOf, repositoryOf } from "../repository.ts";
import { onEngine, onStage } from "../stage.ts";
import { hopped, installed, noted, shipping, walked } from "./walking.ts";

const users = "create table users (id int primary key);\n";
const orders = "create table orders (id int primary key, who int references users (id));\n";
const items = "create table items (id int primary key, ordered int references orders (id));\n";
const clean = [["clean"], ["clean"]];

describe("on PostgreSQL", () => {
  const stage = onStage();

  test("a folder per version of the product stands on a base schema, and a manifest says in which order its files run", async () => {
    const first = { "schema.sql": users, "1.9/orders.sql": orders };
    const manifest = {
      "1.10/manifest.json": '{ "CurrVersion": "1.10", "SchemaUpdateFiles": ["names.sql", "items.sql"] }',
    };
    const last = {
      ...first,
      ...manifest,
      "1.10/items.sql": "alter table users rename column name to called;\n",
      "1.10/names.sql": "alter table users add column name text;\n",
    };
    expect(await walked(stage(), [shipping("1.9", first), shipping("1.10", last)])).toEqual(clean);
    expect(await walked(stage(), await folderReleases(folderOf(last)))).toEqual(clean);
    // By their names they would run the other way round.
    const { "1.10/manifest.json": _, ...unlisted } = last;
    expect(await installed(stage(), unlisted)).toEqual([
      "broken",
      "migration-failed 1.10/items 42703 at 1.10/items.sql:1",
    ]);
    const short = { ...last, "1.10/manifest.json": '["names.sql"]' };
    const [rehearsal] = await hopped(stage(), [shipping("1.10", short)], ["1.10"]);
    expect(rehearsal && noted(rehearsal)).toEqual(["migration-left-out 1.10/items.sql"]);
  });

  test("folders with up.sql and down.sql are Hasura's or Diesel's", async () => {
    const hasura = {
      "1706702400000_users/up.sql": users,
      "1706702400000_users/down.sql": "drop table users;\n",
      "1706702500000_orders/up.sql": orders,
      "1706702500000_orders/down.sql": "drop table orders;\n",
    };
    const diesel = {
      "00000000000000_diesel_initial_setup/up.sql": "select 1;\n",
      "2024-01-31-120000_users/up.sql": users,
      "2024-01-31-120000_users/down.sql": "drop table users;\n",
      "2024-02-01-120000_orders/up.sql": orders,
    };
    for (const [format, files] of Object.entries({ hasura, diesel })) {
      const folder = folderOf(files);
      expect((await inspect(folder)).formats.map(({ name }) => name)).toEqual([format]);
      expect(await walked(stage(), await folderReleases(folder))).toEqual(clean);
    }
    const broken = { ...diesel, "2024-01-31-120000_users/up.sql": "select 1;\n" };
    expect(await installed(stage(), broken)).toEqual([
      "broken",
      "migration-failed 2024-02-01-120000_orders 42P01 at 2024-02-01-120000_orders/up.sql:1",
    ]);
  });

  test("SQL beside db-migrate's scripts", async () => {
    const script = (name: string) =>
      `'use strict';\n\nvar dbm;\nvar type;\nvar seed;\nvar fs = require('fs');\nvar path = require('path');\nvar Promise;\n\n` +
      `exports.up = function(db) {\n  var filePath = path.join(__dirname, 'sqls', '${name}-up.sql');\n` +
      "  return new Promise( function( resolve, reject ) {\n    fs.readFile(filePath, {encoding: 'utf-8'}, function(err,data){\n" +
      "      if (err) return reject(err);\n      console.log('received data: ' + data);\n\n      resolve(data);\n    });\n  })\n" +
      "  .then(function(data) {\n    return db.runSql(data);\n  });\n};\n";
    const named = (name: string, sql: string) => ({ [`${name}.js`]: script(name), [`sqls/${name}-up.sql`]: sql });
    const files = { ...named("20240131120000-users", users), ...named("20240201120000-orders", orders) };
    const folder = folderOf(files);
    expect((await inspect(folder)).formats.map(({ name }) => name)).toEqual(["db-migrate"]);
    expect(await walked(stage(), await folderReleases(folder))).toEqual(clean);
    const first = { ...files, ...named("20240101120000-items", items) };
    expect(await installed(stage(), first)).toEqual([
      "broken",
      "migration-failed 20240101120000-items 42P01 at sqls/20240101120000-items-up.sql:1",
    ]);
  });

  test("one repository of several packages has tags and folders of each", async () => {
    const server = { "packages/server/db/1_users.sql": users };
    const client = { "packages/client/db/1_cache.sql": "create table cache (id int primary key);\n" };
    const more = { ...server, "packages/server/db/2_orders.sql": orders };
    const repo = repositoryOf({
      "server@1.2.3": { ...server, ...client },
      "client@9.0.0": {
        ...server,
        ...client,
        "packages/client/db/2_users.sql": "create table no_such_type (a nothing);\n",
      },
      "server@1.10.0": { ...more, ...client },
    });
    const chain = await gitReleases({ repo, folder: "packages/server/db", tags: "server@*" });
    expect(chain.map(({ name }) => name)).toEqual(["server@1.2.3", "server@1.10.0"]);
    expect(await walked(stage(), chain)).toEqual(clean);
    const others = await gitReleases({ repo, folder: "packages/client/db", tags: "client@*" });
    expect(await walked(stage(), others)).toEqual([
      ["broken", "migration-failed 2_users 42704 at client@9.0.0:packages/client/db/2_users.sql:1"],
    ]);
    await expect(hopped(stage(), await gitReleases({ repo, tags: "server@*" }), ["server@1.10.0"])).rejects.toThrow(
      'there are none in it; "server@1.10.0:packages/client/db" looks like plain numbered SQL; ' +
        '"server@1.10.0:packages/server/db" looks like plain numbered SQL (name that folder)',
    );
  });
});

for (const engine of ["postgres", "mariadb"] as const) {
  await onEngine(engine, () => {
    const stage = onStage(engine);
    const files = {
      "postgres/1_users.sql": "create table users (id serial primary key);\n",
      "postgres/2_facts.sql": "alter table users add column facts jsonb;\n",
      "mysql/1_users.sql": "create table users (id int auto_increment primary key);\n",
      "mysql/2_facts.sql": "alter table users add column facts longtext, engine = InnoDB;\n",
    };

    test("one folder for each dialect: each is named, and is for its engine", async () => {
      const folder = folderOf(files);
      const names = { postgres: "postgres", mariadb: "mysql" };
      const where = { read: (name: keyof typeof names) => migrationsIn(join(folder, names[name])).read(name) };
      const chain: readonly Release[] = [
        release("1.0", { migrations: { read: (name) => where.read(name as keyof typeof names) } }),
      ];
      expect(await walked(stage(), chain)).toEqual([["clean"]]);
      await expect(inspect(folder)).rejects.toThrow(
        `there are none in it; "${folder}/mysql" looks like plain numbered SQL; "${folder}/postgres" looks like plain numbered SQL (name that folder)`,
      );
      const { engines, chain: found } = await unprepared({ where: folder, folder: names[engine] });
      expect(engines).toContain(engine);
      expect(await walked(stage(), found)).toEqual(clean);
    });

    test("one folder for all dialects, with folders of dialects in each version's", async () => {
      const files = {
        "schema.sql": "create table users (id int primary key);\n",
        "1.1/postgres/facts.sql": "alter table users add column facts jsonb;\n",
        "1.1/mysql/facts.sql": "alter table users add column facts longtext, engine = InnoDB;\n",
        "1.2/names.sql": "alter table users add column name varchar(50);\n",
      };
      expect(await walked(stage(), await folderReleases(folderOf(files)))).toEqual(clean);
    });
  });
}
