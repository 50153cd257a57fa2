import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { broken, clean, migrationsIn, rehearse, release } from "migration-sandbox";
import { expect, test } from "vitest";
import { inspect } from "../../harness/inspect.ts";
import { temporaryFolder } from "../repository.ts";
import { onStage } from "../stage.ts";

const stage = onStage();
const rows = 20_000;

/** A file of 20 MB; the statement that fails stands behind all rows. */
function folderWith(last: string): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "1_notes.sql"), "create table notes (id int primary key, note text not null);\n");
  const inserted = Array.from({ length: rows }, (_, i) => `insert into notes values (${i}, '${"é;x".repeat(250)}');\n`);
  writeFileSync(join(folder, "2_rows.sql"), `-- All of them.\n${inserted.join("")}${last}\n`);
  return folder;
}

test("a large file is read while it is sent, and is one migration all the same", async () => {
  const migrations = migrationsIn(folderWith("select 1;"), { format: "plain" });
  const counted: unknown[] = [];
  const { rehearsals } = await rehearse(
    [
      {
        title: "twenty megabytes",
        engines: ["postgres"],
        chain: [release("1", { migrations })],
        paths: [{ to: "1", expect: clean }],
        check: async ({ after }) => {
          counted.push(...(await after.query("select count(*)::int as rows, max(length(note)) as longest from notes")));
          return [];
        },
      },
    ],
    { stage: async () => stage() },
  );
  expect(rehearsals.map(({ verdict }) => verdict)).toEqual([{ outcome: "clean", findings: [], notes: [] }]);
  expect(counted).toEqual([{ rows, longest: 750 }]);
});

test("a large file that fails is pointed into, and taken back whole", async () => {
  const folder = folderWith("insert into notes values (0, 'again');");
  const left: unknown[] = [];
  const { rehearsals } = await rehearse(
    [
      {
        title: "twenty megabytes and one row twice",
        engines: ["postgres"],
        chain: [release("1", { migrations: migrationsIn(folder, { format: "plain" }) })],
        paths: [
          {
            to: "1",
            expect: broken("migration-failed", { postgres: "23505", migration: "2_rows" }),
            check: async ({ after }) => {
              left.push(...(await after.query("select count(*)::int as rows from notes")));
              return [];
            },
          },
        ],
      },
    ],
    { stage: async () => stage() },
  );
  const [finding] = rehearsals[0]?.verdict.findings ?? [];
  expect(rehearsals[0]?.met).toBe(true);
  expect([finding?.place?.file, finding?.place?.line, finding?.place?.column]).toEqual([
    join(folder, "2_rows.sql"),
    rows + 2,
    1,
  ]);
  expect(finding?.place?.statement).toBe("insert into notes values (0, 'again')");
  expect(left).toEqual([{ rows: 0 }]);
});

test("a large file is told apart by its beginning", async () => {
  expect((await inspect(folderWith("select 1;"))).formats.map(({ name }) => name)).toEqual(["plain"]);
});
