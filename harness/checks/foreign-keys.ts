import type { Ledger } from "../ledger.ts";
import type { ForeignKey, Reference, TableOutline } from "../snapshot.ts";
import type { Finding } from "../verdict.ts";
import type { Judgement } from "./check.ts";

/**
 * After a hop, foreign keys hold in the data and none is left unvalidated. What was so before the hop is a note: awkward
 * data may have been sown on purpose, and the hop did not do it.
 */
export async function judgeForeignKeys({ before, after }: Ledger): Promise<Judgement> {
  const [old, now] = await Promise.all([before.tables(), after.tables()]);
  const references = now.flatMap((table) => table.foreignKeys.map((key) => ({ table, key })));
  const orphans = await after.orphans(references);
  const findings: Finding[] = [];
  const notes: Finding[] = [];
  for (const [i, { table, key }] of references.entries()) {
    const earlier = sameKey(old, table, key);
    const count = orphans[i] ?? 0;
    const [already = 0] = count > 0 && earlier !== undefined ? await before.orphans([earlier]) : [];
    if (count > 0) (count > already ? findings : notes).push(violated(table, key, count));
    if (!key.validated)
      (earlier === undefined || earlier.key.validated ? findings : notes).push(unvalidated(table, key));
  }
  return { findings, notes };
}

function sameKey(old: readonly TableOutline[], table: TableOutline, key: ForeignKey): Reference | undefined {
  const sameId = (t: TableOutline) => t.id !== undefined && t.id === table.id;
  const earlier = old.find(sameId) ?? old.find((t) => t.name === table.name);
  const alike = (k: ForeignKey) => k.columns.join() === key.columns.join() && k.to === key.to;
  const found = earlier?.foreignKeys.find((k) => k.name === key.name) ?? earlier?.foreignKeys.find(alike);
  return earlier !== undefined && found !== undefined ? { table: earlier, key: found } : undefined;
}

function violated(table: TableOutline, key: ForeignKey, orphans: number): Finding {
  const rows = orphans === 1 ? "1 row refers" : `${orphans} rows refer`;
  const message = `${rows} to no row: foreign key "${key.name}" of "${table.name}" (${key.columns.join(", ")}) to "${key.to}" (${key.toColumns.join(", ")})`;
  return { code: "foreign-key-violated", table: table.name, ...columnOf(key), message };
}

function unvalidated(table: TableOutline, key: ForeignKey): Finding {
  const message = `foreign key "${key.name}" of "${table.name}" is not validated: rows from before it were never looked at`;
  return { code: "foreign-key-unvalidated", table: table.name, ...columnOf(key), message };
}

function columnOf({ columns: [column, ...more] }: ForeignKey): { readonly column?: string } {
  return column !== undefined && more.length === 0 ? { column } : {};
}
