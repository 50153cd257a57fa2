import { execa } from "execa";
import { migrationsIn } from "migration-sandbox";
import { forEngine, type PerEngine } from "../../harness/database.ts";
import type { Sandbox } from "../../harness/sandbox.ts";
import { type Held, heldBy } from "../tools/driving.ts";
import { type Link, saved, sqlOf } from "./chains.ts";
import { whyNotRun } from "./programs.ts";
import type { Outcome, Tool } from "./tool.ts";

/** Who it was, and when. */
const passing = [
  ...["committed_at", "committer_name", "committer_email", "installed_at", "installer_name", "installer_email"],
  ...["created_at", "creator_name", "creator_email", "planned_at"],
];

export const sqitch: Tool = {
  title: "Sqitch",
  engines: ["postgres", "mysql", "mariadb"],
  program: { name: "sqitch", whyNot: () => whyNotRun("sqitch", ["--version"]) },
  files: (links, engine) => ({
    "sqitch.conf": `[core]\n\tengine = ${forEngine({ postgres: "pg", mysql: "mysql" }, engine)}\n`,
    ".my.cnf": "[client]\ndefault-character-set = utf8mb4\n",
    "sqitch.plan": `%syntax-version=1.0.0\n%project=shop\n\n${links.map(planned).join("")}`,
    ...Object.fromEntries(links.map((link) => [`deploy/${nameOf(link)}.sql`, saved(script(link), link)])),
  }),
  ours: (folder) => migrationsIn(folder),
  // Unless told so, it takes back what it had deployed before the one that failed.
  run: (sandbox, folder) => sqitchDoes(["deploy", "--mode", "change"], sandbox, folder),
  passing,
  holds: async (held, sandbox, whose) =>
    forEngine({ mysql: () => heldOf(held, sandbox, whose) }, sandbox.engine.name)?.() ?? held,
  async clear(sandbox) {
    const drop = forEngine({ mysql: `drop database if exists \`${registryOf(sandbox)}\`` }, sandbox.engine.name);
    if (drop === undefined) return;
    const session = await sandbox.connect();
    await session.query(drop).finally(() => session.end());
  },
  outcomes: {
    thousand: "none",
    bodies: { mysql: { fails: 1064 } },
    enclosed: { fails: "25001" },
    again: { postgres: { fails: "23505" }, mysql: { fails: 1050 } },
    large: "none",
    fails: { postgres: { fails: "23505" }, mysql: { fails: 1062 } },
    late: onTwo(itsOwn("later3")),
    removed: onTwo(itsOwn("rows2")),
    edited: onTwo("same"),
    comment: onTwo("same"),
  },
};

/** As its users type it. Throws what it printed. */
export async function sqitchDoes(command: readonly string[], sandbox: Sandbox, cwd: string): Promise<void> {
  const { host, port, user, password, database } = sandbox.address;
  const scheme = forEngine({ postgres: "pg", mysql: "mysql" }, sandbox.engine.name);
  const target = `db:${scheme}://${user}:${password}@${host}:${port}/${database}`;
  const registry = forEngine({ mysql: ["--registry", registryOf(sandbox)] }, sandbox.engine.name) ?? [];
  const env = { HOME: cwd, SQITCH_FULLNAME: "Ann", SQITCH_EMAIL: "ann@example.org" };
  const options = { cwd, env, reject: false, all: true, stdin: "ignore", timeout: 30_000 } as const;
  const { failed, all } = await execa("sqitch", [...command, "--target", target, ...registry], options);
  if (failed) throw new Error(all);
}

function itsOwn(change: string): Outcome {
  const refuses = new RegExp(`^Cannot find change \\w+ \\(${change}\\) in sqitch.plan$`);
  return { refuses, ours: /was applied, and 2.0 does not ship it$/ };
}

/** What its plan decides is the same on MySQL and on MariaDB, and starting it costs most. */
function onTwo(outcome: Outcome): PerEngine<Outcome> {
  return { postgres: outcome, mariadb: outcome, mysql: "none" };
}

function nameOf({ name, number }: Link): string {
  return `${name}${number}`;
}

function planned(link: Link): string {
  return `${nameOf(link)} 2026-01-31T12:00:${String(link.number % 60).padStart(2, "0")}Z Ann <ann@example.org> # note\n`;
}

function script(link: Link): string {
  return link.alone ? sqlOf(link) : `BEGIN;\n\n${sqlOf(link)}\nCOMMIT;\n`;
}

/** Where schemas are databases, its record is one, and another for each of our sandboxes. */
function registryOf({ address }: Sandbox): string {
  return `${address.database}_sqitch`;
}

/** Its tables in the sandbox are ours to lay out where its own are elsewhere: what stands in them is compared. */
async function heldOf(held: Held, sandbox: Sandbox, whose: "ours" | "theirs"): Promise<Held> {
  const tables = held.catalogue.tables.filter(({ name }) => !name.startsWith("sqitch_"));
  const plain = { catalogue: { ...held.catalogue, tables }, rows: held.rows };
  if (whose === "ours") return plain;
  const address = { ...sandbox.address, database: registryOf(sandbox) };
  const registry = await heldBy({ address, snapshot: () => sandbox.engine.snapshot(address) } as Sandbox, passing);
  const rows = Object.entries(registry.rows).map(([table, rows]) => [`sqitch_${table}`, rows]);
  return { ...plain, rows: { ...held.rows, ...Object.fromEntries(rows) } };
}
