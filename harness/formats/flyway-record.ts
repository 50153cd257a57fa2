import { forEngine, type PerEngine } from "../database.ts";
import type { Applied, RecordBook, RecordEntry, Recorded } from "../migrator.ts";
import type { Row } from "../snapshot.ts";
import { byVersion, type Version, versionIn } from "./flyway-names.ts";
import type { ReadOptions } from "./format.ts";
import { recordTable } from "./record-table.ts";

/** What a folder ships, as far as the record has to know it. */
export interface Shipped {
  /** Of versioned migrations, those in other languages included. */
  readonly versions: readonly Version[];
  /** The newest baseline migration, as it stands in the list of migrations. */
  readonly baseline?: { readonly id: string; readonly checksum: string; readonly version: Version };
  /** Names of what is left out, by version. */
  readonly leftOut: ReadonlyMap<string, string>;
}

/** `flyway_schema_history`, a row for each time that something ran. */
export function record(shipped: () => Shipped, { engine, recordTable: given, prelude }: ReadOptions): RecordBook {
  const own = prelude?.session === undefined;
  const schema = own ? { schema: "public" } : {};
  const { quoted, shown, name } = recordTable(given, { ...schema, name: "flyway_schema_history" });
  // Between migrations Flyway puts its session back to where it was.
  const restored = own ? "reset role; reset search_path; " : "";
  const row = (entry: RecordEntry, success: boolean) => ({
    postgres: restored + inserted(entry, { table: quoted.postgres, quote: '"', success }),
    mysql: inserted(entry, { table: quoted.mysql, quote: "`", success }),
  });
  const undone = (entry: RecordEntry) => {
    const { undo = "", undoDescription = "", undoChecksum = "" } = entry.facts;
    const facts = { ...entry.facts, script: undo, description: undoDescription, type: "UNDO_SQL" };
    return row({ ...entry, checksum: String(undoChecksum), facts }, true);
  };
  const nothing: PerEngine<string> = { postgres: `${restored}select 1`, mysql: "select 1" };
  return {
    tables: [forEngine(shown, engine) ?? name],
    create: {
      postgres:
        `create table if not exists ${quoted.postgres} (${columns("timestamp", "boolean")}, ` +
        `constraint "${name}_pk" primary key (installed_rank)); ` +
        `create index if not exists "${name}_s_idx" on ${quoted.postgres} (success)`,
      mysql:
        `create table if not exists ${quoted.mysql} (${columns("timestamp", "bool")}, ` +
        `constraint \`${name}_pk\` primary key (installed_rank), index \`${name}_s_idx\` (success)) engine=InnoDB`,
    },
    async read(ask) {
      const told = "version, description, type, checksum, success";
      const rows = await ask(`select ${told} from ${forEngine(quoted, engine)} order by installed_rank`);
      return recordedIn(rows, shipped());
    },
    add: (entry) => (isCallback(entry) ? nothing : row(entry, true)),
    back: { remove: undone },
    // What a transaction took back left no trace; where none can, it did.
    fail(entry) {
      if (isCallback(entry)) return nothing;
      return { ...nothing, mysql: row(entry, false).mysql, ...(entry.facts.outside === 1 && row(entry, false)) };
    },
  };
}

/** It leaves no row. */
function isCallback({ facts }: RecordEntry): boolean {
  return facts.type === undefined;
}

function columns(time: string, truth: string): string {
  return [
    "installed_rank int not null",
    "version varchar(50)",
    "description varchar(200) not null",
    "type varchar(20) not null",
    "script varchar(1000) not null",
    "checksum int",
    "installed_by varchar(100) not null",
    `installed_on ${time} not null default current_timestamp`,
    "execution_time int not null",
    `success ${truth} not null`,
  ].join(", ");
}

interface Insert {
  readonly table: string;
  readonly quote: string;
  readonly success: boolean;
}

function inserted(entry: RecordEntry, { table, quote, success }: Insert): string {
  const { facts, literal, checksum, user, milliseconds } = entry;
  const [version, description, type, script] = ["version", "description", "type", "script"].map((fact) =>
    String(facts[fact] ?? ""),
  );
  const names = [
    "installed_rank",
    "version",
    "description",
    "type",
    "script",
    "checksum",
    "installed_by",
    "execution_time",
    "success",
  ];
  const values = [
    "coalesce(max(installed_rank), 0) + 1",
    version === "" ? "null" : literal(version ?? ""),
    ...[description, type, script].map((text) => literal(text ?? "")),
    checksum,
    literal(user),
    String(milliseconds),
    String(success),
  ];
  const into = names.map((name) => `${quote}${name}${quote}`).join(", ");
  return `insert into ${table} (${into}) select ${values.join(", ")} from ${table}`;
}

function recordedIn(rows: readonly Row[], shipped: Shipped): Recorded {
  const applied = new Map<string, Applied & { readonly version?: Version }>();
  let below: Version | undefined;
  let failed: string | undefined;
  for (const row of rows) {
    const type = String(row.type);
    const version = row.version === null ? undefined : versionIn(String(row.version));
    if (type === "SCHEMA") continue;
    if ((type.endsWith("BASELINE") || type === "INIT") && version !== undefined) {
      if (below === undefined || byVersion(below, version) < 0) below = version;
      continue;
    }
    const id = version === undefined ? `R__${row.description}` : (shipped.leftOut.get(version.id) ?? version.id);
    if (Number(row.success) !== 1) failed = id;
    // Undone, or told to be gone.
    else if (type === "DELETE" || type.startsWith("UNDO")) applied.delete(id);
    else {
      const checksum = row.checksum === null ? {} : { checksum: String(row.checksum) };
      applied.set(id, { id, ...checksum, ...(version !== undefined && { version }) });
    }
  }
  const all = [...known(applied, shipped), ...stoodFor(applied, shipped, below)];
  if (failed === undefined) return { applied: all };
  const way = `mend the database by hand, then "flyway repair"`;
  return { applied: all, halfDone: { message: `its record holds "${failed}" as failed (${way})`, id: failed } };
}

type Rows = ReadonlyMap<string, Applied & { readonly version?: Version }>;

/**
 * What is newer than all that is shipped does not bother Flyway, unless something is shipped that should have run before it.
 */
function known(applied: Rows, { versions, leftOut }: Shipped): readonly Applied[] {
  const newest = [...versions].sort(byVersion).at(-1);
  const waits = versions.some(({ id }) => !applied.has(id) && !applied.has(leftOut.get(id) ?? id));
  const ignored = ({ version }: { readonly version?: Version }) =>
    !waits && version !== undefined && newest !== undefined && byVersion(version, newest) > 0;
  return [...applied.values()]
    .filter((row) => !ignored(row))
    .map(({ id, checksum }) => ({ id, ...(checksum !== undefined && { checksum }) }));
}

/**
 * What never runs, because a baseline stands for it: one that the record holds, or on an empty database the newest that is
 * shipped. Where there is something in the record, a shipped baseline is passed over.
 */
function stoodFor(
  applied: Rows,
  { versions, baseline, leftOut }: Shipped,
  below: Version | undefined,
): readonly Applied[] {
  const isNew = applied.size === 0 && below === undefined;
  const from = below ?? (isNew ? baseline?.version : undefined);
  const covered = versions.filter((version) => from !== undefined && byVersion(version, from) <= 0);
  const ids = covered.map(({ id }) => leftOut.get(id) ?? id).filter((id) => !applied.has(id));
  const passedOver = baseline === undefined || isNew ? [] : [{ id: baseline.id, checksum: baseline.checksum }];
  return [...ids.map((id) => ({ id })), ...passedOver];
}
