import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { createGunzip } from "node:zlib";
import type { EngineName } from "./database.ts";
import { unpacked } from "./dump-archive.ts";
import { type DumpHead, headOf, kindOf, wanted } from "./dump-head.ts";
import { HarnessError, messageOf } from "./errors.ts";

/** A dump of somebody's database: what a path may start from. */
export interface Dump {
  /** As it was named to us. */
  readonly file: string;
  /** `theirs.sql`: as reports call it. */
  readonly name: string;
  /** SHA-256 of its bytes: what a state that begins with it is known by. */
  readonly hash: string;
  /** Those that may have written it; more than one where the SQL alone does not tell. */
  readonly engines: readonly EngineName[];
  /** Its SQL as bytes, from the beginning, however the file is packed. */
  sql(): AsyncIterable<Buffer>;
}

/**
 * A dump by its content, whatever it is called: SQL, a gzip of it, or an archive of `pg_dump -Fc`.
 *
 * @throws {HarnessError} `bad-input` for what is no dump, or none that can be restored here
 */
export async function dumpAt(where: URL | string): Promise<Dump> {
  const file = typeof where === "string" ? where : fileURLToPath(where);
  const refused = (why: string, cause?: unknown) =>
    new HarnessError("bad-input", `Cannot read dump "${file}": ${why}`, { cause });
  await refuseNoFile(file, refused);
  const kind = kindOf(await firstBytes(file));
  if (typeof kind === "object") throw refused(kind.refusal);
  const head = kind === "archive" ? archive : await headIn(file, kind, refused);
  if (head.refusal !== undefined) throw refused(head.refusal);
  if (head.engines.length === 0) throw refused(`nothing in it says of which database it is (${wanted})`);
  return {
    file,
    name: basename(resolve(file)),
    hash: await hashOf(file),
    engines: head.engines,
    sql: () => (kind === "archive" ? unpacked(file) : kind === "gzip" ? gunzipped(file) : createReadStream(file)),
  };
}

const archive: DumpHead = { engines: ["postgres"] };

type Refusing = (why: string, cause?: unknown) => HarnessError;

async function refuseNoFile(file: string, refused: Refusing): Promise<void> {
  const found = await stat(file).catch((cause) => {
    throw refused(cause.code === "ENOENT" ? "there is no such file" : messageOf(cause), cause);
  });
  if (found.isFile() && found.size > 0) return;
  if (!found.isDirectory()) throw refused(found.size === 0 ? "it is empty" : "it is no file");
  const files = await readdir(file).catch(() => []);
  const isDump = files.some((name) => name.startsWith("toc.dat"));
  throw refused(
    isDump
      ? `it is a folder that pg_dump wrote (make SQL of it: pg_restore -f theirs.sql "${file}")`
      : "it is a folder",
  );
}

const headLength = 64 * 1024;

async function firstBytes(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headLength), 0, headLength, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function headIn(file: string, kind: "gzip" | undefined, refused: Refusing): Promise<DumpHead> {
  const bytes = kind === "gzip" ? await firstGunzipped(file, refused) : await firstBytes(file);
  if (kind === undefined) return headOf(bytes.toString("latin1"));
  if (bytes.length === 0) throw refused("it is empty, once it is unpacked");
  const inside = kindOf(bytes);
  if (inside === "archive")
    throw refused("it is a gzip of what pg_dump -Fc wrote, which is packed as it is (gunzip it)");
  if (inside === "gzip") throw refused("it is a gzip of a gzip (gunzip it)");
  if (inside !== undefined) throw refused(`once it is unpacked, ${inside.refusal}`);
  return headOf(bytes.toString("latin1"));
}

async function firstGunzipped(file: string, refused: Refusing): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of gunzipped(file)) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= headLength) break;
    }
  } catch (cause) {
    throw refused(`${inGzip(cause)} (copy it once more)`, cause);
  }
  return Buffer.concat(chunks).subarray(0, headLength);
}

async function* gunzipped(file: string): AsyncGenerator<Buffer> {
  const source = createReadStream(file);
  const gunzip = createGunzip();
  source.on("error", (error) => gunzip.destroy(error));
  try {
    for await (const chunk of source.pipe(gunzip)) yield chunk as Buffer;
  } catch (cause) {
    throw new HarnessError("dump-unreadable", `Cannot restore "${file}": ${inGzip(cause)} (copy it once more)`, {
      cause,
    });
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}

function inGzip(cause: unknown): string {
  if (cause instanceof HarnessError) return inGzip(cause.cause);
  const { code } = cause as { code?: string };
  return code === "Z_BUF_ERROR" ? "the gzip breaks off before its end" : `the gzip is damaged: ${messageOf(cause)}`;
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
