import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { Session } from "../../harness/engines/engine.ts";
import { onStage } from "../stage.ts";

/** As Rails makes it out of the database's name; the number stands in the log of the issue. */
const key = 2053462845n * BigInt(crc32("dawarich_development"));

describe("the lock under which Dawarich migrates", () => {
  const stage = onStage("postgres");

  test("has the number that the log tells", () => {
    expect(key).toBe(1_212_213_197_400_985_920n);
  });

  test("stays where it is when another session unlocks, and goes with the session that holds it", async () => {
    const sandbox = await stage().create();
    const [sidekiq, app, operator] = await Promise.all([sandbox.connect(), sandbox.connect(), sandbox.connect()]);
    try {
      expect(await asked(sidekiq, "pg_try_advisory_lock")).toBe(true);
      expect(await asked(app, "pg_try_advisory_lock")).toBe(false);

      await operator.query("select pg_advisory_unlock_all()");
      expect(await asked(operator, "pg_advisory_unlock")).toBe(false);
      expect(await asked(app, "pg_try_advisory_lock")).toBe(false);

      await sidekiq.end();
      await expect.poll(() => asked(app, "pg_try_advisory_lock")).toBe(true);
    } finally {
      for (const session of [sidekiq, app, operator]) await session.end();
      await sandbox.drop();
    }
  });
});

async function asked(session: Session, what: "pg_try_advisory_lock" | "pg_advisory_unlock"): Promise<unknown> {
  const [row] = await session.query(`select ${what}(${key}) as answer`);
  return row?.answer;
}
