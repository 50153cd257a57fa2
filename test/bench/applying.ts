import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Address, EngineName } from "../../harness/database.ts";
import { engineNamed } from "../../harness/engines/named.ts";
import { haveServer } from "../../harness/servers/had.ts";
import { compare, type Figure, timed } from "./figure.ts";

const sizes: { readonly [E in EngineName]: readonly number[] } = {
  postgres: [200, 1000],
  mariadb: [200, 1000],
  mysql: [200, 1000],
};
const targets: { readonly [E in EngineName]: number } = { postgres: 1.15, mariadb: 1.25, mysql: 1.1 };
const apply = fileURLToPath(new URL("./apply.mjs", import.meta.url));

/**
 * Applies a chain of small SQL migrations, process start to end, each recorded and every statement counted; against the
 * engine's own client fed the same files on the same server, over TCP as we are. Both make the database and drop it.
 */
export async function* applying(): AsyncGenerator<Figure> {
  for (const engine of ["postgres", "mariadb", "mysql"] as const)
    for (const migrations of sizes[engine]) yield* applied(engine, migrations);
}

async function* applied(engine: EngineName, migrations: number): AsyncGenerator<Figure> {
  const folder = mkdtempSync(join(tmpdir(), "bench-chain-"));
  const server = await haveServer({ engine });
  try {
    const files = chainIn(folder, migrations);
    const url = engineNamed(engine).url(server.maintenance);
    yield await compare(
      {
        name: `applying ${migrations} migrations, ${engine}`,
        what: "the compiled harness in a process of its own",
        floor: "its own client, fed the same files",
        target: targets[engine],
      },
      {
        rounds: engine === "mysql" || migrations > 200 ? 7 : 15,
        ours: () => timed(async () => run(process.execPath, [apply, url, engine, folder])),
        floor: () => timed(async () => clients[engine](server.maintenance, files)),
      },
    );
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Three statements in each: a table, an index, rows. */
function chainIn(folder: string, migrations: number): readonly string[] {
  return Array.from({ length: migrations }, (_, i) => {
    const n = i + 1;
    const file = join(folder, `${String(n).padStart(4, "0")}_table_${n}.sql`);
    const sql = `create table t${n} (id int primary key, name varchar(100) not null, note varchar(200));
create index t${n}_name on t${n} (name);
insert into t${n} (id, name) values (1, 'one; or more'), (2, 'it''s two');
`;
    writeFileSync(file, sql);
    return file;
  });
}

const clients: { readonly [E in EngineName]: (server: Address, files: readonly string[]) => void } = {
  postgres: psql,
  mariadb: mariadb,
  mysql: mariadb,
};

function psql({ host, port, user, password }: Address, files: readonly string[]): void {
  const where = ["-qXh", host, "-p", String(port), "-U", user, "-v", "ON_ERROR_STOP=1", "-d", "postgres"];
  const said = ["create database bench_floor", "\\c bench_floor"].flatMap((command) => ["-c", command]);
  const fed = files.flatMap((file) => ["-f", file]);
  const dropped = ["\\c postgres", "drop database bench_floor"].flatMap((command) => ["-c", command]);
  run("psql", [...where, ...said, ...fed, ...dropped], { env: { ...process.env, PGPASSWORD: password } });
}

function mariadb({ host, port, user, password }: Address, files: readonly string[]): void {
  const args = ["--no-defaults", "--protocol=tcp", "-h", host, "-P", String(port), "-u", user];
  const sourced = files.map((file) => `source ${file}\n`).join("");
  const input = `create database bench_floor; use bench_floor;\n${sourced}\ndrop database bench_floor;\n`;
  run("mariadb", args, { env: { ...process.env, MYSQL_PWD: password }, input });
}

function run(program: string, args: readonly string[], options: object = {}): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8", timeout: 120_000, ...options });
  if (status !== 0) throw new Error(`${program}: ${error?.message ?? stderr}`);
}
