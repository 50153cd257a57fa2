import type { Migration, SqlFile } from "../chain.ts";
import { engineNames, type PerEngine } from "../database.ts";
import { HarnessError } from "../errors.ts";
import type { Migrator } from "../migrator.ts";
import { textAsSent } from "./as-sent.ts";
import { asAsked } from "./asked.ts";
import type { Folder, Format } from "./format.ts";
import { refuseOtherTable } from "./record-table.ts";
import { refused } from "./refused.ts";

/**
 * Diesel's folder for each migration: `2026-01-31-120000_users/up.sql`, its `down.sql`, and a `metadata.toml` that may say
 * `run_in_transaction = false`. The version is what stands before the first `_`, without its dashes.
 */
export const diesel: Format = {
  name: "diesel",
  title: "Diesel",

  async detect({ files }) {
    const names = files.flatMap((file) => /^([^/.][^/]*)\/up\.sql$/.exec(file)?.[1] ?? []);
    const known = [setup, "diesel.toml", ...names.map((name) => `${name}/metadata.toml`)];
    const marker = known.find((file) => files.includes(file));
    if (names.length > 0 && marker !== undefined) return { by: "marker", what: marker };
    // Milliseconds are Hasura's way.
    if (names.length === 0 || !names.every((name) => /^[\d-]+(?:_|$)/.test(name)) || names.every(isMilliseconds))
      return undefined;
    return { by: "names", what: `${[...names].sort()[0]}/up.sql` };
  },

  async read(folder, options) {
    refuseOtherTable(folder, "Diesel", options.recordTable, table);
    const migrations = await Promise.all(namesIn(folder).map((name) => migrationOf(folder, name)));
    return { migrations, migrator, ...asAsked(options) };
  },
};

const setup = "00000000000000_diesel_initial_setup/up.sql";
const isMilliseconds = (name: string) => /^\d{13}(?:_|$)/.test(name);

/** In the order of their versions, which are text. */
function namesIn(folder: Folder): readonly string[] {
  const names = [...new Set(folder.files.flatMap((file) => /^([^/.][^/]*)\//.exec(file)?.[1] ?? []))];
  if (names.length === 0) {
    const message = `Cannot read migrations from "${folder.path}": it holds no <version>_<name>/up.sql`;
    throw new HarnessError("bad-input", message);
  }
  const sorted = names.sort((a, b) =>
    versionOf(a) < versionOf(b) || (versionOf(a) === versionOf(b) && a < b) ? -1 : 1,
  );
  for (const [i, name] of sorted.entries()) {
    if (!folder.files.includes(`${name}/up.sql`)) {
      throw refused(folder, name, "Diesel takes every folder for a migration, and this one has no up.sql");
    }
    const before = sorted[i - 1];
    if (before !== undefined && versionOf(before) === versionOf(name)) {
      const why = `"${before}" has the version ${versionOf(name)} too (Diesel runs only one of them: give one another version)`;
      throw refused(folder, name, why);
    }
  }
  return sorted;
}

function versionOf(name: string): string {
  return (name.split("_")[0] ?? "").replaceAll("-", "");
}

async function migrationOf(folder: Folder, name: string): Promise<Migration> {
  const transaction = await runsInTransaction(folder, `${name}/metadata.toml`);
  const read = async (file: string): Promise<SqlFile> => {
    const sql = await textAsSent(folder, file);
    return { sql, file: folder.shown(file), ...(!transaction && { pieces: [{ sql, offset: 0 }] }) };
  };
  const up = await read(`${name}/up.sql`);
  if (up.sql === "")
    throw refused(
      folder,
      `${name}/up.sql`,
      "it is empty, which Diesel refuses to run (say in it what it is for, or remove its folder)",
    );
  const down = folder.files.includes(`${name}/down.sql`) ? await read(`${name}/down.sql`) : undefined;
  return {
    name,
    up,
    ...(down !== undefined && down.sql !== "" && { down }),
    ...(!transaction && { transaction: false as const }),
    recordedAs: { id: versionOf(name) },
  };
}

/** Without the file it does; a file that does not say so is taken for a no, and one that cannot be read is not there. */
async function runsInTransaction(folder: Folder, file: string): Promise<boolean> {
  if (!folder.files.includes(file)) return true;
  const [top = ""] = (await folder.text(file)).split(/^\s*\[/m);
  const said = /^[ \t]*run_in_transaction[ \t]*=[ \t]*([^\r\n#]*)/m.exec(top)?.[1]?.trim();
  return said !== undefined && said !== "false";
}

const table = "__diesel_schema_migrations";
const anywhere = (sql: string): PerEngine<string> => ({ postgres: sql, mysql: sql });

const migrator: Migrator = {
  title: "Diesel",
  engines: engineNames,
  transaction: "each",
  lock: "none",
  late: "run",
  edited: "ignore",
  removed: "ignore",
  record: {
    tables: [table],
    create: anywhere(
      `CREATE TABLE IF NOT EXISTS ${table} (version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)`,
    ),
    async read(ask) {
      const rows = await ask(`select version from ${table} order by run_on, version`);
      return { applied: rows.map(({ version }) => ({ id: String(version) })) };
    },
    add: ({ id, literal }) => anywhere(`insert into ${table} (version) values (${literal(id)})`),
    back: { remove: ({ id, literal }) => anywhere(`delete from ${table} where version = ${literal(id)}`) },
  },
};
