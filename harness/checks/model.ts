import type { Snapshot } from "../snapshot.ts";
import type { Finding } from "../verdict.ts";

/** Columns that a release's code expects, by table. */
export interface Model {
  readonly [table: string]: readonly string[];
}

/** What the code of a release needs and its migrations did not bring: told by the schema alone, whatever the data. */
export async function judgeModel(after: Snapshot, model: Model): Promise<readonly Finding[]> {
  if (Object.keys(model).length === 0) return [];
  const tables = new Map((await after.tables()).map((table) => [table.name, table.columns.map(({ name }) => name)]));
  const others = Object.keys(model).filter((table) => !tables.has(table));
  // What columns a view has the catalogue does not tell, and code reads it as it reads a table.
  const views = others.length === 0 ? [] : (await after.catalogue()).views.map(({ name }) => name);
  return Object.entries(model).flatMap(([table, wanted]): readonly Finding[] => {
    if (views.includes(table)) return [];
    const had = tables.get(table);
    if (had === undefined) return [lacks({ table }, `there is no table "${table}", which its code expects`)];
    const missing = wanted.filter((column) => !had.includes(column));
    const message = (column: string) => `"${table}" has no column "${column}", which its code expects`;
    return missing.map((column) => lacks({ table, column }, message(column)));
  });
}

function lacks(what: Pick<Finding, "table" | "column">, message: string): Finding {
  return { code: "model-lacks-column", ...what, message };
}
