import type { EngineName } from "../../harness/database.ts";
import { openStage } from "../../harness/sandbox.ts";
import { haveServer, type Source } from "../../harness/servers/had.ts";
import { compare, type Figure, timed } from "./figure.ts";

const workers = 8;
const sandboxes = 50;
const rounds = 7;

interface Floor {
  readonly engine: EngineName;
  readonly source: Source;
  /** Behind CREATE DATABASE: the cheapest way to an empty one. */
  readonly options: string;
  /** A table in it, as every sandbox of an engine has whose databases carry no comment: its mark. */
  readonly table?: string;
}

const floors: readonly Floor[] = [
  { engine: "postgres", source: "embedded", options: " template template0 strategy file_copy" },
  { engine: "mariadb", source: "local", options: "" },
  { engine: "mariadb", source: "local", options: "", table: "mark (id int primary key) comment = 'a mark'" },
];

/** Sandboxes made and dropped by several workers at once, against the bare statements on as many connections. */
export async function* throughput(): AsyncGenerator<Figure> {
  for (const { engine, source, options, table } of floors) {
    const server = { ...(await haveServer({ engine }, { source })), exclusive: false };
    try {
      const stages = await Promise.all(Array.from({ length: workers }, () => openStage(server)));
      // Each stage has made one sandbox ahead of anybody's asking.
      await Promise.all(stages.map(async (stage) => (await stage.create()).drop()));
      const sessions = await Promise.all(stages.map(() => server.engine.connect(server.maintenance)));
      yield await compare(
        {
          name: `${workers} workers, ${engine}${table === undefined ? "" : ", marked"}`,
          what: `${sandboxes} sandboxes made and dropped`,
          floor: `CREATE DATABASE${table === undefined ? "" : ", CREATE TABLE"} and DROP DATABASE on ${workers} connections`,
          target: 1.25,
        },
        {
          rounds,
          ours: () =>
            shared(stages, async (stage) => {
              await (await stage.create()).drop();
            }),
          floor: () =>
            shared(sessions, async (session, n) => {
              await session.query(`create database floor_${n}${options}`);
              if (table !== undefined) await session.query(`create table floor_${n}.${table}`);
              await session.query(`drop database floor_${n}`);
            }),
        },
      );
      await Promise.all([...stages.map((stage) => stage.leave()), ...sessions.map((session) => session.end())]);
    } finally {
      await server.stop();
    }
  }
}

/** Milliseconds until those who share the work have done all of it. */
function shared<T>(those: readonly T[], work: (one: T, n: number) => Promise<void>): Promise<number> {
  let begun = 0;
  return timed(() =>
    Promise.all(
      those.map(async (one) => {
        for (let n = begun++; n < sandboxes; n = begun++) await work(one, n);
      }),
    ),
  );
}
