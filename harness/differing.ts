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
