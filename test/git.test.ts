import { appendFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import type { Migration, Release, Shipment } from "../harness/chain.ts";
import type { Folder } from "../harness/formats/format.ts";
import { gitFolder } from "../harness/formats/git.ts";
import { tagsOf } from "../harness/formats/git-tags.ts";
import { repositoryAt } from "../harness/formats/repository.ts";
import { byVersion, isWithin, versionIn } from "../harness/formats/versions.ts";
import { migrationsIn } from "../harness/migrations-in.ts";
import { folderReleases, gitReleases } from "../harness/releases.ts";
import { folderOf, git, repositoryOf, temporaryFolder } from "./repository.ts";

const users = "create table users (id int primary key);\n";
const orders = "create table orders (id int primary key);\n";
const invoices = "create table invoices (id int primary key);\n";
const three = {
  "v1.0.0": { "db/1_users.sql": users },
  "v1.1.0": { "db/1_users.sql": users, "db/2_orders.sql": orders },
};

describe("versions", () => {
  test("are found in tags however they are written", () => {
    const names = [
      ...[
        "v1.2.3",
        "server@1.2.3",
        "@acme/api@2.0.0",
        "1.2.3.4",
        "v1.2.3-rc.1",
        "v1.2.3rc10",
        "REL_1_2_3",
        "2024.01.15",
      ],
      ...["v8", "v8-rc1", "oauth2-1.2.3", "k8s-v1.2", "v1.2.3+build5", "4.0.0.Final"],
    ];
    const read = names.map((name) => {
      const { prefix, numbers, preRelease } = versionIn(name) ?? { prefix: "?", numbers: [], preRelease: "" };
      return `${prefix} ${numbers.join(".")} ${preRelease}`.trim();
    });
    expect(read).toEqual([
      ...["v 1.2.3", "server@ 1.2.3", "@acme/api@ 2.0.0", "1.2.3.4", "v 1.2.3 rc.1", "v 1.2.3 rc.10", "REL_ 1.2.3"],
      ...["2024.1.15", "v 8", "v 8 rc.1", "oauth2- 1.2.3", "k8s-v 1.2", "v 1.2.3", "4.0.0"],
    ]);
    expect(["latest", "nightly", "1.2.x", "v8-branch", "main"].map(versionIn)).toEqual(Array(5).fill(undefined));
  });

  test("are ordered as semver has it, and by more than three numbers", () => {
    const ordered = ["v1.2.3-alpha", "v1.2.3-rc.2", "v1.2.3-rc.10", "v1.2.3", "v1.2.3.1", "v1.2.9", "v1.10", "v2.0.0"];
    const sorted = [...ordered].reverse().map((name) => ({ name, version: versionIn(name) }));
    sorted.sort((a, b) => (a.version && b.version ? byVersion(a.version, b.version) : 0));
    expect(sorted.map(({ name }) => name)).toEqual(ordered);
  });

  test("are held by ranges as npm writes them, pre-releases too", () => {
    const within = (name: string, range: string) => isWithin(versionIn(name) as never, range);
    expect(within("v2.0.0-rc1", ">=2")).toBe(true);
    expect(within("v2.0.0-rc1", "<2")).toBe(false);
    expect(within("v1.9", ">=1.2 <2")).toBe(true);
    expect(within("server@2.1", "<2")).toBe(false);
  });
});

describe("tags", () => {
  test("stand in semver's order whenever they were made, and what is no version is left out by name", async () => {
    const none = { "db/1.sql": users };
    const repo = repositoryOf({ "v2.0.0": none, "v1.10.0": none, "v1.9.0": none, "v2.0.0-rc.1": none, "v-next": none });
    const { tags, leftOut } = await tagsOf(await repositoryAt(repo), "v*");
    expect(tags.map(({ name }) => name)).toEqual(["v1.9.0", "v1.10.0", "v2.0.0-rc.1", "v2.0.0"]);
    expect(leftOut).toEqual(["v-next"]);
  });

  test("may be annotated, be of one package of several, and be named one by one", async () => {
    const none = { "db/1.sql": users };
    const repo = repositoryOf({ "server@1.0.0": none, "client@1.0.0": none, "release/1.1": none });
    git(repo, "tag", "-a", "server@1.1.0", "-m", "annotated");
    const repository = await repositoryAt(repo);
    const names = async (patterns: string | readonly string[]) =>
      (await tagsOf(repository, patterns)).tags.map(({ name }) => name);
    expect(await names("server@*")).toEqual(["server@1.0.0", "server@1.1.0"]);
    expect(await names(["server@1.0.0", "release/*"])).toEqual(["server@1.0.0", "release/1.1"]);
    expect(await names("{server,release}{@,/}1.[1-9]*")).toEqual(["release/1.1", "server@1.1.0"].sort());
    await expect(names("*@*")).rejects.toThrow(
      `Cannot make releases of the tags like "*@*" in "${repo}": they are of 2 packages, and a chain is of one (say which: "client@*", "server@*")`,
    );
  });

  test("that do not exist are answered with the nearest that do", async () => {
    const repo = repositoryOf(three);
    const asked = (tags: string) => gitReleases({ repo, folder: "db", tags });
    await expect(asked("v1.0.1")).rejects.toThrow(
      `Cannot find tag "v1.0.1" in "${repo}": it has no such tag (known: "v1.0.0", "v1.1.0")`,
    );
    await expect(asked("server@*")).rejects.toThrow(
      `Cannot find a tag like "server@*" in "${repo}": it has no such tag`,
    );
    git(repo, "tag", "latest");
    await expect(asked("latest")).rejects.toThrow(
      `Cannot find releases in "${repo}": the tags that fit are no versions ("latest"); a release's tag holds one, as "v1.2.3" does`,
    );
  });
});

describe("a commit's folder", () => {
  const crlf = "select 1;\r\n";
  const tree = {
    "db/1_users.sql": users,
    "db/deep/ünïcödé name.sql": crlf,
    "db/bom.sql": "\uFEFFselect 2;",
    "db/latin1.sql": Buffer.from("-- Pr\xe9nom\n", "latin1"),
    "db/large.sql": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n",
    "shared/linked.sql": "select 3;",
  };

  test("is read file by file as it was, links followed, with nothing checked out", async () => {
    const repo = repositoryOf({ "v1.0.0": tree });
    symlinkSync("../shared/linked.sql", join(repo, "db", "link.sql"));
    git(repo, "add", "-A");
    git(repo, "commit", "-qm", "link");
    const head = { name: "v1.1.0", hash: git(repo, "rev-parse", "HEAD").trim() };
    git(repo, "rm", "-rqf", ".");
    git(repo, "commit", "-qm", "nothing is left");
    const folder = await gitFolder(await repositoryAt(repo), head, "./db/");
    expect([...folder.files].sort()).toEqual(
      ["1_users.sql", "bom.sql", "deep/ünïcödé name.sql", "large.sql", "latin1.sql", "link.sql"].sort(),
    );
    expect(await folder.text("deep/ünïcödé name.sql")).toBe(crlf);
    expect(await folder.text("bom.sql")).toBe("select 2;");
    expect((await folder.bytes("bom.sql"))[0]).toBe(0xef);
    expect(await folder.text("link.sql")).toBe("select 3;");
    expect(await folder.size("1_users.sql")).toBe(users.length);
    expect(folder.shown("1_users.sql")).toBe("v1.1.0:db/1_users.sql");
    expect(await whole(folder, "1_users.sql")).toBe(users);
    await expect(folder.text("latin1.sql")).rejects.toThrow(
      'Cannot read "v1.1.0:db/latin1.sql": line 1 is not UTF-8 (save it as UTF-8)',
    );
    await expect(folder.text("large.sql")).rejects.toThrow("git holds a pointer of Git LFS in its place");
  });

  test("is the same in a bare repository, and in a folder of the work tree", async () => {
    const repo = repositoryOf({ "v1.0.0": { "server/db/1_users.sql": users } });
    const bare = temporaryFolder();
    git(bare, "clone", "-q", "--bare", repo, bare);
    for (const [where, folder] of [
      [repo, "server/db"],
      [bare, "server/db"],
      [join(repo, "server"), "db"],
      [join(repo, ".git"), "server/db"],
    ] as const) {
      const repository = await repositoryAt(pathToFileURL(where));
      const { tags } = await tagsOf(repository, "v*");
      expect(await (await gitFolder(repository, tags[0] as never, folder)).text("1_users.sql")).toBe(users);
    }
  });

  test("is read a thousand files at a time, and large ones whole", async () => {
    const large = `-- ${"x".repeat(3_000_000)}\n`;
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`db/${i}.sql`, `select ${i};`]));
    const repository = await repositoryAt(repositoryOf({ "v1.0.0": { ...many, "db/large.sql": large } }));
    const folder = await gitFolder(repository, (await tagsOf(repository, "v*")).tags[0] as never, "db");
    const read = await Promise.all(folder.files.map(async (file) => [`db/${file}`, await folder.text(file)] as const));
    expect(Object.fromEntries(read)).toEqual({ ...many, "db/large.sql": large });
    expect(await whole(folder, "large.sql")).toBe(large);
  });

  test("that is not there is answered with the nearest that holds SQL", async () => {
    const repo = repositoryOf(three);
    await expect(gitReleases({ repo, folder: "dbs", tags: "v*" })).rejects.toThrow(
      `Cannot read folder "dbs" of "${repo}": "v1.1.0" has no such folder; those with SQL: "db"`,
    );
  });
});

test("what is no repository, or lacks what a tag needs, is said with the way out", async () => {
  const none = temporaryFolder();
  await expect(repositoryAt(none)).rejects.toThrow(
    `Cannot read repository "${none}": it is no git repository (name a work tree's folder, or a bare repository)`,
  );
  await expect(repositoryAt(join(none, "gone"))).rejects.toThrow("there is no such folder");
  const repo = repositoryOf(three);
  const shallow = temporaryFolder();
  git(shallow, "clone", "-q", "--depth", "1", "--no-tags", pathToFileURL(repo).href, shallow);
  await expect(gitReleases({ repo: shallow, folder: "db", tags: "v1.0.0" })).rejects.toThrow(
    `Cannot find tag "v1.0.0" in "${shallow}": it is a shallow clone, which may lack it (git fetch --unshallow --tags)`,
  );
  // A clone that was cut off: the tag is there, and its commit is not.
  const tagged = git(repo, "rev-parse", "v1.0.0").trim();
  appendFileSync(join(shallow, ".git", "packed-refs"), `${tagged} refs/tags/v1.0.0\n`);
  await expect(gitReleases({ repo: shallow, folder: "db", tags: "v1.0.0" })).rejects.toThrow(
    `Cannot read "v1.0.0" of "${shallow}": the clone does not hold it (git fetch --unshallow --tags, or clone it whole)`,
  );
});

test("without git on the machine that is what is said", async () => {
  const path = process.env.PATH;
  process.env.PATH = temporaryFolder();
  try {
    await expect(repositoryAt(".")).rejects.toThrow(
      'Cannot read repository ".": there is no git on this machine (install git, or put it on the PATH)',
    );
  } finally {
    process.env.PATH = path;
  }
});

describe("gitReleases()", () => {
  test("makes a release of each tag, which ships what that tag holds", async () => {
    const repo = repositoryOf({
      ...three,
      "v1.2.0": { "db/1_users.sql": `${users}-- edited`, "db/3_invoices.sql": invoices },
    });
    const chain = await gitReleases({ repo, folder: "db", tags: "v*", transaction: "all" });
    expect(chain.map(({ name, transaction }) => `${name} ${transaction}`)).toEqual([
      "v1.0.0 all",
      "v1.1.0 all",
      "v1.2.0 all",
    ]);
    expect(await shippedBy(chain)).toEqual([["1_users"], ["1_users", "2_orders"], ["1_users", "3_invoices"]]);
    const [edited] = await migrationsOf(chain[2] as Release);
    expect(edited?.up).toMatchObject({ sql: `${users}-- edited`, file: "v1.2.0:db/1_users.sql" });
  });

  test("finds a folder that moved between tags, before and behind the one that was named", async () => {
    const repo = repositoryOf({
      "v0.9.0": { "README.md": "no migrations yet" },
      "v1.0.0": { "sql/1_users.sql": users },
      "v1.1.0": { "server/db/1_users.sql": users, "server/db/2_orders.sql": orders },
      "v1.2.0": { "db/1_users.sql": users, "db/2_orders.sql": orders, "seeds/1.sql": "select 1" },
    });
    for (const folder of ["sql", "server/db", "db"]) {
      const chain = await gitReleases({ repo, folder, tags: "v*" });
      expect(chain.map(({ name }) => name)).toEqual(["v1.0.0", "v1.1.0", "v1.2.0"]);
      expect(await shippedBy(chain)).toEqual([["1_users"], ["1_users", "2_orders"], ["1_users", "2_orders"]]);
    }
    const listed = await gitReleases({ repo, folder: ["db", "server/db", "sql"], tags: ["v1.*"] });
    expect(await shippedBy(listed)).toEqual([["1_users"], ["1_users", "2_orders"], ["1_users", "2_orders"]]);
    const ranged = await gitReleases({
      repo,
      folder: { "<1.1": "sql", "1.1": "server/db", ">1.1": "db" },
      tags: "v1.*",
    });
    expect(await shippedBy(ranged)).toEqual([["1_users"], ["1_users", "2_orders"], ["1_users", "2_orders"]]);
    await expect(gitReleases({ repo, folder: { "<1": "sql" }, tags: "v1.*" })).rejects.toThrow(
      'Cannot tell in which folder "v1.0.0" has its migrations: no range of folders holds it ("<1")',
    );
  });

  test("says where a folder is gone without a trace", async () => {
    const repo = repositoryOf({ ...three, "v2.0.0": { "migrations/1_all.sql": invoices } });
    await expect(gitReleases({ repo, folder: "db", tags: "v*" })).rejects.toThrow(
      `Cannot read folder "db" of "${repo}": "v2.0.0" has no such folder; those with SQL: "migrations"; ` +
        `it held migrations before, and no folder holds them now (say where they are: folder: { ">=2.0.0": "…" })`,
    );
  });

  test("joins folders, and finds the only one that holds SQL", async () => {
    const repo = repositoryOf({
      "v1.0.0": { "a/1_users.sql": users },
      "v1.1.0": { "a/1_users.sql": users, "b/1_orders.sql": orders },
    });
    const joined = await gitReleases({ repo, folders: ["a", "b"], tags: "v*" });
    expect(await shippedBy(joined)).toEqual([["1_users"], ["1_users", "1_orders"]]);
    const only = await gitReleases({ repo: repositoryOf(three), tags: "v*" });
    expect(await shippedBy(only)).toEqual([["1_users"], ["1_users", "2_orders"]]);
    await expect(gitReleases({ repo, tags: "v*" })).rejects.toThrow(
      `Cannot tell in which folder of "${repo}" its migrations are: "v1.1.0" holds SQL in several folders, "a", "b" (say which: --folder db/migrations)`,
    );
  });

  test("leaves out tags that ship what the one before ships, when asked to", async () => {
    const repo = repositoryOf({ "v1.0.0": three["v1.0.0"], "v1.0.1": three["v1.0.0"], "v1.1.0": three["v1.1.0"] });
    expect((await gitReleases({ repo, folder: "db", tags: "v*" })).length).toBe(3);
    const collapsed = await gitReleases({ repo, folder: "db", tags: "v*", collapse: true });
    expect(collapsed.map(({ name }) => name)).toEqual(["v1.0.0", "v1.1.0"]);
  });

  test("leaves no process behind, and takes no notice of a hook's own variables", async () => {
    const repo = repositoryOf(three);
    process.env.GIT_DIR = join(repo, "nowhere");
    try {
      const chain = await gitReleases({ repo, folder: "db", tags: "v*" });
      expect(await shippedBy(chain)).toEqual([["1_users"], ["1_users", "2_orders"]]);
    } finally {
      delete process.env.GIT_DIR;
    }
    await expect.poll(() => childrenNamed("git"), { timeout: 5000 }).toBe(0);
  });
});

describe("folderReleases()", () => {
  const folder = folderOf({ "1_users.sql": users, "2_orders.sql": orders, "10_invoices.sql": invoices });

  test("makes each migration a release that ships all up to it", async () => {
    const chain = await folderReleases(folder);
    expect(chain.map(({ name }) => name)).toEqual(["1_users", "2_orders", "10_invoices"]);
    expect(await shippedBy(chain)).toEqual([
      ["1_users"],
      ["1_users", "2_orders"],
      ["1_users", "2_orders", "10_invoices"],
    ]);
  });

  test("takes the last migration of each release, in the migrations' order", async () => {
    const chain = await folderReleases(pathToFileURL(folder), { releases: { "2": "10_invoices", "1.0": "1_users" } });
    expect(chain.map(({ name }) => name)).toEqual(["1.0", "2"]);
    expect(await shippedBy(chain)).toEqual([["1_users"], ["1_users", "2_orders", "10_invoices"]]);
    await expect(folderReleases(folder, { releases: { "1.0": "1_user" } })).rejects.toThrow(
      `Cannot make release "1.0": its last migration "1_user" is not in "${folder}" (known: "1_users", "2_orders", "10_invoices")`,
    );
  });

  test("joins a folder per release to those before it, ordered as versions", async () => {
    const path = folderOf({ "1.10/1_c.sql": invoices, "1.9/1_b.sql": orders, "1.0/1_a.sql": users });
    const chain = await folderReleases(path, { releases: "folders", format: "plain" });
    expect(chain.map(({ name }) => name)).toEqual(["1.0", "1.9", "1.10"]);
    expect(await shippedBy(chain)).toEqual([["1_a"], ["1_a", "1_b"], ["1_a", "1_b", "1_c"]]);
    await expect(folderReleases(folder, { releases: "folders" })).rejects.toThrow(
      `Cannot make a release of each folder in "${folder}": "10_invoices.sql" stands beside the folders, and is in none`,
    );
  });

  test("reads a folder per release as their tool does that is pointed at all of them", async () => {
    const path = folderOf({
      "1.0/V1__a.sql": users,
      "1.0/README.md": "first",
      "1.0/flyway.conf": "flyway.outOfOrder=true",
      "1.1/V3__c.sql": orders,
      "1.1/README.md": "second",
      "1.1/flyway.conf": "flyway.outOfOrder=true",
      "1.2/V2__b.sql": invoices,
    });
    const chain = await folderReleases(path, { releases: "folders" });
    expect(await shippedBy(chain)).toEqual([["V1__a"], ["V1__a", "V3__c"], ["V1__a", "V2__b", "V3__c"]]);
    const { migrations, migrator } = await shipmentOf(chain[2]);
    expect(migrations[1]?.up).toMatchObject({ file: join(path, "1.2/V2__b.sql") });
    expect(migrator?.late).toBe("run");
    const recorded = await migrator?.record.read(async () =>
      ["1", "2", "3"].map((version) => ({ version, description: "x", type: "SQL", checksum: null, success: 1 })),
    );
    expect(recorded?.applied.map(({ id }) => id)).toEqual(["1", "2", "3"]);
  });

  test("refuses twins in two folders, two files of one path, and two formats", async () => {
    const refusal = async (files: Parameters<typeof folderOf>[0], how: Parameters<typeof folderReleases>[1] = {}) => {
      const path = folderOf(files);
      const chain = await folderReleases(path, { releases: "folders", ...how });
      return shipmentOf(chain.at(-1)).then(
        () => "it refuses nothing",
        (error: Error) => error.message.replaceAll(path, "…"),
      );
    };
    expect(await refusal({ "1.0/V1__a.sql": users, "1.1/V1__b.sql": orders })).toBe(
      'Cannot read migration "…/1.1/V1__b.sql": "V1__a.sql" has the same version (give one of them another version, or name the folder that holds one of them)',
    );
    expect(await refusal({ "1.0/1_a.up.sql": users, "1.1/1_b.up.sql": orders })).toMatch(
      /^Cannot read migration "….1\.1.1_b\.up\.sql": "1_a\.up\.sql" /,
    );
    expect(await refusal({ "1.0/V1__a.sql": users, "1.1/V1__a.sql": users })).toBe(
      'Cannot join folders of migrations: "…/1.0/V1__a.sql" and "…/1.1/V1__a.sql" are one file to their tool (give one of them another name)',
    );
    expect(
      await refusal({ "1.0/V1__a.sql": users, "1.0/flyway.toml": "", "1.1/V2__b.sql": "", "1.1/flyway.toml": "a=1" }),
    ).toMatch(/flyway\.toml" are one file to their tool/);
    expect(await refusal({ "1.0/V1__a.sql": users, "1.1/2_b.sql": orders })).toBe(
      "Cannot join folders of migrations: they are of two formats, Flyway and plain numbered SQL",
    );
  });

  test("keeps a baseline, and code, of a later release from standing in an earlier one", async () => {
    const path = folderOf({
      "V1__a.sql": users,
      "V2__b.sql": orders,
      "B2__all.sql": users + orders,
      "V3__c.sql": invoices,
      "V4__Fill.java": "",
    });
    for (const releases of ["each", { "1": "V1__a", "2": "V2__b", "3": "V3__c" }] as const) {
      const chain = await folderReleases(path, { releases });
      expect(await shippedBy(chain)).toEqual([["V1__a"], ["V1__a", "V2__b"], ["V1__a", "V2__b", "B2__all", "V3__c"]]);
      const shipments = await Promise.all(chain.map(shipmentOf));
      const onNew = await Promise.all(shipments.map(({ migrator }) => migrator?.record.read(async () => [])));
      expect(onNew.map((recorded) => recorded?.applied.map(({ id }) => id))).toEqual([[], [], ["1", "2"]]);
      expect(shipments.map(({ leftOut = [] }) => leftOut.map(({ name }) => name))).toEqual([[], [], ["V4__Fill.java"]]);
    }
  });

  test("leaves callbacks in every release, and repeatables in the newest, said so in the others", async () => {
    const path = folderOf({
      "beforeMigrate.sql": "select 1;",
      "V1__a.sql": users,
      "V2__b.sql": orders,
      "R__views.sql": "select 2;",
      "afterMigrate.sql": "select 3;",
    });
    for (const releases of ["each", { V1__a: "V1__a", V2__b: "2" }] as const) {
      const chain = await folderReleases(path, { releases });
      expect(chain.map(({ name }) => name)).toEqual(["V1__a", "V2__b"]);
      expect(await shippedBy(chain)).toEqual([
        ["beforeMigrate", "V1__a", "afterMigrate"],
        ["beforeMigrate", "V1__a", "V2__b", "R__views", "afterMigrate"],
      ]);
      const [first, last] = await Promise.all(chain.map(shipmentOf));
      expect(first?.leftOut).toEqual([
        {
          name: "R__views",
          why: 'one folder does not tell what it was before "V2__b", the newest release, which runs it (tags do: gitReleases)',
        },
      ]);
      expect(last?.leftOut).toBeUndefined();
    }
    expect((await folderReleases(folderOf({ "R__a.sql": users, "R__b.sql": orders }))).length).toBe(1);
  });

  test("refuses a list of releases that forgets the folder's last migrations", async () => {
    await expect(folderReleases(folder, { releases: { "1.0": "1_users" } })).rejects.toThrow(
      `Cannot make releases of "${folder}": no release ships "2_orders", "10_invoices", behind the last of "1.0" (name a release that ends with "10_invoices")`,
    );
    await expect(folderReleases(folder, { releases: {} })).rejects.toThrow(
      `Cannot make releases of "${folder}": none is named, and the folder holds "1_users", "2_orders", "10_invoices" (name a release that ends with "10_invoices")`,
    );
  });

  test("lets the product say what its migrator does with late migrations", async () => {
    const lateOf = async (how: Parameters<typeof migrationsIn>[1], files = { "V1__a.sql": users } as object) =>
      (await shipmentOf({ migrations: migrationsIn(folderOf({ ...files }), how) })).migrator?.late;
    expect(await lateOf({})).toBe("refuse");
    expect(await lateOf({ late: "run" })).toBe("run");
    const [release] = await folderReleases(folderOf({ "V1__a.sql": users, "V2__b.sql": orders }), { late: "skip" });
    expect((await shipmentOf(release)).migrator?.late).toBe("skip");
    const marked = { "1_a.sql": "-- +goose Up\nselect 1;\n" };
    expect(await lateOf({}, marked)).toBe("refuse");
    expect(await lateOf({ late: "run" }, marked)).toBe("run");
    await expect(lateOf({ late: "never" as "run" })).rejects.toThrow(
      'Cannot read migrations as late: "never": no such rule (known: "run", "skip", "refuse")',
    );
    await expect(lateOf({ late: "refuse" }, { "1_a.sql": users })).rejects.toThrow(
      'Cannot read migrations as late: "refuse": plain numbered SQL has no tool that keeps a record, and what comes late is run (leave late out)',
    );
  });

  test("reads a thousand migrations, a release each, in no time that grows with their number squared", async () => {
    const files = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`V${i + 1}__t.sql`, `select ${i};`]));
    const path = folderOf({ ...files, "B500__all.sql": "select 0;", "R__v.sql": "select 1;" });
    const before = performance.now();
    const chain = await folderReleases(path);
    for (const one of chain) await shipmentOf(one);
    expect(chain.length).toBe(1000);
    expect(performance.now() - before).toBeLessThan(5000);
  });
});

function shippedBy(chain: readonly Release[]): Promise<readonly (readonly string[])[]> {
  return Promise.all(chain.map(async (release) => (await migrationsOf(release)).map(({ name }) => name)));
}

async function migrationsOf(release: Release): Promise<readonly Migration[]> {
  return (await shipmentOf(release)).migrations;
}

async function shipmentOf(release: Pick<Release, "migrations"> | undefined): Promise<Shipment> {
  const { migrations = [] } = release ?? {};
  const shipped: readonly Migration[] | Shipment =
    "read" in migrations ? await migrations.read("postgres") : migrations;
  return "migrations" in shipped ? shipped : { migrations: shipped };
}

async function whole(folder: Folder, file: string): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of folder.stream(file)) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

async function childrenNamed(name: string): Promise<number> {
  const { readdir, readFile } = await import("node:fs/promises");
  const stats = await Promise.all(
    (await readdir("/proc").catch(() => []))
      .filter((pid) => /^\d+$/.test(pid))
      .map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")),
  );
  return stats.filter(
    (stat) => stat.includes(`(${name}) `) && stat.split(") ")[1]?.split(" ")[1] === String(process.pid),
  ).length;
}
