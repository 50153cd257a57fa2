import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { HarnessError, messageOf } from "../errors.ts";

/** What a module exports. */
export type Exports = { readonly [name: string]: unknown };

/**
 * A file of migrations as its tool would find it: TypeScript without a build, JavaScript as Node itself loads it.
 *
 * @throws {HarnessError} `bad-input` for a file that does not load
 */
export async function loaded(file: string): Promise<Exports> {
  try {
    return await (/ts$/.test(extname(file)) ? loadTypeScript(file) : native(file));
  } catch (cause) {
    throw new HarnessError("bad-input", `Cannot load migration "${file}": ${messageOf(cause).trim()}`, { cause });
  }
}

/** A module in JavaScript: one of CommonJS is told whole, as `require` has it. */
export async function native(file: string): Promise<Exports> {
  return (await isModule(file)) ? import(pathToFileURL(file).href) : createRequire(file)(file);
}

/** The file that `import` of a library means in a file, if it means any. */
export function importable(library: string, from: string): string | undefined {
  const url = jitiIn(from).esmResolve(library, { try: true });
  return url === undefined ? undefined : fileURLToPath(url);
}

async function loadTypeScript(file: string): Promise<Exports> {
  jiti ??= jitiIn(fileURLToPath(import.meta.url));
  return jiti.import(file);
}

let jiti: import("jiti").Jiti | undefined;

function jitiIn(file: string): import("jiti").Jiti {
  // `require` takes a quarter of the time of `import`, which reads the exports of CommonJS first.
  const { createJiti } = createRequire(import.meta.url)("jiti") as typeof import("jiti");
  return createJiti(file, { interopDefault: false });
}

async function isModule(file: string): Promise<boolean> {
  if (/\.[cm]js$/.test(file)) return file.endsWith(".mjs");
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const text = await readFile(join(folder, "package.json"), "utf8").catch(() => undefined);
    if (text !== undefined) return JSON.parse(text).type === "module";
    if (folder === dirname(folder)) return false;
  }
}
