import { access, mkdir, writeFile } from "node:fs/promises";
import { dirname, relative, resolve, sep } from "node:path";
import type { Migration, Release } from "./chain.ts";
import { changeFor } from "./chain.ts";
import type { EngineName } from "./database.ts";
import { HarnessError } from "./errors.ts";
import { type Found, found, mostStarts, type Unprepared } from "./unprepared.ts";

const files = {
  scenario: "scenarios/upgrades.ts",
  seeder: "seeds/upgrades.ts",
  test: "test/upgrades.test.ts",
} as const;

/**
 * Writes the first scenario, its seeder and its test for the chain that a folder or a repository holds; nothing that is there
 * is written over.
 *
 * @returns what was written, and what to type next
 * @throws {HarnessError} `bad-input` for what holds no chain, and where one of the files is there already
 */
export async function init(asked: Unprepared): Promise<string> {
  const chain = await found(asked);
  for (const file of Object.values(files)) await refuseExisting(file);
  const tables = await tablesOf(chain);
  await write(files.scenario, scenarioText(asked, chain));
  await write(files.seeder, seederText(tables));
  await write(files.test, testText);
  const count = `${chain.chain.length} release${chain.chain.length === 1 ? "" : "s"}`;
  return [
    `Found ${count} as ${chain.format.title} ships them, for ${chain.engines.join(", ")}. Wrote:`,
    `  ${files.scenario}  the chain, its paths, and what is expected of them`,
    `  ${files.seeder}  the rows that the upgrade will meet: put your awkward ones here`,
    `  ${files.test}  the same under Vitest`,
    "Next:",
    "  npm install --save-dev migration-sandbox vitest",
    "  npx migration-sandbox rehearse upgrades",
  ].join("\n");
}

async function refuseExisting(file: string): Promise<void> {
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  if (exists)
    throw new HarnessError("bad-input", `Cannot write "${file}": it is there already (move it away, or write by hand)`);
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  // Somebody may have made it in the meantime.
  await writeFile(file, text, { flag: "wx" });
}

/** Tables that the release before the newest has created, as far as its SQL tells. */
async function tablesOf({ chain, engines: [engine = "postgres"] }: Found): Promise<readonly string[]> {
  const release = chain.at(-2);
  if (release === undefined) return [];
  const created = (await migrationsOf(release, engine)).flatMap(({ up }) => createdBy(up, engine));
  return [...new Set(created)].slice(0, 12);
}

async function migrationsOf({ migrations }: Release, engine: EngineName): Promise<readonly Migration[]> {
  const read = "read" in migrations ? await migrations.read(engine) : migrations;
  return "migrations" in read ? read.migrations : read;
}

function createdBy(up: Migration["up"], engine: EngineName): readonly string[] {
  const change = changeFor(up, engine);
  if (change === undefined || typeof change === "function") return [];
  const sql = typeof change === "string" ? change : change.sql;
  const found = sql.matchAll(/\bcreate\s+table\s+(?:if\s+not\s+exists\s+)?(?:[`"]?\w+[`"]?\.)?[`"]?(\w+)[`"]?/gi);
  return [...found].map(([, name = ""]) => name);
}

function scenarioText({ where, tags, folder, format }: Unprepared, { chain, engines }: Found): string {
  const from = dirname(resolve(files.scenario));
  const path = resolve(where, tags === undefined ? (folder ?? ".") : ".");
  const url = `new URL(${JSON.stringify(urlOf(relative(from, path)))}, import.meta.url)`;
  const as = format === undefined ? "" : `format: ${JSON.stringify(format)}`;
  const reads =
    tags === undefined
      ? `await folderReleases(${url}${as === "" ? "" : `, { ${as} }`})`
      : `await gitReleases({ ${[`repo: ${url}`, `tags: ${JSON.stringify(tags)}`, folder === undefined ? "" : `folder: ${JSON.stringify(folder)}`, as].filter(Boolean).join(", ")} })`;
  const several = chain.length > 1;
  return `import { clean, defineScenario, ${tags === undefined ? "folderReleases" : "gitReleases"} } from "migration-sandbox";
${several ? 'import { rows } from "../seeds/upgrades.ts";\n' : ""}
// Every ${tags === undefined ? "migration" : "tag"} is a release. They are ${chain.length}: ${shownNames(chain)}.
const chain = ${reads};
const [${several ? 'oneBefore = "", ' : ""}newest = ""] = chain.slice(${several ? -2 : -1}).map(({ name }) => name);

export default defineScenario({
  title: "every release can be upgraded to the newest",
  engines: ${JSON.stringify(engines).replaceAll(",", ", ")},
  chain,
${several ? "  // Sown whenever a path stands at that release and will go on.\n  seeds: { [oneBefore]: rows },\n" : ""}  paths: [
${several ? '    { every: "stepwise", expect: clean },\n' : ""}    { to: newest, expect: clean },
${jumps(chain.length)}  ],
});
`;
}

/** Of two releases the one hop is a step and a jump. */
function jumps(releases: number): string {
  if (releases <= 2) return "";
  const some = releases <= mostStarts + 1 ? "" : ` sample: ${mostStarts},`;
  return `    { every: "to-latest",${some} expect: clean },\n`;
}

/** A folder's name may hold what means something in a URL. */
function urlOf(path: string): string {
  return `${path === "" ? "." : path.split(sep).map(encodeURIComponent).join("/")}/`;
}

function shownNames(chain: readonly Release[]): string {
  const names = chain.map(({ name }) => name);
  return names.length <= 4 ? names.join(", ") : `${names.slice(0, 2).join(", ")} … ${names.at(-1)}`;
}

function seederText(tables: readonly string[]): string {
  const [table = "users"] = tables;
  const known = tables.length === 0 ? "" : `\n// Tables there are by then: ${tables.join(", ")}.`;
  return `import { seeder } from "migration-sandbox";

// What do your users' databases hold that yours does not? One-to-many rows, orphans, soft-deleted rows, extremes.${known}
export const rows = seeder("no rows yet", async ({ plant, faker, random }) => {
  void [plant, faker, random];
  // await plant(${JSON.stringify(table)}, [{ id: 1, name: faker.person.fullName() }, { id: 2, name: "" }]);
});
`;
}

const testText = `import { rehearseAll } from "migration-sandbox/vitest";
import upgrades from "../scenarios/upgrades.ts";

rehearseAll(upgrades);
`;
