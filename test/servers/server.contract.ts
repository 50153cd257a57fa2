import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rehearse } from "migration-sandbox";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import type { EngineName } from "../../harness/database.ts";
import { engineNamed } from "../../harness/engines/named.ts";
import { openStage, type Sandbox, type Stage } from "../../harness/sandbox.ts";
import { haveServer, type Source } from "../../harness/servers/had.ts";
import { leftRuns, removeRun } from "../../harness/servers/reap.ts";
import type { Server, ServerKind } from "../../harness/servers/server.ts";
import volumes from "../../scenarios/dstack/volumes-of-two-owners.ts";
import { eventually, leftIn } from "../command.ts";
import { type Somebodys, somebodys } from "./somebody.ts";

/** What holds for every server, whatever its engine and however it came to run. */
export function serverContract(name: EngineName, kind: ServerKind): void {
  const engine = engineNamed(name);
  const isOurs = kind !== "existing";
  let runs: string;
  let theirs: Somebodys | undefined;
  let source: Source;
  let server: Server;
  let stage: Stage;

  beforeAll(async () => {
    runs = await mkdtemp(join(await roomyFolder(), "runs-"));
    await chmod(runs, 0o777); // As root, servers are another user's.
    if (kind === "existing") {
      theirs = await somebodys(name);
      await misconfigure(theirs);
      source = { url: theirs.url, toldBy: "--server" };
    } else {
      source = kind;
    }
    server = await had();
    stage = await openStage(server);
  }, 180_000);

  afterEach(() => vi.unstubAllEnvs());

  afterAll(async () => {
    await stage?.leave();
    await server?.stop();
    await theirs?.[Symbol.asyncDispose]();
    expect(await leftIn(runs)).toEqual([]);
    await rm(runs, { recursive: true, force: true });
  }, 60_000);

  /** A server whose run has its folder among ours. */
  function had(options: { readonly sharedWith?: number } = {}): Promise<Server> {
    vi.stubEnv("MIGRATION_SANDBOX_RUNS", runs);
    return haveServer({ engine: name }, { source, ...options }).finally(() => vi.unstubAllEnvs());
  }

  it("says what it is", async () => {
    expect(server).toMatchObject({ kind, exclusive: isOurs, version: expect.stringMatching(/^\d+\.\d+/) });
    expect(server.engine.name).toBe(name);
    const admin = await engine.administer(server.maintenance);
    const survey = await admin.survey();
    await admin.end();
    expect(survey).toEqual({
      version: server.version,
      isThisEngine: true,
      readOnly: false,
      mayCreate: true,
      foreignTables: 0,
    });
  });

  it("has its folder where MIGRATION_SANDBOX_RUNS says", async () => {
    expect((await leftIn(runs)).length > 0).toBe(isOurs);
  });

  it("has databases that are made, cloned and dropped", async () => {
    const sandbox = await stage.create();
    await run(sandbox, "create table users (id int primary key)", "insert into users values (1), (2)");
    await sandbox.freeze();
    const clone = await sandbox.clone();
    await run(clone, "insert into users values (3)");
    expect(await count(sandbox)).toBe(2);
    expect(await count(clone)).toBe(3);
    for (const each of [clone, sandbox]) await each.drop();
    for (const each of [clone, sandbox]) await expect(each.connect()).rejects.toThrow();
  });

  it("is no hindrance to clones and drops by sessions that somebody forgot", async () => {
    const sandbox = await stage.create();
    await run(sandbox, "create table users (id int primary key)");
    const forgotten = await sandbox.connect();
    await forgotten.query(name === "postgres" ? "begin" : "start transaction");
    await forgotten.query("insert into users values (1)");
    await sandbox.freeze();
    const clone = await sandbox.clone();
    expect(await count(clone)).toBe(0);
    const inside = await clone.connect();
    await inside.query(name === "postgres" ? "begin" : "start transaction");
    await inside.query("insert into users values (1)");
    for (const each of [clone, sandbox]) await each.drop();
    for (const each of [clone, sandbox]) await expect(each.connect()).rejects.toThrow();
    for (const session of [forgotten, inside]) await session.end().catch(() => {});
  });

  it("shows sandboxes the settings of the engine's description, whatever it was told", async () => {
    const sandbox = await stage.create();
    const session = await sandbox.connect();
    const db = await sandbox.knex();
    const asked = settingsOf(name);
    const bySession = (await session.query(asked))[0];
    const answer = await db.raw(asked);
    const byKnex = name === "postgres" ? answer.rows[0] : answer[0][0];
    expect(bySession).toEqual(settings[name]);
    expect({ ...byKnex }).toEqual(settings[name]);
    await session.end();
    await db.destroy();
    await sandbox.drop();
  });

  it("is one on which a chain of two releases is rehearsed", { timeout: 120_000 }, async () => {
    const told = typeof source === "object" ? source.url : source;
    vi.stubEnv("MIGRATION_SANDBOX_RUNS", runs);
    const { rehearsals, unmet, inconclusive } = await rehearse([volumes], { engines: [name], server: told });
    expect(rehearsals.map(({ verdict }) => verdict.outcome)).toContain("broken");
    expect({ unmet, inconclusive }).toEqual({ unmet: 0, inconclusive: 0 });
  });

  it("tells its last words, if it is ours, and how it is ended, without a password", () => {
    if (isOurs) expect(server.lastWords()).not.toBe("");
    else expect(server.lastWords()).toBe("");
    expect(server.howToEnd).not.toContain(server.maintenance.password);
    expect(server.howToEnd).toMatch(isOurs ? /^(kill|docker) / : /doctor --clean/);
  });

  it.runIf(!isOurs)("goes on when a run that used it ends", async () => {
    const again = await had();
    await again.stop();
    expect(await theirs?.query("select 1")).toHaveLength(1);
  });

  it.runIf(isOurs)("ends with stop(), and leaves neither a process nor a folder", { timeout: 60_000 }, async () => {
    const before = await leftIn(runs);
    const another = await had();
    expect(another.maintenance.port).not.toBe(server.maintenance.port);
    await another.stop();
    await another.stop(); // Once more does no harm.
    await expect(engine.connect(another.maintenance)).rejects.toThrow();
    const left = await eventually(
      () => leftIn(runs),
      (seen) => seen.length <= before.length,
    );
    expect([...left].sort()).toEqual([...before].sort());
  });

  it.runIf(isOurs)("goes on when it is kept, until somebody types how it is ended", { timeout: 60_000 }, async () => {
    const kept = await had();
    await kept.stop({ keep: true });
    const session = await engine.connect(kept.maintenance);
    await session.end();
    execFileSync("sh", ["-c", kept.howToEnd], { timeout: 20_000 });
    const gone = await eventually(
      () =>
        engine.connect(kept.maintenance).then(
          async (open) => open.end().then(() => false),
          () => true,
        ),
      (is) => is,
      15_000,
    );
    expect(gone).toBe(true);
    // Its folder is removed by the next run, or by whoever cleans up; here its root still lives, which is this process.
    vi.stubEnv("MIGRATION_SANDBOX_RUNS", runs);
    for (const left of await leftRuns()) if (left.state === "kept" || left.state === "dead") await removeRun(left);
  });

  it.runIf(isOurs)(
    "is one for all that share it, and ends with the process that they name",
    { timeout: 60_000 },
    async () => {
      const root = idle();
      const [one, other] = await Promise.all([
        had({ sharedWith: root.pid as number }),
        had({ sharedWith: root.pid as number }),
      ]);
      expect(one.maintenance).toEqual(other.maintenance);
      expect(one.exclusive).toBe(false);
      expect(one.lastWords()).not.toBe("");
      await one.stop(); // The other goes on.
      const session = await engine.connect(other.maintenance);
      await session.end();
      root.kill("SIGKILL");
      const gone = await eventually(
        async () => (await leftIn(runs)).some((left) => left.includes("-shared-")),
        (is) => !is,
        15_000,
      );
      expect(gone).toBe(false);
      await expect(engine.connect(other.maintenance)).rejects.toThrow();
    },
  );

  it.runIf(isOurs)("says that it does not answer once it was killed", { timeout: 60_000 }, async () => {
    const another = await had();
    const open = await openStage(another);
    await open.create();
    expect(await open.answers()).toBe(true);
    await another.stop();
    expect(await open.answers()).toBe(false);
    await expect(open.create()).rejects.toMatchObject({ code: "server-lost" });
    await open.leave();
  });
}

/** A process that does nothing until it is ended. */
function idle(): ChildProcess {
  return spawn("sleep", ["60"], { stdio: "ignore" });
}

async function run(sandbox: Sandbox, ...statements: readonly string[]): Promise<void> {
  const session = await sandbox.connect();
  for (const sql of statements) await session.query(sql);
  await session.end();
}

async function count(sandbox: Sandbox): Promise<number> {
  const snapshot = await sandbox.snapshot();
  return (await snapshot.all("users").finally(() => snapshot.end())).length;
}

/** What no sandbox may notice. */
async function misconfigure(server: Somebodys): Promise<void> {
  const statements =
    server.engine.name === "postgres"
      ? [
          "alter system set timezone = 'Asia/Kathmandu'",
          "alter system set datestyle = 'SQL, DMY'",
          "alter system set intervalstyle = 'iso_8601'",
          "alter system set default_transaction_isolation = 'serializable'",
          "alter system set statement_timeout = '40s'",
          "alter system set standard_conforming_strings = off",
          "alter system set row_security = off",
          "select pg_reload_conf()",
        ]
      : [
          "set global time_zone = '+05:45'",
          "set global sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'",
          "set global transaction isolation level serializable",
          "set global character_set_server = latin1",
          "set global collation_server = latin1_german1_ci",
          "set global foreign_key_checks = 0",
        ];
  for (const sql of statements) await server.query(sql);
}

function settingsOf(name: EngineName): string {
  return name === "postgres"
    ? `select current_setting('timezone') as zone, current_setting('datestyle') as dates,
        current_setting('intervalstyle') as intervals, current_setting('transaction_isolation') as isolation,
        current_setting('statement_timeout') as patience, current_setting('standard_conforming_strings') as strings,
        current_setting('row_security') as policies, pg_encoding_to_char(encoding) as encoding,
        'a' < 'B' as letters_first, upper('é') as upper from pg_database where datname = current_database()`
    : `select @@time_zone as zone, @@sql_mode as mode, @@transaction_isolation as isolation,
        @@collation_database as collation, @@collation_connection as speaks, @@foreign_key_checks as checked`.replace(
        "@@transaction_isolation",
        name === "mariadb" ? "@@tx_isolation" : "@@transaction_isolation",
      );
}

const mysqlSettings = { zone: "+00:00", isolation: "REPEATABLE-READ", checked: 1 };
const settings: { readonly [name in EngineName]: object } = {
  postgres: {
    zone: "UTC",
    dates: "ISO, MDY",
    intervals: "postgres",
    isolation: "read committed",
    patience: "0",
    strings: "on",
    policies: "on",
    encoding: "UTF8",
    letters_first: false,
    upper: "É",
  },
  mysql: {
    ...mysqlSettings,
    mode: "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
    collation: "utf8mb4_0900_ai_ci",
    speaks: "utf8mb4_0900_ai_ci",
  },
  mariadb: {
    ...mysqlSettings,
    mode: "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION",
    collation: "utf8mb4_general_ci",
    speaks: "utf8mb4_general_ci",
  },
};

async function roomyFolder(): Promise<string> {
  const room = existsSync("/dev/shm") ? await statfs("/dev/shm") : undefined;
  return room !== undefined && room.bavail * room.bsize > 1024 ** 3 ? "/dev/shm" : tmpdir();
}
