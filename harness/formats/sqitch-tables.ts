import type { PerEngine } from "../database.ts";
import type { Plan } from "./sqitch-plan.ts";

/** A table of Sqitch's as SQL names it on the engine at hand. */
export type Registry = (table: string) => string;

/** Makes Sqitch's tables, as its release 1.3 has them, and enters the project. */
export function createIn(plan: Plan, registry: Registry): PerEngine<string> {
  const schema = registry("").slice(0, -1);
  const postgres = tables(registry, inPostgres);
  const mysql = tables(registry, inMysql);
  return {
    postgres: [
      `create schema if not exists ${schema}`,
      ...postgres,
      `insert into ${registry("releases")} (version, installer_name, installer_email) values (1.1, current_user, current_user || '@localhost') on conflict do nothing`,
      `insert into ${registry("projects")} (project, uri, creator_name, creator_email) values (${quoted(plan.project)}, ${quoted(plan.uri)}, current_user, current_user || '@localhost') on conflict do nothing`,
    ].join("; "),
    mysql: [
      ...mysql,
      `insert ignore into ${registry("releases")} values (1.1, utc_timestamp(6), substring_index(current_user(), '@', 1), current_user())`,
      `insert ignore into ${registry("projects")} values (${quoted(plan.project, "\\\\")}, ${quoted(plan.uri, "\\\\")}, utc_timestamp(6), substring_index(current_user(), '@', 1), current_user())`,
    ].join("; "),
  };
}

function quoted(text: string | undefined, backslash = "\\"): string {
  return text === undefined ? "null" : `'${text.replaceAll("'", "''").replaceAll("\\", backslash)}'`;
}

/** How an engine writes what differs. */
interface Words {
  readonly text: string;
  readonly id: string;
  readonly long: string;
  readonly ofTag: string;
  readonly time: string;
  readonly version: string;
  readonly change: string;
  readonly list: string;
  readonly kind: string;
  readonly event: string;
  readonly resolved: string;
  readonly end: string;
}

const inPostgres: Words = {
  text: "text not null",
  id: "text",
  long: "text not null default ''",
  ofTag: "text not null default ''",
  time: "timestamptz not null default clock_timestamp()",
  version: "real",
  change: "change",
  list: "text[] not null default '{}'",
  kind: "text not null",
  event: "text not null constraint events_event_check check (event in ('deploy', 'revert', 'fail', 'merge'))",
  resolved:
    " constraint dependencies_check check ((type = 'require' and dependency_id is not null) or (type = 'conflict' and dependency_id is null))",
  end: "",
};

const inMysql: Words = {
  text: "varchar(255) not null",
  id: "varchar(40)",
  long: "text not null",
  ofTag: "varchar(255) not null",
  time: "datetime(6) not null",
  version: "float(4, 1)",
  change: "`change`",
  list: "text not null",
  kind: "varchar(8) not null",
  event: "enum ('deploy', 'fail', 'merge', 'revert') not null",
  resolved: "",
  end: " engine InnoDB, character set 'utf8'",
};

function tables(registry: Registry, words: Words): readonly string[] {
  const { text, id, long, ofTag, time, version, change, list, kind, event, resolved, end } = words;
  const planned = `planned_at ${time.replace(" default clock_timestamp()", "")}, planner_name ${text}, planner_email ${text}`;
  const stamps = `committed_at ${time}, committer_name ${text}, committer_email ${text}, ${planned}`;
  const ofProject = `project ${text} references ${registry("projects")}(project) on update cascade`;
  const ofChange = `change_id ${id} not null references ${registry("changes")}(change_id) on update cascade`;
  const table = (name: string, columns: readonly string[]) =>
    `create table if not exists ${registry(name)} (${columns.join(", ")})${end}`;
  return [
    table("releases", [
      `version ${version} primary key`,
      `installed_at ${time}`,
      `installer_name ${text}`,
      `installer_email ${text}`,
    ]),
    table("projects", [
      `project ${text.replace(" not null", "")} primary key`,
      `uri ${text.replace(" not null", "")} null unique`,
      `created_at ${time}`,
      `creator_name ${text}`,
      `creator_email ${text}`,
    ]),
    table("changes", [
      `change_id ${id} primary key`,
      `script_hash ${id} null`,
      `${change} ${text}`,
      ofProject,
      `note ${long}`,
      stamps,
      "unique (project, script_hash)",
    ]),
    table("tags", [
      `tag_id ${id} primary key`,
      `tag ${text}`,
      ofProject,
      ofChange,
      `note ${ofTag}`,
      stamps,
      "unique (project, tag)",
    ]),
    table("dependencies", [
      `${ofChange} on delete cascade`,
      `type ${kind}`,
      `dependency ${text}`,
      `dependency_id ${id} null references ${registry("changes")}(change_id) on update cascade${resolved}`,
      "primary key (change_id, dependency)",
    ]),
    table("events", [
      `event ${event}`,
      `change_id ${id} not null`,
      `${change} ${text}`,
      ofProject,
      `note ${long}`,
      `requires ${list}`,
      `conflicts ${list}`,
      `tags ${list}`,
      stamps,
      "primary key (change_id, committed_at)",
    ]),
  ];
}
