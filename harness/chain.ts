import { type Database, type EngineName, forEngine, type PerEngine } from "./database.ts";
import type { Driver } from "./driver.ts";
import { HarnessError, knownNames } from "./errors.ts";
import type { LockRule, Migrator, TransactionRule } from "./migrator.ts";

/** SQL that stands in a file, so that a message can point into it. */
export interface SqlFile {
  readonly sql: string;
  readonly file: string;
  /** Where `sql` is a part of the file: all of its text, and the characters before that part. */
  readonly within?: { readonly text: string; readonly start: number };
  /**
   * How its tool sends it: one message each. Unless said, as the release's transaction rule does. A function reads pieces while
   * they are sent, for files that are too large to be held; `sql` is empty then.
   */
  readonly pieces?: readonly Piece[] | (() => AsyncIterable<Piece>);
  /** SHA-256 of what is not held. */
  readonly checksum?: string;
  /** Of a way back: whether a transaction is around it, where that is not as its way there has it. */
  readonly transaction?: boolean;
  /** Words in place of which the sandbox's own database and user are said, as in `:DATABASE_NAME`. */
  readonly standIns?: { readonly [word: string]: "database" | "user" };
}

/** SQL that is sent as one message: a statement, or a whole file. */
export interface Piece {
  readonly sql: string;
  /** Characters of the migration's SQL before it. */
  readonly offset: number;
  /** The lines behind a `COPY … FROM stdin`, as the server is to get them; many of them come one part after the other. */
  readonly copied?: string | AsyncIterable<string>;
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
  /** How its tool's record knows it, where that is not by its name and our checksum. */
  readonly recordedAs?: RecordedAs;
}

/** A migration in its tool's record. */
export interface RecordedAs {
  /** `1.2` for `V1_2__names.sql`; the name unless said. */
  readonly id?: string;
  readonly checksum?: string;
  /** Run again although recorded: once its checksum is another one, or in every hop. */
  readonly again?: "when-changed" | "always";
  /** What else the record holds of it. */
  readonly facts?: { readonly [fact: string]: string | number };
}

/** Anything that brings migrations: a folder, a git tag, a tool. Read once for each engine, before anything runs. */
export interface MigrationSource {
  readonly read: (engine: EngineName) => Promise<readonly Migration[] | Shipment>;
}

/** What a release ships, and how its tool deals with it. */
export interface Shipment {
  /** In the order in which they run on an empty database. */
  readonly migrations: readonly Migration[];
  /** The tool whose rules hold; missing: our own record and the release's rules. */
  readonly migrator?: Migrator;
  /** The tool that does it all itself; then `migrations` may be names that it told. */
  readonly driver?: Driver;
  readonly prelude?: Prelude;
  /** `own`: each migration has a session to itself, as files have that are fed to a client one by one; `shared` unless said. */
  readonly session?: "shared" | "own";
  /** Migrations that nothing here can run: code of another language. Every hop that would run one says so. */
  readonly leftOut?: readonly LeftOut[];
}

/** SQL that a product says before its migrations: to every session, or to a new database once. */
export interface Prelude {
  readonly session?: string;
  readonly database?: string;
}

/** What a source ships and nothing here runs. */
export interface LeftOut {
  readonly name: string;
  readonly why: string;
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
  const seen = new Set<string>();
  const twin =
    new Set(names).size === names.length ? undefined : names.find((name) => seen.has(name) || !seen.add(name));
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
