import { createRequire } from "node:module";
import type { Client, DatabaseError } from "pg";
import type { Database } from "../database.ts";
import { HarnessError, messageOf } from "../errors.ts";
import { discard, onSession, type Planting, refused, refuseSql, runsOf, tableName } from "./planting.ts";
import { knexOverOne } from "./postgres-session.ts";
import { quoted } from "./postgres-text.ts";

const require = createRequire(import.meta.url);
const pieceLength = 64 * 1024;

/** Writes rows by COPY, which the server reads while we still write. */
export async function plant(db: Database, planting: Planting): Promise<void> {
  const table = tableName(db, planting.table);
  await onSession<Client, void>(db, async (client) => {
    for (const { columns, rows, before } of runsOf(planting.rows)) {
      if (columns.length > 0) {
        const into = `copy ${table} (${columns.map(quoted).join(", ")}) from stdin`;
        await copy(client, into, piecesOf(rows)).catch((error) => {
          throw explained(error, before);
        });
      } else for (const _ of rows) await client.query(`insert into ${table} default values`);
    }
  });
}

/** The server counts the lines of one COPY, which are the rows of one run. */
function explained(error: DatabaseError, before: number): DatabaseError {
  if (error.severity === undefined) return error;
  const line = /^COPY .*?, line (\d+)(.*)$/m.exec(error.where ?? "");
  const row = line === null ? [] : [`row ${before + Number(line[1])}${line[2]}`];
  const aside = [...row, ...(error.detail === undefined ? [] : [error.detail.replace(/\.$/, "")])].join("; ");
  const message = aside === "" ? error.message : `${error.message} (${aside})`;
  return refused(error, { message, isOrphan: error.code === "23503" });
}

/** A session whose part is a replica's checks no foreign key, and fires no trigger that is not made for that. */
export async function fallow(db: Database, act: (db: Database) => Promise<void>): Promise<void> {
  await onSession<Client, void>(db, async (client) => {
    const { rows } = await client.query(
      "select current_setting('session_replication_role') as role, current_user as who",
    );
    await client.query("set session_replication_role = replica").catch((cause) => {
      if (cause.code !== "42501") throw cause;
      throw new HarnessError(
        "server-unusable",
        `Cannot let foreign keys rest: ${messageOf(cause)} (connect as a superuser, or from PostgreSQL 15 on let one run: grant set on parameter session_replication_role to ${quoted(rows[0].who)})`,
        { cause },
      );
    });
    const one = knexOverOne(client);
    try {
      await act(one);
    } finally {
      one.destroy().catch(() => {}); // Not waited for: what somebody forgot to end would never end.
      await client.query(`set session_replication_role = ${rows[0].role}`).catch((error) => discard(client, error));
    }
  });
}

interface Sink {
  readonly stream: import("node:net").Socket;
  query(sql: string): void;
  sendCopyFromChunk(piece: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(reason: string): void;
}

function copy(client: Client, sql: string, pieces: Iterable<Buffer>): Promise<void> {
  return new Promise((resolve, reject) => {
    let stopped = false;
    let ours: unknown; // What our own rows threw: the server only repeats it.
    async function send(sink: Sink): Promise<void> {
      try {
        for (const piece of pieces) {
          if (stopped) return;
          sink.sendCopyFromChunk(piece);
          if (sink.stream.writableNeedDrain) await drained(sink.stream);
        }
        if (!stopped) sink.endCopyFrom();
      } catch (error) {
        ours = error;
        sink.sendCopyFail(messageOf(error));
      }
    }
    client.query({
      submit: (sink: Sink) => sink.query(sql),
      handleCopyInResponse: (sink: Sink) => void send(sink),
      handleCommandComplete() {},
      handleError(error: Error & { readonly severity?: string }) {
        stopped = true;
        // It ends, and Knex would hear of that only after it has handed it out again.
        if (error.severity !== "ERROR") discard(client, error);
        reject(ours ?? error);
      },
      handleReadyForQuery: () => resolve(),
    } as never);
  });
}

/** Until the server has taken what we wrote, or is gone. */
function drained(stream: Sink["stream"]): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      stream.off("drain", go).off("close", go);
      resolve();
    };
    stream.on("drain", go).on("close", go);
  });
}

function* piecesOf(rows: Iterable<readonly unknown[]>): Generator<Buffer> {
  const { prepareValue } = (require("pg") as unknown as { utils: { prepareValue(value: unknown): unknown } }).utils;
  let text = "";
  for (const values of rows) {
    for (let i = 0; i < values.length; i++) text += (i === 0 ? "" : "\t") + cell(values[i], prepareValue);
    text += "\n";
    if (text.length < pieceLength) continue;
    yield Buffer.from(text);
    text = "";
  }
  if (text !== "") yield Buffer.from(text);
}

/** A value as the driver would send it beside an INSERT, in the text that COPY reads. */
function cell(value: unknown, prepare: (value: unknown) => unknown): string {
  if (typeof value === "string") return special.test(value) ? value.replace(specials, escaped) : value;
  if (typeof value === "number") return String(value);
  if (value === null) return "\\N";
  refuseSql(value);
  if (typeof value !== "object") return String(value);
  const told = prepare(value);
  return Buffer.isBuffer(told) ? `\\\\x${told.toString("hex")}` : cell(told, prepare);
}

const special = /[\\\t\n\r]/;
const specials = /[\\\t\n\r]/g;
const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };
const escaped = (character: string) => escapes[character] ?? character;
