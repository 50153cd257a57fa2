import {
  type Check,
  clean,
  defineScenario,
  type EngineName,
  type Expectation,
  type Finding,
  type Migration,
  type PerEngine,
  type Rehearsal,
  type RehearseOptions,
  type Release,
  rehearse,
  release,
  type Scenario,
  type Seeder,
  seeder,
  type TransactionRule,
  type Verdict,
} from "migration-sandbox";
import type { Stage } from "../harness/sandbox.ts";
import type { Snapshot } from "../harness/snapshot.ts";
import { databasesOf, onStage } from "./stage.ts";

/** One release that creates things, rows that are sown in it, and the migrations of the next. */
export interface Upgrade {
  readonly installs: Migration["up"];
  readonly sows?: string | Seeder["sow"];
  readonly hop: Migration["up"] | readonly Migration[];
  readonly transaction?: TransactionRule;
  readonly check?: Check;
  readonly expect?: Expectation;
}

/** What a path left behind, as a check saw it. */
export interface Left {
  readonly verdict: Verdict;
  readonly tables: readonly string[];
  readonly record: readonly unknown[];
}

/** Walks upgrades on the shared server of one engine. */
export interface Walks {
  readonly engine: EngineName;
  readonly stage: () => Stage;
  rehearsed(scenario: Scenario, options?: RehearseOptions): Promise<readonly Rehearsal[]>;
  upgraded(upgrade: Upgrade, options?: RehearseOptions): Promise<Rehearsal>;
  /** The verdict of an upgrade, and what a question asked where it ended was answered. */
  asked(upgrade: Upgrade, sql: string): Promise<{ readonly verdict: Verdict; readonly rows: readonly unknown[] }>;
  left(upgrade: Upgrade): Promise<Left>;
  /** Paths from 1.0 through a chain in which each release adds one migration to the one before. */
  chained(parts: Chained, options?: RehearseOptions): Promise<readonly Rehearsal[]>;
  databases(): Promise<readonly string[]>;
}

export interface Chained {
  readonly migrations: readonly Migration["up"][];
  readonly seeds?: Scenario["seeds"];
  readonly paths: Scenario["paths"];
  readonly check?: Check;
  readonly transaction?: TransactionRule;
  /** What releases are beside their migrations, in the order of the chain. */
  readonly releases?: readonly Partial<Omit<Release, "name" | "migrations">>[];
  readonly known?: Scenario["known"];
}

export function walksOn(engine: EngineName): Walks {
  const stage = onStage(engine);

  const rehearsed: Walks["rehearsed"] = async (scenario, options = {}) => {
    const { rehearsals } = await rehearse([scenario], { stage: async () => stage(), ...options });
    return rehearsals;
  };

  const upgraded: Walks["upgraded"] = async (upgrade, options) => {
    const { installs, sows, hop, transaction = "each", check, expect = clean } = upgrade;
    const first: Migration = { name: "0001", up: installs };
    const next = Array.isArray(hop) ? (hop as readonly Migration[]) : [{ name: "0002", up: hop as Migration["up"] }];
    const scenario = defineScenario({
      title: "an upgrade",
      engines: [engine],
      chain: [
        release("1.0", { migrations: [first], transaction }),
        release("1.1", { migrations: [first, ...next], transaction }),
      ],
      seeds: sows === undefined ? {} : { "1.0": sowing(sows) },
      paths: [{ from: "1.0", to: "1.1", expect, ...(check !== undefined && { check }) }],
    });
    const [rehearsal] = await rehearsed(scenario, options);
    if (rehearsal === undefined) throw new Error("Nothing was rehearsed");
    return rehearsal;
  };

  async function seen<T>(upgrade: Upgrade, look: (after: Snapshot) => Promise<T>): Promise<[Verdict, T | undefined]> {
    let found: T | undefined;
    const check: Check = async ({ after }) => {
      found = await look(after);
      return [];
    };
    return [(await upgraded({ ...upgrade, check })).verdict, found];
  }

  return {
    engine,
    stage,
    rehearsed,
    upgraded,

    async asked(upgrade, sql) {
      const [verdict, rows = []] = await seen(upgrade, (after) => after.query(sql));
      return { verdict, rows };
    },

    async left(upgrade) {
      const [verdict, found] = await seen(upgrade, async (after) => ({
        tables: (await after.tables()).map(({ name }) => name),
        record: (await after.query("select name from _migration_sandbox order by position")).map(({ name }) => name),
      }));
      return { verdict, tables: [], record: [], ...found };
    },

    chained({ migrations, seeds = {}, paths, check, transaction, releases = [], known }, options) {
      const chain = chainOf(migrations, transaction).map((one, i) => ({ ...one, ...releases[i] }));
      const scenario: Scenario = {
        title: "a chain",
        engines: [engine],
        chain,
        seeds,
        paths,
        ...(check !== undefined && { check }),
        ...(known !== undefined && { known }),
      };
      return rehearsed(scenario, options);
    },

    databases: () => databasesOf(stage()),
  };
}

/** Releases 1.0, 1.1, …: each ships one migration more than the one before. */
function chainOf(ups: readonly Migration["up"][], transaction: TransactionRule = "each"): readonly Release[] {
  const migrations = ups.map((up, i): Migration => ({ name: `000${i + 1}`, up }));
  return migrations.map((_, i) => release(`1.${i}`, { migrations: migrations.slice(0, i + 1), transaction }));
}

export function sowing(sows: string | Seeder["sow"], name = "rows"): Seeder {
  if (typeof sows !== "string") return seeder(name, sows);
  return seeder(name, async ({ db }) => {
    await db.raw(sows);
  });
}

export function codes(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ code }) => code);
}

export function messages(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ message }) => message);
}

/** What comes of each path in short, in the order of the scenario's paths. */
export function outcomes(rehearsals: readonly Rehearsal[]): readonly (readonly string[])[] {
  return rehearsals.map(({ verdict }) => [verdict.outcome, ...codes(verdict.findings)]);
}

/** How each engine calls a row that is there already, and a column that is not. */
export const duplicate = { postgres: "23505", mariadb: 1062, mysql: 1062 } as const;
export const noColumn = { postgres: "42703", mariadb: 1054, mysql: 1054 } as const;

/** The error of an engine as a finding has it. */
export function numbered(error: PerEngine<string | number>, engine: EngineName): Partial<Finding> {
  const said = error[engine];
  return typeof said === "number" ? { errno: said } : { sqlState: String(said) };
}

export const engines = ["postgres", "mariadb", "mysql"] as const;
export const nothingWrong: Verdict = { outcome: "clean", findings: [], notes: [] };
export const users = "create table users (id int primary key, name varchar(50))";
