import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { graphileMigrate } from "../../harness/formats/graphile-migrate.ts";
import { type Files, folderOf, readBy, refusalBy } from "./folder-of.ts";

/** As graphile-migrate computes it. */
function hashOf(body: string, previous: string): string {
  const hashed = `${previous === "-" ? "" : previous}\n${body.trim()}`.trim();
  return `sha1:${createHash("sha1").update(`${hashed}\n`).digest("hex")}`;
}

function committed(previous: string, body: string, more = ""): { readonly hash: string; readonly text: string } {
  const hash = hashOf(body, previous);
  return { hash, text: `--! Previous: ${previous}\n--! Hash: ${hash}\n${more}\n${body.trim()}\n` };
}

const first = committed("-", "\n  create table users (id int);\nselect ':DATABASE_OWNERS', ':ROLE'\n\n");
const second = committed(
  first.hash,
  "--! no-transaction\ncreate index concurrently on users (id);",
  "--! Message: Größe\n",
);
const chain: Files = {
  "committed/000002-gr-e.sql": second.text,
  "committed/000001.sql": first.text,
  "committed/README.md": "",
  "current.sql": "-- Enter migration here\n",
};

test("committed files run in order of their numbers, by their hashes", async () => {
  const { migrations, migrator, leftOut } = await readBy(graphileMigrate, chain);
  const start = first.text.indexOf("create");
  const alone = "--! no-transaction\ncreate index concurrently on users (id);\n";
  expect(migrations).toEqual([
    {
      name: "000001",
      up: {
        sql: "create table users (id int);\nselect ':DATABASE_OWNERS', ':ROLE'\n",
        file: expect.stringMatching(/committed\/000001\.sql$/),
        within: { text: first.text, start },
      },
      recordedAs: { id: "000001.sql", checksum: first.hash, facts: { previous: "" } },
    },
    {
      name: "000002-gr-e",
      up: {
        sql: alone,
        file: expect.stringMatching(/committed\/000002-gr-e\.sql$/),
        within: { text: second.text, start: second.text.indexOf("--! no-transaction") },
        pieces: [{ sql: alone, offset: 0 }],
      },
      transaction: false,
      recordedAs: { id: "000002.sql", checksum: second.hash, facts: { previous: first.hash } },
    },
  ]);
  expect(leftOut).toBeUndefined();
  expect(migrator).toMatchObject({
    transaction: "each",
    lock: "refuse",
    late: "skip",
    edited: "ignore",
    removed: "ignore",
  });
});

test("placeholders are filled in wherever they stand, and places stay right", async () => {
  const { text } = committed("-", "select 1;\ngrant all on database :DATABASE_NAME to :ROLE, :ROLE_B, ':ROLE';");
  const placeholders = { ":DATABASE_NAME": "shop", ":ROLE": "web" };
  const { migrations } = await readBy(graphileMigrate, { "000001.sql": text }, { placeholders });
  const sql = "select 1;\ngrant all on database shop to web, :ROLE_B, 'web';\n";
  const start = text.indexOf("select");
  expect(migrations[0]?.up).toMatchObject({ sql, within: { text: text.slice(0, start) + sql, start } });
});

test("the database's own name and its owner are the sandbox's, unless something else is said", async () => {
  const { text } = committed("-", "alter database :DATABASE_NAME owner to :DATABASE_OWNER;");
  const standIns = { ":DATABASE_NAME": "database", ":DATABASE_OWNER": "user" };
  const [unsaid] = (await readBy(graphileMigrate, { "000001.sql": text })).migrations;
  expect(unsaid?.up).toMatchObject({ sql: "alter database :DATABASE_NAME owner to :DATABASE_OWNER;\n", standIns });
  const placeholders = { ":DATABASE_NAME": "shop", ":DATABASE_OWNER": "ann" };
  const [said] = (await readBy(graphileMigrate, { "000001.sql": text }, { placeholders })).migrations;
  expect(said?.up).toMatchObject({ sql: "alter database shop owner to ann;\n" });
  expect(said?.up).not.toHaveProperty("standIns");
});

test("what is not newer than the newest file recorded is taken for applied", async () => {
  const { migrator } = await readBy(graphileMigrate, chain);
  const rows = ["000001.sql", "000003.sql"].map((filename) => ({ filename, hash: `sha1:${filename}` }));
  const recorded = await migrator?.record.read(async () => rows);
  expect(recorded?.applied).toEqual(rows.map(({ filename, hash }) => ({ id: filename, checksum: hash })));
  const passed = (id: string) => recorded?.passed?.({ id, facts: {} });
  expect([passed("000002.sql"), passed("000003.sql"), passed("000004.sql")]).toEqual([true, true, false]);
});

test("what is not committed is left out, and said so", async () => {
  const why = "it is not committed, and graphile-migrate ships committed migrations only";
  const one = await readBy(graphileMigrate, { ...chain, "current.sql": "-- x\nselect 1;" });
  expect(one.leftOut).toEqual([{ name: "current.sql", why }]);
  const { "current.sql": _, ...without } = chain;
  const many = await readBy(graphileMigrate, { ...without, "current/1.sql": "/* */", "current/2-b.sql": "select 1" });
  expect(many.leftOut).toEqual([{ name: "current/2-b.sql", why }]);
});

test("it is known by its headers", async () => {
  expect(await graphileMigrate.detect(await folderOf(chain))).toEqual({
    by: "content",
    what: "--! Previous: - in committed/000001.sql",
    engine: "postgres",
  });
  expect(await graphileMigrate.detect(await folderOf({ "000001.sql": "select 1" }))).toBeUndefined();
});

test("what graphile-migrate refuses is refused, with file and line", async () => {
  const at = "committed/000001.sql";
  const broken = first.text.replace("int", "bigint");
  const edited = hashOf(broken.slice(broken.indexOf("create")), "-");
  const other = committed("sha1:else", "select 1");
  const refusals: readonly (readonly [Files, string])[] = [
    [{ "committed/README.md": "" }, 'Cannot read migrations from "…": it holds no committed/000001.sql'],
    [
      { [at]: broken },
      `Cannot read migration "…/${at}:2": its hash is ${edited}, and its header says ${first.hash}: it was changed since (put it back)`,
    ],
    [
      { [at]: first.text.replace("\n\n", "\n--! AllowInvalidHash\n\n") },
      `Cannot read migration "…/${at}:2": its hash is right, so that graphile-migrate refuses its --! AllowInvalidHash`,
    ],
    [{ [at]: other.text }, `Cannot read migration "…/${at}:1": it follows on sha1:else, and it is the first one`],
    [
      { [at]: first.text, "committed/000002.sql": other.text },
      `Cannot read migration "…/committed/000002.sql:1": it follows on sha1:else, and "${at}" has ${first.hash}`,
    ],
    [
      { [at]: first.text, "committed/000001-b.sql": second.text },
      `Cannot read migration "…/${at}": "committed/000001-b.sql" has its number, and both would be recorded as "000001.sql" (give one of them another number)`,
    ],
    [
      { [at]: first.text.replaceAll("\n", "\r\n") },
      `Cannot read migration "…/${at}:1": its lines end in \\r\\n, which graphile-migrate does not read (save it with \\n)`,
    ],
    [
      { [at]: `\uFEFF${first.text}` },
      `Cannot read migration "…/${at}:1": it begins with a byte order mark, which graphile-migrate does not read (save it without)`,
    ],
    [
      { [at]: first.text.replace("\n\n", "\n") },
      `Cannot read migration "…/${at}:3": an empty line must stand behind its --! headers`,
    ],
    [{ [at]: "--! Hash: a\n--! Hash: b\n\n" }, `Cannot read migration "…/${at}:2": its header --! Hash stands twice`],
    [
      { [at]: "--! Hash: a\n\n" },
      `Cannot read migration "…/${at}:1": it has no --! Previous: header (only what is committed is shipped)`,
    ],
    [
      { [at]: "--! Previous: -\n\n" },
      `Cannot read migration "…/${at}:1": it has no --! Hash: header (only what is committed is shipped)`,
    ],
  ];
  for (const [files, message] of refusals) expect(await refusalBy(graphileMigrate, files)).toBe(message);
  expect(await refusalBy(graphileMigrate, chain, { recordTable: "done" })).toBe(
    'Cannot read migrations from "…": graphile-migrate keeps its record in "graphile_migrate.migrations" alone, not in "done" (leave recordTable out)',
  );
});

test("a hash that is allowed to be wrong is no reason to refuse, and an empty body has one", async () => {
  const allowed = first.text.replace("int", "bigint").replace("\n\n", "\n--! AllowInvalidHash\n\n");
  const { migrations } = await readBy(graphileMigrate, { "000001.sql": allowed });
  expect(migrations[0]?.recordedAs?.checksum).toBe(first.hash);
  const empty = await readBy(graphileMigrate, { "000001.sql": committed("-", "").text });
  expect(empty.migrations[0]?.up).toMatchObject({ sql: "\n" });
});
