import knexOf, { type Knex } from "knex";
import { describe, expect, test } from "vitest";
import { type EngineName, forEngine } from "../../harness/database.ts";
import type { Sandbox } from "../../harness/sandbox.ts";
import { knexMigrations } from "../../harness/tools/knex.ts";
import { onEngine, onStage } from "../stage.ts";
import { asked, codeOf, drive, driverOf, type Files, heldBy, inProject, inSandboxes } from "./driving.ts";

const users = `exports.up = (knex) => knex.schema.createTable("users", (t) => { t.increments(); t.string("name").notNullable(); });
  exports.down = (knex) => knex.schema.dropTable("users");`;
const rows = `export async function up(knex) { await knex("users").insert([{ name: "Ada" }, { name: "Zoë" }]); }
  export async function down() {}`;
const emails = `import type { Knex } from "knex";
  export const config = { transaction: false };
  export async function up(knex: Knex): Promise<void> {
    await knex.schema.alterTable("users", (t) => void t.string("email").unique("users_email"));
  }
  export async function down(knex: Knex): Promise<void> {}`;
const failing = `exports.up = (knex) => knex("users").insert({ id: 1, name: "twin" }); exports.down = async () => {};`;

const chain: Files = { "1_users.js": users, "2_rows.ts": rows, "3_emails.ts": emails };

for (const name of ["postgres", "mysql", "mariadb"] as const) {
  await onEngine(name, ({ fault }) => {
    const stage = onStage(name);

    test("what Knex makes of a folder is what the driver makes of it", () =>
      inProject({ "1_users.js": users, "2_more.js": failing.replace("id: 1, ", "") }, (folder) =>
        inSandboxes(stage(), 2, async ([ours, theirs]) => {
          const driven = await drive(ours, knexMigrations(folder));
          expect(driven).toEqual({ begun: files, done: files, thrown: undefined, said: [] });
          await byKnex(theirs, name, { directory: folder });
          expect(await heldBy(ours, times)).toEqual(await heldBy(theirs, times));
        }),
      ));

    test("migrations in TypeScript need no build, up to a release and on to the next", () =>
      inProject(chain, (folder) =>
        inSandboxes(stage(), 1, async ([sandbox]) => {
          const first = await drive(sandbox, knexMigrations(folder, { upTo: "2_rows" }));
          expect(first).toMatchObject({ done: ["1_users.js", "2_rows.ts"], thrown: undefined });
          const next = await drive(sandbox, knexMigrations(folder));
          expect(next).toMatchObject({ begun: ["3_emails.ts"], done: ["3_emails.ts"], thrown: undefined });
          const { rows } = await heldBy(sandbox, times);
          expect(rows.users).toMatchObject([{ name: "Ada", email: null }, { name: "Zoë" }]);
          expect(rows.knex_migrations).toMatchObject([{ batch: 1 }, { batch: 1 }, { batch: 2 }]);
        }),
      ));

    test("a migration that fails is named, and what the server said is told", () =>
      inProject({ ...chain, "4_twin.js": failing }, (folder) =>
        inSandboxes(stage(), 1, async ([sandbox]) => {
          const { begun, done, thrown } = await drive(sandbox, knexMigrations(folder));
          expect(begun.at(-1)).toBe("4_twin.js");
          expect(done.at(-1)).toBe("3_emails.ts");
          expect(fault(thrown)?.kind).toBe("refused");
          expect(codeOf(thrown, sandbox)).toBe(forEngine<string | number>({ postgres: "23505", mysql: 1062 }, name));
        }),
      ));

    test("a lock that a dead process left is Knex's own refusal, told at once", () =>
      inProject(chain, (folder) =>
        inSandboxes(stage(), 1, async ([sandbox]) => {
          await drive(sandbox, knexMigrations(folder, { upTo: "1_users" }));
          await asked(sandbox, "update knex_migrations_lock set is_locked = 1");
          const { begun, thrown } = await drive(sandbox, knexMigrations(folder));
          expect(begun).toEqual([]);
          expect(thrown).toMatchObject({ name: "MigrationLocked", message: "Migration table is already locked" });
        }),
      ));
  });
}

describe("knexMigrations()", () => {
  const stage = onStage();

  test("passes on that a shipped migration is missing, as Knex says it", () =>
    inProject(chain, (folder) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        await drive(sandbox, knexMigrations(folder, { upTo: "2_rows" }));
        const { thrown } = await drive(sandbox, knexMigrations(folder, { upTo: "1_users" }));
        expect((thrown as Error).message).toMatch(/^The migration directory is corrupt/);
        const lenient = { upTo: "1_users", disableMigrationsListValidation: true };
        expect(await drive(sandbox, knexMigrations(folder, lenient))).toMatchObject({ begun: [], thrown: undefined });
      }),
    ));

  test("all that is pending shares Knex's transaction: what passes release by release fails where one is skipped", () => {
    const sql = (text: string) =>
      `exports.up = (knex) => knex.raw(${JSON.stringify(text)}); exports.down = async () => {};`;
    const moods: Files = {
      "1_moods.js": sql("create type mood as enum ('sad'); create table moods (mood mood)"),
      "2_glad.js": sql("alter type mood add value 'glad'"),
      "3_use.js": sql("insert into moods values ('glad')"),
    };
    return inProject(moods, (folder) =>
      inSandboxes(stage(), 2, async ([stepwise, skipping]) => {
        const upTo = (last: string) => knexMigrations(folder, { upTo: last });
        for (const last of ["1_moods", "2_glad", "3_use"]) {
          expect(await drive(stepwise, upTo(last))).toMatchObject({ done: [`${last}.js`], thrown: undefined });
        }
        await drive(skipping, upTo("1_moods"));
        const { begun, done, thrown } = await drive(skipping, upTo("3_use"));
        expect([begun, done]).toEqual([["2_glad.js", "3_use.js"], ["2_glad.js"]]);
        expect(codeOf(thrown, skipping)).toBe("55P04");
        expect((await heldBy(skipping, times)).rows.knex_migrations).toHaveLength(1);
      }),
    );
  });

  test("names what a folder ships without a database, in Knex's order", () =>
    inProject({ "b/1_b.js": users, "a/2_a.js": users, "a/notes.md": "", "b/10_b.ts": users }, async (folder) => {
      const shipped = async (options: object) => {
        const source = knexMigrations([`${folder}/b`, `${folder}/a`], options);
        return (await driverOf(source, stage())).ships?.();
      };
      expect(await shipped({})).toEqual(["10_b.ts", "1_b.js", "2_a.js"]);
      expect(await shipped({ sortDirsSeparately: true })).toEqual(["10_b.ts", "1_b.js", "2_a.js"]);
      expect(await shipped({ loadExtensions: [".js"], upTo: "1_b" })).toEqual(["1_b.js"]);
      expect(await shipped({ recordedAs: (file: string) => file.replace(/ts$/, "js"), upTo: "10_b" })).toEqual([
        "10_b.js",
      ]);
      await expect(shipped({ upTo: "3_c" })).rejects.toThrow(
        'Cannot find migration "3_c", up to which a release goes (known: "1_b.js", "2_a.js", "10_b.ts")',
      );
    }));

  test("says which folder is none", () =>
    inProject({}, async (folder) => {
      const driver = await driverOf(knexMigrations(`${folder}/none`), stage());
      const why = `Cannot read migrations from "${folder}/none": there is no such folder`;
      await expect(driver.ships?.()).rejects.toThrow(why);
    }));

  test("says which migration does not load", () =>
    inProject({ "1_users.ts": "export const up = ;" }, (folder) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        const { thrown } = await drive(sandbox, knexMigrations(folder));
        expect((thrown as Error).message).toMatch(/^Cannot load migration ".*\/1_users\.ts": /);
      }),
    ));

  test("ends its connections once the time is up", () =>
    inProject(
      { "1_sleep.js": `exports.up = (knex) => knex.raw("select pg_sleep(20)"); exports.down = async () => {};` },
      (folder) =>
        inSandboxes(stage(), 1, async ([sandbox]) => {
          const begun = performance.now();
          const { thrown } = await drive(sandbox, knexMigrations(folder), AbortSignal.timeout(500));
          expect(thrown).toMatchObject({ name: "TimeoutError" });
          expect(performance.now() - begun).toBeLessThan(5_000);
        }),
    ));

  test("is driven over the product's own Knex where it opens one", () =>
    inProject({ "1_users.js": users }, (folder) =>
      inSandboxes(stage(), 1, async ([sandbox]) => {
        const source = knexMigrations(folder, {
          tableName: "applied",
          open: ({ url }) => knexOf({ client: "pg", connection: url, pool: { max: 2 } }),
        });
        expect((await driverOf(source, sandbox)).recordTables).toEqual(["applied", "applied_lock"]);
        expect(await drive(sandbox, source)).toMatchObject({ done: ["1_users.js"], thrown: undefined });
        expect((await heldBy(sandbox, times)).rows.applied).toMatchObject([{ name: "1_users.js" }]);
      }),
    ));
});

const files = ["1_users.js", "2_more.js"];
const times = ["migration_time"];

async function byKnex(sandbox: Sandbox, engine: EngineName, migrations: Knex.MigratorConfig): Promise<void> {
  const { database, host, port, user, password } = sandbox.address;
  const connection = { database, host, port, user, password };
  const db = knexOf({
    client: forEngine({ postgres: "pg", mysql: "mysql2" }, engine) ?? "",
    connection,
    pool: { min: 0, max: 2 },
  });
  await db.migrate.latest(migrations).finally(() => db.destroy());
}
