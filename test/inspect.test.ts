import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { type Inspection, type InspectOptions, inspect } from "../harness/inspect.ts";
import { inspectionInWords, inspectionJson } from "../harness/report/inspection.ts";
import { folderOf, git, repositoryOf, temporaryFolder } from "./repository.ts";

const up = (name: string, type = "bigserial") => ({
  [`db/${name}.up.sql`]: `create table ${name.replace(/\d+_/, "")} (id ${type} primary key, facts jsonb);\n`,
  [`db/${name}.down.sql`]: `drop table ${name.replace(/\d+_/, "")};\n`,
});

/** Three tags: at the second a migration is edited, at the third one is merged late. */
const product = repositoryOf({
  "v1.0.0": { ...up("1_users"), ...up("3_orders") },
  "v1.1.0": { ...up("1_users", "serial"), ...up("3_orders") },
  "v1.2.0": { ...up("1_users", "serial"), ...up("2_carts"), ...up("3_orders") },
  "v2.0.0-next": { "README.md": "not this one" },
});
const shipped: InspectOptions = { tags: "v1.*", folder: "db", format: "golang-migrate" };

describe("inspect() of a repository", () => {
  test("tells what was edited after it was shipped, and what was merged late", async () => {
    const { findings } = await inspect(product, shipped);
    expect(findings).toEqual([
      {
        code: "migration-edited",
        release: "v1.1.0",
        since: "v1.0.0",
        migration: "1_users",
        file: "v1.1.0:db/1_users.up.sql",
        message:
          '"1_users" reads otherwise in v1.1.0 than in v1.0.0, from line 1 on; it is not run again where v1.0.0 was installed, which differs from a fresh install then',
      },
      {
        code: "migration-late",
        release: "v1.2.0",
        since: "v1.1.0",
        migration: "2_carts",
        file: "v1.2.0:db/2_carts.up.sql",
        message:
          '"2_carts" is new in v1.2.0 and comes before "3_orders", which v1.1.0 ships; golang-migrate silently skips it where v1.1.0 was installed',
      },
    ]);
  });

  test("tells format, engines, releases, transaction rule and record", async () => {
    const { format, ...detected } = shipped;
    const told = await inspect(product, detected);
    expect(told).toMatchObject({
      where: product,
      formats: [{ name: "golang-migrate", title: "golang-migrate", since: "v1.0.0", evidence: { by: "names" } }],
      engines: { engines: ["postgres"], by: "sql", signs: ["serial in 1_users.up.sql", "jsonb in 1_users.up.sql"] },
      readFor: "postgres",
      releases: [
        { name: "v1.0.0", migrations: 2, added: 2, folders: [{ path: "db" }] },
        { name: "v1.1.0", migrations: 2, added: 0, folders: [{ path: "db" }] },
        { name: "v1.2.0", migrations: 3, added: 1, folders: [{ path: "db" }] },
      ],
      transaction: { rule: "none", optedOut: [] },
      leftOut: [],
      needs: [],
      tags: { noVersions: [], before: [], collapsed: [], shallow: false },
    });
    expect(told.record.join()).toContain("schema_migrations");
  });

  test("is told in words within 100 columns, and as one document", async () => {
    const inspection = await inspect(product, shipped);
    const words = inWords({ ...inspection, where: "product", record: ["public.schema_migrations"] });
    expect(words.replaceAll(product, "product")).toBe(
      [
        "product  3 releases",
        "  format          golang-migrate (as said)",
        "  engines         postgres (serial in 1_users.up.sql, jsonb in 1_users.up.sql)",
        "  transactions    none",
        "  record          public.schema_migrations",
        "releases",
        "  v1.0.0      2 migrations               in db",
        "  v1.1.0      2 migrations  nothing new",
        "  v1.2.0      3 migrations  1 new",
        "what changed under shipped releases",
        "  migration-edited  v1.1.0, 1_users",
        '    "1_users" reads otherwise in v1.1.0 than in v1.0.0, from line 1 on; it is not run again where',
        "    v1.0.0 was installed, which differs from a fresh install then",
        "  migration-late  v1.2.0, 2_carts",
        '    "2_carts" is new in v1.2.0 and comes before "3_orders", which v1.1.0 ships; golang-migrate',
        "    silently skips it where v1.1.0 was installed",
        "2 findings, 0 harmless",
      ].join("\n"),
    );
    const document = JSON.parse(inspectionJson(inspection));
    expect(document.format).toBe(1);
    expect(document.findings.map(({ code }: { code: string }) => code)).toEqual(["migration-edited", "migration-late"]);
  });

  test("names tags that are no releases, folders that moved, and a clone that may lack tags", async () => {
    const repo = repositoryOf({
      "v0.1.0": { "README.md": "no migrations yet" },
      "v1.0.0": { "sql/1_users.sql": "create table users (id int);" },
      "v1.0.1": { "sql/1_users.sql": "create table users (id int);" },
      "v-next": { "sql/1_users.sql": "create table users (id int);" },
    });
    const told = await inspect(repo, { tags: "v*", folder: ["db", "sql"], collapse: true });
    expect(told.releases.map(({ name }) => name)).toEqual(["v1.0.0"]);
    expect(told.tags).toEqual({ noVersions: ["v-next"], before: ["v0.1.0"], collapsed: ["v1.0.1"], shallow: false });
    expect(inWords(told)).toContain("  no version      v-next\n  no migrations   v0.1.0\n  same as before  v1.0.1\n");
    const shallow = temporaryFolder();
    git(shallow, "clone", "-q", "--depth", "1", "--branch", "v1.0.1", `file://${repo}`, shallow);
    const lacking = await inspect(shallow, { tags: "v*", folder: "sql" });
    expect(lacking.tags?.shallow).toBe(true);
    expect(inWords(lacking)).toContain("it may lack tags (git fetch --unshallow --tags)");
  });

  test("counts harmless edits, and goes on behind a release that cannot be read", async () => {
    const [one, two] = ["create table a (id int);\n", "create table b (id int);\n"];
    const repo = repositoryOf({
      "v1.0.0": { "db/1_a.sql": one, "db/2_b.sql": two },
      "v1.1.0": { "db/1_a.sql": one, "db/2_b.sql": two, "db/02_again.sql": two },
      "v1.2.0": { "db/1_a.sql": `-- formatted\n${one}`, "db/2_b.sql": two.replace(" (", "\n  (") },
    });
    const told = await inspect(repo, { tags: "v*", folder: "db", format: "plain" });
    expect(told.findings.map(({ code, release }) => `${code} ${release}`)).toEqual([
      "release-unreadable v1.1.0",
      "migration-edited v1.2.0",
      "migration-edited v1.2.0",
    ]);
    expect(told.releases.map(({ name }) => name)).toEqual(["v1.0.0", "v1.2.0"]);
    const words = inWords(told);
    expect(words).toContain(
      "  harmless in v1.2.0: 2 migrations edited without effect: 1_a, 2_b\n1 finding, 2 harmless",
    );
    expect(Math.max(...words.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  });
});

describe("inspect() of a folder", () => {
  test("tells it as one release, with what it needs and what is left out", async () => {
    const folder = folderOf({
      "1_users.sql": "create extension vector; create table users (id int);",
      "2_index.sql": "-- no-transaction\ncreate index concurrently x on users (id);",
      "notes.sql": "select 1",
    });
    const told = await inspect(folder);
    expect(told).toMatchObject({
      formats: [{ name: "plain" }],
      engines: { engines: ["postgres"], by: "sql" },
      releases: [{ name: "the folder", migrations: 2, added: 2 }],
      transaction: { rule: "each", optedOut: ["2_index"] },
      record: [],
      leftOut: [{ name: "notes.sql" }],
      needs: [{ what: 'extension "vector"', migration: "1_users" }],
      findings: [],
    });
    const words = inWords(told);
    expect(words).toContain(
      "  transactions    one for each migration; without one: 2_index\n  record          the harness's own\n",
    );
    expect(words).toContain('  needs           extension "vector": not part of PostgreSQL (1_users)\n');
    expect(words).toMatch(
      / {2}left out {8}notes\.sql: .*\n {2}migrations {6}2\na folder is one release: nothing to compare \(--tags 'v\*' compares releases\)$/,
    );
  });

  test("guesses engines by what only they understand, or says that nothing tells", async () => {
    const guessed = async (sql: string) => (await inspect(folderOf({ "1_a.sql": sql }), { format: "plain" })).engines;
    expect(await guessed("create table `a` (id int unsigned auto_increment primary key) engine=InnoDB")).toEqual({
      engines: ["mysql", "mariadb"],
      by: "sql",
      signs: ["backticks in 1_a.sql", "AUTO_INCREMENT in 1_a.sql", "ENGINE= in 1_a.sql", "UNSIGNED in 1_a.sql"],
    });
    expect((await guessed("create table a (id serial, b text default '`')")).engines).toEqual(["postgres"]);
    expect(await guessed("create table a (id int) -- serial")).toEqual({
      engines: ["postgres", "mysql", "mariadb"],
      by: "nothing",
      signs: [],
    });
  });

  test("refuses what is none, and a bare repository that nobody named tags of", async () => {
    await expect(inspect("/no/such/folder")).rejects.toThrow(
      'Cannot read migrations from "/no/such/folder": there is no such folder',
    );
    const bare = temporaryFolder();
    git(bare, "clone", "-q", "--bare", product, bare);
    await expect(inspect(bare)).rejects.toThrow(
      `Cannot inspect "${bare}": it is a bare repository (say which tags are its releases: --tags "v*")`,
    );
    await expect(inspect(temporaryFolder(), { tags: "v*" })).rejects.toThrow("it is no git repository");
  });
});

/** Where CI is said to be, colours are used without a terminal. */
function inWords(inspection: Inspection): string {
  return stripVTControlCharacters(inspectionInWords(inspection));
}
