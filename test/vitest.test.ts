import { release } from "migration-sandbox";
import { test } from "migration-sandbox/vitest";
import { expect } from "vitest";

const users = { name: "0001", up: "create table users (id int primary key)" };
const names = {
  name: "0002",
  up: "alter table users add column name text not null default 'nobody'; delete from users where id = 2",
};
const chain = [release("1.0", { migrations: [users] }), release("1.1", { migrations: [users, names] })];

test("sandbox.upgrade() returns what became of every row", async ({ sandbox }) => {
  await sandbox.install(chain, "1.0");
  await sandbox.knex("users").insert([{ id: 1 }, { id: 2 }]);
  const ledger = await sandbox.upgrade("1.1");
  const changes = [];
  for await (const change of ledger.changes("users")) changes.push(change);
  expect(changes).toEqual([
    { kind: "kept", key: { id: "1" } },
    { kind: "lost", key: { id: "2" } },
  ]);
  expect(await ledger.before.all("users")).toEqual([{ id: 1 }, { id: 2 }]);
  expect(await sandbox.knex("users")).toEqual([{ id: 1, name: "nobody" }]);
});
