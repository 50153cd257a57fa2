import type { Part, Row } from "../snapshot.ts";
import type { Copy } from "./mysql-copy.ts";
import { literal, quoted } from "./mysql-text.ts";

/** Who may do what in a database, by name: what holds for many databases is not this one's. */
const grantsIn = (
  database: string,
) => `select grantee as 'grantee', null as 'table', null as 'column', privilege_type as 'right', is_grantable as 'grantable'
    from information_schema.schema_privileges where table_schema = ${database}
  union all select grantee, table_name, null, privilege_type, is_grantable
    from information_schema.table_privileges where table_schema = ${database}
  union all select grantee, table_name, column_name, privilege_type, is_grantable
    from information_schema.column_privileges where table_schema = ${database}`;

export const grantsSql = grantsIn("database()");

/** The server knows grants by the names of databases, so a copy has none. What we may not grant ourselves it goes without. */
export async function copyGrants({ crew, from, to }: Copy): Promise<void> {
  const [rows = []] = await crew.send(grantsIn(literal(from)));
  for (const { grantee, table, column, right, grantable } of rows) {
    const what = `${right}${column === null ? "" : ` (${quoted(String(column))})`}`;
    const where = `${quoted(to)}.${table === null ? "*" : quoted(String(table))}`;
    const option = grantable === "YES" ? " with grant option" : "";
    await crew.send(`grant ${what} on ${where} to ${grantee}${option}`).catch(() => {});
  }
}

/** What is allowed with the database, with its tables and with their columns, as parts of a catalogue. */
export function grantsOf(rows: readonly Row[]): readonly Part[] {
  const places = groupedBy(rows, ({ table, column }) => JSON.stringify([table, column]));
  return [...places.values()].map((granted): Part => {
    const [table, column] = [textOr(granted[0]?.table), textOr(granted[0]?.column)];
    const grantees = groupedBy(granted, ({ grantee }) => String(grantee));
    const lines = [...grantees].map(([grantee, rights]) => `${grantee}: ${rights.map(rightOf).sort().join(", ")}`);
    const definition = lines.sort().join("\n");
    if (table === null) return { kind: "grant", name: "on all tables", definition };
    const owner = { kind: "table", name: table } as const;
    if (column === null) return { kind: "grant", name: "", table, definition, of: [owner] };
    return { kind: "grant", name: "", table, column, definition, of: [{ kind: "column", name: column, table }, owner] };
  });
}

function groupedBy(rows: readonly Row[], keyOf: (row: Row) => string): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) groups.set(keyOf(row), [...(groups.get(keyOf(row)) ?? []), row]);
  return groups;
}

function rightOf({ right, grantable }: Row): string {
  return `${String(right).toLowerCase()}${grantable === "YES" ? " with grant option" : ""}`;
}

function textOr(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}
