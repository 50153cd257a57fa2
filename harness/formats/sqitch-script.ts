import type { Piece, SqlFile } from "../chain.ts";
import { type EngineName, forEngine, type PerEngine } from "../database.ts";
import type { Folder, ReadOptions } from "./format.ts";
import { refused } from "./refused.ts";
import { statementsOf } from "./statements.ts";

/** A script as Sqitch feeds it to the engine's own client: statement by statement, with no transaction but the script's. */
export async function scriptOf(folder: Folder, file: string, options: ReadOptions): Promise<SqlFile> {
  const { engine } = options;
  const text = await folder.text(file);
  const sql = forEngine(readByClient, engine)?.(text) ?? text;
  const shown = folder.shown(file);
  const pieces = statementsOf(sql, {
    engine,
    file: shown,
    asClient: true,
    onMeta: (line, command) => heed(line, command),
  });
  return { sql, file: shown, pieces: forEngine(withVariables, engine)?.(pieces, options) ?? pieces };

  function heed(line: number, command: string): void {
    const known = forEngine(harmless, engine);
    if (known?.test(command)) return;
    const why = `"${command}" is a command to the client that nothing here can do (take it out, or drive Sqitch itself: command("sqitch", …))`;
    throw refused(folder, file, why, line);
  }
}

/** The mysql client reads lines, and leaves out how they end; psql sends them as they are. */
const readByClient: PerEngine<(text: string) => string> = { mysql: (text) => text.replaceAll("\r\n", "\n") };

/** Commands to the clients that change nothing of what reaches the server. */
const harmless: PerEngine<RegExp> = {
  postgres:
    /^\\(?:echo|qecho|warn|timing|pset|x|t|a|H|C|f|T|unset\s+(?:VERBOSITY|QUIET|ECHO)|set\s+(?:ON_ERROR_STOP(?:\s+(?:1|on|true))|(?:VERBOSITY|SHOW_CONTEXT|QUIET|ECHO|ECHO_HIDDEN|PROMPT[123])\b.*)|encoding\s+'?utf-?8'?)(?:\s|$)/i,
  mysql: /^(?:warnings|nowarnings|pager|nopager|tee|notee|print|charset\s+utf8(?:mb[34])?|\\[WwpPtnT])\b/i,
};

type Variables = (pieces: readonly Piece[], options: ReadOptions) => readonly Piece[];

/** What `--set name=value` says becomes a variable of psql's, which puts it in where it is named; or one of MySQL's session. */
const withVariables: PerEngine<Variables> = {
  postgres: (pieces, { placeholders }) =>
    placeholders === undefined
      ? pieces
      : pieces.map((piece) => ({ ...piece, sql: interpolated(piece.sql, placeholders) })),
  mysql: (pieces, { placeholders = {} }) => [
    ...Object.entries(placeholders).map(([name, value]) => ({
      sql: `SET @\`${name}\` = '${value.replaceAll("'", "''")}'`,
      offset: 0,
    })),
    ...pieces,
  ],
};

/** `:name`, `:'name'` and `:"name"`, as psql puts values in, outside of strings. */
function interpolated(sql: string, values: { readonly [name: string]: string }): string {
  return sql.replace(
    /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|(\$[A-Za-z_]*\$)[\s\S]*?\1|::|:(\w+)|:'(\w+)'|:"(\w+)"/g,
    (whole, _, plain?: string, text?: string, name?: string) => {
      const value = values[plain ?? text ?? name ?? ""];
      if (value === undefined) return whole;
      if (plain !== undefined) return value;
      return text !== undefined ? `'${value.replaceAll("'", "''")}'` : `"${value.replaceAll('"', '""')}"`;
    },
  );
}

/** Whether Sqitch knows the engine by a name such as `pg`. */
export function engineOf(name: string): readonly EngineName[] | undefined {
  const known: { readonly [name: string]: readonly EngineName[] } = { pg: ["postgres"], mysql: ["mysql", "mariadb"] };
  return Object.hasOwn(known, name) ? known[name] : undefined;
}
