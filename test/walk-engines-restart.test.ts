// The start that follows where a path came through: nothing is pending any more, and boot finds all done.

import { setTimeout as sleep } from "node:timers/promises";
import { broken, clean, invariant, type Task } from "migration-sandbox";
import { describe, expect, test } from "vitest";
import {
  codes,
  duplicate,
  engines,
  messages,
  nothingWrong,
  numbered,
  outcomes,
  sowing,
  users,
  walksOn,
} from "./walk.contract.ts";

const ann = "insert into users values (1, 'ann')";
const nothing = "select 1";
const roles = "create table roles (id int primary key, name varchar(50))";

/** Adds a role each time. */
const addingRole: Task = async ({ db }) => {
  const ids = await db("roles").select("id");
  await db("roles").insert({ id: ids.length + 1, name: "admin" });
};
/** Adds a role unless there is one. */
const addingRoleOnce: Task = async (at) => {
  if ((await at.db("roles").first()) === undefined) await addingRole(at);
};

describe.each(engines)("a restart on %s", (engine) => {
  const { chained, databases, stage } = walksOn(engine);
  const twice = numbered(duplicate, engine);

  test("changes nothing where boot finds its work done", async () => {
    const rehearsals = await chained({
      migrations: [`${users}; ${roles}`, nothing],
      releases: [{ boot: { "adds a role": addingRoleOnce } }, { boot: { "adds a role": addingRoleOnce } }],
      seeds: { "1.0": sowing(ann) },
      paths: [
        { from: "1.0", to: "1.1", expect: clean },
        { to: "1.0", expect: clean },
      ],
    });
    expect(rehearsals.map(({ verdict }) => verdict)).toEqual([nothingWrong, nothingWrong]);
  });

  test("tells rows that boot adds again, and leaves the state to those who go on from it", async () => {
    const seen: unknown[] = [];
    const rehearsals = await chained({
      migrations: [`${users}; ${roles}`, nothing, nothing],
      releases: [{}, { boot: { "adds a role": addingRole } }, {}],
      seeds: { "1.0": sowing(ann) },
      paths: [
        { from: "1.0", to: "1.1", expect: broken("restart-changed", { release: "1.1", table: "roles" }) },
        { from: "1.0", via: ["1.1"], to: "1.2", expect: clean },
        { from: "1.0", to: "1.1", expect: broken("restart-changed") },
      ],
      async check({ after }) {
        seen.push((await after.all("roles")).length);
        return [];
      },
    });
    expect(rehearsals.map(({ met }) => met)).toEqual([true, true, true]);
    expect(rehearsals[0]?.verdict.findings).toEqual([
      {
        code: "restart-changed",
        release: "1.1",
        table: "roles",
        message:
          'a second start of 1.1 changes what the first had made: "roles": 1 row added; the first by id: {"id":"2"}',
      },
    ]);
    expect(seen).toEqual([1, 1, 1]);
  });

  test("tells values that boot changes, rows that it removes, and tables and columns that it makes", async () => {
    const boot: Task = async ({ db }) => {
      await db("users")
        .increment("id", 0)
        .update({ name: db.raw("concat(name, '!')") });
      const [last] = await db("roles").orderBy("id", "desc").limit(1);
      if (last?.id !== 1) await db("roles").where({ id: last?.id }).delete();
      const made = await db.schema.hasTable("first");
      await db.schema.createTable(made ? "second" : "first", (table) => table.integer("id").primary());
      if (made) await db.schema.alterTable("first", (table) => table.integer("n"));
    };
    const [rehearsal] = await chained({
      migrations: [`${users}; ${roles}; ${ann}; insert into roles values (1, 'a'), (2, 'b'), (3, 'c')`],
      releases: [{ boot: { "does it all again": boot } }],
      paths: [{ to: "1.0", expect: broken("restart-changed") }],
    });
    expect(messages(rehearsal?.verdict.findings ?? []).map((text) => text.replace(/^.*?had made: /, ""))).toEqual([
      'table "second" is new',
      '"first": column "n" is new',
      '"roles": 1 row gone; the first by id: {"id":"2"}',
      '"users": 1 row changed in "name"; the first by id: {"id":"1"}',
    ]);
    expect(rehearsal?.verdict.findings.map(({ table }) => table)).toEqual(["second", "first", "roles", "users"]);
    expect(rehearsal?.met).toBe(true);
  });

  test("that fails is told by the failure", async () => {
    const boot: Task = async ({ db }) => void (await db("users").insert({ id: 2, name: "admin" }));
    const rehearsals = await chained({
      migrations: [users],
      releases: [{ boot: { "adds an admin": boot } }],
      paths: [{ to: "1.0", expect: broken("boot-failed", { task: "adds an admin", ...duplicate }) }],
    });
    expect(outcomes(rehearsals)).toEqual([["broken", "boot-failed"]]);
    expect(rehearsals[0]?.verdict.findings[0]).toMatchObject(twice);
    expect(rehearsals[0]?.met).toBe(true);
  });

  test("tells an error that boot swallows only the second time, and none that it swallowed before", async () => {
    const swallowing: Task = async ({ db }) =>
      void (await db("users")
        .insert({ id: 2 })
        .catch(() => {}));
    const rehearsals = await chained({
      migrations: [users, nothing],
      releases: [{ boot: { swallowing } }],
      paths: [
        { to: "1.0", expect: broken("error-swallowed", duplicate) },
        { from: "1.0", to: "1.1", expect: clean },
      ],
    });
    const always = await chained({
      migrations: [`${users}; insert into users values (2, 'admin')`],
      releases: [{ boot: { swallowing } }],
      paths: [{ to: "1.0", expect: broken("error-swallowed", duplicate) }],
    });
    expect(outcomes([...rehearsals, ...always])).toEqual([
      ["broken", "error-swallowed"],
      ["clean"],
      ["broken", "error-swallowed"],
    ]);
  });

  test("tells what boot swallows though the same task of an earlier release had swallowed it too", async () => {
    const adding = (id: number): Task => {
      return async ({ db }) =>
        void (await db("users")
          .insert({ id })
          .catch(() => {}));
    };
    const rehearsals = await chained({
      migrations: [`${users}; ${ann}`, nothing, nothing],
      releases: [{}, { boot: { "adds an admin": adding(1) } }, { boot: { "adds an admin": adding(2) } }],
      paths: [
        {
          from: "1.0",
          via: ["1.1"],
          to: "1.2",
          expect: broken([
            { code: "error-swallowed", release: "1.1" },
            { code: "error-swallowed", release: "1.2" },
          ]),
        },
      ],
    });
    expect(rehearsals.map(({ met }) => met)).toEqual([true]);
  });

  test("runs again what the record has lost", async () => {
    const rehearsals = await chained({
      migrations: [users, "update users set name = 'by 1.1'", "delete from _migration_sandbox"],
      seeds: { "1.0": sowing(ann) },
      paths: [{ from: "1.0", to: "1.2", expect: broken("migration-failed", { release: "1.2", migration: "0001" }) }],
    });
    expect(outcomes(rehearsals)).toEqual([["broken", "migration-failed"]]);
    expect(rehearsals[0]?.met).toBe(true);
  });

  test("runs again, and changes, what the record has lost of migrations that can be run twice", async () => {
    const rehearsals = await chained({
      migrations: [
        "create table if not exists users (id int primary key, name varchar(50))",
        "update users set name = concat(name, '!')",
        "delete from _migration_sandbox",
      ],
      seeds: { "1.0": sowing(ann) },
      paths: [{ from: "1.0", to: "1.2", expect: broken("restart-changed", { release: "1.2", table: "users" }) }],
    });
    expect(messages(rehearsals[0]?.verdict.findings ?? [])).toEqual([
      expect.stringMatching(
        /^a second start of 1\.2, which runs "0001", "0002" again \(the record has lost it\), changes/,
      ),
    ]);
    expect(rehearsals[0]?.met).toBe(true);
  });

  test("is handed the settings of its path, and follows `use`", async () => {
    const seen: unknown[] = [];
    const boot: Task = async ({ db, settings }) => void seen.push([settings, (await db("users").select("id")).length]);
    await chained({
      migrations: [users],
      releases: [
        { boot: { boot }, use: { "ann comes": async ({ db }) => void (await db("users").insert({ id: 1 })) } },
      ],
      paths: [{ to: "1.0", settings: { a: 1 }, expect: clean }],
    });
    expect(seen).toEqual([
      [{ a: 1 }, 0],
      [{ a: 1 }, 1],
    ]); // prettier-ignore
  });

  test("is none where the path failed, and is one where it came through with findings", async () => {
    let boots = 0;
    const boot: Task = async () => void boots++;
    const rehearsals = await chained({
      migrations: [users, "delete from users", "update users set nope = 1"],
      releases: [{}, { boot: { boot } }, { boot: { boot } }],
      seeds: { "1.0": sowing(ann) },
      paths: [
        { from: "1.0", to: "1.2", expect: broken("migration-failed") },
        { from: "1.0", to: "1.1", expect: broken("rows-lost") },
      ],
    });
    expect(outcomes(rehearsals)).toEqual([
      ["broken", "migration-failed"],
      ["broken", "rows-lost"],
    ]);
    expect(boots).toBe(2);
  });

  test("that cannot be judged makes its path inconclusive, with what a check had found", async () => {
    const full =
      engine === "postgres"
        ? "do $$ begin raise exception 'full' using errcode = '53100'; end $$"
        : "signal sqlstate 'HY000' set message_text = 'full', mysql_errno = 1021";
    let boots = 0;
    const [rehearsal] = await chained({
      migrations: [users],
      releases: [{ boot: { "finds no room": async ({ db }) => void (++boots > 1 && (await db.raw(full))) } }],
      paths: [{ to: "1.0", check: invariant("nobody", "select 1 as one"), expect: clean }],
    });
    expect(rehearsal?.verdict).toMatchObject({ outcome: "inconclusive", cause: { code: "disk-full" } });
    expect(codes(rehearsal?.verdict.findings ?? [])).toEqual(["nobody"]);
  });

  test("leaves no database behind, whatever came of it", async () => {
    const before = await databases();
    await chained({
      migrations: [users],
      releases: [{ boot: { "fails twice": async ({ db }) => void (await db("users").insert({ id: 1 })) } }],
      paths: [{ to: "1.0", expect: clean }],
    });
    const more = async () => (await databases()).filter((name) => !before.includes(name));
    for (let looks = 0; looks < 20 && (await more()).length > 0; looks++) await sleep(50);
    expect(await more()).toEqual([]);
  });

  test("keeps nobody from entering what is kept of its path", async () => {
    const [rehearsal] = await chained(
      {
        migrations: [`${users}; ${roles}`],
        releases: [{ boot: { "adds a role": addingRole } }],
        paths: [{ to: "1.0", expect: clean }],
      },
      { keep: true },
    );
    expect(outcomes(rehearsal === undefined ? [] : [rehearsal])).toEqual([["broken", "restart-changed"]]);
    const { server } = stage();
    const database = new URL(rehearsal?.kept?.url ?? "").pathname.slice(1);
    const session = await server.engine.connect({ ...server.maintenance, database });
    expect(await session.query("select id from roles").finally(() => session.end())).toEqual([{ id: 1 }]);
  });
});
