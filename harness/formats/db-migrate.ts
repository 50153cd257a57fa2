import type { LeftOut, Migration, Prelude, SqlFile } from "../chain.ts";
import { engineNames, forEngine } from "../database.ts";
import { HarnessError } from "../errors.ts";
import type { Migrator } from "../migrator.ts";
import { textAsSent } from "./as-sent.ts";
import { asAsked } from "./asked.ts";
import { type Reads, sqlFilesOf } from "./db-migrate-wrapper.ts";
import type { Folder, Format, ReadOptions } from "./format.ts";
import { recordTable } from "./record-table.ts";
import { refused } from "./refused.ts";

/**
 * db-migrate's `sqls/20260131120000-users-up.sql` beside the script that reads it. A script that does more than that is code:
 * it is named as left out.
 */
export const dbMigrate: Format = {
  name: "db-migrate",
  title: "db-migrate",

  async detect({ files }) {
    const script = scriptsIn(files).find((file) => files.includes(`sqls/${nameOf(file)}-up.sql`));
    return script === undefined ? undefined : { by: "marker", what: `sqls/${nameOf(script)}-up.sql beside ${script}` };
  },

  async read(folder, options) {
    const scripts = scriptsIn(folder.files);
    if (scripts.length === 0) {
      const message = `Cannot read migrations from "${folder.path}": it holds no <14 digits>-<name>.js`;
      throw new HarnessError("bad-input", message);
    }
    const odd = folder.files.find((file) => /^[^/]+\.js$/.test(file) && nameOf(file) === undefined);
    if (odd !== undefined) {
      const why = "db-migrate takes every script for a migration, and its name has no <14 digits>-<name>";
      throw refused(folder, odd, why);
    }
    const read = await Promise.all(scripts.map((script) => migrationOf(folder, script)));
    const leftOut = read.filter((migration): migration is LeftOut => "why" in migration);
    return {
      migrations: read.filter((migration): migration is Migration => "up" in migration),
      migrator: migratorFor(options),
      ...(leftOut.length > 0 && { leftOut }),
      ...asAsked({ ...options, prelude: preludeFor(options) }),
    };
  },
};

/** In the order of their dates, then of their names. */
function scriptsIn(files: readonly string[]): readonly string[] {
  const date = (file: string) => Number(nameOf(file)?.slice(0, 14));
  return files
    .filter((file) => /^[^/]+\.js$/.test(file) && nameOf(file) !== undefined)
    .sort()
    .sort((a, b) => date(a) - date(b));
}

/** What db-migrate makes of a file's name: a date wherever it stands in it, up to the first dot behind. */
function nameOf(file: string): string | undefined {
  return /\d{14}-[^.]+/.exec(file)?.[0];
}

async function migrationOf(folder: Folder, script: string): Promise<Migration | LeftOut> {
  const name = nameOf(script) ?? script;
  const { up, down }: Reads = sqlFilesOf(await folder.text(script));
  if (up === undefined) {
    const isCode = folder.files.includes(`sqls/${name}-up.sql`)
      ? "its script does more than read its SQL file"
      : "it is code";
    return { name, why: `${isCode}, which only db-migrate itself can run` };
  }
  if (!folder.files.includes(up)) throw refused(folder, script, `it reads "${up}", and there is no such file`);
  const read = async (file: string): Promise<SqlFile> => {
    return { sql: await textAsSent(folder, file), file: folder.shown(file) };
  };
  return {
    name,
    up: await read(up),
    ...(down !== undefined && folder.files.includes(down) && { down: await read(down) }),
    // Without a scope, what stands before the slash is empty.
    recordedAs: { id: `/${name}` },
  };
}

/** On MySQL it leaves no statement to itself: what a CREATE has committed is followed by a transaction that nobody opened. */
function preludeFor({ engine, prelude }: ReadOptions): Prelude {
  const session = [forEngine({ mysql: "set autocommit = 0" }, engine), prelude?.session].filter(
    (sql) => sql !== undefined,
  );
  return { ...prelude, ...(session.length > 0 && { session: session.join(";\n") }) };
}

function migratorFor(options: ReadOptions): Migrator {
  const { quoted, shown } = recordTable(options.recordTable, { name: "migrations" });
  const table = forEngine(quoted, options.engine) ?? "";
  return {
    title: "db-migrate",
    engines: engineNames,
    transaction: "each",
    lock: "none",
    late: "run",
    edited: "ignore",
    removed: "ignore",
    perMessage: options.multipleStatements ? "several" : "one",
    record: {
      tables: [forEngine(shown, options.engine) ?? ""],
      create: {
        postgres: `CREATE TABLE IF NOT EXISTS ${quoted.postgres} ("id" SERIAL PRIMARY KEY NOT NULL, "name" VARCHAR (255) NOT NULL, "run_on" TIMESTAMP NOT NULL)`,
        mysql: `CREATE TABLE IF NOT EXISTS ${quoted.mysql} (\`id\` INTEGER PRIMARY KEY AUTO_INCREMENT NOT NULL, \`name\` VARCHAR (255) NOT NULL, \`run_on\` DATETIME NOT NULL)`,
      },
      async read(ask) {
        const rows = await ask(`select name from ${table} order by run_on, name`);
        return { applied: rows.map(({ name }) => ({ id: String(name) })) };
      },
      add({ id, literal }) {
        return {
          postgres: `INSERT INTO ${quoted.postgres} ("name", "run_on") VALUES (${literal(id)}, localtimestamp)`,
          mysql: `INSERT INTO ${quoted.mysql} (\`name\`, \`run_on\`) VALUES (${literal(id)}, now())`,
        };
      },
      back: {
        remove({ id, literal }) {
          const sql = `DELETE FROM ${table} WHERE name = ${literal(id)}`;
          return { postgres: sql, mysql: sql };
        },
      },
    },
  };
}
