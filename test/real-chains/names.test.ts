// Names of files and folders as products have them: what runs, and in which order, is told by the database.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inspect } from "../../harness/inspect.ts";
import { folderReleases, gitReleases } from "../../harness/releases.ts";
import { folderOf, repositoryOf } from "../repository.ts";
import { onEngine, onStage } from "../stage.ts";
import { hopped, installed, noted, shipping, walked } from "./walking.ts";

/** Comes through behind the one it is told of, and nowhere else. */
const made = (name: string, before?: string) =>
  `create table ${name} (id int primary key${before === undefined ? "" : `, before int references ${before}`});\n`;

describe("on PostgreSQL", () => {
  const stage = onStage();

  test.each([
    ["0_a.sql", "1_b.sql", "2_c.sql", "10_d.sql"],
    ["0_a.up.sql", "1_b.up.sql", "2_c.up.sql", "10_d.up.sql"],
    ["001_a.sql", "02_b.sql", "3_c.sql", "20240101120000_d.sql"],
    ["1.9_a.sql", "1.9.1_b.sql", "1.10_c.sql", "2.0.0_d.sql"],
    ["V1_9__a.sql", "V1.9.1__b.sql", "V1_10__c.sql", "V2__d.sql"],
    ["1_a.up.sql", "2_b.sql", "10_c.up.sql", "11_d.sql"],
  ])("%s, %s, %s and %s run in the order of their numbers, one release after the other", async (a, b, c, d) => {
    const files = { [d]: made("d", "c"), [c]: made("c", "b"), [b]: made("b", "a"), [a]: made("a") };
    expect(await walked(stage(), await folderReleases(folderOf(files)))).toEqual([["clean"], ["clean"]]);
    const wrong = { ...files, [a]: made("a", "d"), [b]: made("b") };
    const [outcome, failed] = await installed(stage(), wrong);
    expect([outcome, failed]).toEqual(["broken", `migration-failed ${nameOf(a)} 42P01 at ${a}:1`]);
  });

  test("plain files among those with a direction are run as their neighbours are, and their downs are not", async () => {
    const files = { "1_a.up.sql": made("a"), "1_a.down.sql": "drop table a;", "2_b.sql": made("b", "a") };
    expect(await installed(stage(), files)).toEqual(["clean"]);
    // golang-migrate itself would not see it.
    const chain = [shipping("1.0", { ...files, "3_c.up.sql": made("c", "b") }, { format: "golang-migrate" })];
    const [rehearsal] = await hopped(stage(), chain, ["1.0"]);
    expect(rehearsal?.verdict.findings[0]).toMatchObject({ migration: "3_c", sqlState: "42P01" });
    const { leftOut } = await inspect(folderOf(files), { format: "golang-migrate" });
    expect(leftOut.map(({ name }) => name)).toEqual(["2_b.sql"]);
  });

  test("an @ in folders' names is part of them, on disk and in git", async () => {
    const inside = { "packages/@acme/db@2/migrations/1_a@b.sql": made("a"), "other/x.txt": "" };
    const more = { ...inside, "packages/@acme/db@2/migrations/2_b.sql": made("b", "a") };
    const folder = "packages/@acme/db@2/migrations";
    expect(await walked(stage(), await folderReleases(join(folderOf(more), folder)))).toEqual([["clean"], ["clean"]]);
    const repo = repositoryOf({ "@acme/db@2.0.0": inside, "@acme/db@2.1.0": more });
    const chain = await gitReleases({ repo, folder, tags: "@acme/db@*" });
    expect(chain.map(({ name }) => name)).toEqual(["@acme/db@2.0.0", "@acme/db@2.1.0"]);
    expect(await walked(stage(), chain)).toEqual([["clean"], ["clean"]]);
    const prisma = {
      "migration_lock.toml": 'provider = "postgresql"\n',
      "20240101000000_users@acme/migration.sql": made("a"),
      "20240102000000_b/migration.sql": made("b", "a"),
    };
    expect(await installed(stage(), prisma)).toEqual(["clean"]);
  });

  test("a callback behind each migrate that applied something is Flyway's own: it is named as left out", async () => {
    const files = {
      "V1__users.sql": made("users"),
      "R__names.sql": "create or replace view names as select id from users;\n",
      "afterMigrate.sql": "analyze users;\n",
      "afterMigrateApplied__grants.sql": "grant select on users to public;\n",
    };
    const chain = [
      shipping("1.0", files),
      shipping("1.1", {
        ...files,
        "V2__orders.sql": made("orders", "users"),
        "R__names.sql": `${files["R__names.sql"]}-- again\n`,
      }),
    ];
    const rehearsals = await hopped(stage(), chain, ["1.0 → 1.1", "1.1"]);
    expect(rehearsals.map(({ verdict }) => verdict.outcome)).toEqual(["clean", "clean"]);
    expect(rehearsals.map(noted)).toEqual([
      ["migration-left-out afterMigrateApplied__grants.sql"],
      ["migration-left-out afterMigrateApplied__grants.sql"],
    ]);
    expect(rehearsals[0]?.hops.map(({ migrations }) => migrations.map(({ name }) => name))).toEqual([
      ["V1__users", "R__names", "afterMigrate"],
      ["V2__orders", "R__names", "afterMigrate"],
    ]);
  });
});

for (const engine of ["postgres", "mariadb"] as const) {
  await onEngine(engine, () => {
    const stage = onStage(engine);
    const own = { postgres: ["postgres", "42P07"], mariadb: ["mysql", "1050"] }[engine];
    const files = {
      "1_a.postgres.up.sql": "create table a (id serial primary key, facts jsonb);\n",
      "1_a.mysql.up.sql": "create table a (id int unsigned auto_increment primary key) engine = InnoDB;\n",
      "1_a.sqlite3.up.sql": "create table a (id integer primary key autoincrement) strict;\n",
      "1_a.down.sql": "drop table a;\n",
      "2_b.up.sql": "create table b (id int primary key);\n",
      "2_b.down.sql": "drop table b;\n",
    };

    test.each(["ory", "plain"])(
      "a dialect in a file's name is for its engine, the generic one for others (%s)",
      async (format) => {
        expect(await installed(stage(), files, { format })).toEqual(["clean"]);
        const twice = { ...files, [`2_b.${own[0]}.up.sql`]: "create table a (id int);\n" };
        expect(await installed(stage(), twice, { format })).toEqual([
          "broken",
          `migration-failed 2_b ${own[1]} at 2_b.${own[0]}.up.sql:1`,
        ]);
      },
    );

    test("what is for one engine alone is no migration of another", async () => {
      const index = "create index concurrently c on b (id);\n";
      const some = { ...files, "3_c.postgres.autocommit.up.sql": index, "3_c.postgres.autocommit.down.sql": "" };
      expect((await inspect(folderOf(some), { engine })).formats).toMatchObject([{ name: "ory" }]);
      const [rehearsal] = await hopped(stage(), [shipping("1.0", some)], ["1.0"]);
      expect(rehearsal?.verdict.outcome).toBe("clean");
      const names = rehearsal?.hops[0]?.migrations.map(({ name }) => name);
      expect(names).toEqual({ postgres: ["1_a", "2_b", "3_c"], mariadb: ["1_a", "2_b"] }[engine]);
    });
  });
}

function nameOf(file: string): string {
  return file.replace(/(\.up)?\.sql$/, "");
}
