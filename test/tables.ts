import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { createJiti } from "jiti";
import * as entry from "../harness/index.ts";
import { markdown } from "../harness/report/markdown.ts";

const scenarios = resolve(import.meta.dirname, "..", "scenarios");

/** The scenarios' own READMEs, each as it stands and as it should: with the tables that the scenarios tell. */
export async function tables(): Promise<readonly { file: string; is: string; should: string }[]> {
  const files = readdirSync(scenarios).map((product) => join(scenarios, product, "README.md"));
  return Promise.all(
    files.map(async (file) => {
      const is = readFileSync(file, "utf8");
      return { file, is, should: await filled(is) };
    }),
  );
}

async function filled(readme: string): Promise<string> {
  const parts = readme.split(/(?<=<!-- table: .* -->\n)[\s\S]*?(?=<!-- \/table -->)/);
  const told = await Promise.all(
    parts.map(async (part) => {
      const [, name] = /<!-- table: (.*) -->\n$/.exec(part) ?? [];
      return name === undefined ? part : `${part}\n${markdown(await scenario(name))}\n\n`;
    }),
  );
  return told.join("");
}

async function scenario(name: string): Promise<entry.Scenario> {
  const jiti = createJiti(import.meta.url, { virtualModules: { "migration-sandbox": entry } });
  const { default: told } = await jiti.import<{ default: entry.Scenario }>(join(scenarios, `${name}.ts`));
  return told;
}

/** The README of harness/formats/, likewise. */
async function ofFormats(): Promise<Awaited<ReturnType<typeof tables>>[number]> {
  const jiti = createJiti(import.meta.url, { virtualModules: { "migration-sandbox": entry } });
  const { readme } = await jiti.import<typeof import("./faithful/table.ts")>("./faithful/table.ts");
  return readme();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const { file, is, should } of [...(await tables()), await ofFormats()])
    if (is !== should) writeFileSync(file, should);
}
