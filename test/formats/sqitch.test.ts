import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import type { SqlFile } from "../../harness/chain.ts";
import { engineNames } from "../../harness/database.ts";
import { sqitch } from "../../harness/formats/sqitch.ts";
import { onEngine, onStage } from "../stage.ts";
import { type Files, folderOf, readBy, refusalBy } from "./folder-of.ts";
import { keeping } from "./keeping.ts";

const by = "2026-11-21T16:05:41Z Ann Example <ann@example.com>";
const head = "%syntax-version=1.0.0\n%project=shop\n%uri=https://GitHub.com/ex/shop\n\n";
const plan = String.raw`%syntax-version=1.0.0
%project=shop
%uri=https://github.com/ex/shop

users 2026-11-21T16:05:41Z Ann Example <ann@example.com> # Users, größer \\ "q"
names [users] 2026-11-21T16:05:41Z Ann Example <ann@example.com> # x\nsecond line
@v1.0 2026-11-21T16:05:41Z Ann Example <ann@example.com> # first

more [names users@v1.0] 2026-11-21T16:05:42Z Ann Example <ann@example.com> # m
@v1.1 2026-11-21T16:05:42Z Ann Example <ann@example.com> # s
users [users@v1.1] 2026-11-21T16:05:42Z Ann Example <ann@example.com> # again
dir/last [users] 2026-11-21T16:05:43Z Ann Example <ann@example.com> # l
`;
const chain: Files = {
  "sqitch.plan": plan,
  "sqitch.conf": '[core]\n\tengine = pg\n\t# top_dir = .\n# [engine "pg"]\n',
  "deploy/users@v1.1.sql": "begin;\ncreate table users (id int primary key);\ncommit;\n",
  "revert/users@v1.1.sql": "drop table users;",
  "deploy/users.sql": "\\set ON_ERROR_STOP on\n\\echo 'hello; there'\nalter table users add x int;\n",
  "deploy/names.sql": "create table names (id int);\n",
  "deploy/more.sql": "insert into names values (1);\n",
  "deploy/dir/last.sql": "select 3;\n",
  "verify/users.sql": "nonsense",
};

test("changes come in the plan's order, with Sqitch's own ids and hashes", async () => {
  const { migrations, migrator, session } = await readBy(sqitch, chain);
  expect(migrations.map(({ name, recordedAs, down }) => [name, recordedAs?.id, (down as SqlFile)?.sql])).toEqual([
    ["users@v1.0", "a188f28dd2d93c62b8092eb2c1f59eda84883010", "drop table users;"],
    ["names", "62d18004b663377f127f0d6953b2b96406bdbbed", undefined],
    ["more", "e198ae293860d06c068f07b4c400a249f52345bb", undefined],
    ["users", "8126e6f5a29969a07620f4baa0f04ef14d7c8783", undefined],
    ["dir/last", "ab684a0146218946854dfa3ebcb95fabed277168", undefined],
  ]);
  expect(migrations[4]?.recordedAs?.checksum).toBe("ce035b9deac81592338b1dc1aa42c599631f1f26");
  expect(session).toBe("own");
  expect(migrator).toMatchObject({
    engines: ["postgres"],
    transaction: "none",
    lock: "wait",
    late: "refuse",
    edited: "ignore",
    removed: "refuse",
  });
  expect(migrator?.record.tables).toContain("sqitch.changes");
});

test("a script is sent statement by statement, without what only its client hears", async () => {
  const { migrations } = await readBy(sqitch, chain);
  const [first, , , again] = migrations.map(({ up }) => (up as SqlFile).pieces);
  expect(first).toEqual([
    { sql: "begin", offset: 0 },
    { sql: "create table users (id int primary key)", offset: 7 },
    { sql: "commit", offset: 48 },
  ]);
  expect(again).toEqual([{ sql: "alter table users add x int", offset: 43 }]);
});

test("variables are put in as psql does, or set as the mysql client has them", async () => {
  const files = {
    "sqitch.plan": `${head}a ${by}\n`,
    "deploy/a.sql": "select :'who', ':who', :n::int, \"a:who\" from :\"t\" where :other;",
  };
  const placeholders = { who: "o'ann", n: "1", t: "users" };
  const pieces = async (engine: "postgres" | "mysql") =>
    (await readBy(sqitch, files, { engine, placeholders })).migrations.map(({ up }) => (up as SqlFile).pieces);
  expect(await pieces("postgres")).toEqual([
    [{ sql: `select 'o''ann', ':who', 1::int, "a:who" from "users" where :other`, offset: 0 }],
  ]);
  expect((await pieces("mysql"))[0]).toEqual([
    { sql: "SET @`who` = 'o''ann'", offset: 0 },
    { sql: "SET @`n` = '1'", offset: 0 },
    { sql: "SET @`t` = 'users'", offset: 0 },
    { sql: files["deploy/a.sql"].slice(0, -1), offset: 0 },
  ]);
});

test("sqitch.conf says where things are, and for which engines", async () => {
  const files = {
    "sqitch.conf":
      '[core]\n  engine = mysql\n  top_dir = db\n[engine "mysql"]\n  plan_file = db/my.plan\n  registry = book ; here\n[engine "pg"]\n',
    "db/my.plan": `${head}a ${by}\n`,
    "db/deploy/a.sql": "select 1",
  };
  const { migrations, migrator } = await readBy(sqitch, files, { engine: "mariadb" });
  expect(migrations.map(({ name }) => name)).toEqual(["a"]);
  expect([migrator?.engines, migrator?.record.tables.at(2)]).toEqual([
    ["mysql", "mariadb", "postgres"],
    "book_changes",
  ]);
  expect(await sqitch.detect(await folderOf(files))).toEqual({ by: "marker", what: "db/my.plan" });
});

test("it is known by its plan", async () => {
  expect(await sqitch.detect(await folderOf(chain))).toEqual({
    by: "marker",
    what: "sqitch.plan",
    engine: "postgres",
  });
  expect(await sqitch.detect(await folderOf({ "deploy/a.sql": "" }))).toBeUndefined();
});

const way = 'drive Sqitch itself: command("sqitch", …)';
test.each([
  [`a ${by}\na ${by}`, 6, 'change "a" stands on line 5 already (to rework it, tag the plan in between)'],
  [`@v1 ${by}`, 5, 'tag "@v1" has no change before it'],
  [`a ${by}\n@v1 ${by}\n@v1 ${by}`, 7, 'tag "@v1" stands on line 6 already'],
  ["a", 5, '"a" lacks the time and who planned it'],
  ["a 2026-11-21T16:05:41Z", 5, '"a" lacks who planned it, as in Ann <ann@example.com>'],
  ["a Ann <ann@example.com>", 5, '"a" lacks the time when it was planned, as in 2024-01-31T12:00:00Z'],
  [`HEAD ${by}`, 5, '"HEAD" has a meaning of its own to Sqitch (choose another name)'],
  [`${"a".repeat(40)} ${by}`, 5, `"${"a".repeat(40)}" looks like the id of a change (choose another name)`],
  [`a ${by}\n@x/y ${by}`, 6, 'tag "@x/y" holds "/" (choose another name)'],
  [`a ${by}\n@x [a] ${by}`, 6, 'tag "@x" requires something, and only changes may'],
  [`-a ${by}`, 5, '"-a" asks for a revert, which Sqitch does not do from a plan'],
  [`a [b b] ${by}`, 5, 'it names "b" twice'],
  [`a [!] ${by}`, 5, '"!" names no change (write change, change@tag, @tag or project:change)'],
  [`a [b] ${by}`, 5, 'change "a" requires "b", which is not in the plan'],
  [`a [a] ${by}`, 5, 'change "a" requires itself'],
  [`a [b] ${by}\nb ${by}`, 5, 'change "a" requires "b", which comes later, on line 6 (move "a" below it)'],
  [`a [other:b] ${by}`, 5, `change "a" requires "other:b" of another project (${way})`],
  [
    `a ${by}\nb [!a] ${by}`,
    6,
    'change "b" conflicts with "a", which is deployed before it: Sqitch refuses to deploy it',
  ],
  [`a ${by}\nb [!c] ${by}`, 6, 'change "b" conflicts with "c", which is not in the plan: Sqitch refuses to deploy it'],
  [
    `a.: ${by}`,
    5,
    'its name begins or ends with punctuation, or holds "@", ":", "#", "\\" or blanks (a line reads: name [requires] 2024-01-31T12:00:00Z Ann <ann@example.com> # note)',
  ],
])("a plan with %j is refused as Sqitch refuses it", async (lines, line, why) => {
  const files = { "sqitch.plan": `${head}${lines}\n`, "deploy/a.sql": "", "deploy/b.sql": "" };
  expect(await refusalBy(sqitch, files)).toBe(`Cannot read migration "…/sqitch.plan:${line}": ${why}`);
});

test("what else cannot be deployed is refused", async () => {
  expect(await refusalBy(sqitch, { "deploy/a.sql": "" })).toBe(
    'Cannot read migrations from "…": it holds no sqitch.plan',
  );
  expect(await refusalBy(sqitch, { "sqitch.plan": `%syntax-version=1.0.0\n\na ${by}\n` })).toBe(
    'Cannot read migration "…/sqitch.plan": it names no project (begin it with %project=…)',
  );
  expect(await refusalBy(sqitch, { "sqitch.plan": `%project=shop\na ${by}\n` })).toBe(
    'Cannot read migration "…/sqitch.plan:2": it is no pragma such as %project=… (leave an empty line between those and the changes)',
  );
  expect(await refusalBy(sqitch, { "sqitch.plan": `${head}a ${by}\n` })).toBe(
    'Cannot read migration "…/deploy/a.sql": line 5 of sqitch.plan names it, and there is no such file',
  );
  const script = "select 1;\n\\i other.sql\n";
  expect(await refusalBy(sqitch, { "sqitch.plan": `${head}a ${by}\n`, "deploy/a.sql": script })).toBe(
    `Cannot read migration "…/deploy/a.sql:2": "\\i other.sql" is a command to the client that nothing here can do (take it out, or ${way})`,
  );
  const conf = "[core]\nengine = sqlite\n";
  expect(await refusalBy(sqitch, { "sqitch.conf": conf, "sqitch.plan": `${head}a ${by}\n`, "deploy/a.sql": "" })).toBe(
    'Cannot read migration "…/sqitch.conf": its engine is "sqlite" (scripts for pg and mysql can be read)',
  );
});

for (const name of engineNames) {
  await onEngine(name, () => {
    const stage = onStage(name);
    test("the record tells what is deployed, what it required, its tags, and what failed", async () => {
      const shipment = await readBy(
        sqitch,
        { ...chain, "sqitch.conf": "", "deploy/users.sql": "select 1" },
        { engine: name },
      );
      const tables = new Map(shipment.migrator?.record.tables.map((table) => [table.slice("sqitch.".length), table]));
      await keeping(stage(), shipment, async ({ recorded, through, failed, rows }) => {
        for (const migration of shipment.migrations.slice(0, 4)) await through(migration);
        await failed(shipment.migrations[4]);
        expect((await recorded()).applied).toEqual(
          shipment.migrations.slice(0, 4).map(({ recordedAs }) => ({
            id: recordedAs?.id,
            checksum: recordedAs?.checksum,
          })),
        );
        const counts: number[] = [];
        for (const table of ["releases", "projects", "changes", "tags", "dependencies", "events"]) {
          counts.push((await rows(`select * from ${tables.get(table)}`)).length);
        }
        expect(counts).toEqual([1, 1, 4, 2, 4, 5]);
        const [first] = await rows(
          `select note from ${tables.get("changes")} where planner_name = 'Ann Example' order by committed_at`,
        );
        expect(first?.note).toBe('Users, größer \\ "q"');
      });
    });
  });
}

const isHad = spawnSync("sqitch", ["--version"]).status === 0;
await onEngine("postgres", () => {
  const stage = onStage("postgres");
  test.skipIf(!isHad)("Sqitch itself keeps the same, and finds nothing left to deploy in ours", async () => {
    const folder = await folderOf(chain);
    const [ours, its] = [await stage().create(), await stage().create()];
    const deploy = (sandbox: typeof ours) => {
      const { host, port, user, password, database } = sandbox.address;
      const target = `db:pg://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`;
      const env = { ...process.env, SQITCH_FULLNAME: user, SQITCH_EMAIL: `${user}@localhost` };
      const { stdout, stderr } = spawnSync("sqitch", ["deploy", target], { cwd: folder.path, env, encoding: "utf8" });
      return stdout + stderr;
    };
    expect(deploy(its)).toMatch(/dir\/last .*ok/s);
    const session = await ours.connect();
    const { migrations, migrator } = await sqitch.read(folder, { engine: "postgres" });
    await session.script(migrator?.record.create.postgres ?? "");
    for (const { name, up, recordedAs } of migrations) {
      for (const { sql } of (up as SqlFile).pieces as readonly { sql: string }[]) await session.script(sql);
      const counted = { last: undefined, position: 1, inHop: 1, milliseconds: 0, facts: {} };
      const known = { id: recordedAs?.id ?? "", checksum: recordedAs?.checksum ?? "", name };
      const { user, database } = ours.address;
      const literal = (text: string) => ours.engine.literal(text);
      await session.script(migrator?.record.add({ ...known, ...counted, user, database, literal }).postgres ?? "");
    }
    const other = await its.connect();
    for (const table of migrator?.record.tables ?? []) {
      const told = `select * from ${table} order by 1, 2, 3`;
      const plain = (rows: readonly object[]) =>
        rows.map((row) => Object.entries(row).filter(([column]) => !/^(committed|created|installed)_at$/.test(column)));
      expect(plain(await session.query(told))).toEqual(plain(await other.query(told)));
      const [schema, name] = table.split(".");
      const shape = `select c.column_name, c.data_type, c.is_nullable, c.column_default from information_schema.columns c
        where table_schema = '${schema}' and table_name = '${name}' order by ordinal_position`;
      expect(await session.query(shape)).toEqual(await other.query(shape));
      const constraints = `select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = '${table}'::regclass order by 1`;
      expect(await session.query(constraints)).toEqual(await other.query(constraints));
    }
    await session.end();
    await other.end();
    expect(deploy(ours)).toBe("Nothing to deploy (up-to-date)\n");
    for (const sandbox of [ours, its]) await sandbox.drop();
  });
});
