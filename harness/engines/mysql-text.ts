/** A name as SQL writes it. */
export function quoted(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

/** Text as SQL writes it, in a session in which a backslash escapes: ours are told so. */
export function literal(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

/** What the server wrote about a database, said of another one or of none; what stands in strings is left alone. */
export function relocated(sql: string, from: string, to?: string): string {
  const name = quoted(from);
  if (!sql.includes(`${name}.`)) return sql;
  return sql.replace(tokens, (token) => (token !== `${name}.` ? token : to === undefined ? "" : `${quoted(to)}.`));
}

/** A string, or a name with the dot behind it. */
const tokens = /'(?:[^'\\]|\\[\s\S]|'')*'|`(?:[^`]|``)*`\.?/g;
