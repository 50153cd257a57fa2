import type { Piece } from "../chain.ts";
import { type EngineName, forEngine, type PerEngine } from "../database.ts";
import { mysqlClientText } from "./mysql-client-text.ts";
import { psqlText } from "./psql-text.ts";
import { hungry, type Reader, type Reading, unreadable } from "./reading.ts";

/** What is read, and by whose rules. */
export interface StatementsAt {
  readonly engine: EngineName;
  /** As messages show it. */
  readonly file: string;
  /** The line of the file in which the text begins, where it is a part of one; 1 unless said. */
  readonly line?: number;
  /** Whether what ends a statement ends it in bodies of routines too, as for the mysql client itself, which knows of none. */
  readonly asClient?: boolean;
  /**
   * What becomes of a line that speaks to psql or the mysql client and not to the server (`\connect other`, `source other.sql`):
   * whoever does not throw has it left out. Unless given, it is refused.
   */
  readonly onMeta?: (line: number, command: string) => void;
}

/**
 * The statements of some SQL, as psql or the mysql client would send them one by one, with the rows behind a `COPY … FROM stdin`.
 * Bodies of routines stay whole on MySQL without a DELIMITER too, as the server itself would have it.
 *
 * @throws {HarnessError} `bad-input` for a string, a comment, rows or the like that never end, and for commands to the client
 */
export function statementsOf(text: string, at: StatementsAt): readonly Piece[] {
  const reading = readingOf(at);
  reading.text = text;
  reading.last = true;
  const pieces: Piece[] = [];
  for (const part of readerFor(at.engine)(reading)) if (part !== hungry) pieces.push(part);
  return pieces;
}

const readers: PerEngine<Reader> = { postgres: psqlText, mysql: mysqlClientText };

export function readerFor(engine: EngineName): Reader {
  const reader = forEngine(readers, engine);
  if (reader === undefined) throw new Error(`Nobody reads the SQL of "${engine}"`);
  return reader;
}

/** Before anything is read. */
export function readingOf({ file, line = 1, asClient = false, onMeta }: StatementsAt): Reading {
  const reading: Reading = {
    file,
    asClient,
    onMeta: onMeta ?? refuse,
    text: "",
    at: 0,
    last: false,
    base: 0,
    line,
    begun: 0,
    kept: [],
    from: undefined,
  };
  function refuse(where: number, command: string): never {
    throw unreadable(
      reading,
      `"${command}" is a command to the client, not SQL (take it out, or let the client run the file)`,
      where,
    );
  }
  return reading;
}
