import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { folderAt } from "../../harness/formats/folder.ts";
import type { Folder, Format, ReadOptions } from "../../harness/formats/format.ts";

/** Files by their paths. */
export interface Files {
  readonly [path: string]: string;
}

/** A folder with these files on disk, for as long as the test runs. */
export async function folderOf(files: Files): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), "formats-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, file)), { recursive: true });
    await writeFile(join(path, file), text);
  }
  return folderAt(path);
}

/** What a format reads from these files. */
export async function readBy(format: Format, files: Files, options: Partial<ReadOptions> = {}) {
  return format.read(await folderOf(files), { engine: "postgres", ...options });
}

/** What a format says when it refuses these files; `…` stands for the folder. */
export async function refusalBy(format: Format, files: Files, options: Partial<ReadOptions> = {}): Promise<string> {
  const folder = await folderOf(files);
  const refused = await format.read(folder, { engine: "postgres", ...options }).then(
    () => new Error("It refused nothing"),
    (error: Error & { code?: string }) =>
      error.code === "bad-input" ? error : new Error(`No bad input: ${error.stack}`),
  );
  return refused.message.replaceAll(folder.path, "…");
}
