import type { DatabaseFault } from "../database.ts";
import type { FaultKind } from "./engine.ts";

/** What the server or the connection to it said beneath whatever was thrown. */
export function faultOf(thrown: unknown): (DatabaseFault & { readonly kind: FaultKind }) | undefined {
  const error = databaseErrorBeneath(thrown);
  if (error === undefined) return undefined;
  const { message, sqlMessage, errno, sqlState, statementsBefore } = error;
  const offset = offsetOf(error);
  // A system's error has a negative number.
  const told = errno !== undefined && errno > 0;
  return {
    kind: kindOf(error),
    // Knex puts the statement before the server's words.
    message: sqlMessage ?? message,
    ...(told && { errno }),
    ...(told && sqlState !== undefined && sqlState !== "" && { sqlState }),
    ...(offset !== undefined && { offset }),
    ...(statementsBefore !== undefined && { statementsBefore }),
  };
}

type MysqlError = Error & {
  readonly code?: string;
  readonly errno?: number;
  readonly sqlState?: string;
  readonly sqlMessage?: string;
  readonly sql?: string;
  readonly statementsBefore?: number;
};

/** Code may wrap what the driver threw. */
function databaseErrorBeneath(thrown: unknown): MysqlError | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const { errno, sqlState } = thrown as MysqlError;
  if ((sqlState !== undefined && errno !== undefined) || isLost(thrown)) return thrown;
  const beneath = [thrown.cause, ...(thrown instanceof AggregateError ? thrown.errors : [])];
  return beneath.map(databaseErrorBeneath).find((error) => error !== undefined);
}

function kindOf(error: MysqlError): FaultKind {
  if (isLost(error)) return "connection";
  const { errno = 0, message } = error;
  if (denials.has(errno)) return "denied";
  if (tooMany.has(errno)) return "too-many";
  if (noRoom.has(errno) || /errno: 28\b|error 28\b|No space left on device|Temp file write failure/.test(message))
    return "no-room";
  return "refused";
}

/** Wrong credentials, and a database that is not ours to enter or to make. */
const denials = new Set([1044, 1045, 1698]);
/** Connections of the server, of a user, and what else a user has a limited number of. */
const tooMany = new Set([1040, 1203, 1226]);
const noRoom = new Set([1021, 1114, 3675]);
/** The server shuts down, or ended this session; its client's library says the same with numbers of its own. */
const lost = new Set([1053, 1080, 1158, 1159, 1160, 1161, 1184, 1927, 2002, 2003, 2006, 2013, 2055, 3169, 4031]);

function isLost(thrown: Error): boolean {
  const { code = "", errno, message } = thrown as MysqlError;
  if (errno !== undefined && lost.has(errno)) return true;
  if (/^(ECONN|EPIPE|ENOTCONN|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|EAI_|PROTOCOL_)/.test(code)) return true;
  return /in closed state|Connection lost: The server closed/.test(message);
}

/**
 * The server quotes what it did not understand, the first 80 characters of it: where these stand only once, or are all
 * that is left of the text, it is known where that is. It writes a question mark for what needs four bytes.
 */
function offsetOf({ errno, sql, message }: MysqlError): number | undefined {
  const near = errno === 1064 ? /near '([\s\S]*?)(?:\.\.\.)?' at line \d+$/.exec(message)?.[1] : undefined;
  if (near === undefined || sql === undefined) return undefined;
  const characters = [...sql].map((character) => (character.length > 1 ? "?" : character));
  const text = characters.join("");
  if (near.length < 80 && text.endsWith(near)) return text.length - near.length;
  const first = text.indexOf(near);
  return first >= 0 && near !== "" && text.indexOf(near, first + 1) < 0 ? first : undefined;
}
