// The releases' migrations, each with those of the releases before it.
import { type Migration, type SqlFile, type SqlFolder, sqlFolder } from "migration-sandbox";

const releases = ["2024-08-23", "0.40.2", "0.41.2", "0.41.7"] as const;
type Shipped = (typeof releases)[number];

/** All that Keep had by one of these releases; `instead`: folders that take the place of a release's own. */
export function shippedBy(last: Shipped, instead: { readonly [R in Shipped]?: string } = {}): SqlFolder {
  const folders = releases.slice(0, releases.indexOf(last) + 1).map((release) => instead[release] ?? release);
  const files = sqlFolder(...folders.map((folder) => new URL(`./releases/${folder}/`, import.meta.url)));
  return { read: async () => (await files.read()).map(({ name, up }) => ({ name, up: asAlembicSends(up) })) };
}

/** One statement at a time: in one message, those behind a COMMIT would share a transaction once more. */
function asAlembicSends(up: Migration["up"]): Migration["up"] {
  if (typeof up !== "object") return up;
  if ("sql" in up) return inStatements(up as SqlFile);
  return Object.fromEntries(Object.entries(up).map(([engine, file]) => [engine, asAlembicSends(file)]));
}

/** No text and no comment in these files has a semicolon. */
function inStatements(file: SqlFile): SqlFile {
  const statements = [...file.sql.matchAll(/[^;]+;/g)];
  return { ...file, pieces: statements.map(({ 0: sql, index: offset }) => ({ sql, offset })) };
}
