import { promises as fs } from "node:fs";
import path from "node:path";
import { type Dialect, FileMigrationProvider, Kysely, Migrator, MysqlDialect, PostgresDialect } from "kysely";
import mysql from "mysql2";
import pg from "pg";
import { describe, expect, test } from "vitest";
import { forEngine } from "../../harness/database.ts";
import type { Sandbox } from "../../harness/sandbox.ts";
import { kyselyMigrations } from "../../harness/tools/kysely.ts";
import { onEngine, onStage } from "../stage.ts";
import { asked, codeOf, drive, driverOf, type Files, heldBy, inProject, inSandboxes } from "./driving.ts";

const users = `import { sql } from "kysely";
  export async function up(db) {
    await db.schema.createTable("users").addColumn("id", "integer", (c) => c.primaryKey())
      .addColumn("name", "varchar(80)", (c) => c.notNull()).addColumn("made", "varchar(40)", (c) => c.defaultTo(sql\`'today'\`)).execute();
  }`;
const rows = `import type { Kysely } from "kysely";
  export async function up(db: Kysely<any>): Promise<void> {
    await db.insertInto("users").values([{ id: 1, name: "Ada" }, { id: 2, name: "Zoë" }]).execute();
  }`;
const failing = `export default { up: (db) => db.insertInto("users").values({ id: 1, name: "twin" }).execute() };`;
const chain: Files = { "0001_users.mjs": users, "0002_rows.ts": rows, "0002_rows.d.ts": "", "notes.md": "" };

for (const name of ["postgres", "mysql", "mariadb"] as const) {
  await onEngine(name, () => {
    const stage = onStage(name);

    test("what Kysely makes of a folder is what the driver makes of it", () =>
      inProject(
        {
          "1_users.mjs": users,
          "2_rows.mjs": rows.replace(/: [KP]\w+<\w+>/g, "").replace("import type { Kysely }", "import { Kysely }"),
        },
        (folder) =>
          inSandboxes(stage(), 2, async ([ours, theirs]) => {
            const names = ["1_users", "2_rows"];
            expect(await drive(ours, kyselyMigrations(folder))).toEqual({
              begun: names,
              done: names,
              thrown: undefined,
              said: [],
            });
            await byKysely(theirs, folder);
            expect(await heldBy(ours, times)).toEqual(await heldBy(theirs, times));
          }),
      ));

    test("migrations in TypeScript need no build, up to a release and on to the next", () =>
      inProject(chain, (folder) =>
        inSandboxes(stage(), 1, async ([sandbox]) => {
          const first = await drive(sandbox, kyselyMigrations(folder, { upTo: "0001_users" }));
          expect(first).toMatchObject({ done: ["0001_users"], thrown: undefined });
          const next = await drive(sandbox, kyselyMigrations(folder));
          expect(next).toEqual({ begun: ["0002_rows"], done: ["0002_rows"], thrown: undefined, said: [] });
          expect((await heldBy(sandbox, times)).rows).toMatchObject({
            kysely_migration: [{ name: "0001_users" }, { name: "0002_rows" }],
            users: [{ name: "Ada", made: "today" }, { name: "Zoë" }],
          });
        }),
      ));

    test("a migration that fails is named, and what the server said is told", () =>
      inProject({ ...chain, "0003_twin.js": failing, "package.json": '{"type": "module"}' }, (folder) =>
        inSandboxes(stage(), 1, async ([sandbox]) => {
          const { begun, done, thrown } = await drive(sandbox, kyselyMigrations(folder));
          expect(begun).toEqual(["0001_users", "0002_rows", "0003_twin"]);
          expect(done).toEqual(["0001_users", "0002_rows"]);
          expect(codeOf(thrown, sandbox)).toBe(forEngine<string | number>({ postgres: "23505", mysql: 1062 }, name));
        }),
      ));

    test("an older migration that comes late is Kysely's own refusal, unless it is told to take them", () =>
      inProject({ ...chain, "0001a_late.ts": rows.replace(/id: /g, "id: 1") }, (folder) =>
        inSandboxes(stage(), 1, async ([sandbox]) => {
          await inProject(chain, (before) => drive(sandbox, kyselyMigrations(before)));
          const { begun, thrown } = await drive(sandbox, kyselyMigrations(folder));
          expect(begun).toEqual([]);
          expect((thrown as Error).message).toMatch(
            /^corrupted migrations: expected previously executed migration 0002_rows/,
          );
          const lenient = await drive(sandbox, kyselyMigrations(folder, { allowUnorderedMigrations: true }));
          expect(lenient).toMatchObject({ done: ["0001a_late"], thrown: undefined });
        }),
      ));
  });
}

describe("kyselyMigrations()", () => {
  const stage = onStage();

  test("passes on that a migration is missing, as Kysely says it", () =>
    inProject(chain, (folder) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        await drive(sandbox, kyselyMigrations(folder));
        const { thrown } = await drive(sandbox, kyselyMigrations(folder, { upTo: "0001_users" }));
        expect((thrown as Error).message).toBe(
          "corrupted migrations: previously executed migration 0002_rows is missing",
        );
      }),
    ));

  test("takes no notice of a lock table that says locked, as Kysely locks the database itself", () =>
    inProject(chain, (folder) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        await drive(sandbox, kyselyMigrations(folder, { upTo: "0001_users" }));
        await asked(sandbox, "update kysely_migration_lock set is_locked = 1");
        expect(await drive(sandbox, kyselyMigrations(folder))).toMatchObject({
          done: ["0002_rows"],
          thrown: undefined,
        });
      }),
    ));

  test("says that Kysely is not installed, and how it gets there", () =>
    inProject(
      chain,
      (folder) =>
        inSandboxes(stage(), 1, async ([sandbox]) => {
          const { thrown } = await drive(sandbox, kyselyMigrations(folder, { from: folder }));
          expect(thrown).toMatchObject({
            code: "bad-input",
            message: `Cannot drive Kysely: "kysely" is not installed in "${folder}" (npm install kysely)`,
          });
        }),
      false,
    ));

  test("says that a folder holds no migration at all", () =>
    inProject({ "notes.md": "", "types.d.ts": "" }, async (folder) => {
      const driver = await driverOf(kyselyMigrations(folder), stage());
      await expect(driver.ships?.()).rejects.toThrow(
        `Cannot read migrations from "${folder}": it holds no TypeScript or JavaScript file`,
      );
    }));

  test("ends its connections once the time is up", () =>
    inProject(
      {
        "1_sleep.ts":
          "import { sql } from 'kysely'; export const up = (db: any) => sql`select pg_sleep(20)`.execute(db);",
      },
      (folder) =>
        inSandboxes(stage(), 1, async ([sandbox]) => {
          const begun = performance.now();
          const { thrown } = await drive(sandbox, kyselyMigrations(folder), AbortSignal.timeout(500));
          expect(thrown).toMatchObject({ name: "TimeoutError" });
          expect(performance.now() - begun).toBeLessThan(5_000);
        }),
    ));

  test("is driven over the product's own Kysely where it opens one", () =>
    inProject(chain, (folder) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        const source = kyselyMigrations(folder, {
          migrationTableName: "applied",
          migrationTableSchema: "book",
          open: ({ url }) =>
            new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }) }),
        });
        expect((await driverOf(source, sandbox)).recordTables).toEqual(["book.applied", "book.kysely_migration_lock"]);
        expect(await drive(sandbox, source)).toMatchObject({ done: ["0001_users", "0002_rows"], thrown: undefined });
        expect((await heldBy(sandbox, times)).rows["book.applied"]).toHaveLength(2);
      }),
    ));
});

const times = ["timestamp"];

async function byKysely(sandbox: Sandbox, migrationFolder: string): Promise<void> {
  const { tls: _, ...where } = sandbox.address;
  const dialect = forEngine<() => Dialect>(
    {
      postgres: () => new PostgresDialect({ pool: new pg.Pool(where) }),
      mysql: () => new MysqlDialect({ pool: mysql.createPool(where) as never }),
    },
    sandbox.engine.name,
  )?.();
  if (dialect === undefined) throw new Error("Kysely does not know the engine");
  const db = new Kysely<unknown>({ dialect });
  const provider = new FileMigrationProvider({ fs, path, migrationFolder });
  const { error } = await new Migrator({ db, provider }).migrateToLatest().finally(() => db.destroy());
  if (error !== undefined) throw error;
}
