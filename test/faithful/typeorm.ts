import { typeormMigrations } from "migration-sandbox";
import { DataSource } from "typeorm";
import { inCode, inCodeAlone, itself, plain, said } from "./code.ts";
import type { Tool } from "./tool.ts";

export const typeorm: Tool = {
  title: "TypeORM",
  engines: ["postgres", "mysql", "mariadb"],
  only: inCodeAlone,
  files: (links) =>
    inCode(links, (link) => {
      const name = `M${1_700_000_000_000 + link.number}`;
      const alone = link.alone ? "transaction = false;" : "";
      const body = `async up(runner) { for (const sql of ${said(link)}) await runner.query(sql); }\n  async down() {}`;
      return `exports.${name} = class ${name} {\n  ${alone}\n  ${body}\n};`;
    }),
  ours: (folder) => typeormMigrations(folder),
  async run(sandbox, folder) {
    const { user: username, ...where } = plain(sandbox);
    const type = sandbox.engine.name;
    const db = await new DataSource({
      ...where,
      username,
      type,
      migrations: [`${folder}/*.js`],
      logging: [],
    } as never).initialize();
    await db.runMigrations().finally(() => db.destroy());
  },
  passing: [],
  outcomes: {
    concurrently: itself(/override the transaction mode, but the global transaction mode is "all"$/),
    skipped: { fails: "55P04" },
    enclosed: { fails: "25001" },
    fails: { postgres: { fails: "23505" }, mysql: { fails: 1062 } },
  },
};
