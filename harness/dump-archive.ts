import { type ChildProcess, spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { postgres } from "./engines/postgres.ts";
import { HarnessError } from "./errors.ts";
import { localInstallations } from "./servers/local.ts";

/** The SQL that `pg_restore` makes of an archive of `pg_dump -Fc`: nobody else knows how to read every version of it. */
export async function* unpacked(file: string): AsyncGenerator<Buffer> {
  const child = spawn(await readerOf(file), ["--file=-", file], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = endOf(child);
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer;
    const { code, said } = await ended;
    if (code !== 0) throw unreadable(file, `pg_restore says: ${said}`);
  } finally {
    child.kill(); // Whoever reads may have had enough of it.
  }
}

/** The first program that understands this archive: an older one does not read what a newer one wrote. */
async function readerOf(file: string): Promise<string> {
  const refusals: string[] = [];
  for (const program of programs()) {
    const { code, said } = await endOf(spawn(program, ["--list", file], { stdio: ["ignore", "ignore", "pipe"] }));
    if (code === 0) return program;
    if (code !== undefined) refusals.push(said);
  }
  const [first] = refusals;
  const way =
    "install the client programs of the PostgreSQL that it is of, or make SQL of it there: pg_restore -f theirs.sql";
  if (first === undefined)
    throw unreadable(file, `pg_dump -Fc wrote it, and there is no pg_restore in PATH or beside a server here (${way})`);
  const tooNew = /unsupported version/.test(first);
  throw unreadable(
    file,
    `pg_restore says: ${first}${tooNew ? ` (${way})` : " (is the file whole? copy it once more)"}`,
  );
}

function programs(): readonly string[] {
  const beside = localInstallations(postgres).map(({ executable }) => join(dirname(executable), "pg_restore"));
  return ["pg_restore", ...beside];
}

/** What a program says in the end; without a code: it is not there. */
function endOf(child: ChildProcess): Promise<{ readonly code: number | null | undefined; readonly said: string }> {
  return new Promise((resolve) => {
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = `${said}${text}`.slice(0, 2000);
    });
    child.on("error", () => resolve({ code: undefined, said }));
    child.on("close", (code) => resolve({ code, said: said.trim().replace(/^pg_restore: (error: )?/, "") }));
  });
}

function unreadable(file: string, why: string): HarnessError {
  return new HarnessError("dump-unreadable", `Cannot restore "${file}": ${why}`);
}
