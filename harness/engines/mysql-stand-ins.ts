import type { Copy } from "./mysql-copy.ts";
import { quoted } from "./mysql-text.ts";

/** Things that are there for a moment so that the server takes a view that reads what is gone. */
export interface StandIns {
  /** Acts again and again, adding what it is refused for the lack of, until it comes through or nothing can be added. */
  until(sql: string, act: () => Promise<void>): Promise<void>;
  addTable(name: string): Promise<void>;
  remove(): Promise<void>;
}

/** `views` are names that no table may take: they are to be made. */
export function standInsFor({ crew, to }: Copy, views: readonly string[]): StandIns {
  const place = (name: string) => `${quoted(to)}.${quoted(name)}`;
  const tables = new Set<string>();
  const functions = new Set<string>();
  /** Real tables that made way, by the name that they have meanwhile. */
  const aside = new Map<string, string>();

  async function addTable(name: string): Promise<void> {
    if (tables.has(name)) return;
    await crew.send(`create table ${place(name)} (_ int)`);
    tables.add(name);
  }

  async function addColumn(table: string, column: string): Promise<void> {
    if (!tables.has(table)) {
      const other = `_aside_${aside.size}`;
      await crew.send(`rename table ${place(table)} to ${place(other)}`);
      aside.set(table, other);
      await crew.send(`create table ${place(table)} as select * from ${place(other)} limit 0`);
      tables.add(table);
    }
    await crew.send(`alter table ${place(table)} add column ${quoted(column)} int`);
  }

  async function addFunction(name: string, parameters: number): Promise<void> {
    const list = Array.from({ length: parameters }, (_, i) => `p${i} int`).join(", ");
    await crew.send(
      `drop function if exists ${place(name)}`,
      `create function ${place(name)}(${list}) returns int deterministic no sql return 0`,
    );
    functions.add(name);
  }

  /** Whether something was added that the refusal speaks of. */
  async function addFor(refusal: Refusal, sql: string): Promise<boolean> {
    const [first = "", second = ""] = [...(refusal.message ?? "").matchAll(/'((?:[^']|'(?=\w))*)'/g)].map(
      ([, name]) => name,
    );
    const inHere = first.startsWith(`${to}.`) ? first.slice(to.length + 1) : undefined;
    if (refusal.errno === 1146 && inHere !== undefined && !views.includes(inHere)) return added(addTable(inHere));
    const called = /FUNCTION (.*?)(?: does not exist|; expected \d+, got (\d+))/.exec(refusal.message ?? "");
    if (called?.[1]?.startsWith(`${to}.`)) {
      return added(addFunction(called[1].slice(to.length + 1), Number(called[2] ?? 0)));
    }
    if (refusal.errno !== 1054 || second === undefined) return false;
    const column = columnNamed(first, sql);
    return column !== undefined && added(addColumn(...column));
  }

  return {
    addTable,
    async until(sql, act) {
      for (let tries = 0; ; tries++) {
        const refusal = await act().then(
          () => undefined,
          (error: Refusal) => error,
        );
        if (refusal === undefined) return;
        if (tries > 100 || !(await addFor(refusal, sql))) throw refusal;
      }
    },
    async remove() {
      for (const name of functions) await crew.send(`drop function ${place(name)}`);
      for (const name of tables) await crew.send(`drop table ${place(name)}`);
      for (const [name, other] of aside) await crew.send(`rename table ${place(other)} to ${place(name)}`);
    },
  };
}

type Refusal = Error & { readonly errno?: number };

function added(adding: Promise<void>): Promise<boolean> {
  return adding.then(
    () => true,
    () => false,
  );
}

/** The column that a refusal names `alias.column`, and the table behind the alias, by the text as the server wrote it. */
function columnNamed(words: string, sql: string): readonly [table: string, column: string] | undefined {
  // Where what a view reads is gone, the server may name the database, too.
  for (const [, alias = "", column = ""] of sql.matchAll(/(?:`(?:[^`]|``)+`\.)?(`(?:[^`]|``)+`)\.(`(?:[^`]|``)+`)/g)) {
    if (!words.endsWith(`${plain(alias)}.${plain(column)}`)) continue;
    const behind = [...sql.matchAll(/(`(?:[^`]|``)+`) (`(?:[^`]|``)+`)/g)].find(([, , other]) => other === alias);
    return [plain(behind?.[1] ?? alias), plain(column)];
  }
  return undefined;
}

function plain(name: string): string {
  return name.slice(1, -1).replaceAll("``", "`");
}
