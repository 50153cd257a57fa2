import { nodePgMigrations } from "migration-sandbox";
import { runner } from "node-pg-migrate";
import { inCode, inCodeAlone, itself, said } from "./code.ts";
import type { Tool } from "./tool.ts";

export const nodePgMigrateInCode: Tool = {
  title: "node-pg-migrate's code",
  engines: ["postgres"],
  only: inCodeAlone,
  files: (links) =>
    inCode(links, (link) => {
      const alone = link.alone ? "pgm.noTransaction(); " : "";
      return `exports.up = (pgm) => { ${alone}for (const sql of ${said(link)}) pgm.sql(sql); };`;
    }),
  ours: (folder) => nodePgMigrations(folder),
  async run({ url: databaseUrl }, dir) {
    const rules = { checkOrder: true, singleTransaction: true } as const;
    await runner({ databaseUrl, dir, direction: "up", migrationsTable: "pgmigrations", log: () => {}, ...rules });
  },
  passing: ["run_on"],
  outcomes: {
    late: itself(/^Not run migration 0002_rows is preceding already run migration 0003_later$/),
    removed: itself(/^Not run migration 0003_later is preceding already run migration 0002_rows$/),
    skipped: { fails: "55P04" },
    enclosed: { fails: "25001" },
    fails: { fails: "23505" },
  },
};
