import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import type { Faker } from "@faker-js/faker";
import type { Database } from "./database.ts";
import { HarnessError, messageOf } from "./errors.ts";

/** What a seeder is handed. Every random value comes from `faker` and `random`, which start from the run's seed. */
export interface Soil {
  readonly db: Database;
  readonly faker: Faker;
  /** From 0 up to, and not including, 1. */
  readonly random: () => number;
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

/**
 * Lets a seeder sow. The same seeder and seed give the same rows, wherever in a run it stands.
 *
 * @throws {HarnessError} `seeder-failed`, whatever the seeder threw: a migration is never blamed for it.
 */
export async function sow(
  { name, sow }: Seeder,
  { db, seed }: { readonly db: Database; readonly seed: number },
): Promise<void> {
  const start = createHash("sha256").update(`${seed} ${name}`).digest().readUInt32LE();
  let own: Faker | undefined;
  const soil: Soil = {
    db,
    random: mulberry32(start),
    // Loaded when a seeder asks for it: most never do, and it is large.
    get faker() {
      own ??= fakerFrom(start);
      return own;
    },
  };
  try {
    await sow(soil);
  } catch (cause) {
    throw new HarnessError("seeder-failed", `Cannot sow "${name}": ${messageOf(cause)}`, { cause });
  }
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
