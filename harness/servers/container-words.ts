import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";

const lines = 20;

/** The last lines of a container's log, as whoever keeps it hears them. */
export interface Words {
  /** Listens from now on; resolves when the container ends. */
  hear(log: Readable): void;
  readonly ended: Promise<void>;
  last(): readonly string[];
}

/** Writes what it hears into the run's folder, where it can be read without a wait. */
export function wordsInto(folder: string): Words {
  let heard: readonly string[] = [];
  let isDue = false;
  const { promise: ended, resolve: end } = withResolver();
  const write = () => {
    isDue = false;
    try {
      writeFileSync(join(folder, "words.new"), heard.join("\n"));
      renameSync(join(folder, "words.new"), join(folder, "words"));
    } catch {} // The folder is gone, or full.
  };
  return {
    hear(log) {
      let open = "";
      log.on("data", (part: string) => {
        const said = (open + part).split("\n");
        open = said.pop() ?? "";
        heard = [...heard, ...said.map((line) => line.trimEnd()).filter(Boolean)].slice(-lines);
        // A server that complains a thousand times a second is not written down as often.
        if (!isDue) setTimeout(write, 10);
        isDue = true;
      });
      log.on("end", end).on("error", end);
    },
    ended,
    last: () => heard,
  };
}

/** The last words of a container, as a message tells them. */
export function wordsIn(folder: string): string {
  try {
    return readFileSync(join(folder, "words"), "utf8").split("\n").slice(-3).join("\n");
  } catch {
    return "";
  }
}

function withResolver() {
  let resolve = () => {};
  const promise = new Promise<void>((resolved) => {
    resolve = resolved;
  });
  return { promise, resolve };
}
