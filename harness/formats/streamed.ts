import { isUtf8 } from "node:buffer";
import type { Piece } from "../chain.ts";
import { HarnessError } from "../errors.ts";
import { hungry, type Part } from "./reading.ts";
import { readerFor, readingOf, type StatementsAt } from "./statements.ts";

/**
 * {@link statementsOf} for what is too large to be held: no more of it is in memory than the statement at hand, and of
 * rows behind a COPY no more than a part: a text where they were at hand at once, else texts of whole lines and about a
 * megabyte at most, to be read before the next piece is asked for. Whoever asks for that first has them passed by. Every call of what is returned reads from the beginning.
 *
 * @throws {HarnessError} `bad-input` while it is read, as {@link statementsOf} does; and for bytes that are not UTF-8
 */
export function streamedPieces(open: () => AsyncIterable<Buffer>, at: StatementsAt): () => AsyncGenerator<Piece, void> {
  return () => read(open(), at);
}

async function* read(stream: AsyncIterable<Buffer>, at: StatementsAt): AsyncGenerator<Piece, void> {
  const reading = readingOf(at);
  const parts = readerFor(at.engine)(reading);
  const texts = wholeLines(stream, at.file);

  async function next(): Promise<Part | undefined> {
    for (let part = parts.next(); part.done !== true; part = parts.next()) {
      if (part.value !== hungry) return part.value;
      const { value, done } = await texts.next();
      reading.text = value ?? "";
      reading.last = done === true;
    }
    return undefined;
  }

  let goesOn = false;
  async function* rowsFrom({ copied: first = "" }: Part): AsyncGenerator<string, void> {
    yield first;
    while (goesOn) yield (await more())?.copied ?? "";
  }
  async function more(): Promise<Part | undefined> {
    const part = await next();
    goesOn = part?.goesOn === true;
    return part;
  }

  try {
    for (let part = await next(); part !== undefined; part = await next()) {
      goesOn = part.goesOn === true;
      if (!goesOn) yield part;
      else yield { sql: part.sql, offset: part.offset, copied: rowsFrom(part) };
      while (goesOn) await more();
    }
  } finally {
    await texts.return();
  }
}

const atMost = 1 << 20;

/** The text in whole lines, so that nothing but strings, comments and statements lies across two of them. */
async function* wholeLines(stream: AsyncIterable<Buffer>, file: string): AsyncGenerator<string, void> {
  let begun: Buffer[] = [];
  let lines = 0;

  function text(bytes: Buffer): string {
    if (!isUtf8(bytes)) throw notUtf8(bytes, { file, lines });
    // A byte order mark is no part of the SQL.
    const decoded = lines === 0 ? bytes.toString().replace(/^\uFEFF/, "") : bytes.toString();
    lines = lines + lineEnds(bytes);
    return decoded;
  }

  for await (const chunk of stream) {
    for (let from = 0; from < chunk.length; from += atMost) {
      const bytes = chunk.subarray(from, from + atMost);
      const end = bytes.lastIndexOf(lineEnd) + 1;
      if (end > 0) {
        yield text(Buffer.concat([...begun, bytes.subarray(0, end)]));
        begun = [];
      }
      if (end < bytes.length) begun.push(bytes.subarray(end));
    }
  }
  if (begun.length > 0) yield text(Buffer.concat(begun));
}

const lineEnd = 0x0a;

function lineEnds(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(lineEnd); at >= 0; at = bytes.indexOf(lineEnd, at + 1)) lines++;
  return lines;
}

function notUtf8(bytes: Buffer, { file, lines }: { readonly file: string; readonly lines: number }): HarnessError {
  let line = lines + 1;
  for (let at = 0; ; line++) {
    const end = bytes.indexOf(lineEnd, at);
    if (end < 0 || !isUtf8(bytes.subarray(at, end))) break;
    at = end + 1;
  }
  const utf16 =
    line === 1 && /^(\xff\xfe|\xfe\xff)/.test(bytes.toString("latin1", 0, 2)) ? "; it looks like UTF-16" : "";
  return new HarnessError("bad-input", `Cannot read "${file}": line ${line} is not UTF-8${utf16} (save it as UTF-8)`);
}
