// SQL that runs on some servers: what breaks elsewhere is said where it stands, and `inspect` names what it needs.
import { describe, expect, test } from "vitest";
import { inspect } from "../../harness/inspect.ts";
import { folderOf } from "../repository.ts";
import { onEngine, onStage, whyNoImage } from "../stage.ts";
import { installed } from "./walking.ts";

const users = "create table users (id int primary key, name varchar(50), facts json);\n";

describe("on PostgreSQL", () => {
  const stage = onStage();

  test("extensions that the server lacks", async () => {
    const files = {
      "1_vector.sql": "create extension vector;\ncreate table notes (at vector(3));\n",
      "2_gis.sql": "create extension postgis;\n",
    };
    expect(await installed(stage(), files)).toEqual(["broken", "migration-failed 1_vector 0A000 at 1_vector.sql:1"]);
    expect((await inspect(folderOf(files))).needs).toMatchObject([
      { kind: "extension", what: 'extension "vector"', why: "not part of PostgreSQL", migration: "1_vector" },
      { kind: "extension", what: 'extension "postgis"', migration: "2_gis" },
    ]);
  });

  test("roles that are not there, and rights that a product's user may not have", async () => {
    const files = {
      "1_users.sql": users,
      "2_owner.sql": "alter table users owner to shop_owner;\n",
      "3_log.sql": "copy users (name) from program 'cat /etc/shop.csv';\n",
      "4_events.sql":
        "create role shop_reader;\ncreate event trigger seen on ddl_command_end execute function seen();\n",
    };
    expect(await installed(stage(), files)).toEqual(["broken", "migration-failed 2_owner 42704 at 2_owner.sql:1"]);
    expect((await inspect(folderOf(files))).needs).toMatchObject([
      { kind: "role", what: 'role "shop_owner"', why: "must be there", migration: "2_owner" },
      { kind: "right", what: "COPY of a server's file or program", why: "superuser", migration: "3_log" },
      { kind: "role", what: 'role "shop_reader"', migration: "4_events" },
      { kind: "right", what: "CREATE EVENT TRIGGER", why: "superuser", migration: "4_events" },
    ]);
  });

  test("words that are reserved here", async () => {
    const files = {
      "1_order.sql": "create table orders (id int primary key);\ncreate table user (id int primary key);\n",
    };
    expect(await installed(stage(), files)).toEqual(["broken", "migration-failed 1_order 42601 at 1_order.sql:2"]);
    const elsewhere = {
      "1_order.sql": "create table orders (id int primary key);\ncreate table ranks (`rank` int);\n",
    };
    expect(await installed(stage(), elsewhere)).toEqual(["broken", "migration-failed 1_order 42601 at 1_order.sql:2"]);
  });
});

/** What only newer servers read, and the oldest that does. */
const newer = {
  "1_users.sql": users,
  "2_newer.sql": "create view odd as\n  select id from users where name is json;\n",
};

describe("SQL of PostgreSQL 16", () => {
  const stage = onStage();

  test("runs on a newer one", async () => {
    expect(await installed(stage(), newer)).toEqual(["clean"]);
    expect((await inspect(folderOf(newer), { engine: "postgres" })).needs).toMatchObject([
      { kind: "server", what: "IS JSON", why: "PostgreSQL 16 or newer", migration: "2_newer" },
    ]);
  });
});

const missing = await whyNoImage("postgres");
describe.skipIf(missing !== undefined)("SQL of PostgreSQL 16 on 15", () => {
  const stage = onStage("postgres", "container");

  test("is a syntax error where it begins", async () => {
    expect(await installed(stage(), newer)).toEqual(["broken", "migration-failed 2_newer 42601 at 2_newer.sql:2"]);
  });
});

/** What MySQL runs, what MariaDB says of it, and what `inspect` calls it. */
const mysqls: { readonly [what: string]: readonly [sql: string, said: string, need: string] } = {
  "CAST … AS JSON": [
    "select 1;\nselect cast(facts as json) from users;\n",
    "1064 at 2_odd.sql:2",
    "CAST … AS JSON: MySQL's, not MariaDB's",
  ],
  "->>": ["select facts->>'$.name' from users;\n", "1064 at 2_odd.sql:1", "-> and ->>: MySQL's, not MariaDB's"],
  BIN_TO_UUID: [
    "insert into users (id, name) values (1, bin_to_uuid(x'00112233445566778899aabbccddeeff'));\n",
    "1305 at 2_odd.sql:1",
    "BIN_TO_UUID(): MySQL's, not MariaDB's",
  ],
  "a check under the name that MySQL gives it": [
    "alter table users add check (id > 0);\nalter table users drop check users_chk_1;\n",
    "1064 at 2_odd.sql:2",
    "a check's name: as MySQL makes it up; MariaDB makes up another",
  ],
  "the same as a constraint": [
    "alter table users add check (id > 0);\nalter table users drop constraint users_chk_1;\n",
    "1091 at 2_odd.sql:2",
    "a check's name: as MySQL makes it up; MariaDB makes up another",
  ],
  "an index on an expression": [
    "create index lowered on users ((lower(name)));\n",
    "1064 at 2_odd.sql:1",
    "an index on an expression: MySQL's, not MariaDB's",
  ],
};
const mariadbs = {
  "1_users.sql": users,
  "2_odd.sql": "select 1;\nalter table users add column if not exists name text;\n",
};

test.each(Object.entries(mysqls))("inspect names %s", async (_, [sql, , need]) => {
  const { needs } = await inspect(folderOf({ "1_users.sql": users, "2_odd.sql": sql }), { engine: "mysql" });
  expect(needs.map(({ kind, what, why, migration }) => `${kind} ${migration} ${what}: ${why}`)).toEqual([
    `server 2_odd ${need}`,
  ]);
});

await onEngine("mariadb", () => {
  const stage = onStage("mariadb");

  test.each(Object.entries(mysqls))("%s is MySQL's alone, and said where it stands", async (_, [sql, said]) => {
    const files = { "1_users.sql": users, "2_odd.sql": sql };
    expect(await installed(stage(), files)).toEqual(["broken", `migration-failed 2_odd ${said}`]);
  });

  test("a column that is added unless it is there is its own", async () => {
    expect(await installed(stage(), mariadbs)).toEqual(["clean"]);
    expect((await inspect(folderOf(mariadbs), { engine: "mariadb" })).needs).toMatchObject([
      { kind: "server", what: "IF EXISTS of columns and keys", why: "MariaDB's, not MySQL's" },
    ]);
  });

  test("a word that MySQL reserves is a name here", async () => {
    expect(await installed(stage(), { "1_a.sql": "create table a (id int, rank int, `groups` int);\n" })).toEqual([
      "clean",
    ]);
  });
});

await onEngine("mysql", () => {
  const stage = onStage("mysql");

  test("what MariaDB does not run comes through on MySQL", async () => {
    const odd = Object.values(mysqls).map(([sql], i) => [
      `${i + 2}_odd.sql`,
      sql.replaceAll("lowered", `lowered_${i}`),
    ]);
    const files = { "1_users.sql": users, ...Object.fromEntries(odd) };
    expect(await installed(stage(), files)).toEqual(["clean"]);
  });

  test("what MariaDB alone runs is a syntax error where it begins", async () => {
    expect(await installed(stage(), mariadbs)).toEqual(["broken", "migration-failed 2_odd 1064 at 2_odd.sql:2"]);
  });

  test("a word that it reserves is a syntax error where it begins", async () => {
    expect(await installed(stage(), { "1_a.sql": "create table a (id int);\ncreate table b (rank int);\n" })).toEqual([
      "broken",
      "migration-failed 1_a 1064 at 1_a.sql:2",
    ]);
  });
});
