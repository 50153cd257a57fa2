import type { LeftOut, Migration, SqlFile } from "../chain.ts";
import { HarnessError } from "../errors.ts";
import type { Migrator } from "../migrator.ts";
import { textAsSent } from "./as-sent.ts";
import { asAsked } from "./asked.ts";
import type { Folder, Format } from "./format.ts";
import { recordTable } from "./record-table.ts";
import { refused } from "./refused.ts";

/**
 * node-pg-migrate's SQL files: `1706702400000_users.sql` with `-- Up Migration` and `-- Down Migration` in it, or
 * `….up.sql` and `….down.sql` as its newer loader pairs them. Those in JavaScript or TypeScript are named as left out.
 */
export const nodePgMigrate: Format = {
  name: "node-pg-migrate",
  title: "node-pg-migrate",

  async detect(folder) {
    const files = migrationFiles(folder).filter(isSql);
    for (const file of files.slice(0, 20)) {
      const text = await folder.text(file).catch(() => "");
      const marker = (markerOf("up").exec(text) ?? markerOf("down").exec(text))?.[0].trim();
      if (marker !== undefined) return { by: "content", what: `${marker} in ${file}`, engine: "postgres" };
    }
    const stamped = files.find((file) => /^(?:\d{13}|\d{17})_/.test(file));
    return stamped === undefined ? undefined : { by: "names", what: stamped, engine: "postgres" };
  },

  async read(folder, options) {
    const files = migrationFiles(folder);
    const odd = folder.files.find((file) => /^[^./0-9][^/]*\.sql$/.test(file));
    if (odd !== undefined) {
      throw refused(folder, odd, "its name does not begin with a number, by which node-pg-migrate sorts");
    }
    if (files.length === 0) {
      const message = `Cannot read migrations from "${folder.path}": it holds no <number>_<name>.sql`;
      throw new HarnessError("bad-input", message);
    }
    const pairs = files.filter(isSql).some((file) => direction.test(file)) ? pairsOf(folder, files) : singles(files);
    const migrations = await Promise.all(pairs.map((pair) => migrationOf(folder, pair)));
    return { migrations, migrator: migratorFor(options.recordTable), ...leftOut(files), ...asAsked(options) };
  },
};

const direction = /\.(up|down)\.sql$/;
const isSql = (file: string) => file.endsWith(".sql");

/** In the tool's order. What is no migration in any language, products tell it to ignore. */
function migrationFiles({ files }: Folder): readonly string[] {
  return files
    .filter((file) => /^[0-9][^/]*\.(?:sql|[cm]?[jt]s)$/.test(file) && !/\.d\.[cm]?ts$/.test(file))
    .sort(
      (a, b) => numberOf(a) - numberOf(b) || a.localeCompare(b, undefined, { numeric: true, ignorePunctuation: true }),
    );
}

/** 17 digits are a time in UTC, and compared with the milliseconds of others. */
function numberOf(file: string): number {
  const digits = /^\d+/.exec(file)?.[0] ?? "";
  const time = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})$/.exec(digits);
  if (time === null) return Number(digits);
  const [, year, month, day, hour, minute, second, milliseconds] = time;
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}.${milliseconds}Z`).valueOf();
}

interface Pair {
  readonly name: string;
  readonly up: string;
  readonly down?: string;
}

function singles(files: readonly string[]): readonly Pair[] {
  return files.filter(isSql).map((up) => ({ name: up.slice(0, -".sql".length), up }));
}

function pairsOf(folder: Folder, files: readonly string[]): readonly Pair[] {
  const names = new Set(files.filter(isSql).map((file) => file.replace(direction, "").replace(/\.sql$/, "")));
  return [...names].map((name) => {
    const [single, up, down] = [`${name}.sql`, `${name}.up.sql`, `${name}.down.sql`].map((file) =>
      files.includes(file) ? file : undefined,
    );
    const other = up ?? down;
    if (single !== undefined && other !== undefined) {
      throw refused(folder, single, `"${other}" is there too (keep one file, or the two that say .up and .down)`);
    }
    if (up === undefined && down !== undefined)
      throw refused(folder, down, `there is no "${name}.up.sql" that it takes back`);
    return { name, up: up ?? single ?? "", ...(down !== undefined && { down }) };
  });
}

async function migrationOf(folder: Folder, { name, up, down }: Pair): Promise<Migration> {
  const text = await textAsSent(folder, up);
  const file = folder.shown(up);
  if (direction.test(up)) {
    const back = down === undefined ? undefined : { sql: await textAsSent(folder, down), file: folder.shown(down) };
    return { name, up: { sql: text, file }, ...(back !== undefined && back.sql !== "" && { down: back }) };
  }
  const [ups, downs] = [markerOf("up"), markerOf("down")].map((marker) => text.search(marker));
  const part = (from: number, until: number): SqlFile => {
    const sql = text.slice(from, until > from ? until : undefined);
    return { sql, file, within: { text, start: from } };
  };
  return {
    name,
    up: ups === undefined || downs === undefined || ups < 0 ? { sql: text, file } : part(ups, downs),
    ...(ups !== undefined && downs !== undefined && downs >= 0 && { down: part(downs, ups) }),
  };
}

function markerOf(of: "up" | "down"): RegExp {
  return new RegExp(`^\\s*--[\\s-]*${of}\\s+migration`, "im");
}

function leftOut(files: readonly string[]): { readonly leftOut?: readonly LeftOut[] } {
  const why = "it is code, which only node-pg-migrate itself can run";
  const code = files.filter((file) => !isSql(file)).map((file) => ({ name: file.replace(/\.[^.]+$/, ""), why }));
  return code.length === 0 ? {} : { leftOut: code };
}

function migratorFor(given: string | undefined): Migrator {
  const { quoted, shown } = recordTable(given, { schema: "public", name: "pgmigrations" });
  const table = quoted.postgres;
  return {
    title: "node-pg-migrate",
    engines: ["postgres"],
    transaction: "all",
    lock: "refuse",
    late: "refuse",
    edited: "ignore",
    removed: "refuse",
    record: {
      tables: [shown.postgres ?? ""],
      create: {
        postgres: `CREATE TABLE IF NOT EXISTS ${table} (id SERIAL PRIMARY KEY, name varchar(255) NOT NULL, run_on timestamp NOT NULL)`,
      },
      async read(ask) {
        const rows = await ask(`SELECT name FROM ${table} ORDER BY run_on, id`);
        return { applied: rows.map(({ name }) => ({ id: String(name) })) };
      },
      add: ({ id, literal }) => ({ postgres: `INSERT INTO ${table} (name, run_on) VALUES (${literal(id)}, NOW())` }),
      back: { remove: ({ id, literal }) => ({ postgres: `DELETE FROM ${table} WHERE name = ${literal(id)}` }) },
    },
  };
}
