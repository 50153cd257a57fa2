import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import type { Release } from "../harness/chain.ts";
import type { EngineName } from "../harness/database.ts";
import { planOf } from "../harness/plan.ts";
import { hopsOf } from "../harness/planned-hops.ts";
import { folderReleases, gitReleases } from "../harness/releases.ts";
import { planned } from "../harness/report/listing.ts";
import { defineScenario } from "../harness/scenario.ts";
import { clean } from "../harness/verdict.ts";
import { folderOf, repositoryOf } from "./repository.ts";

const db = (files: { readonly [name: string]: string }) =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [`db/${name}`, text]));

describe("a plan knows without a server", () => {
  test("that Flyway runs a repeatable migration again once it has changed, and callbacks in every hop", async () => {
    const shared = { "V1__users.sql": "create table users (id int);", "afterMigrate.sql": "select 1;" };
    const repo = repositoryOf({
      v1: db({ ...shared, "R__views.sql": "create or replace view v as select 1 as one;" }),
      v2: db({ ...shared, "R__views.sql": "create or replace view v as select 2 as two;" }),
      v3: db({ ...shared, "R__views.sql": "create or replace view v as select 2 as two;" }),
    });
    const chain = await gitReleases({ repo, folder: "db", tags: "v*", format: "flyway" });
    const [first, second, third] = await pendingIn(chain);
    expect(first).toEqual(["V1__users", "R__views", "afterMigrate"]);
    expect(second).toEqual(["R__views", "afterMigrate"]);
    expect(third).toEqual(["afterMigrate"]);
  });

  test("that Drizzle never runs what was made before the newest that it has applied", async () => {
    const entries = [100, 300, 200].map((when, idx) => ({
      idx,
      when,
      tag: `000${idx}_t`,
      version: "7",
      breakpoints: true,
    }));
    const folder = folderOf({
      "meta/_journal.json": JSON.stringify({ version: "7", dialect: "postgresql", entries }),
      ...Object.fromEntries(entries.map(({ tag }) => [`${tag}.sql`, `create table "${tag}" (id int);`])),
    });
    const chain = await folderReleases(folder);
    expect(await pendingIn(chain)).toEqual([["0000_t"], ["0001_t"], []]);
    expect(await pendingIn(chain.slice(-1))).toEqual([["0000_t", "0001_t", "0002_t"]]);
  });

  test("that golang-migrate skips what is older than its version", async () => {
    const repo = repositoryOf({
      v1: db({ "1_users.up.sql": "select 1;", "3_orders.up.sql": "select 3;" }),
      v2: db({ "1_users.up.sql": "select 1;", "2_late.up.sql": "select 2;", "3_orders.up.sql": "select 3;" }),
    });
    const chain = await gitReleases({ repo, folder: "db", tags: "v*", format: "golang-migrate" });
    expect(await pendingIn(chain)).toEqual([["1_users", "3_orders"], []]);
  });

  test("what a tool refuses, and says it in the listing", async () => {
    const repo = repositoryOf({
      v1: db({ "V1__users.sql": "select 1;" }),
      v2: db({ "V1__users.sql": "select 2;", "V2__orders.sql": "select 3;" }),
    });
    const chain = await gitReleases({ repo, folder: "db", tags: "v*", format: "flyway" });
    const plan = await planAlong(chain);
    expect(stripVTControlCharacters(planned(plan))).toMatch(
      /v1 → v2\n {8}Flyway refuses to migrate: "V1__users" was applied/,
    );
    expect([...hopsOf(plan).values()].flat().at(-1)).toMatchObject({ pending: [] });
  });

  test("that a tool which takes over begins with an empty record", async () => {
    const repo = repositoryOf({
      v1: db({ "1_users.up.sql": "select 1;", "1_users.down.sql": "select 1;" }),
      v2: db({ "20240101000000_users/migration.sql": "select 1;", "migration_lock.toml": 'provider = "postgresql"' }),
    });
    const chain = await gitReleases({ repo, folder: "db", tags: "v*" });
    expect(await pendingIn(chain)).toEqual([["1_users"], ["20240101000000_users"]]);
  });

  test("a thousand releases, in lines that can be read", async () => {
    const names = Array.from({ length: 1000 }, (_, i) => `${String(i + 1).padStart(4, "0")}_table`);
    const chain = await folderReleases(folderOf(Object.fromEntries(names.map((name) => [`${name}.sql`, "select 1;"]))));
    const plan = await planAlong(chain);
    const begun = performance.now();
    const lines = stripVTControlCharacters(planned(plan)).split("\n");
    expect(performance.now() - begun).toBeLessThan(5000);
    expect(lines.slice(1, 4)).toEqual([
      "  #1  0001_table → … 998 … → 1000_table  expected clean",
      "      ∅ → 0001_table",
      "        0001_table",
    ]);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(80);
    expect(lines.at(-1)).toContain("1000 hops in 1 paths, 1000 walked");
  });
});

/** What each hop of the one path through all releases will run. */
async function pendingIn(chain: readonly Release[]): Promise<readonly (readonly string[])[]> {
  return [...hopsOf(await planAlong(chain)).values()].flat().map(({ pending }) => pending);
}

async function planAlong(chain: readonly Release[], engine: EngineName = "postgres") {
  const names = chain.map(({ name }) => name);
  const [from = "", to = ""] = [names[0], names.at(-1)];
  const path = names.length === 1 ? { to, expect: clean } : { from, via: names.slice(1, -1), to, expect: clean };
  return planOf(defineScenario({ title: "all the way", engines: [engine], chain, paths: [path] }), engine);
}
