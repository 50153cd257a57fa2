import type { Sandbox } from "../../harness/sandbox.ts";
import type { Files } from "../tools/driving.ts";
import type { ChainName, Link } from "./chains.ts";
import type { Outcome } from "./tool.ts";

/** Both are the tool itself where it is driven: what is compared is how it is asked, and what it is told to leave alone. */
export const inCodeAlone: readonly ChainName[] = [
  ...(["releases", "skipped", "enclosed", "concurrently", "fails", "late", "removed"] as const),
];

/** What it says to its users, we pass on. */
export function itself(said: RegExp): Outcome {
  return { refuses: said, ours: said };
}

/** Sandboxes of tests are on servers that want no encryption. */
export function plain({ address }: Sandbox) {
  const { tls: _, ...where } = address;
  return where;
}

/** Migrations as files of code. */
export function inCode(links: readonly Link[], text: (link: Link) => string, name = fileName): Files {
  return Object.fromEntries(links.map((link) => [`${name(link)}.js`, text(link)]));
}

function fileName({ number, name }: Link): string {
  return `${String(number).padStart(4, "0")}_${name}`;
}

/** What it says, as code writes it. */
export function said({ says }: Link): string {
  return JSON.stringify(says);
}

/** Statements sent one by one. */
export function code(parameter: string, send: string, link: Link): string {
  return `exports.up = async (${parameter}) => { for (const sql of ${said(link)}) await ${send}; };\nexports.down = async () => {};\n`;
}
