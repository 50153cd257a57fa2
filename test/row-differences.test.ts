// Rows compared by hashes of chunks come out as rows that are read one by one do, whatever the tables are like.
import { describe, expect, test } from "vitest";
import type { Difference } from "../harness/differing.ts";
import type { Session } from "../harness/engines/engine.ts";
import { ledgerOf } from "../harness/ledger.ts";
import { type Reading, readingOf } from "../harness/reading.ts";
import { inRows } from "../harness/row-differences.ts";
import { type Chunk, identityOf } from "../harness/snapshot.ts";
import { type Random, randomFrom } from "./proof/random-values.ts";
import { onStage } from "./stage.ts";
import { engines } from "./walk.contract.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const rounds = Number(process.env.ROUNDS ?? 2);

describe.each(engines)("rows that differ, on %s", (engine) => {
  const stage = onStage(engine);
  const isPostgres = engine === "postgres";

  test(`are told as by reading all of them one by one (SEED=${seed})`, { timeout: 300_000 }, async () => {
    for (let round = 0; round < rounds; round++) {
      const random = randomFrom(seed + round);
      const tables = Array.from({ length: 6 }, (_, i) => randomTable(`t${i}`, random));
      await hop(
        async (session) => {
          for (const table of tables) await made(session, table);
        },
        async (session) => {
          for (const table of tables) await changed(session, table, random);
        },
        async (was, is) => {
          const names = tables.map(({ name }) => name);
          const where = `seed ${seed}, round ${round}: ${JSON.stringify(tables.map(({ name, columns, key }) => ({ name, columns, key })))}`;
          expect(await inRows(was, is, names), where).toEqual(await oneByOne(was, is, names));
          expect(await inRows(is, was, names), where).toEqual(await oneByOne(is, was, names));
        },
      );
    }
  });

  async function hop(
    before: (session: Session) => Promise<unknown>,
    act: (session: Session) => Promise<unknown>,
    read: (was: Reading, is: Reading) => Promise<unknown>,
  ): Promise<void> {
    const sandbox = await stage().create();
    const asked = async (what: (session: Session) => Promise<unknown>) => {
      const session = await sandbox.connect();
      await what(session).finally(() => session.end());
    };
    await asked(before);
    const copy = await sandbox.copy();
    await asked(act);
    const [was, is] = [readingOf(copy), readingOf(sandbox)];
    try {
      await read(was, is);
    } finally {
      await Promise.all([was.close(), is.close()]);
      await Promise.all([copy.drop(), sandbox.drop()]);
    }
  }

  const numbers = (count: number) =>
    isPostgres
      ? `(select n from generate_series(1, ${count}) n) numbers`
      : `(with recursive r (n) as (select 1 union all select n + 1 from r where n < ${count}) select n from r) numbers`;
  const depth = { mysql: "cte_max_recursion_depth", mariadb: "max_recursive_iterations", postgres: "" }[engine];
  const many = (count: number) => (isPostgres ? "" : `set ${depth} = ${count + 1};`);

  test("are found where two rows have changed places in one column, or pairs were added", () =>
    hop(
      (session) =>
        session.script(`create table swapped (id int primary key, a int, b varchar(20)); create table pairs (a int, b varchar(9));
          ${many(5000)} insert into swapped select n, n % 7, concat('b', n) from ${numbers(5000)};
          insert into pairs select n % 5, 'x' from ${numbers(5000)}`),
      (session) =>
        session.script(`update swapped set b = case id when 1 then 'b2' else 'b1' end where id in (1, 2);
          update swapped set a = case id when 8 then 2 else 1 end where id in (8, 9);
          insert into pairs values (9, 'y'), (9, 'y')`),
      async (was, is) => {
        expect(await inRows(was, is, ["swapped", "pairs"])).toMatchObject([
          { rows: { lost: 0, added: 0, columns: ["b", "a"] }, message: expect.stringContaining("4 rows changed") },
          { rows: { lost: 0, added: 2 } },
        ]);
      },
    ));

  test("are read from chunks that differ alone, by the columns that do", async () => {
    const wide = Array.from({ length: 6 }, (_, i) => `f${i} varchar(60)`).join(", ");
    const filled = Array.from({ length: 6 }, (_, i) => `concat('${"x".repeat(30)}', n * ${i})`).join(", ");
    const key = isPostgres ? "md5(n::text)" : "sha2(n, 224)";
    await hop(
      (session) =>
        session.script(`create table a (id int primary key, ${wide}); create table b (id varchar(60) primary key, ${wide});
          create table c (id int primary key, ${wide}); ${many(20_000)}
          insert into a select n, ${filled} from ${numbers(20_000)}; insert into b select ${key}, ${filled} from ${numbers(20_000)};
          insert into c select * from a`),
      (session) =>
        session.script(`update a set f3 = 'y' where id = 777; update b set f3 = 'y' where f1 like '%x777';
          update c set f2 = concat(f2, 'y')`),
      async (was, is) => {
        const read = { a: 0, b: 0, c: 0 };
        const counting: Reading = {
          ...was,
          async *pieces(of, chunks) {
            for await (const rows of was.pieces(of, chunks)) {
              read[of.table.name as keyof typeof read] += rows.length * of.columns.length;
              yield rows;
            }
          },
        };
        const found = await inRows(counting, is, ["a", "b", "c"]);
        expect(found).toEqual(await oneByOne(was, is, ["a", "b", "c"]));
        expect(found.map(({ rows }) => rows?.columns)).toEqual([["f3"], ["f3"], ["f2"]]);
        expect(read.a).toBeLessThan(20_000);
        expect(read.b).toBeLessThan(20_000);
        expect(read.c).toBeLessThan(60_000);
      },
    );
  });

  test("are told of texts that differ behind thousands of characters, or in their length alone", async () => {
    const [text, bytes] = isPostgres ? ["text", "bytea"] : ["longtext", "longblob"];
    const asBytes = (sql: string) => (isPostgres ? `convert_to(${sql}, 'UTF8')` : sql);
    const long = "repeat('é', 5000)";
    await hop(
      (session) =>
        session.script(`create table t (id int primary key, d ${text}, b ${bytes}); create table k (d ${text}, n int);
          insert into t values (1, ${long}, null), (2, ${long}, ${asBytes(long)}), (3, ${long}, null), (4, 'x', ${asBytes(long)});
          insert into k values (${long}, 1), (${long}, 1), ('x', 2)`),
      (session) =>
        session.script(`update t set d = concat(repeat('é', 4999), 'e') where id = 1; update t set b = ${asBytes("repeat('é', 4999)")} where id = 4;
          update t set d = repeat('é', 4999) where id = 2`),
      async (was, is) => {
        const [found, ...others] = await inRows(was, is, ["t", "k"]);
        expect(others).toEqual([]);
        expect(found?.message).toContain('"t": 3 rows changed in "d", "b"; the first by id: {"id":"1"}');
        expect(await inRows(was, is, ["t", "k"])).toEqual(await oneByOne(was, is, ["t", "k"]));
      },
    );
  });

  test("have fingerprints that tell apart what texts tell apart", async () => {
    const values: readonly (readonly [type: string, one: string, other: string])[] = isPostgres
      ? [
          ["numeric", "1.0", "1.00"],
          ["double precision", "'0'::float8", "'-0'::float8"],
          ["real", "'0'::float4", "'-0'::float4"],
          ["jsonb", `'{"a": 1.0}'`, `'{"a": 1.00}'`],
          ["interval", "'30 days'", "'1 month'"],
          ["int[]", "'{1,2}'", "'{{1,2}}'"],
          ["text", "''", "null"],
          ["text collate folded", "'a'", "'A'"],
          ["timestamptz", "'2024-01-01'", "'2024-01-02'"],
          ["time with time zone", "'10:00+01'", "'11:00+02'"],
          ["point", "'(1,2)'", "'(1,3)'"],
          ["pair", "row(1, '1.0')", "row(1, '1.00')"],
        ]
      : [
          ["double", "0e0", "1e-300"],
          ["float", "16777216", "16777214"],
          ["varchar(9) collate utf8mb4_general_ci", "'a'", "'A'"],
          ["varchar(9)", "'a'", "'a '"],
          ["varchar(9)", "''", "null"],
          ["blob", "x'00'", "x'0000'"],
          ["text", "repeat('a', 5000)", "concat(repeat('a', 4999), 'b')"],
          ["point", "point(1, 2)", "point(1, 3)"],
          ["datetime(6)", "'2024-01-01'", "'2024-01-01 00:00:00.000001'"],
        ];
    const types = isPostgres
      ? `create collation folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         create type pair as (n int, v numeric);`
      : "";
    await hop(
      (session) =>
        session.script(
          `${types} ${values.map(([type, one], i) => `create table v${i} (id int primary key, v ${type}); insert into v${i} values (1, ${one})`).join(";")}`,
        ),
      (session) => session.script(values.map(([, , other], i) => `update v${i} set v = ${other}`).join(";")),
      async (was, is) => {
        const names = values.map((_, i) => `v${i}`);
        const found = await inRows(was, is, names);
        expect(found.map(({ table }) => table)).toEqual(names);
        expect(found).toEqual(await oneByOne(was, is, names));
      },
    );
  });

  /** Columns whose type has changed: what was the same number is another text. */
  test("are told by their texts where a column has another type", () =>
    hop(
      (session) =>
        session.script(
          "create table t (id int primary key, a int, b int); insert into t values (1, 1, 1), (2, 0, 2), (3, null, 3)",
        ),
      (session) =>
        session.script(
          isPostgres
            ? "alter table t alter a type boolean using a = 1; alter table t alter b type text; alter table t alter id type bigint"
            : "alter table t modify a decimal(5, 1); alter table t modify b varchar(9); alter table t modify id bigint",
        ),
      async (was, is) => {
        const found = await inRows(was, is, ["t"]);
        expect(found).toMatchObject([{ rows: { lost: 0, added: 0, columns: ["a"] } }]);
        expect(found).toEqual(await oneByOne(was, is, ["t"]));
      },
    ));

  test("fall into the same chunks on both sides, and every row into one", () =>
    hop(
      (session) =>
        session.script(
          `create table t (id bigint primary key, v varchar(9)); ${many(300)} insert into t select n - 150, 'v' from ${numbers(300)}`,
        ),
      (session) => session.script("insert into t values (9000000000000000000, 'far')"),
      async (was, is) => {
        const [table] = await was.tables();
        if (table === undefined) throw new Error("There is no table");
        const of = { table, key: ["id"], columns: ["id", "v"] };
        const counted = (chunks: readonly Chunk[] | undefined) => chunks?.reduce((sum, { rows }) => sum + rows, 0);
        const [least, most] = (await was.bounds([table]))[0] ?? [];
        expect([least, most]).toEqual([-149n, 150n]);
        const chunkings = [{ hashes: 8 }, { ranges: { column: "id", from: -149n, width: 40n } }] as const;
        for (const chunking of chunkings) {
          const [ours] = await was.chunks([{ ...of, chunking }]);
          const [theirs] = await is.chunks([{ ...of, chunking }]);
          expect([counted(ours), counted(theirs)]).toEqual([300, 301]);
          const unlike = theirs?.filter((one) => !ours?.some((a) => a.number === one.number && a.print === one.print));
          expect(unlike).toHaveLength(1);
          const ids: (string | null | undefined)[] = [];
          for await (const rows of is.pieces(
            { ...of, chunking },
            unlike?.map(({ number }) => number),
          ))
            ids.push(...rows.map(([id]) => id));
          expect(ids).toContain("9000000000000000000");
          const all: bigint[] = [];
          for await (const rows of is.pieces({ ...of, chunking })) all.push(...rows.map(([id]) => BigInt(id ?? 0)));
          expect(all).toHaveLength(301);
          if ("ranges" in chunking) expect(all).toEqual([...all].sort((a, b) => (a < b ? -1 : 1)));
          expect(ids).toHaveLength(unlike?.[0]?.rows ?? 0);
        }
      },
    ));

  interface Made {
    readonly name: string;
    readonly columns: readonly (readonly [name: string, kind: Kind])[];
    readonly key: readonly string[];
    readonly rows: readonly (readonly string[])[];
  }

  interface Kind {
    readonly type: string;
    readonly one: (n: number, random: Random) => string;
  }

  function kinds(): readonly Kind[] {
    const text = (value: string) => stage().engine.literal(value);
    const words = ["", " ", "a", "A", "é", "🙂", "it's", "\\", "a,b", "1,a", "ｚ"];
    const word = (_: number, random: Random) => text(`${one(words, random)}${one(words, random)}`);
    const common: readonly Kind[] = [
      { type: "int", one: (_, random) => String(below(50, random)) },
      { type: "varchar(40)", one: word },
      { type: "text", one: (n, random) => text(one(words, random) + "x".repeat(n % 90)) },
      { type: "numeric(10,2)", one: (_, random) => `${below(50, random)}.${below(100, random)}` },
      { type: "date", one: (_, random) => `'2024-01-${10 + below(19, random)}'` },
    ];
    return isPostgres
      ? [
          ...common,
          { type: "numeric", one: (_, random) => one(["1", "1.0", "1.00", "-0", "0.0"], random) },
          { type: "double precision", one: (_, random) => one(["'0'", "'-0'", "'NaN'", "0.1"], random) },
          { type: "jsonb", one: (_, random) => `'{"a": ${one(["1", "1.0", "null"], random)}}'` },
          { type: "timestamptz(3)", one: (_, random) => `'2024-01-01 00:00:${10 + below(40, random)}.123Z'` },
          { type: "uuid", one: (_, random) => `md5('${below(99, random)}')::uuid` },
          { type: "int[]", one: (_, random) => one(["'{1,2}'", "'{{1,2}}'", "'[2:3]={1,2}'"], random) },
          { type: "point", one: (_, random) => `point(${below(9, random)}, 1)` },
          { type: "char(5)", one: (_, random) => one(["'a'", "'ab'", "''"], random) },
        ]
      : [
          ...common,
          { type: "double", one: (_, random) => one(["0", "0.1", "1e300"], random) },
          { type: "float", one: (_, random) => one(["0.1", "16777216", "16777214"], random) },
          { type: "blob", one: (_, random) => one(["x'00'", "''", "x'ff00'", "repeat('y', 5000)"], random) },
          { type: "datetime(3)", one: (_, random) => `'2024-01-01 00:00:${10 + below(40, random)}.123'` },
          { type: "varchar(9) character set latin1", one: (_, random) => one(["'é'", "'a'", "'A'", "''"], random) },
          { type: "varchar(40) collate utf8mb4_unicode_ci", one: word },
          { type: "varchar(40) collate utf8mb4_bin", one: word },
          { type: "varchar(9) character set utf8mb3", one: (_, random) => one(["'é'", "'a'", "'A'", "''"], random) },
          { type: "int(5) zerofill", one: (_, random) => String(below(50, random)) },
          { type: "enum('b', 'a')", one: (_, random) => one(["'a'", "'b'"], random) },
          { type: "json", one: (_, random) => `'{"a": ${one(["1", "2", "null"], random)}}'` },
        ];
  }

  function randomTable(name: string, random: Random): Made {
    const number: Kind = { type: "bigint", one: (n) => String(n * 3 - 1000) };
    const sparse: Kind = { type: "bigint", one: (n) => String(BigInt(n) ** 4n - 7n) };
    const textual: Kind = { type: "varchar(60)", one: (n) => `'${n % 2 === 0 ? "k" : "K"}${n * 7919}'` };
    const modulo: Kind = { type: "int", one: (n) => String(n % 13) };
    const keys = one([[number], [sparse], [textual], [modulo, number], [modulo, textual], []], random);
    const others = Array.from({ length: 1 + below(6, random) }, () => one(kinds(), random));
    const columns = [...keys, ...others].map((kind, i) => [`c${i}`, kind] as const);
    const rows = Array.from({ length: one([0, 40, 1500, 3000], random) }, (_, n) =>
      columns.map(([, kind], i) => (i >= keys.length && random() < 0.1 ? "null" : kind.one(n, random))),
    );
    // Without a key, some rows stand there more than once.
    const twice = keys.length === 0 ? rows.slice(0, 30) : [];
    return { name, columns, key: columns.slice(0, keys.length).map(([key]) => key), rows: [...rows, ...twice] };
  }

  async function made(session: Session, { name, columns, key, rows }: Made): Promise<void> {
    const list = columns.map(([column, { type }]) => `${column} ${type}`).join(", ");
    await session.script(
      `create table ${name} (${list}${key.length === 0 ? "" : `, primary key (${key.join(", ")})`})`,
    );
    for (let i = 0; i < rows.length; i += 500)
      await session.script(
        `insert into ${name} values ${rows
          .slice(i, i + 500)
          .map((row) => `(${row.join(", ")})`)
          .join(", ")}`,
      );
  }

  /** Rows that a hop changes are named by what they hold, which is the same on every engine. */
  async function changed(session: Session, { name, columns, key, rows }: Made, random: Random): Promise<void> {
    const rest = columns.slice(key.length);
    const rowOf = (row: readonly string[]) => key.map((column, i) => `${column} = ${row[i]}`).join(" and ");
    const some = () => one([0, 0, 1, 11, 400], random);
    const picked = (count: number) => Array.from({ length: count }, () => one(rows, random)).filter(Boolean);
    const [column, kind] = one(rest, random);
    if (key.length > 0) {
      const gone = picked(some());
      if (gone.length > 0)
        await session.script(`delete from ${name} where ${gone.map((row) => `(${rowOf(row)})`).join(" or ")}`);
      for (const row of picked(Math.min(20, some())))
        await session.script(
          `update ${name} set ${column} = ${kind.one(below(999, random), random)} where ${rowOf(row)}`,
        );
    }
    if (random() < 0.3) await session.script(`update ${name} set ${column} = ${kind.one(1, random)}`);
    const added = Array.from({ length: Math.min(11, some()) }, (_, n) =>
      columns.map(([, one]) => one.one(10_000 + n, random)),
    );
    if (added.length > 0)
      await session.script(`insert into ${name} values ${added.map((row) => `(${row.join(", ")})`).join(", ")}`);
    if (random() < 0.15 && rest.length > 1) await session.script(`alter table ${name} drop column ${column}`);
    if (random() < 0.15 && key.length > 0)
      await session.script(
        isPostgres ? `alter table ${name} drop constraint ${name}_pkey` : `alter table ${name} drop primary key`,
      );
  }
});

/** The same sentences from the ledger, which reads every row. */
async function oneByOne(one: Reading, other: Reading, names: readonly string[]): Promise<readonly Difference[]> {
  const found: Difference[] = [];
  const tables = await one.tables();
  for (const table of names.flatMap((name) => tables.find((one) => one.name === name) ?? [])) {
    const counts = { kept: 0, changed: 0, lost: 0, added: 0 };
    const columns = new Set<string>();
    let first: string | undefined;
    for await (const change of ledgerOf(one, other).changes(table.name)) {
      counts[change.kind] += 1;
      for (const column of Object.keys(change.changed ?? {})) columns.add(column);
      if (change.kind !== "kept") first ??= JSON.stringify(change.key);
    }
    const { changed, lost, added } = counts;
    const told = Object.entries({ added, gone: lost, changed }).flatMap(([word, count]) =>
      count === 0 ? [] : [`${count} ${count === 1 ? "row" : "rows"} ${word}`],
    );
    if (told.length === 0 || first === undefined) continue;
    const where = columns.size === 0 ? "" : ` in ${[...columns].map((name) => `"${name}"`).join(", ")}`;
    const begun = first.length <= 200 ? first : `${first.slice(0, 200)}…`;
    const message = `"${table.name}": ${told.join(", ")}${where}; the first by ${identityOf(table).join(", ")}: ${begun}`;
    found.push({ code: "rows-differ", table: table.name, message, rows: { lost, added, columns: [...columns] } });
  }
  return found;
}

function below(limit: number, random: Random): number {
  return Math.floor(random() * limit);
}

function one<T>(some: readonly T[], random: Random): T {
  return some[below(some.length, random)] as T;
}
