import { HarnessError } from "../errors.ts";
import type { Migrator } from "../migrator.ts";
import { asAsked, filledIn } from "./asked.ts";
import type { Folder, Format, ReadOptions } from "./format.ts";
import { changesetsOf } from "./liquibase-changelog.ts";
import type { Changeset } from "./liquibase-changeset.ts";
import { marks } from "./liquibase-lines.ts";
import { migrationOf, shippedAs } from "./liquibase-migration.ts";
import { liquibaseRecord, recordedId } from "./liquibase-record.ts";
import { refused } from "./refused.ts";

/**
 * Liquibase's formatted SQL: files that begin with `-- liquibase formatted sql` and hold changesets. The files of a folder run
 * in the order of their paths, as `includeAll` has it. Changelogs in XML, YAML or JSON need Liquibase itself.
 */
export const liquibase: Format = {
  name: "liquibase",
  title: "Liquibase",

  async detect(folder) {
    const changelog = await otherChangelog(folder);
    if (changelog !== undefined) return { by: "content", what: `databaseChangeLog in ${changelog}` };
    const formatted = await firstOf(sqlFiles(folder).slice(0, enough), (file) => isFormatted(folder, file));
    return formatted === undefined ? undefined : { by: "content", what: `-- liquibase formatted sql in ${formatted}` };
  },

  async read(folder, options) {
    await refuseOthers(folder);
    const changesets: Changeset[] = [];
    for (const file of sqlFiles(folder)) changesets.push(...(await changesetsIn(folder, file, options)));
    refuseTwins(folder, changesets);
    const book = new Map(changesets.map((changeset) => [recordedId(changeset), shippedAs(changeset)]));
    const passedOver = new Map<string, "MARK_RAN" | "CONTINUE">();
    const migrations = changesets.map((changeset) => migrationOf(folder, changeset, { options, book, passedOver }));
    const record = liquibaseRecord({ engine: options.engine, table: options.recordTable, shipped: book, passedOver });
    return { migrations, migrator: { ...rules, record }, ...asAsked(options) };
  },
};

const rules: Omit<Migrator, "record"> = {
  title: "Liquibase",
  engines: ["postgres", "mysql", "mariadb"],
  transaction: "each",
  lock: "wait",
  late: "run",
  edited: "refuse",
  removed: "ignore",
};

/** How many files are opened to know a folder by them: repositories hold thousands. */
const enough = 50;

/** In the order in which Liquibase includes all of a folder. */
function sqlFiles({ files }: Folder): readonly string[] {
  return files.filter((file) => /\.sql$/i.test(file)).sort();
}

async function firstOf(files: readonly string[], is: (file: string) => Promise<boolean>): Promise<string | undefined> {
  for (const file of files) if (await is(file)) return file;
  return undefined;
}

async function isFormatted(folder: Folder, file: string): Promise<boolean> {
  const [first = ""] = (await headOf(folder, file)).split(/\r\n|\r|\n/).filter((line) => line.trim() !== "");
  return marks.first.test(first);
}

/** The beginning of a file that may be large, or no text at all. */
async function headOf(folder: Folder, file: string): Promise<string> {
  for await (const chunk of folder.stream(file))
    return chunk
      .subarray(0, 4096)
      .toString("utf8")
      .replace(/^\uFEFF/, "");
  return "";
}

async function otherChangelog(folder: Folder): Promise<string | undefined> {
  const isLikely = (file: string) => (/change|liquibase|master/i.test(file) ? 0 : 1);
  const others = folder.files.filter((file) => /\.(?:xml|ya?ml|json)$/i.test(file));
  const likely = others.sort((a, b) => isLikely(a) - isLikely(b) || (a < b ? -1 : 1)).slice(0, enough);
  return firstOf(likely, async (file) =>
    /<databaseChangeLog\b|^\s*"?databaseChangeLog"?\s*:/m.test(await headOf(folder, file)),
  );
}

async function refuseOthers(folder: Folder): Promise<void> {
  const changelog = await otherChangelog(folder);
  if (changelog !== undefined) {
    const why =
      'only Liquibase itself reads changelogs in XML, YAML or JSON (drive it: command("liquibase", ["update", …]))';
    throw refused(folder, changelog, why);
  }
  if ((await firstOf(sqlFiles(folder), (file) => isFormatted(folder, file))) !== undefined) return;
  const why = "it holds no .sql file that begins with -- liquibase formatted sql";
  throw new HarnessError("bad-input", `Cannot read migrations from "${folder.path}": ${why}`);
}

/** A file without Liquibase's first line is one changeset to it, whole. */
async function changesetsIn(folder: Folder, file: string, options: ReadOptions): Promise<readonly Changeset[]> {
  const text = await folder.text(file);
  if (await isFormatted(folder, file)) return changesetsOf(folder, file, { text, options });
  const line = { text: "", start: 0, number: 1 };
  const expanded = (sql: string) => filledIn(sql, options);
  const raw = { id: "raw", author: "includeAll", path: file, file, line, text, start: 0, end: text.length, sql: text };
  return [{ ...raw, rollback: { sql: "", start: 0 }, comment: "", validCheckSums: [], conditions: [], expanded }];
}

function refuseTwins(folder: Folder, changesets: readonly Changeset[]): void {
  const seen = new Map<string, Changeset>();
  for (const changeset of changesets) {
    const twin = seen.get(recordedId(changeset));
    if (twin !== undefined) {
      const why = `changeset ${changeset.author}:${changeset.id} stands on line ${twin.line.number} of "${folder.shown(twin.file)}" already`;
      throw refused(folder, changeset.file, why, changeset.line.number);
    }
    seen.set(recordedId(changeset), changeset);
  }
}
