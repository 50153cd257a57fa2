import type { Socket } from "node:net";
import { Readable } from "node:stream";
import type { Connection, QueryOptions, ResultSetHeader } from "mysql2/promise";
import { rawOf } from "./mysql-connection.ts";
import { type Kind, lineOf, listed } from "./mysql-plain.ts";

export interface Load {
  readonly table: string;
  readonly columns: readonly string[];
  readonly kinds: readonly Kind[];
  readonly rows: Iterable<readonly unknown[]>;
}

export interface Loaded {
  /** The rows that were read; they are kept until it is known whether they came through. */
  readonly taken: readonly (readonly unknown[])[];
  /** Whether they did; otherwise none of them is there, and INSERT says what is wrong. */
  readonly well: boolean;
  /** Whether these were the last. */
  readonly all: boolean;
}

/** Loads as many of the rows as may be kept, in an open transaction; they are made while the server reads. */
export async function load(session: Connection, { table, columns, kinds, rows }: Load): Promise<Loaded> {
  const load = linesOf(rows, kinds);
  // In hexadecimal digits, since a session may be told that a backslash means nothing.
  const format = "character set utf8mb4 fields terminated by 0x09 escaped by 0x5c lines terminated by 0x0a";
  const statement: QueryOptions = {
    sql: `load data local infile 'rows' into table ${table} ${format} ${listed(columns, kinds)}`,
    infileStreamFactory: () => Readable.from(load.pieces(), { objectMode: false }),
  };
  await session.query("savepoint planted");
  // What it only notes, digits that a column has no place for, it would have noted of an INSERT too.
  await session.query("set @planting_notes = @@sql_notes, sql_notes = 0");
  const { stream } = rawOf(session) as unknown as { readonly stream: Socket };
  const leave = () => stream.destroy(); // With rows still to be written, it would wait for a server that has gone.
  stream.once("end", leave);
  const answer = await session.query<ResultSetHeader>(statement).then(
    ([{ affectedRows, warningStatus }]) => ({ affectedRows, warningStatus, error: undefined }),
    (error: unknown) => ({ affectedRows: 0, warningStatus: 1, error }),
  );
  stream.off("end", leave);
  await session.query("set sql_notes = @planting_notes").catch(() => {}); // A session that is gone says so next.
  const { taken, all, failure, plain } = load.told();
  if (failure !== undefined) throw failure.error;
  if (plain && answer.warningStatus === 0 && answer.affectedRows === taken.length) return { taken, all, well: true };
  await session.query("rollback to savepoint planted").catch((error) => {
    throw answer.error ?? error; // It took the whole transaction with it.
  });
  return { taken, all, well: false };
}

const most = { rows: 20_000, characters: 8_000_000, inPiece: 64 * 1024 };

/** What goes wrong is told afterwards: thrown into the driver, it would leave listeners behind. */
function linesOf(rows: Iterable<readonly unknown[]>, kinds: readonly Kind[]) {
  const taken: (readonly unknown[])[] = [];
  let characters = 0;
  let plain = true;
  let all = false;
  let failure: { readonly error: unknown } | undefined;

  function* lines(): Generator<string> {
    try {
      for (const values of rows) {
        taken.push(values);
        yield line(values);
        if (!plain || taken.length >= most.rows || characters >= most.characters) return;
      }
      all = true;
    } catch (error) {
      failure = { error };
    }
  }

  function line(values: readonly unknown[]): string {
    try {
      const line = lineOf(values, kinds);
      characters += line.length;
      return line;
    } catch {
      plain = false;
      return "";
    }
  }

  return {
    *pieces(): Generator<Buffer> {
      let text = "";
      for (const line of lines()) {
        text += line;
        if (text.length < most.inPiece) continue;
        yield Buffer.from(text);
        text = "";
      }
      if (text !== "") yield Buffer.from(text);
    },
    told: () => ({ taken, all, plain, failure }),
  };
}
