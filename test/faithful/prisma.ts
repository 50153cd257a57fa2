import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { migrationsIn } from "migration-sandbox";
import { saved, sqlOf } from "./chains.ts";
import { fetched } from "./fetched.ts";
import type { Tool } from "./tool.ts";

const engine = "@prisma/schema-engine-wasm@8.1.0-2.59be4fda12412a79eeb9c2ae727b6aa723593323";
const { folder: home, whyNot } = fetched("prisma-8.1.0-2", [engine, "@prisma/adapter-pg@7.10.1"]);

/** Its own engine, as `prisma migrate deploy` asks it: what npm has of it speaks to PostgreSQL. */
export const prisma: Tool = {
  title: "Prisma",
  engines: ["postgres"],
  program: { name: "prisma", whyNot },
  files: (links) => ({
    "migration_lock.toml": 'provider = "postgresql"\n',
    ...Object.fromEntries(
      links.map((link) => {
        return [`${20_260_131_000_000 + link.number}_${link.name}/migration.sql`, saved(sqlOf(link), link)];
      }),
    ),
  }),
  ours: (folder) => migrationsIn(folder),
  async run({ url: connectionString }, folder) {
    const require = createRequire(join(home, "package.json"));
    const { PrismaPg } = require("@prisma/adapter-pg");
    const { bindMigrationAwareSqlAdapterFactory } = require("@prisma/driver-adapter-utils");
    const opened: Connection[] = [];
    const adapter = wholly(new PrismaPg({ connectionString }), opened);
    const bound = bindMigrationAwareSqlAdapterFactory(adapter);
    const engine = await (await schemaEngine()).new({ datamodels: undefined }, () => {}, bound);
    const filters = { externalTables: [], externalEnums: [] };
    try {
      await engine.applyMigrations({ filters, migrationsList: await listed(folder) });
    } catch (error) {
      throw opened[0]?.refused ?? error;
    } finally {
      engine.free();
      // It holds its lock for as long as it is connected.
      for (const { client } of opened) await client.end();
    }
  },
  passing: ["id", "started_at", "finished_at", "logs"],
  // Their ids, by which they are in order, are of no one's choosing.
  async holds({ catalogue, rows }) {
    const { _prisma_migrations = [], ...others } = rows;
    const text = (row: object) => JSON.stringify(row);
    return { catalogue, rows: { ...others, _prisma_migrations: _prisma_migrations.map(text).sort() as never } };
  },
  outcomes: {
    again: { refuses: /^P3009|failed migrations/, ours: /^Prisma refuses to migrate: / },
    thousand: "none",
    large: "none",
    fails: { fails: "23505" },
    mark: { fails: "42601" },
  },
};

interface SchemaEngine {
  applyMigrations(input: object): Promise<unknown>;
  free(): void;
}

/** Its connection splits at every `;`, where the engine that `prisma` brings for each platform sends a script whole. */
function wholly<Adapter extends { connect(): Promise<Connection> }>(adapter: Adapter, opened: Connection[]): Adapter {
  const connect = adapter.connect.bind(adapter);
  adapter.connect = async () => {
    const connection = await connect();
    opened.push(connection);
    connection.executeScript = async (script) => {
      await connection.client.query(script).catch((error) => {
        connection.refused = error;
        connection.onError(error);
      });
    };
    return connection;
  };
  return adapter;
}

interface Connection {
  readonly client: { query(sql: string): Promise<unknown>; end(): Promise<void> };
  /** What the server said, which the engine tells in words of its own. */
  refused?: Error;
  executeScript(script: string): Promise<void>;
  onError(error: unknown): never;
}

interface SchemaEngines {
  readonly new: (...how: readonly unknown[]) => Promise<SchemaEngine>;
}

let loaded: Promise<SchemaEngines> | undefined;

/** Its glue knows of one instance only. */
function schemaEngine(): Promise<SchemaEngines> {
  loaded ??= instantiated();
  return loaded;
}

/** Node.js imports no WebAssembly by itself. */
async function instantiated(): Promise<SchemaEngines> {
  const at = (file: string) => join(home, "node_modules", "@prisma", "schema-engine-wasm", file);
  const glue = await import(pathToFileURL(at("schema_engine_bg.js")).href);
  const bytes = await readFile(at("schema_engine_bg.wasm"));
  const { instance } = await (globalThis as unknown as Wasm).WebAssembly.instantiate(bytes, {
    "./schema_engine_bg.js": glue,
  });
  glue.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  return glue.SchemaEngine;
}

/** As much of it as our types for Node.js leave out. */
interface Wasm {
  readonly WebAssembly: {
    instantiate(bytes: Buffer, imports: object): Promise<{ instance: { exports: { __wbindgen_start(): void } } }>;
  };
}

async function listed(folder: string): Promise<object> {
  const names = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const migrations = names.map(async ({ name }) => {
    const value = await readFile(join(folder, name, "migration.sql"), "utf8");
    return { path: name, migrationFile: { path: "migration.sql", content: { tag: "ok", value } } };
  });
  const content = await readFile(join(folder, "migration_lock.toml"), "utf8");
  return {
    baseDir: folder,
    shadowDbInitScript: "",
    lockfile: { path: "migration_lock.toml", content },
    migrationDirectories: (await Promise.all(migrations)).sort((a, b) => (a.path < b.path ? -1 : 1)),
  };
}
