import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { dbMigrate } from "../../harness/formats/db-migrate.ts";
import { type Files, folderOf, readBy, refusalBy } from "./folder-of.ts";

/** Scripts as db-migrate itself writes them: of its own templates, by number. */
function script(name: string, template = 2): string {
  const Migration = createRequire(import.meta.url)("db-migrate/lib/migration.js");
  return Migration.prototype.getTemplate.call({ ...Migration.prototype, name: `${name}.js`, templateType: template });
}

const byCallback = `var dbm = global.dbm || require('db-migrate');
var type = dbm.dataType;
var fs = require('fs');
var path = require('path');

exports.up = function(db, callback) {
  var filePath = path.join(__dirname + '/sqls/NAME-up.sql');
  fs.readFile(filePath, {encoding: 'utf-8'}, function(err,data){
    if (err) return callback(err);
    console.log('received data: ' + data);

    db.runSql(data, function(err) {
      if (err) return callback(err);
      callback();
    });
  });
};
`;

const byHand = `"use strict"
const { readFile } = require("node:fs/promises")
const { join } = require("node:path")
// Reads a file, and runs it.
module.exports.up = async (db) => {
  const sql = await readFile(join(__dirname, "sqls", "shared-up.sql"), "utf8")
  return db.runSql(sql)
}
exports._meta = { version: 1 }
`;

const users = "20260131120000-users";
const names = "20260201120000-größe";
const chain: Files = {
  [`${names}.js`]: script(names, 5),
  [`sqls/${names}-up.sql`]: "\uFEFFalter table users add name text;\r\n",
  [`sqls/${names}-down.sql`]: "alter table users drop name;",
  [`${users}.js`]: script(users),
  [`sqls/${users}-up.sql`]: "",
  "package.json": "{}",
  "lib/helper.js": "",
};

test("the SQL that a script of db-migrate's own reads is the migration", async () => {
  const { migrations, migrator, leftOut } = await readBy(dbMigrate, chain);
  expect(migrations).toEqual([
    {
      name: users,
      up: { sql: "", file: expect.stringMatching(/sqls\/20260131120000-users-up\.sql$/) },
      recordedAs: { id: `/${users}` },
    },
    {
      name: names,
      up: { sql: "\uFEFFalter table users add name text;\r\n", file: expect.stringMatching(/größe-up\.sql$/) },
      down: { sql: "alter table users drop name;", file: expect.stringMatching(/größe-down\.sql$/) },
      recordedAs: { id: `/${names}` },
    },
  ]);
  expect(leftOut).toBeUndefined();
  expect(migrator).toMatchObject({
    transaction: "each",
    lock: "none",
    late: "run",
    edited: "ignore",
    removed: "ignore",
  });
});

test("older scripts and shorter ones are known too, and may share a file", async () => {
  const { migrations } = await readBy(dbMigrate, {
    [`${users}.js`]: byCallback.replace("NAME", users),
    [`sqls/${users}-up.sql`]: "select 1",
    [`${names}.js`]: byHand,
    "sqls/shared-up.sql": "select 2",
  });
  expect(migrations).toMatchObject([{ up: { sql: "select 1" } }, { up: { sql: "select 2" } }]);
});

test("a script that does more, or something else, is left out and said so", async () => {
  const standard = script(users);
  const more: readonly string[] = [
    standard.replace("db.runSql(data)", "db.runSql(data.replace('a', 'b'))"),
    standard.replace("db.runSql(data)", "db.runSql(data).then(() => db.runSql(data))"),
    standard.replace("db.runSql(data)", "db.runSql(data + ' cascade')"),
    standard.replace("var fs = require('fs');", "var fs = require('../fs');"),
    standard.replace("return db.runSql(data)", "if (process.env.CI) return db.runSql(data)"),
    `${standard}exports.config = { transaction: false };`,
    `${standard}exports.up = null;`,
    "module.exports = { up: (db) => db.runSql('select 1') };",
  ];
  for (const text of more) {
    const { migrations, leftOut } = await readBy(dbMigrate, { [`${users}.js`]: text, [`sqls/${users}-up.sql`]: "" });
    const why = "its script does more than read its SQL file, which only db-migrate itself can run";
    expect([migrations, leftOut]).toEqual([[], [{ name: users, why }]]);
  }
  const code = await readBy(dbMigrate, { [`${users}.js`]: script(users, 0) });
  expect(code.leftOut).toEqual([{ name: users, why: "it is code, which only db-migrate itself can run" }]);
});

test("it is known by SQL beside its script", async () => {
  expect(await dbMigrate.detect(await folderOf(chain))).toEqual({
    by: "marker",
    what: `sqls/${users}-up.sql beside ${users}.js`,
  });
  expect(await dbMigrate.detect(await folderOf({ [`${users}.js`]: script(users, 0) }))).toBeUndefined();
});

test("what db-migrate refuses is refused", async () => {
  const refusals: readonly (readonly [Files, string])[] = [
    [{ "sqls/a-up.sql": "" }, 'Cannot read migrations from "…": it holds no <14 digits>-<name>.js'],
    [
      { ...chain, "index.js": "" },
      'Cannot read migration "…/index.js": db-migrate takes every script for a migration, and its name has no <14 digits>-<name>',
    ],
    [
      { [`${users}.js`]: script(users) },
      `Cannot read migration "…/${users}.js": it reads "sqls/${users}-up.sql", and there is no such file`,
    ],
  ];
  for (const [files, message] of refusals) expect(await refusalBy(dbMigrate, files)).toBe(message);
});
