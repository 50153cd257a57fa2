// The releases' migrations, each with those of the releases before it.
import { type SqlFolder, sqlFolder } from "migration-sandbox";

const releases = ["2024-08-23", "0.40.2", "0.41.2", "0.41.7"] as const;
type Shipped = (typeof releases)[number];

/** All that Keep had by one of these releases; `instead`: folders that take the place of a release's own. */
export function shippedBy(last: Shipped, instead: { readonly [R in Shipped]?: string } = {}): SqlFolder {
  const folders = releases.slice(0, releases.indexOf(last) + 1).map((release) => instead[release] ?? release);
  return sqlFolder(...folders.map((folder) => new URL(`./releases/${folder}/`, import.meta.url)));
}
