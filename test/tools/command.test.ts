import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { clean, type MigrationSource, rehearse, release } from "migration-sandbox";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Shipment } from "../../harness/chain.ts";
import { type Driving, ToolFailed } from "../../harness/driver.ts";
import { type CommandOptions, command } from "../../harness/tools/command.ts";
import { onStage } from "../stage.ts";

interface Ran {
  readonly thrown: unknown;
  readonly told: readonly string[];
  readonly swallowed: readonly object[];
}

/** Runs a command on an address at which nobody answers: what it does there is its own affair. */
async function ran(source: MigrationSource, at: Partial<Driving> = {}): Promise<Ran> {
  const told: string[] = [];
  const swallowed: object[] = [];
  const { driver } = (await source.read("postgres")) as Shipment;
  const thrown = await driver
    ?.migrate({
      address: { host: "127.0.0.1", port: 1, user: "ann", password: "s3cret word", database: "sandbox_1" },
      url: "postgres://ann@127.0.0.1:1/sandbox_1",
      engine: "postgres",
      release: "1.2",
      settings: undefined,
      signal: new AbortController().signal,
      begun: (name) => told.push(`begun ${name}`),
      done: (name) => told.push(`done ${name}`),
      swallowed: (message, facts) => swallowed.push({ message, ...facts }),
      isEmpty: async () => false,
      ...at,
    })
    .then(
      () => undefined,
      (error: unknown) => error,
    );
  return { thrown, told, swallowed };
}

function shell(script: string, options: CommandOptions = {}): MigrationSource {
  return command("sh", ["-c", script], options);
}

/** What a script prints, as the message of its failure repeats the last line. */
async function printed(script: string, options: CommandOptions = {}, at: Partial<Driving> = {}): Promise<string> {
  const { thrown } = await ran(shell(`${script}; exit 1`, options), at);
  if (!(thrown instanceof ToolFailed)) throw thrown;
  return thrown.facts.output ?? "";
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "migration-sandbox-test-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function isGone(pidFile: string): Promise<boolean> {
  const pid = Number(await readFile(pidFile, "utf8"));
  for (let i = 0; i < 100; i++) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
    if (stat === undefined || stat.includes(") Z ")) return true;
    await sleep(20);
  }
  return false;
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("a command is told", () => {
  test("where the sandbox is, by placeholders in arguments and environment", async () => {
    const { thrown } = await ran(
      command("sh", ["-c", 'echo "$0 $1 $TARGET" && exit 1', "{host}:{port}", "{release}"], {
        env: { TARGET: "{libpq}" },
        map: { "1.2": "82b32a135ea2" },
      }),
    );
    expect((thrown as ToolFailed).facts.output).toBe(
      "127.0.0.1:1 82b32a135ea2 host='127.0.0.1' port='1' user='ann' password='…' dbname='sandbox_1'",
    );
  });

  test("by the variables of clients, and never by ours", async () => {
    vi.stubEnv("DATABASE_URL", "postgres://me@production/app");
    vi.stubEnv("PGSERVICE", "production");
    vi.stubEnv("APP_DATABASE_URL", "postgres://me@production/app");
    vi.stubEnv("CACHE", "mysql2://me@production/cache");
    vi.stubEnv("MYSQL_HOST", "production");
    vi.stubEnv("COLOUR", "blue");
    const words = await printed(
      'echo "$DATABASE_URL|$PGHOST|$PGPORT|$PGUSER|$PGDATABASE|$COLOUR|$PGSERVICE$APP_DATABASE_URL$CACHE$MYSQL_HOST|"',
    );
    expect(words).toBe("postgres://ann:…@127.0.0.1:1/sandbox_1|127.0.0.1|1|ann|sandbox_1|blue||");
  });

  test("the path's settings, plain ones each by its name and all of them as JSON", async () => {
    const settings = {
      auth: "DB",
      pageSize: 5,
      strict: false,
      providers: ["vms"],
      path: "/nowhere",
      database_url: "x",
    };
    const at = { settings };
    expect(await printed('echo "$AUTH|$PAGE_SIZE|$STRICT|$PROVIDERS|$DATABASE_URL"', {}, at)).toBe(
      "DB|5|false||postgres://ann:…@127.0.0.1:1/sandbox_1",
    );
    expect(JSON.parse(await printed("echo $MIGRATION_SANDBOX_SETTINGS", {}, at))).toEqual(settings);
  });

  test("what its own environment adds, takes away and replaces", async () => {
    const env = { PGUSER: undefined, DATABASE_URL: "{sqlalchemy}", MODE: "{{release}}" };
    expect(await printed('echo "$PGUSER|$DATABASE_URL|$MODE"', { env })).toBe(
      "|postgresql+psycopg2://ann:…@127.0.0.1:1/sandbox_1|{release}",
    );
  });

  test("nothing on its standard input", async () => {
    expect((await ran(shell("cat"))).thrown).toBeUndefined();
  });

  test("to run in a folder, given as a path or as a URL", () =>
    inFolder(async (folder) => {
      expect(await printed("pwd", { cwd: folder })).toBe(folder);
      expect(await printed("pwd", { cwd: pathToFileURL(folder) })).toBe(folder);
    }));
});

describe("a command that cannot be run is bad input:", () => {
  test("a placeholder that is not known, before anything runs", async () => {
    await expect(command("alembic", ["{dsn}"]).read("postgres")).rejects.toThrow('Cannot fill in "{dsn}"');
    await expect(command("alembic", [], { env: { URL: "{uri}" } }).read("postgres")).rejects.toThrow(
      'Cannot fill in "{uri}"',
    );
  });

  test("a program that is not there", async () => {
    expect((await ran(command("no-such-program", ["upgrade"]))).thrown).toMatchObject({
      code: "bad-input",
      message: 'Cannot run "no-such-program": it is not in PATH (install it, or give its path)',
    });
  });

  test("a path that is not there, and a file that may not be executed", () =>
    inFolder(async (cwd) => {
      expect((await ran(command("./bin/migrate", [], { cwd }))).thrown).toMatchObject({
        code: "bad-input",
        message: `Cannot run "./bin/migrate": there is no such file in "${cwd}" (install it, or give its path)`,
      });
      await writeFile(join(cwd, "migrate"), "exit 0");
      await chmod(join(cwd, "migrate"), 0o600);
      expect((await ran(command("./migrate", [], { cwd }))).thrown).toMatchObject({
        code: "bad-input",
        message: 'Cannot run "./migrate": it may not be executed (chmod +x, or name the program that reads it)',
      });
    }));

  test("a folder that is not there", async () => {
    expect((await ran(command("sh", [], { cwd: "/no/such/folder" }))).thrown).toMatchObject({
      code: "bad-input",
      message: 'Cannot run "sh" in "/no/such/folder": there is no such folder (see "cwd")',
    });
  });

  test("a release that the map lacks", async () => {
    expect((await ran(shell("exit 0", { map: { "1.1": "a", "1.3": "c" } }))).thrown).toMatchObject({
      code: "bad-input",
      message: 'Cannot tell what "{release}" is for release "1.2": "map" lacks it (known: "1.1", "1.3")',
    });
  });
});

describe("a command that fails", () => {
  test("is told by its line, exit code and error, with its last twenty lines", async () => {
    const script = 'seq 1 30; echo "psycopg2.errors.UndefinedTable: relation \\"t\\" does not exist" >&2; exit 3';
    const { thrown } = await ran(command("sh", ["-c", script, "{release}"]));
    expect(thrown).toBeInstanceOf(ToolFailed);
    expect((thrown as ToolFailed).message).toBe(
      `"sh -c ${script} 1.2" ended with exit code 3: psycopg2.errors.UndefinedTable: relation "t" does not exist`,
    );
    const { output = "", ...facts } = (thrown as ToolFailed).facts;
    expect(facts).toEqual({ sqlState: "42P01" });
    expect(output.split("\n")).toHaveLength(20);
    expect(output.split("\n")[0]).toBe("12");
  });

  test("without a word, or by a signal, is told as that", async () => {
    expect(((await ran(shell("exit 4"))).thrown as Error).message).toBe(
      '"sh -c exit 4" ended with exit code 4, and said nothing',
    );
    expect(((await ran(shell("echo busy; kill -9 $$"))).thrown as Error).message).toBe(
      '"sh -c echo busy; kill -9 $$" was ended by SIGKILL: busy',
    );
  });

  test("names the migration that was running", async () => {
    const script = "echo 'Running upgrade  -> a1'; echo 'Running upgrade a1 -> b2'; exit 1";
    expect((await ran(shell(script))).told).toEqual(["begun a1", "done a1", "begun b2"]);
    const own = "echo 'step one'; echo 'step two'; exit 1";
    expect((await ran(shell(own, { running: /^step (\w+)/g }))).told).toEqual(["begun one", "done one", "begun two"]);
  });

  test("after a great deal of output is held by its end alone", async () => {
    const { thrown } = await ran(
      shell("head -c 5000000 /dev/zero | tr '\\0' x | fold -w 100; echo; echo 'KeyError: 1'; exit 1"),
    );
    expect((thrown as ToolFailed).facts).toMatchObject({ exception: "KeyError" });
  });
});

describe("a command that ends well", () => {
  test("has done the last of its migrations, too", async () => {
    const script = "echo 'Running upgrade  -> a1'; echo 'Running upgrade a1 -> b2'";
    expect((await ran(shell(script))).told).toEqual(["begun a1", "done a1", "begun b2", "done b2"]);
  });

  test("tells of an error that it printed, once", async () => {
    const error = "psql:up.sql:1: ERROR:  42703: column x does not exist";
    const { thrown, swallowed } = await ran(shell(`echo '${error}' >&2; echo '${error}'; echo done`));
    expect(thrown).toBeUndefined();
    expect(swallowed).toEqual([{ message: error, sqlState: "42703" }]);
  });

  test("leaves nothing running behind", () =>
    inFolder(async (cwd) => {
      expect((await ran(shell("sleep 100 & echo $! > pid", { cwd }))).thrown).toBeUndefined();
      expect(await isGone(join(cwd, "pid"))).toBe(true);
    }));
});

describe("a command that hangs", () => {
  test("is ended with all that it has started once its own time is up", () =>
    inFolder(async (cwd) => {
      const script = "echo 'Running upgrade  -> a1'; sleep 100 & echo $! > pid; wait";
      expect((await ran(shell(script, { cwd, timeout: 400 }))).thrown).toMatchObject({
        code: "timed-out",
        message: `Cannot tell what becomes of "sh -c ${script}": it still ran in migration "a1" after 0.4 s (give it a longer "timeout")`,
      });
      expect(await isGone(join(cwd, "pid"))).toBe(true);
    }));

  test("is ended with the hop, even if it does not want to", () =>
    inFolder(async (cwd) => {
      const script = "trap '' TERM; sleep 100 & echo $! > pid; wait; wait; sleep 100";
      const begun = performance.now();
      const { thrown } = await ran(shell(script, { cwd }), { signal: AbortSignal.timeout(300) });
      expect(thrown).toMatchObject({ name: "TimeoutError" });
      expect(performance.now() - begun).toBeLessThan(10_000);
      expect(await isGone(join(cwd, "pid"))).toBe(true);
    }));
});

describe("on a sandbox", () => {
  const stage = onStage("postgres");

  const writing = (url: string) =>
    `const { Client } = require("pg");
     const client = new Client({ connectionString: ${url} });
     client.connect().then(() => client.query("create table users (id int primary key)")).finally(() => client.end());`;

  async function verdictOf(source: MigrationSource) {
    const scenario = {
      title: "a command",
      engines: ["postgres"],
      chain: [release("1.0", { migrations: source })],
      paths: [{ to: "1.0", expect: clean }],
    } as const;
    const { rehearsals } = await rehearse([scenario], { stage: async () => stage() });
    return rehearsals[0]?.verdict;
  }

  test("a command that writes what it should has a clean verdict, once more started or not", async () => {
    const script = writing("process.env.DATABASE_URL").replace("create table", "create table if not exists");
    expect(await verdictOf(command(process.execPath, ["-e", script]))).toMatchObject({ outcome: "clean" });
  });

  test("a command that ends well and has done nothing is inconclusive, and told where it should have been", async () => {
    expect(await verdictOf(command("true", ["--to", "{release}"], { env: { APP_DB: "{rails}" } }))).toMatchObject({
      outcome: "inconclusive",
      cause: {
        code: "bad-input",
        message: expect.stringMatching(
          /^Cannot tell what becomes of "true --to 1\.0": it ended well, and the sandbox holds nothing \(it should have used postgres:\/\/\S+, which is in APP_DB, DATABASE_URL, PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE; where it reads another, put a placeholder there\)$/,
        ),
      },
    });
  });

  test("so is one that has written elsewhere", async () => {
    const elsewhere = await stage().create();
    try {
      const script = writing(JSON.stringify(elsewhere.url));
      expect(await verdictOf(command(process.execPath, ["-e", script]))).toMatchObject({
        outcome: "inconclusive",
        cause: { code: "bad-input", message: expect.stringContaining("the sandbox holds nothing") },
      });
    } finally {
      await elsewhere.drop();
    }
  });

  test("a command that hangs is inconclusive within the time of a hop, and is gone", () =>
    inFolder(async (cwd) => {
      const scenario = {
        title: "a command",
        engines: ["postgres"],
        chain: [release("1.0", { migrations: shell("sleep 100 & echo $! > pid; wait", { cwd }) })],
        paths: [{ to: "1.0", expect: clean }],
      } as const;
      const { rehearsals } = await rehearse([scenario], { stage: async () => stage(), timeout: 500 });
      expect(rehearsals[0]?.verdict).toMatchObject({ outcome: "inconclusive", cause: { code: "timed-out" } });
      expect(await isGone(join(cwd, "pid"))).toBe(true);
    }));
});
