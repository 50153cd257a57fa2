import { spawnSync } from "node:child_process";
import { openStage } from "../../harness/sandbox.ts";
import { haveServer } from "../../harness/servers/had.ts";
import type { Server } from "../../harness/servers/server.ts";
import { compare, type Figure, timed } from "./figure.ts";

const rows = 100_000;
const targets = { mariadb: { ours: 0.3, existing: 0.5 }, mysql: { ours: 0.45, existing: 0.5 } };

/** Cloning a sandbox, against dump and load by MariaDB's clients on the same server, which speak to both products. */
export async function* cloningMysql(): AsyncGenerator<Figure> {
  for (const name of ["mariadb", "mysql"] as const) {
    const server = await haveServer({ engine: name });
    try {
      const target = targets[name][server.kind === "existing" ? "existing" : "ours"];
      yield await cloning(server, `clone, ${name} (${server.kind})`, target);
    } finally {
      await server.stop();
    }
  }
}

async function cloning(server: Server, name: string, target: number): Promise<Figure> {
  const stage = await openStage(server);
  const source = await stage.create();
  const session = await source.connect();
  for (let n = 1; n <= 60; n++) await session.script(tableOf(n, Math.ceil(rows / 60)));
  await session.end();
  await source.freeze();
  const dump = `${client("mariadb-dump", server)} ${source.address.database}`;
  const figure = await compare(
    { name, what: `60 tables, ${rows} rows`, floor: "mariadb-dump | mariadb", target },
    {
      rounds: 9,
      async ours() {
        const begun = performance.now();
        const clone = await source.clone();
        const elapsed = performance.now() - begun;
        await clone.drop();
        return elapsed;
      },
      async floor() {
        const landing = await stage.create();
        const load = `${client("mariadb", server)} ${landing.address.database}`;
        const elapsed = await timed(async () => run(`${dump} | ${load}`));
        await landing.drop();
        return elapsed;
      },
    },
  );
  await source.drop();
  await stage.leave();
  return figure;
}

/** Rows of some width with two keys beside the primary one; each table refers to the one before. */
function tableOf(n: number, count: number): string {
  const parent = n === 1 ? "" : `, constraint fk${n} foreign key (parent) references t${n - 1} (id)`;
  const digits = ["a", "b", "c", "d"].map((name) => `digits ${name}`).join(", ");
  const number = "a.n * 1000 + b.n * 100 + c.n * 10 + d.n + 1";
  return `${n === 1 ? "create table digits (n int); insert into digits values (0),(1),(2),(3),(4),(5),(6),(7),(8),(9);" : ""}
    create table t${n} (id int auto_increment primary key, name varchar(100) not null, note text, at datetime, amount decimal(10, 2),
      parent int, key (name), key (parent)${parent});
    insert into t${n} select id, concat('name ', id), repeat('x', id % 50), now(), id / 7, ${n === 1 ? "null" : "id"}
      from (select ${number} as id from ${digits}) numbers where id <= ${count}`;
}

function client(program: string, { maintenance: { host, port, user, password } }: Server): string {
  return `${program} --no-defaults --host=${host} --port=${port} --user=${user} --password='${password}' --protocol=tcp`;
}

function run(command: string): void {
  const { status, stderr } = spawnSync("bash", ["-c", `set -o pipefail; ${command}`], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
}
