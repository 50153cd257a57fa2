import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  clean,
  defineScenario,
  type EngineName,
  type Migration,
  type Rehearsal,
  type Release,
  release,
} from "migration-sandbox";
import { afterAll } from "vitest";
import type { Sandbox, Stage } from "../harness/sandbox.ts";

/** A folder for dumps that ends with the tests of a file. */
export function dumpFolder(): (name: string, content: string | Buffer) => URL {
  const folder = mkdtempSync(join(tmpdir(), "dumps-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (name, content) => {
    writeFileSync(join(folder, name), content);
    return pathToFileURL(join(folder, name));
  };
}

/** A database that somebody has used, as its own tool dumps it. */
export async function dumped(stage: Stage, sql: string, args: readonly string[] = []): Promise<Buffer> {
  const sandbox = await stage.create();
  const session = await sandbox.connect();
  await session.script(sql);
  await session.end();
  try {
    return dumpOf(sandbox, args);
  } finally {
    await sandbox.drop();
  }
}

function dumpOf({ address, engine }: Sandbox, args: readonly string[]): Buffer {
  const { host, port, user, password, database } = address;
  const isPostgres = engine.name === "postgres";
  const where = isPostgres
    ? ["-h", host, "-p", String(port), "-U", user, ...args, database]
    : ["--protocol=tcp", "-h", host, "-P", String(port), "-u", user, "--no-tablespaces", ...args, database];
  return execFileSync(isPostgres ? "pg_dump" : "mariadb-dump", where, {
    env: { ...process.env, PGPASSWORD: password, MYSQL_PWD: password },
    maxBuffer: 1 << 30,
  });
}

/** Releases 1.0, 1.1, …: each ships one migration more than the one before. */
export function chained(ups: readonly Migration["up"][]): readonly Release[] {
  const migrations = ups.map((up, i): Migration => ({ name: `000${i + 1}`, up }));
  return ups.map((_, i) => release(`1.${i}`, { migrations: migrations.slice(0, i + 1) }));
}

/** A scenario of one path, from a dump at its first release to its last. */
export function upgradeFrom(engine: EngineName, dump: URL, chain: readonly Release[], more: object = {}) {
  const [from, to] = [chain[0]?.name ?? "", chain.at(-1)?.name ?? ""];
  return defineScenario<string>({
    title: "an upgrade of somebody's database",
    engines: [engine],
    chain,
    paths: [{ from, dump, to, expect: clean, ...more }],
  });
}

export function told({ verdict }: Rehearsal): string {
  if (verdict.outcome === "inconclusive") return `${verdict.cause.code}: ${verdict.cause.message}`;
  return [verdict.outcome, ...verdict.findings.map(({ code, message }) => `${code}: ${message}`)].join("\n");
}

export function notesOf({ verdict }: Rehearsal): readonly (readonly string[])[] {
  return verdict.notes.map(({ code, message }) => [code, message]);
}
