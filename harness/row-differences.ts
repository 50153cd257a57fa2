import type { Difference } from "./differing.ts";
import { ledgerOf } from "./ledger.ts";
import { identityOf, type Snapshot, type TableOutline } from "./snapshot.ts";

/** What became of the rows of a table that both have, in one sentence; nothing where all are the same. */
export async function inRows(one: Snapshot, other: Snapshot, table: TableOutline): Promise<readonly Difference[]> {
  const counts = { kept: 0, changed: 0, lost: 0, added: 0 };
  const columns = new Set<string>();
  let first: string | undefined;
  for await (const change of ledgerOf(one, other).changes(table.name)) {
    counts[change.kind] += 1;
    for (const column of Object.keys(change.changed ?? {})) columns.add(column);
    if (change.kind !== "kept") first ??= shortened(JSON.stringify(change.key));
  }
  const { changed, lost, added } = counts;
  const told = Object.entries({ added, gone: lost, changed }).flatMap(([word, count]) =>
    count === 0 ? [] : [`${count} ${count === 1 ? "row" : "rows"} ${word}`],
  );
  if (told.length === 0) return [];
  const where = columns.size === 0 ? "" : ` in ${[...columns].map((name) => `"${name}"`).join(", ")}`;
  const message = `"${table.name}": ${told.join(", ")}${where}; the first by ${identityOf(table).join(", ")}: ${first}`;
  return [{ code: "rows-differ", table: table.name, message, rows: { lost, added, columns: [...columns] } }];
}

function shortened(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}
