// Keep runs all that is pending in one transaction. Migration 971abbbf0a2c sends a COMMIT of its own on PostgreSQL,
// which psycopg2 does not notice: it begins no other transaction, and each statement from there on is there to stay.
// When a later migration fails, the upgrade is not taken back as promised, nor is the first half of the one that
// failed. The next start runs that one again, and meets what it has already dropped.
import {
  broken,
  clean,
  defineScenario,
  type Invariant,
  invariant,
  release,
  startAgain,
  type Task,
} from "migration-sandbox";
import { logOfNobody, logsOfProvisioned, testRun } from "../../seeds/keep.ts";
import { bootOf, type Settings, since0415, until0414 } from "./boot.ts";
import { providersAre } from "./ends.ts";
import { shippedBy } from "./shipped.ts";

const settings: Settings = { auth: "DB", providers: ["vms"] };
const adds = "0006_0dafe96ea97f_logs_go_with_their_provider";
const orphanFound = { code: "migration-failed", migration: adds, postgres: "23503" } as const;
const droppedBefore = { code: "migration-failed", migration: adds, postgres: "42704", release: "0.41.7" } as const;
const halfApplied = { code: "half-applied", migration: adds, release: "0.41.7" } as const;

const left = [{ code: "test-run-rewritten" }, { code: "technical-tenant-left" }, { code: "foreign-key-gone" }] as const;

/** Only for paths on which the upgrade has failed: nothing of it may be there. */
const takenBack: readonly Invariant[] = [
  invariant("test-run-rewritten", "select id, workflow_id from workflowexecution where workflow_id is not null"),
  invariant("technical-tenant-left", "select id from tenant where id <> 'keep'"),
  invariant(
    "foreign-key-gone",
    `select 'providerexecutionlog' as of where not exists
     (select 1 from pg_constraint where conname = 'providerexecutionlog_provider_id_fkey')`,
  ),
];

/** For paths that came through: all of it is. */
const upgraded: readonly Invariant[] = [
  invariant("test-run-without-workflow", "select id from workflowexecution where workflow_id is distinct from 'test'"),
  invariant(
    "constraint-missing",
    `select 'all three' as of where 3 <>
     (select count(*) from pg_constraint
       where conname = 'workflowexecution_workflow_id_fkey'
          or conname = 'providerexecutionlog_provider_id_fkey' and confdeltype = 'c'
          or conname = 'provider_tenant_id_fkey')`,
  ),
];

const deleteTheLogsOfNobody: Task<Settings> = async ({ db }) => {
  await db("providerexecutionlog").whereNotIn("provider_id", db("provider").select("id")).del();
};

const deleteThemAndPutTheForeignKeyBack: Task<Settings> = async (at) => {
  await deleteTheLogsOfNobody(at);
  await at.db.raw(
    `alter table providerexecutionlog
     add constraint providerexecutionlog_provider_id_fkey foreign key (provider_id) references provider (id)`,
  );
};

export default defineScenario({
  title: "a migration commits in the middle of the transaction that was to take all back",
  source: "https://github.com/keephq/keep/pull/4416",
  engines: ["postgres"],
  chain: [
    release("0.40.2", { migrations: shippedBy("0.40.2"), transaction: "all", boot: bootOf(until0414) }),
    release("0.41.7", { migrations: shippedBy("0.41.7"), transaction: "all", boot: bootOf(since0415) }),
    release("0.41.7 without the COMMIT", {
      insteadOf: "0.41.7",
      migrations: shippedBy("0.41.7", { "0.41.2": "0.41.2-without-the-commit" }),
      transaction: "all",
      boot: bootOf(since0415),
    }),
  ],
  seeds: { "0.40.2": testRun },
  known: [{ code: "rows-lost", table: "providerexecutionlog", why: "the operator deletes the logs of nobody" }],
  check: providersAre("vms"),
  paths: [
    { from: "0.40.2", to: "0.41.7", settings, check: upgraded, expect: clean },
    { from: "0.40.2", with: logsOfProvisioned, to: "0.41.7", settings, check: upgraded, expect: clean },
    {
      from: "0.40.2",
      with: logOfNobody,
      to: "0.41.7",
      settings,
      check: takenBack,
      expect: broken([{ ...orphanFound, release: "0.41.7" }, halfApplied, ...left]),
    },
    {
      from: "0.40.2",
      with: logOfNobody,
      to: "0.41.7 without the COMMIT",
      settings,
      check: takenBack,
      expect: broken([{ ...orphanFound, release: "0.41.7 without the COMMIT" }]),
    },
    {
      from: "0.40.2",
      with: logOfNobody,
      to: "0.41.7",
      settings,
      workaround: startAgain,
      check: takenBack,
      expect: broken([droppedBefore, ...left]),
    },
    {
      from: "0.40.2",
      with: logOfNobody,
      to: "0.41.7",
      settings,
      workaround: deleteTheLogsOfNobody,
      check: takenBack,
      expect: broken([droppedBefore, ...left]),
    },
    {
      from: "0.40.2",
      with: logOfNobody,
      to: "0.41.7",
      settings,
      workaround: deleteThemAndPutTheForeignKeyBack,
      check: upgraded,
      expect: clean,
    },
    {
      from: "0.40.2",
      with: logOfNobody,
      to: "0.41.7 without the COMMIT",
      settings,
      workaround: deleteTheLogsOfNobody,
      check: upgraded,
      expect: clean,
    },
    {
      from: "0.40.2",
      with: logsOfProvisioned,
      to: "0.41.7 without the COMMIT",
      settings,
      check: upgraded,
      expect: clean,
    },
    { to: "0.41.7", settings, expect: clean },
  ],
});
