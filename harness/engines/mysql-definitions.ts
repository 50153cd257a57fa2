import type { Row } from "../snapshot.ts";
import type { Copy } from "./mysql-copy.ts";
import type { Crew } from "./mysql-crew.ts";
import { literal, quoted } from "./mysql-text.ts";

/** A trigger, a routine, a package or an event. */
export interface Definition {
  readonly kind: string;
  readonly name: string;
  /** Where it stands among its like; for an event, when it was told what it does. */
  readonly place: number;
}

/** Creates each anew in order, under the settings that it was created with. */
export async function createDefinitions(copy: Copy, definitions: readonly Definition[]): Promise<void> {
  if (definitions.length === 0) return;
  const { crew, from, to } = copy;
  const [[own] = [], ...shown] = await crew.send(
    `select default_collation_name as name from information_schema.schemata where schema_name = ${literal(from)}`,
    ...definitions.map(({ kind, name }) => `show create ${kind} ${quoted(from)}.${quoted(name)}`),
  );
  for (const [i, definition] of definitions.entries()) {
    const now = shown[i]?.[0] ?? {};
    const then = String(now["Database Collation"]);
    // What a text leaves open is what the database had been told by then.
    if (then !== own?.name) await crew.send(`alter database ${quoted(to)} collate ${then}`);
    await createAnew(copy, definition, now);
    if (then !== own?.name) await crew.send(`alter database ${quoted(to)} collate ${String(own?.name)}`);
  }
}

async function createAnew({ crew, from, to }: Copy, { kind, name, place }: Definition, shown: Row): Promise<void> {
  const text = Object.entries(shown).find(([column]) => /^(SQL Original Statement|Create )/i.test(column))?.[1];
  if (typeof text !== "string") throw new Error(`may not read the ${kind} "${name}" of database "${from}"`);
  await create(crew, kind === "trigger" ? withoutDatabase(text, from) : text, [
    `use ${quoted(to)}`,
    `set sql_mode = ${literal(String(shown.sql_mode))}, ${tongue(shown, text)}`,
    // An event whose time has come is made in its past.
    ...(kind === "event" ? [`set time_zone = ${literal(String(shown.time_zone))}, timestamp = ${place}`] : []),
  ]);
}

/** Under whose character set a text is read: ours, where it has characters that another might read otherwise. */
export function tongue(shown: Row, text: string): string {
  const client = /^[\0-\x7f]*$/.test(text) ? `character_set_client = ${String(shown.character_set_client)}, ` : "";
  return `${client}collation_connection = ${String(shown.collation_connection)}`;
}

/** A trigger's text is its author's own, who may have named the database in front of the trigger or of its table. */
function withoutDatabase(text: string, database: string): string {
  const [header = ""] = /^[\s\S]*?\bfor\s+each\s+row\b/i.exec(text) ?? [];
  const escaped = database.replace(/[^\w]/g, "\\$&");
  return (
    header.replace(new RegExp(`(?:\`${escaped}\`|"${escaped}"|\\b${escaped}\\b)\\s*\\.\\s*`, "gi"), "") +
    text.slice(header.length)
  );
}

/** Creates something in the name of its definer; where we may not, or there is none any more, in ours. */
export async function create(crew: Crew, text: string, settings: readonly string[]): Promise<void> {
  // Of statements in one message MySQL keeps the semicolon behind all but the last as part of what they define.
  const alone = (sql: string) => (sql.endsWith(";") ? [sql.slice(0, -1), "do 0"] : [sql]);
  await crew.sendApart(...settings, ...alone(text)).catch((error: { readonly errno?: number }) => {
    const ours = text.replace(definer, "");
    if (![1227, 1396, 1449, 4098].includes(error.errno ?? 0) || ours === text) throw error;
    return crew.sendApart(...settings, ...alone(ours));
  });
}

const definer =
  /\bDEFINER\s*=\s*(?:`(?:[^`]|``)*`|"(?:[^"]|"")*"|'(?:[^']|'')*')@(?:`(?:[^`]|``)*`|"(?:[^"]|"")*"|'(?:[^']|'')*')\s*/i;
