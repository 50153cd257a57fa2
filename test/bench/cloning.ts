import { openStage, type Sandbox } from "../../harness/sandbox.ts";
import { haveServer } from "../../harness/servers/had.ts";
import { compare, type Figure, timed } from "./figure.ts";

/** Cloning a sandbox, against the bare statement on one open connection of the same server. */
export async function* cloning(): AsyncGenerator<Figure> {
  const server = await haveServer({ engine: "postgres" }, { source: "embedded" });
  try {
    const stage = await openStage(server);
    const admin = await server.engine.connect(server.maintenance);
    const bare = async (from: string) => {
      const elapsed = await timed(() => admin.query(`create database floor template "${from}" strategy file_copy`));
      await admin.query("drop database floor");
      return elapsed;
    };
    for (const rows of [10_000, 100_000]) {
      const source = await filled(await stage.create(), rows);
      await source.freeze();
      const what = `60 tables, ${rows} rows`;
      const floor = "CREATE DATABASE … TEMPLATE … STRATEGY FILE_COPY";
      const cloned = async (from: Sandbox, before: () => Promise<void> = async () => {}) => {
        let clone: Sandbox | undefined;
        const elapsed = await timed(async () => {
          await before();
          clone = await from.clone();
        });
        await clone?.drop();
        return elapsed;
      };
      yield await compare(
        { name: `clone, frozen, ${rows} rows`, what, floor, target: 1.1 },
        { rounds: 21, ours: () => cloned(source), floor: () => bare(source.address.database) },
      );
      const live = await filled(await stage.create(), rows);
      yield await compare(
        { name: `clone, stray connection, ${rows} rows`, what: `${what}, somebody connected`, floor, target: 1.15 },
        {
          rounds: 21,
          ours: async () => {
            await admin.query(`alter database "${live.address.database}" allow_connections true`);
            const stray = await live.connect();
            const elapsed = await cloned(live, () => live.freeze());
            await stray.end().catch(() => {}); // It was ended for it.
            return elapsed;
          },
          floor: () => bare(source.address.database),
        },
      );
      for (const sandbox of [source, live]) await sandbox.drop();
    }
    await admin.end();
    await stage.leave();
  } finally {
    await server.stop();
  }
}

async function filled(sandbox: Sandbox, rows: number): Promise<Sandbox> {
  const session = await sandbox.connect();
  for (let n = 1; n <= 60; n++) {
    await session.script(`create table t${n} (id int primary key, name text, at timestamptz);
      insert into t${n} select i, 'name ' || i, now() from generate_series(1, ${Math.ceil(rows / 60)}) i`);
  }
  await session.end();
  return sandbox;
}
