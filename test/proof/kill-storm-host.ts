import type { Address, EngineName } from "../../harness/database.ts";
import type { Engine } from "../../harness/engines/engine.ts";
import { databaseName, newRun } from "../../harness/mark.ts";
import { haveServer } from "../../harness/servers/had.ts";

/** A server that somebody runs, with databases on it that are nothing of ours, whatever they look like. */
export interface Host extends AsyncDisposable {
  readonly url: string;
  /** All that stands on it: databases, their comments and tables, and the rows in them. */
  seen(): Promise<readonly string[]>;
  /** Makes what a run leaves that died before its database had a mark. */
  leaveHalfMade(): Promise<void>;
}

const lookAlike = "sandbox_0123456789abcdef_1"; // But its last digits do not follow from the first ones.
const foreign = ["somebody", "sandbox_orders"];
const comment = "'migration-sandbox of our team'";

const strangers: { readonly [E in EngineName]: readonly string[] } = {
  postgres: [
    ...foreign.map((name) => `create database ${name}`),
    `comment on database somebody is ${comment}`,
    `create database ${lookAlike} allow_connections false`,
  ],
  mysql: [
    ...[...foreign, lookAlike].map((name) => `create database ${name}`),
    `create table somebody._migration_sandbox (id int primary key) comment = ${comment}`,
  ],
  get mariadb() {
    return this.mysql;
  },
};

const databases: { readonly [E in EngineName]: string } = {
  postgres: `select concat_ws(' ', datname, datallowconn::text, shobj_description(oid, 'pg_database')) as seen
    from pg_database order by datname`,
  mysql: `select concat_ws(' ', schema_name, table_name, table_comment) as seen
    from information_schema.schemata left join information_schema.tables on table_schema = schema_name
    where schema_name not in ('mysql', 'sys', 'information_schema', 'performance_schema') order by 1`,
  get mariadb() {
    return this.mysql;
  },
};

export async function hostOf(engineName: EngineName): Promise<Host> {
  const server = await haveServer({ engine: engineName }, { source: "local" });
  const { engine, maintenance } = server;
  await on(engine, maintenance, strangers[engineName]);
  for (const database of foreign) {
    await on(engine, { ...maintenance, database }, [
      "create table orders (id int primary key, item varchar(20))",
      "insert into orders values (1, 'one'), (2, 'two')",
    ]);
  }
  return {
    url: engine.url(maintenance),
    async seen() {
      const rows = foreign.map((database) =>
        on(engine, { ...maintenance, database }, [
          `select concat('${database}: ', id, ' ', item) as seen from orders order by id`,
        ]),
      );
      return (await Promise.all([on(engine, maintenance, [databases[engineName]]), ...rows])).flat();
    },
    async leaveHalfMade() {
      const closed = engine.capabilities.closesDatabases ? " allow_connections false" : "";
      await on(engine, maintenance, [`create database ${databaseName(newRun(), 1)}${closed}`]);
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

async function on(engine: Engine, address: Address, statements: readonly string[]): Promise<readonly string[]> {
  const session = await engine.connect(address);
  try {
    const seen: string[] = [];
    for (const sql of statements) seen.push(...(await session.query(sql)).map((row) => String(row.seen)));
    return seen;
  } finally {
    await session.end();
  }
}
