import type { Client } from "pg";
import {
  type Catalogue,
  type Entry,
  type ForeignKey,
  primaryKeyOf,
  type Row,
  type Snapshot,
  type Table,
} from "../snapshot.ts";
import { readCatalogue } from "./postgres-catalogue.ts";

const rowsAtATime = 1000;

/** One read-only transaction is the moment; cursors in it hand out rows as they are asked for. */
export async function openSnapshot(client: Client): Promise<Snapshot & { end(): Promise<void> }> {
  await client.query("begin isolation level repeatable read, read only");
  let catalogue: Promise<Catalogue> | undefined;
  let cursors = 0;

  async function* cursor<T>(sql: string, asText: boolean): AsyncGenerator<T> {
    const name = `c${++cursors}`;
    await client.query(`declare ${name} no scroll cursor for ${sql}`);
    try {
      for (;;) {
        const text = `fetch ${rowsAtATime} from ${name}`;
        const { rows } = asText ? await client.query({ text, rowMode: "array" }) : await client.query(text);
        yield* rows as T[];
        if (rows.length < rowsAtATime) return;
      }
    } finally {
      await client.query(`close ${name}`).catch(() => {}); // The moment may have ended before its reader did.
    }
  }

  const snapshot: Snapshot = {
    catalogue: () => (catalogue ??= readCatalogue(client)),

    async *rows(name) {
      const table = (await snapshot.catalogue()).tables.find((t) => t.name === name);
      if (table === undefined) throw new Error(`There is no table "${name}" in this snapshot`);
      const key = primaryKeyOf(table) ?? [];
      const order = key.length === 0 ? "" : ` order by ${key.map(quoted).join(", ")}`;
      yield* cursor<Row>(`select * from ${sqlName(table)}${order}`, false);
    },

    async all(name) {
      const rows: Row[] = [];
      for await (const row of snapshot.rows(name)) rows.push(row);
      return rows;
    },

    async query(sql) {
      await client.query("savepoint question");
      try {
        return (await client.query<Row>(sql)).rows;
      } finally {
        await client.query("rollback to savepoint question"); // A question that fails must not end the moment.
      }
    },

    async *entries(table, key, columns) {
      const asText = (name: string, i: number) => `${quoted(name)}::text as c${i}`;
      const order = key.map((_, i) => `c${i} collate "C" nulls last`).join(", ");
      const list = [...key, ...columns].map(asText).join(", ");
      const sql = `select * from (select ${list} from ${sqlName(table)}) as entries order by ${order}`;
      for await (const row of cursor<(string | null)[]>(sql, true)) {
        yield { key: row.slice(0, key.length), values: row.slice(key.length) } satisfies Entry;
      }
    },

    async orphans(table, foreignKey) {
      const parent = (await snapshot.catalogue()).tables.find((t) => t.name === foreignKey.to);
      if (parent === undefined) return 0;
      const { rows } = await client.query<{ orphans: string }>(orphansOf(table, foreignKey, parent));
      return Number(rows[0]?.orphans ?? 0);
    },

    async hasRows() {
      const { tables } = await snapshot.catalogue();
      if (tables.length === 0) return false;
      const any = tables.map((table) => `exists (select from ${sqlName(table)})`).join(" or ");
      const { rows } = await client.query<{ any: boolean }>(`select ${any} as any`);
      return rows[0]?.any ?? false;
    },
  };
  return { ...snapshot, end: () => client.end() };
}

function orphansOf(table: Table, { columns, toColumns }: ForeignKey, parent: Table): string {
  const refers = columns.map((column) => `child.${quoted(column)} is not null`).join(" and ");
  const meets = columns
    .map((column, i) => `parent.${quoted(toColumns[i] ?? "")} = child.${quoted(column)}`)
    .join(" and ");
  return `select count(*) as orphans from ${sqlName(table)} as child
    where ${refers} and not exists (select from ${sqlName(parent)} as parent where ${meets})`;
}

function sqlName(table: Table): string {
  return `${quoted(table.schema)}.${quoted(table.name.slice(table.schema === "public" ? 0 : table.schema.length + 1))}`;
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
