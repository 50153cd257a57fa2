import type { Client } from "pg";
import type { Address } from "../database.ts";
import { judgeCommand, judgeRefused, judgeStatement, type Somebody } from "./postgres-dump.ts";
import { connected } from "./postgres-session.ts";
import type { Restorer } from "./restorer.ts";
import { oneDatabase } from "./restorer.ts";

/** Says to the server what a dump says, as psql would, byte for byte. */
export async function restorerAt(address: Address): Promise<Restorer> {
  const client = await connected(address);
  const { rows } = await client.query("select current_user::text as who");
  const somebody: Somebody = {
    who: String(rows[0]?.who),
    database: oneDatabase("dump the one alone: pg_dump <database>"),
  };
  return {
    judge: (sql) => judgeStatement(sql, somebody),
    judgeCommand: (command) => judgeCommand(command, somebody),
    judgeRefused,
    send: (sql, copied) => send(client, Buffer.from(sql, "latin1"), copied),
    end: () => client.end(),
  };
}

interface Wire {
  readonly stream: import("node:net").Socket;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(reason: string): void;
}

function send(client: Client, sql: Buffer, rows: string | AsyncIterable<string> | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    let copying = Promise.resolve();
    client.query({
      // The driver would write the text as UTF-8.
      submit: ({ stream }: Wire) => void stream.write(message(sql)),
      handleCopyInResponse(wire: Wire) {
        if (rows === undefined) return wire.sendCopyFail("COPY … FROM stdin has no rows here");
        copying = copy(wire, typeof rows === "string" ? [rows] : rows, () => isOver);
        copying.catch(() => {}); // Told once the server has answered.
      },
      handleRowDescription() {},
      handleDataRow() {},
      handleEmptyQuery() {},
      handleCommandComplete() {},
      handleCopyData() {},
      handleError(error: Error) {
        isOver = true;
        copying.then(() => reject(error), reject);
      },
      handleReadyForQuery: () => resolve(),
    } as never);
  });
}

/** A simple query as it goes over the wire. */
function message(sql: Buffer): Buffer {
  const head = Buffer.from("Q\0\0\0\0");
  head.writeInt32BE(sql.length + 5, 1);
  return Buffer.concat([head, sql, Buffer.from("\0")]);
}

async function copy(wire: Wire, rows: Iterable<string> | AsyncIterable<string>, isOver: () => boolean): Promise<void> {
  try {
    for await (const text of rows) {
      if (isOver()) return;
      wire.sendCopyFromChunk(Buffer.from(text, "latin1"));
      if (wire.stream.writableNeedDrain) await drained(wire.stream);
    }
    if (!isOver()) wire.endCopyFrom();
  } catch (error) {
    wire.sendCopyFail("the dump cannot be read any further");
    throw error; // The server only repeats it.
  }
}

/** Until the server has taken what we wrote, or is gone. */
function drained(stream: Wire["stream"]): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      stream.off("drain", go).off("close", go);
      resolve();
    };
    stream.on("drain", go).on("close", go);
  });
}
