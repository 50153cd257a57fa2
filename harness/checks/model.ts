import type { Capabilities } from "../engines/engine.ts";
import type { Snapshot } from "../snapshot.ts";
import type { Finding } from "../verdict.ts";
import type { Judgement } from "./check.ts";

/** Columns that a release's code expects, by table. */
export interface Model {
  readonly [table: string]: readonly string[];
}

/** What the code of a release needs and its migrations did not bring: told by the schema alone, whatever the data. */
export async function judgeModel(
  after: Snapshot,
  model: Model,
  { foldsColumns }: Pick<Capabilities, "foldsColumns">,
): Promise<Judgement> {
  const expected = Object.entries(model);
  const tables = expected.length === 0 ? [] : await after.tables();
  const unknown = expected.filter(([name]) => !tables.some((table) => table.name === name)).map(([name]) => name);
  const views = unknown.length === 0 ? [] : (await after.catalogue()).views.map(({ name }) => name);
  const told = (column: string) => (foldsColumns ? column.toLowerCase() : column);
  const findings = expected.flatMap(([table, wanted]): readonly Finding[] => {
    if (views.includes(table)) return [];
    const had = tables.find(({ name }) => name === table)?.columns.map(({ name }) => told(name));
    if (had === undefined) return [lacks({ table }, `there is no table "${table}", which its code expects`)];
    const missing = wanted.filter((column) => !had.includes(told(column)));
    const message = (column: string) => `"${table}" has no column "${column}", which its code expects`;
    return missing.map((column) => lacks({ table, column }, message(column)));
  });
  return { findings, notes: unknown.filter((name) => views.includes(name)).map(unseen) };
}

function lacks(what: Pick<Finding, "table" | "column">, message: string): Finding {
  return { code: "model-lacks-column", ...what, message };
}

/** What columns a view has the catalogue does not tell. */
function unseen(view: string): Finding {
  return { code: "model-not-seen", table: view, message: `"${view}" is a view: its columns were not looked at` };
}
