import type { Shipment } from "../chain.ts";
import type { ReadOptions } from "./format.ts";

/** What whoever reads a folder asks for over and above what stands in it. */
export function asAsked({ prelude, session }: ReadOptions): Pick<Shipment, "prelude" | "session"> {
  return { ...(prelude !== undefined && { prelude }), ...(session !== undefined && { session }) };
}

/** Text with the values that were asked for in place of `${name}`; a name without a value stays as it is. */
export function filledIn(text: string, { placeholders }: ReadOptions): string {
  if (placeholders === undefined) return text;
  return text.replace(/\$\{([^{}]+)\}/g, (whole, name: string) => placeholders[name.trim()] ?? whole);
}
