import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { inspect } from "node:util";
import type { Faker } from "@faker-js/faker";
import { allAwaited, told, toldOf } from "./awaited.ts";
import type { Database } from "./database.ts";
import type { Engine } from "./engines/engine.ts";
import { type Planting, refusalOf } from "./engines/planting.ts";
import { HarnessError, messageOf } from "./errors.ts";
import type { Row } from "./snapshot.ts";

/** What a seeder is handed. Every random value comes from `faker` and `random`, which start from the run's seed. */
export interface Soil {
  readonly db: Database;
  readonly faker: Faker;
  /** From 0 up to, and not including, 1. */
  readonly random: () => number;
  /**
   * Writes rows into a table, however many, in their order and much faster than INSERT. Each value arrives as `db(table).insert`
   * would have written it, and what a row does not name has its default; on MySQL and MariaDB objects and arrays arrive as JSON. As with
   * INSERT, a sequence does not move for ids that are given; PostgreSQL takes them for `generated always`, too.
   *
   * @example
   * ```ts
   * import { seeder } from "migration-sandbox";
   * const manyUsers = seeder("10,000 users", async ({ plant }) => {
   *   await plant("users", Array.from({ length: 10_000 }, (_, i) => ({ id: i + 1, name: `user ${i}` })));
   * });
   * console.assert(manyUsers.name === "10,000 users");
   * ```
   */
  readonly plant: (table: string, rows: Iterable<Row>) => Promise<void>;
  /**
   * Lets foreign keys rest for what is written inside, by the soil that it is handed: rows whose parent is missing are sown so. On
   * PostgreSQL triggers rest with them, and it takes a superuser.
   *
   * @example
   * ```ts
   * import { orphans, seeder } from "migration-sandbox";
   * const goneAuthors = seeder("comments whose author is gone", async ({ fallow }) => {
   *   await fallow(({ plant }) => plant("comments", orphans([{ id: 1 }, { id: 2 }], { author_id: 999 })));
   * });
   * console.assert(goneAuthors.name === "comments whose author is gone");
   * ```
   *
   * @throws {HarnessError} `server-unusable` where we may not let them rest.
   */
  readonly fallow: (sow: (soil: Soil) => Promise<void>) => Promise<void>;
}

/** Sows believable or awkward rows; its name is a sentence, and stands in reports. */
export interface Seeder {
  readonly name: string;
  readonly sow: (soil: Soil) => Promise<void>;
}

/**
 * A seeder and the sentence it is known by.
 *
 * @example
 * ```ts
 * import { seeder } from "migration-sandbox";
 * const twoUsers = seeder("two users", async ({ db }) => {
 *   await db("users").insert([{ id: 1 }, { id: 2 }]);
 * });
 * console.assert(twoUsers.name === "two users");
 * ```
 */
export function seeder(name: string, sow: Seeder["sow"]): Seeder {
  return { name, sow };
}

/** Where a seeder sows, and the seed that its randomness starts from. */
export interface Field {
  readonly db: Database;
  readonly engine: Pick<Engine, "plant" | "fallow">;
  readonly seed: number;
  /** Milliseconds that a plant which nobody awaited has to come to its end. */
  readonly patience?: number;
}

/**
 * Lets a seeder sow. The same seeder and seed give the same rows, wherever in a run it stands.
 *
 * @throws {HarnessError} `seeder-failed`, whatever the seeder threw or did not await: a migration is never blamed for it. What the
 * server does not let us do keeps its own code.
 */
export async function sow({ name, sow }: Seeder, { db, engine, seed, patience = 5000 }: Field): Promise<void> {
  const start = createHash("sha256").update(`${seed} ${name}`).digest().readUInt32LE();
  const random = mulberry32(start);
  let own: Faker | undefined;
  let fallows = 0; // Under way, one inside another.
  const sowOn = (db: Database, sow: Seeder["sow"], depth: number) =>
    allAwaited(patience, (begin) =>
      sow({
        db,
        random,
        // Loaded when a seeder asks for it: most never do, and it is large.
        get faker() {
          own ??= fakerFrom(start);
          return own;
        },
        plant: (table, rows) => begin(`plant("${table}", …)`, plantOn(engine, { db, table, rows }, fallows > depth)),
        fallow: (sow) => begin("fallow(…)", fallowOn(db, sow, depth)),
      }),
    );
  const fallowOn = (db: Database, sow: Seeder["sow"], depth: number) =>
    engine.fallow(db, async (resting) => {
      fallows++;
      await sowOn(resting, sow, depth + 1).finally(() => fallows--);
    });
  try {
    if (typeof sow !== "function")
      throw new TypeError('it is no seeder (one is made by seeder("…", async ({ plant }) => …))');
    await sowOn(db, sow, 0);
  } catch (cause) {
    const code = cause instanceof HarnessError ? cause.code : "seeder-failed";
    throw new HarnessError(code, `Cannot sow "${name}": ${toldOf(cause)}`, { cause });
  }
}

type Plot = Planting & { readonly db: Database };

async function plantOn(engine: Field["engine"], { db, table, rows }: Plot, isBesideFallow: boolean): Promise<void> {
  try {
    refuseNoList(table, rows);
    refuseSpent(rows);
    await engine.plant(db, { table, rows });
  } catch (error) {
    const { message = messageOf(error), isOrphan = false } = refusalOf(error) ?? {};
    const way = " (plant with the soil that fallow hands over: fallow(({ plant }) => …))";
    throw told(error, `plant("${table}"): ${message}${isOrphan && isBesideFallow ? way : ""}`);
  }
}

function refuseNoList(table: string, rows: unknown): void {
  if (typeof rows === "object" && rows !== null && Symbol.iterator in rows) return;
  const quoted = inspect(rows, { depth: 1, breakLength: Number.POSITIVE_INFINITY });
  const short = quoted.length > 80 ? `${quoted.slice(0, 79)}…` : quoted;
  throw new TypeError(`the rows are ${short} (plant takes a list of rows: plant("${table}", [{ … }]))`);
}

/** Generators that were planted once: a second time they would quietly have no rows. */
const spent = new WeakSet<object>();

function refuseSpent(rows: Iterable<Row>): void {
  if ((rows[Symbol.iterator]() as unknown) !== rows) return;
  if (spent.has(rows))
    throw new TypeError("the rows can be read only once, and were planted before (make them inside the seeder)");
  spent.add(rows);
}

function fakerFrom(start: number): Faker {
  const { faker } = createRequire(import.meta.url)("@faker-js/faker/locale/en") as { faker: Faker };
  // An instance for each sowing: what one seeder draws must not move what another gets.
  const own = new (faker.constructor as typeof Faker)({ locale: faker.rawDefinitions, seed: start });
  own.setDefaultRefDate("2025-01-01T00:00:00Z"); // Otherwise dates would follow today.
  return own;
}

/** Tommy Ettinger's mulberry32: 32 bits of state are plenty for choosing rows. */
function mulberry32(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
