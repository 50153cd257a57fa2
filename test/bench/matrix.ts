import {
  clean,
  defineScenario,
  type EngineName,
  type Rehearsals,
  rehearse,
  release,
  type Scenario,
  seeder,
} from "migration-sandbox";
import type { Address } from "../../harness/database.ts";
import { engineNamed } from "../../harness/engines/named.ts";
import { openStage } from "../../harness/sandbox.ts";
import { haveServer } from "../../harness/servers/had.ts";
import type { Server } from "../../harness/servers/server.ts";
import { compare, type Figure, timed } from "./figure.ts";

type Set = "to-latest" | "all";

interface Case {
  readonly engine: EngineName;
  readonly set: Set;
  readonly releases: number;
  /** How many times as fast as the plain way it should be. */
  readonly faster: number;
  readonly rounds: number;
}

const cases: readonly Case[] = [
  { engine: "postgres", set: "to-latest", releases: 60, faster: 2.7, rounds: 3 },
  { engine: "postgres", set: "all", releases: 25, faster: 14, rounds: 3 },
  { engine: "mariadb", set: "to-latest", releases: 36, faster: 1.7, rounds: 3 },
  { engine: "mariadb", set: "all", releases: 25, faster: 8, rounds: 3 },
];

/**
 * Skip matrices of a chain with twelve statements in each release and rows sown at every start, judged, against the plain way on the
 * same server: for each path a new database, migrations up to its start, its rows, migrations to its end, one after the other, over
 * one connection each, and nothing judged.
 */
export async function* matrix(only = ""): AsyncGenerator<Figure> {
  for (const one of cases) if (`${one.engine} ${one.set}`.includes(only)) yield* ofCase(one);
}

async function* ofCase({ engine, set, releases, faster, rounds }: Case): AsyncGenerator<Figure> {
  const server = await haveServer({ engine });
  try {
    const scenario = scenarioOf(engine, set, releases);
    let work: Rehearsals["work"] | undefined;
    const ours = () =>
      timed(async () => {
        const came = await walked(scenario, server);
        work = came.work;
        if (came.met !== came.rehearsals.length)
          throw new Error(JSON.stringify(came.rehearsals.find(({ met }) => !met)?.verdict));
      });
    const floor = () => timed(() => plainly(set, releases, server));
    const figure = await compare(
      {
        name: `${set} of ${releases}, ${engine}`,
        what: `planned, judged and compared (wanted ${faster} times as fast)`,
        floor: "each path by itself",
        target: 1 / faster,
      },
      { rounds, ours, floor },
    );
    const { migrations = 0, plainly: apart = 0 } = work ?? {};
    yield {
      ...figure,
      what: `${(1 / figure.ratio).toFixed(2)} times as fast, ${migrations} migrations of ${apart}; ${figure.what}`,
    };
  } finally {
    await server.stop();
  }
}

/** One table of its own, and something done to the one before. */
function statementsOf(n: number): readonly string[] {
  const before = Math.max(1, n - 1);
  return [
    `create table t${n} (id int primary key, name varchar(100) not null, note varchar(200))`,
    `create index t${n}_name on t${n} (name)`,
    `create index t${n}_note on t${n} (note)`,
    `alter table t${n} add column size int`,
    `alter table t${n} add column price numeric(10, 2) default 0 not null`,
    `alter table t${before} add column extra_${n} varchar(50)`,
    `alter table t${n} add constraint t${n}_size check (size >= 0)`,
    `insert into t${n} (id, name) values (1, 'one'), (2, 'two')`,
    `update t${n} set note = name where id = 1`,
    `update t${before} set extra_${n} = name`,
    `alter table t${n} add constraint t${n}_unique unique (name, size)`,
    `create view v${n} as select id, name from t${n}`,
  ];
}

function seedOf(n: number): string {
  return `insert into t${n} (id, name, note) values (10, 'ten', null), (11, 'eleven', ''), (12, 'twelve', 'x')`;
}

function scenarioOf(engine: EngineName, set: Set, releases: number): Scenario {
  const migrations = Array.from({ length: releases }, (_, i) => ({
    name: `${String(i + 1).padStart(4, "0")}`,
    up: `${statementsOf(i + 1).join(";\n")};`,
  }));
  const names = migrations.map((_, i) => `1.${i + 1}`);
  return defineScenario({
    title: "a skip matrix",
    engines: [engine],
    chain: names.map((name, i) => release(name, { migrations: migrations.slice(0, i + 1) })),
    seeds: Object.fromEntries(
      names.map((name, i) => [name, seeder(`rows at ${name}`, async ({ db }) => void (await db.raw(seedOf(i + 1))))]),
    ),
    paths: [{ every: set, expect: clean }],
  });
}

async function walked(scenario: Scenario, server: Server): Promise<Rehearsals> {
  const stage = await openStage(server);
  try {
    return await rehearse([scenario], { stage: async () => stage });
  } finally {
    await stage.leave();
  }
}

async function plainly(set: Set, releases: number, { engine, maintenance }: Server): Promise<void> {
  const admin = await engine.connect(maintenance);
  try {
    for (let from = 1; from < releases; from++) {
      for (let to = set === "all" ? from + 1 : releases; to <= releases; to++)
        await plainPath(from, to, { engine: engine.name, maintenance, admin });
    }
    for (let only = 1; set === "all" && only <= releases; only++)
      await plainPath(only, only, { engine: engine.name, maintenance, admin });
  } finally {
    await admin.end();
  }
}

type Session = Awaited<ReturnType<ReturnType<typeof engineNamed>["connect"]>>;

async function plainPath(
  from: number,
  to: number,
  {
    engine,
    maintenance,
    admin,
  }: { readonly engine: EngineName; readonly maintenance: Address; readonly admin: Session },
): Promise<void> {
  await admin.query("create database bench_plain");
  const session = await engineNamed(engine).connect({ ...maintenance, database: "bench_plain" });
  await session.query("create table record (id int primary key, name varchar(100))");
  const migrate = async (n: number) => {
    const recorded = `insert into record values (${n}, '1.${n}')`;
    await session.script(`begin;\n${statementsOf(n).join(";\n")};\n${recorded};\ncommit`);
  };
  for (let n = 1; n <= from; n++) await migrate(n);
  if (to > from) await session.script(seedOf(from));
  for (let n = from + 1; n <= to; n++) await migrate(n);
  await session.end();
  await admin.query("drop database bench_plain");
}
