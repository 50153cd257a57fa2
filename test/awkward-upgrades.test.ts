// Upgrades that are legal and strange: what becomes of them is judged as of any other.

import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import {
  broken,
  type Check,
  clean,
  type Database,
  defineScenario,
  type Facts,
  type Finding,
  invariant,
  type Migration,
  type Rehearsal,
  type RehearseOptions,
  type Release,
  rehearse,
  release,
  type Scenario,
  type Seeder,
  seeder,
  type TransactionRule,
} from "migration-sandbox";
import { test as sandboxTest } from "migration-sandbox/vitest";
import pg from "pg";
import { describe, expect, test } from "vitest";
import { explanations } from "../harness/report/pretty.ts";
import { leftIn, workplaceWith } from "./command.ts";
import { onStage } from "./stage.ts";

const stage = onStage();
const users = "create table users (id int primary key, name text)";

async function rehearsed(scenario: Scenario, options: RehearseOptions = {}): Promise<readonly Rehearsal[]> {
  const { rehearsals } = await rehearse([scenario], { stage: async () => stage(), ...options });
  return rehearsals;
}

/** One release that creates things, rows that are sown in it, and the migration of the next. */
interface Upgrade {
  readonly installs: string;
  readonly sows?: string;
  readonly hop: Migration["up"];
  readonly alone?: boolean;
  readonly transaction?: TransactionRule;
  readonly check?: Check;
}

async function upgraded(upgrade: Upgrade, options: RehearseOptions = {}): Promise<Rehearsal> {
  const { installs, sows, hop, alone = false, transaction = "each", check } = upgrade;
  const migrations: readonly Migration[] = [
    { name: "0001", up: installs },
    { name: "0002", up: hop, ...(alone && { transaction: false }) },
  ];
  const scenario = defineScenario({
    title: "an upgrade",
    engines: ["postgres"],
    chain: chainOf(migrations, transaction),
    seeds: sows === undefined ? {} : { "1.0": sowing(sows) },
    paths: [{ from: "1.0", to: "1.1", expect: clean, ...(check !== undefined && { check }) }],
  });
  const [rehearsal] = await rehearsed(scenario, options);
  if (rehearsal === undefined) throw new Error("Nothing was rehearsed");
  return rehearsal;
}

/** Releases 1.0, 1.1, …: each ships one migration more than the one before. */
function chainOf(migrations: readonly Migration[], transaction: TransactionRule = "each"): readonly Release[] {
  return migrations.map((_, i) => release(`1.${i}`, { migrations: migrations.slice(0, i + 1), transaction }));
}

function chainOfSql(...sql: readonly string[]): readonly Release[] {
  return chainOf(sql.map((up, i) => ({ name: `000${i + 1}`, up })));
}

function sowing(sql: string): Seeder {
  return seeder("rows", async ({ db }) => {
    await db.raw(sql);
  });
}

function codes(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ code }) => code);
}

describe("a table that gets another key", () => {
  const rekeyed = `alter table users add column email text; update users set email = id || '@example.org';
                   alter table users drop constraint users_pkey; alter table users add primary key (email)`;

  test.each([
    ["is kept beside it", rekeyed],
    ["is dropped", `${rekeyed}; alter table users drop column id`],
  ])("loses sown rows by a later hop, stepwise and directly, where the old key %s", async (_, rekeys) => {
    const scenario = defineScenario({
      title: "another key",
      engines: ["postgres"],
      chain: chainOfSql(users, rekeys, "delete from users where email = '2@example.org'"),
      seeds: { "1.0": sowing("insert into users values (1, 'ann'), (2, 'bob')") },
      paths: [
        { from: "1.0", via: ["1.1"], to: "1.2", expect: broken("rows-lost", { release: "1.2", table: "users" }) },
        { from: "1.0", to: "1.2", expect: broken("rows-lost", { release: "1.2", table: "users" }) },
        { from: "1.0", to: "1.1", expect: clean },
      ],
    });
    const rehearsals = await rehearsed(scenario);
    expect(rehearsals.map(({ verdict, met }) => [codes(verdict.findings), met])).toEqual([
      [["rows-lost"], true],
      [["rows-lost"], true],
      [[], true],
    ]);
    expect(rehearsals[0]?.verdict.findings[0]?.message).toBe(
      '1 sown row is gone from "users": {"email":"2@example.org"}',
    );
  });

  const besideTheProducts = (sows: string, deletes: string) =>
    defineScenario({
      title: "another key, and rows of the product's own",
      engines: ["postgres"],
      chain: chainOfSql(`${users}; insert into users values (1, 'root'); create table pets (id int)`, rekeyed, deletes),
      seeds: { "1.0": sowing(sows) },
      paths: [
        { from: "1.0", via: ["1.1"], to: "1.2", expect: clean },
        { from: "1.0", to: "1.2", expect: clean },
      ],
    });

  test("loses sown rows by a later hop where the product had put some there too", async () => {
    const scenario = besideTheProducts("insert into users values (2, 'bob')", "delete from users where name = 'bob'");
    const rehearsals = await rehearsed(scenario);
    expect(rehearsals.map(({ verdict }) => codes(verdict.findings))).toEqual([["rows-lost"], ["rows-lost"]]);
  });

  test("loses only the product's own rows where nothing was sown in it", async () => {
    const scenario = besideTheProducts("insert into pets values (1)", "delete from users");
    const rehearsals = await rehearsed(scenario);
    expect(rehearsals.map(({ verdict }) => [verdict.outcome, codes(verdict.notes)])).toEqual([
      ["clean", ["rows-lost"]],
      ["clean", ["rows-lost"]],
    ]);
  });
});

describe("a table whose name a new one takes", () => {
  const hop = `alter table users rename to accounts; create table users (id int primary key, account int)`;
  const upgrade = { installs: users, sows: "insert into users values (1, 'ann'), (2, 'bob')", hop };

  test("has lost nothing where its rows are under its new name", async () => {
    const { verdict } = await upgraded(upgrade);
    expect(verdict).toEqual({ outcome: "clean", findings: [], notes: [] });
  });

  test("has lost nothing where its rows are in either", async () => {
    const { verdict } = await upgraded({
      ...upgrade,
      hop: `${hop}; insert into users values (2, 2); delete from accounts where id = 2`,
    });
    expect(verdict).toEqual({ outcome: "clean", findings: [], notes: [] });
  });

  test("has lost what is in neither", async () => {
    const { verdict } = await upgraded({ ...upgrade, hop: `${hop}; delete from accounts where id = 2` });
    expect(verdict.findings).toMatchObject([{ code: "rows-lost", table: "users" }]);
    expect(verdict.findings[0]?.message).toMatch(/^1 sown row is gone from "users".*\{"id":"2"\}$/);
  });
});

describe("a table without columns", () => {
  const installs = "create table nothing (); insert into nothing default values";
  const sows = "insert into nothing default values";

  test("is no obstacle", async () => {
    const { verdict } = await upgraded({ installs, sows, hop: "create table more ()" });
    expect(verdict).toEqual({ outcome: "clean", findings: [], notes: [] });
  });

  test("has rows that can be lost", async () => {
    const { verdict } = await upgraded({ installs: "create table nothing ()", sows, hop: "truncate nothing" });
    expect(verdict.findings).toMatchObject([{ code: "rows-lost", table: "nothing", release: "1.1" }]);
  });
});

describe("a foreign key that was never validated", () => {
  const unvalidated = `create table parents (id int primary key); create table children (id int, parent int);
    alter table children add constraint children_fkey foreign key (parent) references parents (id) not valid`;
  const chain = chainOfSql(unvalidated, "select 1");

  test("is a note on an upgrade from the release that installed it so", async () => {
    const { verdict } = await upgraded({ installs: unvalidated, hop: "select 1" });
    expect(verdict.outcome).toBe("clean");
    expect(verdict.notes).toMatchObject([
      { code: "foreign-key-unvalidated", release: "1.0", table: "children", column: "parent" },
      { code: "foreign-key-unvalidated", release: "1.1", table: "children", column: "parent" },
    ]);
  });

  test("is a finding on a fresh install of that release", async () => {
    const expected = broken("foreign-key-unvalidated", { release: "1.0", table: "children" });
    const scenario = defineScenario({
      title: "a fresh install",
      engines: ["postgres"],
      chain,
      paths: [{ to: "1.0", expect: expected }],
    });
    expect((await rehearsed(scenario)).map(({ met }) => met)).toEqual([true]);
  });

  test("is the one or the other, though both paths begin with the same install", async () => {
    const scenario = defineScenario({
      title: "an install and an upgrade",
      engines: ["postgres"],
      chain,
      paths: [
        { to: "1.0", expect: broken("foreign-key-unvalidated") },
        { from: "1.0", to: "1.1", expect: clean },
      ],
    });
    expect((await rehearsed(scenario)).map(({ verdict }) => verdict.outcome)).toEqual(["broken", "clean"]);
  });
});

describe("a seeder", () => {
  test("that leaves a transaction open does not hold up the release that comes", async () => {
    const leaving = seeder("a row nobody committed", async ({ db }) => {
      await db("users").insert({ id: 1 });
      const open = await db.transaction();
      await open("users").insert({ id: 2 });
    });
    const scenario = defineScenario({
      title: "an open transaction",
      engines: ["postgres"],
      chain: chainOfSql("create table users (id int primary key)", "alter table users add column name text"),
      seeds: { "1.0": leaving },
      check: invariant("other-rows", "select id from users where id <> 1"),
      paths: [{ from: "1.0", to: "1.1", expect: clean }],
    });
    const [rehearsal] = await rehearsed(scenario, { timeout: 20_000 });
    expect(rehearsal?.verdict).toEqual({ outcome: "clean", findings: [], notes: [] });
  });
});

describe("a setting of the database", () => {
  const altered = (setting: string) =>
    `do $$ begin execute format('alter database %I set ${setting}', current_database()); end $$`;
  const table = "create schema app; create table app.users (id int primary key)";

  test.each(["app, public", "app"])(
    "is still there where a path goes on from a copy: search_path = %s",
    async (path) => {
      const scenario = defineScenario({
        title: "a search path",
        engines: ["postgres"],
        chain: chainOfSql(
          `${table}; ${altered(`search_path = ${path}`)}`,
          "alter table users add column name text",
          "update users set name = 'ann'",
        ),
        seeds: { "1.0": sowing("insert into users values (1)") },
        paths: [
          { from: "1.0", to: "1.1", expect: clean },
          { from: "1.0", via: ["1.1"], to: "1.2", expect: clean },
        ],
      });
      const rehearsals = await rehearsed(scenario);
      expect(rehearsals.map(({ verdict }) => verdict)).toEqual([
        { outcome: "clean", findings: [], notes: [] },
        { outcome: "clean", findings: [], notes: [] },
      ]);
    },
  );

  test("holds for whoever reads what the hop that set it has come to", async () => {
    const scenario = defineScenario({
      title: "a search path",
      engines: ["postgres"],
      chain: chainOfSql(table, altered("search_path = app")),
      seeds: { "1.0": sowing("insert into app.users values (1)") },
      check: async ({ after }) => {
        const users = await after.query("select id from users");
        return users.length === 1 ? [] : [{ code: "nobody", message: JSON.stringify(users) }];
      },
      paths: [
        { from: "1.0", to: "1.1", expect: clean },
        { to: "1.1", expect: broken("nobody") },
      ],
    });
    expect((await rehearsed(scenario)).map(({ verdict }) => verdict.outcome)).toEqual(["clean", "broken"]);
  });

  test.each<readonly [what: string, rule: Partial<Release>, set: boolean]>([
    ["of a path that sows", {}, false],
    ["of a release in one transaction", { transaction: "all" }, false],
    ["of a set of paths", {}, true],
  ])(
    "holds for a query that must find nothing, at the end %s, where only rows are remembered",
    async (_, rule, set) => {
      const sown = "insert into app.users values (1)";
      const scenario = defineScenario({
        title: "a search path",
        engines: ["postgres"],
        chain: chainOfSql(`${table}; insert into app.users values (0)`, altered("search_path = app")).map((one) => ({
          ...one,
          ...rule,
        })),
        seeds: { "1.0": sowing(sown) },
        check: invariant("nobody", "select 1 as nobody where not exists (select from users)"),
        paths: set ? [{ every: "to-latest", expect: clean }] : [{ from: "1.0", to: "1.1", expect: clean }],
      });
      const rehearsals = await rehearsed(scenario);
      expect(rehearsals.map(({ verdict }) => verdict)).toEqual([{ outcome: "clean", findings: [], notes: [] }]);
    },
  );

  test("that writes the same times otherwise makes no row another", async () => {
    const scenario = defineScenario({
      title: "a time zone",
      engines: ["postgres"],
      chain: chainOfSql("create table visits (at timestamptz, by text)", altered("timezone = ''Asia/Tokyo''")),
      seeds: { "1.0": sowing("insert into visits values ('2024-01-01 00:00Z', 'ann'), ('2024-06-01 00:00Z', null)") },
      paths: [{ from: "1.0", to: "1.1", expect: clean }],
    });
    const [rehearsal] = await rehearsed(scenario);
    expect(rehearsal?.verdict).toEqual({ outcome: "clean", findings: [], notes: [] });
  });

  test.each([
    ["timezone", "Europe/Berlin"],
    ["app.mode", "a=b, c"],
    ["statement_timeout", "1min"],
    ["default_transaction_read_only", "off"],
  ])("may be any: %s", async (name, value) => {
    const { verdict } = await upgraded({
      installs: altered(`${name} = ''${value}''`),
      sows: "create table rows (id int); insert into rows values (1)",
      hop: `do $$ begin if current_setting('${name}') <> '${value}' then raise 'lost'; end if; end $$`,
    });
    expect(verdict).toEqual({ outcome: "clean", findings: [], notes: [] });
  });
});

describe("a transaction that a migration leaves open", () => {
  test("is a failure under a rule without transactions: nothing of it stays", async () => {
    let tables: readonly string[] = [];
    const { verdict } = await upgraded({
      installs: users,
      hop: "begin; create table t (id int)",
      transaction: "none",
      async check({ after }) {
        tables = (await after.tables()).map(({ name }) => name);
        return [];
      },
    });
    expect(verdict.findings).toEqual([
      {
        code: "migration-failed",
        release: "1.1",
        migration: "0002",
        exception: "Error",
        message: "It leaves its transaction open: all since its BEGIN is taken back when the migrator disconnects",
      },
    ]);
    expect(tables).toEqual(["users"]);
  });

  test("is none if it is committed", async () => {
    const hop = "begin; create table t (id int); commit";
    const { verdict } = await upgraded({ installs: users, hop, transaction: "none" });
    expect(verdict).toEqual({ outcome: "clean", findings: [], notes: [] });
  });

  test("holds no lock that keeps the hop from being judged where it is code's", async () => {
    const { verdict } = await upgraded(
      {
        installs: users,
        sows: "insert into users values (1)",
        alone: true,
        async hop(db) {
          const transaction = await db.transaction();
          await transaction.raw("lock table users in access exclusive mode");
        },
      },
      { timeout: 5000 },
    );
    expect(verdict).toEqual({ outcome: "clean", findings: [], notes: [] });
  });
});

describe("a migration in code", () => {
  test("tells the SQLSTATE of the error that it wrapped in its own", async () => {
    const { verdict } = await upgraded({
      installs: users,
      async hop(db) {
        await db.raw("select 1 / 0").catch((cause: unknown) => {
          throw new Error("backfill failed", { cause });
        });
      },
    });
    expect(verdict.findings).toMatchObject([
      { code: "migration-failed", release: "1.1", migration: "0002", sqlState: "22012" },
    ]);
    expect(verdict.findings[0]).not.toHaveProperty("exception");
  });

  test.each(["none", "each", "all"] as const)("may return no promise under rule %s", async (transaction) => {
    let runs = 0;
    const silent: () => unknown = () => {
      runs++;
    };
    const { verdict } = await upgraded({ installs: users, hop: silent as Migration["up"], transaction });
    expect(verdict).toEqual({ outcome: "clean", findings: [], notes: [] });
    expect(runs).toBe(1);
  });
});

describe("a check that hangs on the state before", () => {
  test("makes its own path inconclusive, and none that shares the state", async () => {
    const check: Check = async ({ before }) => {
      await before.query("select pg_sleep(30)");
      return [];
    };
    const scenario = defineScenario({
      title: "a check that hangs",
      engines: ["postgres"],
      chain: chainOfSql(users, "select 1", "alter table users add column email text"),
      seeds: { "1.0": sowing("insert into users values (1, 'ann')") },
      paths: [
        { from: "1.0", to: "1.1", check, expect: clean },
        { from: "1.0", to: "1.1", expect: clean },
        { from: "1.0", to: "1.2", expect: clean },
        { from: "1.0", via: ["1.1"], to: "1.2", expect: clean },
      ],
    });
    const rehearsals = await rehearsed(scenario, { timeout: 1500 });
    expect(rehearsals.map(({ verdict }) => verdict)).toMatchObject([
      { outcome: "inconclusive", cause: { code: "timed-out" } },
      { outcome: "clean" },
      { outcome: "clean" },
      { outcome: "clean" },
    ]);
  });
});

describe("an invariant that can find nothing, whatever there is", () => {
  test.each([
    ["a comment", "-- todo", "it is empty, and should be a query that returns rows"],
    ["a statement without rows", "do $$ begin end $$", "it is DO, and should be a query that returns rows"],
    ["two statements", "select 1; select 1 where false", "it is 2 statements, and should be one query"],
  ])("is no pass: %s", async (_, query, why) => {
    const { verdict } = await upgraded({ installs: users, hop: "select 1", check: invariant("to-do", query) });
    const cause = { code: "check-failed", message: `Cannot check "to-do": ${why}` };
    expect(verdict).toMatchObject({ outcome: "inconclusive", cause });
  });
});

describe("a query of a check", () => {
  test.each(["show server_encoding", "explain select 1", "values (1)", "table users"])(
    "may be anything that returns rows: %s",
    async (query) => {
      const check: Check = async ({ after }) => {
        const rows = await after.query(query);
        return rows.length === 1 ? [] : [{ code: "other-rows", message: JSON.stringify(rows) }];
      };
      const { verdict } = await upgraded({
        installs: `${users}; insert into users values (1)`,
        hop: "select 1",
        check,
      });
      expect(verdict).toEqual({ outcome: "clean", findings: [], notes: [] });
    },
  );
});

describe("a state that is kept", () => {
  test("stays as the unmet path left it, though another path goes on from there", async () => {
    const scenario = defineScenario({
      title: "kept on the way",
      engines: ["postgres"],
      chain: chainOfSql(users, "alter table users add column email text", "drop table users"),
      seeds: {
        "1.0": sowing("insert into users values (1, 'ann')"),
        "1.1": sowing("update users set email = 'ann@example.org'"),
      },
      paths: [
        { from: "1.0", to: "1.1", expect: broken("never") },
        { from: "1.0", via: ["1.1"], to: "1.2", expect: broken("rows-lost", { release: "1.2" }) },
      ],
    });
    const [kept, onwards] = await rehearsed(scenario, { keep: true });
    expect([kept?.met, onwards?.met, onwards?.kept]).toEqual([false, true, undefined]);
    const url = kept?.kept?.url ?? "";
    const client = new pg.Client(url);
    await client.connect();
    try {
      expect((await client.query("select * from users")).rows).toEqual([{ id: 1, name: "ann", email: null }]);
      await client.query("insert into users values (2, 'bob')"); // Somebody who enters may try things out.
    } finally {
      await client.end();
    }
    const admin = await stage().engine.connect(stage().server.maintenance);
    await admin.query(`drop database "${new URL(url).pathname.slice(1)}" with (force)`);
    await admin.end();
  });
});

describe("a server that is killed in the middle", () => {
  test("makes what was not told yet inconclusive, and rehearse() returns", async () => {
    const killing: Migration = {
      name: "0002",
      async up(db) {
        const { rows } = await db.raw("select pg_read_file('postmaster.pid') as file");
        process.kill(Number.parseInt(rows[0].file, 10), "SIGKILL");
        await db.raw("select pg_sleep(30)");
      },
    };
    const scenario = defineScenario({
      title: "a server that is killed",
      engines: ["postgres"],
      chain: chainOf([{ name: "0001", up: users }, killing, { name: "0003", up: "select 1" }]),
      paths: [
        { to: "1.0", expect: clean },
        { from: "1.0", to: "1.1", expect: clean },
        { from: "1.0", to: "1.2", expect: clean },
        { to: "1.2", expect: clean },
      ],
    });
    const { rehearsals, met, unmet, inconclusive } = await rehearse([scenario]);
    const lost = {
      outcome: "inconclusive",
      cause: { code: "server-lost", message: expect.stringMatching(/^Cannot reach postgres \(embedded\) any more: /) },
    };
    expect(rehearsals.map(({ verdict }) => verdict)).toMatchObject([{ outcome: "clean" }, lost, lost, lost]);
    expect({ met, unmet, inconclusive }).toEqual({ met: 1, unmet: 0, inconclusive: 3 });
  });
});

describe("the sandbox fixture", () => {
  const [first, second] = [
    { name: "0001", up: users },
    { name: "0002", up: "alter table users add column email text" },
  ];
  const failing = { name: "0003", up: "select 1 / 0" };
  const chain = chainOf([first, second, failing]);

  sandboxTest("hands out a ledger that stays as it is, whatever the test does next", async ({ sandbox }) => {
    await sandbox.install(chain, "1.0");
    await sandbox.knex("users").insert({ id: 1, name: "ann" });
    const ledger = await sandbox.upgrade("1.1");
    await sandbox.knex("users").insert({ id: 2, name: "bob" });
    await sandbox.knex.raw("alter table users drop column email");
    expect(await ledger.before.all("users")).toEqual([{ id: 1, name: "ann" }]);
    expect(await ledger.after.all("users")).toEqual([{ id: 1, name: "ann", email: null }]);
    const changes = [];
    for await (const change of ledger.changes("users")) changes.push(change);
    expect(changes).toEqual([{ kind: "kept", key: { id: "1" } }]);
    expect(await sandbox.knex("users").orderBy("id")).toEqual([
      { id: 1, name: "ann" },
      { id: 2, name: "bob" },
    ]);
  });

  sandboxTest("lets a release boot, and tells what ended that", async ({ sandbox }) => {
    const boots = (sql: string) => ({
      "makes the first user": async ({ db }: { db: Database }) => void (await db.raw(sql)),
    });
    const booting = [
      release("1.0", { migrations: [first], boot: boots("insert into users (id) values (1)") }),
      release("1.1", { migrations: [first], boot: boots("insert into nobody values (1)") }),
    ];
    await sandbox.install(booting, "1.0");
    expect(await sandbox.knex("users").select("id")).toEqual([{ id: 1 }]);
    await expect(sandbox.upgrade("1.1")).rejects.toMatchObject({
      name: "UpgradeFailed",
      finding: { code: "boot-failed", release: "1.1", task: "makes the first user", sqlState: "42P01" },
    });
  });

  sandboxTest("refuses an upgrade backwards or to where it stands", async ({ sandbox }) => {
    await sandbox.install(chain, "1.1");
    await expect(sandbox.upgrade("1.0")).rejects.toMatchObject({
      code: "bad-input",
      message: 'Cannot rehearse the chain: "1.1" → "1.0" goes backwards: "1.0" comes before "1.1" in the chain',
    });
    await expect(sandbox.upgrade("1.1")).rejects.toMatchObject({
      code: "bad-input",
      message: 'Cannot rehearse the chain: "1.1" → "1.1" goes nowhere',
    });
    expect(await sandbox.knex("users")).toEqual([]);
  });

  sandboxTest("refuses a second install", async ({ sandbox }) => {
    await sandbox.install(chain, "1.0");
    await expect(sandbox.install(chain, "1.1")).rejects.toMatchObject({
      code: "bad-input",
      message: 'Cannot install "1.1": "1.0" is installed already',
    });
  });

  sandboxTest("still speaks to the database after an upgrade that failed", async ({ sandbox }) => {
    await sandbox.install(chain, "1.0");
    await sandbox.knex("users").insert({ id: 1, name: "ann" });
    await expect(sandbox.upgrade("1.2")).rejects.toMatchObject({
      name: "UpgradeFailed",
      finding: { code: "migration-failed", migration: "0003", sqlState: "22012" },
    });
    expect(await sandbox.knex("users")).toEqual([{ id: 1, name: "ann", email: null }]);
  });
});

describe("what cannot be right", () => {
  const first: Migration = { name: "0001", up: users };
  const second: Migration = { name: "0002", up: "select 1" };
  const good: Scenario = {
    title: "users",
    engines: ["postgres"],
    chain: chainOf([first, second]),
    paths: [{ from: "1.0", to: "1.1", expect: clean }],
  };
  const expecting = (facts: object): Scenario => ({
    ...good,
    paths: [{ from: "1.0", to: "1.1", expect: broken("migration-failed", facts as Facts) }],
  });
  const shipping = (...migrations: readonly Migration[]): Scenario => ({
    ...good,
    chain: [release("1.0", { migrations: [] }), release("1.1", { migrations })],
  });

  test.each<readonly [string, Scenario, string]>([
    [
      "a path's engine that its scenario does not name",
      { ...good, paths: [{ from: "1.0", to: "1.1", engines: ["mysql"], expect: clean }] },
      'Cannot rehearse scenario "users", path #1: "engines" names mysql, which the scenario does not (postgres)',
    ],
    [
      "a fact that is misspelt",
      expecting({ postgre: "23505" }),
      'Cannot rehearse scenario "users", path #1, "expect": there is no field "postgre" (known: "postgres", "code", "release", "table", "column", "task", "mysql", "mariadb" and 2 more)',
    ],
    [
      "a number for postgres",
      expecting({ postgres: 23505 }),
      'Cannot rehearse scenario "users", path #1: "expect" gives 23505 for postgres, whose errors are SQLSTATEs: write it as a text',
    ],
    [
      "a migration after one that stands behind it in a plain list",
      shipping({ ...first, after: ["0002"] }, second),
      'Cannot rehearse scenario "users", release "1.1", migration "0001": it comes after "0002", which does not stand before it (byDependencies([…]) puts them in order)',
    ],
    [
      "a migration after one that is nowhere",
      shipping(first, { ...second, after: ["0000"] }),
      'Cannot rehearse scenario "users", release "1.1", migration "0002": it comes after "0000", which does not stand before it (byDependencies([…]) puts them in order)',
    ],
    [
      "a release's rule on a migration",
      shipping(first, { ...second, transaction: "none" } as object as Migration),
      'Cannot rehearse scenario "users", release "1.1", migration "0002": transaction is "none"; it may be false, or left out',
    ],
  ])("is refused before anything is started: %s", async (_, scenario, message) => {
    const untouched = () => Promise.reject(new Error("A stage was asked for"));
    await expect(rehearse([scenario], { stage: untouched })).rejects.toMatchObject({ code: "bad-input", message });
  });
});

describe("equal findings of two scenarios", () => {
  test("are explained for each of them, with a replay line of its own", async () => {
    const named = (title: string): Scenario => ({
      title,
      engines: ["postgres"],
      chain: chainOfSql(users, "select 1 / 0"),
      paths: [
        { from: "1.0", to: "1.1", expect: clean },
        { to: "1.1", expect: clean },
      ],
    });
    const { rehearsals } = await rehearse([named("Apples"), named("Pears")], { stage: async () => stage() });
    const told = stripVTControlCharacters(explanations(rehearsals, { verbose: false })); // Where CI is set, there are colours.
    expect(told.match(/\bin (apples|pears)#1 #2/g)).toEqual(["in apples#1 #2", "in pears#1 #2"]);
    expect(told.match(/division by zero/g)).toHaveLength(2);
    expect(told.match(/replay: .*(apples|pears)#1/g)).toHaveLength(2);
  });
});

const aScenario = `import { clean, defineScenario, release } from "migration-sandbox";
export const scenarioOf = (title) => defineScenario({
  title,
  engines: ["postgres"],
  chain: [release("1.0", { migrations: [{ name: "0001", up: "create table users (id int primary key)" }] })],
  paths: [{ to: "1.0", expect: clean }],
});
`;

describe("a scenario that a function in another file makes", () => {
  const importing = (title: string) =>
    `import { scenarioOf } from "./helper.ts";\nexport default scenarioOf(${JSON.stringify(title)});\n`;

  test("is named after the file that exports it, and is no other's", async () => {
    await using work = await workplaceWith({
      "scenarios/helper.ts": aScenario,
      "scenarios/one.ts": importing("the first"),
      "scenarios/two.ts": importing("the second"),
    });
    expect(await work.run(["list"])).toEqual({
      code: 0,
      stdout: "one  the first (postgres, 1 path)\ntwo  the second (postgres, 1 path)\n",
      stderr: "",
    });
    const { code, stdout } = await work.run(["rehearse", "two", "--reporter", "json"]);
    expect(JSON.parse(stdout)).toMatchObject({ rehearsals: [{ name: "two#1", met: true }], met: 1 });
    expect(code).toBe(0);
  });
});

describe("a folder for runs or for the cache", () => {
  const files = { "scenarios/users.ts": `${aScenario}export default scenarioOf("users");\n` };

  test("may be told from where the command runs, and may have a comma in its name", async () => {
    await using work = await workplaceWith(files);
    const names = ["runs", "runs, more"];
    for (const name of ["cache", ...names]) await mkdir(join(work.folder, name), { mode: 0o755 });
    for (const name of names) {
      const environment = { MIGRATION_SANDBOX_RUNS: `./${name}`, MIGRATION_SANDBOX_CACHE: "./cache" };
      const { code, stdout, stderr } = await work.run(["rehearse"], { environment });
      expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: "" });
      expect(await leftIn(join(work.folder, name))).toEqual([]);
      expect(await readdir(join(work.folder, name))).toEqual([expect.stringMatching(/^migration-sandbox-[\d-]+$/)]);
    }
    expect(await readdir(join(work.folder, "cache"))).toEqual([expect.stringMatching(/^postgres-/)]);
    expect(await work.leftBehind()).toEqual([]);
  });

  test.each(['ca"che', "ca$che", "ca`che", "ca\\che"])(
    "is refused for the cache where initdb could not work: %s",
    async (name) => {
      await using work = await workplaceWith(files);
      const cache = join(work.folder, name);
      const ended = await work.run(["rehearse"], { environment: { MIGRATION_SANDBOX_CACHE: cache } });
      expect(ended).toEqual({
        code: 2,
        stdout: "",
        stderr: `Cannot use cache folder "${cache}": initdb cannot work in a folder with a quote, a dollar or a backslash in its name (choose another with MIGRATION_SANDBOX_CACHE)\n`,
      });
    },
  );
});
