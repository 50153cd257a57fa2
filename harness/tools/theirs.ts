import { createRequire } from "node:module";
import { join } from "node:path";
import { HarnessError, messageOf } from "../errors.ts";
import { type Exports, importable, native } from "./loaded.ts";

/** Who wants a library, and where the product is that has it. */
export interface Wanting {
  /** As people write it: `Kysely`. */
  readonly tool: string;
  /** The folder of the migrations: the library is looked for from there, then from the working folder. */
  readonly folder: string;
  /** The folder it is looked for from instead, and from no other. */
  readonly from?: string | undefined;
}

/**
 * A library as the product has it, in the product's own version.
 *
 * @throws {HarnessError} `bad-input` for one that is not installed there, or does not load
 */
export async function theirs<T = Exports>(library: string, wanting: Wanting): Promise<T> {
  const { tool, folder, from } = wanting;
  const name = packageOf(library);
  const places = (from === undefined ? [folder, process.cwd()] : [from]).map((where) => lookFor(library, where));
  const place = places.find(({ path }) => path !== undefined) ?? places.find(({ partly }) => partly);
  if (place?.path === undefined) {
    const why =
      place === undefined
        ? `"${name}" is not installed in "${from ?? folder}" (npm install ${name})`
        : `the "${name}" that is installed has no "${library}" (install a version that has)`;
    throw new HarnessError("bad-input", `Cannot drive ${tool}: ${why}`);
  }
  try {
    return (await native(place.path)) as T;
  } catch (cause) {
    const message = `Cannot drive ${tool}: "${place.path}" does not load: ${messageOf(cause)}`;
    throw new HarnessError("bad-input", message, { cause });
  }
}

interface Found {
  readonly path?: string | undefined;
  /** The package is there, and has no such part. */
  readonly partly: boolean;
}

function lookFor(library: string, folder: string): Found {
  const file = join(folder, "package.json");
  try {
    return { path: createRequire(file).resolve(library), partly: false };
  } catch (error) {
    // `require` does not see what is there for `import` alone.
    const partly = (error as NodeJS.ErrnoException).code === "ERR_PACKAGE_PATH_NOT_EXPORTED";
    return { partly, path: partly ? importable(library, file) : undefined };
  }
}

function packageOf(library: string): string {
  return library.split("/", library.startsWith("@") ? 2 : 1).join("/");
}
