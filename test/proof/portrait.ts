import type { Connection, RowDataPacket } from "mysql2/promise";

/** Everything of a database that another can be compared with: what → its text. */
export async function portraitOf(session: Connection, database: string): Promise<ReadonlyMap<string, string>> {
  const portrait = new Map<string, string>();
  const ask = async (sql: string): Promise<readonly RowDataPacket[]> => (await session.query<RowDataPacket[]>(sql))[0];
  const here = `'${database}'`;
  const told = (of: unknown) =>
    JSON.stringify(of, (_, value) =>
      value?.type === "Buffer" ? Buffer.from(value.data).toString("hex") : value,
    ).replaceAll(database, "<it>");
  await session.query(`use ${q(database)}`);
  await session.query("set time_zone = '+00:00', sql_mode = ''");

  const tables = await ask(
    `select table_name as name, table_type as type, auto_increment as next from information_schema.tables where table_schema = ${here}`,
  );
  for (const { name, type, next } of tables) {
    if (name === "_migration_sandbox") continue;
    const kind = type === "VIEW" ? "view" : "table";
    const [shown] = await ask(`show create ${kind} ${q(name)}`);
    portrait.set(`${type} ${name}`, told([shown, next ?? 1]));
    if (kind === "view") continue;
    const columns = await ask(
      `select column_name as name from information_schema.columns where table_schema = ${here} and table_name = '${name.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`,
    );
    const versioned = /WITH SYSTEM VERSIONING/.test(String(shown?.["Create Table"]));
    const list = [
      ...columns.map((column) => q(column.name)),
      ...(versioned && !/AS ROW START/.test(String(shown?.["Create Table"])) ? ["row_start", "row_end"] : []),
    ];
    const rows = await ask(`select ${list.join(", ")} from ${q(name)} ${versioned ? "for system_time all" : ""}`);
    portrait.set(`rows of ${name}`, rows.map(told).sort().join("\n"));
  }
  for (const [kind, column, view] of [
    ["trigger", "trigger_name", "triggers where trigger_schema"],
    ["event", "event_name", "events where event_schema"],
  ] as const) {
    for (const row of await ask(
      `select ${column} as name${kind === "trigger" ? ", action_order as place" : ""} from information_schema.${view} = ${here}`,
    )) {
      const [shown] = await ask(`show create ${kind} ${q(row.name)}`);
      delete shown?.Created;
      portrait.set(`${kind} ${row.name}`, told([shown, row.place]));
    }
  }
  for (const { name, type } of await ask(
    `select routine_name as name, routine_type as type from information_schema.routines where routine_schema = ${here}`,
  )) {
    portrait.set(`${type} ${name}`, told(await ask(`show create ${type} ${q(name)}`)));
  }
  portrait.set("database", told(await ask(`show create database ${q(database)}`)).replace(" /* READ ONLY = 1 */", ""));
  await session.query("use information_schema"); // Whoever is in a database is ended before it is cloned.
  return portrait;
}

function q(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}
