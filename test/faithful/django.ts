import { command } from "migration-sandbox";
import { forEngine } from "../../harness/database.ts";
import type { Link } from "./chains.ts";
import { few, noBytecode, once, ran, whyNotRun } from "./programs.ts";
import type { Tool } from "./tool.ts";

const djangoArgs = ["migrate", "--no-input", "--pythonpath", ".", "--settings", "settings"];
const where = {
  AT_HOST: "{host}",
  AT_PORT: "{port}",
  AT_USER: "{user}",
  AT_PASSWORD: "{password}",
  AT_NAME: "{database}",
};
const inconsistent = /Migration shop.0003_later is applied before its dependency shop.0002_rows/;

export const django: Tool = {
  title: "Django",
  engines: ["postgres", "mariadb"],
  program: { name: "django", whyNot: () => whyNotRun("django-admin", ["--version"]) },
  only: few,
  files: (links) => ({
    "settings.py": `import os

if os.environ["AT_ENGINE"] != "postgresql":
    import pymysql

    pymysql.install_as_MySQLdb()

options = {} if os.environ["AT_ENGINE"] == "postgresql" else {"charset": "utf8mb4"}
at = {name: os.environ["AT_" + name] for name in ["HOST", "PORT", "USER", "PASSWORD", "NAME"]}
DATABASES = {"default": {"ENGINE": "django.db.backends." + os.environ["AT_ENGINE"], "OPTIONS": options, **at}}
INSTALLED_APPS = ["shop"]
SECRET_KEY = "of a throwaway database"
USE_TZ = False
`,
    "shop/__init__.py": "",
    "shop/migrations/__init__.py": "",
    ...Object.fromEntries(
      links.map((link, i) => [`shop/migrations/${moduleOf(link)}.py`, inDjango(link, links[i - 1])]),
    ),
  }),
  ours: (cwd) => {
    const engine = { postgres: "postgresql", mariadb: "mysql" } as const;
    return {
      read: (name) => {
        const env = { AT_ENGINE: forEngine(engine, name), ...where, ...noBytecode };
        return command("django-admin", djangoArgs, { cwd, env }).read(name);
      },
    };
  },
  run: ({ address, engine }, cwd) => {
    const { host, port, user, password, database } = address;
    const at = { AT_HOST: host, AT_PORT: String(port), AT_USER: user, AT_PASSWORD: password, AT_NAME: database };
    const env = { AT_ENGINE: forEngine({ postgres: "postgresql", mysql: "mysql" }, engine.name), ...at };
    return ran("django-admin", djangoArgs, { cwd, env });
  },
  passing: ["applied"],
  outcomes: {
    fails: { postgres: { fails: "23505" }, mysql: { fails: 1062 } },
    late: { postgres: { refuses: inconsistent, ours: inconsistent }, ...once },
    removed: once,
  },
};

function inDjango(link: Link, last: Link | undefined): string {
  return `from django.db import migrations


class Migration(migrations.Migration):
    ${link.alone ? "atomic = False\n    " : ""}dependencies = [${last === undefined ? "" : `("shop", "${moduleOf(last)}")`}]
    operations = [migrations.RunSQL(${JSON.stringify(link.says)})]
`;
}

function numberOf(link: Link): string {
  return String(link.number).padStart(4, "0");
}

function moduleOf(link: Link): string {
  return `${numberOf(link)}_${link.name}`;
}
