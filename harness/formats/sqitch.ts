import { createHash } from "node:crypto";
import type { Migration } from "../chain.ts";
import { engineNames, forEngine, type PerEngine } from "../database.ts";
import { HarnessError } from "../errors.ts";
import type { Migrator } from "../migrator.ts";
import { asAsked } from "./asked.ts";
import type { Folder, Format, ReadOptions } from "./format.ts";
import { refused } from "./refused.ts";
import { type Plan, type Planned, planIn } from "./sqitch-plan.ts";
import { sqitchRecord } from "./sqitch-record.ts";
import { engineOf, scriptOf } from "./sqitch-script.ts";
import type { Registry } from "./sqitch-tables.ts";

/**
 * Sqitch: `sqitch.plan` lists the changes in their order, and each has its scripts `deploy/<change>.sql` and
 * `revert/<change>.sql`, which Sqitch feeds to psql or the mysql client, one session for each.
 */
export const sqitch: Format = {
  name: "sqitch",
  title: "Sqitch",

  async detect(folder) {
    const { plan, engines } = await settingsOf(folder);
    if (!folder.files.includes(plan)) return undefined;
    const [engine] = engines.length === 1 ? (engineOf(engines[0] ?? "") ?? []) : [];
    return { by: "marker", what: plan, ...(engine !== undefined && { engine }) };
  },

  async read(folder, options) {
    const settings = await settingsOf(folder);
    if (!folder.files.includes(settings.plan)) {
      throw new HarnessError("bad-input", `Cannot read migrations from "${folder.path}": it holds no ${settings.plan}`);
    }
    refuseOtherEngine(folder, settings);
    const plan = planIn(folder, settings.plan, await folder.text(settings.plan));
    const migrations = plan.changes.map((change) => migrationOf(folder, change, { settings, options }));
    return {
      migrations: await Promise.all(migrations),
      migrator: migrator(plan, settings, options),
      session: "own",
      ...asAsked(options),
    };
  },
};

/** What `sqitch.conf` says, or Sqitch takes for granted. */
interface Settings {
  readonly plan: string;
  readonly deploy: string;
  readonly revert: string;
  /** As Sqitch names them; empty: it is not said. */
  readonly engines: readonly string[];
  readonly registry: string;
}

async function settingsOf(folder: Folder): Promise<Settings> {
  const text = folder.files.includes("sqitch.conf") ? await folder.text("sqitch.conf") : "";
  const said = new Map<string, string>();
  const named = new Set<string>();
  let section = "";
  for (const line of text.split("\n")) {
    const head = /^\s*\[\s*(\w+)(?:\s+"([^"]*)")?\s*\]/.exec(line);
    if (head !== null) section = head[2] === undefined ? `${head[1]}` : `${head[1]} ${head[2]}`;
    const engine = head === null ? undefined : /^engine (.+)$/.exec(section)?.[1];
    if (engine !== undefined) named.add(engine);
    const pair = /^\s*(\w+)\s*=\s*"?([^"#;]*?)"?\s*(?:[#;].*)?$/.exec(line);
    if (pair !== null) said.set(`${section}.${pair[1]}`, pair[2] ?? "");
  }
  const core = said.get("core.engine");
  const own = core === undefined ? "" : `engine ${core}`;
  const setting = (name: string) => said.get(`${own}.${name}`) ?? said.get(`core.${name}`);
  const top = within("", setting("top_dir") ?? ".");
  return {
    plan: within("", setting("plan_file") ?? within(top, "sqitch.plan")),
    deploy: within("", setting("deploy_dir") ?? within(top, "deploy")),
    revert: within("", setting("revert_dir") ?? within(top, "revert")),
    engines: [...new Set([...(core === undefined ? [] : [core]), ...named])],
    registry: setting("registry") ?? "sqitch",
  };
}

function within(folder: string, path: string): string {
  const parts = `${folder}/${path}`.split("/").filter((part) => part !== "" && part !== ".");
  return parts.join("/");
}

function refuseOtherEngine(folder: Folder, { engines }: Settings): void {
  const [first] = engines;
  if (first === undefined || engines.some((name) => engineOf(name) !== undefined)) return;
  throw refused(folder, "sqitch.conf", `its engine is "${first}" (scripts for pg and mysql can be read)`);
}

interface At {
  readonly settings: Settings;
  readonly options: ReadOptions;
}

async function migrationOf(folder: Folder, change: Planned, { settings, options }: At): Promise<Migration> {
  const files = scriptsOf(change);
  const deploy = existing(folder, settings.deploy, files);
  if (deploy === undefined) {
    const why = `line ${change.line} of ${settings.plan} names it, and there is no such file`;
    throw refused(folder, within(settings.deploy, files[0] ?? ""), why);
  }
  const revert = existing(folder, settings.revert, files);
  const bytes = await folder.bytes(deploy);
  return {
    name: `${change.name}${change.reworkedAt.at(-1) ?? ""}`,
    up: await scriptOf(folder, deploy, options),
    ...(revert !== undefined && { down: await scriptOf(folder, revert, options) }),
    recordedAs: { id: change.id, checksum: createHash("sha1").update(bytes).digest("hex") },
  };
}

/** Once a change was reworked, what it was is kept under one of the tags since. */
function scriptsOf({ name, reworkedAt }: Planned): readonly string[] {
  return reworkedAt.length === 0 ? [`${name}.sql`] : reworkedAt.map((tag) => `${name}${tag}.sql`);
}

function existing(folder: Folder, where: string, files: readonly string[]): string | undefined {
  return files.map((file) => within(where, file)).find((file) => folder.files.includes(file));
}

function migrator(plan: Plan, settings: Settings, options: ReadOptions): Migrator {
  const registry = registryFor(options.recordTable ?? settings.registry);
  const known = settings.engines.flatMap((name) => engineOf(name) ?? []);
  return {
    title: sqitch.title,
    engines: settings.engines.length === 0 ? engineNames : known,
    transaction: "none",
    lock: "wait",
    // An id is made of all before it: what comes in between gives the later ones other ids, and Sqitch finds those no more.
    late: "refuse",
    edited: "ignore",
    removed: "refuse",
    record: sqitchRecord(plan, forEngine(registry, options.engine) ?? ((table) => table)),
  };
}

/**
 * A schema of its own; where schemas are databases, tables with its name before them: another database would not be the
 * sandbox's.
 */
function registryFor(name: string): PerEngine<Registry> {
  if (!/^[\p{L}_][\p{L}\p{N}_$-]*$/u.test(name)) {
    const way = 'it is one name of letters, digits and "_", as in recordTable: "sqitch"';
    throw new HarnessError("bad-input", `Cannot keep Sqitch's record in the schema ${JSON.stringify(name)} (${way})`);
  }
  return { postgres: (table) => `"${name}".${table}`, mysql: (table) => `${name.replaceAll("-", "_")}_${table}` };
}
