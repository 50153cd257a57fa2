import { type EngineName, forEngine, type PerEngine } from "../database.ts";
import type { Applied, HalfDone, RecordBook, RecordEntry } from "../migrator.ts";
import type { Row } from "../snapshot.ts";
import { unquotedTable } from "./record-table.ts";

/** A changeset as the record knows it. */
export interface Shipped {
  readonly id: string;
  readonly author: string;
  readonly path: string;
  readonly checksum: string;
  readonly validCheckSums: readonly string[];
  readonly comment: string;
  readonly contexts: string | undefined;
  readonly labels: string | undefined;
}

export interface LiquibaseBook {
  readonly engine: EngineName;
  readonly table: string | undefined;
  /** By their recorded ids. */
  readonly shipped: ReadonlyMap<string, Shipped>;
  /** What a precondition made of a changeset in a database, where it was not run. */
  readonly passedOver: ReadonlyMap<string, "MARK_RAN" | "CONTINUE">;
}

/** How a changeset is called: its file, its id and its author. */
export function recordedId({ path, id, author }: Pick<Shipped, "path" | "id" | "author">): string {
  return `${path}::${id}::${author}`;
}

/** DATABASECHANGELOG and the lock beside it. */
export function liquibaseRecord(book: LiquibaseBook): RecordBook {
  const table = unquotedTable(book.table, forEngine(own, book.engine) ?? "", book.engine);
  const lock =
    forEngine<(table: string) => string>(
      { postgres: (name) => `${name}lock`, mysql: (name) => `${name}LOCK` },
      book.engine,
    )?.(table) ?? "";
  return {
    tables: [table, lock],
    create: created(table, lock),
    async read(ask) {
      const rows = await ask(`select * from ${table} order by dateexecuted, orderexecuted`);
      const [held] = await ask(`select * from ${lock}`);
      return { applied: appliedIn(rows, book.shipped), ...halfDone(held) };
    },
    add(entry) {
      const shipped = book.shipped.get(entry.id);
      const outcome = book.passedOver.get(`${entry.database}/${entry.id}`);
      if (shipped === undefined || outcome === "CONTINUE") return { postgres: "select 1", mysql: "select 1" };
      return added(shipped, { table, entry, markRan: outcome === "MARK_RAN" });
    },
    back: {
      remove({ id, literal }) {
        const shipped = book.shipped.get(id);
        const sql = shipped === undefined ? "select 1" : `delete from ${table} where ${whichOf(shipped, literal)}`;
        return { postgres: sql, mysql: sql };
      },
    },
  };
}

const own: PerEngine<string> = { postgres: "databasechangelog", mysql: "DATABASECHANGELOG" };

function created(table: string, lock: string): PerEngine<string> {
  const changelog = (time: string) =>
    `create table if not exists ${table} (ID varchar(255) not null, AUTHOR varchar(255) not null, FILENAME varchar(255) not null, ` +
    `DATEEXECUTED ${time} not null, ORDEREXECUTED int not null, EXECTYPE varchar(10) not null, MD5SUM varchar(35), ` +
    "DESCRIPTION varchar(255), COMMENTS varchar(255), TAG varchar(255), LIQUIBASE varchar(20), CONTEXTS varchar(255), " +
    "LABELS varchar(255), DEPLOYMENT_ID varchar(10))";
  const locked = (time: string, key: string) =>
    `create table if not exists ${lock} (ID int not null, LOCKED boolean not null, LOCKGRANTED ${time}, LOCKEDBY varchar(255), ${key})`;
  const row = `insert into ${lock} (ID, LOCKED) select 1, false where not exists (select 1 from ${lock})`;
  const rowFromDual = `insert into ${lock} (ID, LOCKED) select 1, false from dual where not exists (select 1 from ${lock})`;
  return {
    postgres: [
      changelog("timestamp"),
      locked("timestamp", `constraint ${lock.split(".").at(-1)}_pkey primary key (ID)`),
      row,
    ].join("; "),
    mysql: [changelog("datetime"), locked("datetime", "primary key (ID)"), rowFromDual].join("; "),
  };
}

function appliedIn(rows: readonly Row[], shipped: LiquibaseBook["shipped"]): readonly Applied[] {
  const applied = new Map<string, Applied>();
  for (const row of rows) {
    const told = {
      id: of(row, "ID"),
      author: of(row, "AUTHOR"),
      path: of(row, "FILENAME").replace(/^classpath:\/?/, ""),
    };
    const known = theShipped(told, shipped);
    const id = known === undefined ? recordedId(told) : recordedId(known);
    const checksum = checksumIn(row, known);
    applied.delete(id);
    applied.set(id, { id, ...(checksum !== undefined && { checksum }) });
  }
  return [...applied.values()];
}

/** Paths are told from where Liquibase was started, which may be some folders above. */
function theShipped(
  told: Pick<Shipped, "id" | "author" | "path">,
  shipped: LiquibaseBook["shipped"],
): Shipped | undefined {
  const exactly = shipped.get(recordedId(told));
  if (exactly !== undefined) return exactly;
  const parts = told.path.split("/");
  const shorter = parts.map((_, i) => recordedId({ ...told, path: parts.slice(i).join("/") }));
  return shorter.map((id) => shipped.get(id)).find((known) => known !== undefined);
}

/** A checksum of an older Liquibase says nothing to a newer one, nor does an empty one: it writes its own in their place. */
function checksumIn(row: Row, known: Shipped | undefined): string | undefined {
  const checksum = of(row, "MD5SUM");
  if (!checksum.startsWith("9:")) return undefined;
  const valid = known?.validCheckSums.some((sum) => sum === checksum || /^(?:\d+:)?any$/i.test(sum));
  return valid === true ? known?.checksum : checksum;
}

function of(row: Row, column: string): string {
  return String(row[column] ?? row[column.toLowerCase()] ?? "");
}

function halfDone(row: Row | undefined): { readonly halfDone?: HalfDone } {
  if (row === undefined || !/^(?:true|t|1)$/i.test(of(row, "LOCKED"))) return {};
  const by = of(row, "LOCKEDBY") || "somebody";
  return {
    halfDone: {
      message: `Liquibase's lock is held by "${by}": its run was killed, or is still at work (liquibase release-locks takes it away)`,
    },
  };
}

interface Adding {
  readonly table: string;
  readonly entry: RecordEntry;
  readonly markRan: boolean;
}

function added(shipped: Shipped, at: Adding): PerEngine<string> {
  return {
    postgres: statements(shipped, at, {
      now: "now()",
      stamp: "right((extract(epoch from now()) * 1000)::bigint::text, 10)",
      from: "",
    }),
    mysql: statements(shipped, at, {
      now: "now()",
      stamp: "right(floor(unix_timestamp(now(3)) * 1000), 10)",
      from: " from dual",
    }),
  };
}

function whichOf(
  { id, author, path }: Pick<Shipped, "id" | "author" | "path">,
  literal: RecordEntry["literal"],
): string {
  return `ID = ${literal(id)} and AUTHOR = ${literal(author)} and FILENAME = ${literal(path)}`;
}

/** One that is run again keeps its row, unless a precondition marked it as run. */
function statements(
  { id, author, path, checksum, comment, contexts, labels }: Shipped,
  { table, entry: { literal }, markRan }: Adding,
  { now, stamp, from }: { readonly now: string; readonly stamp: string; readonly from: string },
): string {
  const orNull = (text: string | undefined) => (text === undefined ? "null" : literal(text.slice(0, 255)));
  const order = `(select n from (select coalesce(max(ORDEREXECUTED), 0) + 1 as n from ${table}) as numbers)`;
  const which = whichOf({ id, author, path }, literal);
  const told = {
    MD5SUM: literal(checksum),
    COMMENTS: literal(comment.slice(0, 255)),
    CONTEXTS: orNull(contexts),
    LABELS: orNull(labels),
  };
  const again = { DATEEXECUTED: now, ORDEREXECUTED: order, EXECTYPE: "'RERAN'", ...told, DEPLOYMENT_ID: stamp };
  const update = `update ${table} set ${Object.entries(again)
    .map(([column, value]) => `${column} = ${value}`)
    .join(", ")} where ${which}`;
  const row = {
    ...{
      ID: literal(id),
      AUTHOR: literal(author),
      FILENAME: literal(path),
      ...again,
      DESCRIPTION: "'sql'",
      LIQUIBASE: "'4.28.0'",
    },
    EXECTYPE: markRan ? "'MARK_RAN'" : "'EXECUTED'",
  };
  const insert = `insert into ${table} (${Object.keys(row).join(", ")}) select ${Object.values(row).join(", ")}${from}`;
  return markRan
    ? insert
    : `${update}; ${insert} where not exists (select 1 from (select 1 from ${table} where ${which}) as known)`;
}
