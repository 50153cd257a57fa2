import type { Socket } from "node:net";
import type { Connection } from "mysql2/promise";
import { rawOf } from "./mysql-connection.ts";

/** Rows of many tables at once, read as they are asked for: each read has a connection for as long as it lasts. */
export interface Streams {
  rows<T>(sql: string, how?: { readonly asArrays?: boolean; readonly settings?: string }): AsyncGenerator<T>;
  end(): Promise<void>;
}

/** The driver has them by number, however wide they are. */
const rowsAhead = 16;

/**
 * @param open opens another connection at the snapshot's moment
 * @param kill ends one that is in the middle of something
 */
export function streamsOf(open: () => Promise<Connection>, kill: (thread: number) => Promise<void>): Streams {
  const idle: Connection[] = [];
  const busy = new Set<Connection>();
  let ended = false;

  /** Nobody reads on: the server has to be told, as it would send everything, and hold the table until then. */
  async function abandon(connection: Connection): Promise<void> {
    busy.delete(connection);
    (rawOf(connection) as unknown as { stream: Socket }).stream.destroy();
    await kill(connection.threadId).catch(() => {}); // It may have noticed by itself.
  }

  return {
    async *rows<T>(sql: string, { asArrays = false, settings }: { asArrays?: boolean; settings?: string } = {}) {
      if (ended) throw new Error("The snapshot was ended before its rows were read");
      const connection = idle.pop() ?? (await open());
      busy.add(connection);
      let whole = false;
      try {
        if (settings !== undefined) await connection.query(settings);
        yield* streamed<T>(connection, sql, asArrays);
        whole = true;
      } finally {
        if (whole && !ended) {
          busy.delete(connection);
          idle.push(connection);
        } else await abandon(connection);
      }
    },

    async end() {
      ended = true;
      await Promise.all([...idle.map((connection) => connection.end()), ...[...busy].map(abandon)]);
    },
  };
}

async function* streamed<T>(connection: Connection, sql: string, rowsAsArray: boolean): AsyncGenerator<T> {
  const query = rawOf(connection).query({ sql, rowsAsArray });
  const rows = query.stream({ highWaterMark: rowsAhead });
  // The driver tells the connection, and not the query, that the session is gone.
  const lost = (error: Error) => rows.destroy(error);
  rawOf(connection).on("error", lost);
  try {
    for await (const row of rows) yield row as T;
  } finally {
    rawOf(connection).off("error", lost);
  }
}
