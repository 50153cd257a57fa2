// Whatever is wrong with a folder of migrations or a repository: the command says it in one message, and ends with 2.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { type Workplace, workplaceWith } from "./command.ts";
import { git, repositoryOf, temporaryFolder } from "./repository.ts";

const limit = { timeout: 120_000 };
const users = "create table users (id serial primary key);\n";

interface Wrong {
  readonly files: { readonly [path: string]: string | Buffer };
  readonly args?: readonly string[];
  /** `…` stands for the folder. */
  readonly says: string;
}

const wrong: { readonly [what: string]: Wrong } = {
  "a folder above that of the migrations": {
    files: { "db/migrations/1_users.sql": users, "README.md": "" },
    says: 'Cannot read migrations from "…": there are none in it; "…/db/migrations" looks like plain numbered SQL (name that folder)',
  },
  "two formats at once": {
    files: { "1_users.sql": `-- +goose Up\n${users}`, "2_orders.sql": "-- migrate:up\nselect 1;\n-- migrate:down\n" },
    says:
      'Cannot read migrations from "…": it may be goose by -- +goose in 1_users.sql, dbmate by -- migrate:up in 2_orders.sql ' +
      '(say which with --format goose or --format dbmate, in code with format: "goose")',
  },
  "a format that there is not": {
    files: { "1_users.sql": users },
    args: ["--format", "flywya"],
    says: 'Cannot read migrations: there is no format "flywya" (known: "flyway", "prisma", "ory", "hasura", "plain", "goose", "dbmate", "diesel" and 9 more)',
  },
  "two migrations of one number": {
    files: { "1_users.sql": users, "2_orders.sql": "select 1;", "02_items.sql": "select 2;" },
    says: 'Cannot read migration "…/2_orders.sql": "02_items.sql" has the same number (give one of them another)',
  },
  "two versions of Flyway's that are one": {
    files: { "V1.0__users.sql": users, "V1__orders.sql": "select 1;" },
    says:
      'Cannot read migration "…/V1__orders.sql": "V1.0__users.sql" has the same version ' +
      "(give one of them another version, or name the folder that holds one of them)",
  },
  "a way down without a way up": {
    files: { "1_users.sql": users, "2_orders.down.sql": "drop table orders;" },
    args: ["--format", "plain"],
    says: 'Cannot read migration "…/2_orders.down.sql": it takes back a migration that is not there (add the file that it takes back)',
  },
  "a way up that its tool wants a way down for": {
    files: { "1_users.postgres.up.sql": users },
    says: 'Cannot read migration "…/1_users.postgres.up.sql": version 1 has no down file, and popx wants one (add it; it may be empty)',
  },
  "a string that never ends": {
    files: { "V1__users.sql": `${users}insert into users values ('1);\n` },
    says: `Cannot read "…/V1__users.sql:2": a string begins here and never ends (close it with ')`,
  },
  "a function that never ends": {
    files: {
      "V1__users.sql": users,
      "V2__f.sql": "\ncreate function f() returns int as $f$ select 1; $g$ language sql;\n",
    },
    says: 'Cannot read "…/V2__f.sql:2": a dollar-quoted string begins here and never ends (close it with $f$)',
  },
  "a statement that never ends": {
    files: { "1_users.sql": "-- +goose Up\ncreate table users (id serial)\n-- +goose Down\n" },
    says: 'Cannot read migration "…/1_users.sql:2": the statement that begins here has no end (end its last line with ;, or put it between -- +goose StatementBegin and -- +goose StatementEnd)',
  },
  "a marker of goose's that is misspelt": {
    files: { "1_users.sql": `-- +goose Up\n${users}-- +goose Dwon\ndrop table users;\n` },
    says: 'Cannot read migration "…/1_users.sql:3": goose does not know "-- +goose Dwon" (known: Up, Down, StatementBegin, StatementEnd, NO TRANSACTION, ENVSUB ON, ENVSUB OFF)',
  },
  "a marker of dbmate's that is misspelt": {
    files: { "1_users.sql": `-- migrate:up\n${users}-- migrate:donw\ndrop table users;\n` },
    says: 'Cannot read migration "…/1_users.sql:1": dbmate wants a line "-- migrate:down" (add that line; nothing may stand ahead of it)',
  },
  "a marker of Liquibase's that is misspelt": {
    files: { "users.sql": `-- liquibase formatted sql\n-- chagneset ada:1\n${users}` },
    says: 'Cannot read migration "…/users.sql:3": this SQL stands in no changeset, so Liquibase never runs it (put a line --changeset <author>:<id> before it)',
  },
  "a file in UTF-16": {
    files: { "1_users.sql": Buffer.from(`\uFEFF${users}`, "utf16le") },
    says: 'Cannot read "…/1_users.sql": line 1 is not UTF-8; it looks like UTF-16 (save it as UTF-8)',
  },
  "a file in Latin-1": {
    files: { "1_users.sql": Buffer.from(`${users}insert into users values ('Zoë');\n`, "latin1") },
    says: 'Cannot read "…/1_users.sql": line 2 is not UTF-8 (save it as UTF-8)',
  },
  "a template that nobody filled in": {
    files: { "1_users.sql": `${users}alter table users owner to {{ .Owner }};\n` },
    says:
      'Cannot read migration "…/1_users.sql:2": "{{ .Owner }}" is of a Go template and has no value ' +
      '(give placeholders a "{{ .Owner }}", or drive what fills it in: command(…))',
  },
  "a command to the client": {
    files: { "1_users.sql": `${users}\\copy users from program 'cat users.csv'\n` },
    says:
      `Cannot read "…/1_users.sql:2": "\\copy users from program 'cat users.csv'" is a command to the client, not SQL ` +
      "(take it out, or let the client run the file)",
  },
  "code that only its own tool can run": {
    files: { "20240101000000_users.ts": "export async function up(knex) {}\n" },
    says: 'Cannot read migrations from "…": 20240101000000_users.ts is code of Knex, which only Knex itself can run (drive it with knexMigrations(…))',
  },
};

describe("a folder that cannot be read", limit, () => {
  test.concurrent.each(Object.entries(wrong))("%s is refused by the command", async (_, { files, args = [], says }) => {
    await using work = await workplaceWith({});
    const folder = await placed(work, files);
    expect(await refusal(work, ["rehearse", folder, ...args])).toBe(says.replace(/(?<=")…/g, folder));
  });

  test.concurrent.each(["inspect", "plan", "list", "init"])("%s refuses as rehearse does", async (name) => {
    const { files, says } = wrong["two formats at once"] ?? { files: {}, says: "" };
    await using work = await workplaceWith({});
    const folder = await placed(work, files);
    expect(await refusal(work, [name, folder])).toBe(says.replace(/(?<=")…/g, folder));
  });

  test("one of anything else is told by what it holds, and by what was looked for", async () => {
    await using work = await workplaceWith({});
    const folder = await placed(work, { "README.md": "", "main.go": "", "docs/a.md": "" });
    const message =
      "it is no migration folder: it holds README.md, docs/, main.go (looked for Flyway, golang-migrate, goose, ";
    expect(await refusal(work, ["rehearse", folder])).toContain(message);
    expect(await refusal(work, ["inspect", folder])).toContain(message);
  });

  test("one that is not there is no folder, nor the name of a scenario", async () => {
    await using work = await workplaceWith({});
    expect(await refusal(work, ["inspect", "./migrations"])).toBe(
      'Cannot read migrations from "./migrations": there is no such folder',
    );
    expect(await refusal(work, ["rehearse", "./migrations"])).toContain('"./migrations"');
  });
});

describe("a repository that cannot be read", limit, () => {
  const repo = repositoryOf({
    "v1.0.0": { "db/1_users.sql": users },
    "v1.1.0": { "db/1_users.sql": users, "x/1_a.sql": "" },
  });
  const shallow = temporaryFolder();
  git(shallow, "clone", "-q", "--depth", "1", "--no-tags", pathToFileURL(repo).href, shallow);
  const empty = temporaryFolder();

  test.concurrent.each<[what: string, args: readonly string[], says: string]>([
    [
      "a tag that does not exist",
      [repo, "--tags", "v1.2.0", "--folder", "db"],
      `Cannot find tag "v1.2.0" in "${repo}": it has no such tag (known: "v1.0.0", "v1.1.0")`,
    ],
    [
      "a pattern that no tag fits",
      [repo, "--tags", "release-*", "--folder", "db"],
      `Cannot find a tag like "release-*" in "${repo}": it has no such tag (known: "v1.0.0", "v1.1.0")`,
    ],
    [
      "a shallow clone",
      [shallow, "--tags", "v1.0.0", "--folder", "db"],
      `Cannot find tag "v1.0.0" in "${shallow}": it is a shallow clone, which may lack it (git fetch --unshallow --tags)`,
    ],
    [
      "a shallow clone without tags",
      [shallow, "--tags", "v*", "--folder", "db"],
      `Cannot find a tag like "v*" in "${shallow}": it is a shallow clone, which may lack it (git fetch --unshallow --tags)`,
    ],
    [
      "a folder that no tag has",
      [repo, "--tags", "v*", "--folder", "bd"],
      `Cannot read folder "bd" of "${repo}": "v1.1.0" has no such folder; those with SQL: "db", "x"`,
    ],
    [
      "a folder that nobody named",
      [repo, "--tags", "v*"],
      `Cannot tell in which folder of "${repo}" its migrations are: "v1.1.0" holds SQL in several folders, "db", "x" (say which: --folder db/migrations)`,
    ],
    [
      "no repository",
      [empty, "--tags", "v*"],
      `Cannot read repository "${empty}": it is no git repository (name a work tree's folder, or a bare repository)`,
    ],
    [
      "a repository without tags said",
      [repo],
      `Cannot read migrations from "${repo}": there are none in it; "${repo}/db" looks like plain numbered SQL; "${repo}/x" looks like plain numbered SQL (name that folder)`,
    ],
  ])("%s is refused by the command", async (_, args, says) => {
    await using work = await workplaceWith({});
    expect(await refusal(work, ["rehearse", ...args])).toBe(says);
  });
});

describe("a library that is not installed", limit, () => {
  test("is asked for with the command that installs it", async () => {
    const scenario = `import { clean, kyselyMigrations } from "migration-sandbox";
      const migrations = kyselyMigrations(new URL("./migrations/", import.meta.url));
      export default { title: "users", engines: ["postgres"], chain: [{ name: "1.0", migrations }], paths: [{ to: "1.0", expect: clean }] };`;
    await using work = await workplaceWith({ "scenarios/users.ts": scenario, "scenarios/migrations/1_users.ts": "" });
    const { code, stdout } = await work.run(["rehearse"]);
    expect(code).toBe(2);
    expect(stdout).toContain(
      `bad-input  Cannot drive Kysely: "kysely" is not installed in "${join(work.folder, "scenarios/migrations")}" (npm install kysely)\n`,
    );
    expect(stdout).not.toMatch(/^\s+at /m);
  });
});

/** What the command says when it can do nothing: one message, and no trace of the code. */
async function refusal(work: Workplace, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await work.run(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr.split("\n").filter((line) => line !== "").length).toBe(1);
  expect(stderr).not.toMatch(/^\s+at /m);
  return stderr.trimEnd();
}

async function placed(work: Workplace, files: Wrong["files"]): Promise<string> {
  const folder = join(work.folder, "migrations");
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}
