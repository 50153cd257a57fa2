import { expect, test } from "vitest";
import type { Session } from "../../harness/engines/engine.ts";
import { ledgerOf, type RowChange } from "../../harness/ledger.ts";
import { readingOf } from "../../harness/reading.ts";
import { onStage } from "../stage.ts";

const stage = onStage();
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const databases = Number(process.env.ROUNDS ?? 25);
const tablesOfEach = 6;

const texts = [
  "",
  " ",
  "a",
  "A",
  "b",
  "é",
  "zz",
  "ｚ",
  "\ufffd",
  "\ud7ff",
  "\ue000",
  "🙂",
  "😀",
  "a🙂",
  "aｚ",
  "it's",
  "\\",
];

/** A table as the test knows it: columns by the name that each had before the hop. */
interface Known {
  readonly before: string;
  now: string;
  readonly columns: readonly { readonly before: string; now: string | undefined; readonly type: "int" | "text" }[];
  readonly key: readonly string[];
}

test(`the ledger of random tables is what comparing them in memory gives (SEED=${seed})`, {
  timeout: 300_000,
}, async () => {
  const random = randomFrom(seed);
  for (let round = 0; round < databases; round++) {
    const sandbox = await stage().create();
    const session = await sandbox.connect();
    const tables: Known[] = [];
    for (let i = 0; i < tablesOfEach; i++) tables.push(await plant(session, `t${i}`, random));
    const before = new Map<string, readonly Content[]>();
    for (const table of tables) before.set(table.before, await contentOf(session, table, "before"));
    await session.end();
    const copy = await sandbox.copy();
    const migrator = await sandbox.connect();
    for (const table of tables) await change(migrator, table, random);
    const [was, is] = [readingOf(copy), readingOf(sandbox)];
    const ledger = ledgerOf(was, is);
    for (const table of tables) {
      const expected = comparedInMemory(table, before.get(table.before) ?? [], await contentOf(migrator, table, "now"));
      const told: RowChange[] = [];
      for await (const one of ledger.changes(table.before)) told.push(one);
      const where = `seed ${seed}, round ${round}, ${JSON.stringify(table)}`;
      expect(sorted(told), where).toEqual(sorted(expected));
      const keys = told.map(({ key }) => Object.values(key));
      expect(keys, where).toEqual([...keys].sort(byBytes));
    }
    await migrator.end();
    await Promise.all([was.close(), is.close()]);
    await Promise.all([sandbox.drop(), copy.drop()]);
  }
});

type Random = () => number;
/** One row: column as named before the hop → its text. */
type Content = ReadonlyMap<string, string | null>;

async function plant(session: Session, name: string, random: Random): Promise<Known> {
  const columns = times(1 + below(4, random), (i) => {
    const type = chance(0.5, random) ? ("int" as const) : ("text" as const);
    return { before: `c${i}`, now: `c${i}`, type };
  });
  const key = shuffled(columns, random)
    .slice(0, below(Math.min(3, columns.length + 1), random))
    .map((column) => column.before);
  const list = columns.map(({ before, type }) => `${before} ${type}`).join(", ");
  const primary = key.length === 0 ? "" : `, primary key (${key.join(", ")})`;
  await session.script(`create table ${name} (${list}${primary})`);
  const table: Known = { before: name, now: name, columns, key };
  await insert(session, table, below(60, random), random);
  return table;
}

async function insert(session: Session, table: Known, count: number, random: Random): Promise<void> {
  const columns = table.columns.filter(({ now }) => now !== undefined);
  for (let i = 0; i < count && columns.length > 0; i++) {
    const values = columns.map(({ before, type }) => literalOf(type, table.key.includes(before), random));
    await session.script(
      `insert into ${table.now} (${columns.map(({ now }) => now).join(", ")}) values (${values.join(", ")}) on conflict do nothing`,
    );
  }
}

function literalOf(type: "int" | "text", inKey: boolean, random: Random): string {
  if (!inKey && chance(0.2, random)) return "null";
  return type === "int"
    ? String(below(40, random) - 5)
    : stage().engine.literal(`${one(texts, random)}${one(texts, random)}`);
}

/** A hop of a few random statements. */
async function change(session: Session, table: Known, random: Random): Promise<void> {
  const statements = [
    remove,
    update,
    () => insert(session, table, below(15, random), random),
    rename,
    renameColumn,
    drop,
  ];
  for (const statement of shuffled(statements, random).slice(0, 1 + below(4, random))) await statement();

  async function remove(): Promise<void> {
    const share = random();
    await session.script(
      `delete from ${table.now} where abs(hashtext(ctid::text)) % 1000 < ${Math.round(share * 1000)}`,
    );
  }

  async function update(): Promise<void> {
    const [column] = shuffled(table.columns, random).filter(
      (c) => c.now !== undefined && !table.key.includes(c.before),
    );
    if (column === undefined) return;
    const value = literalOf(column.type, false, random);
    await session.script(`update ${table.now} set ${column.now} = ${value} where abs(hashtext(ctid::text)) % 3 = 0`);
  }

  async function rename(): Promise<void> {
    const name = `${table.now}_renamed`;
    await session.script(`alter table ${table.now} rename to ${name}`);
    table.now = name;
  }

  async function renameColumn(): Promise<void> {
    const [column] = shuffled(table.columns, random).filter(({ now }) => now !== undefined);
    if (column?.now === undefined) return;
    const name = `${column.now}_renamed`;
    await session.script(`alter table ${table.now} rename column ${column.now} to ${name}`);
    column.now = name;
  }

  async function drop(): Promise<void> {
    const left = table.columns.filter(({ now }) => now !== undefined);
    const [column] = shuffled(left, random);
    if (left.length < 2 || column === undefined) return;
    await session.script(`alter table ${table.now} drop column ${column.now}`);
    column.now = undefined;
  }
}

async function contentOf(session: Session, table: Known, when: "before" | "now"): Promise<readonly Content[]> {
  const columns = table.columns.filter((column) => column[when] !== undefined);
  const list = columns.map((column) => `${column[when]}::text as "${column.before}"`).join(", ");
  const rows = await session.query(`select ${list} from ${table[when]}`);
  return rows.map((row) => new Map(columns.map(({ before }) => [before, row[before] as string | null])));
}

/** The ledger as anybody would write it who has all rows at hand. */
function comparedInMemory(table: Known, before: readonly Content[], after: readonly Content[]): readonly RowChange[] {
  const common = table.columns.filter(({ now }) => now !== undefined);
  const whole = table.key.length > 0 && table.key.every((name) => common.some((column) => column.before === name));
  const key = whole ? table.key : common.map((column) => column.before);
  const rest = common.map((column) => column.before).filter((name) => !key.includes(name));
  const nameNow = (name: string) => table.columns.find((column) => column.before === name)?.now ?? name;
  const valuesOf = (row: Content, names: readonly string[]) => names.map((name) => row.get(name) ?? null);
  const left = [...after];
  const changes: RowChange[] = [];
  for (const row of before) {
    const was = valuesOf(row, key);
    const named = Object.fromEntries(key.map((name, i) => [name, was[i] ?? null]));
    const match = left.findIndex((other) => JSON.stringify(valuesOf(other, key)) === JSON.stringify(was));
    if (match < 0) changes.push({ kind: "lost", key: named });
    else {
      const [found] = left.splice(match, 1);
      const changed = rest
        .map((name) => [name, [row.get(name) ?? null, found?.get(name) ?? null]] as const)
        .filter(([, [old, now]]) => old !== now);
      if (changed.length === 0) changes.push({ kind: "kept", key: named });
      else changes.push({ kind: "changed", key: named, changed: Object.fromEntries(changed) });
    }
  }
  for (const row of left) {
    changes.push({ kind: "added", key: Object.fromEntries(key.map((name) => [nameNow(name), row.get(name) ?? null])) });
  }
  return changes;
}

function sorted(changes: readonly RowChange[]): readonly string[] {
  return changes.map((change) => JSON.stringify(change)).sort();
}

function byBytes(a: readonly (string | null)[], b: readonly (string | null)[]): number {
  for (const [i, x] of a.entries()) {
    const y = b[i] ?? null;
    if (x === y) continue;
    if (x === null || y === null) return x === null ? 1 : -1;
    return Buffer.compare(Buffer.from(x), Buffer.from(y));
  }
  return 0;
}

function randomFrom(start: number): Random {
  let state = start >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

function below(limit: number, random: Random): number {
  return Math.floor(random() * limit);
}

function chance(share: number, random: Random): boolean {
  return random() < share;
}

function one<T>(some: readonly T[], random: Random): T {
  return some[below(some.length, random)] as T;
}

function shuffled<T>(some: readonly T[], random: Random): readonly T[] {
  return some
    .map((each) => [random(), each] as const)
    .sort(([a], [b]) => a - b)
    .map(([, each]) => each);
}

function times<T>(count: number, make: (i: number) => T): readonly T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}
