import type { LeftOut, Migration, SqlFile } from "../chain.ts";
import { HarnessError } from "../errors.ts";
import { asAsked } from "./asked.ts";
import { byVersion, type Named, nameIn, type Repeatable, type Versioned, versionedAs } from "./flyway-names.ts";
import { migratorOf, part } from "./flyway-rules.ts";
import { type Script, scriptOf } from "./flyway-sql.ts";
import type { Folder, Format, ReadOptions } from "./format.ts";
import { refused } from "./refused.ts";

/** SQL as Flyway reads it: `V1_2__add_names.sql`, `U1_2__…` to undo it, `R__views.sql` whenever it changes, `B5__…` on new databases. */
export const flyway: Format = {
  name: "flyway",
  title: "Flyway",

  async detect({ files }) {
    const marker = files.find((file) => /^flyway\.(conf|toml)$/.test(file));
    if (marker !== undefined) return { by: "marker", what: marker };
    const named = files.filter(
      (file) => file.endsWith(".sql") && /^[VRB].*__/.test(file.slice(file.lastIndexOf("/") + 1)),
    );
    const first = named.filter((file) => nameIn(file) !== undefined).sort()[0];
    return first === undefined ? undefined : { by: "names", what: `the name of ${first}` };
  },

  async read(folder, options) {
    const found = [...folder.files].sort().flatMap((file) => (file.endsWith(".sql") ? (nameIn(file) ?? []) : []));
    if (!found.some(({ kind }) => kind === "versioned" || kind === "repeatable" || kind === "baseline")) {
      const why = "it holds no file that is named like V1__users.sql";
      throw new HarnessError("bad-input", `Cannot read migrations from "${folder.path}": ${why}`);
    }
    refuseTwins(folder, found);
    const scripts = await Promise.all(
      inOrder(found).map(async (named) => ({ named, script: await scriptOf(folder, named.file, options) })),
    );
    const conditional = scripts.filter(({ script }) => script.condition !== undefined);
    const run = scripts.filter((one) => !conditional.includes(one));
    const undo = versionedAs("undo", found);
    const migrations = await Promise.all(run.map((one) => migrationOf(folder, one, { undo, options })));
    const left = [
      ...leftOut(folder, found),
      ...conditional.map(({ named }) => ({ name: named.file, why: byCondition })),
    ];
    return {
      migrations,
      migrator: await migratorOf(folder, { migrations, left, options }),
      ...(left.length > 0 && { leftOut: left }),
      ...asAsked(options),
    };
  },

  part,
};

const byCondition = "whether it runs is for Flyway's paid editions to say (shouldExecute in its .conf)";

function refuseTwins(folder: Folder, found: readonly Named[]): void {
  const seen = new Map<string, string>();
  for (const named of found) {
    if (named.kind === "callback") continue;
    const key = `${named.kind} ${"version" in named ? named.version.id : named.description}`;
    const twin = seen.get(key);
    const same = "version" in named ? "version" : "description";
    const way = `give one of them another ${same}, or name the folder that holds one of them`;
    if (twin !== undefined) throw refused(folder, named.file, `"${twin}" has the same ${same} (${way})`);
    seen.set(key, named.file);
  }
}

/** Callbacks that run in every migrate, and what runs between them. */
function inOrder(found: readonly Named[]): readonly Named[] {
  const callbacks = (event: string) => found.filter((named) => named.kind === "callback" && named.event === event);
  const baselines = versionedAs("baseline", found).slice(-1);
  // Stable: a baseline stands behind the version that it stands for.
  const versioned = [...versionedAs("versioned", found), ...baselines].sort((a, b) => byVersion(a.version, b.version));
  const repeatable = found.filter((named): named is Repeatable => named.kind === "repeatable");
  return [
    ...callbacks("beforeMigrate"),
    ...versioned,
    ...callbacks("afterVersioned"),
    ...repeatable.sort((a, b) => (a.description < b.description ? -1 : 1)),
    ...callbacks("afterMigrate"),
  ];
}

interface One {
  readonly named: Named;
  readonly script: Script;
}

interface With {
  readonly undo: readonly Versioned[];
  readonly options: ReadOptions;
}

async function migrationOf(folder: Folder, { named, script }: One, { undo, options }: With): Promise<Migration> {
  const back = named.kind === "versioned" ? undo.find(({ version }) => version.id === named.version.id) : undefined;
  const down = back === undefined ? undefined : await scriptOf(folder, back.file, options);
  return {
    name: named.file.slice(named.file.lastIndexOf("/") + 1, -".sql".length),
    up: asSql(folder, named.file, script),
    ...(back !== undefined &&
      down !== undefined && { down: { ...asSql(folder, back.file, down), transaction: down.transaction } }),
    ...(!script.transaction && { transaction: false as const }),
    recordedAs: recordedAs(named, script, undoneAs(back, down)),
  };
}

function asSql(folder: Folder, file: string, { sql, pieces }: Script): SqlFile {
  return { sql, file: folder.shown(file), pieces };
}

type Facts = NonNullable<NonNullable<Migration["recordedAs"]>["facts"]>;

/** What its record says once it was undone. */
function undoneAs(back: Versioned | undefined, script: Script | undefined): Facts {
  if (back === undefined || script === undefined) return {};
  return { undo: back.file, undoDescription: back.description, undoChecksum: script.checksums.written };
}

function recordedAs(
  named: Named,
  { checksums, transaction }: Script,
  undone: Facts,
): NonNullable<Migration["recordedAs"]> {
  if (named.kind === "callback") return { again: "always" };
  const { description, file: script } = named;
  const facts = { description, script, type: "SQL", outside: transaction ? 0 : 1 };
  if (named.kind === "repeatable") {
    return { id: `R__${description}`, checksum: checksums.sent, again: "when-changed", facts };
  }
  const { id, shown } = named.version;
  if (named.kind === "versioned")
    return { id, checksum: checksums.written, facts: { ...facts, version: shown, ...undone } };
  const baseline = { ...facts, version: shown, type: "SQL_BASELINE" };
  // Not late, whatever was applied: the record says whether it runs.
  return { id: `B${id}`, checksum: checksums.written, again: "when-changed", facts: baseline };
}

function leftOut({ files }: Folder, found: readonly Named[]): readonly LeftOut[] {
  const named = new Map(found.map((one) => [one.file, one]));
  return [...files].sort().flatMap((file): readonly LeftOut[] => {
    const base = file.slice(file.lastIndexOf("/") + 1);
    const one = named.get(file);
    if (one?.kind === "callback" && !handled.includes(one.event) && inMigrate.test(one.event)) {
      return [{ name: file, why: `nothing here runs Flyway's callback ${one.event}` }];
    }
    if (file.endsWith(".sql")) {
      const why = "Flyway takes no notice of a name that is not like V1__users.sql";
      return one === undefined ? [{ name: file, why }] : [];
    }
    const isCode = /^([VB]\d|R__).*\.(java|kt|groovy|scala|class|py|ps1|sh|bash|bat|cmd)$/.test(base);
    return isCode ? [{ name: file, why: "it is written in another language, which only Flyway itself can run" }] : [];
  });
}

const handled = ["beforeMigrate", "afterVersioned", "afterMigrate"];

/** The others belong to commands that do not migrate, or to failures. */
const inMigrate = /^(before|after)(Each)?(Migrate|Versioned|Repeatables|Validate|Connect)(?!.*Error$)|^createSchema$/;
