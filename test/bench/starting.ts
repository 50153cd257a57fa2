import { spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { embedded } from "../../harness/servers/embedded.ts";
import { prepared } from "../../harness/servers/prepared.ts";
import { serverUser } from "../../harness/servers/run.ts";
import { compare, type Figure } from "./figure.ts";

const cli = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

/**
 * Process start to verdict of one named path, compiled command, warm cache; against the plain way on the same medium:
 * copy a default cluster, spawn postgres and wait for its ready line, create one database, run the same SQL with psql.
 */
export async function* starting(): AsyncGenerator<Figure> {
  const user = serverUser();
  const medium = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const place = mkdtempSync(join(medium, "bench-"));
  try {
    chmodSync(place, 0o755);
    const binaries = dirname(prepared(embedded(), user).executable);
    const cluster = join(place, "floor");
    mkdirSync(cluster, { mode: 0o700 });
    if (user !== undefined) chownSync(cluster, user.uid, user.gid);
    const as = user === undefined ? {} : { uid: user.uid, gid: user.gid };
    run(join(binaries, "initdb"), ["-D", join(cluster, "default"), "-U", "postgres", "-A", "trust", "--no-sync"], as);
    for (const tables of [3, 30]) {
      for (const sown of [false, true]) {
        const { folder, sql } = example(place, tables, sown);
        chmodSync(sql, 0o644);
        yield await compare(
          {
            name: `start to verdict, ${tables} tables${sown ? ", sown" : ""}`,
            what: sown ? "one upgrade path with rows sown through Knex" : "one fresh install",
            floor: "copied default cluster, postgres spawned directly, psql",
            target: 1.3,
          },
          {
            rounds: 15,
            ours: () => untilSaid(process.execPath, [cli, "rehearse", "example#1"], / (✓|✗|\?) /, { cwd: folder }),
            floor: () =>
              untilSaid("/bin/sh", ["-c", floorScript, "sh", cluster, binaries, sql], /done/, { ...as, cwd: "/" }),
          },
        );
      }
    }
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

const floorScript = `
data="$1/run$$" log="$1/log$$" port=$((20000 + $$ % 10000))
trap 'kill -QUIT $server 2>/dev/null; wait 2>/dev/null; rm -rf "$data" "$log"' EXIT
mkfifo "$log"
cp -R "$1/default" "$data"
"$2/postgres" -D "$data" -p $port -k "$1" -c fsync=off -c synchronous_commit=off -c full_page_writes=off 2>"$log" &
server=$!
exec 3<"$log"
while read -r line <&3; do case "$line" in *"ready to accept"*) break ;; *FATAL*) exit 1 ;; esac; done
cat <&3 >/dev/null &
psql -qh 127.0.0.1 -p $port -U postgres -c 'create database example' postgres
psql -qh 127.0.0.1 -p $port -U postgres -v ON_ERROR_STOP=1 -f "$3" example && echo done
kill $(jobs -p) 2>/dev/null
`;

/** The same work for both: a scenario of one path, and its SQL in one file. */
function example(place: string, tables: number, sown: boolean): { readonly folder: string; readonly sql: string } {
  const folder = join(place, `${tables}-${sown}`);
  mkdirSync(join(folder, "scenarios"), { recursive: true });
  const numbers = Array.from({ length: tables }, (_, i) => i + 1);
  const create = numbers.map(
    (n) => `create table t${n} (id int primary key, name text not null, t int references t${Math.max(1, n - 1)} (id));`,
  );
  const alter = numbers.map((n) => `alter table t${n} add column note text; update t${n} set note = name;`);
  const rows = numbers.map((n) => `insert into t${n} (id, name, t) values (1, 'one', 1), (2, 'two', 1);`);
  const first = JSON.stringify({ name: "0001", up: create.join("\n") });
  const second = JSON.stringify({ name: "0002", up: alter.join("\n") });
  const path = sown ? `{ from: "1", to: "2", with: rows, expect: clean }` : `{ to: "2", expect: clean }`;
  writeFileSync(
    join(folder, "scenarios", "example.ts"),
    `import { clean, defineScenario, release, seeder } from "migration-sandbox";
const rows = seeder("two rows in each table", async ({ db }) => {
  for (let n = 1; n <= ${tables}; n++) await db("t" + n).insert([{ id: 1, name: "one", t: 1 }, { id: 2, name: "two", t: 1 }]);
});
export default defineScenario({
  title: "an example",
  engines: ["postgres"],
  chain: [release("1", { migrations: [${first}] }), release("2", { migrations: [${first}, ${second}] })],
  paths: [${path}],
});
`,
  );
  const sql = join(folder, "all.sql");
  writeFileSync(sql, ["begin;", ...create, "commit;", ...(sown ? rows : []), "begin;", ...alter, "commit;"].join("\n"));
  return { folder, sql };
}

/** Milliseconds until a program has said what is waited for; returns once it is gone. */
function untilSaid(program: string, args: readonly string[], said: RegExp, options: object): Promise<number> {
  const begun = performance.now();
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], timeout: 60_000, ...options });
  let words = "";
  let heard: number | undefined;
  child.stderr.on("data", (chunk: Buffer) => {
    words += chunk;
  });
  child.stdout.on("data", (chunk: Buffer) => {
    words += chunk;
    if (said.test(words)) heard ??= performance.now() - begun;
  });
  return new Promise((resolve, reject) => {
    child.once("close", () =>
      heard === undefined ? reject(new Error(`${program} did not say ${said}: ${words}`)) : resolve(heard),
    );
  });
}

function run(program: string, args: readonly string[], options: object): void {
  const { status, stderr } = spawnSync(program, args, { ...options, encoding: "utf8", cwd: "/" });
  if (status !== 0) throw new Error(`${program}: ${stderr}`);
}
