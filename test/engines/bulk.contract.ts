import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Database, EngineName } from "../../harness/database.ts";
import type { Engine } from "../../harness/engines/engine.ts";
import { endKnex, type Sandbox, type Stage } from "../../harness/sandbox.ts";
import type { Row } from "../../harness/snapshot.ts";
import { randomFrom } from "../proof/random-values.ts";
import { thrownBy } from "./engine.contract.ts";

/** What every engine does alike when it writes rows in bulk. */
export function bulkContract(engine: Engine, stage: () => Stage): void {
  let sandbox: Sandbox;
  let db: Database;
  const ids = async (table: string) => (await db(table).orderBy("id")).map(({ id }) => id);
  const plant = (table: string, rows: Iterable<Row>, on = db) => engine.plant(on, { table, rows });

  /** What MySQL and MariaDB have loaded so far, that which they took back left out: nothing else loads meanwhile. */
  const loads = async () => {
    if (engine.name === "postgres") return 0;
    const [rows] = await db.raw("show global status where variable_name in ('Com_load', 'Com_rollback_to_savepoint')");
    const [loaded, takenBack] = rows.map((row: Row) => Number(row.Value));
    return loaded - takenBack;
  };

  beforeAll(async () => {
    sandbox = await stage().create();
    db = await sandbox.knex();
    const session = await sandbox.connect();
    await session.script(shop[engine.name]);
    for (const table of ["inserted", "planted"]) await session.script(`create table ${table} (${wide[engine.name]})`);
    await session.end();
  });
  afterAll(async () => {
    await endKnex(db);
    await sandbox.drop();
  });

  describe(`plant() of ${engine.name}`, () => {
    test.each([1, 2, 3, 4, 5])("writes what an INSERT by Knex writes (seed %i)", async (seed) => {
      const rows = rowsFrom(seed, engine.name);
      for (const some of chunks(rows, 50)) await db("inserted").insert(some.map((row) => asInserted(row, engine.name)));
      const before = await loads();
      await plant("planted", rows);
      expect((await loads()) > before).toBe(engine.name !== "postgres" && seed % 2 === 1);
      const [inserted, planted] = [await db("inserted").orderBy("id"), await db("planted").orderBy("id")];
      expect(planted).toHaveLength(rows.length);
      expect(planted).toEqual(inserted);
      const snapshot = await sandbox.snapshot();
      const columns = Object.keys(inserted[0]);
      const tables = (await snapshot.tables()).filter(({ name }) => name === "inserted" || name === "planted");
      const [one, other] = await snapshot.fingerprints(tables.map((table) => ({ table, columns })));
      await snapshot.end();
      expect(one).toBe(other);
      for (const table of ["inserted", "planted"]) await db(table).delete();
    });

    test("columns that rows do not name have their defaults, and ids are dealt out in the rows' order", async () => {
      await plant("parts", [{ name: "a" }, { name: "b", stock: 7 }, {}, { stock: undefined, name: "d" }]);
      expect(await db("parts").orderBy("id").select("name", "stock")).toEqual([
        { name: "a", stock: 1 },
        { name: "b", stock: 7 },
        { name: "none", stock: 1 },
        { name: "d", stock: 1 },
      ]);
      await db("parts").delete();
    });

    test("rows of a generator are read as they are written, and few of them are held", async () => {
      setFlagsFromString("--expose-gc");
      const collectGarbage = runInNewContext("gc") as () => void;
      const held = () => {
        collectGarbage();
        const { heapUsed, external } = process.memoryUsage();
        return heapUsed + external;
      };
      let most = 0;
      function* many() {
        for (let id = 1; id <= 100_000; id++) {
          if (id % 10_000 === 0) most = Math.max(most, held());
          yield { id, note: `${id}`.padEnd(3000, "x") };
        }
      }
      const before = held();
      await plant("posts", many());
      expect(Number((await db("posts").count({ n: "*" }).first())?.n)).toBe(100_000);
      expect((most - before) / 1e6).toBeLessThan(100); // All of them are 300.
      await db("posts").delete();
    });

    test("no rows are none", async () => {
      await plant("posts", []);
      expect(await ids("posts")).toEqual([]);
    });

    test("what the server refuses is thrown as it says it, and nothing stays", async () => {
      await plant("posts", [{ id: 1 }]);
      const fault = async (table: string, rows: readonly Row[]) => {
        const inserted = engine.fault(await thrownBy(db(table).insert(rows)));
        const planted = engine.fault(await thrownBy(plant(table, rows)));
        expect(planted).toMatchObject({ kind: "refused", ...said(inserted) });
        return planted;
      };
      const told = codes[engine.name];
      expect(await fault("posts", [{ id: 2 }, { id: 2 }])).toMatchObject(told.twice);
      expect(
        await fault("comments", [
          { id: 1, post_id: 1 },
          { id: 2, post_id: 404 },
        ]),
      ).toMatchObject(told.orphan);
      expect(await fault("comments", [{ id: 1, post_id: null }])).toMatchObject(told.missing);
      expect(await fault("posts", [{ id: 2, title: "x".repeat(21) }])).toMatchObject(told.long);
      expect(await fault("posts", [{ id: "two" }])).toMatchObject(told.noNumber);
      await fault("posts", [{ id: 2, nope: 1 }]);
      await fault("nowhere", [{ id: 2 }]);
      expect(await ids("posts")).toEqual([1]);
      expect(await ids("comments")).toEqual([]);
      await db("posts").delete();
    });

    test("rows that cannot be made are their maker's failure, and the session goes on", async () => {
      function* broken() {
        yield { id: 1 };
        throw new RangeError("no more rows");
      }
      for (let n = 0; n < 6; n++) await expect(plant("posts", broken())).rejects.toThrow(RangeError);
      await expect(plant("posts", [{ id: db.raw("1 + 1") }])).rejects.toThrow("SQL is no value that can be planted");
      expect(await ids("posts")).toEqual([]);
    });

    test("in a transaction it is part of that", async () => {
      const transaction = await db.transaction();
      await transaction("posts").insert({ id: 1 });
      await plant("comments", [{ id: 1, post_id: 1 }], transaction);
      expect(await transaction("comments").pluck("id")).toEqual([1]);
      await transaction.rollback();
      expect([...(await ids("posts")), ...(await ids("comments"))]).toEqual([]);
    });

    test("a session that is killed meanwhile keeps nobody waiting", async () => {
      function* many() {
        for (let id = 1; id <= 2_000_000; id++) yield { id, note: "x".repeat(1000) };
      }
      const killed = sleep(100).then(() => sandbox.endSessions());
      expect(engine.fault(await thrownBy(plant("posts", many())))).toMatchObject({ kind: "connection" });
      await killed;
      expect(await ids("posts")).toEqual([]);
    });

    test("names are quoted, and a dot comes after a schema", async () => {
      const schema = engine.name === "postgres" ? "public" : sandbox.address.database;
      await plant(`${schema}.odd "names`, [{ "sel,ect": 1, "it's": "a\tb" }]);
      expect(await db('odd "names')).toEqual([{ "sel,ect": 1, "it's": "a\tb" }]);
    });
  });

  describe(`fallow() of ${engine.name}`, () => {
    const orphan = { id: 9, post_id: 404 };

    test("foreign keys rest for what is written inside, in bulk or not, and hold again afterwards", async () => {
      await engine.fallow(db, async (resting) => {
        await plant("comments", [orphan], resting);
        await resting("comments").insert({ id: 10, post_id: 405 });
        await engine.fallow(resting, (still) => plant("comments", [{ id: 11, post_id: 406 }], still));
        await plant("comments", [{ id: 12, post_id: 407 }], resting);
      });
      expect(await ids("comments")).toEqual([9, 10, 11, 12]);
      await db("comments").delete();
      for (let n = 0; n < 5; n++) await expect(db("comments").insert(orphan)).rejects.toThrow();
    });

    test("they hold again after what is inside has failed", async () => {
      await expect(engine.fallow(db, (resting) => resting("nowhere").insert(orphan))).rejects.toThrow();
      await expect(
        engine.fallow(db, async () => {
          throw new RangeError("mine");
        }),
      ).rejects.toThrow(RangeError);
      for (let n = 0; n < 5; n++) await expect(plant("comments", [orphan])).rejects.toThrow();
    });
  });
}

const shop: Readonly<Record<EngineName, string>> = {
  postgres: tables("integer generated by default as identity", '"odd ""names" ("sel,ect" int, "it\'s" text)'),
  mysql: tables("integer auto_increment", "`odd \"names` (`sel,ect` int, `it's` text)"),
  mariadb: tables("integer auto_increment", "`odd \"names` (`sel,ect` int, `it's` text)"),
};

function tables(key: string, odd: string): string {
  return `create table parts (id ${key} primary key, name varchar(20) default 'none', stock int not null default 1);
    create table posts (id int primary key, title varchar(20), note text);
    create table comments (id int primary key, post_id int not null, foreign key (post_id) references posts (id));
    create table ${odd}`;
}

type Refusal = "twice" | "orphan" | "missing" | "long" | "noNumber";

const codes: Readonly<Record<EngineName, Readonly<Record<Refusal, object>>>> = {
  postgres: {
    twice: { sqlState: "23505" },
    orphan: { sqlState: "23503" },
    missing: { sqlState: "23502" },
    long: { sqlState: "22001" },
    noNumber: { sqlState: "22P02" },
  },
  get mysql() {
    return this.mariadb;
  },
  mariadb: {
    twice: { errno: 1062 },
    orphan: { errno: 1452 },
    missing: { errno: 1048 },
    long: { errno: 1406 },
    noNumber: { errno: 1366 },
  },
};

function said(fault: ReturnType<Engine["fault"]>) {
  return { sqlState: fault?.sqlState, ...(fault?.errno !== undefined && { errno: fault.errno }) };
}

const mysqlColumns = `id int primary key, body text, short varchar(40) default 'none', latin varchar(40) character set latin1,
  bytes blob, fixed varbinary(20), flag boolean, doc json, moment datetime(3), stamp timestamp(3) null, day date,
  whole bigint, amount decimal(30, 6), exact double, single float, bits bit(8), choice enum('a', 'b', '1'), age year,
  upper_short varchar(40) generated always as (upper(short)) stored`;

const wide: Readonly<Record<EngineName, string>> = {
  postgres: `id int primary key, body text, short varchar(40) default 'none', latin char(3), bytes bytea, fixed bytea,
    flag boolean, doc json, docb jsonb, moment timestamptz, stamp timestamp, day date, whole bigint, amount numeric(30, 6),
    exact float8, single float4, labels text[], numbers int[],
    upper_short varchar(40) generated always as (upper(short)) stored`,
  mysql: mysqlColumns,
  mariadb: mysqlColumns,
};

function rowsFrom(seed: number, engine: EngineName): readonly Row[] {
  const random = randomFrom(seed * 7919);
  const below = (n: number) => Math.floor(random() * n);
  const one = <T>(of: readonly T[]): T => of[below(of.length)] as T;
  const texts = [
    "",
    "\\",
    "\\N",
    "N",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "'",
    '"',
    "é",
    "日本",
    "😀",
    " ",
    "\\.",
    "?",
    ":a",
    "null",
    "%",
  ];
  const text = (most: number) =>
    Array.from({ length: below(most) }, () =>
      one([...texts, "ab", "Z", ...(engine === "postgres" ? [] : ["\0", "\x1a"])]),
    ).join("");
  const bytes = (most: number) => Buffer.from(Array.from({ length: below(most) }, () => below(256)));
  const moment = () => new Date(946684800000 + below(2 ** 31) * 350);
  const number = () => one([0, -0, 1, -17, 0.1 + 0.2, 123456.789, 1e-7, 9007199254740991, 0.5, random()]);
  const columns: Readonly<Record<string, () => unknown>> = {
    body: () => one([text(30), text(3), 12, 1e-7, 1e21, 12n, true, moment(), one(["NULL", "\\N", ""])]),
    short: () => one([text(8), "\\N", "plain", undefined]),
    latin: () => one(["é\\", "abc", "\t", ""]),
    bytes: () =>
      one([bytes(300), bytes(4), new Uint8Array([0, 9, 10, 92, 255]), engine === "postgres" ? "text" : "text\\"]),
    fixed: () => one([bytes(20), Buffer.alloc(0), Buffer.from("\\N\t\n")]),
    flag: () => one([true, false]),
    doc: () => one([{ a: [1, null, "x\\\t\n\"'"], é: { "😀": true } }, {}, '[1, "\\\\"]', '"text"']),
    moment,
    stamp: moment,
    day: () => one(["2024-02-29", "1999-12-31", new Date(Date.UTC(2020, 1, 3))]),
    whole: () => one([below(1e9), -9223372036854775808n, 9223372036854775807n, "12", Number.MIN_SAFE_INTEGER]),
    amount: () => one([number(), "123456789012345678901234.123456", 12n]),
    exact: () => one([number(), 1.7976931348623157e308, 5e-324, 2.2250738585072014e-308, "1.5"]),
    single: () => one([number(), 3.4e38, 16777217]),
    ...(engine === "postgres"
      ? {
          docb: () => one([{ b: 1, a: "\\u0041\t" }, '{"x": 1}']),
          labels: () => [text(5), null, 'a"b\\c', "{,}", "NULL"],
          numbers: () => one([[1, 2], [], [[1], [2]]]),
        }
      : {
          bits: () => one([5, true, Buffer.from([7])]),
          choice: () => one(["a", "b", "1", 1, 2]),
          age: () => one([0, "0", 2024, "2024", 99]),
        }),
  };
  const plain = seed % 2 === 1; // Of these, nothing has to be inserted.
  return Array.from({ length: 120 }, (_, id) => {
    const values = Object.entries(columns).map(([name, value]) => [name, random() < 0.15 ? null : value()]);
    const row = { id, ...Object.fromEntries(values) };
    return plain && engine !== "postgres" ? { ...row, ...loadable(row) } : row;
  });
}

/** Without the values that MySQL is told by SQL alone. */
function loadable(row: Row): Row {
  const { body, doc, amount, exact, single } = row;
  const spelt = (value: unknown) => (/e/.test(String(value)) ? 1.25 : value);
  return {
    body: typeof body === "number" ? 3 : body,
    doc,
    ...{ amount: spelt(amount), exact: spelt(exact), single: spelt(single) },
    ...{ bits: null, choice: "b", age: "2024", short: "named", day: "2024-02-29" },
  };
}

/** Knex writes `[object Object]` for a document on MySQL; on PostgreSQL it is as it stands. */
function asInserted(row: Row, engine: EngineName): Row {
  const isDocument = row.doc !== null && typeof row.doc === "object";
  return engine !== "postgres" && isDocument ? { ...row, doc: JSON.stringify(row.doc) } : row;
}

function chunks<T>(rows: readonly T[], most: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(rows.length / most) }, (_, i) => rows.slice(i * most, (i + 1) * most));
}
