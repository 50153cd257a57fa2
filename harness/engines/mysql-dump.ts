import { beginningOf, firstWords, leave, type oneDatabase, type Rule, type Ruling, refuse, ruled } from "./restorer.ts";

/** Who restores, by which settings, and what the dump calls its own database. */
export interface Somebody {
  readonly who: string;
  readonly knowsModes: string;
  /** The sandbox has a table of ours from its beginning, which carries its mark. */
  readonly hasRecord: boolean;
  readonly database: ReturnType<typeof oneDatabase>;
}

const name = "(?:`(?:[^`]|``)+`|[\\p{L}\\p{N}_$]+)";
const ownDatabase = new RegExp(
  `^(?:use|(?:create|drop|alter) (?:or replace )?(?:database|schema)(?: if (?:not )?exists)?) (${name})`,
  "iu",
);
const serversOwn = ["mysql", "sys", "information_schema", "performance_schema"];

/**
 * What a sandbox takes of a dump of MySQL's or MariaDB's. A session may write wherever its user may: what does not begin as
 * dumps do, or names a database, is never sent.
 */
export function judgeStatement(sql: string, { who, knowsModes, hasRecord, database }: Somebody): Ruling {
  const said = beginningOf(sql);
  const own = bare(ownDatabase.exec(said)?.[1]);
  if (own !== "" && serversOwn.includes(own.toLowerCase()))
    return { do: "refuse", why: `it goes to database "${own}", which is the server's own (dump one database alone)` };
  if (own !== "") return database(own, firstWords(said, /^use/i.test(said) ? 1 : 2));
  if (hasRecord && ourRecord.test(said)) return { do: "leave" };
  const judged = ruled(said, rules);
  if (judged !== undefined) return judged;
  const foreign = elsewhere(said, sql);
  if (foreign !== undefined)
    return {
      do: "refuse",
      why: `it writes to ${foreign}, and a dump must not name a database (dump one database alone)`,
    };
  if (!known.test(said))
    return { do: "refuse", why: `"${shortened(said)}" is nothing that a dump of a database holds` };
  return withoutDefiner(withKnownModes(sql, knowsModes), said, who);
}

/** A dump of a sandbox that was kept makes anew what is there; its rows count. */
const ourRecord = /^(?:drop|create|alter) table (?:if (?:not )?exists )?`?_migration_sandbox\b/i;

const servers = "of the whole server, and not of one database";

const rules: readonly Rule[] = [
  {
    begins: /^set .*(@@(global|persist|persist_only)\.|sql_log_bin)|^set (global|persist|persist_only) /i,
    rule: leave(servers),
  },
  { begins: /^(grant|revoke|flush|install|uninstall|change|reset|purge) /i, rule: leave(servers) },
  {
    begins:
      /^(create|drop|alter|rename) (or replace )?(user|role|server|resource|instance|logfile|(undo )?tablespace)\b/i,
    rule: leave(servers),
  },
  { begins: /^set (password|default role|role|resource)\b/i, rule: leave(servers) },
  { begins: /^(start|stop) (slave|replica)\b/i, rule: leave(servers) },
  { begins: /\binto (outfile|dumpfile) /i, rule: refuse("it writes a file of the server's") },
];

const target = "table|view|trigger|function|procedure|event|sequence|index|package";
const known = new RegExp(
  `^(insert|replace|update|delete from|truncate|set|commit|rollback|begin|start transaction|(un)?lock tables?|alter table|${[
    `create ((?!as |begin )\\S+ ){0,12}?(${target})`,
    `(drop|alter) ((aggregate|temporary|package) )?(${target})`,
  ].join("|")}|(analyze|optimize|check|repair) table|(do|select) (setval|nextval) ?\\(|select 1\\b)`,
  "i",
);

const qualified = `(${name})\\s*\\.\\s*(${name})`;
/** Where a statement names what it changes; a column behind ON DUPLICATE KEY UPDATE is no table. */
const changes = new RegExp(
  `(?:\\b(?:into|(?<!key )update(?: ignore| low_priority)?|from|truncate|tables?|view|trigger|function|procedure|event|sequence|rename to|(?<=trigger .{0,300}) on)(?: if (?:not )?exists)?|^(?:lock|drop) .*,)\\s*${qualified}`,
  "iu",
);
/** What a body changes once it runs. */
const inBody = new RegExp(
  `\\b(?:insert(?: ignore)? into|replace into|(?<!key )update|delete from|truncate(?: table)?)\\s+${qualified}`,
  "iu",
);

function elsewhere(said: string, sql: string): string | undefined {
  const isRoutine = /^create .{0,300}?\b(trigger|function|procedure|event|package)\b/i.test(said);
  // Of views and bodies only what they are called matters here; what a body changes is looked for in all of it.
  const head = /^(create|insert|replace)/i.test(said)
    ? (/^.*?( as |\bbegin\b|\bvalues?\b|\bselect\b|\(|$)/i.exec(said)?.[0] ?? said)
    : said;
  const found = changes.exec(head) ?? (isRoutine ? inBody.exec(withoutStrings(beginningOf(sql, sql.length))) : null);
  return found === null ? undefined : `"${bare(found[1])}"."${bare(found[2])}"`;
}

function withoutStrings(sql: string): string {
  return sql.replace(/'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"/g, "''");
}

/** MySQL 8 knows a mode no more that dumps of older ones set. */
function withKnownModes(sql: string, knowsModes: string): string {
  const gone = "NO_AUTO_CREATE_USER";
  if (knowsModes.includes(gone) || sql.length > 1000 || !/sql_mode/i.test(sql)) return sql;
  return sql
    .replace(new RegExp(`,?${gone}`), "")
    .replace("'',", "'")
    .replace("=',", "='");
}

const definer = /\bdefiner\s*=\s*((?:`[^`]+`|'[^']+'|[\w.%]+)\s*(?:@\s*(?:`[^`]*`|'[^']*'|[\w.%]+))?(?:\(\))?)/i;

/** Whoever made a view or a routine there need not be anybody here. */
function withoutDefiner(sql: string, said: string, who: string): Ruling {
  if (!/^(create|alter)\b/i.test(said)) return { do: "send", sql };
  const [clause = "", user = ""] = definer.exec(said.slice(0, 600)) ?? [];
  if (clause === "" || user.replace(/[`'\s]/g, "") === who) return { do: "send", sql };
  const what = `DEFINER=${user.replace(/[`'\s]/g, "")}`;
  return {
    do: "send",
    sql: sql.replace(definer, " "),
    left: { what, why: "what is restored belongs to whoever restores it" },
  };
}

export function judgeCommand(command: string): Ruling {
  return { do: "refuse", why: `"${command}" is a command to the client, and no dump's (take it out)` };
}

/** What a dump can do without: settings that this server does not know, has otherwise, or lets only others change. */
export function judgeRefused(sql: string, thrown: unknown): Ruling | undefined {
  const said = beginningOf(sql);
  const { errno = 0, message } = thrown as { errno?: number; message: string };
  if (!/^set /i.test(said) || ![1193, 1227, 1231, 1232, 1238, 1621, 3680].includes(errno)) return undefined;
  return { do: "leave", left: { what: firstWords(said, 2), why: message } };
}

function bare(quoted = ""): string {
  return quoted.startsWith("`") ? quoted.slice(1, -1).replaceAll("``", "`") : quoted;
}

function shortened(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`;
}
