import { expect, test } from "vitest";
import type { Piece } from "../../harness/chain.ts";
import type { EngineName } from "../../harness/database.ts";
import { statementsOf } from "../../harness/formats/statements.ts";
import { streamedPieces } from "../../harness/formats/streamed.ts";
import { awkwardSql } from "./awkward-sql.ts";

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

test(`a stream is read as the whole is, however it is cut (SEED=${seed})`, async () => {
  const random = randomFrom(seed);
  for (let round = 0; round < 400; round++) {
    const engine: EngineName = random(2) === 0 ? "postgres" : "mysql";
    const bytes = Buffer.from(`${random(3) === 0 ? "\uFEFF" : ""}${someSql(engine, random)}`);
    const text = bytes.toString().replace(/^\uFEFF/, "");
    const whole = await outcome(async () => statementsOf(text, { engine, file: "a.sql", onMeta: () => {} }));
    const longest = 1 + random(200);
    const streamed = await outcome(() =>
      collected(
        engine,
        cut(bytes, () => 1 + random(longest)),
      ),
    );
    expect({ seed, round, ...streamed }).toEqual({ seed, round, ...whole });
  }
});

/** Awkward SQL one after the other; some of it has its end cut off, so that a string or a comment never ends. */
function someSql(engine: EngineName, random: (below: number) => number): string {
  const own = awkwardSql.filter((sql) => sql.engine === engine);
  const some = Array.from({ length: 1 + random(8) }, () => own[random(own.length)]?.sql ?? "");
  const sql = some.join(random(2) === 0 ? ";\n" : "\n;\r\n");
  return random(4) === 0 ? Array.from(sql).slice(0, random(sql.length)).join("") : sql;
}

async function outcome<T>(act: () => Promise<readonly T[]>): Promise<{ pieces?: readonly T[]; message?: string }> {
  try {
    return { pieces: await act() };
  } catch (error) {
    return { message: (error as Error).message };
  }
}

async function collected(engine: EngineName, chunks: Iterable<Buffer>): Promise<readonly Piece[]> {
  const pieces: Piece[] = [];
  for await (const piece of piecesOf(chunks, engine)) {
    const { copied, ...statement } = piece;
    pieces.push(copied === undefined ? statement : { ...statement, copied: await joined(copied) });
  }
  return pieces;
}

function piecesOf(chunks: Iterable<Buffer>, engine: EngineName = "postgres") {
  const open = async function* () {
    yield* chunks;
  };
  return streamedPieces(open, { engine, file: "a.sql", onMeta: () => {} })();
}

async function joined(copied: string | AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const rows of copied) text += rows;
  return text;
}

function* cut(bytes: Buffer, length: () => number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + length();
    yield bytes.subarray(at, end);
    at = end;
  }
}

test("rows behind a COPY come in parts of whole lines, about a megabyte at most", async () => {
  const rows = Array.from({ length: 300_000 }, (_, i) => `${i}\tit's; row ${i}\n`).join("");
  const sql = Buffer.from(`select 1;\ncopy t from stdin;\n${rows}\\.\nselect 2;`);
  const seen: string[] = [];
  const parts: string[] = [];
  for await (const { sql: statement, copied } of piecesOf([sql])) {
    seen.push(statement);
    if (typeof copied === "object") for await (const part of copied) parts.push(part);
  }
  expect(seen).toEqual(["select 1", "copy t from stdin", "select 2"]);
  expect(parts.length).toBeGreaterThan(5);
  expect(Math.max(...parts.map((part) => part.length))).toBeLessThan(1.01 * 2 ** 20);
  expect(parts.every((part) => part === "" || part.endsWith("\n"))).toBe(true);
  expect(parts.join("") === rows).toBe(true);
});

test("rows that nobody reads are passed by", async () => {
  const chunks = ["copy t from stdin;\n", "1\n2\n", "3\n", "4\n\\.\nselect 2;"].map((text) => Buffer.from(text));
  const seen: string[] = [];
  for await (const { sql, copied } of piecesOf(chunks)) {
    seen.push(sql);
    if (typeof copied === "object") for await (const _ of copied) break;
  }
  expect(seen).toEqual(["copy t from stdin", "select 2"]);
});

test("a stream that is left early is closed, and can be read again from its beginning", async () => {
  let [opened, closed] = [0, 0];
  const open = async function* () {
    opened++;
    try {
      for (let i = 0; ; i++) yield Buffer.from(`select ${i};\n`);
    } finally {
      closed++;
    }
  };
  const pieces = streamedPieces(open, { engine: "mysql", file: "a.sql" });
  for (let i = 0; i < 2; i++) {
    for await (const { sql } of pieces()) {
      expect(sql).toBe("select 0");
      break;
    }
  }
  expect([opened, closed]).toEqual([2, 2]);
});

test.each([
  [
    "another encoding",
    [Buffer.from("select 1;\nselect 2;\n"), Buffer.from("select '\xe4';\n", "latin1")],
    "line 3 is not UTF-8",
  ],
  ["UTF-16", [Buffer.from("\uFEFFselect 1;\n", "utf16le")], "line 1 is not UTF-8; it looks like UTF-16"],
])("%s is refused with its line", async (_, chunks, why) => {
  const message = `Cannot read "a.sql": ${why} (save it as UTF-8)`;
  await expect(collected("postgres", chunks)).rejects.toMatchObject({ code: "bad-input", message });
});

/** Mulberry32: whole numbers below the one asked with, the same for the same seed. */
function randomFrom(start: number): (below: number) => number {
  let state = start;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
