import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..", "..");
const readme = readFileSync(join(root, "README.md"), "utf8");

/** What a newcomer does: an empty folder, the package, the files of the README, its commands. */
describe("the packed package, installed in an empty folder", () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "newcomer-"));
    const packed = npm(root, "pack", "--pack-destination", folder);
    expect(packed.status, packed.stderr).toBe(0);
    const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "";
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "newcomer", private: true, type: "module" }));
    const { vitest, typescript } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).devDependencies;
    const installed = npm(
      folder,
      "install",
      "--save-dev",
      `./${tarball}`,
      `vitest@${vitest}`,
      `typescript@${typescript}`,
      "--ignore-scripts",
    );
    expect(installed.status, installed.stderr).toBe(0);
    for (const [file, text] of filesOf(readme)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
  }, 240_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("rehearses the README's scenario, whose second path is broken", () => {
    const { status, stdout } = npx("migration-sandbox", "rehearse", "users-get-a-name");
    expect(stdout).toContain("✓ #1");
    expect(stdout).toContain("✗ #2");
    expect(stdout).toContain("user-without-a-name");
    expect(stdout).toContain("replay: npx migration-sandbox rehearse users-get-a-name#2 --engine postgres --seed 1");
    expect(status).toBe(1);
  });

  test("replays a broken path from the line it printed", () => {
    const { status, stdout } = npx(
      "migration-sandbox",
      "rehearse",
      "users-get-a-name#2",
      "--engine",
      "postgres",
      "--seed",
      "1",
    );
    expect(stdout).toContain("0 met, 1 unmet");
    expect(status).toBe(1);
  });

  test("runs the README's tests under Vitest", () => {
    const { status, stdout, stderr } = npx("vitest", "run");
    expect(stderr).toContain("user-without-a-name");
    expect(stderr).toContain("replay: npx migration-sandbox rehearse users-get-a-name#2 --engine postgres --seed 1");
    expect(stdout).toMatch(/1 failed.*3 passed/);
    expect(status).toBe(1);
  });

  test("fails where the README shows ends that differ", () => {
    const { status, stdout } = npx("migration-sandbox", "rehearse", "phones");
    expect(stdout).toContain("column-differs (contacts.name)");
    expect(status).toBe(1);
  });

  test("passes once the migration is mended", () => {
    for (const file of ["scenarios/users-get-a-name.ts", "test/names.test.ts"]) {
      const path = join(folder, file);
      writeFileSync(
        path,
        readFileSync(path, "utf8").replace(
          "split_part(email, '@', 1)",
          "coalesce(nullif(split_part(email, '@', 1), ''), 'nobody')",
        ),
      );
    }
    expect(npx("migration-sandbox", "rehearse", "users-get-a-name", "the-first-tenant").status).toBe(0);
    expect(npx("vitest", "run").status).toBe(0);
  });

  test("has types that a strict project accepts", () => {
    const options = {
      strict: true,
      exactOptionalPropertyTypes: true,
      module: "nodenext",
      target: "es2023",
      noEmit: true,
    };
    const compilerOptions = { ...options, allowImportingTsExtensions: true, skipLibCheck: true, types: [] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["scenarios", "test"] }));
    const { status, stdout } = npx("tsc", "-p", ".");
    expect(stdout).toBe("");
    expect(status).toBe(0);
  });

  function npx(...args: readonly string[]) {
    return spawnSync("npx", ["--no-install", ...args], {
      cwd: folder,
      encoding: "utf8",
      env: quiet(),
      timeout: 120_000,
    });
  }
});

/** Blocks of the README that name their file in the first line, but for those of this repository. */
function filesOf(text: string): readonly (readonly [file: string, text: string])[] {
  const blocks = [...text.matchAll(/^```ts\n\/\/ (\S+)\n([\s\S]*?)^```/gm)];
  return blocks.flatMap(([, file = "", body = ""]) => (file.includes("dstack") ? [] : [[file, body] as const]));
}

function npm(cwd: string, ...args: readonly string[]) {
  return spawnSync("npm", [...args, "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd,
    encoding: "utf8",
    env: quiet(),
    timeout: 200_000,
  });
}

/** The folder's own settings, not those of the run that this test is part of. */
function quiet(): NodeJS.ProcessEnv {
  const env = Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_ENV|FORCE_COLOR|npm_)/.test(name));
  return { ...Object.fromEntries(env), NO_COLOR: "1" };
}
