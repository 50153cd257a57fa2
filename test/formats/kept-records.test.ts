// What is kept of migrations is what their own tools keep: table for table, row for row.

import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { setTimeout } from "node:timers/promises";
import { drizzle as drizzleMysql } from "drizzle-orm/mysql2";
import { migrate as migrateMysql } from "drizzle-orm/mysql2/migrator";
import { drizzle as drizzlePostgres } from "drizzle-orm/node-postgres";
import { migrate as migratePostgres } from "drizzle-orm/node-postgres/migrator";
import { createPool } from "mysql2/promise";
import { runner } from "node-pg-migrate";
import pg from "pg";
import { expect, test } from "vitest";
import type { SqlFile } from "../../harness/chain.ts";
import { type EngineName, engineNames, forEngine, type PerEngine } from "../../harness/database.ts";
import { dbMigrate } from "../../harness/formats/db-migrate.ts";
import { diesel } from "../../harness/formats/diesel.ts";
import { drizzle } from "../../harness/formats/drizzle.ts";
import { drizzleFolders } from "../../harness/formats/drizzle-folders.ts";
import type { Folder, Format } from "../../harness/formats/format.ts";
import { graphileMigrate } from "../../harness/formats/graphile-migrate.ts";
import { hasura } from "../../harness/formats/hasura.ts";
import { nodePgMigrate } from "../../harness/formats/node-pg-migrate.ts";
import type { RecordEntry, Recorded } from "../../harness/migrator.ts";
import type { Sandbox } from "../../harness/sandbox.ts";
import { onEngine, onStage } from "../stage.ts";
import { type Files, folderOf } from "./folder-of.ts";

interface Kept {
  readonly format: Format;
  readonly engines: readonly EngineName[];
  readonly files: (engine: EngineName) => Files;
  /** The tool itself, where it can be had. */
  readonly tool?: (sandbox: Sandbox, folder: Folder) => Promise<void>;
}

const require = createRequire(import.meta.url);
const a = "create table a (id int);";
const b = "create table b (id int);";
const names = ["20260131120000-ann", "20260201120000-größe"] as const;

function committed(previous: string, body: string) {
  const text = `${previous === "-" ? "" : previous}\n${body}`.trim();
  const hash = `sha1:${createHash("sha1").update(`${text}\n`).digest("hex")}`;
  return { hash, text: `--! Previous: ${previous}\n--! Hash: ${hash}\n\n${body}\n` };
}

/** A script as db-migrate writes it. */
function script(name: string): string {
  const { prototype } = require("db-migrate/lib/migration.js");
  return prototype.sqlFileLoaderTemplate.call({ name: `${name}.js` }).replace(/.*console\.log.*\n/g, "");
}

const first = committed("-", a);
const kept: readonly Kept[] = [
  {
    format: drizzle,
    engines: engineNames,
    files: (engine) => ({
      "meta/_journal.json": JSON.stringify({
        dialect: forEngine({ postgres: "postgresql", mysql: "mysql" }, engine),
        entries: [
          { idx: 0, when: 1769860800123, tag: "0000_a", breakpoints: true },
          { idx: 1, when: 1769860800124, tag: "0001_b", breakpoints: true },
        ],
      }),
      "0000_a.sql": a,
      "0001_b.sql": b,
    }),
    async tool({ url, engine }, { path: migrationsFolder }) {
      const migrate: PerEngine<() => Promise<void>> = {
        postgres: async () => {
          const pool = new pg.Pool({ connectionString: url });
          await migratePostgres(drizzlePostgres(pool), { migrationsFolder }).finally(() => pool.end());
        },
        mysql: async () => {
          const pool = createPool(url);
          await migrateMysql(drizzleMysql(pool), { migrationsFolder }).finally(() => pool.end());
        },
      };
      await forEngine(migrate, engine.name)?.();
    },
  },
  {
    format: drizzleFolders,
    engines: engineNames,
    files: () => ({ "20260131120000_a/migration.sql": a, "20260131120001_bob's/migration.sql": b }),
  },
  { format: diesel, engines: engineNames, files: () => ({ "2026-01-31-120000_a/up.sql": a, "2_b/up.sql": b }) },
  {
    format: nodePgMigrate,
    engines: ["postgres"],
    files: () => ({ "1_ann.sql": `-- Up Migration\n${a}`, "2_bob.sql": b }),
    async tool({ url: databaseUrl }, { path: dir }) {
      const log = () => {};
      await runner({
        databaseUrl,
        dir,
        direction: "up",
        migrationsTable: "pgmigrations",
        singleTransaction: true,
        log,
      });
    },
  },
  {
    format: graphileMigrate,
    engines: ["postgres"],
    files: () => ({ "committed/000001.sql": first.text, "committed/000002-b.sql": committed(first.hash, b).text }),
    async tool({ url: connectionString }, { path: migrationsFolder }) {
      const { Logger } = require("@graphile/logger");
      const logger = new Logger(() => () => {});
      await require("graphile-migrate").migrate({ connectionString, migrationsFolder, logger });
      await setTimeout(400); // It holds its pool open for a while, and dies with it.
    },
  },
  {
    format: hasura,
    engines: ["postgres"],
    files: () => ({ "1706702300000_a/up.sql": a, "1706702400000_b/up.sql": b }),
  },
  {
    format: dbMigrate,
    engines: engineNames,
    files: () =>
      Object.fromEntries(
        names.flatMap((name, i) => [
          [`${name}.js`, script(name)],
          [`sqls/${name}-up.sql`, i === 0 ? a : b],
        ]),
      ),
    async tool({ address: { host, port, user, password, database }, engine }, { path }) {
      const driver = forEngine({ postgres: "pg", mysql: "mysql" }, engine.name);
      const config = { dev: { driver, host, port, user, password, database } };
      const tool = require("db-migrate").getInstance(true, {
        env: "dev",
        config,
        cmdOptions: { "migrations-dir": path },
      });
      tool.silence(true);
      await tool.up();
    },
  },
];

test.each(kept.map((one) => [one.format.name, one] as const))(
  "a folder of %s is known as that alone",
  async (_, one) => {
    const folder = await folderOf(one.files("postgres"));
    const detected = await Promise.all(
      kept.map(async ({ format }) => ((await format.detect(folder)) ? [format.name] : [])),
    );
    expect(detected.flat()).toEqual([one.format.name]);
  },
);

for (const name of engineNames) {
  await onEngine(name, (engine) => {
    const stage = onStage(name);
    for (const { format, files, tool } of kept.filter(({ engines }) => engines.includes(name))) {
      test(`${format.title} keeps what it is told, in order`, async () => {
        const sandbox = await stage().create();
        const { told, recorded, applied } = await keptOf(sandbox, format, await folderOf(files(name)));
        expect(told.applied).toEqual([]);
        expect(recorded.applied).toEqual(applied);
        await sandbox.drop();
      });

      if (tool === undefined) continue;
      test(`${format.title} itself keeps the same`, async () => {
        const folder = await folderOf(files(name));
        const [ours, its] = [await stage().create(), await stage().create()];
        const { recorded } = await keptOf(ours, format, folder);
        await tool(its, folder);
        const { migrator } = await format.read(folder, { engine: name });
        for (const table of migrator?.record.tables ?? []) {
          expect(await tableIn(ours, table)).toEqual(await tableIn(its, table));
        }
        const read = await asked(its, (ask) => migrator?.record.read(ask));
        expect(read?.applied).toEqual(recorded.applied);
        for (const sandbox of [ours, its]) await sandbox.drop();
      });
    }

    test("a table of Drizzle's from before 1.0 is renewed by time, and by hash", async () => {
      const sandbox = await stage().create();
      const old = await folderOf(kept[0]?.files(name) ?? {});
      await keptOf(sandbox, drizzle, old);
      const folder = await folderOf({ "20260131120000_a/migration.sql": a, "20260131120000_b/migration.sql": b });
      const { migrator } = await drizzleFolders.read(folder, { engine: name });
      const recorded = await asked(sandbox, (ask) => migrator?.record.read(ask));
      expect(recorded?.applied.map(({ id }) => id)).toEqual(["20260131120000_a", "20260131120000_b"]);
      const session = await sandbox.connect();
      const entry = entryOf(engine, { id: "c", checksum: "d", facts: { when: 1 } });
      await session.script(forEngine(migrator?.record.add(entry) ?? {}, name) ?? "");
      await session.end();
      const after = await asked(sandbox, (ask) => migrator?.record.read(ask));
      expect(after?.applied.length).toBe(3);
      await sandbox.drop();
    });
  });
}

await onEngine("postgres", () => {
  const stage = onStage("postgres");

  test("what Hasura's engine keeps in its metadata is applied too", async () => {
    const sandbox = await stage().create();
    const { migrator } = await hasura.read(await folderOf({ "1_a/up.sql": a }), { engine: "postgres" });
    const session = await sandbox.connect();
    await session.script(migrator?.record.create.postgres ?? "");
    const read = async (state: string) => {
      await session.script(`drop table if exists hdb_catalog.hdb_version;
        create table hdb_catalog.hdb_version (version text not null, cli_state jsonb not null default '{}');
        insert into hdb_catalog.hdb_version values ('48', '${state}')`);
      return (await migrator?.record.read((sql) => session.query(sql)))?.applied;
    };
    expect(await read("{}")).toEqual([]);
    const versions = { settings: {}, migrations: { default: { "10": false, "9": false }, logs: {} } };
    expect(await read(JSON.stringify(versions))).toEqual([{ id: "9" }, { id: "10" }]);
    await session.end();
    await sandbox.drop();
  });
});

/** Applies a chain plainly, and tells its record as it was at first, and as it is then. */
async function keptOf(sandbox: Sandbox, format: Format, folder: Folder) {
  const { engine } = sandbox;
  const { migrations, migrator } = await format.read(folder, { engine: engine.name });
  if (migrator === undefined) throw new Error("It has no record of its own");
  const { record } = migrator;
  const session = await sandbox.connect();
  const ask = (sql: string) => session.query(sql);
  try {
    await session.script(forEngine(record.create, engine.name) ?? "");
    await session.script(forEngine(record.create, engine.name) ?? "");
    const told = await record.read(ask);
    for (const { name, up, recordedAs } of migrations) {
      await session.script((up as SqlFile).sql);
      const { id = name, checksum = "", facts = {} } = recordedAs ?? {};
      await session.script(forEngine(record.add(entryOf(engine, { id, checksum, facts })), engine.name) ?? "");
    }
    const applied = migrations.map(({ name, recordedAs }) => {
      const { id = name, checksum } = recordedAs ?? {};
      return { id, ...(checksum !== undefined && { checksum }) };
    });
    return { told, recorded: await record.read(ask), applied };
  } finally {
    await session.end();
  }
}

function entryOf(engine: Sandbox["engine"], told: Pick<RecordEntry, "id" | "checksum" | "facts">): RecordEntry {
  const counted = { last: undefined, position: 1, inHop: 1, milliseconds: 0 };
  return { name: told.id, ...told, ...counted, user: "", database: "", literal: (text) => engine.literal(text) };
}

async function asked(
  sandbox: Sandbox,
  read: (
    ask: (sql: string) => ReturnType<Awaited<ReturnType<Sandbox["connect"]>>["query"]>,
  ) => Promise<Recorded> | undefined,
): Promise<Recorded | undefined> {
  const session = await sandbox.connect();
  try {
    return await read((sql) => session.query(sql));
  } finally {
    await session.end();
  }
}

/** A table's shape and rows, without what differs from run to run. */
async function tableIn(sandbox: Sandbox, name: string): Promise<unknown> {
  const snapshot = await sandbox.snapshot();
  try {
    const table = (await snapshot.catalogue()).tables.find((table) => table.name === name);
    const isTime = (column: string) => ["run_on", "date", "applied_at"].includes(column);
    const rows = (await snapshot.all(name)).map((row) =>
      Object.fromEntries(Object.entries(row).map(([column, value]) => [column, isTime(column) ? typeof value : value])),
    );
    const shape = JSON.stringify(table, (key, value) =>
      key === "schema" || (key === "id" && typeof value === "string") ? undefined : value,
    );
    return { shape: JSON.parse(shape), rows };
  } finally {
    await snapshot.end();
  }
}
