import type { Copy } from "./mysql-copy.ts";
import { createDefinitions, type Definition } from "./mysql-definitions.ts";
import { copyGrants } from "./mysql-grants.ts";
import { inherit } from "./mysql-lineage.ts";
import { type Filling, fillTable, makeTable, type Stored, textsOf } from "./mysql-table-copy.ts";
import { literal } from "./mysql-text.ts";
import { createViews } from "./mysql-views.ts";

/** Fills an empty database with everything that a frozen one holds. */
export async function cloneDatabase(copy: Copy): Promise<void> {
  const { sequences, tables, views, routines, triggersAndEvents } = await contentOf(copy);
  // Defaults ask sequences, and views ask functions; triggers must not see the rows come.
  await copyTables(copy, sequences);
  await createDefinitions(copy, routines);
  await copyTables(copy, tables);
  await createViews(copy, views);
  await createDefinitions(copy, triggersAndEvents);
  await copyGrants(copy);
}

interface Content {
  readonly sequences: readonly Stored[];
  /** The biggest first. */
  readonly tables: readonly Stored[];
  readonly views: readonly string[];
  readonly routines: readonly Definition[];
  readonly triggersAndEvents: readonly Definition[];
}

async function contentOf({ crew, from }: Copy): Promise<Content> {
  const here = literal(from);
  const [tables = [], programs = []] = await crew.send(
    `select table_name as name, table_type as type, engine as engine from information_schema.tables
      where table_schema = ${here} order by data_length desc`,
    `select 'trigger' as kind, trigger_name as name, action_order as place from information_schema.triggers where event_object_schema = ${here}
      union all select lower(routine_type), routine_name, routine_type = 'PACKAGE BODY' from information_schema.routines where routine_schema = ${here}
      union all select 'event', event_name, unix_timestamp(last_altered) from information_schema.events where event_schema = ${here}
      order by place`,
  );
  const named = (type: RegExp) => tables.filter((table) => type.test(String(table.type)));
  const stored = (type: RegExp, kind: Stored["kind"]) =>
    named(type).map(({ name, engine }): Stored => ({ name: String(name), kind, engine: String(engine) }));
  const [first, last]: [Definition[], Definition[]] = [[], []];
  for (const { kind, name, place } of programs) {
    const isLast = kind === "trigger" || kind === "event";
    (isLast ? last : first).push({ kind: String(kind), name: String(name), place: Number(place) });
  }
  return {
    sequences: stored(/^SEQUENCE$/, "sequence"),
    tables: stored(/^(BASE TABLE|SYSTEM VERSIONED)$/, "table"),
    views: named(/^VIEW$/).map(({ name }) => String(name)),
    routines: first,
    triggersAndEvents: last,
  };
}

/** All are made before any is filled: a table that is made may want those for itself which refer to it. */
async function copyTables(copy: Copy, tables: readonly Stored[]): Promise<void> {
  const texts = await textsOf(copy, tables);
  const pairs = tables.map((table, i) => [table, texts[i] ?? ""] as const);
  const fillings = await inTurn(pairs, copy.crew.size, ([table, text]) => makeTable(copy, table, text));
  const inherited = inheritIds(copy);
  const wanted = fillings.filter((filling): filling is Filling => filling !== undefined);
  await inTurn(wanted, copy.crew.size, (filling) => fillTable(copy, filling));
  await inherited;
}

/** So that a table of the clone is known for the one it was copied from, where we may see what identifies it. */
async function inheritIds({ crew, server, from, to }: Copy): Promise<void> {
  const places = [from, to].map(literal).join(", ");
  const asked = `select table_id as id, name from ${crew.dialect.tableIds} where substring_index(name, '/', 1) in (${places})`;
  const [rows = []] = await crew.send(asked).catch(() => []);
  const ids = new Map(rows.map(({ id, name }) => [String(name), String(id)]));
  const pairs = [...ids].flatMap(([name, id]): [string, string][] => {
    const own = name.startsWith(`${from}/`) ? ids.get(`${to}${name.slice(from.length)}`) : undefined;
    return own === undefined ? [] : [[own, id]];
  });
  inherit(server, from, to, new Map(pairs));
}

/** Does something with each, in order, some at once; once one has failed no other is begun, and all have ended. */
async function inTurn<T, R>(items: readonly T[], atOnce: number, act: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  const left = items.entries();
  let failed = false;
  const work = async () => {
    for (const [i, item] of left) {
      if (failed) return;
      results[i] = await act(item).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(atOnce, items.length) }, work));
  const broken = ends.find((end) => end.status === "rejected");
  if (broken !== undefined) throw broken.reason;
  return results;
}
