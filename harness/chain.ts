import { type Database, type EngineName, forEngine, type PerEngine } from "./database.ts";
import { HarnessError, knownNames } from "./errors.ts";

/** SQL that stands in a file, so that a message can point into it. */
export interface SqlFile {
  readonly sql: string;
  readonly file: string;
}

/** What a migration does: SQL, SQL per engine (MariaDB falls back to MySQL's), or code that is handed the database. */
export type Change = string | SqlFile | PerEngine<string | SqlFile> | ((db: Database) => Promise<void>);

/** One named change. */
export interface Migration {
  readonly name: string;
  readonly up: Change;
  readonly down?: Change;
  /** Names of migrations that must run before this one; read by {@link byDependencies}. */
  readonly after?: readonly string[];
  /** `false`: this one runs outside any transaction, whatever the release's rule. */
  readonly transaction?: false;
}

/** Anything that brings migrations: a folder, a git tag, a tool. Read once, before anything runs. */
export interface MigrationSource {
  readonly read: () => Promise<readonly Migration[]>;
}

export interface Log {
  error(message: string, cause?: unknown): void;
  info(message: string): void;
}

/** A boot task, a user's action, an operator's workaround. */
export type Task<S = unknown> = {
  // Written as a method so that a task of known settings is a task: settings only ever come from its own scenario.
  task(at: { readonly db: Database; readonly settings: S; readonly log: Log }): Promise<void>;
}["task"];

/** Tasks by the sentence that says what they do, run in order. */
export type Tasks<S = unknown> = { readonly [sentence: string]: Task<S> };

/** `each` migration in a transaction of its own, `all` pending ones in one, or `none`. */
export type TransactionRule = "each" | "all" | "none";

/** What a product's migrator does when another one is at work: it waits, refuses to start, or takes no notice. */
export type LockRule = "wait" | "refuse" | "none";

export interface ReleaseParts<S = unknown> {
  /** All that the release ships, in the order it runs them on an empty database. */
  readonly migrations: readonly Migration[] | MigrationSource;
  /** Marks a stand-in (as first merged; as it should have been): it shares that release's place in the chain. */
  readonly insteadOf?: string;
  /** How the product's migrator uses transactions; `each` unless said. */
  readonly transaction?: TransactionRule;
  /** What the product's migrator does when another one is at work; `wait` unless said. */
  readonly lock?: LockRule;
  /** Columns that the release's code expects, by table. */
  readonly model?: { readonly [table: string]: readonly string[] };
  /** What the release does at every start, after migrating. */
  readonly boot?: Tasks<S>;
  /** What its users do with it once it runs. */
  readonly use?: Tasks<S>;
}

/** One version of an application. */
export interface Release<Name extends string = string, S = unknown> extends ReleaseParts<S> {
  readonly name: Name;
}

/**
 * One release of a chain. Its name stays literal, so a misspelt one in a path does not compile.
 *
 * @example
 * ```ts
 * import { release } from "migration-sandbox";
 * const first = release("1.0", { migrations: [{ name: "0001", up: "create table users (id int primary key)" }] });
 * console.assert(first.name === "1.0");
 * ```
 */
export function release<const Name extends string, S = unknown>(name: Name, parts: ReleaseParts<S>): Release<Name, S> {
  return { ...parts, name };
}

/**
 * Orders migrations as frameworks with dependencies do: depth first from the leaves, in name order, each after the
 * ones it names in `after`.
 *
 * @throws {HarnessError} `bad-input` for a name that is not in the list, stands twice in it, or waits for itself.
 * @example
 * ```ts
 * import { byDependencies } from "migration-sandbox";
 * const ordered = byDependencies([{ name: "a2", up: "", after: ["b1"] }, { name: "b1", up: "" }]);
 * console.assert(ordered.map((m) => m.name).join() === "b1,a2");
 * ```
 */
export function byDependencies(migrations: readonly Migration[]): readonly Migration[] {
  const byName = new Map(migrations.map((migration) => [migration.name, migration]));
  if (byName.size < migrations.length)
    refuseTwins(
      migrations.map((m) => m.name),
      "Cannot order migrations",
    );
  const ordered = new Set<Migration>();
  const visit = (migration: Migration, waiting: readonly string[]) => {
    if (ordered.has(migration)) return;
    if (waiting.includes(migration.name)) {
      const circle = [...waiting.slice(waiting.indexOf(migration.name)), migration.name].join(" → ");
      throw new HarnessError("bad-input", `Cannot order migrations: they wait for each other (${circle})`);
    }
    for (const name of [...(migration.after ?? [])].sort()) {
      const before = byName.get(name);
      if (before === undefined) {
        throw new HarnessError(
          "bad-input",
          `Cannot order migrations: "${migration.name}" comes after "${name}", which is not in the list (${knownNames(name, [...byName.keys()])})`,
        );
      }
      visit(before, [...waiting, migration.name]);
    }
    ordered.add(migration);
  };
  const needed = new Set(migrations.flatMap((m) => m.after ?? []));
  const inNameOrder = [...migrations].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const leaf of inNameOrder.filter((m) => !needed.has(m.name))) visit(leaf, []);
  for (const rest of inNameOrder) visit(rest, []);
  return [...ordered];
}

/** Throws when a name stands twice. */
export function refuseTwins(names: readonly string[], what: string): void {
  const twin = names.find((name, i) => names.indexOf(name) !== i);
  if (twin !== undefined)
    throw new HarnessError("bad-input", `${what}: "${twin}" is named twice; each name may stand once`);
}

/** The SQL or the code that a migration runs on this engine. */
export function changeFor(
  change: Change,
  engine: EngineName,
): string | SqlFile | ((db: Database) => Promise<void>) | undefined {
  if (typeof change === "string" || typeof change === "function") return change;
  if ("sql" in change) return change as SqlFile;
  return forEngine(change, engine);
}
