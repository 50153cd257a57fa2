import type { LeftOut } from "../chain.ts";
import type { Folder } from "./format.ts";

/** Migrations in code: what they are known by, and how their tool is driven instead. */
export interface Code {
  readonly title: string;
  readonly what: string;
  readonly how: string;
}

/** Whether a folder's migrations are code, which its own tool runs and nobody imitates. */
export async function codeIn(folder: Folder): Promise<Code | undefined> {
  for (const { title, how, ...sign } of tools) {
    const files = folder.files.filter((file) => sign.file.test(file)).sort();
    for (const file of files.slice(0, 20)) {
      const told = sign.text === undefined || sign.text.test(await folder.text(file).catch(() => ""));
      if (told) return { title, how, what: `${file} is code of ${title}` };
    }
  }
  return undefined;
}

/** Files of other languages among SQL, named as it is: nothing here can run them. */
export function codeAmong(files: readonly string[], named = /^[Vv]?\d[^/]*$/): readonly LeftOut[] {
  const ours = files.filter((file) => named.test(file) && !/_test\.go$|\.d\.[cm]?ts$/.test(file));
  return ours.sort().flatMap((name) => {
    const language = languages[name.slice(name.lastIndexOf(".") + 1)];
    const why = `it is written in ${language}, which only the product itself can run`;
    return language === undefined ? [] : [{ name, why }];
  });
}

const languages: { readonly [ending: string]: string } = {
  ...{
    go: "Go",
    rb: "Ruby",
    py: "Python",
    php: "PHP",
    rs: "Rust",
    cs: "C#",
    java: "Java",
    kt: "Kotlin",
    exs: "Elixir",
  },
  ...{ ts: "TypeScript", mts: "TypeScript", cts: "TypeScript", js: "JavaScript", mjs: "JavaScript", cjs: "JavaScript" },
  ...{ sh: "shell", pl: "Perl", lua: "Lua", scala: "Scala", groovy: "Groovy" },
};

interface Tool {
  readonly title: string;
  /** Names of its files, and what stands in them where the name does not tell. */
  readonly file: RegExp;
  readonly text?: RegExp;
  readonly how: string;
}

const script = /\.(?:[cm]?js|[cm]?ts)$/;

/** What is surer comes first: a Knex migration says little of itself. */
const tools: readonly Tool[] = [
  {
    title: "Alembic",
    file: /\.py$/,
    text: /^down_revision\b/m,
    how: 'drive it with command("alembic", ["upgrade", "{release}"])',
  },
  {
    title: "Django",
    file: /\.py$/,
    text: /^class Migration\(migrations\.Migration\)/m,
    how: 'drive it with command("python", ["manage.py", "migrate"])',
  },
  {
    title: "Rails",
    file: /(?:^|\/)\d+_\w+\.rb$/,
    text: /ActiveRecord::Migration/,
    how: 'drive it with command("bin/rails", ["db:migrate"])',
  },
  {
    title: "Laravel",
    file: /\.php$/,
    text: /Illuminate\\Database\\Migrations/,
    how: 'drive it with command("php", ["artisan", "migrate"])',
  },
  {
    title: "Doctrine",
    file: /\.php$/,
    text: /AbstractMigration/,
    how: 'drive it with command("bin/console", ["doctrine:migrations:migrate"])',
  },
  {
    title: "Entity Framework",
    file: /(?:\.Designer|ModelSnapshot)\.cs$/,
    how: 'drive it with command("dotnet", ["ef", "database", "update"])',
  },
  {
    title: "Ecto",
    file: /\.exs$/,
    text: /use Ecto\.Migration/,
    how: 'drive it with command("mix", ["ecto.migrate"])',
  },
  { title: "TypeORM", file: script, text: /\bMigrationInterface\b/, how: "drive it with typeormMigrations(…)" },
  { title: "MikroORM", file: script, text: /@mikro-orm\/migrations/, how: "drive it with mikroOrmMigrations(…)" },
  { title: "Kysely", file: script, text: /\bKysely\b|from ["']kysely["']/, how: "drive it with kyselyMigrations(…)" },
  { title: "Sequelize", file: script, text: /\bqueryInterface\b/i, how: "drive it with umzugMigrations(…)" },
  { title: "node-pg-migrate", file: script, text: /\bpgm\b/, how: "drive it with nodePgMigrations(…)" },
  { title: "db-migrate", file: script, text: /\bdbm\b|db-migrate/, how: "drive it with dbMigrations(…)" },
  {
    title: "Knex",
    file: script,
    text: /\b(?:exports\.up\b|export\s+(?:async\s+)?(?:function|const)\s+up\b)/,
    how: "drive it with knexMigrations(…)",
  },
  {
    title: "Go",
    file: /(?:^|\/)\d+_\w+\.go$/,
    how: "drive the program that has them with command(…)",
  },
];
