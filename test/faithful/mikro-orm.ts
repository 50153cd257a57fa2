import { MikroORM as OnMariadb } from "@mikro-orm/mariadb";
import { Migrator } from "@mikro-orm/migrations";
import { MikroORM as OnPostgres } from "@mikro-orm/postgresql";
import { mikroOrmMigrations } from "migration-sandbox";
import { forEngine } from "../../harness/database.ts";
import type { Link } from "./chains.ts";
import { inCode, inCodeAlone, plain, said } from "./code.ts";
import type { Tool } from "./tool.ts";

export const mikroOrm: Tool = {
  title: "MikroORM",
  engines: ["postgres", "mariadb"],
  only: inCodeAlone,
  files: (links) =>
    inCode(
      links,
      (link) => {
        const name = mikroName(link);
        const alone = link.alone ? "isTransactional() { return false; }" : "";
        const body = `async up() { for (const sql of ${said(link)}) this.addSql(sql); }`;
        return `const { Migration } = require("@mikro-orm/migrations");\nexports.${name} = class ${name} extends Migration {\n  ${alone}\n  ${body}\n};`;
      },
      mikroName,
    ),
  ours: (folder) => mikroOrmMigrations(folder),
  async run(sandbox, folder) {
    const { database: dbName, ...where } = plain(sandbox);
    const ways = { postgres: OnPostgres.init.bind(OnPostgres), mariadb: OnMariadb.init.bind(OnMariadb) as never };
    const init = forEngine<typeof OnPostgres.init>(ways, sandbox.engine.name);
    const orm = await init?.({
      ...where,
      dbName,
      entities: [],
      logger: () => {},
      discovery: { warnWhenNoEntities: false },
      extensions: [Migrator],
      migrations: { path: folder, silent: true, snapshot: false, glob: "!(*.d).js" },
    });
    await orm
      ?.getMigrator()
      .up()
      .finally(() => orm.close());
  },
  passing: ["executed_at"],
  outcomes: {
    // One transaction for all that is pending is open by then, and this one has a session to itself.
    skipped: { fails: "55P04" },
    concurrently: { fails: "42P01" },
    enclosed: { fails: "25001" },
    fails: { postgres: { fails: "23505" }, mysql: { fails: 1062 } },
  },
};

function mikroName({ number }: Link): string {
  return `Migration${20_260_131_000_000 + number}`;
}
