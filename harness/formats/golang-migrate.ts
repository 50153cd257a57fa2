import type { LeftOut, Migration, SqlFile } from "../chain.ts";
import { forEngine, type PerEngine } from "../database.ts";
import { HarnessError } from "../errors.ts";
import type { Migrator, RecordBook } from "../migrator.ts";
import { textAsSent } from "./as-sent.ts";
import { asAsked, filledIn } from "./asked.ts";
import { codeAmong } from "./code.ts";
import { dialectNamed } from "./dialect.ts";
import type { Folder, Format, ReadOptions } from "./format.ts";
import { recordTable } from "./record-table.ts";
import { refused } from "./refused.ts";
import { refuseTemplate } from "./templates.ts";

/** SQL as golang-migrate reads it: `1_users.up.sql` with `1_users.down.sql`, each sent whole, the version alone recorded. */
export const golangMigrate: Format = {
  name: "golang-migrate",
  title: "golang-migrate",

  async detect({ files }) {
    // A dialect in the name is Ory's, whose names are golang-migrate's otherwise.
    const named = files.filter((file) => parsed(file)?.direction === "up" && file.endsWith(".sql"));
    const first = named.filter((file) => !hasDialect(file)).sort()[0];
    return first === undefined ? undefined : { by: "names", what: `the name of ${first}` };
  },

  async read(folder, options) {
    const pairs = pairsOf(folder);
    if (pairs.length === 0) {
      const why = "it holds no file that is named like 1_users.up.sql";
      throw new HarnessError("bad-input", `Cannot read migrations from "${folder.path}": ${why}`);
    }
    return {
      migrations: await Promise.all(pairs.map((pair) => migrationOf(folder, pair, options))),
      migrator: migrator(options),
      ...leftOut(folder),
      ...asAsked(options),
    };
  },
};

/** What a file's name says of it. */
interface Named {
  readonly file: string;
  readonly version: bigint;
  readonly name: string;
  readonly direction: "up" | "down";
}

/** Whatever stands behind the direction is an extension: the tool sends that file, too. */
function parsed(file: string): Named | undefined {
  const [, digits = "", title = "", direction] = /^([0-9]+)_([^/]*)\.(down|up)\.[^/]*$/.exec(file) ?? [];
  if (direction !== "up" && direction !== "down") return undefined;
  const version = BigInt(digits);
  return version > largest ? undefined : { file, version, name: `${digits}_${title}`, direction };
}

const largest = 2n ** 64n - 1n;

function hasDialect(file: string): boolean {
  const word = /\.([a-z0-9]+)\.(?:up|down)\.sql$/.exec(file)?.[1];
  return word === "autocommit" || (word !== undefined && dialectNamed(word) !== undefined);
}

/** The files of a version; either may be missing, and is then a migration that does nothing. */
interface Pair {
  readonly version: bigint;
  readonly up?: Named;
  readonly down?: Named;
}

function pairsOf(folder: Folder): readonly Pair[] {
  const pairs = new Map<bigint, Pair>();
  for (const named of [...folder.files].sort().flatMap((file) => parsed(file) ?? [])) {
    const { version, direction } = named;
    const pair = pairs.get(version) ?? { version };
    const twin = pair[direction];
    if (twin !== undefined) {
      const why = `"${twin.file}" has the same version and direction (which of them runs? give one of them another version)`;
      throw refused(folder, named.file, why);
    }
    pairs.set(version, { ...pair, [direction]: named });
  }
  return [...pairs.values()].sort((a, b) => (a.version < b.version ? -1 : 1));
}

async function migrationOf(folder: Folder, { version, up, down }: Pair, options: ReadOptions): Promise<Migration> {
  return {
    name: (up ?? down)?.name ?? String(version),
    up:
      up === undefined
        ? { sql: "", file: folder.shown(down?.file ?? ""), pieces: [] }
        : await read(folder, up, options),
    ...(down !== undefined && { down: await read(folder, down, options) }),
    recordedAs: { id: String(version) },
  };
}

/** The tool knows no placeholders: products that have some fill them in on the way to it. */
async function read(folder: Folder, { file }: Named, options: ReadOptions): Promise<SqlFile> {
  const { engine } = options;
  const sql = filledIn(await textAsSent(folder, file), options);
  refuseTemplate(folder, { file, sql }, engine);
  const isSkipped = sql.trim() === "" && forEngine(skipsBlank, engine) === true;
  return { sql, file: folder.shown(file), pieces: isSkipped ? [] : [{ sql, offset: 0 }] };
}

/** Where a file of blanks is not sent at all; elsewhere the server says that it is empty. */
const skipsBlank: PerEngine<boolean> = { postgres: true };

function leftOut({ files }: Folder): { readonly leftOut?: readonly LeftOut[] } {
  const why = "golang-migrate takes no notice of a name that is not like 1_users.up.sql";
  const unknown = files.filter((file) => parsed(file) === undefined);
  const others = [
    ...unknown.filter((file) => /^[^/]+\.sql$/.test(file)),
    ...codeAmong(unknown).map(({ name }) => name),
  ];
  return others.length === 0 ? {} : { leftOut: others.sort().map((name) => ({ name, why })) };
}

function migrator(options: ReadOptions): Migrator {
  return {
    title: golangMigrate.title,
    engines: ["postgres", "mysql", "mariadb"],
    transaction: "none",
    lock: "wait",
    late: "skip",
    edited: "ignore",
    // Only of the version at which it stands does it want the file.
    removed: "refuse",
    record: record(options),
  };
}

/** One row: the version, and whether it is only begun. */
function record({ engine, recordTable: given, prelude }: ReadOptions): RecordBook {
  // Found once, in the schema that the session is in then: a migration's own search_path does not hide it.
  const schema = prelude?.session === undefined ? { schema: "public" } : {};
  const { quoted, shown, name } = recordTable(given, { ...schema, name: "schema_migrations" });
  const columns = "(version bigint not null primary key, dirty boolean not null)";
  const stand = (table: string, id: string, dirty: boolean) =>
    `truncate ${table}; insert into ${table} (version, dirty) values (${id}, ${dirty})`;
  const standing = (id: string, dirty: boolean): PerEngine<string> => ({
    postgres: stand(quoted.postgres, id, dirty),
    mysql: stand(quoted.mysql, id, dirty),
  });
  const emptied: PerEngine<string> = { postgres: `truncate ${quoted.postgres}`, mysql: `truncate ${quoted.mysql}` };
  return {
    tables: [forEngine(shown, engine) ?? name],
    create: {
      postgres: `create table if not exists ${quoted.postgres} ${columns}`,
      mysql: `create table if not exists ${quoted.mysql} ${columns}`,
    },
    async read(ask) {
      const [row] = await ask(`select version, dirty from ${forEngine(quoted, engine)} limit 1`);
      if (row === undefined) return { applied: [] };
      const upTo = String(row.version);
      if (Number(row.dirty) !== 1) return { applied: [], upTo };
      const way = `mend the database by hand, then "migrate force" to the version it really is at`;
      return { applied: [], upTo, halfDone: { message: `its record is dirty at version ${upTo} (${way})`, id: upTo } };
    },
    begin: ({ id }) => standing(id, true),
    add: ({ id }) => standing(id, false),
    // It says ahead where it is going: behind the first one, to no version, which it writes as -1 while it is at it.
    back: {
      begin: ({ last }) => standing(last?.id ?? "-1", true),
      remove: ({ last }) => (last === undefined ? emptied : standing(last.id, false)),
    },
  };
}
