import { createHash } from "node:crypto";
import type { SqlFile } from "../chain.ts";
import { filledIn } from "./asked.ts";
import type { Folder, ReadOptions } from "./format.ts";
import { streamedPieces } from "./streamed.ts";

/** Files above this many bytes are not held: their statements are read while they are sent. */
const largest = 8_000_000;

/** What a file does that no tool would send whole; one that is large is only hashed here, and read when it runs. */
export async function sqlIn(folder: Folder, file: string, options: ReadOptions): Promise<SqlFile> {
  const shown = folder.shown(file);
  // Values are put in where they may stand: in all of the text.
  const isHeld = options.placeholders !== undefined || (await folder.size(file)) <= largest;
  if (isHeld) return { sql: filledIn(await folder.text(file), options), file: shown };
  const open = () => folder.stream(file);
  const hash = createHash("sha256");
  for await (const chunk of open()) hash.update(chunk);
  const pieces = streamedPieces(open, { engine: options.engine, file: shown });
  return { sql: "", file: shown, pieces, checksum: hash.digest("hex") };
}

/** The folder with no more of a large file than its beginning, in which formats have their marks. */
export function beginningsOf(folder: Folder): Folder {
  return {
    ...folder,
    async text(file) {
      if ((await folder.size(file)) <= largest) return folder.text(file);
      for await (const chunk of folder.stream(file)) {
        const text = chunk.toString("utf8");
        return text.slice(0, text.lastIndexOf("\n") + 1);
      }
      return "";
    },
  };
}
