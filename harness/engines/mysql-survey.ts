import type { Connection } from "mysql2/promise";
import type { Row } from "../snapshot.ts";
import type { Survey } from "./engine.ts";
import { sendTo } from "./mysql-crew.ts";
import type { Dialect } from "./mysql-dialect.ts";
import { literal } from "./mysql-text.ts";

/** What kind of server this is, before anything is done on it. */
export async function survey(session: Connection, database: string, dialect: Dialect): Promise<Survey> {
  const [[named] = [], settings = [], [counted] = []] = await sendTo(session, [
    "select @@version as version",
    "show variables where variable_name in ('read_only', 'super_read_only', 'innodb_read_only')",
    `select count(*) as tables from information_schema.tables where table_schema = ${literal(database)}
      and table_schema not in ('mysql', 'information_schema', 'performance_schema', 'sys')`,
  ]);
  const grants = await sendTo(session, ["show grants"]).catch(() => undefined);
  const version = String(named?.version);
  return {
    version: /^\d+(\.\d+)*/.exec(version)?.[0] ?? version,
    isThisEngine: dialect.isNamed(version),
    readOnly: settings.some(({ Value }) => !["OFF", "0"].includes(String(Value))),
    mayCreate: grants?.[0] === undefined || mayCreate(grants[0]),
    foreignTables: Number(counted?.tables),
  };
}

/** By what `SHOW GRANTS` says; where a role is granted whose rights it does not tell, only trying would show. */
export function mayCreate(grants: readonly Row[]): boolean {
  return grants
    .map((row) => String(Object.values(row)[0]))
    .some((grant) => {
      const [, rights, where] = /^GRANT (.*?) ON (\S+) TO /.exec(grant) ?? [];
      if (rights === undefined || where === undefined) return /^GRANT [`'"]/.test(grant);
      return /(^|, )(ALL PRIVILEGES|CREATE)(,|$)/.test(rights) && covers(where);
    });
}

/** Whether a grant on these databases holds for a sandbox, by the names that sandboxes have. */
function covers(where: string): boolean {
  const [, pattern] = /^(.*)\.\*$/.exec(where) ?? [];
  if (pattern === undefined) return false;
  if (pattern === "*") return true;
  const source = pattern
    .replace(/^`|`$/g, "")
    .replace(/\\?[\s\S]/g, (c) =>
      c === "%" ? ".*" : c === "_" ? "." : (c.length === 2 ? c.slice(1) : c).replace(/[^\w]/, "\\$&"),
    );
  return new RegExp(`^${source}$`).test("sandbox_1_0a0a0a_1");
}
