// Servers from binaries of this machine: which are found, where they have their files, and what becomes of those that do not start.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import type { EngineName } from "../../harness/database.ts";
import { engineNamed } from "../../harness/engines/named.ts";
import { haveServer } from "../../harness/servers/had.ts";
import { localInstallations } from "../../harness/servers/local.ts";
import { compareVersions } from "../../harness/wish.ts";
import { eventually, leftIn } from "../command.ts";
import { cloningMany, discreetWorkplace, here, upgrade } from "./somebody.ts";

const limit = { timeout: 120_000 };
const files = { "scenarios/users.ts": upgrade };
const installed = [...here].filter(([name]) => localInstallations(engineNamed(name)).length > 0).map(([name]) => name);

describe.each(installed)("a server of %s out of binaries of this machine", limit, (name) => {
  const engine = engineNamed(name);

  it("is the newest of those that are installed, unless another one is asked for", async () => {
    const found = localInstallations(engine);
    expect(found.map(({ version }) => version)).toEqual(
      found.map(({ version }) => version).sort((a, b) => compareVersions(b, a)),
    );
    await using work = await discreetWorkplace(files);
    const { code, stdout } = await work.run([
      "rehearse",
      "--server",
      "local",
      "--engine",
      `${name}:${found.at(-1)?.version}`,
    ]);
    expect(stdout).toContain(`\n  ${name} ${found.at(-1)?.version} (local)\n`);
    expect(code).toBe(0);
    const other = await work.run(["rehearse", "--engine", `${name}:7`], { environment: { SANDBOX_SERVER: "local" } });
    const had = found.map(({ version, executable }) => `${engine.title} ${version} (${executable})`).join(", ");
    expect(other).toEqual({
      code: 2,
      stdout: "",
      stderr: `Cannot rehearse on ${name}:7: no server of it can be had here\n  local: found ${had}\n`,
    });
    expect(await work.leftBehind()).toEqual([]);
  });

  it("is looked for in PATH too, where one that does not run is left out", async () => {
    await using work = await discreetWorkplace(files);
    const silent = programs(work.folder, { [engine.program.executables[0] as string]: "exit 1" });
    const environment = { PATH: `${silent}:${process.env.PATH}` };
    expect(await work.run(["rehearse", "--server", "local", "--engine", name], { environment })).toMatchObject({
      code: 0,
    });
  });

  it("keeps every file of its own in the folder of its run, and out of the way of other servers", async () => {
    const runs = await mkdtemp(join(tmpdir(), "runs-"));
    chmodSync(runs, 0o777);
    vi.stubEnv("MIGRATION_SANDBOX_RUNS", runs);
    const server = await haveServer({ engine: name }, { source: "local" }).finally(() => vi.unstubAllEnvs());
    const session = await engine.connect(server.maintenance);
    const asked =
      name === "postgres"
        ? "select current_setting('data_directory') as data, current_setting('data_directory') as temporary"
        : "select @@datadir as data, @@tmpdir as temporary";
    const [row] = await session.query(asked);
    await session.end();
    await server.stop();
    expect(String(row?.data)).toContain(runs);
    // At its start a server of MySQL or MariaDB removes temporary tables of whoever has the same folder for them.
    expect(String(row?.temporary)).toContain(runs);
    expect(await leftIn(runs)).toEqual([]);
    await rm(runs, { recursive: true });
  });

  it("takes another port where somebody has the one that it tried", async () => {
    const occupant = createServer();
    const port = 10240 + Math.floor(Math.random() * 22000);
    await new Promise<void>((resolve) => occupant.listen(port, "127.0.0.1", resolve));
    const random = vi.spyOn(Math, "random").mockReturnValueOnce((port - 10240 + 0.5) / 22000);
    try {
      const server = await haveServer({ engine: name }, { source: "local" });
      expect(random).toHaveBeenCalled();
      expect(server.maintenance.port).not.toBe(port);
      const session = await engine.connect(server.maintenance);
      await session.end();
      await server.stop();
    } finally {
      random.mockRestore();
      occupant.close();
    }
  });

  it("says so when there is no room left while a clone is made", async () => {
    await using work = await discreetWorkplace({ "scenarios/users.ts": cloningMany(5) });
    await onDiskOf("400m", async (disk) => {
      const { code, stdout, stderr } = await work.run(["rehearse", "--server", "local", "--engine", name], {
        environment: { MIGRATION_SANDBOX_RUNS: disk, DISK_TO_FILL: disk },
      });
      expect(stdout).toMatch(/\? #\d .* inconclusive \(disk-full\), expected clean\n/);
      expect(stdout).toMatch(/make room, or set MIGRATION_SANDBOX_RUNS to a folder that has some\n/);
      expect(stdout).not.toMatch(/broken|migration-failed|seeder-failed/);
      expect({ code, stderr }).toEqual({ code: 2, stderr: "" });
      expect(await leftIn(disk)).toEqual([]);
    });
  });

  it("is lost when it is killed in the middle, with its last words", async () => {
    await using work = await discreetWorkplace({ "scenarios/users.ts": cloningMany(6) });
    const { child, ended } = work.start(["rehearse", "--server", "local", "--engine", name]);
    // The very many rows are there: what comes next is their clone.
    const [pid] = await eventually(
      () => serversIn(work.runs, engine.program.executables).filter((each) => megabytesOf(each.folder) > 90),
      (grown) => grown.length > 0 || child.exitCode !== null,
      30_000,
    );
    if (pid === undefined) throw new Error(`It never grew; the run ended with ${child.exitCode}`);
    process.kill(pid.pid, "SIGKILL");
    const { code, stdout, stderr } = await ended;
    expect(stdout).toContain("✓ #1  fresh install of 1.0");
    expect(stdout).toMatch(/\? #\d .* inconclusive \(server-lost\), expected clean\n/);
    expect(stdout).toContain(`Cannot reach ${name} (local) any more: `);
    expect(stdout).toContain("its last words: ");
    expect(stdout).not.toMatch(/broken|migration-failed/);
    expect({ code, stderr }).toEqual({ code: 2, stderr: "" });
    expect(await work.leftBehind()).toEqual([]);
  });
});

describe("binaries that do not start a server", limit, () => {
  const ofVersion = (said: string) => `[ "$1" = --version ] && echo "${said}" && exit`;
  const postgres = ofVersion("postgres (PostgreSQL) 99.1");
  const mariadb = ofVersion("mariadbd  Ver 99.1.1-MariaDB for Linux on x86_64");
  const broken: readonly (readonly [string, EngineName, Readonly<Record<string, string>>, string])[] = [
    ["without what prepares its folder", "postgres", { postgres }, "initdb"],
    [
      "whose initdb fails",
      "postgres",
      { postgres, initdb: "echo out of luck >&2; exit 1" },
      "Cannot prepare PostgreSQL: initdb says: out of luck\n",
    ],
    [
      "that ends at once",
      "postgres",
      { postgres: `${postgres}\necho "I will not" >&2; exit 1`, initdb: "exit 0" },
      "I will not\n",
    ],
    ["that ends without a word", "postgres", { postgres: `${postgres}\nexit 1`, initdb: "exit 0" }, "without a word\n"],
    ["that is killed", "postgres", { postgres: `${postgres}\nkill -9 $$`, initdb: "exit 0" }, "without a word\n"],
    [
      "whose preparation fails",
      "mariadb",
      { mariadbd: mariadb, "mariadb-install-db": "echo out of luck >&2; exit 1" },
      "Cannot prepare MariaDB: mariadb-install-db says: out of luck\n",
    ],
    [
      "that ends at once",
      "mariadb",
      { mariadbd: `${mariadb}\necho "I will not" >&2; exit 1`, "mariadb-install-db": "exit 0" },
      "I will not\n",
    ],
  ];

  it.each(broken)("%s, of %s", async (_, name, scripts, says) => {
    await using work = await discreetWorkplace(files);
    const PATH = `${programs(work.folder, scripts)}:${process.env.PATH}`;
    const environment = { PATH, MIGRATION_SANDBOX_CACHE: join(work.folder, "cache") };
    const ended = await work.run(["rehearse", "--server", "local", "--engine", name], { environment });
    expect(ended.stderr).toMatch(/^Cannot (start|prepare|use) /);
    expect(ended.stderr).toContain(says);
    expect(ended.stderr).not.toContain("this was not foreseen");
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(await work.leftBehind()).toEqual([]);
    expect(readdirSync(join(work.folder, "cache")).filter((name) => name.startsWith("preparing"))).toEqual([]);
  });

  it("are passed over by another kind of server only when nobody asked for them", async () => {
    await using work = await discreetWorkplace(files);
    const PATH = `${programs(work.folder, { mariadbd: "exit 1" })}`;
    const environment = { PATH: `${PATH}:${dirname(process.execPath)}` };
    const ended = await work.run(["rehearse", "--server", "embedded", "--engine", "mariadb"], { environment });
    expect(ended).toEqual({
      code: 2,
      stdout: "",
      stderr:
        "Cannot rehearse on mariadb: no server of it can be had here\n  embedded: only PostgreSQL comes out of npm\n",
    });
  });
});

/** Writes executables into a folder of their own. */
function programs(folder: string, scripts: Readonly<Record<string, string>>): string {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  for (const [name, script] of Object.entries(scripts))
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return bin;
}

function serversIn(
  runs: string,
  executables: readonly string[],
): readonly { readonly pid: number; readonly folder: string }[] {
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    const [executable = "", ...args] = wordsOf(pid);
    const folder = new RegExp(`(${runs}/\\S+)/data$`).exec(
      args.find((arg) => /^(--datadir=)?\/.*\/data$/.test(arg)) ?? "",
    )?.[1];
    return folder !== undefined && executables.some((name) => executable.endsWith(`/${name}`))
      ? [{ pid: Number(pid), folder }]
      : [];
  });
}

function wordsOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return []; // It has just ended.
  }
}

function megabytesOf(folder: string): number {
  return (
    Number.parseInt(execFileSync("sh", ["-c", `du -sm ${folder} 2>/dev/null || true`], { encoding: "utf8" }), 10) || 0
  );
}

/** A disk in memory that has so much room and no more. */
async function onDiskOf(size: string, act: (disk: string) => Promise<void>): Promise<void> {
  const disk = await mkdtemp(join(tmpdir(), "disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size},mode=755`, "tmpfs", disk], { timeout: 10_000 });
  try {
    await act(disk);
  } finally {
    execFileSync("umount", ["--lazy", disk], { timeout: 10_000 });
    await rm(disk, { recursive: true });
  }
}
