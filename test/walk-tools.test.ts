import {
  broken,
  clean,
  type Expectation,
  folderReleases,
  migrationsIn,
  type Release,
  rehearse,
  release,
} from "migration-sandbox";
import { describe, expect, test } from "vitest";
import { folderOf, type Tree } from "./repository.ts";
import { onStage } from "./stage.ts";

const stage = onStage();

interface Asked {
  readonly expect?: Expectation;
  /** What is looked up where the path ended. */
  readonly sql?: string;
}

/** Walks through all releases, and tells the rehearsal and what was asked of its end. */
async function walked(chain: readonly Release[], { expect: expected = clean, sql = "select 1 as one" }: Asked = {}) {
  const names = chain.map(({ name }) => name);
  const [from, to = ""] = [names.length > 1 ? names[0] : undefined, names.at(-1)];
  const rows: unknown[] = [];
  const { rehearsals } = await rehearse(
    [
      {
        title: "a chain of a tool's",
        engines: ["postgres"],
        chain,
        paths: [
          {
            ...(from !== undefined && { from, via: names.slice(1, -1) }),
            to,
            expect: expected,
            check: async ({ after }) => {
              rows.push(...(await after.query(sql)));
              return [];
            },
          },
        ],
      },
    ],
    { stage: async () => stage() },
  );
  return { rehearsal: rehearsals[0], rows };
}

const shipping = (name: string, tree: Tree, how: Parameters<typeof migrationsIn>[1] = {}) =>
  release(name, { migrations: migrationsIn(folderOf(tree), how) });

const told = (findings: readonly { code: string; migration?: string }[] = []) =>
  findings.map(({ code, migration }) => `${code} ${migration}`);

describe("a second start", () => {
  test("that the tool refuses is a finding, though nothing is pending", async () => {
    const spoilt = "update public.flyway_schema_history set checksum = 1 where version = '1';";
    const files = { "V1__users.sql": "create table users (id int);", "V2__spoilt.sql": spoilt };
    const { rehearsal } = await walked([shipping("1.0", files)], { expect: broken("migration-failed") });
    expect(rehearsal?.met).toBe(true);
    expect(rehearsal?.verdict.findings[0]?.message).toContain("in a second start: Flyway refuses to migrate");
  });

  test("says what is said to every session in a copy, and changes nothing of what other paths go on from", async () => {
    const files = { "1_seen.sql": "select 1;" };
    const prelude = {
      database: "create table seen (at timestamptz)",
      session: "insert into seen values (now())",
    };
    const chain = ["1", "2"].map((name) => shipping(name, files, { prelude, format: "plain" }));
    const { rows } = await walked(chain, {
      expect: broken("restart-changed"),
      sql: "select count(*)::int as times from seen",
    });
    expect(rows).toEqual([{ times: 2 }]);
  });
});

describe("what a product says to a new database", () => {
  test("is said on the upgrade where only the newer release says it", async () => {
    const files = { "1_users.sql": "create table if not exists users (id int);" };
    const more = { ...files, "2_orders.sql": "create table app.orders (id int);" };
    const chain = [
      shipping("1.0", files, { format: "plain" }),
      shipping("1.1", more, { format: "plain", prelude: { database: "create schema app" } }),
    ];
    const { rehearsal } = await walked(chain);
    expect(rehearsal?.verdict).toMatchObject({ outcome: "clean" });
  });

  test("fails the start where it fails, and is no migration's fault", async () => {
    const files = { "1_users.sql": "create table users (id int);" };
    const chain = [
      shipping("1.0", files, { format: "plain", prelude: { database: "create extension nowhere_to_be_had" } }),
    ];
    const { rehearsal } = await walked(chain, { expect: broken("migration-failed", { postgres: "0A000" }) });
    expect(rehearsal?.met).toBe(true);
    expect(rehearsal?.verdict.findings[0]?.message).toMatch(/^in its prelude: /);
    expect(rehearsal?.verdict.findings[0]?.migration).toBeUndefined();
  });
});

describe("a migration that has a session to itself", () => {
  const files = {
    "1_users.sql": "create table users (id int);",
    "2_half.sql": "insert into users values (1);\nselect 1/0;",
  };

  test("is taken back there when it fails", async () => {
    const { rows } = await walked([shipping("1.0", files, { format: "plain", session: "own" })], {
      expect: broken("migration-failed", { postgres: "22012" }),
      sql: "select count(*)::int as users from users",
    });
    expect(rows).toEqual([{ users: 0 }]);
  });

  test("shares no transaction with others", async () => {
    const all = release("1.0", {
      migrations: migrationsIn(folderOf(files), { format: "plain", session: "own" }),
      transaction: "all",
    });
    await expect(walked([all])).rejects.toThrow(
      /migrations that have a session to themselves cannot share a transaction/,
    );
  });
});

describe("a record that holds one number", () => {
  const table = (name: string) => `create table ${name} (id int);`;
  const one = { "1_a.up.sql": table("a"), "2_b.up.sql": table("b"), "3_c.up.sql": table("c") };

  test("lets the release before tell what is gone, and says it once", async () => {
    const two = { "1_a.up.sql": table("a"), "3_c.up.sql": table("c"), "4_d.up.sql": table("d") };
    const three = { ...two, "5_e.up.sql": table("e") };
    const { rehearsal } = await walked([shipping("1", one), shipping("2", two), shipping("3", three)]);
    expect(told(rehearsal?.verdict.notes)).toEqual(["migration-removed 2"]);
  });

  test("that another tool keeps under its name is the product's failure", async () => {
    const theirs = { "1_a.up.sql": "create table schema_migrations (version varchar(128) primary key);" };
    const { rehearsal } = await walked([shipping("1", theirs)], { expect: broken("migration-failed") });
    expect(rehearsal?.verdict.outcome).toBe("broken");
  });
});

test("a chain of a thousand releases is planned once for each migration", async () => {
  const tree = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`${i + 1}_n.sql`, "select 1;"]));
  const chain = await folderReleases(folderOf(tree), { format: "plain" });
  const { rehearsal } = await walked([chain[0], chain.at(-1)].filter((one) => one !== undefined));
  expect(rehearsal?.hops[1]?.migrations).toHaveLength(999);
});
