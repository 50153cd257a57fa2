import { umzugMigrations } from "migration-sandbox";
import { Sequelize } from "sequelize";
import { SequelizeStorage, Umzug } from "umzug";
import { forEngine } from "../../harness/database.ts";
import { code, inCode, inCodeAlone, plain } from "./code.ts";
import type { Tool } from "./tool.ts";

export const umzug: Tool = {
  title: "Umzug with Sequelize",
  engines: ["postgres", "mysql", "mariadb"],
  only: inCodeAlone,
  files: (links) => inCode(links, (link) => code("{ context }", "context.sequelize.query(sql)", link)),
  ours: (folder) => umzugMigrations(folder),
  async run(sandbox, folder) {
    const { user: username, ...where } = plain(sandbox);
    const dialect = forEngine(
      { postgres: "postgres", mysql: "mysql", mariadb: "mariadb" } as const,
      sandbox.engine.name,
    );
    const sequelize = new Sequelize({ ...where, username, dialect: dialect ?? "postgres", logging: false });
    const storage = new SequelizeStorage({ sequelize });
    const context = sequelize.getQueryInterface();
    const migrations = { glob: `${folder}/*.js` };
    await new Umzug({ migrations, context, storage, logger: undefined }).up().finally(() => sequelize.close());
  },
  passing: [],
  outcomes: {
    fails: { postgres: { fails: "23505" }, mysql: { fails: 1062 } },
  },
};
