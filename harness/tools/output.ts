import type { ToolFacts } from "../driver.ts";
import { isSqlState, sqlStateOf } from "./sqlstates.ts";

/** What the server said, as a tool's output repeats it. */
export interface Told {
  /** The line that says it. */
  readonly message: string;
  readonly sqlState?: string;
  readonly errno?: number;
}

/**
 * Why a tool failed, out of what it printed: the error of the database that lies beneath, or else the class of what was
 * thrown. Tools print causes before or behind what they became; what matters is what they ended with.
 */
export function failureIn(output: string): Omit<ToolFacts, "output"> & { readonly message?: string } {
  const report = lastReportIn(output);
  const refusal = report.split(/\r?\n/).find((line) => turnedAway.test(line));
  if (refusal !== undefined) return { code: "runner-refused", message: refusal.trim() };
  const fault = faultIn(report);
  if (fault !== undefined) return fault;
  const thrown = exceptionIn(report);
  if (thrown !== undefined) return thrown;
  return faultIn(output) ?? { ...messageFrom(lastLineOf(output)) };
}

/** The error of the database in a line, in any of the ways in which tools write it. */
export function toldIn(line: string): Told | undefined {
  for (const way of ways) {
    const found = way.exec(line)?.groups;
    if (found === undefined) continue;
    const { condition, code, errno } = found;
    const sqlState = condition === undefined ? (found.state ?? known(code)) : sqlStateOf(condition);
    if ((sqlState === undefined && errno === undefined) || sqlState === "00000") continue;
    return {
      message: line.trim(),
      ...(sqlState !== undefined && { sqlState }),
      ...(errno !== undefined && { errno: Number(errno) }),
    };
  }
  return undefined;
}

/** Of locks that end with their session alone: a row that says "locked" may be of somebody who died long ago. */
const turnedAway =
  /\bConcurrentMigrationError\b|\bcan't acquire (database )?lock\b|Another migration is already running|Timed out trying to acquire a .* advisory lock|Unable to (obtain|acquire) .*\block\b|Blocked by another instance of Sqitch/;

const ways: readonly RegExp[] = [
  // psycopg2 and psycopg, asyncpg, Ruby's pg: the condition's name as a class.
  /\bpsycopg[23]?\.errors\.(?<condition>[A-Z]\w+)/,
  /\basyncpg\.exceptions(?:\.\w+)*\.(?<condition>[A-Z]\w+)/,
  /\bPG::(?<condition>[A-Z]\w+)/,
  // PHP's PDO, with MySQL's number further on; Go's pq and pgx, JDBC, Flyway, Npgsql, mysql2 of Node: `SQLSTATE` in many spellings.
  /\bSQLSTATE\[(?<state>[0-9A-Z]{5})\](?:[^\n]*?: (?<errno>\d{4}) )?/,
  /\bpq: .*\((?<state>[0-9A-Z]{5})\)$/,
  /\bSQL ?State\b\W{1,5}(?<state>[0-9A-Z]{5})\b/i,
  /\bError Code\s*:\s*(?<errno>\d{4})\b/,
  // MySQL's own client and Go's driver; Python's connector; PyMySQL and mysqlclient; MyXQL; Liquibase.
  /\bERROR (?<errno>\d{4}) \((?<state>[0-9A-Z]{5})\)/i,
  /\bError (?<errno>\d{4}): /,
  /Error: (?<errno>\d{4}) \((?<state>[0-9A-Z]{5})\): /,
  /(?:Error|Warning)\)?:? \((?<errno>\d{4}), ["']/,
  /\bMyXQL\.Error\) \((?<errno>\d{4})\)/,
  /\[Failed SQL: \((?<errno>\d{4})\)/,
  // psql when it is verbose, Postgrex, Npgsql.
  /^(?:psql:.*: )?(?:ERROR|FATAL|PANIC): {1,2}(?<state>[0-9A-Z]{5}): /,
  /\bPostgrex\.Error\) \w+ (?<state>[0-9A-Z]{5}) \(/,
  /\bPostgresException\b[^:]*: (?<state>[0-9A-Z]{5}): /,
  // Prisma; Node's pg and mysql2, when an error is shown with its fields.
  /\bDatabase error code: (?:(?<errno>\d{4})$|(?<state>[0-9A-Z]{5}))/,
  /^\s*errno: (?<errno>\d{4}),?$/,
  /^\s*code: '(?<code>[0-9A-Z]{5})',?$/,
];

/** Whatever is asked of a transaction that has failed is refused: that says nothing of why it failed. */
const aftermath = "25P02";

/** Fields of one error stand in lines of their own, as many apart at most. */
const nearby = 8;

function faultIn(text: string): Told | undefined {
  const lines = text.split(/\r?\n/);
  const told = lines.map(toldIn);
  const at = told.findLastIndex((fault) => fault !== undefined && fault.sqlState !== aftermath);
  const last = told[at] ?? told.findLast((fault) => fault !== undefined);
  if (last === undefined) return undefined;
  const around = told.slice(Math.max(0, at - nearby), at).filter((fault) => fault !== undefined);
  const sqlState = last.sqlState ?? around.findLast((fault) => fault.sqlState !== undefined)?.sqlState;
  const errno = last.errno ?? around.findLast((fault) => fault.errno !== undefined)?.errno;
  const first = told.find((fault) => fault?.sqlState === last.sqlState && fault?.errno === last.errno) ?? last;
  return { message: first.message, ...(sqlState && { sqlState }), ...(errno && { errno }) };
}

/** Only one that the server could have said: `EPERM` is of five letters too. */
function known(code: string | undefined): string | undefined {
  return code !== undefined && isSqlState(code) ? code : undefined;
}

/** What a tool printed last of what ended it: an error with its causes, but none that it had got over before. */
function lastReportIn(output: string): string {
  const aborted = [...output.matchAll(/^\S+ aborted!$/gm)].at(-1)?.index ?? 0;
  const traces = [...output.matchAll(/Traceback \(most recent call last\):/g)].map(({ index }) => index);
  let first = traces.length - 1;
  while (first > 0 && chained.test(output.slice(traces[first - 1], traces[first]))) first--;
  return output.slice(Math.max(aborted, traces[first] ?? 0));
}

/** What Python prints between an error and the one that it became, or that came while it was dealt with. */
const chained =
  /(The above exception was the direct cause of the following exception|During handling of the above exception, another exception occurred):\s*$/;

/** The last one named: Java prints causes behind what they became, and Python's last is the one that got out. */
function exceptionIn(report: string): { readonly exception: string; readonly message: string } | undefined {
  for (const line of withoutCauses(report).split(/\r?\n/).reverse()) {
    const { path = "", name = "" } = thrown.exec(line)?.groups ?? inRuby.exec(line)?.groups ?? {};
    if (name !== "" && (path !== "" || looksThrown.test(name))) return { exception: name, message: line.trim() };
  }
  return undefined;
}

/** Rake tells the causes of causes too, down to what had been rescued long before. What a migration throws, Rails wraps once. */
function withoutCauses(report: string): string {
  const [thrown = "", cause = thrown] = report.split(/^Caused by:$/m);
  if (!/^\S+ aborted!$/m.test(thrown)) return report;
  return /^StandardError: An error has occurred, /m.test(thrown) ? cause : thrown;
}

/** A class with all that leads to it, alone or ahead of a message: `django.core.exceptions.FieldError: …`. */
const thrown =
  /^(?:Caused by: |Unhandled exception\. |Uncaught |Exception in thread "[^"]*" )?(?<path>(?:[A-Za-z_][\w$]*(?:\.|::))*)(?<name>[A-Z][\w$]*[a-z][\w$]*)(?::(?: |$)|$)/;
/** `upgrade.rb:7:in 'save': Validation failed (ActiveRecord::RecordInvalid)` */
const inRuby = /^\S+:\d+:in .*\((?<path>(?:[A-Z]\w*::)*)(?<name>[A-Z]\w*)\)$/;
/** Words with a colon are many. */
const looksThrown = /(Error|Exception|Interrupt|Exit|Fault|Failure|Invalid)$/;

function lastLineOf(output: string): string | undefined {
  return output
    .split(/\r?\n/)
    .map((line) => line.trim())
    .findLast((line) => line !== "");
}

function messageFrom(line: string | undefined): { readonly message?: string } {
  return line === undefined ? {} : { message: line };
}
