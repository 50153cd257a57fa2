import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { createJiti } from "jiti";
import * as entry from "migration-sandbox";
import * as door from "migration-sandbox/vitest";
import { describe, expect, test } from "vitest";
import { matricesOf } from "../harness/report/matrix.ts";
import { matrix } from "../harness/report/matrix-in-words.ts";
import { folderOf } from "./repository.ts";
import { tables } from "./tables.ts";
import { come, told } from "./told.ts";

const root = resolve(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const jiti = createJiti(import.meta.url, {
  virtualModules: { "migration-sandbox": entry, "migration-sandbox/vitest": door },
  fsCache: false,
});

describe("README.md", () => {
  test("shows what the command says", () => {
    const { stdout } = command("rehearse", "dstack/volumes-of-two-owners", "--engine", "postgres");
    expect(untimed(stdout.trim())).toBe(untimed(blocks(readme, "text")[0]?.trim() ?? ""));
  });

  test("shows from where to where paths of a set come, and whether they come to the same", () => {
    const folder = folderOf({ "scenarios/phones.ts": blockOf("// scenarios/phones") });
    const { stdout, status } = commandIn(folder, "rehearse", "phones");
    expect(untimed(stdout)).toContain(untimed(blocks(readme, "text")[1] ?? "nothing"));
    expect(status).toBe(1);
  });

  test("shows sixty releases within 80 columns, as they are told", () => {
    const shown = blocks(readme, "text")[2]?.trim() ?? "";
    expect(Math.max(...shown.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(80);
    const names = Array.from({ length: 60 }, (_, i) => `v1.${i}`);
    const indexed = { migration: "0046_verified_index" };
    const straight = names.slice(0, -1).map((name, i) => {
      return told([name, "v1.59"], i >= 15 && i < 24 ? come.broken("v1.59", indexed) : come.clean);
    });
    const stopping = names.slice(0, 24).map((name) => told([name, "v1.24", "v1.59"]));
    const [of] = matricesOf([...straight, ...stopping].map((rehearsal) => ({ ...rehearsal, scenario: "." })));
    expect(untimed(shown)).toBe(untimed(stripVTControlCharacters(of === undefined ? "" : matrix(of)).trim()));
  });

  test("shows the document that --reporter json prints", () => {
    const { stdout } = command(
      "rehearse",
      "dstack/volumes-of-two-owners#3",
      "--engine",
      "postgres",
      "--reporter",
      "json",
    );
    expect(untimedJson(stdout)).toEqual(untimedJson(blocks(readme, "json")[0] ?? ""));
  });

  test("explains a scenario that is met on every path", async () => {
    const { met, rehearsals } = await entry.rehearse([await scenarioOfTheReadme("dstack/")]);
    expect(met).toBe(rehearsals.length);
    expect(met).toBe(4);
  });

  test("tells more than migrations in a scenario that is met on every path", async () => {
    const { met, rehearsals } = await entry.rehearse([await scenarioOfTheReadme("the-first-tenant")]);
    expect(met).toBe(rehearsals.length);
    expect(met).toBe(4);
  });

  test("sows with traits what a release's tables take", async () => {
    const seeds = (await evaluated(blockOf("// seeds/orders"), join(root, "seeds", "orders.ts"))) as {
      readonly [name: string]: entry.Seeder;
    };
    const counts: unknown[] = [];
    const counted: entry.Check = async ({ after }) => {
      counts.push(...(await after.query("select count(*)::int as all, count(deleted_at)::int as deleted from orders")));
      return [];
    };
    const tables = {
      name: "0001",
      up: `create table customers (id int primary key, name text not null);
        create table orders (id int primary key, customer_id int not null references customers, deleted_at date)`,
    };
    const { met } = await entry.rehearse([
      entry.defineScenario({
        title: "orders of the README",
        engines: ["postgres"],
        chain: [
          entry.release("1.0", { migrations: [tables] }),
          entry.release("1.1", { migrations: [tables, { name: "0002", up: "select 1" }] }),
        ],
        paths: [
          { from: "1.0", with: seeds.orders as entry.Seeder, to: "1.1", check: counted, expect: entry.clean },
          { from: "1.0", with: seeds.ordersOfNobody as entry.Seeder, to: "1.1", check: counted, expect: entry.clean },
        ],
      }),
    ]);
    expect(met).toBe(2);
    // The two are walked side by side.
    expect(counts).toHaveLength(2);
    expect(counts).toEqual(
      expect.arrayContaining([
        { all: 3300, deleted: 472 },
        { all: 1, deleted: 0 },
      ]),
    );
  });

  test("takes migrations from wherever they are", async () => {
    const { chain, ofFolder, ofTags } = (await evaluated(
      blockOf("// scenarios/shipped"),
      join(root, "scenarios", "shipped.ts"),
    )) as {
      readonly chain: readonly entry.Release[];
      readonly ofFolder: () => Promise<unknown>;
      readonly ofTags: () => Promise<unknown>;
    };
    expect(chain.map(({ name, migrations }) => [name, "read" in migrations])).toEqual([
      ["1.0", true],
      ["1.1", true],
      ["82b32a135ea2", true],
    ]);
    // There is no such folder here, and no such tag: whoever reads them is told.
    await expect(ofFolder()).rejects.toThrow(/there is no such folder/);
    await expect(ofTags()).rejects.toThrow(/Cannot find /);
  });

  test("names every option of the command", () => {
    const options = command("rehearse", "--help").stdout.matchAll(/^ {2}(--[a-z]+)/gm);
    for (const [, option] of options) expect(readme).toContain(`\`${option}`);
  });
});

test("scenarios' own READMEs hold the tables that the scenarios tell", async () => {
  for (const { file, is, should } of await tables()) expect(is, `${file} (npm run tables)`).toBe(should);
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

function blockOf(start: string): string {
  return blocks(readme, "ts").find((block) => block.startsWith(start)) ?? "";
}

async function scenarioOfTheReadme(name: string): Promise<entry.Scenario> {
  const filename = join(root, "scenarios", name, "from-the-readme.ts");
  return ((await evaluated(blockOf(`// scenarios/${name}`), filename)) as { default: entry.Scenario }).default;
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
  return commandIn(root, ...args);
}

function commandIn(cwd: string, ...args: readonly string[]) {
  const jitiCli = join(root, "node_modules", "jiti", "lib", "jiti-cli.mjs");
  const env = {
    ...process.env,
    NO_COLOR: "1",
    FORCE_COLOR: undefined,
    COLUMNS: "120",
    MIGRATION_SANDBOX_STORE: "none",
  };
  return spawnSync(process.execPath, [jitiCli, join(root, "harness", "cli.ts"), ...args], {
    cwd,
    encoding: "utf8",
    env,
    timeout: 60_000,
  });
}

function untimed(text: string): string {
  return text.replace(/, [\d.]+ s(?=\)| one after the other)/g, ", … s").replace(/at most \d+ MB/, "at most … MB");
}

function untimedJson(text: string): unknown {
  return JSON.parse(text, (key, value) => (["milliseconds", "disk"].includes(key) ? 0 : value));
}
