import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { messageOf } from "../../harness/errors.ts";

/**
 * Packages that cannot be dependencies, for one platform alone or as large as a tool: npm fetches them once, into a folder that
 * stays.
 */
export interface Fetched {
  readonly folder: string;
  whyNot(): Promise<string | undefined>;
}

/** @param packages with their versions, as in `@dbmate/linux-x64@2.36.0` */
export function fetched(name: string, packages: readonly string[]): Fetched {
  const folder = join(tmpdir(), "migration-sandbox-tools", name);
  const held = packages.map((wanted) => join(folder, "node_modules", wanted.replace(/(?<=.)@.*$/, ""), "package.json"));
  return {
    folder,
    async whyNot() {
      if (held.every(existsSync)) return undefined;
      try {
        await mkdir(folder, { recursive: true });
        const args = ["install", "--prefix", folder, "--no-save", "--no-audit", "--no-fund", ...packages];
        await execa("npm", args, { stdin: "ignore", timeout: 60_000 });
        return undefined;
      } catch (error) {
        return `${packages.join(" and ")} cannot be installed (${messageOf(error).split("\n")[0]})`;
      }
    },
  };
}
