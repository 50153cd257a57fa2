import type { Folder } from "./format.ts";

/**
 * The first of the files in which the marker stands. Formats mark each of their files, so a few tell; they are looked at
 * as bytes, for another format may have them in another encoding.
 */
export async function firstMarked(
  folder: Folder,
  files: readonly string[],
  marker: RegExp,
): Promise<string | undefined> {
  for (const file of [...files].sort().slice(0, 5)) {
    if (marker.test((await folder.bytes(file)).toString("latin1"))) return file;
  }
  return undefined;
}
