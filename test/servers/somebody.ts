import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { vi } from "vitest";
import type { EngineName } from "../../harness/database.ts";
import type { Engine, Session } from "../../harness/engines/engine.ts";
import { engineNamed } from "../../harness/engines/named.ts";
import { haveServer, lookFor } from "../../harness/servers/had.ts";
import type { ServerKind } from "../../harness/servers/server.ts";
import type { Row } from "../../harness/snapshot.ts";
import { type Ended, eventually, type Workplace, workplaceWith } from "../command.ts";

/** A server that somebody runs, as a run of ours sees it: by its URL alone. It is one of our own, for one test or file. */
export interface Somebodys extends AsyncDisposable {
  readonly engine: Engine;
  /** With the password in it. */
  readonly url: string;
  /** The same for another user, another database, another port. */
  urlWith(other: {
    readonly user?: string;
    readonly password?: string;
    readonly host?: string;
    readonly port?: number;
    readonly database?: string;
  }): string;
  /** The environment in which a run of ours is told of it. */
  readonly told: { readonly [name: string]: string };
  readonly port: number;
  readonly password: string;
  connect(database?: string): Promise<Session>;
  query(sql: string, database?: string): Promise<readonly Row[]>;
  /** The databases whose names are of our kind. */
  sandboxes(): Promise<readonly string[]>;
  /** Ends it as a crash would; where it is one of this machine, `revive` starts it again on what it left. */
  kill(): Promise<{ revive(...more: readonly string[]): Promise<void> } | undefined>;
}

/** Kinds of server by which one of our own is had; the quickest first. */
const kinds: readonly ServerKind[] = ["local", "embedded", "container"];

/** The engines of which somebody can run a server here, and from where it comes. */
async function enginesHere(): Promise<ReadonlyMap<EngineName, Exclude<ServerKind, "existing">>> {
  const here = new Map<EngineName, Exclude<ServerKind, "existing">>();
  for (const engine of ["postgres", "mariadb", "mysql"] as const) {
    const had = await lookFor(engineNamed(engine));
    const kind = kinds.find((wanted) => had.some(({ kind, found }) => kind === wanted && found.length > 0));
    if (kind !== undefined && kind !== "existing") here.set(engine, kind);
  }
  return here;
}

export const here = await enginesHere();

/** @param disk the folder in which it has its data, if it is one of this machine */
export async function somebodys(name: EngineName, disk?: string): Promise<Somebodys> {
  const source = here.get(name);
  if (source === undefined) throw new Error(`No server of ${name} can be had here`);
  if (disk !== undefined) vi.stubEnv("MIGRATION_SANDBOX_RUNS", disk);
  const server = await haveServer({ engine: name }, { source }).finally(() => vi.unstubAllEnvs());
  const { engine, maintenance } = server;
  const revived: ChildProcess[] = [];
  secrets.add(maintenance.password);
  const urlWith: Somebodys["urlWith"] = ({ user, password, host, port, database } = {}) => {
    const who = `${encodeURIComponent(user ?? maintenance.user)}:${encodeURIComponent(password ?? maintenance.password)}`;
    const where = `${host ?? maintenance.host}:${port ?? maintenance.port}`;
    return `${name}://${who}@${where}${database === undefined ? "" : `/${database}`}`;
  };
  const connect = (database?: string) =>
    engine.connect({ ...maintenance, ...(database !== undefined && { database }) });
  const query: Somebodys["query"] = async (sql, database) => {
    const session = await connect(database);
    return session.query(sql).finally(() => session.end());
  };
  return {
    engine,
    url: urlWith({}),
    urlWith,
    told: { [`SANDBOX_${name.toUpperCase()}_URL`]: urlWith({}) },
    port: maintenance.port,
    password: maintenance.password,
    connect,
    query,
    async sandboxes() {
      const rows = await query(
        name === "postgres"
          ? "select datname as name from pg_database where datname like 'sandbox\\_%' order by 1"
          : "select schema_name as name from information_schema.schemata where schema_name like 'sandbox\\_%' order by 1",
      );
      return rows.map((row) => String(row.name));
    },
    async kill() {
      if (source === "container") {
        execFileSync("sh", ["-c", `docker kill $(docker ps -q --filter publish=${maintenance.port})`], {
          timeout: 20_000,
        });
        return undefined;
      }
      const pid = pidOf(maintenance.port, engine);
      const [executable = "", ...args] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
      const { uid, gid } = statSync(`/proc/${pid}`);
      process.kill(pid, "SIGKILL");
      return {
        async revive(...more) {
          await eventually(
            () => existsSync(`/proc/${pid}`),
            (lives) => !lives,
          );
          const started = () => {
            const child = spawn(executable, [...args, ...more], { uid, gid, cwd: "/", stdio: "ignore" });
            revived.push(child);
            return child;
          };
          let child = started();
          await eventually(
            () => {
              // What the dead one's own processes still hold, it does not start on: they notice in their own time.
              if (child.exitCode !== null) child = started();
              return query("select 1").catch(() => undefined);
            },
            (rows) => rows !== undefined,
            20_000,
          );
        },
      };
    },
    async [Symbol.asyncDispose]() {
      for (const child of revived) child.kill("SIGKILL");
      await server.stop();
    },
  };
}

/** The server that listens there, by its command line. */
function pidOf(port: number, { program }: Engine): number {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const found = pids.find((pid) => {
    const [executable = "", ...args] = wordsOf(pid);
    return (
      program.executables.includes(basename(executable)) &&
      args.some((arg) => arg === `--port=${port}` || arg === String(port))
    );
  });
  if (found === undefined) throw new Error(`No server listens at ${port}`);
  return Number(found);
}

function wordsOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return []; // It has just ended.
  }
}

/** What no run may ever print. */
const secrets = new Set<string>();

/** A password that nobody prints. */
export function secret(): string {
  const word = `hush-${randomBytes(8).toString("hex")}`;
  secrets.add(word);
  return word;
}

/** Variables by which the one who runs the tests tells of servers: none of them is meant for these runs. */
const untold = Object.fromEntries(
  ["SANDBOX_SERVER", "SANDBOX_POSTGRES_URL", "SANDBOX_MYSQL_URL", "SANDBOX_MARIADB_URL", "PGPASSWORD", "MYSQL_PWD"].map(
    (name) => [name, undefined],
  ),
);

/** `doctor --clean` would remove containers that somebody keeps on this machine. */
const noDocker = { DOCKER_HOST: "unix:///nowhere/docker.sock" };

/** A {@link Workplace} whose every run is looked through for passwords and for stack traces. */
export async function discreetWorkplace(files: { readonly [path: string]: string }): Promise<Workplace> {
  const work = await workplaceWith(files);
  const start: Workplace["start"] = (args, surroundings) => {
    const running = work.start(args, {
      ...surroundings,
      environment: { ...untold, ...noDocker, ...surroundings?.environment },
    });
    return { ...running, ended: running.ended.then(discreet) };
  };
  return { ...work, start, run: (args, surroundings) => start(args, surroundings).ended };
}

function discreet(ended: Ended): Ended {
  const said = ended.stdout + ended.stderr;
  for (const word of secrets) {
    if (said.includes(word)) throw new Error(`It prints a password: ${said.replaceAll(word, "<password>")}`);
  }
  if (/^\s+at .*:\d+:\d+\)?$/m.test(said)) throw new Error(`It prints a stack trace: ${said}`);
  return ended;
}

/** A scenario of these releases, for all engines; `1.0` has table `users`. */
export function scenarioFile(change: string, paths: string, before = ""): string {
  return `import { clean, defineScenario, invariant, release, seeder } from "migration-sandbox";
${before}
const users = { name: "0001", up: "create table users (id int primary key)" };
export default defineScenario({
  title: "users",
  engines: ["postgres", "mysql", "mariadb"],
  chain: [
    release("1.0", { migrations: [users] }),
    release("1.1", { migrations: [users, { name: "0002", up: ${change} }] }),
  ],
  paths: ${paths},
});
`;
}

/** Comes through everywhere; its state is cloned twice. */
export const upgrade = scenarioFile(
  `"alter table users add name varchar(20)"`,
  `[{ to: "1.0", expect: clean }, { from: "1.0", to: "1.1", expect: clean }, { to: "1.1", expect: clean }]`,
);

/** Stops in the middle of a hop, in code, until a file "go" is there; a file "waiting" tells that it stands there. */
export const waiting = scenarioFile(
  "wait",
  `[{ from: "1.0", to: "1.1", expect: clean }, { to: "1.1", expect: clean }]`,
  `import { existsSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
async function wait() {
  writeFileSync("waiting", "");
  while (!existsSync("go")) await sleep(20);
}`,
);

/** Sows some tens of megabytes, in SQL that all engines know; and leaves no room for as much on a disk that is to be filled. */
const sowingMany = `const many = seeder("very many rows", async ({ db }) => {
  await db.schema.createTable("filling", (table) => { table.integer("id").primary(); table.text("body"); });
  const rows = Array.from({ length: 1000 }, (_, i) => ({ id: i, body: "x".repeat(1000) }));
  await db.batchInsert("filling", rows, 500);
  for (let i = 0; i < doublings; i++) {
    await db.raw(\`insert into filling select id + \${1000 * 2 ** i}, body from filling where id < \${1000 * 2 ** i} order by id\`);
  }
  const disk = process.env.DISK_TO_FILL;
  if (disk === undefined) return;
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(disk + "/ballast", Buffer.alloc(Math.max(0, bavail * bsize - 20 * 1024 * 1024)));
});`;

/** Paths that clone what {@link sowingMany} sowed. */
export function cloningMany(doublings: number): string {
  const paths = `[
    { to: "1.0", expect: clean },
    { from: "1.0", with: many, to: "1.1", expect: clean },
    { from: "1.0", with: many, to: "1.1", check: async () => [], expect: clean },
    { from: "1.0", with: many, to: "1.1", check: invariant("never", "select 1 from users"), expect: clean },
  ]`;
  return scenarioFile(
    `"select 1"`,
    paths,
    `import { statfsSync, writeFileSync } from "node:fs";\nconst doublings = ${doublings};\n${sowingMany}`,
  );
}

/** Looks on the server until a clone is being made there, but no longer than the run lives. */
export async function cloneBegun(server: Somebodys, child: ChildProcess): Promise<void> {
  const postgres = server.engine.name === "postgres";
  const cloning = postgres ? /create database .* template "sandbox_/i : /^insert into .* from `sandbox_/is;
  const session = await server.connect();
  const sql = postgres
    ? "select query as doing from pg_stat_activity where state = 'active'"
    : "select info as doing from information_schema.processlist where info is not null";
  const seen = await eventually(
    async () => (await session.query(sql)).some((row) => cloning.test(String(row.doing ?? row.DOING))),
    (does) => does || child.exitCode !== null,
    30_000,
  );
  await session.end();
  if (!seen) throw new Error(`No clone was begun; it ended with ${child.exitCode}`);
}

/** A run's name whose last digits are not what ours would be: nobody but a test calls a database so. */
export function wordOfNobody(): string {
  return randomBytes(8).toString("hex");
}
