import { believable, oneToMany, orphans, type Seeder, type Soil, seeder, withoutParent } from "migration-sandbox";
import { describe, expect, test } from "vitest";
import type { Database } from "../harness/database.ts";
import { HarnessError } from "../harness/errors.ts";
import { endKnex, type Sandbox, type Stage } from "../harness/sandbox.ts";
import { sow } from "../harness/seeder.ts";
import type { Row } from "../harness/snapshot.ts";
import { thrownBy } from "./engines/engine.contract.ts";
import { onEngine, onStage } from "./stage.ts";

const schema = `create table users (id int primary key, name varchar(100) not null, email varchar(100) not null unique);
  create table posts (id int primary key, author_id int, foreign key (author_id) references users (id), title varchar(100));`;

for (const name of ["postgres", "mariadb", "mysql"] as const) {
  await onEngine(name, () => {
    const stage = onStage(name);

    test("what is planted is believable, related, and the same for the same seed", () =>
      inSandbox(stage(), async (soil) => {
        const related = seeder("users and their posts", async (soil) => {
          const name = believable(soil, (faker) => faker.person.fullName());
          const email = believable(soil, (faker) => faker.internet.email(), { unique: true });
          const users = Array.from({ length: 2000 }, (_, i) => ({ id: i + 1, name: name(), email: email() }));
          await soil.plant("users", users);
          const posts = oneToMany(users, [0, 1, 2, 5], (user, i) => ({ id: i + 1, author_id: user.id }));
          await soil.plant("posts", withoutParent(posts, "author_id", { every: 100 }));
        });
        const sown = async (seed: number) => {
          await soil.sow(related, seed);
          const rows = [await soil.db("users").orderBy("id"), await soil.db("posts").orderBy("id")];
          for (const table of ["posts", "users"]) await soil.db(table).delete();
          return rows;
        };
        const first = await sown(1);
        expect(first.map((rows) => rows.length)).toEqual([2000, 4000]);
        expect(first[0]?.[0].name).toMatch(/^\S+ \S+/);
        expect(first[0]?.[0].email).toMatch(/-1@/);
        expect(first[1]?.filter((post: Row) => post.author_id === null)).toHaveLength(40);
        expect(await sown(1)).toEqual(first);
        expect(await sown(2)).not.toEqual(first);
      }));

    test("orphans are sown where foreign keys rest", () =>
      inSandbox(stage(), async (soil) => {
        const posts = [{ id: 1 }, { id: 2 }, { id: 3 }];
        const author = { id: 1, name: "ann", email: "ann@x.org" };
        await soil.sow(
          seeder("posts of authors who are gone", async ({ db, plant, fallow }) => {
            await plant("users", [author]);
            await fallow(({ plant }) => plant("posts", orphans(posts, { author_id: 404 })));
            await db("posts").insert({ id: 4, author_id: 1 });
          }),
        );
        const snapshot = await soil.sandbox.snapshot();
        const table = (await snapshot.tables()).find((table) => table.name === "posts");
        const [key] = table?.foreignKeys ?? [];
        expect(table !== undefined && key !== undefined && (await snapshot.orphans([{ table, key }]))).toEqual([3]);
        await snapshot.end();
      }));

    test("what the server refuses is told with its table and its row, counted among all that are planted", () =>
      inSandbox(stage(), async (soil) => {
        const long = { id: 5003, title: "x".repeat(101) };
        const some = Array.from({ length: 5000 }, (_, i) => ({ id: i + 1, title: "x" }));
        const rows = [...some, { id: 5001 }, { id: 5002, title: "y" }, long];
        const where = (row: number) => (name === "postgres" ? `(row ${row}, column title: "xxx` : ` at row ${row}`);
        const all = await failure(soil, ({ plant }) => plant("posts", rows));
        expect(all).toMatch(/^Cannot sow "s": plant\("posts"\): .* too long for /i);
        expect(all).toContain(where(5003));
        await soil.db("posts").delete();
        expect(await failure(soil, ({ plant }) => plant("posts", rows.slice(5001)))).toContain(where(2));
      }));

    test("a parent who is missing beside a fallow is told with the way into it", () =>
      inSandbox(stage(), async (soil) => {
        const posts = [{ id: 1, author_id: 404 }];
        const way = "(plant with the soil that fallow hands over: fallow(({ plant }) => …))";
        expect(await failure(soil, ({ plant, fallow }) => fallow(() => plant("posts", posts)))).toContain(way);
        expect(await failure(soil, ({ plant }) => plant("posts", posts))).not.toContain("fallow");
        const after = await failure(soil, async ({ plant, fallow }) => {
          await fallow(({ plant }) => plant("posts", posts));
          await plant("posts", [{ id: 2, author_id: 405 }]);
        });
        expect(after).not.toContain("fallow");
        const twice = [1, 1].map((id) => ({ id, author_id: null }));
        expect(await failure(soil, ({ plant, fallow }) => fallow(() => plant("posts", twice)))).not.toContain("fallow");
      }));

    test.each<[string, (soil: Soil) => unknown]>([
      ['plant("nowhere", …)', async ({ plant }) => void plant("nowhere", [{ id: 1 }])],
      ['plant("posts", …)', async ({ plant }) => void plant("posts", [{ id: 1 }])],
      ['plant("posts", …)', ({ plant }) => void plant("posts", [{ id: 1 }])],
      ["fallow(…)", async ({ fallow }) => void fallow(({ plant }) => plant("nowhere", [{ id: 1 }]))],
      ['plant("nowhere", …)', ({ fallow }) => fallow(async ({ plant }) => void plant("nowhere", [{ id: 1 }]))],
      [
        'plant("nowhere", …)',
        async ({ plant, db }) => {
          void plant("nowhere", [{ id: 1 }]);
          for (let n = 0; n < 20; n++) await db("posts");
        },
      ],
      [
        'plant("posts", …)',
        async ({ plant }) => void [[{ id: 1 }]].forEach(async (rows) => await plant("posts", rows)),
      ],
    ])("%s that was not awaited is told, and nothing is thrown where nobody waits (#%#)", (what, sow) =>
      inSandbox(stage(), async (soil) => {
        expect(await failure(soil, sow as Seeder["sow"])).toBe(`Cannot sow "s": ${what} was not awaited`);
      }),
    );
  });
}

describe("sow()", () => {
  const stage = onStage();

  test("draws go on where foreign keys rest", () =>
    inSandbox(stage(), async (soil) => {
      const draws: unknown[] = [];
      const drawing = seeder("draws", async ({ random, faker, fallow }) => {
        draws.push(random(), faker.number.int());
        await fallow(async (inside) => void draws.push(inside.random(), inside.faker.number.int()));
        draws.push(random(), faker.number.int());
      });
      await soil.sow(drawing);
      await soil.sow(drawing);
      expect(new Set(draws.slice(0, 6)).size).toBe(6);
      expect(draws.slice(6)).toEqual(draws.slice(0, 6));
    }));

  test("a seeder that fails is told with what the server said", () =>
    inSandbox(stage(), async (soil) => {
      const twice = seeder("ann twice", ({ plant }) =>
        plant(
          "users",
          [1, 1].map((id) => ({ id, name: "ann", email: `${id}` })),
        ),
      );
      const thrown = await thrownBy(soil.sow(twice));
      expect(thrown).toBeInstanceOf(HarnessError);
      expect(thrown).toMatchObject({
        code: "seeder-failed",
        message:
          'Cannot sow "ann twice": plant("users"): duplicate key value violates unique constraint "users_pkey" (row 2; Key (id)=(1) already exists)',
        cause: { code: "23505" },
      });
    }));

  test("what the server does not let us do is no failure of the seeder", () =>
    inSandbox(stage(), async (soil) => {
      const refused = seeder("orphans", async () => {
        throw new HarnessError("server-unusable", "Cannot let foreign keys rest: no");
      });
      await expect(soil.sow(refused)).rejects.toMatchObject({
        code: "server-unusable",
        message: 'Cannot sow "orphans": Cannot let foreign keys rest: no',
      });
    }));

  test("rows that can be read only once are refused the second time, rather than be none", () =>
    inSandbox(stage(), async (soil) => {
      const once = (function* () {
        yield { id: 1, name: "ann", email: "ann@x.org" };
      })();
      const ann = seeder("ann", ({ plant }) => plant("users", once));
      await soil.sow(ann);
      await soil.db("users").delete();
      await expect(soil.sow(ann)).rejects.toThrow(
        'Cannot sow "ann": plant("users"): the rows can be read only once, and were planted before (make them inside the seeder)',
      );
    }));

  test("what failed because something else was not awaited is told with that", () =>
    inSandbox(stage(), async (soil) => {
      function* slow() {
        yield { id: 1, name: "ann", email: "ann@x.org" };
        throw new RangeError("no more rows");
      }
      const forgetful = failure(soil, async ({ plant }) => {
        void plant("users", slow());
        await plant("posts", [{ id: 1, author_id: 1 }]);
      });
      expect(await forgetful).toMatch(
        /^Cannot sow "s": plant\("posts"\): .*not present in table "users"\) \(plant\("users", …\) was not awaited\)$/,
      );
    }));

  test("however it is waited for, it was", () =>
    inSandbox(stage(), async (soil) => {
      const user = (id: number) => [{ id, name: "ann", email: `${id}` }];
      await soil.sow(
        seeder("all awaited", async ({ plant, fallow }) => {
          await plant("users", user(1));
          await Promise.all([plant("users", user(2)), plant("users", user(3))]);
          const later = plant("users", user(4));
          await plant("users", user(5)).finally(() => {});
          await later;
          await plant("nowhere", []).catch(() => {});
          await fallow(async ({ plant }) => plant("users", user(6)));
          return plant("users", user(7));
        }),
      );
      expect(await soil.db("users").pluck("id")).toHaveLength(7);
      const shortened = failure(soil, async ({ plant }) => {
        await Promise.all([plant("nowhere", [{ id: 1 }]), plant("users", user(8))]);
      });
      expect(await shortened).toBe('Cannot sow "s": plant("nowhere"): relation "nowhere" does not exist');
    }));

  test("what never ends is not waited for for long", async () => {
    const engine = { plant: () => new Promise<void>(() => {}), fallow: async () => {} };
    const field = { db: {} as Database, engine, seed: 1, patience: 20 };
    const forgetful = seeder("s", async ({ plant }) => void plant("users", []));
    await expect(sow(forgetful, field)).rejects.toThrow('Cannot sow "s": plant("users", …) was not awaited');
  });

  test.each<[unknown, string]>([
    [{ id: 1 }, "{ id: 1 }"],
    ["ann", "'ann'"],
    [undefined, "undefined"],
    [Promise.resolve([]), "Promise { [] }"],
  ])("plant() is told that %o is no list of rows", (rows, quoted) =>
    inSandbox(stage(), async (soil) => {
      expect(await failure(soil, ({ plant }) => plant("users", rows as Row[]))).toBe(
        `Cannot sow "s": plant("users"): the rows are ${quoted} (plant takes a list of rows: plant("users", [{ … }]))`,
      );
    }),
  );

  test("what is no seeder is told how one is made", async () => {
    const engine = { plant: async () => {}, fallow: async () => {} };
    await expect(sow({ name: "x" } as Seeder, { db: {} as Database, engine, seed: 1 })).rejects.toMatchObject({
      code: "seeder-failed",
      message: 'Cannot sow "x": it is no seeder (one is made by seeder("…", async ({ plant }) => …))',
    });
  });
});

describe("believable()", () => {
  const soilOf = (): Soil => {
    let kept: Soil | undefined;
    const keeping = seeder("nothing", async (soil) => {
      kept = soil;
    });
    void sow(keeping, { db: {} as Database, engine, seed: 1 });
    if (kept === undefined) throw new Error("A seeder is handed its soil at once");
    return kept;
  };
  const engine = { plant: async () => {}, fallow: async () => {} };

  test("asks Faker once per value of a pool, however many are picked", () => {
    let asked = 0;
    const pick = believable(soilOf(), () => ++asked);
    for (let n = 0; n < 5000; n++) expect(pick()).toBeLessThanOrEqual(997);
    expect(asked).toBe(997);
  });

  test("unique texts are numbered, before the @ of an address", () => {
    const pick = believable(soilOf(), () => "ann@x.org", { unique: true });
    expect([pick(), pick()]).toEqual(["ann-1@x.org", "ann-2@x.org"]);
    const name = believable(soilOf(), (faker) => faker.lorem.word(), { unique: true });
    expect(new Set(Array.from({ length: 5000 }, () => name())).size).toBe(5000);
    expect(() => believable(soilOf(), () => 1, { unique: true })()).toThrow(
      "only texts can be made unique, and 1 is none",
    );
  });
});

interface Bed {
  readonly db: Database;
  readonly sandbox: Sandbox;
  readonly sow: (seeder: Seeder, seed?: number) => Promise<void>;
}

/** What a seeder "s" that cannot sow is told. */
async function failure({ sow }: Bed, sows: Seeder["sow"]): Promise<string> {
  const thrown = await thrownBy(sow(seeder("s", sows)));
  expect(thrown).toBeInstanceOf(HarnessError);
  expect(thrown).toMatchObject({ code: "seeder-failed" });
  return (thrown as HarnessError).message;
}

async function inSandbox(stage: Stage, act: (bed: Bed) => Promise<void>): Promise<void> {
  const sandbox = await stage.create();
  const session = await sandbox.connect();
  await session.script(schema);
  await session.end();
  const db = await sandbox.knex();
  try {
    await act({ db, sandbox, sow: (seeder, seed = 1) => sow(seeder, { db, engine: sandbox.engine, seed }) });
  } finally {
    await endKnex(db);
    await sandbox.drop();
  }
}
