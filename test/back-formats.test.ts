// Ways back in every format that has some, all the way down and up again, by the rules of its tool.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Migration, migrationsIn } from "migration-sandbox";
import { describe, expect, test } from "vitest";
import { allTheWayBack } from "../harness/back.ts";
import { type EngineName, forEngine } from "../harness/database.ts";
import { readingOf } from "../harness/reading.ts";
import type { Sandbox } from "../harness/sandbox.ts";
import { emptySnapshot } from "../harness/snapshot.ts";
import { nowhere } from "../harness/standing.ts";
import { onStage } from "./stage.ts";
import { planned, started, stepsOn, tookBackInstall } from "./taking-back.ts";
import { asked } from "./tools/driving.ts";
import { codes } from "./walk.contract.ts";

const ups = [
  "create table users (id int primary key)",
  "insert into users values (1)",
  "create table roles (id int primary key)",
] as const;
const downs = ["drop table users", "delete from users", "drop table roles"] as const;

type Files = { readonly [path: string]: string };
const each = (file: (i: number, up: string, down: string) => Files): Files =>
  Object.assign({}, ...ups.map((up, i) => file(i + 1, `${up};\n`, `${downs[i]};\n`)));

/** Chains by format, and the record that their tool keeps. */
const chains: {
  readonly [format: string]: { readonly files: Files; readonly left: string; readonly only?: EngineName };
} = {
  "golang-migrate": {
    files: each((i, up, down) => ({ [`${i}_x.up.sql`]: up, [`${i}_x.down.sql`]: down })),
    left: "select version as id, dirty from schema_migrations",
  },
  goose: {
    files: each((i, up, down) => ({ [`${i}_x.sql`]: `-- +goose Up\n${up}\n-- +goose Down\n${down}` })),
    left: "select version_id as id from goose_db_version where version_id > 0",
  },
  dbmate: {
    files: each((i, up, down) => ({ [`${i}_x.sql`]: `-- migrate:up\n${up}\n-- migrate:down\n${down}` })),
    left: "select version as id from schema_migrations",
  },
  diesel: {
    files: each((i, up, down) => ({
      [`2026-01-0${i}-000000_x/up.sql`]: up,
      [`2026-01-0${i}-000000_x/down.sql`]: down,
    })),
    left: "select version as id from __diesel_schema_migrations",
  },
  hasura: {
    files: each((i, up, down) => ({ [`170670240000${i}_x/up.sql`]: up, [`170670240000${i}_x/down.sql`]: down })),
    left: "select version as id from hdb_catalog.schema_migrations",
    only: "postgres",
  },
  ory: {
    files: each((i, up, down) => ({ [`${i}_x.up.sql`]: up, [`${i}_x.${i === 2 ? "autocommit." : ""}down.sql`]: down })),
    left: "select version as id from schema_migration",
  },
  liquibase: {
    files: each((i, up, down) => ({
      [`${i}.sql`]: `-- liquibase formatted sql\n-- changeset ann:${i}\n${up}-- rollback ${down}`,
    })),
    left: "select id from databasechangelog",
  },
  flyway: {
    files: each((i, up, down) => ({ [`V${i}__x.sql`]: up, [`U${i}__y.sql`]: down })),
    left: "select version as id from flyway_schema_history group by version having sum(case type when 'SQL' then 1 else -1 end) <> 0",
  },
  plain: {
    files: each((i, up, down) => ({ [`${i}_x.up.sql`]: up, [`${i}_x.down.sql`]: down })),
    left: "select name as id from _migration_sandbox",
  },
};

describe.each(["postgres", "mariadb"] as const)("ways back on %s", (engine) => {
  const stage = onStage(engine);
  for (const [format, { files, left, only }] of Object.entries(chains)) {
    if (only !== undefined && only !== engine) continue;
    test(`in ${format} lead down to nothing and up again`, () =>
      inFolder(files, async (folder) => {
        const source = migrationsIn(folder, { format });
        const said = await tookBackInstall(stage(), source, async (sandbox) => {
          const name = forEngine(
            { postgres: left, mysql: left.replace("databasechangelog", "DATABASECHANGELOG") },
            engine,
          );
          expect(await asked(sandbox, name ?? left)).toEqual([]);
        });
        expect(said).toEqual({ findings: [], notes: [] });
      }));
  }

  test("of a whole path lead to where it began, and are told by what was not told hop by hop", async () => {
    const list: readonly Migration[] = [
      { name: "0001", up: "create table users (id int primary key)", down: "drop table users" },
      { name: "0002", up: "create table roles (id int primary key)", down: "-- nothing" },
    ];
    await walked(list, async (at) => {
      const { findings, notes } = await allTheWayBack(at, stepsOn(stage()));
      expect([codes(findings), notes]).toEqual([["down-differs", "up-again-failed"], []]);
      expect(findings[0]?.message).toBe(
        'all the way back and up again: with what 1.1 runs taken back, the database is not as it was before: table "roles" is new',
      );
      expect(await allTheWayBack(at, stepsOn(stage()), findings)).toEqual({ findings: [], notes: [] });
    });
    const mended = list.map((one) => ({ ...one, down: one.name === "0001" ? "drop table users" : "drop table roles" }));
    await walked(mended, async (at) => {
      expect(await allTheWayBack(at, stepsOn(stage()))).toEqual({ findings: [], notes: [] });
    });
  });

  test("are not run where a tool runs its migrations itself, or has none", async () => {
    const driver = { title: "a tool", recordTables: [], migrate: async () => {} };
    const release = await planned(stage(), "1.0", { read: async () => ({ migrations: [], driver }) }, {});
    await walked([], async (at) => {
      const standing = { ...at, started: { ...at.started, step: { ...at.started.step, release } } };
      const hops = [{ from: null, to: "1.0", milliseconds: 0, migrations: [{ name: "0001", milliseconds: 0 }] }];
      expect(await allTheWayBack({ ...standing, hops }, stepsOn(stage()))).toEqual({
        findings: [],
        notes: [
          {
            code: "down-not-run",
            release: "1.0",
            message: "what 1.0 ran was not taken back: nothing here does that for a tool",
          },
        ],
      });
    });
  });

  /** A path through two releases, the second of which ships all of the list. */
  async function walked(list: readonly Migration[], look: (at: Walked) => Promise<void>): Promise<void> {
    const [before, after] = [
      await planned(stage(), "1.0", list.slice(0, 1), {}),
      await planned(stage(), "1.1", list, {}),
    ];
    const sandbox = await stage().create();
    try {
      await started(stage(), sandbox, before, undefined);
      await started(stage(), sandbox, after, before);
      await look(walkedTo(sandbox, list, after));
    } finally {
      for (const reading of sandbox.readings) await reading.close();
      await sandbox.drop();
    }
  }
});

type Walked = ReturnType<typeof walkedTo>;

function walkedTo(sandbox: Sandbox, list: readonly Migration[], release: Awaited<ReturnType<typeof planned>>) {
  const hop = (from: string | null, to: string, ran: readonly Migration[]) => ({
    from,
    to,
    milliseconds: 0,
    migrations: ran.map(({ name }) => ({ name, milliseconds: 0 })),
  });
  const step = { kind: "start", release, last: undefined, settings: {}, runners: 1 } as const;
  return {
    ...nowhere(sandbox),
    now: readingOf(sandbox),
    hops: [hop(null, "1.0", list.slice(0, 1)), hop("1.0", "1.1", list.slice(1))],
    started: { step, taken: 1, before: emptySnapshot, origins: [] },
  };
}

async function inFolder(files: Files, work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "migration-sandbox-test-"));
  try {
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), text);
    }
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
