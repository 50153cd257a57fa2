import type { Shipment } from "../chain.ts";
import type { ReadOptions } from "./format.ts";

/** What whoever reads a folder asks for over and above what stands in it. */
export function asAsked({ prelude, session }: ReadOptions): Pick<Shipment, "prelude" | "session"> {
  return { ...(prelude !== undefined && { prelude }), ...(session !== undefined && { session }) };
}

/**
 * Text with the values that were asked for in place of `${name}`, and of `{{ .Name }}` where that is asked for as it is written; a name
 * without a value stays as it is.
 */
export function filledIn(text: string, { placeholders }: ReadOptions): string {
  if (placeholders === undefined) return text;
  const filled = text.replace(/\$\{([^{}]+)\}/g, (whole, name: string) => placeholders[name.trim()] ?? whole);
  return filled.replace(/\{\{[^{}]+\}\}/g, (whole) => placeholders[whole] ?? whole);
}
