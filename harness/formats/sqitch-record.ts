import type { PerEngine } from "../database.ts";
import type { RecordBook, RecordEntry } from "../migrator.ts";
import type { Stamp } from "./sqitch-line.ts";
import type { Plan, Planned } from "./sqitch-plan.ts";
import { createIn, type Registry } from "./sqitch-tables.ts";

/** Sqitch's record of a project: what is deployed, what that required and what tags it has, and all that ever happened. */
export function sqitchRecord(plan: Plan, registry: Registry): RecordBook {
  const byId = new Map(plan.changes.map((change) => [change.id, change]));
  const tables = ["releases", "projects", "changes", "tags", "dependencies", "events"].map((name) =>
    registry(name).replaceAll('"', ""),
  );
  return {
    tables,
    create: createIn(plan, registry),
    async read(ask) {
      const rows = await ask(
        `select change_id, script_hash, project from ${registry("changes")} order by committed_at`,
      );
      const ours = rows.filter(({ project }) => project === plan.project);
      return { applied: ours.map((row) => ({ id: String(row.change_id), checksum: String(row.script_hash) })) };
    },
    add(entry) {
      const change = byId.get(entry.id);
      return change === undefined ? nothing : added(change, { plan, registry, entry });
    },
    fail(entry) {
      const change = byId.get(entry.id);
      return change === undefined ? nothing : event("fail", change, { plan, registry, entry });
    },
    back: {
      remove(entry) {
        const change = byId.get(entry.id);
        return change === undefined ? nothing : removed(change, { plan, registry, entry });
      },
    },
  };
}

const nothing: PerEngine<string> = { postgres: "", mysql: "" };

interface At {
  readonly plan: Plan;
  readonly registry: Registry;
  readonly entry: RecordEntry;
}

function added(change: Planned, at: At): PerEngine<string> {
  const said = [inserted("changes", changeRow(change, at), at), ...dependencies(change, at), ...tags(change, at)];
  const behind = event("deploy", change, at);
  return {
    postgres: [...said.map(({ postgres }) => postgres), behind.postgres].join("; "),
    mysql: [...said.map(({ mysql }) => mysql), behind.mysql].join("; "),
  };
}

/** What it required goes with it; that it was there stays among the events. */
function removed(change: Planned, at: At): PerEngine<string> {
  const { registry, entry } = at;
  const of = `where change_id = ${entry.literal(change.id)}`;
  const said = ["dependencies", "tags", "changes"].map((table) => `delete from ${registry(table)} ${of}`);
  const behind = event("revert", change, at);
  return {
    postgres: [...said, behind.postgres].join("; "),
    mysql: [...said, behind.mysql].join("; "),
  };
}

type Values = { readonly [column: string]: PerEngine<string> | string };

function inserted(table: string, values: Values, { registry }: At): PerEngine<string> {
  const into = (quoted: (column: string) => string, pick: (value: PerEngine<string>) => string | undefined) => {
    const columns = Object.keys(values).map(quoted).join(", ");
    const row = Object.values(values).map((value) => (typeof value === "string" ? value : pick(value)));
    return `insert into ${registry(table)} (${columns}) values (${row.join(", ")})`;
  };
  return {
    postgres: into(
      (column) => `"${column}"`,
      ({ postgres }) => postgres,
    ),
    mysql: into(
      (column) => `\`${column}\``,
      ({ mysql }) => mysql,
    ),
  };
}

function changeRow({ id, name, stamp }: Planned, { plan, entry }: At): Values {
  const { literal, checksum } = entry;
  return {
    change_id: literal(id),
    script_hash: literal(checksum),
    change: literal(name),
    project: literal(plan.project),
    ...stamped(stamp, entry),
  };
}

function stamped({ note, time, planner, email }: Stamp, { literal, user }: RecordEntry): Values {
  const [day = "", clock = ""] = time.split(/[TZ]/);
  return {
    note: literal(note),
    committed_at: { postgres: "clock_timestamp()", mysql: "utc_timestamp(6)" },
    committer_name: literal(user),
    committer_email: literal(`${user}@localhost`),
    planned_at: { postgres: literal(`${day} ${clock}+00`), mysql: literal(`${day} ${clock}`) },
    planner_name: literal(planner),
    planner_email: literal(email),
  };
}

function dependencies({ id, requires, conflicts }: Planned, at: At): readonly PerEngine<string>[] {
  const { literal } = at.entry;
  const row = (type: string, named: string, resolved: string) =>
    inserted(
      "dependencies",
      { change_id: literal(id), type: literal(type), dependency: literal(named), dependency_id: resolved },
      at,
    );
  return [
    ...requires.map((required) => row("require", required.named, literal(required.id))),
    ...conflicts.map((named) => row("conflict", named, "null")),
  ];
}

function tags({ id, tags }: Planned, at: At): readonly PerEngine<string>[] {
  const { literal } = at.entry;
  return tags.map((tag) => {
    const row = {
      tag_id: literal(tag.id),
      tag: literal(tag.name),
      project: literal(at.plan.project),
      change_id: literal(id),
    };
    return inserted("tags", { ...row, ...stamped(tag.stamp, at.entry) }, at);
  });
}

/** How a list is told where there are none: in the order of what tables sort it by, with this between its items. */
interface Listed {
  readonly keys?: readonly string[];
  readonly between?: string;
}

function event(what: "deploy" | "revert" | "fail", change: Planned, at: At): PerEngine<string> {
  const { literal } = at.entry;
  // Where there are no lists, Sqitch joins what a change requires otherwise than its tags, unless it reads both from its tables.
  const isRead = what === "revert";
  const list = (items: readonly string[], { keys = items, between = "," }: Listed = {}): PerEngine<string> => {
    const byKey = items.map((item, i) => [keys[i] ?? "", item] as const).sort(([a], [b]) => (a < b ? -1 : 1));
    const told = isRead ? byKey.map(([, item]) => item) : items;
    return {
      postgres: `array[${items.map(literal).join(", ")}]::text[]`,
      mysql: literal(told.join(isRead ? "," : between)),
    };
  };
  const row = {
    event: literal(what),
    change_id: literal(change.id),
    change: literal(change.name),
    project: literal(at.plan.project),
    requires: list(change.requires.map(({ named }) => named)),
    conflicts: list(change.conflicts),
    tags: list(
      change.tags.map(({ name }) => name),
      { keys: change.tags.map(({ id }) => id), between: " " },
    ),
  };
  return inserted("events", { ...row, ...stamped(change.stamp, at.entry) }, at);
}
