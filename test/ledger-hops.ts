import { type Ledger, ledgerOf, type RowChange } from "../harness/ledger.ts";
import { readingOf } from "../harness/reading.ts";
import type { Stage } from "../harness/sandbox.ts";

export interface Hops {
  /** What a piece of SQL, the hop, does to a database that another has made. */
  hop<T>(before: string, sql: string, read: (ledger: Ledger) => Promise<T>): Promise<T>;
  changes(before: string, sql: string, table: string): Promise<readonly RowChange[]>;
}

/** Hops on the stage of one engine, for tests of what ledgers tell of them. */
export function hopsOn(stage: () => Stage): Hops {
  const hop: Hops["hop"] = async (before, sql, read) => {
    const sandbox = await stage().create();
    const session = await sandbox.connect();
    await session.script(before);
    await session.end();
    const copy = await sandbox.copy();
    const migrator = await sandbox.connect();
    await migrator.script(sql);
    await migrator.end();
    const [was, is] = [readingOf(copy), readingOf(sandbox)];
    try {
      return await read(ledgerOf(was, is));
    } finally {
      await Promise.all([was.close(), is.close()]);
      await Promise.all([copy.drop(), sandbox.drop()]);
    }
  };
  return { hop, changes: (before, sql, table) => hop(before, sql, (ledger) => gathered(ledger.changes(table))) };
}

export async function gathered<T>(some: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const one of some) all.push(one);
  return all;
}
