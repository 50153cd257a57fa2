import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Workplace, workplaceWith } from "./command.ts";
import { git } from "./repository.ts";

const limit = { timeout: 120_000 };

const chain = {
  "db/1_users.up.sql": "create table users (id serial primary key, email text not null);\n",
  "db/1_users.down.sql": "drop table users;\n",
  "db/2_names.up.sql": "alter table users add column name text;\n",
  "db/2_names.down.sql": "alter table users drop column name;\n",
  "db/10_index.up.sql": "create index concurrently by_name on users (name);\n",
  "db/10_index.down.sql": "drop index by_name;\n",
};

describe("a folder of migrations that nobody has written a scenario for", limit, () => {
  test("is walked release by release, by whoever jumps, and as a fresh install, and says that its tables were empty", async () => {
    await using work = await workplaceWith(chain);
    const { code, stdout } = await work.run(["rehearse", "db"]);
    expect(stdout).toContain(`
db  3 migrations as golang-migrate ships them, on empty tables (migration-sandbox init writes a scenario with data)
  postgres 18.4 (embedded)
  ✓ #1  1_users → 2_names → 10_index  clean
  ✓ #2  fresh install of 10_index     clean
  ✓ #3  1_users → 10_index            clean
  ✓ #3  2_names → 10_index            clean
`);
    expect(stdout).toContain("4 met, 0 unmet, 0 inconclusive");
    expect(code).toBe(0);
  });

  test("is broken where its migrations are, with a line that replays it", async () => {
    await using work = await workplaceWith({
      ...chain,
      "db/11_wrong.up.sql": "select 1;\nalter table nobody add x int;\n",
    });
    const { code, stdout } = await work.run(["rehearse", "db", "--format", "golang-migrate"]);
    expect(code).toBe(1);
    expect(stdout).toContain("broken (migration-failed 42P01), expected clean");
    expect(stdout).toContain("db/11_wrong.up.sql:2");
    const [, replay = ""] = /replay: (?:npx migration-sandbox|npm run -s cli --) (.*)/.exec(stdout) ?? [];
    expect(replay).toBe("rehearse db#1 --format golang-migrate --engine postgres --seed 1");
    expect((await work.run(replay.split(" "))).stdout).toContain("0 met, 1 unmet");
  });

  test("is jumped over where a start is named", async () => {
    await using work = await workplaceWith(chain);
    const { stdout } = await work.run(["rehearse", "db", "--from", "1_users", "--to", "10_index"]);
    expect(stdout).toContain("1_users → 10_index  clean");
  });

  test("is walked by the sets that are asked for, each path again by its own line", async () => {
    await using work = await workplaceWith({
      ...chain,
      "db/11_wrong.up.sql": "alter table users add column name text;\n",
    });
    const jumps = await work.run(["rehearse", "db", "--paths", "to-latest", "--paths", "all", "--to", "2_names"]);
    expect(jumps.code).toBe(0);
    expect(jumps.stdout).toContain(`
  ✓ 1_users → 2_names         clean
  ✓ fresh install of 1_users  clean
  ✓ fresh install of 2_names  clean
`);
    const stops = await work.run(["rehearse", "db", "--paths", "via:2_names"]);
    expect(stops.code).toBe(1);
    expect(stops.stdout).toContain("✗ 1_users → 2_names → 11_wrong  broken (migration-failed 42701)");
    const [, replay = ""] = /replay: (?:npx migration-sandbox|npm run -s cli --) (.*)/.exec(stops.stdout) ?? [];
    expect(replay).toBe("rehearse db --paths 1_users..2_names..11_wrong --engine postgres --seed 1");
    const again = JSON.parse((await work.run([...replay.split(" "), "--reporter", "json"])).stdout);
    expect(again.rehearsals.map(({ name, path }: { name: string; path: unknown }) => [name, path])).toEqual([
      ["db#1_users..2_names..11_wrong", ["1_users", "2_names", "11_wrong"]],
    ]);
  });

  test("is jumped from 20 of its releases where they are many, and says from which and how to choose", async () => {
    const many = Array.from({ length: 400 }, (_, i) => {
      const up = i === 77 ? "update t1 set id = 2;\n" : `create table t${i} (id int primary key);\n`;
      return [`db/${i + 1}_t.up.sql`, up];
    });
    await using work = await workplaceWith(Object.fromEntries(many));
    const { code, stdout } = await work.run(["list", "db"]);
    expect(code).toBe(0);
    expect(stdout).toContain("22 paths");
    expect(stdout).toContain(`
  to-latest: 20 of 399 starts, evenly spread, with 1 of the 1 that touch data
  (--paths to-latest for all, --paths to-latest:50 for 50)
`);
    const chosen = await work.run(["list", "db", "--paths", "to-latest:50"]);
    expect(chosen.stdout).toContain("50 paths");
    expect((await work.run(["list", "db#3:78_t..400_t"])).stdout).toContain("1 path)");
    const refused = await work.run(["plan", "db", "--paths", "all"]);
    expect([refused.code, refused.stderr]).toEqual([
      2,
      'Cannot rehearse "db", --paths all: "all" is 80,200 paths over 400 releases, and 10,000 are the most (take 20 of the releases: sample: 20, or --paths all:20)\n',
    ]);
  });

  test("is installed where it holds one migration, whatever set is asked for", async () => {
    await using work = await workplaceWith({ "db/1_users.up.sql": "create table users (id int primary key);\n" });
    const { code, stdout } = await work.run(["rehearse", "db", "--paths", "to-latest"]);
    expect(code).toBe(0);
    expect(stdout).toContain(`
  to-latest: "1_users" is the only release; there is nothing to upgrade from, and it is installed
  ✓ fresh install of 1_users  clean
`);
  });

  test("is planned without a server", async () => {
    await using work = await workplaceWith(chain);
    const { code, stdout } = await work.run(["plan", "db"]);
    expect(code).toBe(0);
    expect(stdout).toContain("8 hops in 4 paths, 7 walked");
  });

  test("is not looked for where there is none", async () => {
    await using work = await workplaceWith({ "db/notes.txt": "nothing" });
    const { code, stderr } = await work.run(["rehearse", "db"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^Cannot rehearse folder "db": no file in it has a scenario as default export, and it is no migration folder/,
    );
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});

describe("a repository whose tags are releases", limit, () => {
  test("shows what changed under shipped releases, and the jump that it breaks", async () => {
    await using work = await tagged();
    const told = await work.run(["inspect", ".", "--tags", "v*", "--folder", "db"]);
    expect(told.code).toBe(0);
    expect(told.stdout).toMatch(/migration-edited\s+v1\.2\.0, 1_users/);
    expect(told.stdout).toMatch(/migration-late\s+v1\.2\.0, 3_late/);
    const json = JSON.parse((await work.run(["inspect", ".", "--tags", "v*", "--reporter", "json"])).stdout);
    expect(json.findings.map(({ code }: { code: string }) => code)).toEqual(["migration-edited", "migration-late"]);

    const all = await work.run(["rehearse", ".", "--tags", "v*", "--folder", "db"]);
    expect(all.stdout).toMatch(/✗ #1 {2}v1\.0\.0 → v1\.1\.0 → v1\.2\.0 {2}broken \(migration-failed 42703\)/);
    expect(all.stdout).toMatch(/✓ #2 {2}fresh install of v1\.2\.0 +clean/);
    const jump = await work.run(["rehearse", ".", "--tags", "v*", "--from", "v1.1.0", "--to", "v1.2.0", "--verbose"]);
    expect(jump.code).toBe(1);
    expect(jump.stdout).toContain("v1.1.0 → v1.2.0  broken (migration-failed 42703)");
    expect(jump.stdout).toContain(
      '"3_late" is older than what was applied before it was shipped: golang-migrate never runs it',
    );
  });
});

describe("somebody's dump", limit, () => {
  test("is gone on from where its record says that it stands", async () => {
    await using work = await tagged();
    await writeFile(join(work.folder, "theirs.sql"), dumpAt("4\tf"));
    const { code, stdout } = await work.run([
      "rehearse",
      ".",
      "--tags",
      "v*",
      "--folder",
      "db",
      "--dump",
      "theirs.sql",
    ]);
    expect(code).toBe(1);
    expect(stdout).toContain("v1.1.0 (theirs.sql) → v1.2.0  broken (migration-failed 42703)");
    const [, replay = ""] = /replay: (?:npx migration-sandbox|npm run -s cli --) (.*)/.exec(stdout) ?? [];
    expect(replay).toBe(
      "rehearse . --tags 'v*' --folder db --from v1.1.0 --to v1.2.0 --dump theirs.sql --engine postgres --seed 1",
    );
  });

  test("is told to be half done, as its tool would tell it", async () => {
    await using work = await tagged();
    await writeFile(join(work.folder, "theirs.sql"), dumpAt("4\tt"));
    const args = ["rehearse", ".", "--tags", "v*", "--folder", "db", "--dump", "theirs.sql"];
    const untold = await work.run(args);
    expect(untold.code).toBe(2);
    expect(untold.stdout).toContain(
      'it may be "v1.0.0", "v1.1.0", and it is half done: its record is dirty at version 4',
    );
    const told = await work.run([...args, "--from", "v1.1.0"]);
    expect(told.code).toBe(1);
    expect(told.stdout).toContain("golang-migrate refuses to migrate: its record is dirty at version 4");
  });
});

describe("init", limit, () => {
  test("writes a scenario, its seeder and its test that are met as they stand", async () => {
    await using work = await workplaceWith(chain);
    const { code, stdout } = await work.run(["init", "db"]);
    expect(code).toBe(0);
    expect(stdout).toContain("scenarios/upgrades.ts");
    expect(await readFile(join(work.folder, "seeds/upgrades.ts"), "utf8")).toContain(
      "// Tables there are by then: users.",
    );
    const rehearsed = await work.run(["rehearse", "upgrades"]);
    expect(rehearsed.stderr).toBe("");
    expect(rehearsed.stdout).toContain("4 met, 0 unmet, 0 inconclusive");
  });

  test("writes a folder's name as a URL takes it", async () => {
    const files = Object.entries(chain).map(([path, sql]) => [path.replace("db/", "m#1 100%/ü?/"), sql]);
    await using work = await workplaceWith(Object.fromEntries(files));
    expect((await work.run(["init", "m#1 100%/ü?"])).code).toBe(0);
    const { code, stdout, stderr } = await work.run(["plan", "upgrades"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("1_users → 2_names → 10_index");
  });

  test("writes nothing over what is there", async () => {
    await using work = await workplaceWith({ ...chain, "seeds/upgrades.ts": "mine" });
    const { code, stderr } = await work.run(["init", "db"]);
    expect([code, stderr.trim()]).toEqual([
      2,
      'Cannot write "seeds/upgrades.ts": it is there already (move it away, or write by hand)',
    ]);
    expect(await readFile(join(work.folder, "seeds/upgrades.ts"), "utf8")).toBe("mine");
  });

  test("writes a chain of tags", async () => {
    await using work = await tagged();
    expect((await work.run(["init", ".", "--tags", "v*", "--folder", "db"])).code).toBe(0);
    const rehearsed = await work.run(["rehearse", "upgrades"]);
    expect(rehearsed.stdout).toMatch(/2 met, 2 unmet|3 met, 1 unmet|1 met, 3 unmet/);
  });
});

/** Three releases; the last edits what the first shipped, and ships a migration that is older than the second's. */
async function tagged(): Promise<Workplace> {
  const work = await workplaceWith({
    "db/1_users.up.sql": "create table users (id serial primary key, email text not null);\n",
  });
  const release = async (tag: string, files: { readonly [file: string]: string }) => {
    for (const [file, text] of Object.entries(files)) await writeFile(join(work.folder, file), text);
    git(work.folder, "add", "-A");
    git(work.folder, "commit", "-qm", tag);
    git(work.folder, "tag", tag);
  };
  git(work.folder, "init", "-q", "-b", "main");
  await release("v1.0.0", { "db/2_volumes.up.sql": "create table volumes (id serial primary key, project int);\n" });
  await release("v1.1.0", { "db/4_owner.up.sql": "alter table volumes add column owner int;\n" });
  await release("v1.2.0", {
    "db/1_users.up.sql": "create table users (id serial primary key, email text not null, name text);\n",
    "db/3_late.up.sql": "create table late (id int primary key);\n",
    "db/5_name.up.sql": "alter table users alter column name set default 1;\ninsert into late values (1);\n",
  });
  return work;
}

/** What pg_dump prints of a database that golang-migrate brought there. */
function dumpAt(recorded: string): string {
  return `--
-- PostgreSQL database dump
--

SET client_encoding = 'UTF8';

CREATE TABLE public.users (id integer NOT NULL, email text NOT NULL);
CREATE TABLE public.volumes (id integer NOT NULL, project integer, owner integer);
CREATE TABLE public.schema_migrations (version bigint NOT NULL, dirty boolean NOT NULL);

COPY public.users (id, email) FROM stdin;
1\tada@example.org
\\.

COPY public.schema_migrations (version, dirty) FROM stdin;
${recorded}
\\.

--
-- PostgreSQL database dump complete
--
`;
}
