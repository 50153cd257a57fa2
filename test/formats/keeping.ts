import type { Migration, Shipment } from "../../harness/chain.ts";
import type { Recorded } from "../../harness/migrator.ts";
import type { PlannedMigration, PlannedRelease } from "../../harness/planned-release.ts";
import { Record } from "../../harness/record.ts";
import type { Stage } from "../../harness/sandbox.ts";
import type { Row } from "../../harness/snapshot.ts";

/** What a tool says about its migrations, on a real database: nothing of theirs is run. */
export interface Keeping {
  /** What it reads in its record now. */
  recorded(): Promise<Recorded>;
  /** Says what it says of a migration that comes through. */
  through(migration: Migration | undefined): Promise<void>;
  /** Says what it says of one that does not. */
  failed(migration: Migration | undefined): Promise<void>;
  script(sql: string): Promise<void>;
  rows(sql: string): Promise<readonly Row[]>;
}

/** Keeps a shipment's record in a sandbox of its own. */
export async function keeping(
  stage: Stage,
  { migrator }: Shipment,
  act: (keeping: Keeping) => Promise<void>,
): Promise<void> {
  const sandbox = await stage.create();
  const session = await sandbox.connect();
  const open = () => Record.open(session, sandbox, { name: "1.0", migrator, prelude: {} } as unknown as PlannedRelease);
  const said = async (
    migration: Migration | undefined,
    say: (record: Record, planned: PlannedMigration) => Promise<void>,
  ) => {
    if (migration === undefined) throw new Error("There is no such migration");
    const { name, recordedAs } = migration;
    const planned = { name, checksum: "ours", change: "", alone: false, recordedAs } as PlannedMigration;
    const record = await open();
    await record.begin(planned);
    await say(record, planned);
  };
  try {
    await act({
      recorded: async () => (await open()).recorded,
      through: (migration) =>
        said(migration, async (record, planned) => {
          await session.query(record.adding(planned, 12));
          await record.end(planned, 12);
        }),
      failed: (migration) => said(migration, (record, planned) => record.fail(planned, 34)),
      script: (sql) => session.script(sql),
      rows: (sql) => session.query(sql),
    });
  } finally {
    await session.end();
    await sandbox.drop();
  }
}
