// Templates and placeholders: filled in with what is given, and named by file and line where nothing is.
import { createHash } from "node:crypto";
import { migrationsIn } from "migration-sandbox";
import { afterEach, describe, expect, test } from "vitest";
import { folderOf } from "../repository.ts";
import { onStage } from "../stage.ts";
import { installed } from "./walking.ts";

const stage = onStage();
const users = "create table users (id int primary key, name text);\n";

describe(`\${name}`, () => {
  const rows = `-- who runs it\ninsert into \${table} values (1, '\${admin}');\n`;
  const placeholders = { table: "users", admin: "Ada" };

  test("is refused in Flyway's files where it has no value", async () => {
    const files = { "V1__users.sql": users, "V2__rows.sql": rows };
    expect(await installed(stage(), files, { placeholders })).toEqual(["clean"]);
    await expect(installed(stage(), files, { placeholders: { table: "users" } })).rejects.toThrow(
      /V2__rows\.sql:2": "\$\{admin\}" has no value \(give placeholders a "admin"/,
    );
  });

  test("goes to the server as it stands where no tool says what it is", async () => {
    const files = { "1_users.sql": users, "2_rows.sql": rows };
    expect(await installed(stage(), files, { placeholders })).toEqual(["clean"]);
    expect(await installed(stage(), files)).toEqual(["broken", "migration-failed 2_rows 42601 at 2_rows.sql:2"]);
  });
});

describe(":NAME", () => {
  const body = "alter table users owner to :DATABASE_OWNER;\ncomment on table users is ':PRODUCT';\n";

  test("is the database, its owner, and whatever else is given, in graphile-migrate's files", async () => {
    const files = { "committed/000001.sql": committed(`${users}${body}`) };
    expect(await installed(stage(), files, { placeholders: { ":PRODUCT": "shop" } })).toEqual(["clean"]);
    const other = { "committed/000001.sql": committed(`${users}grant all on users to :SHOP_READER;\n`) };
    expect(await installed(stage(), other)).toEqual([
      "broken",
      "migration-failed 000001 42601 at committed/000001.sql:5",
    ]);
    expect(await installed(stage(), other, { placeholders: { ":SHOP_READER": "public" } })).toEqual(["clean"]);
  });

  test("goes to the server as it stands where no tool says what it is", async () => {
    const files = { "1_users.sql": users, "2_owner.sql": body };
    expect(await installed(stage(), files)).toEqual(["broken", "migration-failed 2_owner 42601 at 2_owner.sql:1"]);
  });
});

describe("Go templates", () => {
  const table = 'create table "{{ index .Options "Namespace" }}_users" (id int primary key);\n';
  const branch = "{{ if .WithNames }}\nalter table users add column name text;\n{{ end }}\n";
  const placeholders = { '{{ index .Options "Namespace" }}': "shop" };

  test.each([
    ["1_users.sql", "plain"],
    ["1_users.up.sql", "golang-migrate"],
  ])("in %s are refused by file and line, or filled in with what is given", async (file, format) => {
    const files = { [file]: `-- a table\n${table}` };
    await expect(installed(stage(), files, { format })).rejects.toThrow(
      `${file}:2": "{{ index .Options "Namespace" }}" is of a Go template and has no value ` +
        `(give placeholders a "{{ index .Options \\"Namespace\\" }}", or drive what fills it in: command(…))`,
    );
    expect(await installed(stage(), files, { format, placeholders })).toEqual(["clean"]);
    const wrong = { ...files, "2_orders.up.sql": `create table orders (who int references shop_clients);\n` };
    expect(await installed(stage(), wrong, { format, placeholders })).toEqual([
      "broken",
      "migration-failed 2_orders 42P01 at 2_orders.up.sql:1",
    ]);
  });

  test("that branch are refused in Ory's files and elsewhere", async () => {
    const popx = { "1_a.postgres.up.sql": `${users}${branch}`, "1_a.postgres.down.sql": "" };
    await expect(installed(stage(), popx)).rejects.toThrow(/1_a\.postgres\.up\.sql:2": it is a Go template/);
    await expect(installed(stage(), { "schema.sql": users, "1.1/a.sql": branch })).rejects.toThrow(
      /1\.1\/a\.sql:1": "\{\{ if \.WithNames \}\}" is of a Go template/,
    );
  });

  test("of mails that a product keeps are text", async () => {
    const placeholders = { name: "Ada" };
    const mails = "insert into users values (1, 'Dear {{ .Name }}'), (2, $mail$Dear {{name}}$mail$); -- {{ both }}\n";
    expect(await installed(stage(), { "1_users.sql": users, "2_mails.sql": mails }, { placeholders })).toEqual([
      "clean",
    ]);
    const read = await migrationsIn(folderOf({ "1_mails.sql": mails }), { placeholders }).read("postgres");
    expect(read).toMatchObject({ migrations: [{ up: { sql: mails } }] });
  });
});

describe("environment variables", () => {
  const rows = `-- +goose Up\n-- +goose ENVSUB ON\ninsert into users values (\${SHOP_FIRST}, '\${SHOP_ADMIN:-Ada}');\n`;
  const files = { "1_users.sql": `-- +goose Up\n${users}`, "2_rows.sql": rows };
  afterEach(() => {
    delete process.env.SHOP_FIRST;
  });

  test("are filled in as goose does, from ours or from what is given; one that is not set is empty", async () => {
    expect(await installed(stage(), files)).toEqual(["broken", "migration-failed 2_rows 42601 at 2_rows.sql:3"]);
    expect(await installed(stage(), files, { placeholders: { SHOP_FIRST: "1" } })).toEqual(["clean"]);
    process.env.SHOP_FIRST = "1";
    expect(await installed(stage(), files)).toEqual(["clean"]);
  });
});

/** The first of a chain as graphile-migrate commits it: the hash is of the one before, and of what follows the header. */
function committed(body: string): string {
  const hash = createHash("sha1").update(`${body.trim()}\n`).digest("hex");
  return `--! Previous: -\n--! Hash: sha1:${hash}\n\n${body.trim()}\n`;
}
