import { mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder, and those that it stands in, where they are not there yet. Node 20's own `recursive` never comes back from places such as
 * `/proc/nowhere`, where nothing can be made although its parent is there.
 *
 * @throws the system's error
 */
export function makeFolder(folder: string, mode?: number): void {
  const make = () => mkdirSync(folder, mode);
  try {
    make();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    if (code !== "ENOENT" || dirname(folder) === folder) throw error;
    makeFolder(dirname(folder));
    make();
  }
}
