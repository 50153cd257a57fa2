import type { Difference } from "./differing.ts";
import { inRows } from "./row-differences.ts";
import type { Catalogue, Snapshot, Table } from "./snapshot.ts";

/** How the second database differs from the first: shape, then rows. */
export async function differences(one: Snapshot, other: Snapshot): Promise<readonly Difference[]> {
  const [before, after] = await Promise.all([one.catalogue(), other.catalogue()]);
  const shape = inShape(before, after);
  const common = before.tables.filter(({ name }) => after.tables.some((table) => table.name === name));
  // Where columns differ that is told, and rows are compared by what both have.
  const rowsOf = (in_: Catalogue) =>
    common.map(({ name }) => {
      const table = in_.tables.find((t) => t.name === name) as Table;
      return { table, columns: table.columns.map((column) => column.name) };
    });
  const [prints, others] = await Promise.all([one.fingerprints(rowsOf(before)), other.fingerprints(rowsOf(after))]);
  const differing = common.filter((_, i) => prints[i] !== others[i]);
  const rows = await Promise.all(differing.map((table) => inRows(one, other, table)));
  return [...shape, ...rows.flat()];
}

function inShape(before: Catalogue, after: Catalogue): readonly Difference[] {
  const tables = named(before.tables, after.tables, "table").map(({ name, message }) => ({
    code: "table-differs",
    table: name,
    message,
  }));
  const parts = before.tables.flatMap((table): readonly Difference[] => {
    const now = after.tables.find(({ name }) => name === table.name);
    return now === undefined ? [] : inTable(table, now);
  });
  const rest = (["enums", "sequences", "views", "functions"] as const).flatMap((kind) =>
    named<Named>(before[kind], after[kind], kind.slice(0, -1)).map(({ message }) => ({
      code: `${kind.slice(0, -1)}-differs`,
      message,
    })),
  );
  const options =
    before.options === after.options ? [] : [{ code: "options-differ", message: optionsOf(before, after) }];
  return [...options, ...tables.filter(({ message }) => !message.endsWith(changed)), ...parts, ...rest];
}

function inTable(before: Table, after: Table): readonly Difference[] {
  const kinds = { columns: "column", keys: "key", indexes: "index", foreignKeys: "foreign key" } as const;
  const others = { checks: "check constraint", triggers: "trigger" } as const;
  const parts = Object.entries({ ...kinds, ...others }).flatMap(([kind, word]) =>
    named<Named>(before[kind as keyof typeof kinds], after[kind as keyof typeof kinds], word),
  );
  const messages = parts.map(({ message }) => message);
  const options = before.options === after.options ? [] : [optionsOf(before, after)];
  return [...messages, ...options].map((message) => ({
    code: "table-differs",
    table: before.name,
    message: `"${before.name}": ${message}`,
  }));
}

function optionsOf(before: { readonly options?: string }, after: { readonly options?: string }): string {
  return `"${before.options ?? ""}" has become "${after.options ?? ""}"`;
}

const changed = "is another";

interface Named {
  readonly name: string;
}

/** What is only on one side, and what is not the same on both. */
function named<T extends Named>(
  before: readonly T[],
  after: readonly T[],
  word: string,
): readonly { readonly name: string; readonly message: string }[] {
  const textOf = (thing: T) => JSON.stringify({ ...thing, id: undefined });
  const names = [...new Set([...before, ...after].map(({ name }) => name))];
  return names.flatMap((name) => {
    const [was, is] = [before.find((thing) => thing.name === name), after.find((thing) => thing.name === name)];
    if (was === undefined) return [{ name, message: `${word} "${name}" is new` }];
    if (is === undefined) return [{ name, message: `${word} "${name}" is gone` }];
    return textOf(was) === textOf(is) ? [] : [{ name, message: `${word} "${name}" ${changed}` }];
  });
}
