import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { vi } from "vitest";
import type { MigrationSource, Shipment } from "../../harness/chain.ts";
import type { Driver, Driving } from "../../harness/driver.ts";
import type { Sandbox, Stage } from "../../harness/sandbox.ts";
import type { Catalogue, Row } from "../../harness/snapshot.ts";

/** Files by their paths. */
export type Files = { readonly [path: string]: string };

/** A product's folder of migrations, made for one test; libraries are found from it unless `installed` is false. */
export async function inProject<T>(files: Files, work: (folder: string) => Promise<T>, installed = true): Promise<T> {
  const product = await mkdtemp(join(tmpdir(), "migration-sandbox-test-"));
  const folder = join(product, "migrations");
  try {
    await mkdir(folder);
    if (installed) await symlink(resolve("node_modules"), join(product, "node_modules"));
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    return await work(folder);
  } finally {
    await rm(product, { recursive: true });
  }
}

/** What a driver told and threw. */
export interface Driven {
  readonly begun: readonly string[];
  readonly done: readonly string[];
  readonly thrown: unknown;
  /** What was printed meanwhile: nothing is to be. */
  readonly said: readonly unknown[];
}

export async function drive(sandbox: Sandbox, source: MigrationSource, signal?: AbortSignal): Promise<Driven> {
  const begun: string[] = [];
  const done: string[] = [];
  const at: Driving = {
    address: sandbox.address,
    url: sandbox.url,
    engine: sandbox.engine.name,
    release: "1.0",
    settings: {},
    isEmpty: async () => false,
    signal: signal ?? new AbortController().signal,
    begun: (migration) => void begun.push(migration),
    done: (migration) => void done.push(migration),
    swallowed: () => {},
  };
  const driver = await driverOf(source, sandbox);
  const said: unknown[] = [];
  const ears = [
    ...(["log", "info", "warn", "error", "debug"] as const).map((name) => vi.spyOn(console, name)),
    ...[process.stdout, process.stderr].map((stream) => vi.spyOn(stream, "write")),
  ];
  for (const ear of ears) ear.mockImplementation((...words: unknown[]) => said.push(...words) > 0);
  const thrown = await driver.migrate(at).then(
    () => undefined,
    (error: unknown) => error,
  );
  for (const ear of ears) ear.mockRestore();
  return { begun, done, thrown, said };
}

export async function driverOf(source: MigrationSource, { engine }: Pick<Sandbox, "engine">): Promise<Driver> {
  const { driver } = (await source.read(engine.name)) as Shipment;
  if (driver === undefined) throw new Error("The source has no driver");
  return driver;
}

/** All that a database holds, without the columns that tell times. */
export async function heldBy(sandbox: Sandbox, times: readonly string[]): Promise<Held> {
  const snapshot = await sandbox.snapshot();
  try {
    const { options: _, ...catalogue } = await snapshot.catalogue();
    const rows: { [table: string]: readonly Row[] } = {};
    for (const { name } of await snapshot.tables()) {
      rows[name] = (await snapshot.all(name)).map((row) =>
        Object.fromEntries(Object.entries(row).filter(([column]) => !times.includes(column))),
      );
    }
    return { catalogue: anonymous(catalogue, sandbox.address.database), rows };
  } finally {
    await snapshot.end();
  }
}

export interface Held {
  readonly catalogue: Omit<Catalogue, "options">;
  readonly rows: { readonly [table: string]: readonly Row[] };
}

/** What a thing is known by stays the same in one database, and differs between two; so does the database's own name. */
function anonymous<T>(catalogue: T, database: string): T {
  const known = (key: string) => key === "id";
  return JSON.parse(
    JSON.stringify(catalogue, (key, value) => (known(key) ? undefined : value)).replaceAll(database, ""),
  );
}

/** Lends two sandboxes of a stage, or one if `count` says so; they are dropped afterwards. */
export async function inSandboxes<T>(
  stage: Stage,
  count: 1 | 2,
  work: (made: readonly [Sandbox, Sandbox]) => Promise<T>,
): Promise<T> {
  const first = await stage.create();
  const second = count === 1 ? first : await stage.create();
  try {
    return await work([first, second]);
  } finally {
    for (const sandbox of new Set([first, second])) {
      await sandbox.endSessions();
      await sandbox.drop();
    }
  }
}

export async function asked(sandbox: Sandbox, sql: string): Promise<readonly Row[]> {
  const session = await sandbox.connect();
  return session.query(sql).finally(() => session.end());
}

/** What the server said, as findings tell it. */
export function codeOf(thrown: unknown, { engine }: Pick<Sandbox, "engine">): string | number | undefined {
  const fault = engine.fault(thrown);
  return fault?.errno ?? fault?.sqlState;
}
