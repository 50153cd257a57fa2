import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  broken,
  byDependencies,
  type Check,
  clean,
  defineScenario,
  type Expectation,
  type Finding,
  HarnessError,
  invariant,
  type Migration,
  type Rehearsal,
  type RehearseOptions,
  rehearse,
  release,
  type Scenario,
  type Seeder,
  seeder,
  sqlFolder,
  type TransactionRule,
  type Verdict,
} from "migration-sandbox";
import { describe, expect, test } from "vitest";
import { databasesOf, onStage } from "./stage.ts";

const stage = onStage();
const here = { stage: async () => stage() };

async function rehearsed(scenario: Scenario, options: RehearseOptions = {}): Promise<readonly Rehearsal[]> {
  const { rehearsals } = await rehearse([scenario], { ...here, ...options });
  return rehearsals;
}

async function verdictsOf(scenario: Scenario, options: RehearseOptions = {}): Promise<readonly Verdict[]> {
  return (await rehearsed(scenario, options)).map(({ verdict }) => verdict);
}

/** One release that creates things, rows that are sown in it, and the migrations of the next. */
interface Upgrade {
  readonly installs: string | Migration["up"];
  readonly sows?: string;
  readonly hop: Migration["up"] | readonly Migration[];
  readonly transaction?: TransactionRule;
  readonly check?: Check;
  readonly expect?: Expectation;
}

async function upgraded(upgrade: Upgrade, options: RehearseOptions = {}): Promise<Rehearsal> {
  const { installs, sows, hop, transaction, check, expect: wanted = clean } = upgrade;
  const first: Migration = { name: "0001", up: installs };
  const next = Array.isArray(hop) ? (hop as readonly Migration[]) : [{ name: "0002", up: hop as Migration["up"] }];
  const rule = transaction === undefined ? {} : { transaction };
  const scenario = defineScenario({
    title: "an upgrade",
    engines: ["postgres"],
    chain: [
      release("1.0", { migrations: [first], ...rule }),
      release("1.1", { migrations: [first, ...next], ...rule }),
    ],
    seeds: sows === undefined ? {} : { "1.0": sowing(sows) },
    paths: [{ from: "1.0", to: "1.1", expect: wanted, ...(check !== undefined && { check }) }],
  });
  const [rehearsal] = await rehearsed(scenario, options);
  if (rehearsal === undefined) throw new Error("Nothing was rehearsed");
  return rehearsal;
}

function sowing(sql: string, name = "rows"): Seeder {
  return seeder(name, async ({ db }) => {
    await db.raw(sql);
  });
}

/** Rows that foreign keys would not let in. */
function sownUnseen(sql: string): string {
  return `begin; set local session_replication_role = replica; ${sql}; commit`;
}

function codes(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ code }) => code);
}

function messages(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ message }) => message);
}

const users = "create table users (id int primary key, name text)";

describe("rows that are gone after a hop", () => {
  test("were lost if a seeder had sown them", async () => {
    const { verdict } = await upgraded({
      installs: users,
      sows: "insert into users values (1, 'ann'), (2, 'bob'), (3, 'cy')",
      hop: "delete from users where id = 2",
    });
    expect(verdict).toEqual({
      outcome: "broken",
      findings: [
        { code: "rows-lost", table: "users", release: "1.1", message: '1 sown row is gone from "users": {"id":"2"}' },
      ],
      notes: [],
    });
  });

  test("are a note if the product had put them there", async () => {
    const { verdict } = await upgraded({
      installs: `${users}; insert into users values (1, 'root'), (2, 'guest')`,
      sows: "insert into users values (3, 'ann')",
      hop: "delete from users where id <= 2",
    });
    expect(verdict.outcome).toBe("clean");
    expect(verdict.notes).toEqual([
      {
        code: "rows-lost",
        table: "users",
        release: "1.1",
        message: `2 product rows are gone from "users": {"id":"1"}, {"id":"2"}`,
      },
    ]);
  });

  test("are told apart by who put each of them there", async () => {
    const { verdict } = await upgraded({
      installs: `${users}; insert into users values (2, 'root'), (4, 'guest')`,
      sows: "insert into users values (1, 'ann'), (3, 'bob'), (5, 'cy'); update users set name = 'chief' where id = 2",
      hop: "delete from users where id < 5",
    });
    expect(messages(verdict.findings)).toEqual(['2 sown rows are gone from "users": {"id":"1"}, {"id":"3"}']);
    expect(messages(verdict.notes)).toEqual([`2 product rows are gone from "users": {"id":"2"}, {"id":"4"}`]);
  });

  test("are the product's where nothing was sown", async () => {
    const { verdict } = await upgraded({
      installs: `${users}; insert into users values (1, 'root')`,
      hop: "truncate users",
    });
    expect(verdict.outcome).toBe("clean");
    expect(codes(verdict.notes)).toEqual(["rows-lost"]);
  });

  test("are shown by the first three", async () => {
    const { verdict } = await upgraded({
      installs: users,
      sows: "insert into users select n from generate_series(1, 5) n",
      hop: "truncate users",
    });
    expect(messages(verdict.findings)).toEqual([
      '5 sown rows are gone from "users": {"id":"1"}, {"id":"2"}, {"id":"3"}, …',
    ]);
  });

  test("went with their table if that is gone too", async () => {
    const { verdict } = await upgraded({
      installs: users,
      sows: "insert into users values (1)",
      hop: "drop table users",
    });
    expect(messages(verdict.findings)).toEqual(['1 sown row is gone from "users", and so is the table: {"id":"1"}']);
  });

  test("are looked for under the table's new name, and the table is not called gone", async () => {
    const { verdict } = await upgraded({
      installs: users,
      sows: "insert into users values (1), (2)",
      hop: "alter table users rename to people; alter table people rename id to person; delete from people where person = 2",
    });
    expect(verdict.findings).toMatchObject([{ code: "rows-lost", table: "users" }]);
    expect(messages(verdict.findings)[0]).toMatch(/^1 sown row is gone from "users".*\{"id":"2"\}$/);
    expect(messages(verdict.findings)[0]).not.toContain("so is the table");
  });

  test("are not lost by a rename, a rebuild or a new type of the key", async () => {
    const { verdict } = await upgraded({
      installs: users,
      sows: "insert into users values (1, 'ann'), (2, 'bob')",
      hop: `alter table users alter column id type bigint; alter table users rename to people;
            create table accounts as select * from people; drop table people; alter table accounts rename to users`,
    });
    expect(verdict).toEqual({ outcome: "clean", findings: [], notes: [] });
  });

  test("are counted without a key: of two that were alike one may be lost", async () => {
    const { verdict } = await upgraded({
      installs: "create table log (line text)",
      sows: "insert into log values ('a'), ('a'), (null)",
      hop: "delete from log where ctid = (select min(ctid) from log)",
    });
    expect(messages(verdict.findings)).toEqual(['1 sown row is gone from "log": {"line":"a"}']);
  });

  test("are counted by who put them there, though they were alike", async () => {
    const { verdict } = await upgraded({
      installs: "create table log (line text); insert into log values ('a')",
      sows: "insert into log values ('a'), ('a')",
      hop: "truncate log",
    });
    expect(messages(verdict.findings)).toEqual(['2 sown rows are gone from "log": {"line":"a"}, {"line":"a"}']);
    expect(messages(verdict.notes)).toEqual([`1 product row is gone from "log": {"line":"a"}`]);
  });

  test("are the product's in a table without a key that loses a column as well", async () => {
    const { verdict } = await upgraded({
      installs: "create table log (line text, level int); insert into log values ('a', 1), ('b', 2)",
      sows: "insert into log values ('c', 3)",
      hop: "delete from log where line = 'a'; alter table log drop column level",
    });
    expect(verdict.findings).toEqual([]);
    expect(messages(verdict.notes)).toEqual([expect.stringMatching(/^1 product row is gone from "log"/)]);
  });

  test("are named by the columns that were compared when a key column is dropped", async () => {
    const { verdict } = await upgraded({
      installs: "create table seats (a int, b int, v text, primary key (a, b))",
      sows: "insert into seats values (1, 7, 'x'), (2, 8, 'y')",
      hop: "delete from seats where a = 1; alter table seats drop column b",
    });
    expect(messages(verdict.findings)).toEqual(['1 sown row is gone from "seats": {"a":"1","v":"x"}']);
  });

  test("are the product's in a table that loses a key column as well", async () => {
    const { verdict } = await upgraded({
      installs:
        "create table seats (a int, b int, v text, primary key (a, b)); insert into seats values (1, 7, 'x'), (2, 8, 'y')",
      sows: "insert into seats values (3, 9, 'z')",
      hop: "delete from seats where a = 1; alter table seats drop column b",
    });
    expect(verdict.outcome).toBe("clean");
    expect(codes(verdict.notes)).toEqual(["rows-lost"]);
  });

  test("may be of any key, in any alphabet", async () => {
    const { verdict } = await upgraded({
      installs: "create table t (k text primary key); insert into t values ('ｚ'), ('🙂'), ('')",
      sows: "insert into t values ('😀'), ('\ufffd'), ('a')",
      hop: "delete from t where k in ('ｚ', '🙂', '😀')",
    });
    expect(messages(verdict.findings)).toEqual(['1 sown row is gone from "t": {"k":"😀"}']);
    expect(messages(verdict.notes)).toEqual([`2 product rows are gone from "t": {"k":"ｚ"}, {"k":"🙂"}`]);
  });

  const three = (second: string, third: string, seeds: Scenario["seeds"] = {}) => {
    const [one, two, last] = [
      { name: "0001", up: users },
      { name: "0002", up: second },
      { name: "0003", up: third },
    ];
    return defineScenario({
      title: "three releases",
      engines: ["postgres"],
      chain: [
        release("1.0", { migrations: [one] }),
        release("1.1", { migrations: [one, two] }),
        release("1.2", { migrations: [one, two, last] }),
      ],
      seeds,
      paths: [{ from: "1.0", via: ["1.1"], to: "1.2", expect: clean }],
    });
  };

  test("were lost if they had been sown at a stop on the way", async () => {
    const scenario = three("select 1", "delete from users where id = 7", {
      "1.1": sowing("insert into users values (7)"),
    });
    const [verdict] = await verdictsOf(scenario);
    expect(verdict?.findings).toMatchObject([{ code: "rows-lost", release: "1.2", table: "users" }]);
  });

  test("are the product's if an earlier hop had added them", async () => {
    const scenario = three("insert into users values (7)", "delete from users where id = 7", {
      "1.0": sowing("insert into users values (1)"),
    });
    const [verdict] = await verdictsOf(scenario);
    expect(verdict?.outcome).toBe("clean");
    expect(messages(verdict?.notes ?? [])).toEqual([`1 product row is gone from "users": {"id":"7"}`]);
  });

  test("are the product's if an earlier hop had added them and a seeder sowed behind it", async () => {
    const scenario = three("insert into users values (7)", "delete from users where id >= 7", {
      "1.0": sowing("insert into users values (1)"),
      "1.1": sowing("insert into users values (8)"),
    });
    const [verdict] = await verdictsOf(scenario);
    expect(messages(verdict?.findings ?? [])).toEqual(['1 sown row is gone from "users": {"id":"8"}']);
    expect(messages(verdict?.notes ?? [])).toEqual([`1 product row is gone from "users": {"id":"7"}`]);
  });

  test("are followed through a rename by an earlier hop to whoever put them there", async () => {
    const scenario = three(
      "alter table users rename to people; alter table people rename id to person; insert into people values (7)",
      "truncate people",
      { "1.0": sowing("insert into users values (1)") },
    );
    const [verdict] = await verdictsOf(scenario);
    expect(messages(verdict?.findings ?? [])).toEqual(['1 sown row is gone from "people": {"person":"1"}']);
    expect(messages(verdict?.notes ?? [])).toEqual([`1 product row is gone from "people": {"person":"7"}`]);
  });

  test("are told once, by the hop that lost them", async () => {
    const scenario = three("delete from users", "select 1", { "1.0": sowing("insert into users values (1)") });
    const [verdict] = await verdictsOf(scenario);
    expect(verdict?.findings).toMatchObject([{ code: "rows-lost", release: "1.1" }]);
  });

  test("are a note where the hop failed, whoever had put them there", async () => {
    const { verdict } = await upgraded({
      installs: users,
      sows: "insert into users values (1), (2)",
      hop: "delete from users where id = 1; select 1/0",
      transaction: "none",
    });
    expect(codes(verdict.findings)).toEqual(["migration-failed"]);
    expect(messages(verdict.notes)).toEqual(['1 sown row is gone from "users": {"id":"1"}']);
  });
});

describe("foreign keys after a hop", () => {
  const parents = "create table parents (id int primary key); create table children (id int primary key, parent int)";
  const key = "alter table children add constraint children_fkey foreign key (parent) references parents (id)";
  const orphan = sownUnseen("insert into children values (1, 99)");

  test("are violated if the hop adds one over rows that refer to no row", async () => {
    const { verdict } = await upgraded({ installs: parents, sows: orphan, hop: `${key} not valid` });
    expect(verdict.findings).toEqual([
      {
        code: "foreign-key-violated",
        release: "1.1",
        table: "children",
        column: "parent",
        message: '1 row refers to no row: foreign key "children_fkey" of "children" (parent) to "parents" (id)',
      },
      {
        code: "foreign-key-unvalidated",
        release: "1.1",
        table: "children",
        column: "parent",
        message: 'foreign key "children_fkey" of "children" is not validated: rows from before it were never looked at',
      },
    ]);
  });

  test("are left unvalidated by a hop that adds one so, though all rows happen to be right", async () => {
    const { verdict } = await upgraded({ installs: parents, hop: `${key} not valid` });
    expect(codes(verdict.findings)).toEqual(["foreign-key-unvalidated"]);
  });

  test("are violated if the hop removes rows behind the server's back", async () => {
    const { verdict } = await upgraded({
      installs: `${parents}; ${key}; insert into parents values (1)`,
      sows: "insert into children values (1, 1), (2, 1), (3, null)",
      hop: "alter table parents disable trigger all; delete from parents; alter table parents enable trigger all",
    });
    expect(codes(verdict.findings)).toEqual(["foreign-key-violated"]);
    expect(messages(verdict.findings)[0]).toMatch(/^2 rows refer to no row/);
  });

  test("that were violated before are a note", async () => {
    const { verdict } = await upgraded({ installs: `${parents}; ${key}`, sows: orphan, hop: "select 1" });
    expect(verdict.outcome).toBe("clean");
    expect(codes(verdict.notes)).toEqual(["foreign-key-violated"]);
  });

  test("that were violated before are a finding once the hop adds to them", async () => {
    const { verdict } = await upgraded({
      installs: `${parents}; ${key}`,
      sows: orphan,
      hop: "alter table children disable trigger all; insert into children values (2, 98)",
    });
    expect(codes(verdict.findings)).toEqual(["foreign-key-violated"]);
  });

  test("that were not validated before are a note, and nothing once the hop has done it", async () => {
    const before = { installs: parents, sows: `${key} not valid` };
    const idle = await upgraded({ ...before, hop: "select 1" });
    expect(idle.verdict.outcome).toBe("clean");
    expect(codes(idle.verdict.notes)).toEqual(["foreign-key-unvalidated"]);
    const mended = await upgraded({ ...before, hop: "alter table children validate constraint children_fkey" });
    expect(mended.verdict).toEqual({ outcome: "clean", findings: [], notes: [] });
  });

  test.each([
    ["the table", "alter table children rename to kids"],
    ["the table referred to", "alter table parents rename to elders"],
    ["the column", "alter table children rename parent to elder"],
    ["the key", "alter table children rename constraint children_fkey to kids_fkey"],
  ])("that were violated and not validated before are notes, though the hop renames %s", async (_, hop) => {
    const { verdict } = await upgraded({ installs: parents, sows: `${orphan}; ${key} not valid`, hop });
    expect(verdict.findings).toEqual([]);
    expect(codes(verdict.notes)).toEqual(["foreign-key-violated", "foreign-key-unvalidated"]);
  });

  test("of several columns refer to nothing as long as one is NULL", async () => {
    const { verdict } = await upgraded({
      installs: "create table p (a int, b int, primary key (a, b)); create table c (a int, b int)",
      sows: "insert into c values (1, null), (null, 1)",
      hop: "alter table c add constraint c_fkey foreign key (a, b) references p (a, b)",
    });
    expect(verdict).toEqual({ outcome: "clean", findings: [], notes: [] });
  });

  test("are not looked at where the hop failed", async () => {
    const { verdict } = await upgraded({
      installs: parents,
      hop: `${key} not valid; select 1/0`,
      transaction: "none",
    });
    expect(codes(verdict.findings)).toEqual(["migration-failed"]);
    expect(verdict.notes).toEqual([]);
  });
});

describe("a migration that fails", () => {
  /** What a hop of three migrations leaves behind: tables, and names in the record. */
  async function left(
    hop: readonly Migration[],
    transaction: TransactionRule,
  ): Promise<{ readonly verdict: Verdict; readonly tables: readonly unknown[]; readonly record: readonly unknown[] }> {
    let tables: readonly unknown[] = [];
    let record: readonly unknown[] = [];
    const { verdict } = await upgraded({
      installs: users,
      hop,
      transaction,
      async check({ after }) {
        tables = (await after.tables()).map(({ name }) => name);
        record = (await after.query("select name from _migration_sandbox order by position")).map(({ name }) => name);
        return [];
      },
    });
    return { verdict, tables, record };
  }

  const a: Migration = { name: "a", up: "create table a (id int)" };
  const b: Migration = { name: "b", up: "create table b (id int); select 1/0; create table b2 (id int)" };
  const c: Migration = { name: "c", up: "create table c (id int)" };
  const alone = { transaction: false } as const;

  test("is named with the statement, the place and the server's words", async () => {
    const { verdict } = await left([a, b, c], "each");
    expect(verdict.findings).toMatchObject([
      {
        code: "migration-failed",
        release: "1.1",
        migration: "b",
        sqlState: "22012",
        message: "division by zero",
        place: { statement: "select 1/0" },
      },
    ]);
  });

  test("takes only itself back when each has a transaction of its own", async () => {
    expect(await left([a, b, c], "each")).toMatchObject({ tables: ["a", "users"], record: ["0001", "a"] });
  });

  test("takes all pending ones back when all share a transaction", async () => {
    expect(await left([a, b, c], "all")).toMatchObject({ tables: ["users"], record: ["0001"] });
  });

  test("leaves what it had done when there is no transaction", async () => {
    expect(await left([a, b, c], "none")).toMatchObject({ tables: ["a", "b", "users"], record: ["0001", "a"] });
  });

  test("leaves what it had done when it runs outside of its release's rule", async () => {
    const outside = { ...b, ...alone };
    expect(await left([a, outside, c], "each")).toMatchObject({ tables: ["a", "b", "users"], record: ["0001", "a"] });
    expect(await left([a, outside, c], "all")).toMatchObject({ tables: ["a", "b", "users"], record: ["0001", "a"] });
  });

  test("takes back no more than what came after one that runs outside of the rule", async () => {
    const hop = [a, { ...c, ...alone }, { name: "d", up: "create table d (id int)" }, b];
    expect(await left(hop, "all")).toMatchObject({ tables: ["a", "c", "users"], record: ["0001", "a", "c"] });
  });

  test("may be one that only a commit refuses", async () => {
    const deferred: Migration = {
      name: "deferred",
      up: `create table p (id int primary key);
           create table q (id int references p deferrable initially deferred); insert into q values (1)`,
    };
    for (const rule of ["each", "all"] as const) {
      const { verdict, tables, record } = await left([a, deferred], rule);
      expect(verdict.findings).toMatchObject([{ code: "migration-failed", sqlState: "23503", migration: "deferred" }]);
      expect(verdict.findings[0]?.place).toBeUndefined();
      expect([tables, record]).toEqual(
        rule === "each"
          ? [
              ["a", "users"],
              ["0001", "a"],
            ]
          : [["users"], ["0001"]],
      );
    }
  });

  test("may be one in code that only a commit refuses", async () => {
    const deferred: Migration = {
      name: "deferred",
      async up(db) {
        await db.raw("create table p (id int primary key)");
        await db.raw("create table q (id int references p deferrable initially deferred)");
        await db("q").insert({ id: 1 });
      },
    };
    const { verdict, tables, record } = await left([deferred], "each");
    expect(verdict.findings).toMatchObject([{ code: "migration-failed", migration: "deferred", sqlState: "23503" }]);
    expect([tables, record]).toEqual([["users"], ["0001"]]);
  });

  test("ends the path: no later stop is reached, and nothing is sown", async () => {
    let sown = 0;
    const counting = seeder("counts itself", async () => {
      sown++;
    });
    const migrations = (n: number) => [{ name: "0001", up: users }, b, c].slice(0, n);
    const scenario = defineScenario({
      title: "a path that ends early",
      engines: ["postgres"],
      chain: [
        release("1.0", { migrations: migrations(1) }),
        release("1.1", { migrations: migrations(2) }),
        release("1.2", { migrations: migrations(3) }),
      ],
      seeds: { "1.1": counting },
      paths: [{ from: "1.0", via: ["1.1"], to: "1.2", expect: broken("migration-failed", { release: "1.1" }) }],
    });
    const [rehearsal] = await rehearsed(scenario);
    expect(rehearsal?.met).toBe(true);
    expect(rehearsal?.hops.map(({ to }) => to)).toEqual(["1.0", "1.1"]);
    expect(sown).toBe(0);
  });

  test("is one on a living server that ends its own session", async () => {
    const { verdict } = await upgraded({ installs: users, hop: "select pg_terminate_backend(pg_backend_pid())" });
    expect(verdict.findings).toMatchObject([{ code: "migration-failed", migration: "0002", sqlState: "57P01" }]);
  });

  test("is one in code that ends its own session", async () => {
    const { verdict } = await upgraded({
      installs: users,
      hop: async (db) => {
        await db.raw("select pg_terminate_backend(pg_backend_pid())");
      },
    });
    expect(verdict.findings).toMatchObject([{ code: "migration-failed", migration: "0002", sqlState: "57P01" }]);
  });

  test("points into SQL behind characters of every width, with and without a transaction", async () => {
    for (const transaction of ["each", "none"] as const) {
      const sql = "select 'é🙂';\n  select '🙂', nope from users";
      const { verdict } = await upgraded({ installs: users, hop: sql, transaction });
      const place = verdict.findings[0]?.place;
      expect(place).toMatchObject({ statement: "select '🙂', nope from users" });
      const line = place?.text.split("\n")[place.line - 1];
      expect(line?.slice(place === undefined ? 0 : place.column - 1)).toMatch(/^nope/);
    }
  });

  test("is one whose SQL nobody can read", async () => {
    for (const transaction of ["each", "all", "none"] as const) {
      const { verdict } = await upgraded({ installs: users, hop: "create table x (id int); selekt 1", transaction });
      expect(verdict.findings).toMatchObject([{ code: "migration-failed", sqlState: "42601" }]);
    }
  });
});

describe("a hop", () => {
  test("without a transaction sends statements one by one, so that some may run that need to be alone", async () => {
    const hop: Migration = {
      name: "0002",
      up: "create index concurrently users_name on users (name); /* and; */ vacuum users; create table more (id int)",
      transaction: false,
    };
    const { verdict } = await upgraded({ installs: users, hop: [hop] });
    expect(verdict).toEqual({ outcome: "clean", findings: [], notes: [] });
  });

  test("of SQL without a statement changes nothing", async () => {
    for (const transaction of ["each", "none"] as const) {
      const { verdict } = await upgraded({ installs: users, hop: "-- nothing left to do here\n", transaction });
      expect(verdict.outcome).toBe("clean");
    }
  });

  test("that hangs makes the rehearsal inconclusive, in SQL and in code", async () => {
    const hanging: readonly Migration["up"][] = [
      "select pg_sleep(60)",
      async (db) => {
        await db.raw("select pg_sleep(60)");
      },
      () => new Promise(() => {}),
    ];
    for (const hop of hanging) {
      const { verdict, met } = await upgraded({ installs: users, hop }, { timeout: 250 });
      expect(met).toBe(false);
      expect(verdict).toMatchObject({
        outcome: "inconclusive",
        cause: { code: "timed-out", message: expect.stringContaining('in migration "0002" after 0.25 s') },
      });
    }
  });

  test("runs those of its release's migrations that the record lacks, in the release's order", async () => {
    const [one, two, three] = ["one", "two", "three"].map((name) => ({ name, up: `create table ${name} (id int)` }));
    if (one === undefined || two === undefined || three === undefined) throw new Error("There are three");
    const scenario = defineScenario({
      title: "a list that grows in its middle",
      engines: ["postgres"],
      chain: [
        release("1.0", { migrations: [one] }),
        release("1.1", { migrations: [one, three] }),
        release("1.2", { migrations: [two, one, three] }),
      ],
      paths: [
        { from: "1.0", via: ["1.1"], to: "1.2", expect: clean },
        { from: "1.0", to: "1.2", expect: clean },
        { to: "1.2", expect: clean },
      ],
    });
    const rehearsals = await rehearsed(scenario);
    const hops = rehearsals.map(({ hops }) =>
      hops.map(({ from, to, migrations }) => `${from} → ${to}: ${migrations.map(({ name }) => name)}`),
    );
    expect(hops).toEqual([
      ["null → 1.0: one", "1.0 → 1.1: three", "1.1 → 1.2: two"],
      ["null → 1.0: one", "1.0 → 1.2: two,three"],
      ["null → 1.2: two,one,three"],
    ]);
    expect(rehearsals.map(({ path }) => path)).toEqual([["1.0", "1.1", "1.2"], ["1.0", "1.2"], ["1.2"]]);
  });

  test("does not run again what a release removed or edited, and notes it", async () => {
    const scenario = defineScenario({
      title: "migrations that changed",
      engines: ["postgres"],
      chain: [
        release("1.0", {
          migrations: [
            { name: "0001", up: users },
            { name: "0002", up: "create table gone (id int)" },
            { name: "0003", up: async (db) => void (await db.raw("select 1")) },
          ],
        }),
        release("1.1", {
          migrations: [
            { name: "0001", up: `${users};` },
            { name: "0003", up: async (db) => void (await db.raw("select 2")) },
          ],
        }),
      ],
      paths: [{ from: "1.0", to: "1.1", expect: clean }],
    });
    const [rehearsal] = await rehearsed(scenario);
    expect(rehearsal?.hops[1]?.migrations).toEqual([]);
    expect(rehearsal?.verdict.outcome).toBe("clean");
    expect(rehearsal?.verdict.notes).toEqual([
      {
        code: "migration-edited",
        release: "1.1",
        migration: "0001",
        message: '"0001" was applied with another text than 1.1 ships; it is not run again',
      },
      {
        code: "migration-removed",
        release: "1.1",
        migration: "0002",
        message: '"0002" was applied, and 1.1 does not ship it',
      },
      expect.objectContaining({ code: "migration-edited", migration: "0003" }),
    ]);
  });

  test("keeps its notes out of the verdict unless the run is strict", async () => {
    const upgrade = { installs: `${users}; insert into users values (1)`, hop: "delete from users" };
    expect((await upgraded(upgrade)).verdict.outcome).toBe("clean");
    const { verdict } = await upgraded(upgrade, { strict: true });
    expect([verdict.outcome, codes(verdict.findings), verdict.notes]).toEqual(["broken", ["rows-lost"], []]);
  });

  test("goes on past a migration whose name is text like any other", async () => {
    const odd = 'it\'s; \\ a "name" 🙂';
    const { hops, verdict } = await upgraded({ installs: users, hop: [{ name: odd, up: "select 1" }] });
    expect([verdict.outcome, hops[1]?.migrations[0]?.name]).toEqual(["clean", odd]);
  });
});

describe("a stand-in", () => {
  test("shares a release's place, and only paths that name it visit it", async () => {
    const first = { name: "0001", up: users };
    const merged = { name: "0002", up: "alter table users add constraint one_name unique (name)" };
    const mended = { name: "0002", up: "create index on users (name)" };
    const scenario = defineScenario({
      title: "a stand-in",
      engines: ["postgres"],
      chain: [
        release("1.0", { migrations: [first] }),
        release("1.1 as merged", { insteadOf: "1.1", migrations: [first, merged] }),
        release("1.1", { migrations: [first, mended] }),
        release("1.2", { migrations: [first, mended] }),
      ],
      seeds: { "1.0": sowing("insert into users values (1, 'ann'), (2, 'ann')") },
      paths: [
        { from: "1.0", to: "1.1 as merged", expect: broken("migration-failed", { postgres: "23505" }) },
        { from: "1.0", to: "1.1", expect: clean },
        { from: "1.1 as merged", to: "1.2", expect: clean },
        { from: "1.0", via: ["1.1"], to: "1.2", expect: clean },
      ],
    });
    const rehearsals = await rehearsed(scenario);
    expect(rehearsals.map(({ met }) => met)).toEqual([true, true, true, true]);
    expect(codes(rehearsals[2]?.verdict.notes ?? [])).toEqual(["migration-edited"]);
  });
});

describe("migrations in code", () => {
  class Refused extends Error {}

  test("run in their release's transaction, and one of their own is a savepoint in it", async () => {
    let names: readonly unknown[] = [];
    const { verdict } = await upgraded({
      installs: users,
      async hop(db) {
        await db("users").insert({ id: 1, name: "outer" });
        await db.transaction(async (inner) => {
          await inner("users").insert({ id: 2, name: "inner" });
        });
        await db
          .transaction(async (inner) => {
            await inner("users").insert({ id: 3, name: "taken back" });
            throw new Refused("no");
          })
          .catch(() => {});
      },
      async check({ after }) {
        names = (await after.all("users")).map(({ name }) => name);
        return [];
      },
    });
    expect(verdict.outcome).toBe("clean");
    expect(names).toEqual(["outer", "inner"]);
  });

  test.each(["each", "all", "none"] as const)(
    "may stand among SQL, each seeing the others' work (%s)",
    async (rule) => {
      const hop: readonly Migration[] = [
        { name: "a", up: "create table a (id int)" },
        {
          name: "b",
          async up(db) {
            await db("a").insert({ id: 1 });
            await db.schema.createTable("b", (table) => {
              table.integer("id");
            });
          },
        },
        { name: "c", up: "insert into b select id from a" },
      ];
      let rows: readonly unknown[] = [];
      const { verdict } = await upgraded({
        installs: users,
        hop,
        transaction: rule,
        async check({ after }) {
          rows = await after.all("b");
          return [];
        },
      });
      expect([verdict.outcome, rows]).toEqual(["clean", [{ id: 1 }]]);
    },
  );

  test("take everything back with what they throw, and the finding has its class", async () => {
    let count: unknown;
    const { verdict } = await upgraded({
      installs: users,
      async hop(db) {
        await db("users").insert({ id: 1 });
        throw new Refused("not with these rows");
      },
      async check({ after }) {
        count = (await after.query("select count(*)::int as n from users"))[0]?.n;
        return [];
      },
      expect: broken("migration-failed", { exception: "Refused", migration: "0002" }),
    });
    expect(verdict.findings).toEqual([
      {
        code: "migration-failed",
        release: "1.1",
        migration: "0002",
        message: "not with these rows",
        exception: "Refused",
      },
    ]);
    expect(count).toBe(0);
  });

  test("leave what they did where there is no transaction", async () => {
    let count: unknown;
    const { met } = await upgraded({
      installs: users,
      transaction: "none",
      async hop(db) {
        await db("users").insert({ id: 1 });
        throw new Refused("half-way");
      },
      async check({ after }) {
        count = (await after.query("select count(*)::int as n from users"))[0]?.n;
        return [];
      },
      expect: broken("migration-failed", { exception: "Refused" }),
    });
    expect([met, count]).toEqual([true, 1]);
  });

  test("have a database error told as one, beneath whatever class Knex gives it", async () => {
    const { verdict } = await upgraded({
      installs: `${users}; insert into users values (1)`,
      async hop(db) {
        await db("users").insert({ id: 1 });
      },
    });
    expect(verdict.findings).toMatchObject([{ code: "migration-failed", migration: "0002", sqlState: "23505" }]);
    expect(verdict.findings[0]?.exception).toBeUndefined();
    expect(verdict.findings[0]?.place).toBeUndefined();
  });

  test("may throw what is no error", async () => {
    const { verdict } = await upgraded({
      installs: users,
      hop: () => Promise.reject("a bare string"),
    });
    expect(verdict.findings).toMatchObject([{ message: "a bare string", exception: "string" }]);
  });

  test("may leave a connection open that keeps nothing waiting", async () => {
    const { verdict } = await upgraded({
      installs: users,
      sows: "insert into users values (1)",
      transaction: "none",
      async hop(db) {
        const leaked = await db.client.acquireConnection();
        await leaked.query("select 1");
        await db.client.releaseConnection(leaked);
      },
    });
    expect(verdict.outcome).toBe("clean");
  });

  test("may swallow an error, and then find that the transaction is gone", async () => {
    const { verdict } = await upgraded({
      installs: users,
      async hop(db) {
        await db.raw("select 1/0").then(
          () => {},
          () => {},
        );
      },
    });
    expect(verdict.findings).toMatchObject([{ code: "migration-failed", migration: "0002", sqlState: "25P02" }]);
  });
});

describe("SQL per engine", () => {
  test("is sent to the engine that it is for", async () => {
    const { verdict } = await upgraded({
      installs: { postgres: users, mysql: "no SQL at all" },
      hop: { postgres: { sql: "create table more (id int)", file: "more.sql" }, mariadb: "no SQL either" },
    });
    expect(verdict.outcome).toBe("clean");
  });

  test("that lacks an engine of the scenario is bad input", async () => {
    const refused = upgraded({ installs: users, hop: { mysql: "select 1" } });
    await expect(refused).rejects.toThrow(HarnessError);
    await expect(refused).rejects.toThrow('release "1.1", migration "0002": it has no SQL for postgres');
  });

  test("is told by its file where it fails", async () => {
    const { verdict } = await upgraded({
      installs: users,
      hop: { postgres: { sql: "select 1;\nselect nope from users", file: "x/0002.sql" } },
    });
    expect(verdict.findings[0]?.place).toMatchObject({ file: "x/0002.sql", line: 2, column: 8 });
  });
});

describe("seeds", () => {
  const migrations = [
    { name: "0001", up: "create table sown (n serial primary key, by text)" },
    { name: "0002", up: "select 1" },
    { name: "0003", up: "select 1" },
  ];
  const by = (name: string) => sowing(`insert into sown (by) values ('${name}')`, `sown by ${name}`);

  test("are sown where the path stands and will go on, `with` after them and only on its path", async () => {
    const told: unknown[][] = [];
    const note: Check = async ({ after }) => {
      told.push((await after.all("sown")).map((row) => row.by));
      return [];
    };
    const scenario = defineScenario({
      title: "seeds",
      engines: ["postgres"],
      chain: [
        release("1.0", { migrations: migrations.slice(0, 1) }),
        release("1.1", { migrations: migrations.slice(0, 2) }),
        release("1.2", { migrations }),
      ],
      seeds: { "1.0": by("first"), "1.1": by("second"), "1.2": by("never") },
      paths: [
        { from: "1.0", to: "1.2", check: note, expect: clean },
        { from: "1.0", with: by("extra"), to: "1.2", check: note, expect: clean },
        { from: "1.0", with: by("extra"), via: ["1.1"], to: "1.2", check: note, expect: clean },
        { from: "1.1", with: by("late"), to: "1.2", check: note, expect: clean },
        { to: "1.2", check: note, expect: clean },
      ],
    });
    const rehearsals = await rehearsed(scenario);
    expect(rehearsals.map(({ met }) => met)).toEqual([true, true, true, true, true]);
    const rows = new Set(told.map((names) => names.join(" ")));
    expect(rows).toEqual(new Set(["first", "first extra", "first extra second", "second late", ""]));
    expect(rehearsals.map((rehearsal) => rehearsal.with)).toEqual([
      null,
      "sown by extra",
      "sown by extra",
      "sown by late",
      null,
    ]);
  });

  test("that cannot be sown make every path through them inconclusive, and no other", async () => {
    const scenario = defineScenario({
      title: "a seeder that fails",
      engines: ["postgres"],
      chain: [release("1.0", { migrations: migrations.slice(0, 1) }), release("1.1", { migrations })],
      paths: [
        { from: "1.0", with: sowing("insert into nowhere values (1)", "broken rows"), to: "1.1", expect: broken("x") },
        { from: "1.0", to: "1.1", expect: clean },
      ],
    });
    const rehearsals = await rehearsed(scenario);
    expect(rehearsals.map(({ met }) => met)).toEqual([false, true]);
    expect(rehearsals[0]?.verdict).toMatchObject({
      outcome: "inconclusive",
      cause: { code: "seeder-failed", message: expect.stringMatching(/^Cannot sow "broken rows": .*nowhere/) },
    });
  });

  test.each<[string, Seeder["sow"]]>([
    ["waits for ever", () => new Promise(() => {})],
    ["waits for the server", async ({ db }) => void (await db.raw("select pg_sleep(60)"))],
    ["leaves a transaction open", async ({ db }) => void (await (await db.transaction())("sown").insert({ by: "x" }))],
  ])("by a seeder that %s make the rehearsal inconclusive", { timeout: 4000 }, async (name, sow) => {
    const scenario = defineScenario({
      title: "a seeder that hangs",
      engines: ["postgres"],
      chain: [release("1.0", { migrations: migrations.slice(0, 1) }), release("1.1", { migrations })],
      seeds: { "1.0": seeder(name, sow) },
      paths: [{ from: "1.0", to: "1.1", expect: clean }],
    });
    const [verdict] = await verdictsOf(scenario, { timeout: 250 });
    expect(verdict).toMatchObject({
      outcome: "inconclusive",
      cause: { code: "timed-out", message: expect.stringContaining(name) },
    });
  });

  /** The rows that seeders leave behind, as path #1 sees them at its end. */
  async function sownBy(sown: readonly Seeder[], seed: number): Promise<readonly unknown[]> {
    let rows: readonly unknown[] = [];
    const [first, last] = sown;
    const table = { name: "0001", up: "create table sown (n serial primary key, value text)" };
    const scenario = defineScenario({
      title: "luck",
      engines: ["postgres"],
      chain: [release("1.0", { migrations: [table] }), release("1.1", { migrations: [table] })],
      seeds: first === undefined ? {} : { "1.0": first },
      paths: [{ from: "1.0", to: "1.1", expect: clean, ...(last !== first && last !== undefined && { with: last }) }],
      check: async ({ after }) => {
        rows = (await after.all("sown")).map(({ value }) => value);
        return [];
      },
    });
    const [verdict] = await verdictsOf(scenario, { seed });
    expect(verdict?.outcome).toBe("clean");
    return rows;
  }

  const lucky = (name: string, turn: () => Promise<void> = async () => {}) =>
    seeder(name, async ({ db, faker, random }) => {
      for (let i = 0; i < 5; i++) {
        await turn();
        const value = [faker.person.fullName(), faker.date.past().toISOString(), faker.string.uuid(), random()].join();
        await db("sown").insert({ value });
      }
    });

  test("are the same rows for the same seed, and others for another", async () => {
    const [once, again, other] = [
      await sownBy([lucky("luck")], 7),
      await sownBy([lucky("luck")], 7),
      await sownBy([lucky("luck")], 8),
    ];
    expect(once).toHaveLength(5);
    expect(new Set(once).size).toBe(5);
    expect(again).toEqual(once);
    expect(other.filter((row) => once.includes(row))).toEqual([]);
  });

  test("are the same rows wherever in a run they are sown", async () => {
    const alone = await sownBy([lucky("luck")], 7);
    const second = await sownBy([lucky("something before it"), lucky("luck")], 7);
    expect(second.slice(5)).toEqual(alone);
    expect(second.slice(0, 5).filter((row) => alone.includes(row))).toEqual([]);
  });

  test("are the same rows whoever else sows at the same time", { timeout: 10_000 }, async () => {
    let waiting: (() => void)[] = [];
    const bothAreHere = () =>
      new Promise<void>((go) => {
        waiting.push(go);
        if (waiting.length < 2) return;
        for (const each of waiting) each();
        waiting = [];
      });
    const alone = [await sownBy([lucky("one")], 7), await sownBy([lucky("two")], 7)];
    const together = await Promise.all([
      sownBy([lucky("one", bothAreHere)], 7),
      sownBy([lucky("two", bothAreHere)], 7),
    ]);
    expect(together).toEqual(alone);
  });

  test("draw new values each time they ask, however they hold what they are handed", async () => {
    const names = seeder("holds the soil", async (soil) => {
      for (let i = 0; i < 3; i++) await soil.db("sown").insert({ value: soil.faker.string.uuid() });
    });
    const numbers = seeder("holds the soil", async (soil) => {
      for (let i = 0; i < 3; i++) await soil.db("sown").insert({ value: soil.random() });
    });
    expect(new Set(await sownBy([numbers], 7)).size).toBe(3);
    expect(new Set(await sownBy([names], 7)).size).toBe(3);
  });

  test("draw numbers from 0 up to, and not including, 1", async () => {
    const drawn: number[] = [];
    const many = seeder("many numbers", async ({ random }) => {
      for (let i = 0; i < 10_000; i++) drawn.push(random());
    });
    await sownBy([many], 7);
    expect(drawn.every((number) => number >= 0 && number < 1)).toBe(true);
    expect(Math.abs(drawn.reduce((sum, number) => sum + number, 0) / drawn.length - 0.5)).toBeLessThan(0.02);
  });
});

describe("checks", () => {
  const migrations = [
    { name: "0001", up: `${users}; insert into users values (1, 'root')` },
    { name: "0002", up: "insert into users values (3, 'by 1.1')" },
    { name: "0003", up: "delete from users where id = 1" },
  ];
  const chain = [
    release("1.0", { migrations: migrations.slice(0, 1) }),
    release("1.1", { migrations: migrations.slice(0, 2) }),
    release("1.2", { migrations }),
  ] as const;

  test("read the first snapshot before and the last after", async () => {
    const told: unknown[] = [];
    const check: Check = async (ledger) => {
      for await (const { kind, key } of ledger.changes("users")) told.push(`${kind} ${key.id}`);
      const [before, after] = [await ledger.before.all("users"), await ledger.after.all("users")];
      told.push([before.map(({ id }) => id), after.map(({ id }) => id)]);
      return [];
    };
    const scenario = defineScenario({
      title: "checks",
      engines: ["postgres"],
      chain,
      seeds: { "1.0": sowing("insert into users values (2)"), "1.1": sowing("insert into users values (4)") },
      paths: [{ from: "1.0", via: ["1.1"], to: "1.2", expect: clean }],
      check,
    });
    const [verdict] = await verdictsOf(scenario);
    expect(verdict?.outcome).toBe("clean");
    expect(told).toEqual([
      "lost 1",
      "kept 2",
      "added 3",
      "added 4",
      [
        [1, 2],
        [2, 3, 4],
      ],
    ]);
  });

  test("of a fresh install have nothing before", async () => {
    let before: unknown;
    const scenario = defineScenario({
      title: "checks",
      engines: ["postgres"],
      chain,
      paths: [{ to: "1.2", expect: clean }],
      check: async (ledger) => {
        before = await ledger.before.catalogue();
        return [];
      },
    });
    await verdictsOf(scenario);
    expect(before).toEqual({ tables: [], enums: [], sequences: [], views: [], functions: [] });
  });

  test("of a path are run wherever it ended, the scenario's only where a path reached its end", async () => {
    const run: string[] = [];
    const saying =
      (what: string): Check =>
      async ({ before, after }) => {
        const [was, is] = [await before.all("users"), await after.all("users")];
        run.push(`${what} ${was.length} ${is.length}`);
        return [{ code: what, message: `${what} was here` }];
      };
    const failing = [...migrations.slice(0, 2), { name: "0003", up: "delete from users; select 1/0" }];
    const scenario = defineScenario({
      title: "checks",
      engines: ["postgres"],
      chain: [chain[0], release("1.2", { migrations: failing, transaction: "none" })],
      check: [saying("scenario")],
      paths: [
        {
          from: "1.0",
          to: "1.2",
          check: [saying("path")],
          expect: broken([{ code: "migration-failed" }, { code: "path" }]),
        },
        { to: "1.0", check: saying("path"), expect: broken([{ code: "path" }, { code: "scenario" }]) },
      ],
    });
    const rehearsals = await rehearsed(scenario);
    expect(rehearsals.map(({ verdict }) => codes(verdict.findings))).toEqual([
      ["migration-failed", "path"],
      ["path", "scenario"],
    ]);
    expect(rehearsals.map(({ met }) => met)).toEqual([true, true]);
    expect([...run].sort()).toEqual(["path 0 1", "path 1 0", "scenario 0 1"]);
  });

  test("that throw make the rehearsal inconclusive, with the findings so far", async () => {
    const { verdict, met } = await upgraded({
      installs: users,
      sows: "insert into users values (1)",
      hop: "delete from users",
      check: async () => {
        throw new Error("the check has a bug");
      },
      expect: broken("rows-lost"),
    });
    expect(met).toBe(false);
    expect(verdict).toMatchObject({
      outcome: "inconclusive",
      cause: { code: "check-failed", message: expect.stringContaining("the check has a bug") },
      findings: [{ code: "rows-lost" }],
    });
  });

  test("that hang make the rehearsal inconclusive", { timeout: 4000 }, async () => {
    const { verdict } = await upgraded(
      { installs: users, hop: "select 1", check: () => new Promise(() => {}) },
      { timeout: 250 },
    );
    expect(verdict).toMatchObject({ outcome: "inconclusive", cause: { code: "timed-out" } });
  });

  test("may ask several questions at once", async () => {
    let told: unknown;
    const { verdict } = await upgraded({
      installs: users,
      sows: "insert into users values (1), (2)",
      hop: "select 1",
      async check({ before, after }) {
        const count = "select count(*)::int as n from users";
        told = await Promise.all([before.all("users"), after.query(count), after.all("users"), after.query(count)]);
        return [];
      },
    });
    expect(verdict).toEqual({ outcome: "clean", findings: [], notes: [] });
    expect(told).toMatchObject([{ length: 2 }, [{ n: 2 }], { length: 2 }, [{ n: 2 }]]);
  });

  test("that are invariants find every row that their query returns", async () => {
    const check = invariant("user-without-name", "select id from users where name is null order by id");
    const upgrade = { installs: users, sows: "insert into users (id) values (1), (2), (3), (4)", check };
    const { verdict } = await upgraded({ ...upgrade, hop: "select 1" });
    expect(verdict.findings).toEqual([
      {
        code: "user-without-name",
        message: '4 rows found by invariant "user-without-name": {"id":1}, {"id":2}, {"id":3}, …',
      },
    ]);
    const mended = await upgraded({ ...upgrade, hop: "update users set name = 'nobody'" });
    expect(mended.verdict.outcome).toBe("clean");
  });

  test("that are invariants may differ from engine to engine, and show values of every type", async () => {
    const query = { postgres: "select 9007199254740993::bigint as big, null as nothing", mysql: "no SQL" };
    const { verdict } = await upgraded({ installs: users, hop: "select 1", check: invariant("odd", query) });
    expect(messages(verdict.findings)).toEqual([
      '1 row found by invariant "odd": {"big":"9007199254740993","nothing":null}',
    ]);
    const untold = await upgraded({ installs: users, hop: "select 1", check: invariant("odd", { mysql: "select 1" }) });
    expect(untold.verdict).toMatchObject({ outcome: "inconclusive", cause: { code: "check-failed" } });
  });

  test("that are invariants of SQL which the server refuses make the rehearsal inconclusive", async () => {
    const check = invariant("no-such-column", "select nope from users");
    const { verdict } = await upgraded({ installs: users, hop: "select 1", check });
    expect(verdict).toMatchObject({ outcome: "inconclusive", cause: { code: "check-failed" } });
  });
});

describe("an expectation", () => {
  const duplicate = {
    installs: users,
    sows: "insert into users values (1, 'ann'), (2, 'ann')",
    hop: "alter table users add constraint one_name unique (name)",
  };
  const met = async (expected: Expectation, upgrade: Upgrade = duplicate) =>
    (await upgraded({ ...upgrade, expect: expected })).met;

  test("is met by its code and by every fact that it names", async () => {
    expect(await met(broken("migration-failed"))).toBe(true);
    expect(await met(broken("migration-failed", { postgres: "23505", migration: "0002", release: "1.1" }))).toBe(true);
    expect(await met(broken("migration-failed", { postgres: "23505", mysql: 1062 }))).toBe(true);
  });

  test("is unmet by another SQLSTATE, migration, release, exception or code", async () => {
    expect(await met(broken("migration-failed", { postgres: "21000" }))).toBe(false);
    expect(await met(broken("migration-failed", { migration: "0001" }))).toBe(false);
    expect(await met(broken("migration-failed", { release: "1.0" }))).toBe(false);
    expect(await met(broken("migration-failed", { exception: "Error" }))).toBe(false);
    expect(await met(broken("rows-lost"))).toBe(false);
    // A number is an errno, and never PostgreSQL's.
    await expect(met(broken("migration-failed", { postgres: 23505 }))).rejects.toMatchObject({ code: "bad-input" });
  });

  test("of clean is unmet by a finding, and one of a finding by clean", async () => {
    expect(await met(clean)).toBe(false);
    expect(await met(broken("rows-lost"), { installs: users, hop: "select 1" })).toBe(false);
  });

  const twoFindings: Upgrade = {
    installs: `${users}; create table pets (id int primary key)`,
    sows: "insert into users values (1); insert into pets values (1)",
    hop: "delete from users; delete from pets",
  };

  test("of several findings is met by all of them, unmet by one that is missing and by one too many", async () => {
    const [ofUsers, ofPets] = [
      { code: "rows-lost", table: "users" },
      { code: "rows-lost", table: "pets" },
    ];
    expect(await met(broken([ofUsers, ofPets]), twoFindings)).toBe(true);
    expect(await met(broken("rows-lost"), twoFindings)).toBe(true);
    expect(await met(broken([ofUsers]), twoFindings)).toBe(false);
    expect(await met(broken([ofUsers, ofPets, { code: "foreign-key-violated" }]), twoFindings)).toBe(false);
  });

  test("may be told per engine", async () => {
    const scenario = defineScenario({
      title: "per engine",
      engines: ["postgres"],
      chain: [release("1.0", { migrations: [{ name: "0001", up: users }] })],
      paths: [{ to: "1.0", expect: { postgres: clean, mysql: broken("migration-failed") } }],
    });
    expect((await rehearsed(scenario)).map(({ met }) => met)).toEqual([true]);
  });

  test("is counted: met, unmet and inconclusive", async () => {
    const first = { name: "0001", up: users };
    const scenario = defineScenario({
      title: "counts",
      engines: ["postgres"],
      chain: [release("1.0", { migrations: [first] }), release("1.1", { migrations: [first] })],
      paths: [
        { to: "1.0", expect: clean },
        { to: "1.0", expect: broken("rows-lost") },
        { from: "1.0", with: sowing("no SQL"), to: "1.1", expect: clean },
      ],
    });
    const { met, unmet, inconclusive } = await rehearse([scenario], here);
    expect({ met, unmet, inconclusive }).toEqual({ met: 1, unmet: 1, inconclusive: 1 });
  });
});

describe("a plan", () => {
  const migrations = [
    { name: "0001", up: users },
    { name: "0002", up: "select 1" },
    { name: "0003", up: "delete from users" },
  ];
  const row = sowing("insert into users values (1)", "a row");
  const scenario = defineScenario({
    title: "shared beginnings",
    engines: ["postgres"],
    chain: [
      release("1.0", { migrations: migrations.slice(0, 1) }),
      release("1.1", { migrations: migrations.slice(0, 2) }),
      release("1.2", { migrations }),
    ],
    seeds: { "1.0": row },
    paths: [
      { from: "1.0", via: ["1.1"], to: "1.2", expect: broken("rows-lost") },
      { from: "1.0", to: "1.1", expect: clean },
      { from: "1.0", to: "1.2", expect: broken("rows-lost") },
      { from: "1.0", with: sowing("insert into users values (2)", "another"), to: "1.1", expect: clean },
      { to: "1.0", expect: clean },
      { to: "1.2", expect: clean },
    ],
  });

  test("walks each shared hop once and sows shared seeds once", async () => {
    const steps: string[] = [];
    const rehearsals = await rehearsed(scenario, {
      onStep(step) {
        if (step.kind === "sow") steps.push(`sow ${step.seeder.name}`);
        if (step.kind === "start") steps.push(`${step.last?.name ?? "∅"} → ${step.release.name}`);
      },
    });
    expect(rehearsals.map(({ met }) => met)).toEqual([true, true, true, true, true, true]);
    expect([...steps].sort()).toEqual(
      ["∅ → 1.0", "sow a row", "1.0 → 1.1", "1.1 → 1.2", "1.0 → 1.2", "sow another", "1.0 → 1.1", "∅ → 1.2"].sort(),
    );
  });

  test("tells rehearsals in the order of the scenario's paths, each by its number", async () => {
    const rehearsals = await rehearsed(scenario);
    expect(rehearsals.map(({ name }) => name.replace(/.*#/, "#"))).toEqual(["#1", "#2", "#3", "#4", "#5", "#6"]);
    expect(rehearsals[0]?.hops.map(({ from, to }) => [from, to])).toEqual([
      [null, "1.0"],
      ["1.0", "1.1"],
      ["1.1", "1.2"],
    ]);
  });

  test("tells what goes wrong in a shared hop by every path that leads through it", async () => {
    const failing = [...migrations.slice(0, 1), { name: "0002", up: "select 1/0" }, ...migrations.slice(2)];
    const expected = broken("migration-failed", { release: "1.1" });
    const shared = defineScenario({
      title: "shared failure",
      engines: ["postgres"],
      chain: [
        release("1.0", { migrations: failing.slice(0, 1) }),
        release("1.1", { migrations: failing.slice(0, 2) }),
        release("1.2", { migrations: failing }),
      ],
      paths: [
        { from: "1.0", to: "1.1", expect: expected },
        { from: "1.0", via: ["1.1"], to: "1.2", expect: expected },
        { to: "1.0", expect: clean },
      ],
    });
    let starts = 0;
    const rehearsals = await rehearsed(shared, {
      onStep: () => {
        starts++;
      },
    });
    expect(rehearsals.map(({ met }) => met)).toEqual([true, true, true]);
    expect(starts).toBe(2);
  });

  test("leaves no sandbox behind, however its paths end", async () => {
    const before = new Set(await databasesOf(stage()));
    await rehearsed(scenario);
    await upgraded({ installs: users, hop: "select 1/0", transaction: "none" });
    await upgraded({ installs: users, sows: "no SQL", hop: "select 1" });
    await upgraded({ installs: users, hop: "select pg_sleep(60)" }, { timeout: 250 });
    await upgraded({ installs: users, hop: "select 1", check: () => Promise.reject(new Error("no")) });
    expect((await databasesOf(stage())).filter((name) => !before.has(name))).toEqual([]);
  });

  test("leaves the sandboxes of unmet rehearsals up when asked to, and no other", async () => {
    const kept = await upgraded({ installs: users, hop: "select 1/0", transaction: "none" }, { keep: true });
    const database = new URL(kept.kept?.url ?? "").pathname.slice(1);
    const session = await stage().engine.connect({ ...stage().server.maintenance, database });
    expect(await session.query("select count(*)::int as n from users")).toEqual([{ n: 0 }]);
    await session.end();
    const met = await upgraded({ installs: users, hop: "select 1" }, { keep: true });
    expect([met.met, met.kept]).toEqual([true, undefined]);
  });

  test("ends at the first unmet rehearsal when asked to", async () => {
    const unmet = { ...scenario, paths: scenario.paths.map((path) => ({ ...path, expect: broken("never") })) };
    expect(await rehearsed(unmet as Scenario, { bail: true })).toHaveLength(1);
  });
});

describe("byDependencies()", () => {
  const named = (name: string, ...after: readonly string[]): Migration => ({ name, up: "", after });
  const order = (...migrations: readonly Migration[]) => byDependencies(migrations).map(({ name }) => name);

  test("goes depth first from the leaves, in name order", () => {
    expect(order(named("c"), named("a"), named("b"))).toEqual(["a", "b", "c"]);
    expect(order(named("a2", "a1"), named("a1", "b1"), named("b2", "b1"), named("b1"))).toEqual([
      "b1",
      "a1",
      "a2",
      "b2",
    ]);
    expect(order(named("a", "z", "m"), named("b"), named("m"), named("z"))).toEqual(["m", "z", "a", "b"]);
  });

  test("names each migration once, however many come after it", () => {
    expect(order(named("d", "b", "c"), named("c", "a"), named("b", "a"), named("a"))).toEqual(["a", "b", "c", "d"]);
    expect(order()).toEqual([]);
  });

  test("refuses migrations that wait for each other, and shows the circle", () => {
    expect(() => order(named("a", "b"), named("b", "c"), named("c", "a"))).toThrow(
      "Cannot order migrations: they wait for each other (a → b → c → a)",
    );
    expect(() => order(named("a", "a"))).toThrow("Cannot order migrations: they wait for each other (a → a)");
    expect(() => order(named("z", "a"), named("a", "b"), named("b", "a"))).toThrow("(a → b → a)");
  });

  test("refuses a name that is not in the list, and names the nearest", () => {
    expect(() => order(named("0002_users", "0001_user"), named("0001_users"))).toThrow(
      'Cannot order migrations: "0002_users" comes after "0001_user", which is not in the list (known: "0001_users", "0002_users")',
    );
  });

  test("refuses a name that stands twice", () => {
    expect(() => order(named("a"), named("a"))).toThrow(HarnessError);
  });
});

describe("sqlFolder()", () => {
  async function inFolders<T>(
    folders: readonly { readonly [file: string]: string }[],
    act: (...urls: URL[]) => Promise<T>,
  ): Promise<T> {
    const made = await Promise.all(folders.map(() => mkdtemp(join(tmpdir(), "sql folder #"))));
    try {
      for (const [i, files] of folders.entries()) {
        for (const [name, text] of Object.entries(files)) await writeFile(join(made[i] ?? "", name), text);
      }
      return await act(...made.map((folder) => pathToFileURL(`${folder}/`)));
    } finally {
      for (const folder of made) await rm(folder, { recursive: true });
    }
  }

  const installed = async (...urls: URL[]) => {
    const scenario = defineScenario({
      title: "a folder",
      engines: ["postgres"],
      chain: [release("1.0", { migrations: sqlFolder(...urls) })],
      paths: [{ to: "1.0", expect: clean }],
    });
    const [rehearsal] = await rehearsed(scenario);
    const names = rehearsal?.hops[0]?.migrations.map(({ name }) => name);
    return { names, verdict: rehearsal?.verdict };
  };

  test("names migrations after files and counts leading numbers as numbers", () =>
    inFolders(
      [
        {
          "10_c.sql": "insert into t values (3)",
          "2_b.sql": "insert into t values (2)",
          "0001_a.sql": "create table t (id int)",
          "10_a 100% #é.sql": "insert into t values (4)",
          "20240101120000_last.sql": "select 1",
          "README.md": "no migration",
        },
      ],
      async (url) => {
        const { names, verdict } = await installed(url);
        expect(names).toEqual(["0001_a", "2_b", "10_a 100% #é", "10_c", "20240101120000_last"]);
        expect(verdict?.outcome).toBe("clean");
      },
    ));

  test("joins folders in the order given", () =>
    inFolders(
      [{ "2_b.sql": "create table b (id int)" }, { "1_a.sql": "insert into b values (1)" }],
      async (first, second) => {
        const { names, verdict } = await installed(first, second);
        expect([names, verdict?.outcome]).toEqual([["2_b", "1_a"], "clean"]);
      },
    ));

  test("takes a byte order mark for no part of the SQL", () =>
    inFolders([{ "1.sql": "\ufeffcreate table t (id int)", "2.sql": "\ufeffselect 1 from nowhere" }], async (url) => {
      const { verdict } = await installed(url);
      expect(verdict?.findings).toMatchObject([
        { migration: "2", sqlState: "42P01", place: { file: expect.stringMatching(/2\.sql$/), line: 1, column: 15 } },
      ]);
    }));

  test("has an engine's own file for that engine alone", () =>
    inFolders(
      [
        {
          "1_a.sql": "create table a (id int)",
          "1_a.mysql.sql": "no SQL at all",
          "2_b.postgres.sql": "create table b (id int)",
          "2_b.sql": "no SQL at all",
          "3_c.postgres.sql": "create table c (id int)",
        },
      ],
      async (url) => {
        const { names, verdict } = await installed(url);
        expect([names, verdict?.outcome]).toEqual([["1_a", "2_b", "3_c"], "clean"]);
        const [a, b, c] = await sqlFolder(url).read();
        expect(a?.up).toMatchObject({ mysql: { sql: "no SQL at all" }, mariadb: { sql: "no SQL at all" } });
        expect(b?.up).toMatchObject({ mysql: { sql: "no SQL at all" }, postgres: { sql: "create table b (id int)" } });
        expect(Object.keys(c?.up ?? {})).toEqual(["postgres"]);
      },
    ));

  test("refuses a folder that is not there, and one without SQL", () =>
    inFolders([{ "notes.txt": "" }], async (url) => {
      await expect(sqlFolder(url).read()).rejects.toThrow(/^Cannot read migrations from ".*": it holds no \.sql file$/);
      const gone = sqlFolder(new URL("gone/", url)).read();
      await expect(gone).rejects.toMatchObject({ code: "bad-input", message: expect.stringContaining("ENOENT") });
    }));

  test("refuses a migration that two folders have", () =>
    inFolders([{ "1.sql": "select 1" }, { "1.sql": "select 1" }], async (first, second) => {
      await expect(installed(first, second)).rejects.toMatchObject({ code: "bad-input" });
    }));
});
