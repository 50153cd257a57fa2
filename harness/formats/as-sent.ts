import { decoded } from "./folder.ts";
import type { Folder } from "./format.ts";

/**
 * A file's text as tools send it that know nothing of byte order marks: with it, so that the server refuses it as it
 * refuses it there. Throws `bad-input` for what is not UTF-8.
 */
export async function textAsSent(folder: Folder, file: string): Promise<string> {
  const bytes = await folder.bytes(file);
  const text = decoded(bytes, folder.shown(file));
  return bytes.subarray(0, mark.length).equals(mark) ? `\uFEFF${text}` : text;
}

const mark = Buffer.from("\uFEFF");
