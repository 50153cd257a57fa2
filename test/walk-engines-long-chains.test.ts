// Chains as long as products have them: a server has only so many sessions, locks and room.

import { clean, type Migration } from "migration-sandbox";
import { describe, expect, test } from "vitest";
import type { PerEngine } from "../harness/database.ts";
import { forEngine } from "../harness/database.ts";
import { runNamedIn } from "../harness/mark.ts";
import { engines, nothingWrong, sowing, walksOn } from "./walk.contract.ts";

const thisDatabase: PerEngine<string> = {
  postgres: "select current_database() as name",
  mysql: "select database() as name",
};
const allDatabases: PerEngine<string> = {
  postgres: "select datname as name from pg_database",
  mysql: "select schema_name as name from information_schema.schemata",
};
const sessions: PerEngine<string> = {
  postgres: "select datname as name from pg_stat_activity where datname is not null",
  mysql: "select db as name from information_schema.processlist where db is not null",
};

describe.each(engines)("a long chain on %s", (engine) => {
  const { chained } = walksOn(engine);

  /** The names of the run's databases, as the last migration of so many sees them. */
  async function seenAtTheEnd(of: PerEngine<string>, hops: number, sows?: string): Promise<readonly string[]> {
    let seen: readonly string[] = [];
    const looking: Migration["up"] = async (db) => {
      const ask = async (sql: PerEngine<string>) => {
        const answer = await db.raw(forEngine(sql, engine) ?? "");
        const rows: readonly { readonly name: string }[] = Array.isArray(answer) ? answer[0] : answer.rows;
        return rows.map(({ name }) => name);
      };
      const [here = ""] = await ask(thisDatabase);
      seen = (await ask(of)).filter((name) => runNamedIn(name) === runNamedIn(here));
    };
    const creating = Array.from({ length: hops }, (_, i) => `create table t${i} (id int primary key)`);
    const last = `1.${hops}`;
    const via = creating.slice(1).map((_, i) => `1.${i + 1}`);
    const [rehearsal] = await chained({
      migrations: [...creating, looking],
      ...(sows !== undefined && { seeds: { "1.0": sowing(sows) } }),
      paths: [{ from: "1.0", via, to: last, expect: clean }],
    });
    expect(rehearsal?.verdict).toEqual(nothingWrong);
    return seen;
  }

  test("leaves no session open in the states that it has passed", async () => {
    const seen = await seenAtTheEnd(sessions, 20);
    expect(new Set(seen).size).toBeLessThan(4);
    expect((await seenAtTheEnd(sessions, 20, "insert into t0 values (1)")).length).toBeLessThan(8);
  });

  test("drops the states that nobody asks for again", async () => {
    expect((await seenAtTheEnd(allDatabases, 20)).length).toBeLessThan(8);
  });
});
