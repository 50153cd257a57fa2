import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createJiti } from "jiti";
import * as entry from "migration-sandbox";
import * as door from "migration-sandbox/vitest";
import { describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const jiti = createJiti(import.meta.url, {
  virtualModules: { "migration-sandbox": entry, "migration-sandbox/vitest": door },
  fsCache: false,
});

describe("README.md", () => {
  test("shows what the command says", () => {
    const { stdout } = command("rehearse", "--engine", "postgres");
    expect(untimed(stdout.trim())).toBe(untimed(blocks(readme, "text")[0]?.trim() ?? ""));
  });

  test("shows the document that --reporter json prints", () => {
    const { stdout } = command("rehearse", "dstack#3", "--engine", "postgres", "--reporter", "json");
    expect(untimedJson(stdout)).toEqual(untimedJson(blocks(readme, "json")[0] ?? ""));
  });

  test("explains a scenario that is met on every path", async () => {
    const source = blocks(readme, "ts").find((block) => block.startsWith("// scenarios/dstack/")) ?? "";
    const filename = join(root, "scenarios", "dstack", "from-the-readme.ts");
    const { default: scenario } = (await evaluated(source, filename)) as { default: entry.Scenario };
    const { met, rehearsals } = await entry.rehearse([scenario]);
    expect(met).toBe(rehearsals.length);
    expect(met).toBe(4);
  });

  test("names every option of the command", () => {
    const told = command("rehearse", "--help").stdout.matchAll(/^ {2}(--[a-z]+)/gm);
    for (const [, option] of told) expect(readme).toContain(`\`${option}`);
  });
});

describe("the example of", async () => {
  for (const { of, source } of examples()) {
    const run = async () => {
      const failures: unknown[] = [];
      const assert = console.assert;
      console.assert = (met?: boolean, ...rest: unknown[]) =>
        void (met || failures.push(rest.length > 0 ? rest : source));
      try {
        await evaluated(source, join(root, "test", "example.ts"));
      } finally {
        console.assert = assert;
      }
      expect(failures).toEqual([]);
    };
    // An example that makes tests of its own makes them here.
    if (source.includes("migration-sandbox/vitest")) await run();
    else test(`${of} holds`, run);
  }
});

test("every public function has an example", () => {
  const functions = Object.entries(entry).filter(
    ([name, value]) => typeof value === "function" && !/^[A-Z]/.test(name),
  );
  const exampled = examples()
    .map(({ source }) => source)
    .join("\n");
  for (const [name] of functions) expect(exampled).toContain(`${name}(`);
});

function examples(): readonly { readonly of: string; readonly source: string }[] {
  const files = readdirSync(join(root, "harness"), { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  return files.flatMap((file) => {
    const comments = readFileSync(join(root, "harness", file), "utf8").matchAll(
      /@example\n([\s\S]*?)\*\/\n(?:export )?(?:async )?(\w+ \w+)/g,
    );
    return [...comments].map(([, text = "", of = ""]) => ({
      of: `${of} in ${file}`,
      source: blocks(text.replace(/^ *\* ?/gm, ""), "ts")[0] ?? "",
    }));
  });
}

function blocks(text: string, language: string): readonly string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(
    ([, block = ""]) => block,
  );
}

function evaluated(source: string, filename: string): Promise<unknown> {
  return Promise.resolve(jiti.evalModule(source, { filename, ext: ".ts", async: true }));
}

function command(...args: readonly string[]) {
  const jitiCli = join(root, "node_modules", "jiti", "lib", "jiti-cli.mjs");
  const env = { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined, COLUMNS: "120" };
  return spawnSync(process.execPath, [jitiCli, "harness/cli.ts", ...args], {
    cwd: root,
    encoding: "utf8",
    env,
    timeout: 60_000,
  });
}

function untimed(text: string): string {
  return text.replace(/, [\d.]+ s\)/g, ", … s)");
}

function untimedJson(text: string): unknown {
  return JSON.parse(text, (key, value) => (key === "milliseconds" ? 0 : value));
}
