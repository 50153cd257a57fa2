/** What can differ between two databases: by kind, the code under which that is found and the word for it in a message. */
const kinds = {
  options: ["options-differ", "database"],
  schema: ["schema-differs", "schema"],
  extension: ["extension-differs", "extension"],
  table: ["table-differs", "table"],
  partition: ["partition-differs", "partition"],
  column: ["column-differs", "column"],
  order: ["column-order-differs", "order of columns"],
  key: ["key-differs", "key"],
  index: ["index-differs", "index"],
  check: ["check-differs", "check constraint"],
  "foreign-key": ["foreign-key-differs", "foreign key"],
  trigger: ["trigger-differs", "trigger"],
  policy: ["policy-differs", "policy"],
  rule: ["rule-differs", "rule"],
  statistics: ["statistics-differ", "statistics"],
  enum: ["enum-differs", "enum"],
  type: ["type-differs", "type"],
  sequence: ["sequence-differs", "sequence"],
  view: ["view-differs", "view"],
  function: ["function-differs", "function"],
  object: ["object-differs", "object"],
  comment: ["comment-differs", "comment"],
  grant: ["grant-differs", "grant"],
  position: ["position-differs", "position"],
  rows: ["rows-differ", "rows"],
} as const satisfies { readonly [kind: string]: readonly [code: string, word: string] };

/** The kinds of things that can differ. */
export type Kind = keyof typeof kinds;

/** The codes of differences, shape first. */
export type DifferenceCode = (typeof kinds)[Kind][0];

/** Every code that a difference can have. */
export const differenceCodes: readonly DifferenceCode[] = Object.values(kinds).map(([code]) => code);

export const codeOf = (kind: Kind): DifferenceCode => kinds[kind][0];
export const wordOf = (kind: Kind): string => kinds[kind][1];

/** Something in which two databases that should be equal are not. */
export interface Difference {
  /** The kind of thing: `column-differs`, `view-differs`, `rows-differ`. */
  readonly code: string;
  readonly table?: string;
  readonly column?: string;
  readonly message: string;
  /** How the thing is written on either side, where that fits a text; `null` where it is not there. */
  readonly sides?: { readonly one: string | null; readonly other: string | null };
  /** For rows: how many only one of the two has, and in which columns others differ. */
  readonly rows?: { readonly lost: number; readonly added: number; readonly columns: readonly string[] };
}
