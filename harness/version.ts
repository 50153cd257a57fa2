import { createRequire } from "node:module";

/** This very package's. */
export function ownVersion(): string {
  const require = createRequire(import.meta.url);
  return (require("../package.json") as { readonly version: string }).version;
}
