import type { Dump } from "./dump.ts";
import { type DumpHead, headOf } from "./dump-head.ts";
import type { LeftOut, Restorer, Ruling } from "./engines/restorer.ts";
import { HarnessError, messageOf } from "./errors.ts";
import { streamedPieces } from "./formats/streamed.ts";
import { guarded, lost, type Sandbox, type Stage, unableToGoOn } from "./sandbox.ts";
import type { Finding } from "./verdict.ts";
import { compareVersions } from "./wish.ts";

/**
 * Restores a dump into a new sandbox, as it is read: whatever its size, no more of it is held than a statement. What the
 * sandbox does without is told in one note, with counts.
 *
 * @throws {HarnessError} `dump-unreadable` with the line; `server-lost` and `disk-full` where that was the reason
 */
export async function restore(dump: Dump, sandbox: Sandbox, stage: Stage): Promise<readonly Finding[]> {
  const restorer = await guarded(stage, () => stage.engine.restorer(sandbox.address));
  const left = new Map<string, LeftOut & { count: number }>();
  const seen: Seen = { head: undefined, isWhole: false };
  try {
    await restoreWith(restorer, { dump, stage, left, seen });
  } finally {
    await restorer.end();
  }
  return [...skipped(dump, [...left.values()]), ...newer(dump, seen, stage)];
}

/** What the stream has told so far. */
interface Seen {
  head: DumpHead | undefined;
  isWhole: boolean;
}

interface Restoring {
  readonly dump: Dump;
  readonly stage: Stage;
  readonly left: Map<string, LeftOut & { count: number }>;
  readonly seen: Seen;
}

async function restoreWith(restorer: Restorer, at: Restoring): Promise<void> {
  const { dump, stage, seen } = at;
  const onMeta = (line: number, command: string) => {
    const ruling = restorer.judgeCommand(command);
    if (ruling.do === "refuse") throw unreadable(`${dump.file}:${line}`, ruling.why);
    note(ruling, at);
  };
  const pieces = streamedPieces(() => watched(asCharacters(dump.sql()), seen), {
    engine: stage.engine.name,
    file: dump.file,
    onMeta,
  });
  try {
    for await (const { sql, offset, copied } of pieces()) {
      const ruling = restorer.judge(sql);
      if (ruling.do === "refuse") throw unreadable(`${dump.file}:${await lineAt(dump, offset)}`, ruling.why);
      note(ruling, at);
      if (ruling.do === "leave") continue;
      try {
        await restorer.send(ruling.sql, copied);
      } catch (thrown) {
        await weigh({ sql, offset, thrown }, restorer, at);
      }
    }
  } catch (cause) {
    if (!(cause instanceof HarnessError) || cause.code !== "bad-input") throw cause;
    // The reader of SQL does not know what it reads for.
    throw new HarnessError("dump-unreadable", cause.message.replace(/^Cannot read/, "Cannot restore"), { cause });
  }
  if (seen.head?.ending !== undefined && !seen.isWhole) {
    const why = `it breaks off: its last line is not "${seen.head.ending}" (copy it once more, or dump anew)`;
    throw unreadable(dump.file, why);
  }
}

/** Every byte becomes the character of its number: dumps hold bytes that are no text, and other encodings than UTF-8. */
async function* asCharacters(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let isFirst = true;
  for await (const chunk of bytes) {
    const marked = isFirst && chunk.subarray(0, 3).equals(byteOrderMark);
    isFirst = false;
    yield Buffer.from((marked ? chunk.subarray(3) : chunk).toString("latin1"));
  }
}

const byteOrderMark = Buffer.from("\uFEFF");

/** Looks at what the dump begins with, and for the line that it ends with where it is whole. */
async function* watched(chunks: AsyncIterable<Buffer>, seen: Seen): AsyncGenerator<Buffer> {
  let last: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    seen.head ??= headOf(chunk.toString("latin1", 0, 64 * 1024));
    const { ending } = seen.head;
    if (ending !== undefined) {
      seen.isWhole ||= chunk.includes(ending) || Buffer.concat([last, chunk.subarray(0, 100)]).includes(ending);
      last = chunk.subarray(-100);
    }
    yield chunk;
  }
}

interface Refused {
  readonly sql: string;
  readonly offset: number;
  readonly thrown: unknown;
}

/** The dump may do without what the server refused; or cannot be restored. */
async function weigh({ sql, offset, thrown }: Refused, restorer: Restorer, at: Restoring): Promise<void> {
  const { dump, stage, seen } = at;
  if (thrown instanceof HarnessError) throw thrown;
  const { server, engine } = stage;
  const fault = engine.fault(thrown);
  if (fault?.kind === "connection" && !(await stage.answers())) throw lost(server, thrown);
  const unable = unableToGoOn(server, thrown, ` restoring "${dump.file}"`);
  if (unable !== undefined) throw unable;
  const ruling = restorer.judgeRefused(sql, thrown);
  if (ruling?.do === "leave") return note(ruling, at);
  const place = `${dump.file}:${await lineAt(dump, offset)}`;
  if (ruling?.do === "refuse") throw unreadable(place, ruling.why, thrown);
  const said = `the server refuses ${JSON.stringify(shown(sql))}: ${fault?.message ?? messageOf(thrown)}`;
  const version = newerThan(server.version, seen.head?.version);
  const way =
    version === undefined
      ? ""
      : ` (the dump is of ${engine.title} ${version}, and this server is ${server.version}: rehearse on ${engine.name}:${major(version)})`;
  throw unreadable(place, `${said}${way}`, thrown);
}

/** The dump is read once more up to there: nobody counts lines before somebody asks. */
async function lineAt(dump: Dump, offset: number): Promise<number> {
  let line = 1;
  let left = offset;
  for await (const chunk of dump.sql()) {
    const before = chunk.subarray(0, Math.max(left, 0));
    for (let at = before.indexOf(10); at >= 0; at = before.indexOf(10, at + 1)) line++;
    left -= chunk.length;
    if (left <= 0) break;
  }
  return line;
}

function shown(sql: string): string {
  const text = Buffer.from(sql.slice(0, 120), "latin1").toString().replace(/\s+/g, " ");
  return sql.length <= 120 ? text : `${text.replace(/\uFFFD$/, "")}…`;
}

function unreadable(place: string, why: string, cause?: unknown): HarnessError {
  return new HarnessError("dump-unreadable", `Cannot restore "${place}": ${why}`, { cause });
}

function note(ruling: Ruling, { left }: Restoring): void {
  const told = ruling.do === "refuse" ? undefined : ruling.left;
  if (told === undefined) return;
  const key = JSON.stringify([told.what, told.why]);
  const known = left.get(key) ?? { ...told, count: 0 };
  left.set(key, { ...known, count: known.count + 1 });
}

const mostShown = 8;

function skipped({ name }: Dump, left: readonly (LeftOut & { readonly count: number })[]): readonly Finding[] {
  if (left.length === 0) return [];
  const kinds = left.map(({ what, why, count }) => `${count} × ${what} (${why})`);
  const more = kinds.length > mostShown ? `; and ${kinds.length - mostShown} more` : "";
  const message = `left out of "${name}": ${kinds.slice(0, mostShown).join("; ")}${more}`;
  return [{ code: "dump-statement-skipped", message }];
}

function newer({ name }: Dump, { head }: Seen, { server, engine }: Stage): readonly Finding[] {
  const version = newerThan(server.version, head?.version);
  if (version === undefined) return [];
  const message = `"${name}" is of ${engine.title} ${version}, and was restored on ${server.version}, which is older (rehearse on ${engine.name}:${major(version)})`;
  return [{ code: "dump-of-newer-server", message }];
}

/** The dump's version where its first number is higher than the server's, or on MariaDB its second. */
function newerThan(server: string, dump: string | undefined): string | undefined {
  return dump !== undefined && compareVersions(major(dump), major(server)) > 0 ? dump : undefined;
}

function major(version: string): string {
  const [first = "", second] = version.split(".");
  return Number(first) >= 12 || second === undefined ? first : `${first}.${second}`;
}
