import { migrationsIn } from "migration-sandbox";
import { runner } from "node-pg-migrate";
import { saved, sqlOf } from "./chains.ts";
import type { Tool } from "./tool.ts";

export const nodePgMigrate: Tool = {
  title: "node-pg-migrate",
  engines: ["postgres"],
  files: (links) =>
    Object.fromEntries(
      links.map((link) => [`${link.number}_${link.name}.sql`, saved(`-- Up Migration\n${sqlOf(link)}`, link)]),
    ),
  ours: (folder) => migrationsIn(folder),
  async run({ url: databaseUrl }, dir) {
    // As its command says it where nothing else is asked for.
    const migrationsTable = "pgmigrations";
    const log = () => {};
    const rules = { checkOrder: true, singleTransaction: true } as const;
    await runner({ databaseUrl, dir, direction: "up", migrationsTable, log, ...rules });
  },
  passing: ["run_on"],
  outcomes: {
    skipped: { fails: "55P04" },
    concurrently: "none",
    enclosed: { fails: "25001" },
    again: { fails: "23505" },
    thousand: "none",
    fails: { fails: "23505" },
    mark: { fails: "42601" },
    late: {
      refuses: /^Not run migration 2_rows is preceding already run migration 3_later$/,
      ours: /: "2_rows" is older than what was applied before it was shipped \(/,
    },
    removed: {
      refuses: /^Not run migration 3_later is preceding already run migration 2_rows$/,
      ours: /: "2_rows" was applied, and 2.0 does not ship it$/,
    },
  },
};
