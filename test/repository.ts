import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";

/** What a product's repository holds at a tag, by path: all of it. */
export type Tree = { readonly [path: string]: string | Buffer };

/** A product's repository, with a commit and a tag for each of these; gone after the tests of the file. */
export function repositoryOf(tags: { readonly [tag: string]: Tree }): string {
  const path = temporaryFolder();
  git(path, "init", "-q", "-b", "main");
  for (const [tag, tree] of Object.entries(tags)) {
    git(path, "rm", "-rqf", "--ignore-unmatch", ".");
    write(path, tree);
    git(path, "add", "-A");
    git(path, "commit", "-q", "--allow-empty", "-m", tag);
    git(path, "tag", tag);
  }
  return path;
}

export function folderOf(tree: Tree): string {
  const path = temporaryFolder();
  write(path, tree);
  return path;
}

export function git(path: string, ...args: readonly string[]): string {
  const who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "core.autocrlf=false"];
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_"));
  const env = { ...Object.fromEntries(own), GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };
  return execFileSync("git", ["-C", path, ...who, ...args], { encoding: "utf8", env, stdio: "pipe" });
}

const made: string[] = [];

// Said while the file is collected: within a test it would not be heard.
afterAll(() => made.splice(0).forEach((folder) => void rmSync(folder, { recursive: true })));

export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "product-"));
  made.push(path);
  return path;
}

function write(path: string, tree: Tree): void {
  for (const [file, content] of Object.entries(tree)) {
    mkdirSync(dirname(join(path, file)), { recursive: true });
    writeFileSync(join(path, file), content);
  }
}
