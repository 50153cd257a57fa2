// What tools take back, we take back as they do: what is left of the database, and of their record.

import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { release } from "migration-sandbox";
import { runner } from "node-pg-migrate";
import { describe, expect, test } from "vitest";
import { type EngineName, forEngine } from "../../harness/database.ts";
import { takeBack } from "../../harness/down-runner.ts";
import { plannedRelease } from "../../harness/planned-release.ts";
import type { Sandbox } from "../../harness/sandbox.ts";
import { onEngine, onStage, required } from "../stage.ts";
import { started } from "../taking-back.ts";
import { type Files, type Held, heldBy, inSandboxes } from "../tools/driving.ts";
import { dbMigrateBack, dbMigrateSql } from "./db-migrate.ts";
import { dbmate, dbmateDoes } from "./dbmate.ts";
import { nodePgMigrate } from "./node-pg-migrate.ts";
import { sqitch, sqitchDoes } from "./sqitch.ts";
import type { Tool } from "./tool.ts";

/** A tool that takes back, and how a chain with ways back is written for it. */
interface Reversible {
  readonly tool: Tool;
  files(engine: EngineName): Files;
  /** Takes back what was applied last, which may be the first of all. */
  back(sandbox: Sandbox, folder: string, isFirst: boolean): Promise<void>;
}

const ups = [
  "create table users (id int primary key, name varchar(50)); insert into users values (1, 'ann')",
  "create table roles (id int primary key); insert into roles values (1)",
  "alter table users add column age int; create index users_age on users (age)",
];
const downs = (engine: EngineName) => {
  const index = forEngine({ postgres: "drop index users_age", mysql: "drop index users_age on users" }, engine);
  return ["drop table users", "drop table roles", `${index}; alter table users drop column age`];
};
const each = (engine: EngineName, file: (i: number, up: string, down: string) => Files) =>
  Object.assign({}, ...ups.map((up, i) => file(i + 1, up, downs(engine)[i] ?? ""))) as Files;

const reversible: readonly Reversible[] = [
  {
    tool: dbmate,
    files: (engine) =>
      each(engine, (i, up, down) => ({
        [`000${i}_x.sql`]: `-- migrate:up\n${up};\n-- migrate:down${i === 3 ? " transaction:false" : ""}\n${down};\n`,
      })),
    back: (sandbox, folder) => dbmateDoes("rollback", sandbox, folder),
  },
  {
    tool: sqitch,
    files: (engine) => ({
      "sqitch.conf": `[core]\n\tengine = ${forEngine({ postgres: "pg", mysql: "mysql" }, engine)}\n`,
      ".my.cnf": "[client]\ndefault-character-set = utf8mb4\n",
      "sqitch.plan": [
        "%syntax-version=1.0.0\n%project=shop\n",
        "x1 2026-01-31T12:00:01Z Ann <ann@example.org> # note",
        "@v1.0 2026-01-31T12:00:01Z Ann <ann@example.org> # tagged",
        "x2 [x1] 2026-01-31T12:00:02Z Ann <ann@example.org> # note",
        "x3 [x1 x2] 2026-01-31T12:00:03Z Ann <ann@example.org> # note",
        "@v1.1 2026-01-31T12:00:04Z Ann <ann@example.org> # tagged",
        "@v1.2 2026-01-31T12:00:05Z Ann <ann@example.org> # tagged",
        "",
      ].join("\n"),
      ...each(engine, (i, up, down) => ({
        [`deploy/x${i}.sql`]: `BEGIN;\n${up};\nCOMMIT;\n`,
        [`revert/x${i}.sql`]: `BEGIN;\n${down};\nCOMMIT;\n`,
      })),
    }),
    back: (sandbox, folder, isFirst) =>
      sqitchDoes(["revert", "-y", ...(isFirst ? [] : ["--to", "@HEAD^"])], sandbox, folder),
  },
  {
    tool: nodePgMigrate,
    files: (engine) =>
      each(engine, (i, up, down) => ({ [`${i}_x.sql`]: `-- Up Migration\n${up};\n-- Down Migration\n${down};\n` })),
    async back({ url: databaseUrl }, dir) {
      const at = { databaseUrl, dir, migrationsTable: "pgmigrations", log: () => {} } as const;
      await runner({ ...at, direction: "down", count: 1, checkOrder: true, singleTransaction: true });
    },
  },
  {
    tool: dbMigrateSql,
    files: (engine) => {
      const links = ups.map((up, i) => ({ number: i + 1, name: "x", says: [up] }));
      const names = downs(engine).map((down, i) => [`sqls/${20260100000001 + i}-x-down.sql`, `${down};\n`]);
      return { ...dbMigrateSql.files(links, engine), ...Object.fromEntries(names) };
    },
    back: dbMigrateBack,
  },
];

for (const one of reversible) {
  const { title, program, engines } = one.tool;
  const why = await program?.whyNot();
  if (why === undefined) for (const engine of engines) await onEngine(engine, () => compared(one, engine));
  else if (required.includes(program?.name ?? "")) {
    test(`${title} can be had`, () => {
      throw new Error(why);
    });
  } else describe.skip(`${title}, which cannot be had here: ${why}`, () => test("is left out", () => {}));
}

function compared({ tool, files, back }: Reversible, engine: EngineName): void {
  const stage = onStage(engine);
  test(`${tool.title} takes back one after the other, as we do`, async () => {
    const folder = await mkdtemp(join(tmpdir(), "migration-sandbox-test-"));
    await symlink(resolve("node_modules"), join(folder, "node_modules"));
    const path = join(folder, "migrations");
    for (const [file, text] of Object.entries(files(engine))) {
      await mkdir(dirname(join(path, file)), { recursive: true });
      await writeFile(join(path, file), text);
    }
    await inSandboxes(stage(), 2, async ([ours, theirs]) => {
      const held = async (sandbox: Sandbox, whose: "ours" | "theirs"): Promise<Held> => {
        const all = await heldBy(sandbox, tool.passing);
        return (await tool.holds?.(all, sandbox, whose)) ?? all;
      };
      try {
        const planned = await plannedRelease(release("1.0", { migrations: tool.ours(path) }), engine, "a test");
        await tool.run(theirs, path);
        await started(stage(), ours, planned, undefined);
        expect(await held(ours, "ours")).toEqual(await held(theirs, "theirs"));
        for (const migration of [...planned.migrations].reverse()) {
          await back(theirs, path, migration === planned.migrations[0]);
          const leg = { sandbox: ours, release: planned, stage: stage(), file: undefined };
          expect(await takeBack([migration], leg)).toEqual({ done: [migration.name] });
          expect(await held(ours, "ours")).toEqual(await held(theirs, "theirs"));
        }
        await tool.run(theirs, path);
        await started(stage(), ours, planned, undefined);
        expect(await held(ours, "ours")).toEqual(await held(theirs, "theirs"));
      } finally {
        await tool.clear?.(theirs);
      }
    }).finally(() => rm(folder, { recursive: true }));
  }, 120_000);
}
