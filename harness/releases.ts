import type { Release } from "./chain.ts";
import type { FolderReleasesOptions } from "./folder-chain.ts";
import type { GitReleasesOptions } from "./git-chain.ts";

/**
 * A release for each tag of a git repository, in semver's order: it ships what the folder held at that tag. Read by git's
 * own plumbing, with nothing checked out. Tags that are no versions, and those from before there was such a folder, are
 * none.
 *
 * @throws {HarnessError} `bad-input` for a repository, a tag or a folder that there is not, or that the clone does not hold
 * @example
 * ```ts
 * import { execFileSync } from "node:child_process";
 * import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
 * import { tmpdir } from "node:os";
 * import { join } from "node:path";
 * import { gitReleases } from "migration-sandbox";
 * const repo = mkdtempSync(join(tmpdir(), "product-"));
 * const git = (...args: string[]) => execFileSync("git", ["-C", repo, "-c", "user.name=a", "-c", "user.email=a@b.c", ...args]);
 * git("init", "-q");
 * mkdirSync(join(repo, "db"));
 * for (const [n, tag] of ["v1.0.0", "v1.1.0"].entries()) {
 *   writeFileSync(join(repo, "db", `${n + 1}_table.sql`), `create table t${n} (id int primary key);`);
 *   git("add", ".");
 *   git("commit", "-qm", tag);
 *   git("tag", tag);
 * }
 * const chain = await gitReleases({ repo, folder: "db", tags: "v*" });
 * rmSync(repo, { recursive: true });
 * console.assert(chain.map(({ name }) => name).join() === "v1.0.0,v1.1.0");
 * ```
 */
export async function gitReleases(options: GitReleasesOptions): Promise<readonly Release[]> {
  // Loaded once it is asked for: scenarios that list their migrations do without git and all formats.
  const { gitChain } = await import("./git-chain.ts");
  return (await gitChain(options)).releases.map(({ release }) => release);
}

/**
 * Releases out of one folder of migrations.
 *
 * @throws {HarnessError} `bad-input` for what is no folder of migrations, and for a last migration that is not in it
 * @example
 * ```ts
 * import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
 * import { tmpdir } from "node:os";
 * import { join } from "node:path";
 * import { folderReleases } from "migration-sandbox";
 * const folder = mkdtempSync(join(tmpdir(), "migrations-"));
 * for (const name of ["1_users", "2_orders", "3_invoices"])
 *   writeFileSync(join(folder, `${name}.sql`), "create table t (id int primary key);");
 * const each = await folderReleases(folder);
 * const shipped = await folderReleases(folder, { releases: { "1.0": "1_users", "1.1": "3_invoices" } });
 * rmSync(folder, { recursive: true });
 * console.assert(each.length === 3 && shipped.length === 2);
 * ```
 */
export async function folderReleases(
  folder: URL | string,
  options: FolderReleasesOptions = {},
): Promise<readonly Release[]> {
  return (await import("./folder-chain.ts")).folderChain(folder, options);
}
