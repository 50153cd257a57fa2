import { type EngineName, forEngine, type PerEngine } from "../database.ts";
import type { Folder } from "./format.ts";
import { lineOf, refused } from "./refused.ts";

/**
 * Refuses what a Go template leaves to be filled in: no server could read it. In strings and comments braces are text, as in
 * a mail that a product keeps.
 */
export function refuseTemplate(
  folder: Folder,
  { file, sql }: { readonly file: string; readonly sql: string },
  engine: EngineName,
): void {
  if (!sql.includes("{{")) return;
  const text = forEngine(texts, engine);
  const at = (text === undefined ? sql : sql.replace(text, blanks)).indexOf("{{");
  if (at < 0) return;
  const [said = "{{"] = /^\{\{[^\n]*?\}\}|^\{\{[^\n]*/.exec(sql.slice(at)) ?? [];
  const way = `give placeholders a ${JSON.stringify(said)}, or drive what fills it in: command(…)`;
  throw refused(folder, file, `"${said}" is of a Go template and has no value (${way})`, lineOf(sql, at));
}

/** As long as it was, so that places stay right. */
function blanks(text: string): string {
  return text.replace(/[^\n]/g, " ");
}

const texts: PerEngine<RegExp> = {
  postgres: /--[^\n]*|\/\*[\s\S]*?\*\/|\be'(?:\\[\s\S]|''|[^'\\])*'|'(?:''|[^'])*'|\$(\w*)\$[\s\S]*?\$\1\$/gi,
  mysql: /--\s[^\n]*|#[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\[\s\S]|''|[^'\\])*'|"(?:\\[\s\S]|""|[^"\\])*"/g,
};
