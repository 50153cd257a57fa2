import { expect, test } from "vitest";
import { HarnessError } from "../harness/errors.ts";
import { reapDatabases } from "../harness/leftovers.ts";
import { readingOf } from "../harness/reading.ts";
import { openStage, type Sandbox } from "../harness/sandbox.ts";
import { haveServer } from "../harness/servers/had.ts";
import { onStage, sharedServer } from "./stage.ts";

const stage = onStage();

/** A sandbox with two tables, one of them with 1,500 rows: more than are read at a time. */
async function planted(): Promise<Sandbox> {
  const sandbox = await stage().create();
  await run(
    sandbox,
    `create table users (id int primary key, name text);
     insert into users select n, 'user ' || n from generate_series(1, 1500) n;
     create schema audit; create table audit.log (line text); insert into audit.log values ('a'), ('a'), (null);`,
  );
  return sandbox;
}

async function run(sandbox: Sandbox, sql: string): Promise<void> {
  const session = await sandbox.connect();
  await session.script(sql).finally(() => session.end());
}

async function rowsOf(sandbox: Sandbox): Promise<unknown> {
  const snapshot = await sandbox.snapshot();
  try {
    return { users: await snapshot.all("users"), log: await snapshot.all("audit.log") };
  } finally {
    await snapshot.end();
  }
}

async function databaseExists(name: string): Promise<boolean> {
  const session = await stage().engine.connect(stage().server.maintenance);
  const rows = await session.query("select datname from pg_database where datname = $1", [name]);
  await session.end();
  return rows.length > 0;
}

test("a clone of a frozen sandbox has its rows", async () => {
  const original = await planted();
  await original.freeze();
  const [one, two] = [await original.clone(), await original.clone()];
  expect(await rowsOf(one)).toEqual(await rowsOf(original));
  expect(await rowsOf(two)).toEqual(await rowsOf(original));
  for (const sandbox of [original, one, two]) await sandbox.drop();
});

test("what happens in a clone is seen in no other and not in the original", async () => {
  const original = await planted();
  await original.freeze();
  const [one, two] = [await original.clone(), await original.clone()];
  const before = await rowsOf(original);
  await run(one, "delete from users where id > 1; drop table audit.log; create table audit.log (line int)");
  expect(await rowsOf(one)).toEqual({ users: [{ id: 1, name: "user 1" }], log: [] });
  expect(await rowsOf(two)).toEqual(before);
  expect(await rowsOf(original)).toEqual(before);
  for (const sandbox of [original, one, two]) await sandbox.drop();
});

test("a clone outlives its original, and can be frozen and cloned itself", async () => {
  const original = await planted();
  await original.freeze();
  const clone = await original.clone();
  await original.drop();
  await clone.freeze();
  const grandchild = await clone.clone();
  await clone.drop();
  expect(await rowsOf(grandchild)).toMatchObject({ log: [{ line: "a" }, { line: "a" }, { line: null }] });
  await grandchild.drop();
});

test("a copy is frozen, equal, and independent of the sandbox, which goes on", async () => {
  const sandbox = await planted();
  const copy = await sandbox.copy();
  const before = await rowsOf(sandbox);
  await run(sandbox, "truncate users");
  expect(await rowsOf(copy)).toEqual(before);
  await expect(copy.connect()).rejects.toThrow();
  for (const each of [sandbox, copy]) await each.drop();
});

test("a client that was never closed keeps a sandbox from nothing", async () => {
  const sandbox = await planted();
  const leaked = await sandbox.connect();
  await leaked.query("begin");
  await leaked.query("select * from users");
  const copy = await sandbox.copy();
  const leakedAgain = await sandbox.connect();
  await leakedAgain.query("begin");
  await leakedAgain.query("lock table users in access exclusive mode");
  await sandbox.freeze();
  const clone = await sandbox.clone();
  const inClone = await clone.connect();
  await inClone.query("select 1");
  for (const each of [sandbox, copy, clone]) await each.drop();
  expect(await databaseExists(clone.address.database)).toBe(false);
  for (const session of [leaked, leakedAgain, inClone]) await session.end().catch(() => {});
});

test("a pool of Knex that was never closed keeps a sandbox from nothing", async () => {
  const sandbox = await planted();
  const leaked = await sandbox.knex();
  await Promise.all([leaked("users").first(), leaked("users").first(), leaked("users").first()]);
  await sandbox.freeze();
  const clone = await sandbox.clone();
  expect(await rowsOf(clone)).toEqual(await rowsOf(sandbox));
  await expect(Promise.resolve(leaked("users").first())).rejects.toThrow();
  for (const each of [sandbox, clone]) await each.drop();
  await leaked.destroy();
});

test("a frozen sandbox can be read and not entered", async () => {
  const sandbox = await planted();
  await sandbox.freeze();
  await expect(sandbox.connect()).rejects.toThrow(HarnessError);
  expect(await rowsOf(sandbox)).toMatchObject({ users: expect.objectContaining({ length: 1500 }) });
  await expect(sandbox.connect()).rejects.toThrow(HarnessError);
  await sandbox.drop();
});

test("whoever reads a sandbox cannot write", async () => {
  const sandbox = await planted();
  const snapshot = await sandbox.snapshot();
  await expect(snapshot.query("delete from users")).rejects.toThrow("read-only");
  await expect(snapshot.query("create table more (id int)")).rejects.toThrow("read-only");
  expect(await snapshot.query("select count(*)::int as n from users")).toEqual([{ n: 1500 }]);
  await snapshot.end();
  await sandbox.drop();
});

test("a snapshot is the database at the moment it was taken", async () => {
  const sandbox = await planted();
  const snapshot = await sandbox.snapshot();
  await run(sandbox, "insert into users values (9001, 'too late')");
  expect(await snapshot.query("select count(*)::int as n from users")).toEqual([{ n: 1500 }]);
  await snapshot.end();
  await sandbox.drop();
});

test("all reading of a snapshot sees one moment", async () => {
  const sandbox = await planted();
  const snapshot = await sandbox.snapshot();
  const rows = snapshot.rows("users")[Symbol.asyncIterator]();
  await rows.next();
  await run(sandbox, "delete from users where id > 10; insert into audit.log values ('late')");
  let seen = 1;
  while (!(await rows.next()).done) seen++;
  expect(seen).toBe(1500);
  expect(await snapshot.query("select count(*)::int as n from users")).toEqual([{ n: 1500 }]);
  expect(await snapshot.all("audit.log")).toHaveLength(3);
  await snapshot.end();
  expect(await rowsOf(sandbox)).toMatchObject({ log: expect.objectContaining({ length: 4 }) });
  await sandbox.drop();
});

test("a question that fails does not end the moment", async () => {
  const sandbox = await planted();
  const snapshot = await sandbox.snapshot();
  await expect(snapshot.query("select nope from users")).rejects.toThrow('column "nope" does not exist');
  await expect(snapshot.all("nobody")).rejects.toThrow('There is no table "nobody" in this snapshot');
  expect(await snapshot.query("select count(*)::int as n from users")).toEqual([{ n: 1500 }]);
  await snapshot.end();
  await sandbox.drop();
});

test("questions of one snapshot may be asked at once", async () => {
  const sandbox = await planted();
  const snapshot = await sandbox.snapshot();
  await snapshot.catalogue();
  const [count, users, log, again] = await Promise.all([
    snapshot.query("select count(*)::int as n from users"),
    snapshot.all("users"),
    snapshot.all("audit.log"),
    snapshot.query("select count(*)::int as n from audit.log"),
  ]);
  expect([count, users.length, log.length, again]).toEqual([[{ n: 1500 }], 1500, 3, [{ n: 3 }]]);
  expect(await snapshot.query("select 1 as one")).toEqual([{ one: 1 }]);
  await snapshot.end();
  await sandbox.drop();
});

test("one of several questions asked at once may fail without the others", async () => {
  const sandbox = await planted();
  const snapshot = await sandbox.snapshot();
  await snapshot.catalogue();
  const [bad, good, log] = await Promise.allSettled([
    snapshot.query("select nope from users"),
    snapshot.query("select count(*)::int as n from users"),
    snapshot.all("audit.log"),
  ]);
  expect([bad.status, good.status, log.status]).toEqual(["rejected", "fulfilled", "fulfilled"]);
  await snapshot.end();
  await sandbox.drop();
});

test("readers of rows that stop early, or run side by side, do not disturb each other", async () => {
  const sandbox = await planted();
  const snapshot = await sandbox.snapshot();
  for await (const row of snapshot.rows("users")) if (row.id === 3) break;
  const [left, right] = [snapshot.rows("users"), snapshot.rows("users")].map((rows) => rows[Symbol.asyncIterator]());
  for (let i = 1; i <= 1500; i++) {
    expect((await left?.next())?.value).toEqual({ id: i, name: `user ${i}` });
    expect((await right?.next())?.value).toEqual({ id: i, name: `user ${i}` });
  }
  await snapshot.end();
  await sandbox.drop();
});

test("rows come in the order of the primary key", async () => {
  const sandbox = await stage().create();
  await run(
    sandbox,
    "create table t (b int, a int, primary key (a, b)); insert into t (a, b) values (2, 1), (1, 10), (1, 9)",
  );
  const snapshot = await sandbox.snapshot();
  expect(await snapshot.all("t")).toEqual([
    { a: 1, b: 9 },
    { a: 1, b: 10 },
    { a: 2, b: 1 },
  ]);
  await snapshot.end();
  await sandbox.drop();
});

test("a reading that was closed opens again, and does not keep the sandbox from being cloned", async () => {
  const sandbox = await planted();
  await sandbox.freeze();
  const reading = readingOf(sandbox);
  expect(await reading.all("audit.log")).toHaveLength(3);
  await reading.close();
  const clone = await sandbox.clone();
  expect(await reading.all("audit.log")).toHaveLength(3);
  await reading.close();
  await reading.close();
  for (const each of [sandbox, clone]) await each.drop();
});

test("drop() leaves no database, whatever became of the sandbox before", async () => {
  const [plain, frozen, entered] = [await planted(), await planted(), await planted()];
  await frozen.freeze();
  const inside = await entered.connect();
  const reading = await frozen.snapshot();
  for (const sandbox of [plain, frozen, entered]) await sandbox.drop();
  for (const sandbox of [plain, frozen, entered]) {
    expect(await databaseExists(sandbox.address.database)).toBe(false);
  }
  await inside.end().catch(() => {});
  await reading.end().catch(() => {});
});

test("sandboxes of one run do not share a name, and two stages do not share sandboxes", async () => {
  const other = await openStage(await sharedServer());
  const sandboxes = [await stage().create(), await other.create(), await stage().create()];
  expect(new Set(sandboxes.map(({ address }) => address.database)).size).toBe(3);
  for (const sandbox of sandboxes) await sandbox.drop();
  await other.leave();
});

test("url is the sandbox's own", async () => {
  const sandbox = await stage().create();
  expect(sandbox.url).toContain(sandbox.address.database);
  await sandbox.drop();
});

test("keep() tells how to enter, and other runs leave what was kept alone", async () => {
  const first = await openStage(await sharedServer());
  const sandbox = await first.create();
  const kept = await sandbox.keep();
  expect(kept.url).toBe(sandbox.url);
  expect(kept.client).toContain(sandbox.url);
  await first.leave();
  const later = await openStage(await sharedServer());
  await later.leave(); // Where the dead are reaped by the way.
  expect(await databaseExists(sandbox.address.database)).toBe(true);
  await sandbox.drop().catch(() => {}); // Its stage is closed.
});

test("openStage() says which server does not answer", async () => {
  const server = await sharedServer();
  const gone = { ...server, maintenance: { ...server.maintenance, port: 1 }, lastWords: () => "goodbye" };
  const opened = openStage(gone);
  await expect(opened).rejects.toMatchObject({ code: "server-lost", message: expect.stringContaining("goodbye") });
  await expect(opened).rejects.toThrow("Cannot reach postgres (embedded) any more");
});

test("a stage goes on after somebody ended every session of its server, and holds its lock again", async () => {
  const server = await haveServer({ engine: "postgres" }, { source: "embedded" });
  const own = await openStage(server);
  try {
    const sandbox = await own.create();
    const session = await sandbox.connect();
    await session.script(
      "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'",
    );
    await session.end();
    await sandbox.freeze();
    const clone = await sandbox.clone();
    expect(clone.address.database).not.toBe(sandbox.address.database);
    const admin = await server.engine.administer(server.maintenance);
    expect(await reapDatabases(admin, "another")).toEqual([]);
    await admin.end();
  } finally {
    await own.leave();
    await server.stop();
  }
});
