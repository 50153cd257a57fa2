import { command } from "migration-sandbox";
import { forEngine } from "../../harness/database.ts";
import type { Link } from "./chains.ts";
import { few, noBytecode, once, ran, whyNotRun } from "./programs.ts";
import type { Tool } from "./tool.ts";

const noRevision = /Can't locate revision identified by '0002'/;

export const alembic: Tool = {
  title: "Alembic",
  engines: ["postgres", "mariadb"],
  program: { name: "alembic", whyNot: () => whyNotRun("alembic", ["--version"]) },
  only: few,
  files: (links) => ({
    "alembic.ini": "[alembic]\nscript_location = %(here)s\n",
    "env.py": `import os
from alembic import context
from sqlalchemy import create_engine, pool

with create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool).connect() as connection:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
`,
    ...Object.fromEntries(
      links.map((link, i) => {
        const alone = link.alone ? "with op.get_context().autocommit_block():\n        " : "";
        const text = `from alembic import op

revision = "${numberOf(link)}"
down_revision = ${i === 0 ? "None" : `"${numberOf(links[i - 1])}"`}


def upgrade():
    ${alone}for sql in ${JSON.stringify(link.says)}: op.get_bind().exec_driver_sql(sql)
`;
        return [`versions/${numberOf(link)}_${link.name}.py`, text];
      }),
    ),
  }),
  ours: (cwd) => command("alembic", ["upgrade", "head"], { cwd, env: { DATABASE_URL: "{sqlalchemy}", ...noBytecode } }),
  run: ({ address, engine }, cwd) => {
    const { host, port, user, password, database } = address;
    const driver = forEngine({ postgres: "postgresql+psycopg2", mysql: "mysql+pymysql" }, engine.name);
    const url = `${driver}://${user}:${password}@${host}:${port}/${database}`;
    return ran("alembic", ["upgrade", "head"], { cwd, env: { DATABASE_URL: url } });
  },
  passing: [],
  outcomes: {
    skipped: { fails: "55P04" },
    fails: { postgres: { fails: "23505" }, mysql: { fails: 1062 } },
    late: once,
    removed: { postgres: { refuses: noRevision, ours: noRevision }, ...once },
  },
};

function numberOf(link: Link | undefined): string {
  return String(link?.number).padStart(4, "0");
}
