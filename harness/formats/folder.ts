import { createReadStream, readFileSync, statSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { HarnessError } from "../errors.ts";
import type { Folder } from "./format.ts";

/**
 * A folder on disk.
 *
 * @throws {HarnessError} `bad-input` for what is no folder, or cannot be read
 */
export async function folderAt(where: URL | string): Promise<Folder> {
  const path = typeof where === "string" ? where : fileURLToPath(where);
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch((cause) => {
    const why = cause.code === "ENOENT" ? "there is no such folder" : cause.message;
    throw new HarnessError("bad-input", `Cannot read migrations from "${path}": ${why}`, { cause });
  });
  const files = entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((file) => !file.includes("node_modules/"));
  const texts = new Map<string, string>();
  let held = 0;
  return {
    path,
    files,
    shown: (file) => join(path, file),
    async text(file) {
      const known = texts.get(file);
      if (known !== undefined) return known;
      // Thousands of small files: asked for one by one, each would make four trips to another thread.
      const bytes = readFileSync(join(path, file));
      const text = decoded(bytes, join(path, file));
      // Formats are told apart by what stands in files, which are read for that by one after the other.
      if (bytes.length + held <= mostHeld) texts.set(file, text);
      held += bytes.length;
      return text;
    },
    bytes: (file) => readFile(join(path, file)),
    size: async (file) => statSync(join(path, file)).size,
    stream: (file) => createReadStream(join(path, file)),
  };
}

const mostHeld = 32_000_000;

/** Text without a byte order mark. Throws `bad-input` for bytes that are not UTF-8. */
export function decoded(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    const utf16 = bytes[0] === 0xff || bytes[0] === 0xfe ? "; it looks like UTF-16" : "";
    const message = `Cannot read "${file}": line ${badLine(bytes)} is not UTF-8${utf16} (save it as UTF-8)`;
    throw new HarnessError("bad-input", message, { cause });
  }
}

function badLine(bytes: Buffer): number {
  const lines = bytes.toString("latin1").split("\n");
  const isUtf8 = (line: string) => Buffer.from(line, "latin1").toString("utf8").includes("\uFFFD") === false;
  return lines.findIndex((line) => !isUtf8(line)) + 1;
}
