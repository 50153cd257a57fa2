import { appendFileSync, existsSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { EngineName } from "../database.ts";
import { engineNamed } from "../engines/named.ts";
import { HarnessError, messageOf } from "../errors.ts";
import { findDocker } from "./container-docker.ts";
import { markedContainers, removeContainersOf } from "./container-mark.ts";
import { startContainer } from "./container-start.ts";
import { wordsInto } from "./container-words.ts";
import { startOf } from "./run.ts";

// A process of its own that starts a container, keeps it while its run lives, and removes it: processes of a run come and
// go while its server stays, Testcontainers' Ryuk removes what was started by a process that has gone, and what a killed
// run leaves should go at once. On its command line: folder, id and root of the run; engine and tag.
const [folder = "", id = "", root = "", engine = "", tag = ""] = process.argv.slice(2);
const rootStart = startOf(Number(root));
const kept = join(folder, "kept");

const starting = startContainer({ engine: engineNamed(engine as EngineName), tag, run: id }, wordsInto(folder));
let settled = false;
let ending = false;

for (const signal of ["SIGTERM", "SIGQUIT", "SIGINT"] as const) process.on(signal, () => end());
// A connection that breaks where nobody waits for it is no reason to leave a container behind.
process.on("uncaughtException", (error) => note(error.stack ?? messageOf(error)));
setInterval(() => {
  if (!rootLives() && !existsSync(kept)) end();
}, 100);
setInterval(() => lookAround().catch(() => {}), 30_000);

try {
  tell("container.json", { ...(await starting), keeper: process.pid });
  settled = true;
} catch (error) {
  settled = true;
  if (!ending) await refuse(error);
}

function rootLives(): boolean {
  return rootStart !== undefined && startOf(Number(root)) === rootStart;
}

function tell(file: string, what: unknown): void {
  writeFileSync(join(folder, `${file}.new`), JSON.stringify(what), { mode: 0o600 });
  renameSync(join(folder, `${file}.new`), join(folder, file));
}

async function refuse(error: unknown): Promise<never> {
  await removeContainers();
  const code = error instanceof HarnessError ? error.code : "server-not-started";
  tell("refused.json", { code, message: messageOf(error) });
  process.exit(1);
}

/** Without a grace: what is in it is thrown away. A start that is under way may yet make what is to be removed. */
async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  const deadline = Date.now() + 5000;
  for (;;) {
    const last = settled || Date.now() > deadline;
    await removeContainers();
    if (last) break;
    await sleep(20);
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  process.exit(0);
}

/** What cannot be removed, the next run may. */
async function removeContainers(): Promise<void> {
  try {
    await removeContainersOf(await findDocker(), id);
  } catch (error) {
    note(messageOf(error));
  }
}

async function lookAround(): Promise<void> {
  // To runs elsewhere that share the folder of runs, one that nobody touches for minutes is dead.
  utimesSync(folder, new Date(), new Date());
  if (!existsSync(kept)) return;
  const { containers } = await markedContainers(await findDocker(), id);
  if (containers.length === 0) await end(); // Somebody removed what was kept.
}

function note(text: string): void {
  try {
    appendFileSync(join(folder, "log"), `${text}\n`);
  } catch {} // The folder is gone, or full.
}
