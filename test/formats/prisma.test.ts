import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { engineNames } from "../../harness/database.ts";
import { prisma } from "../../harness/formats/prisma.ts";
import { onEngine, onStage } from "../stage.ts";
import { type Files, folderOf, readBy, refusalBy } from "./folder-of.ts";
import { keeping } from "./keeping.ts";

const lock = (provider: string) => ({ "migration_lock.toml": `# Please do not edit\nprovider = "${provider}"\n` });

const chain: Files = {
  "20240102000000_größe/migration.sql": "-- AlterTable\r\nalter table users add name text;\r\n",
  "20240101000000_init/migration.sql": "create table users (id int);\n",
  "20240103000000_empty/migration.sql": "",
};

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

test("folders are in the order of their names, each script sent whole with the checksum of its bytes", async () => {
  const { migrations, migrator } = await readBy(prisma, { ...chain, ...lock("postgresql") });
  expect(migrations.map(({ name, up, recordedAs }) => ({ name, up, recordedAs }))).toEqual(
    Object.entries(chain)
      .sort()
      .map(([file, sql]) => ({
        name: file.split("/")[0],
        up: { sql, file: expect.stringContaining(file), pieces: [{ sql, offset: 0 }] },
        recordedAs: { id: file.split("/")[0], checksum: sha256(sql) },
      })),
  );
  expect(migrator).toMatchObject({
    transaction: "none",
    lock: "wait",
    late: "run",
    edited: "ignore",
    removed: "ignore",
  });
});

test("a byte order mark is sent, and counts in the checksum", async () => {
  const { migrations } = await readBy(prisma, { "1_a/migration.sql": "\uFEFFselect 1" });
  expect(migrations[0]?.up).toMatchObject({ sql: "\uFEFFselect 1" });
  expect(migrations[0]?.recordedAs?.checksum).toBe(sha256("\uFEFFselect 1"));
});

test("it is known by its lock file, which tells the engine", async () => {
  const detected = async (files: Files) => prisma.detect(await folderOf(files));
  const what = "migration_lock.toml";
  expect(await detected({ ...chain, ...lock("postgresql") })).toEqual({ by: "marker", what, engine: "postgres" });
  expect(await detected({ ...chain, ...lock("mysql") })).toEqual({ by: "marker", what, engine: "mysql" });
  expect(await detected({ ...chain, ...lock("sqlite") })).toEqual({ by: "marker", what });
  expect(await detected(chain)).toBeUndefined();
});

test("what Prisma refuses is refused, and what it does not read is named", async () => {
  expect(await refusalBy(prisma, { ...chain, ...lock("sqlite") })).toBe(
    'Cannot read migration "…/migration_lock.toml:2": the migrations are for "sqlite", and "postgres" wants "postgresql" (choose the engine that they are written for)',
  );
  expect(await refusalBy(prisma, { ...chain, ...lock("postgresql") }, { engine: "mariadb" })).toBe(
    'Cannot read migration "…/migration_lock.toml:2": the migrations are for "postgresql", and "mariadb" wants "mysql" (choose the engine that they are written for)',
  );
  expect(await refusalBy(prisma, { ...chain, "migration_lock.toml": "" })).toBe(
    'Cannot read migration "…/migration_lock.toml": it names no provider (write provider = "postgresql")',
  );
  expect(await refusalBy(prisma, { ...chain, "20240104000000_gone/README.md": "" })).toBe(
    'Cannot read migration "…/20240104000000_gone": it holds no migration.sql (add it, or remove the folder)',
  );
  expect(await refusalBy(prisma, lock("postgresql"))).toBe(
    'Cannot read migrations from "…": it holds no folder with a migration.sql',
  );
  const files = { ...chain, "seed.sql": "", "20240101000000_init/down.sql": "", "20240101000000_init/more.sql": "" };
  const why = "Prisma reads nothing but the migration.sql of each folder";
  expect((await readBy(prisma, files)).leftOut).toEqual([
    { name: "20240101000000_init/more.sql", why },
    { name: "seed.sql", why },
  ]);
});

for (const engine of engineNames) {
  await onEngine(engine, () => {
    const stage = onStage(engine);

    test("its record holds what has begun, what came through, and what was rolled back", async () => {
      const shipment = await readBy(prisma, chain, { engine });
      const [first, second] = shipment.migrations;
      await keeping(stage(), shipment, async ({ recorded, through, failed, rows, script }) => {
        expect(await recorded()).toEqual({ applied: [] });
        await through(first);
        const applied = [
          { id: "20240101000000_init", checksum: sha256(chain["20240101000000_init/migration.sql"] ?? "") },
        ];
        expect(await recorded()).toEqual({ applied });
        expect(await rows("select id, applied_steps_count, logs, rolled_back_at from _prisma_migrations")).toEqual([
          { id: expect.stringMatching(/^[0-9a-f-]{36}$/), applied_steps_count: 1, logs: null, rolled_back_at: null },
        ]);
        await failed(second);
        expect(await recorded()).toEqual({
          applied,
          halfDone: {
            message:
              'its record holds "20240102000000_größe" as begun and not finished (mend the database by hand, then "prisma migrate resolve")',
            id: "20240102000000_größe",
          },
        });
        await script("update _prisma_migrations set rolled_back_at = started_at where finished_at is null");
        expect(await recorded()).toEqual({ applied });
        await through(second);
        expect((await recorded()).applied).toHaveLength(2);
      });
    });

    test("other line ends are no other text for it", async () => {
      const unix = { "1_a/migration.sql": "select 1;\nselect 2;\n" };
      const windows = { "1_a/migration.sql": "select 1;\r\nselect 2;\r\n" };
      const then = await readBy(prisma, unix, { engine });
      const now = await readBy(prisma, windows, { engine });
      await keeping(stage(), now, async ({ recorded, through }) => {
        await through(then.migrations[0]);
        expect(await recorded()).toEqual({
          applied: [{ id: "1_a", checksum: now.migrations[0]?.recordedAs?.checksum }],
        });
      });
    });
  });
}
