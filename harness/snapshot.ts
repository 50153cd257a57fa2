/** A value of a row as the driver gives it. */
export interface Row {
  readonly [column: string]: unknown;
}

export interface Column {
  readonly name: string;
  /** What stays the same when the column is renamed, where the engine has such a thing. */
  readonly id?: string;
  readonly type: string;
  readonly nullable: boolean;
  readonly default: string | null;
}

export interface Key {
  readonly name: string;
  readonly columns: readonly string[];
  readonly primary: boolean;
}

export interface ForeignKey {
  readonly name: string;
  readonly columns: readonly string[];
  /** The table referred to, named as {@link Table.name} is. */
  readonly to: string;
  readonly toColumns: readonly string[];
  readonly onUpdate: string;
  readonly onDelete: string;
  /** `false`: rows from before it existed were never looked at. */
  readonly validated: boolean;
}

/** Something with a name and a text that creates it: an index, a check constraint, a view, a trigger, a function. */
export interface Definition {
  readonly name: string;
  readonly definition: string;
}

export interface Table {
  /** `volumes`, or `audit.volumes` outside the schema that names without one mean. */
  readonly name: string;
  readonly schema: string;
  /** What stays the same when the table is renamed, where the engine has such a thing. */
  readonly id?: string;
  readonly columns: readonly Column[];
  readonly keys: readonly Key[];
  readonly foreignKeys: readonly ForeignKey[];
  readonly indexes: readonly Definition[];
  readonly checks: readonly Definition[];
  readonly triggers: readonly Definition[];
}

/** A database's shape as plain data, everything in name order. The harness's own record is left out. */
export interface Catalogue {
  readonly tables: readonly Table[];
  readonly enums: readonly { readonly name: string; readonly labels: readonly string[] }[];
  readonly sequences: readonly Definition[];
  readonly views: readonly Definition[];
  readonly functions: readonly Definition[];
}

/** A row for comparing: every value as the server's own text, `null` where it is NULL. */
export interface Entry {
  readonly key: readonly (string | null)[];
  readonly values: readonly (string | null)[];
}

/** A database at one moment: its shape as plain data, its rows on demand, never all of them in memory. */
export interface Snapshot {
  catalogue(): Promise<Catalogue>;
  /** The rows of a table in the order of its primary key, as the driver gives them. */
  rows(table: string): AsyncIterable<Row>;
  /** The same, gathered: for tables known to be small. */
  all(table: string): Promise<readonly Row[]>;
  query(sql: string): Promise<readonly Row[]>;
  /** The rows of a table as text, in the byte order of `key` with NULL last. */
  entries(table: Table, key: readonly string[], columns: readonly string[]): AsyncIterable<Entry>;
  /** How many rows refer to a row that is not there. */
  orphans(table: Table, foreignKey: ForeignKey): Promise<number>;
  /** Whether any table holds any row. */
  hasRows(): Promise<boolean>;
}

const nothing: Catalogue = { tables: [], enums: [], sequences: [], views: [], functions: [] };

/** The database before anything was installed. */
export const emptySnapshot: Snapshot = {
  catalogue: async () => nothing,
  rows: () => none(),
  all: async () => [],
  query: async () => [],
  entries: () => none(),
  orphans: async () => 0,
  hasRows: async () => false,
};

async function* none(): AsyncGenerator<never> {}

export function primaryKeyOf(table: Table): readonly string[] | undefined {
  return table.keys.find((key) => key.primary)?.columns;
}
