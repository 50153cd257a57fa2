// What releases do beside migrating: boot, use, and what they are handed; what is heard of their errors; their models.

import { broken, clean, invariant, type Log, type Migration, seeder, type Task } from "migration-sandbox";
import { describe, expect, test } from "vitest";
import {
  codes,
  duplicate,
  engines,
  messages,
  noColumn,
  nothingWrong,
  numbered,
  outcomes,
  sowing,
  users,
  walksOn,
} from "./walk.contract.ts";

const ann = "insert into users values (1, 'ann')";
const nothing = "select 1";
const insertAnn: Task = async ({ db }) => void (await db("users").insert({ id: 1, name: "ann" }));

class Refused extends Error {}

describe.each(engines)("tasks on %s", (engine) => {
  const { chained } = walksOn(engine);
  const twice = numbered(duplicate, engine);

  describe("boot", () => {
    test("runs its tasks in order behind the migrations of every start, handed the path's settings", async () => {
      const ran: unknown[] = [];
      const telling = (line: string): Task => {
        return async ({ db, settings }) => {
          const columns = Object.keys((await db("users").first()) ?? {}).length;
          ran.push([line, columns, settings]);
        };
      };
      const boot = (release: string) => ({
        boot: { zoo: telling(`${release} first`), ark: telling(`${release} next`) },
      });
      const settings = { mail: { host: "nowhere", ports: [25, 587] } };
      const rehearsals = await chained({
        migrations: [`${users}; ${ann}`, "alter table users add column email varchar(9)"],
        releases: [boot("1.0"), boot("1.1")],
        paths: [{ from: "1.0", to: "1.1", settings, expect: clean }],
      });
      const ofLast = [
        ["1.1 first", 3, settings],
        ["1.1 next", 3, settings],
      ]; // prettier-ignore
      expect(ran).toEqual([["1.0 first", 2, settings], ["1.0 next", 2, settings], ...ofLast, ...ofLast]);
      expect(rehearsals).toMatchObject([{ settings, verdict: nothingWrong }]);
    });

    test("that throws ends the path, and no stop behind it is reached", async () => {
      const reached: string[] = [];
      const reaching = (line: string): Task => {
        return async () => void reached.push(line);
      };
      const [rehearsal] = await chained({
        migrations: [`${users}; ${ann}`, nothing, nothing],
        releases: [
          {},
          { boot: { "adds ann": insertAnn, "goes on": reaching("boot") }, use: { "is used": reaching("use") } },
          { boot: { "comes up": reaching("1.2") } },
        ],
        seeds: { "1.1": seeder("rows", async () => void reached.push("seeds")) },
        paths: [
          { from: "1.0", via: ["1.1"], to: "1.2", expect: broken("boot-failed", { release: "1.1", ...duplicate }) },
        ],
      });
      expect(rehearsal?.verdict.findings).toEqual([
        expect.objectContaining({ code: "boot-failed", release: "1.1", task: "adds ann", ...twice }),
      ]);
      expect([rehearsal?.met, reached]).toEqual([true, []]);
      expect(rehearsal?.hops.map(({ to }) => to)).toEqual(["1.0", "1.1"]);
    });

    test("that throws at the start of `from`, or of a fresh install, is a finding there", async () => {
      const rehearsals = await chained({
        migrations: [`${users}; ${ann}`, nothing],
        releases: [{ boot: { "adds ann": insertAnn } }],
        paths: [
          { from: "1.0", to: "1.1", expect: broken("boot-failed", { release: "1.0" }) },
          { to: "1.0", expect: broken("boot-failed", { release: "1.0" }) },
          { to: "1.1", expect: clean },
        ],
      });
      expect(rehearsals.map(({ met }) => met)).toEqual([true, true, true]);
    });

    test("that throws what no database error lies beneath is told by its class", async () => {
      const boot: Task = async () => {
        throw new Refused("no licence");
      };
      const [rehearsal] = await chained({
        migrations: [users],
        releases: [{ boot: { "asks for a licence": boot } }],
        paths: [{ to: "1.0", expect: broken("boot-failed", { exception: "Refused", task: "asks for a licence" }) }],
      });
      expect(rehearsal?.verdict.findings).toEqual([
        {
          code: "boot-failed",
          release: "1.0",
          task: "asks for a licence",
          exception: "Refused",
          message: "no licence",
        },
      ]);
      expect(rehearsal?.met).toBe(true);
    });

    test("is part of the hop: sown rows that it removes are lost, and others' are not its doing", async () => {
      const rehearsals = await chained({
        migrations: [users, nothing],
        releases: [
          {},
          { boot: { "cleans up": async ({ db }) => void (await db("users").where("id", ">", 1).delete()) } },
        ],
        seeds: { "1.0": sowing("insert into users values (1, 'ann'), (2, 'bob')") },
        paths: [{ from: "1.0", to: "1.1", expect: broken("rows-lost", { release: "1.1", table: "users" }) }],
      });
      expect(rehearsals.map(({ met }) => met)).toEqual([true]);
      expect(messages(rehearsals[0]?.verdict.findings ?? [])).toEqual(['1 sown row is gone from "users": {"id":"2"}']);
    });
  });

  describe("settings", () => {
    /** Writes down on what it was started, and with which settings. */
    const counting = (ran: unknown[]): Task => {
      return async ({ settings }) => void ran.push(settings);
    };

    test("that are equal share a hop, and others do not", async () => {
      const ran: unknown[] = [];
      const path = { from: "1.0", to: "1.1", expect: clean };
      await chained({
        migrations: [users, nothing],
        releases: [{ boot: { counts: counting(ran) } }],
        paths: [
          { ...path, settings: { roles: ["admin"] } },
          { ...path, settings: { roles: ["admin"] } },
          { ...path, settings: { roles: [] } },
          path,
        ],
      });
      expect(ran).toEqual([{ roles: ["admin"] }, { roles: [] }, undefined]);
    });

    test("are no reason to walk a hop without tasks again, and reach the `use` behind it apart", async () => {
      let installs = 0;
      const ran: unknown[] = [];
      const install: Migration["up"] = async (db) => {
        installs += 1;
        await db.schema.createTable("users", (table) => table.increments());
      };
      await chained({
        migrations: [install, nothing],
        releases: [{ use: { counts: counting(ran) } }],
        paths: ["a", "b", "a"].map((settings) => ({ from: "1.0", to: "1.1", settings, expect: clean })),
      });
      expect([installs, [...ran].sort()]).toEqual([1, ["a", "b"]]);
    });

    test("are as the path says for every task, whatever another one did to them", async () => {
      const ran: unknown[] = [];
      const greedy: Task<{ roles: string[] }> = async ({ settings }) => {
        ran.push([...settings.roles]);
        settings.roles.push("root");
      };
      const settings = { roles: ["admin"] };
      await chained({
        migrations: [users],
        releases: [{ boot: { "adds a role": greedy as Task }, use: { "adds another": greedy as Task } }],
        paths: [{ to: "1.0", settings, expect: clean }],
      });
      expect(ran).toEqual([["admin"], ["admin"], ["admin"]]);
      expect(settings).toEqual({ roles: ["admin"] });
    });
  });

  describe("an error that a task swallows", () => {
    const swallowing = (boot: Task) =>
      chained({
        migrations: [`${users}; ${ann}`],
        releases: [{ boot: { "adds ann": boot } }],
        paths: [{ to: "1.0", expect: broken("error-swallowed", duplicate) }],
      });
    const told = { code: "error-swallowed", release: "1.0", task: "adds ann", ...twice };

    test.each<[string, Task]>([
      ["a statement", async (at) => void (await insertAnn(at).catch(() => {}))],
      [
        "a statement within a transaction",
        async ({ db }) =>
          db.transaction(async (open) => {
            await open("users")
              .insert({ id: 1 })
              .catch(() => {});
          }),
      ],
      [
        "a whole transaction",
        async ({ db }) => {
          await db.transaction(async (open) => void (await open("users").insert({ id: 1 }))).catch(() => {});
        },
      ],
      [
        "a nested transaction",
        async ({ db }) =>
          db.transaction(async (open) => {
            await open.transaction(async (inner) => void (await inner("users").insert({ id: 1 }))).catch(() => {});
            await open("users").where({ id: 1 }).update({ name: "bob" });
          }),
      ],
      ["one logged with its cause", logging((log, error) => log.error("cannot add ann", error))],
      ["one logged with a cause of its cause", logging((log, cause) => log.error("no", new Refused("no", { cause })))],
      ["one logged by its message", logging((log, error) => log.error(`cannot add ann: ${error.message}`))],
      [
        "one logged twice",
        logging((log, error) => {
          log.error("cannot add ann", error);
          log.error("no ann", error);
        }),
      ],
    ])("is one finding: %s", async (_, boot) => {
      const [rehearsal] = await swallowing(boot);
      expect(rehearsal?.verdict.findings).toEqual([expect.objectContaining(told)]);
      expect(rehearsal?.met).toBe(true);
    });

    test("is told with the words that were logged before the server's", async () => {
      const [rehearsal] = await swallowing(logging((log, error) => log.error("cannot add ann", error)));
      expect(messages(rehearsal?.verdict.findings ?? [])).toEqual([expect.stringMatching(/^cannot add ann: .*dup/i)]);
    });

    test("is none once the task throws it, bare or beneath another", async () => {
      const rethrowing = (thrown: (error: unknown) => unknown): Task => {
        return (at) =>
          insertAnn(at).catch((error: unknown) => {
            at.log.error("cannot add ann", error);
            throw thrown(error);
          });
      };
      for (const boot of [
        rethrowing((error) => error),
        rethrowing((cause) => new Refused("cannot boot", { cause })),
        rethrowing((error) => new AggregateError([new Refused("one"), error], "several")),
      ]) {
        const [rehearsal] = await swallowing(boot);
        expect(rehearsal?.verdict.findings).toEqual([expect.objectContaining({ ...told, code: "boot-failed" })]);
      }
    });

    test("stands behind what the task threw instead", async () => {
      const [rehearsal] = await swallowing(async (at) => {
        await insertAnn(at).catch(() => {});
        throw new Refused("no ann");
      });
      expect(rehearsal?.verdict.findings).toEqual([
        expect.objectContaining({ code: "boot-failed", exception: "Refused", message: "no ann" }),
        expect.objectContaining(told),
      ]);
    });

    test("may be one that is only logged, with the class of its cause where no database error lies beneath", async () => {
      const [rehearsal] = await chained({
        migrations: [users],
        releases: [
          {
            boot: {
              "sends mail": async ({ log }) => {
                log.info("sending");
                log.error("no mail");
                log.error("no route", new Refused("connection refused"));
              },
            },
          },
        ],
        paths: [
          {
            to: "1.0",
            expect: broken([
              { code: "error-swallowed", task: "sends mail" },
              { code: "error-swallowed", exception: "Refused" },
            ]),
          },
        ],
      });
      const facts = { code: "error-swallowed", release: "1.0", task: "sends mail" };
      expect(rehearsal?.verdict.findings).toEqual([
        { ...facts, message: "no mail" },
        { ...facts, exception: "Refused", message: "no route: connection refused" },
      ]);
      expect(rehearsal?.met).toBe(true);
    });

    test("does not end the path, and is a note of an upgrade whose install swallows it", async () => {
      const rehearsals = await chained({
        migrations: [`${users}; ${ann}`, nothing, nothing],
        releases: [{ boot: { "adds ann": (at) => insertAnn(at).catch(() => {}) } }, {}, {}],
        paths: [
          { from: "1.0", via: ["1.1"], to: "1.2", expect: clean },
          { to: "1.0", expect: broken("error-swallowed", duplicate) },
        ],
      });
      expect(rehearsals.map(({ met }) => met)).toEqual([true, true]);
      expect(codes(rehearsals[0]?.verdict.notes ?? [])).toEqual(["error-swallowed"]);
    });
  });

  describe("use", () => {
    test("that fails is a finding; the other uses and the path go on", async () => {
      const reached: string[] = [];
      const rehearsals = await chained({
        migrations: [`${users}; ${ann}`, nothing, nothing],
        releases: [
          {},
          {
            use: {
              "somebody adds ann": insertAnn,
              "somebody asks": async ({ db }) =>
                void (await db("users")
                  .select("nope")
                  .catch(() => {})),
              "somebody else looks": async () => void reached.push("use"),
            },
          },
        ],
        paths: [
          {
            from: "1.0",
            via: ["1.1"],
            to: "1.2",
            expect: broken([
              { code: "use-failed", release: "1.1", task: "somebody adds ann", ...duplicate },
              { code: "error-swallowed", release: "1.1", task: "somebody asks", ...noColumn },
            ]),
          },
        ],
      });
      expect(outcomes(rehearsals)).toEqual([["broken", "use-failed", "error-swallowed"]]);
      expect([rehearsals[0]?.met, reached]).toEqual([true, ["use"]]);
      expect(rehearsals[0]?.hops.map(({ to }) => to)).toEqual(["1.0", "1.1", "1.2"]);
    });

    test("is done at every stop, behind what is sown there, and at the end of the path", async () => {
      const seen: string[] = [];
      const looking = (release: string) => ({
        use: {
          "counts users": (async ({ db }) =>
            void seen.push(`${release}: ${(await db("users").select("id")).length}`)) as Task,
        },
      });
      await chained({
        migrations: [users, nothing, nothing],
        releases: ["1.0", "1.1", "1.2"].map(looking),
        seeds: { "1.0": sowing(ann), "1.1": sowing("insert into users values (2, 'bob')") },
        paths: [
          { from: "1.0", with: sowing("insert into users values (3, 'cy')"), via: ["1.1"], to: "1.2", expect: clean },
          { to: "1.2", expect: clean },
        ],
      });
      // The install is walked beside the upgrade.
      expect([...seen].sort()).toEqual(["1.0: 2", "1.1: 3", "1.2: 0", "1.2: 3"]);
    });

    test("puts rows there that are lost if a hop removes them, and removes some that nobody has lost", async () => {
      const rehearsals = await chained({
        migrations: [`${users}; ${ann}`, "delete from users where id in (1, 3)", nothing],
        releases: [
          {
            use: {
              "bob leaves and cy comes": async ({ db }) => {
                await db("users").where({ id: 2 }).delete();
                await db("users").insert({ id: 3, name: "cy" });
              },
            },
          },
          { use: { "the rest leaves": async ({ db }) => void (await db("users").delete()) } },
        ],
        seeds: { "1.0": sowing("insert into users values (2, 'bob'), (4, 'di')") },
        paths: [{ from: "1.0", to: "1.1", expect: broken("rows-lost", { table: "users" }) }],
      });
      const [verdict] = rehearsals.map((rehearsal) => rehearsal.verdict);
      expect(messages(verdict?.findings ?? [])).toEqual(['1 sown row is gone from "users": {"id":"3"}']);
      expect(messages(verdict?.notes ?? [])).toEqual(['1 product row is gone from "users": {"id":"1"}']);
    });
  });

  test.each(["boot", "use"] as const)("what a task of %s leaves open keeps nothing waiting", async (kind) => {
    const leaving: Task = async ({ db }) => {
      const open = await db.transaction();
      await open("users").update({ name: "never" });
      await db.client.acquireConnection();
    };
    const rehearsals = await chained({
      migrations: [
        `${users}; create table pets (id int primary key)`,
        "alter table users add column email varchar(9)",
        "drop table pets",
      ],
      releases: [{ [kind]: { "leaves a transaction": leaving, "goes on": async () => {} } }, { [kind]: { leaving } }],
      seeds: { "1.0": sowing(ann) },
      paths: [
        { from: "1.0", via: ["1.1"], to: "1.2", expect: clean },
        { from: "1.0", to: "1.1", expect: clean },
      ],
      check: async ({ after }) =>
        (await after.query("select name from users where name <> 'ann'")).map(() => ({ code: "kept", message: "" })),
    });
    expect(rehearsals.map(({ verdict }) => verdict)).toEqual([nothingWrong, nothingWrong]);
  });

  test("a check sees what `use` did, and the state just ahead of the first hop", async () => {
    const seen: unknown[] = [];
    await chained({
      migrations: [users, nothing],
      releases: [{}, { use: { "bob comes": async ({ db }) => void (await db("users").insert({ id: 2 })) } }],
      seeds: { "1.0": sowing(ann) },
      paths: [{ from: "1.0", to: "1.1", expect: clean }],
      async check({ before, after }) {
        seen.push((await before.all("users")).length, (await after.all("users")).length);
        return [];
      },
    });
    expect(seen).toEqual([1, 2]);
  });

  describe("a model", () => {
    const model = { users: ["id", "email"], pets: ["id"] };

    test("that the schema lacks something of is told after each start, without any data", async () => {
      const rehearsals = await chained({
        migrations: [users, "alter table users add column email varchar(9)", "create table pets (id int primary key)"],
        releases: [{ model: { users: ["id", "name"] } }, { model }, { model }],
        paths: [
          {
            from: "1.0",
            via: ["1.1"],
            to: "1.2",
            expect: broken("model-lacks-column", { release: "1.1", table: "pets" }),
          },
          { to: "1.1", expect: broken("model-lacks-column", { table: "pets" }) },
          { from: "1.0", to: "1.2", expect: clean },
        ],
      });
      expect(rehearsals.map(({ met }) => met)).toEqual([true, true, true]);
      expect(rehearsals[0]?.verdict.findings).toEqual([
        {
          code: "model-lacks-column",
          release: "1.1",
          table: "pets",
          message: 'there is no table "pets", which its code expects',
        },
      ]);
    });

    test("names the column, and is a note of an upgrade whose install lacks it", async () => {
      const rehearsals = await chained({
        migrations: [users, "alter table users add column email varchar(9)"],
        releases: [{ model: { users: ["id", "email"] } }],
        paths: [
          { from: "1.0", to: "1.1", expect: clean },
          { to: "1.0", expect: broken("model-lacks-column", { table: "users", column: "email" }) },
        ],
      });
      expect(rehearsals.map(({ met }) => met)).toEqual([true, true]);
      const told = {
        code: "model-lacks-column",
        release: "1.0",
        table: "users",
        column: "email",
        message: '"users" has no column "email", which its code expects',
      };
      expect([rehearsals[0]?.verdict.notes, rehearsals[1]?.verdict.findings]).toEqual([[told], [told]]);
    });

    test("finds a view in the place of a table, whose columns nobody tells", async () => {
      const renamed = "alter table users rename to people; create view users as select id, name from people";
      const rehearsals = await chained({
        migrations: [users, renamed],
        releases: [{}, { model: { users: ["id", "name"], people: ["id"] } }],
        paths: [{ to: "1.1", expect: clean }],
      });
      expect(outcomes(rehearsals)).toEqual([["clean"]]);
      expect(messages(rehearsals[0]?.verdict.notes ?? [])).toEqual([
        '"users" is a view: its columns were not looked at',
      ]);
    });

    test("takes a column's name as the server does", async () => {
      const [rehearsal] = await chained({
        migrations: [users],
        releases: [{ model: { users: ["ID"] } }],
        paths: [{ to: "1.0", expect: clean }],
      });
      expect(rehearsal?.verdict.outcome).toBe(engine === "postgres" ? "broken" : "clean");
    });

    test("is told beside a check that could not judge", async () => {
      const rehearsals = await chained({
        migrations: [users, nothing],
        releases: [{ model }],
        paths: [
          { to: "1.0", check: invariant("odd", "select nope"), expect: clean },
          { from: "1.0", to: "1.1", check: invariant("odd", "select nope"), expect: clean },
        ],
      });
      const lacking = ["model-lacks-column", "model-lacks-column"];
      expect(rehearsals.map(({ verdict }) => [verdict.outcome, codes(verdict.findings), codes(verdict.notes)])).toEqual(
        [
          ["inconclusive", lacking, []],
          ["inconclusive", [], lacking],
        ],
      );
    });

    test("is not asked for where the start failed", async () => {
      const rehearsals = await chained({
        migrations: [users, "update users set nope = 1"],
        releases: [{}, { model }],
        paths: [{ from: "1.0", to: "1.1", expect: broken("migration-failed", noColumn) }],
      });
      expect(rehearsals.map(({ met }) => met)).toEqual([true]);
    });
  });
});

describe("a COMMIT that postgres refuses", () => {
  const { chained } = walksOn("postgres");

  test("is heard as one finding if the task swallows it", async () => {
    const rehearsals = await chained({
      migrations: [
        `${users}; create table pets (id int, owner int references users (id) deferrable initially deferred)`,
      ],
      releases: [
        {
          boot: {
            "adds a pet": async ({ db }) => {
              await db
                .transaction(async (open) => void (await open("pets").insert({ id: 1, owner: 9 })))
                .catch(() => {});
            },
          },
        },
      ],
      paths: [{ to: "1.0", expect: broken("error-swallowed", { postgres: "23503" }) }],
    });
    expect(outcomes(rehearsals)).toEqual([["broken", "error-swallowed"]]);
    expect(rehearsals[0]?.met).toBe(true);
  });
});

describe.each(["postgres", "mariadb"] as const)("a task that hangs on %s", { timeout: 120_000 }, (engine) => {
  const { chained } = walksOn(engine);
  const sleep = engine === "postgres" ? "select pg_sleep(600)" : "do sleep(600)";

  test("makes its own path inconclusive, and no other", async () => {
    const hanging: Task = async ({ db, settings }) => {
      if (settings === "in the server") await db.raw(sleep);
      if (settings === "outside of it") await new Promise(() => {});
    };
    const rehearsals = await chained(
      {
        migrations: [users, nothing],
        releases: [{}, { boot: { "waits at boot": hanging } }],
        paths: [
          { from: "1.0", to: "1.1", settings: "in the server", expect: clean },
          { from: "1.0", to: "1.1", expect: clean },
        ],
      },
      { timeout: 4000 },
    );
    const used = await chained(
      {
        migrations: [users],
        releases: [{ use: { "waits in use": hanging } }],
        paths: [
          { to: "1.0", settings: "outside of it", expect: clean },
          { to: "1.0", expect: clean },
        ],
      },
      { timeout: 4000 },
    );
    expect([...rehearsals, ...used].map(({ verdict }) => verdict)).toMatchObject([
      {
        outcome: "inconclusive",
        cause: {
          code: "timed-out",
          message: expect.stringMatching(/^Cannot tell what becomes of the hop 1\.0 → 1\.1: .* after 4 s/),
        },
      },
      nothingWrong,
      {
        outcome: "inconclusive",
        cause: {
          code: "timed-out",
          message: expect.stringMatching(
            /^Cannot use 1\.0: "waits in use": it still hung after 4 s \(give it longer with --timeout <seconds>\)/,
          ),
        },
      },
      nothingWrong,
    ]);
  });
});

/** Logs the error of a statement and goes on. */
function logging(say: (log: Log, error: Error) => void): Task {
  return async (at) => void (await insertAnn(at).catch((error: Error) => say(at.log, error)));
}
