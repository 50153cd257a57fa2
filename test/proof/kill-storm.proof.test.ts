import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const kills = 10;
const seed = Math.floor(Math.random() * 2 ** 32);
const random = lcg(seed);

describe(`after ${kills} kills at random moments (seed ${seed}), another run leaves nothing of them`, () => {
  let place: string;
  let runs: string;

  beforeAll(() => {
    // A folder of our own, so that other runs on this machine are not counted.
    place = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "storm-"));
    chmodSync(place, 0o755); // As root, the server's own user has to pass through.
    runs = join(place, `migration-sandbox-${process.getuid?.() ?? 0}`);
  });
  afterAll(() => rmSync(place, { recursive: true, force: true }));

  test("when the run alone is killed, its server ends with it", async () => {
    for (let i = 0; i < kills; i++) await killed("alone");
    await gone(() => processesIn(place));
    expect(processesIn(place)).toEqual([]);
    expect(await rehearsed()).toBe(0);
    expect(foldersOf(runs)).toEqual([]);
    expect(processesIn(place)).toEqual([]);
  });

  test("when nobody is left to end the server, the next run does", async () => {
    for (let i = 0; i < kills; i++) await killed("with its companion");
    expect(await rehearsed()).toBe(0);
    expect(foldersOf(runs)).toEqual([]);
    expect(processesIn(place)).toEqual([]);
  });

  test("when the first run ever is killed while it prepares the cluster, the next prepares it anew", async () => {
    for (let i = 0; i < kills; i++) await killed("alone", join(place, "cache"));
    expect(await rehearsed(join(place, "cache"))).toBe(0);
    expect(foldersOf(join(place, "cache")).filter((name) => !name.startsWith("postgres-"))).toEqual([]);
    expect(foldersOf(runs)).toEqual([]);
    expect(processesIn(place)).toEqual([]);
  });

  async function killed(whom: "alone" | "with its companion", cache?: string): Promise<void> {
    const run = rehearsal(cache);
    await sleep(random() * 1500);
    // The companion first: otherwise it would do what the next run is to be seen doing.
    if (whom === "with its companion") for (const pid of companionsIn(place)) kill(pid);
    run.child.kill("SIGKILL");
    await run.ended;
  }

  async function rehearsed(cache?: string): Promise<number | null> {
    return rehearsal(cache).ended;
  }

  function rehearsal(cache: string | undefined) {
    const env = {
      ...process.env,
      MIGRATION_SANDBOX_RUNS: place,
      ...(cache !== undefined && { MIGRATION_SANDBOX_CACHE: cache }),
    };
    const child = spawn(process.execPath, ["dist/cli.js", "rehearse", "dstack"], { cwd: root, env, stdio: "ignore" });
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    return { child, ended };
  }
});

async function gone(what: () => readonly unknown[]): Promise<void> {
  for (let i = 0; i < 100 && what().length > 0; i++) await sleep(20);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {} // Quicker than we.
}

function foldersOf(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Processes whose command line names the folder: servers, their companions, copies on the way. */
function processesIn(folder: string): readonly string[] {
  return everyProcess().flatMap(({ command }) => (command.includes(folder) ? [command.slice(0, 200)] : []));
}

function companionsIn(folder: string): readonly number[] {
  return everyProcess().flatMap(({ pid, command }) =>
    command.startsWith("/bin/sh") && command.includes(folder) ? [pid] : [],
  );
}

function everyProcess(): readonly { readonly pid: number; readonly command: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [{ pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ") }];
      } catch {
        return []; // Ended meanwhile.
      }
    });
}

function lcg(start: number): () => number {
  let state = start;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
