// A state with few rows is remembered: what a ledger asks of it is answered as the database itself would.
import { describe, expect, test } from "vitest";
import type { Session } from "../harness/engines/engine.ts";
import { readingOf } from "../harness/reading.ts";
import type { Counted } from "../harness/remembered.ts";
import { type Entry, identityOf, type Snapshot, type TableOutline } from "../harness/snapshot.ts";
import { onStage } from "./stage.ts";
import { engines } from "./walk.contract.ts";

describe.each(engines)("a state that is remembered, on %s", (engine) => {
  const stage = onStage(engine);
  const isPostgres = engine === "postgres";

  /** The state that some SQL makes, as it is read and as it is remembered. */
  async function state(sql: string, look: (now: Snapshot, held: Counted | undefined) => Promise<void>): Promise<void> {
    const sandbox = await stage().create();
    const session: Session = await sandbox.connect();
    await session.script(sql).finally(() => session.end());
    const reading = readingOf(sandbox);
    // Read afresh, by another session: a reading answers out of what it has read already.
    const now = await sandbox.snapshot();
    try {
      await look(now, await reading.remembered());
    } finally {
      await now.end();
      await reading.forget();
      await sandbox.drop();
    }
  }

  const awkward = isPostgres
    ? `create table awkward (id bigint primary key, t text, n numeric, f double precision, b bytea, j jsonb, d timestamptz, x boolean, u uuid);
       insert into awkward values (1, 'plain', 1.0, 0.1, '\\x00ff', '{"a": 1.00}', '2024-01-01 00:00:00.000001Z', true, gen_random_uuid()),
         (2, '', 1.00, 'NaN', '', '[]', 'infinity', false, null), (10, null, null, null, null, null, null, null, null),
         (-1, 'ünï 😀 "quoted" \\ back', 1e30, '-0', '\\x27', 'null', '0001-01-01 BC', null, null);`
    : `create table awkward (id bigint primary key, t text, n decimal(30, 10), f double, b blob, j json, d datetime(6), x bit(3), e enum('a', 'b'));
       insert into awkward values (1, 'plain', 1.0, 0.1, x'00ff', '{"a": 1.00}', '2024-01-01 00:00:00.000001', b'101', 'a'),
         (2, '', 1.00, -0.0, x'', '[]', '1000-01-01', b'0', null), (10, null, null, null, null, null, null, null, null),
         (-1, 'ünï 😀 "quoted" \\\\ back', 1e15, 1e-300, x'27', 'null', '9999-12-31', null, 'b');`;
  const texts =
    `create table texts (k varchar(20) primary key, v int); insert into texts values ('b', 1), ('B', 2), ('a', 3), ('10', 4), ('9', 5), ('ä', 6);`
      // Where letters of both cases are one, they are no two keys.
      .replace("varchar(20)", isPostgres ? "varchar(20)" : "varchar(20) character set utf8mb4 collate utf8mb4_bin");
  const keyless =
    "create table keyless (a int, b varchar(9)); insert into keyless values (1, 'x'), (1, 'x'), (null, 'y'), (2, null), (null, null);";
  const orphaned = isPostgres
    ? `create table parents (id int primary key); create table children (id int primary key, parent int);
       insert into parents values (1); insert into children values (1, 1), (2, 7), (3, null);
       alter table children add constraint of_parent foreign key (parent) references parents (id) not valid;`
    : `create table parents (id int primary key); create table children (id int primary key, parent int,
         constraint of_parent foreign key (parent) references parents (id));
       insert into parents values (1); set foreign_key_checks = 0; insert into children values (1, 1), (2, 7), (3, null);`;
  const empty = "create table hollow (id int primary key, note text);";

  test("tells tables, rows, prints and orphans as the database does", async () => {
    await state(`${awkward} ${texts} ${keyless} ${orphaned} ${empty}`, async (now, held) => {
      if (held === undefined) throw new Error("It was not remembered");
      const tables = await now.tables();
      expect(await held.tables()).toEqual(tables);
      for (const table of tables) {
        const key = identityOf(table);
        const rest = namesIn(table).filter((name) => !key.includes(name));
        expect(await gathered(held.entries(table, key, rest)), table.name).toEqual(
          await gathered(now.entries(table, key, rest)),
        );
        // By another column than its key, as after a hop that took the key away.
        for (const name of namesIn(table))
          expect(sorted(await gathered(held.entries(table, [name], []))), `${table.name}.${name}`).toEqual(
            sorted(await gathered(now.entries(table, [name], []))),
          );
      }
      const references = tables.flatMap((table) => table.foreignKeys.map((key) => ({ table, key })));
      expect(references).toHaveLength(1);
      expect(await held.orphans(references)).toEqual([1]);
      expect(await now.orphans(references)).toEqual([1]);
      const counts = { awkward: 4, texts: 6, keyless: 5, parents: 1, children: 3 };
      expect(await held.filled()).toEqual(new Map(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1))));
      expect(await held.hasRows()).toBe(true);
      const [none] = await held.fingerprints([{ table: named(tables, "hollow"), columns: ["id"] }]);
      expect(none).toBe("0");
    });
  });

  test("has prints that are the same where a reading of the same rows has them, whatever columns are asked for", async () => {
    await state(`${awkward} ${keyless}`, async (now, held) => {
      const sandbox = await stage().create();
      const session = await sandbox.connect();
      await session.script(`${awkward} ${keyless}`.replace("gen_random_uuid()", "null"));
      const other = readingOf(sandbox);
      const tables = await now.tables();
      const all = tables.flatMap((table) => namesIn(table).map((name) => ({ table, columns: [name] })));
      const same = async () => {
        const [one, two] = [await held?.fingerprints(all), await other.fingerprints(all)];
        return all.filter((_, i) => one?.[i] === two[i]).map(({ table, columns }) => `${table.name}.${columns[0]}`);
      };
      expect(await same()).toEqual(
        all.map(({ table, columns }) => `${table.name}.${columns[0]}`).filter((name) => name !== "awkward.u"),
      );
      await other.forget();
      await session.script("update awkward set t = 'other' where id = 1; delete from keyless where a = 2");
      await session.end();
      expect(await same()).not.toContain("awkward.t");
      expect(await same()).not.toContain("keyless.a");
      expect(await same()).toContain("awkward.n");
      await other.forget();
      await sandbox.drop();
    });
  });

  test.each([
    ["many rows in one table", 257, "'x'"],
    ["a long text", 1, "repeat('x', 1025)"],
  ])("is not remembered with %s", async (_, rows, value) => {
    const values = Array.from({ length: rows }, (_, i) => `(${i}, ${value})`).join(", ");
    const sql = `create table t (id int primary key, note text); insert into t values ${values}`;
    await state(sql, async (_, held) => expect(held).toBeUndefined());
    const less = sql.replace(", (256, 'x')", "").replace("1025", "1024");
    await state(less, async (_, held) => expect(await held?.filled()).toEqual(new Map([["t", Math.min(rows, 256)]])));
  });

  test("is not remembered with many rows in all of its tables", async () => {
    const values = Array.from({ length: 250 }, (_, i) => `(${i})`).join(", ");
    const tables = Array.from(
      { length: 9 },
      (_, i) => `create table t${i} (id int); insert into t${i} values ${values}`,
    );
    await state(tables.join(";"), async (_, held) => expect(held).toBeUndefined());
    await state(tables.slice(1).join(";"), async (_, held) => expect((await held?.filled())?.size).toBe(8));
  });
});

async function gathered(entries: AsyncIterable<Entry>): Promise<readonly Entry[]> {
  const all: Entry[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
}

function sorted(entries: readonly Entry[]): readonly string[] {
  return entries.map(({ key }) => JSON.stringify(key)).sort();
}

function namesIn({ columns }: TableOutline): readonly string[] {
  return columns.map(({ name }) => name);
}

function named(tables: readonly TableOutline[], name: string): TableOutline {
  const table = tables.find((one) => one.name === name);
  if (table === undefined) throw new Error(`There is no table ${name}`);
  return table;
}
