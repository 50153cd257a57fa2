/** A name as SQL writes it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Text as SQL writes it, backslashes being nothing special. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
