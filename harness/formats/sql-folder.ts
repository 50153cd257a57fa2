import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Migration, MigrationSource, SqlFile } from "../chain.ts";
import { type EngineName, engineNames, forEngine } from "../database.ts";
import { HarnessError } from "../errors.ts";

/** A source that is nothing but its list, for those who want to change it. */
export interface SqlFolder extends MigrationSource {
  readonly read: () => Promise<readonly Migration[]>;
}

/**
 * The `.sql` files of one folder or of several joined in order, each a migration named after its file. Leading numbers
 * count as numbers (`2_x` before `10_x`). `x.mysql.sql` is what MySQL runs instead of `x.sql`; MariaDB too, unless there
 * is an `x.mariadb.sql`.
 *
 * @throws {HarnessError} `bad-input` when read, for a folder that cannot be read or holds no `.sql` file.
 * @example
 * ```ts
 * import { release, sqlFolder } from "migration-sandbox";
 * const first = release("1.0", { migrations: sqlFolder(new URL("./releases/1.0/", import.meta.url)) });
 * console.assert("read" in first.migrations);
 * ```
 */
export function sqlFolder(...folders: URL[]): SqlFolder {
  return { read: async () => (await Promise.all(folders.map(readFolder))).flat() };
}

async function readFolder(url: URL): Promise<readonly Migration[]> {
  const folder = fileURLToPath(url);
  const names = await readdir(folder).catch((cause) => {
    throw new HarnessError("bad-input", `Cannot read migrations from "${folder}": ${cause.message}`, { cause });
  });
  const files = names.filter((name) => name.endsWith(".sql"));
  if (files.length === 0)
    throw new HarnessError("bad-input", `Cannot read migrations from "${folder}": it holds no .sql file`);
  const base = url.href.endsWith("/") ? url : new URL(`${url.href}/`);
  const read = async (name: string): Promise<SqlFile> => {
    const file = fileURLToPath(new URL(encodeURIComponent(name), base));
    // A byte order mark is no part of the SQL.
    return { sql: (await readFile(file, "utf8")).replace(/^\uFEFF/, ""), file };
  };
  const migrations = [...new Set(files.map((file) => nameOf(file).name))].sort(byNumberThenText);
  return Promise.all(
    migrations.map(async (name) => {
      const own = files.filter((file) => nameOf(file).name === name);
      const plain = own.find((file) => nameOf(file).engine === undefined);
      if (plain !== undefined && own.length === 1) return { name, up: await read(plain) };
      const written = Object.fromEntries(own.map((file) => [nameOf(file).engine ?? "plain", file]));
      const fileFor = (engine: EngineName) => forEngine<string>(written, engine) ?? plain;
      const variants = engineNames.flatMap((engine) => {
        const file = fileFor(engine);
        return file === undefined ? [] : [read(file).then((sql) => [engine, sql] as const)];
      });
      return { name, up: Object.fromEntries(await Promise.all(variants)) };
    }),
  );
}

function nameOf(file: string): { readonly name: string; readonly engine?: string } {
  const name = file.slice(0, -".sql".length);
  const engine = engineNames.find((known) => name.endsWith(`.${known}`));
  return engine === undefined ? { name } : { name: name.slice(0, -engine.length - 1), engine };
}

function byNumberThenText(a: string, b: string): number {
  const [x, y] = [/^\d+/.exec(a)?.[0], /^\d+/.exec(b)?.[0]];
  const byNumber = x === undefined || y === undefined ? 0 : Number(BigInt(x) - BigInt(y));
  return byNumber !== 0 ? byNumber : a < b ? -1 : 1;
}
