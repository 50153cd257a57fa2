import { createHash } from "node:crypto";
import { textAsSent } from "./as-sent.ts";
import type { Folder } from "./format.ts";
import { lineOf, refused } from "./refused.ts";

/** A committed migration of graphile-migrate. */
export interface Committed {
  readonly file: string;
  readonly text: string;
  /** What is sent, and the characters before it. */
  readonly body: string;
  readonly start: number;
  /** As its name writes it: `000001`. */
  readonly number: string;
  readonly hash: string;
  readonly previous: string | undefined;
}

/** The files, in the tool's order; of a folder that holds `committed/`, or that is it. */
export function committedIn({ files }: Folder): readonly string[] {
  const below = files.filter((file) => /^committed\/[0-9]+(?:-[-_a-zA-Z0-9]*)?\.sql$/.test(file));
  const own = files.filter((file) => /^[0-9]+(?:-[-_a-zA-Z0-9]*)?\.sql$/.test(file));
  const byNumber = (a: string, b: string) => numberIn(a).localeCompare(numberIn(b), "en") || (a < b ? -1 : 1);
  return [...(below.length > 0 ? below : own)].sort(byNumber);
}

/** Reads them and verifies the chain of their hashes. Throws `bad-input` where it is broken. */
export async function linked(folder: Folder, files: readonly string[]): Promise<readonly Committed[]> {
  const twin = files.findIndex((file, i) => i > 0 && numberIn(file) === numberIn(files[i - 1] ?? ""));
  if (twin > 0) {
    const [before = "", file = ""] = files.slice(twin - 1);
    const way = "give one of them another number";
    throw refused(
      folder,
      file,
      `"${before}" has its number, and both would be recorded as "${numberIn(file)}.sql" (${way})`,
    );
  }
  const all = await Promise.all(files.map((file) => committedAt(folder, file)));
  for (const [i, { file, text, previous }] of all.entries()) {
    const before = all[i - 1];
    if (previous === before?.hash) continue;
    const line = lineOf(text, text.indexOf("--! Previous"));
    const actual = before === undefined ? "it is the first one" : `"${before.file}" has ${before.hash}`;
    throw refused(folder, file, `it follows on ${previous ?? "none"}, and ${actual}`, line);
  }
  return all;
}

function numberIn(file: string): string {
  return /([0-9]+)[^/]*$/.exec(file)?.[1] ?? "";
}

async function committedAt(folder: Folder, file: string): Promise<Committed> {
  const text = await textAsSent(folder, file);
  const { headers, end } = headersOf(folder, file, text);
  const [named, hash] = [headers.get("Previous"), headers.get("Hash")];
  if (!named) throw refused(folder, file, "it has no --! Previous: header (only what is committed is shipped)", 1);
  if (!hash) throw refused(folder, file, "it has no --! Hash: header (only what is committed is shipped)", 1);
  const previous = named === "-" ? undefined : named;
  const rest = text.slice(end);
  const body = `${rest.trim()}\n`;
  const actual = hashOf(body, previous);
  const line = lineOf(text, text.indexOf("--! Hash"));
  const allowed = headers.has("AllowInvalidHash");
  if (actual !== hash && !allowed) {
    throw refused(
      folder,
      file,
      `its hash is ${actual}, and its header says ${hash}: it was changed since (put it back)`,
      line,
    );
  }
  if (actual === hash && allowed) {
    throw refused(folder, file, "its hash is right, so that graphile-migrate refuses its --! AllowInvalidHash", line);
  }
  return {
    file,
    text,
    body,
    start: end + rest.length - rest.trimStart().length,
    number: numberIn(file),
    hash,
    previous,
  };
}

/** Lines like `--! Hash: sha1:…`, and where they end: behind them an empty line must stand, without a carriage return. */
function headersOf(folder: Folder, file: string, text: string) {
  const headers = new Map<string, string | undefined>();
  let end = 0;
  for (const line of text.split("\n")) {
    const [, key, value] = /^--! ([A-Z][a-zA-Z0-9_]*)(?::(.*))?$/.exec(line) ?? [];
    if (key === undefined) {
      if (line === "") return { headers, end };
      break;
    }
    if (headers.has(key)) throw refused(folder, file, `its header --! ${key} stands twice`, headers.size + 1);
    headers.set(key, value?.trim());
    end += line.length + 1;
  }
  throw refused(folder, file, whyNoHeader(text), headers.size + 1);
}

function whyNoHeader(text: string): string {
  if (text.startsWith("\uFEFF"))
    return "it begins with a byte order mark, which graphile-migrate does not read (save it without)";
  if (text.includes("\r\n")) return "its lines end in \\r\\n, which graphile-migrate does not read (save it with \\n)";
  return "an empty line must stand behind its --! headers";
}

function hashOf(body: string, previous: string | undefined): string {
  const hashed = `${`${previous ?? ""}\n${body.trim()}`.trim()}\n`;
  return `sha1:${createHash("sha1").update(hashed).digest("hex")}`;
}
