import { beginningOf, firstWords, leave, type oneDatabase, type Rule, type Ruling, refuse, ruled } from "./restorer.ts";

/** Who restores, and what the dump calls its own database. */
export interface Somebody {
  readonly who: string;
  readonly database: ReturnType<typeof oneDatabase>;
}

/** What a sandbox takes of a dump of PostgreSQL's: all that is in the one database, and nothing that is the server's. */
export function judgeStatement(sql: string, { who, database }: Somebody): Ruling {
  const said = beginningOf(sql);
  const named = /^(create|alter|drop) database (?:if exists )?("(?:[^"]|"")+"|[^\s;]+)/i.exec(said);
  if (named !== null) return database(bare(named[2]), firstWords(said, 2));
  const owner = /^alter .* owner to ("(?:[^"]|"")+"|\S+)$/i.exec(said)?.[1];
  if (owner !== undefined && bare(owner) !== who) {
    return { do: "leave", left: { what: `OWNER TO ${owner}`, why: "what is restored belongs to whoever restores it" } };
  }
  return ruled(said, rules) ?? { do: "send", sql };
}

const servers = "of the whole server, and not of one database";

const rules: readonly Rule[] = [
  { begins: /^(comment|security label)\b.* on database /i, rule: leave(servers, 3) },
  { begins: /^(grant|revoke) .* on (database|tablespace|parameter) /i, rule: leave(servers, 1) },
  { begins: /^(grant|revoke) (?!.* on )/i, rule: leave(servers, 1) },
  {
    begins: /^(create|alter|drop|comment on|security label .*on) (role|group|user(?! mapping)|tablespace)\b/i,
    rule: leave(servers),
  },
  { begins: /^alter system\b/i, rule: leave(servers) },
  { begins: /^(create|alter|drop|comment on) subscription\b/i, rule: leave("it would speak to another server") },
  {
    begins: /^set (local |session )?(session authorization|role)\b/i,
    rule: leave("what is restored belongs to whoever restores it", 3),
  },
  {
    begins: /^copy (?!.* from stdin)/i,
    rule: refuse("this COPY reads or writes a file of the server's (a dump has COPY … FROM stdin)"),
  },
  { begins: /^load\b/i, rule: refuse("it loads a library into the server") },
];

/** psql's own commands, as far as they lead nowhere. */
export function judgeCommand(command: string, { database }: Somebody): Ruling {
  const target = /^\\c(?:onnect)?\s+(?:-reuse-previous=\w+\s+)?(.+)$/.exec(command)?.[1]?.trim();
  if (target !== undefined) return database(nameIn(target), "\\connect");
  if (/^\\(restrict|unrestrict)\b/.test(command)) return { do: "leave" };
  if (/^\\(set|unset|echo|pset|timing|encoding|qecho|warn)\b/.test(command))
    return { do: "leave", left: { what: command.split(/\s/, 1)[0] ?? "", why: "it speaks to psql" } };
  return { do: "refuse", why: `"${command}" is a command to psql, and no dump's (take it out)` };
}

/** `app`, `"app"`, or `"dbname='app'"`. */
function nameIn(target: string): string {
  return /dbname='?([^'"\s]+)/.exec(target)?.[1] ?? bare(target.split(/\s+(?=[^"]*$)/, 1)[0]);
}

function bare(name = ""): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

/** What a dump can do without: what the server has already, and what only its own server had. */
export function judgeRefused(sql: string, thrown: unknown): Ruling | undefined {
  const said = beginningOf(sql);
  const { code, message } = thrown as { code?: string; message: string };
  const extension = /^create extension (?:if not exists )?("[^"]+"|[^\s;]+)/i.exec(said)?.[1];
  if (extension !== undefined && code !== "42710") {
    const why = `it wants extension "${bare(extension)}", and the server says: ${message}`;
    const way = "a server of your own that has it: --server <url>; those that come with PostgreSQL: --server container";
    return { do: "refuse", why: `${why} (${way})` };
  }
  const spared = tolerances.find(({ begins, codes }) => begins.test(said) && codes.includes(code ?? ""));
  return spared && { do: "leave", left: { what: firstWords(said, spared.words), why: message } };
}

const noObject = ["42704", "42P01", "42883", "3F000", "42703"];

const tolerances: readonly { readonly begins: RegExp; readonly codes: readonly string[]; readonly words: number }[] = [
  // A setting that only newer servers know, or a value that this one does not take.
  { begins: /^set /i, codes: ["42704", "22023", "42501"], words: 2 },
  // A role that is not here, and what only a superuser may.
  { begins: /^(grant|revoke)\b/i, codes: ["42704", "42501"], words: 1 },
  { begins: /^(alter default privileges|(create|alter) policy)\b/i, codes: ["42704", "42501"], words: 2 },
  {
    begins: /^(comment on (extension|schema|language|procedural|event|publication))\b/i,
    codes: ["42501", "42704"],
    words: 3,
  },
  { begins: /^(create|alter) (publication|event trigger)\b/i, codes: ["42501"], words: 2 },
  { begins: /^create schema\b/i, codes: ["42P06"], words: 3 },
  { begins: /^create (or replace )?((trusted )?procedural )?language\b/i, codes: ["42710", "42501"], words: 3 },
  { begins: /^create extension\b/i, codes: ["42710"], words: 3 },
  { begins: /^(drop|alter (table|domain|foreign table)( if exists)?( only)? \S+ drop)\b/i, codes: noObject, words: 2 },
];
