import { arch, platform } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { migrationsIn } from "migration-sandbox";
import { forEngine } from "../../harness/database.ts";
import type { Sandbox } from "../../harness/sandbox.ts";
import { saved, sqlOf } from "./chains.ts";
import { fetched } from "./fetched.ts";
import type { Tool } from "./tool.ts";

/** A package for this platform alone. */
const library = `@dbmate/${platform()}-${arch()}`;
const { folder: home, whyNot } = fetched("dbmate-2.36.0", [`${library}@2.36.0`]);
const binary = join(home, "node_modules", library, "bin", "dbmate");

export const dbmate: Tool = {
  title: "dbmate",
  engines: ["postgres", "mysql", "mariadb"],
  program: { name: "dbmate", whyNot },
  files: (links) =>
    Object.fromEntries(
      links.map((link) => {
        const options = link.alone ? " transaction:false" : "";
        const text = `-- migrate:up${options}\n${sqlOf(link)}\n-- migrate:down\n`;
        return [`${String(link.number).padStart(4, "0")}_${link.name}.sql`, saved(text, link)];
      }),
    ),
  ours: (folder) => migrationsIn(folder),
  run: (sandbox, folder) => dbmateDoes("migrate", sandbox, folder),
  passing: [],
  outcomes: {
    delimited: { fails: 1064 },
    enclosed: { fails: "25001" },
    again: { postgres: { fails: "23505" }, mysql: { fails: 1050 } },
    fails: { postgres: { fails: "23505" }, mysql: { fails: 1062 } },
    mark: { refuses: /define an up block with '-- migrate:up'/, ours: /:1": dbmate wants a line "-- migrate:up" / },
  },
};

/** As its users type it. Throws what it printed. */
export async function dbmateDoes(
  command: "migrate" | "rollback",
  { url, engine }: Sandbox,
  folder: string,
): Promise<void> {
  const at = forEngine({ postgres: `${url}?sslmode=disable`, mysql: url }, engine.name) ?? url;
  const args = ["--url", at, "--migrations-dir", folder, "--no-dump-schema", command];
  const { failed, all } = await execa(binary, args, { reject: false, all: true, stdin: "ignore", timeout: 30_000 });
  if (failed) throw new Error(all);
}
