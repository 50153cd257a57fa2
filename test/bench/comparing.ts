import { differences } from "../../harness/difference.ts";
import { readingOf } from "../../harness/reading.ts";
import { openStage, type Sandbox, type Stage } from "../../harness/sandbox.ts";
import { haveServer } from "../../harness/servers/had.ts";
import { peakOfComparing } from "../comparing-peak.ts";
import { compare, type Figure, timed } from "./figure.ts";

const tables = 200;
const megabytes = 200;
const rounds = Number(process.env.ROUNDS ?? 5);

/** Columns of a table, and the values of its row n. */
type Columns = readonly (readonly [column: string, value: string])[];

/** A table that is large, some of a middling size, and many small ones; 1,000,000 rows in all. */
const rowsOf = (table: number) => (table === 1 ? 200_000 : table <= 5 ? 50_000 : Math.round(600_000 / (tables - 5)));

/** Comparing two databases, against nothing but hashing every row of both by the raw client, one after the other. */
export async function* comparing(): AsyncGenerator<Figure> {
  yield* comparingOn("postgres", "columns that hash_record takes", plain, 0.4);
  yield* comparingOn("postgres", "floats, numbers without a scale and jsonb, too", [...plain, ...awkward], 1);
  yield* comparingOn("mariadb", "columns of all kinds", mariadbs, 1);
}

const plain: Columns = [
  ["id int primary key", "n"],
  ["parent int not null", "n % 100"],
  ["amount bigint", "n * 7"],
  ["name text", "'name ' || n"],
  ["code varchar(50)", "'x' || n"],
  ["digest varchar(100)", "md5(n::text)"],
  ["active boolean", "n % 2 = 0"],
  ["made timestamptz", "'2024-01-01'::timestamptz + n * interval '1 second'"],
  ["due date", "'2024-01-01'::date + n % 1000"],
  ["price numeric(10,2)", "n % 10000"],
  ["notes text", "md5(n::text) || md5((n + 1)::text)"],
  ["token uuid", "md5(n::text)::uuid"],
  ["nothing int", "null"],
];

const awkward: Columns = [
  ["share double precision", "n / 7.0"],
  ["exact numeric", "n / 10.0"],
  ["doc jsonb", "jsonb_build_object('n', n, 'even', n % 2 = 0)"],
];

const mariadbs: Columns = [
  ["id int primary key", "n"],
  ["parent int not null", "n % 100"],
  ["amount bigint", "n * 7"],
  ["name text", "concat('name ', n)"],
  ["code varchar(50)", "concat('x', n)"],
  ["digest varchar(100)", "md5(n)"],
  ["active boolean", "n % 2 = 0"],
  ["made timestamp null", "'2024-01-01' + interval n second"],
  ["due date", "'2024-01-01' + interval n % 1000 day"],
  ["price decimal(10,2)", "n % 10000"],
  ["notes text", "concat(md5(n), md5(n + 1))"],
  ["token char(36)", "uuid()"],
  ["nothing int", "null"],
  ["share double", "n / 7.0"],
];

async function* comparingOn(
  engine: "postgres" | "mariadb",
  what: string,
  columns: Columns,
  target: number,
): AsyncGenerator<Figure> {
  const server = await haveServer({ engine });
  try {
    const stage = await openStage(server);
    const base = await filled(await stage.create(), engine, columns);
    await base.freeze();
    const states = [
      ["equal", []],
      ["11 rows that differ", elevenRows],
      ["every row of the largest table changed", ["update t1 set parent = parent + 1, name = 'new'"]],
    ] as const;
    for (const [name, sql] of states) {
      const other = await changed(base, sql);
      const count = sql.length === 0 ? 0 : name.startsWith("11") ? 11 : 1;
      yield await compare(
        {
          name: `comparing, ${engine}, ${name}`,
          what: `${tables} tables, 1,000,000 rows: ${what}`,
          floor: "md5 of each row of both, one after the other",
          target,
        },
        {
          rounds,
          ours: () => compared(base, other, count),
          floor: () => hashed([base, other], engine, columns),
        },
      );
      yield await peak(stage, [base, other], name);
      await other.drop();
    }
    const other = await changed(
      base,
      Array.from({ length: tables }, (_, i) => `update t${i + 1} set notes = 'x', code = 'y', price = 1, amount = id`),
    );
    yield await peak(stage, [base, other], "every row of all tables changed");
    await other.drop();
    await base.drop();
    await stage.leave();
  } finally {
    await server.stop();
  }
}

/** One in each of eleven tables, large and small. */
const elevenRows = Array.from(
  { length: 11 },
  (_, i) => `update t${1 + i * 17} set name = 'another' where id = ${1000 + 99 * i}`,
);

async function filled(sandbox: Sandbox, engine: "postgres" | "mariadb", columns: Columns): Promise<Sandbox> {
  const session = await sandbox.connect();
  for (let table = 1; table <= tables; table++) {
    const numbers =
      engine === "postgres"
        ? `generate_series(1, ${rowsOf(table)}) n`
        : `(select seq as n from seq_1_to_${rowsOf(table)}) s`;
    await session.script(`create table t${table} (${columns.map(([column]) => column).join(", ")});
      insert into t${table} select ${columns.map(([, value]) => value).join(", ")} from ${numbers}`);
  }
  await session.end();
  return sandbox;
}

async function changed(base: Sandbox, sql: readonly string[]): Promise<Sandbox> {
  const sandbox = await base.clone();
  const session = await sandbox.connect();
  for (const statement of sql) await session.script(statement);
  await session.end();
  await sandbox.freeze();
  return sandbox;
}

async function compared(one: Sandbox, other: Sandbox, expected: number): Promise<number> {
  const readings = [readingOf(one), readingOf(other)] as const;
  let found = 0;
  const elapsed = await timed(async () => {
    found = (await differences(...readings)).length;
  });
  for (const reading of readings) await reading.forget();
  if (found !== expected) throw new Error(`${found} tables differ, and should be ${expected}`);
  return elapsed;
}

async function hashed(
  sandboxes: readonly Sandbox[],
  engine: "postgres" | "mariadb",
  columns: Columns,
): Promise<number> {
  const names = columns.map(([column]) => column.split(" ")[0]).join(", ");
  const row = engine === "postgres" ? "t::text" : `concat_ws('|', ${names})`;
  const sql = Array.from({ length: tables }, (_, i) => `select count(md5(${row})) from t${i + 1} t`).join("; ");
  let elapsed = 0;
  for (const sandbox of sandboxes) {
    await sandbox.thaw();
    const session = await sandbox.connect();
    elapsed += await timed(() => session.script(sql));
    await session.end();
    await sandbox.freeze();
  }
  return elapsed;
}

/** Peak memory of a Node process that does nothing else than compare two databases. */
async function peak({ engine }: Stage, sandboxes: readonly [Sandbox, Sandbox], name: string): Promise<Figure> {
  const { peak: ours } = await peakOfComparing(engine, sandboxes);
  for (const sandbox of sandboxes) await sandbox.freeze();
  return {
    name: `comparing, ${engine.name}, ${name}`,
    what: "peak resident memory of Node",
    floor: `${megabytes} MB allowed`,
    ours,
    floors: megabytes,
    unit: "MB",
    ratio: ours / megabytes,
    target: 1,
  };
}
