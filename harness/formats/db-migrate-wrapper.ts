import { posix } from "node:path";

/** The SQL files that a script of db-migrate reads and runs, where it does nothing else. */
export interface Reads {
  readonly up?: string;
  readonly down?: string;
}

/**
 * Knows db-migrate's own scripts, by whatever version they were written and however they were formatted since: they say
 * no other words than those it takes to read a file and run it.
 */
export function sqlFilesOf(script: string): Reads {
  const { begin = [], setup = [], up, down, ...others } = partsOf(tokensOf(script));
  if (Object.keys(others).some((name) => name !== "_meta") || !areKnown([...begin, ...setup])) return {};
  const [forward, back] = [fileReadBy(up), fileReadBy(down)];
  if (forward === undefined) return {};
  return { up: forward, ...(back !== undefined && { down: back }) };
}

/** Words, strings and marks; comments are left out. A string keeps its quote, so that it is no word. */
function tokensOf(script: string): readonly string[] {
  const token = /\/\/[^\n]*|\/\*.*?\*\/|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|[\w$]+|[^\s\w$]/gs;
  return (script.match(token) ?? []).filter((token) => !/^\/[/*]/.test(token));
}

/** What stands before the first `exports.…`, and what is said of each. */
function partsOf(tokens: readonly string[]): { readonly [name: string]: readonly string[] } {
  const parts: { [name: string]: string[] } = { begin: [] };
  let open: string[] | undefined = parts.begin;
  for (let i = 0; i < tokens.length; i++) {
    const [exports, dot, name, is] = tokens.slice(i, i + 4);
    if (exports === "exports" && dot === "." && name !== undefined && is === "=") {
      if (parts[name] !== undefined) return { twice: [] };
      open = [];
      parts[name] = open;
      i += 3;
    } else open?.push(tokens[i] ?? "");
  }
  return parts;
}

function areKnown(tokens: readonly string[]): boolean {
  return tokens.every((token) => {
    if (/^[\w$]/.test(token)) return words.has(token);
    return /^["'`]/.test(token) ? strings.test(token) : /^[(){}[\],;.=>!|+:?]$/.test(token);
  });
}

/** `undefined` where it reads no file, or does more than that. */
function fileReadBy(part: readonly string[] | undefined): string | undefined {
  if (part === undefined || !areKnown(part)) return undefined;
  if (part.filter((token) => token === "runSql").length !== 1) return undefined;
  const paths = part.filter((token) => /^["'`]/.test(token)).map((token) => token.slice(1, -1));
  const named = paths.filter((path) => path.endsWith(".sql"));
  const within = paths.some((path) => /^[./]*sqls\/?$/.test(path)) ? "sqls" : "";
  const [file, another] = new Set(named);
  if (file === undefined || another !== undefined) return undefined;
  return posix.join(within, file).replace(/^\/+/, "");
}

const strings =
  /^["'`](?:use strict|db-migrate|fs|path|fs\/promises|node:fs|node:path|node:fs\/promises|utf-?8|received data: |ignoring on init: |[./]*sqls\/?|[./]*(?:sqls\/)?[^/"'`$\\]+\.sql)["'`]$/;

const words = new Set(
  `use strict var let const function return if else async await new null undefined true false
  module exports require global fs path join resolve __dirname readFile readFileSync promises encoding filePath toString
  console log err error data sql Promise reject then catch db runSql callback cb done
  dbm type seed options dbmigrate dataType seedLink ignoreOnInit version 1`.split(/\s+/),
);
