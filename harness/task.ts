import type { Log, Task } from "./chain.ts";
import type { Database } from "./database.ts";
import { messageOf } from "./errors.ts";
import type { PlannedTask } from "./planned-release.ts";
import { endKnex, notTheirs, type Sandbox, type Stage } from "./sandbox.ts";
import type { Finding } from "./verdict.ts";

export interface TaskOptions {
  readonly stage: Stage;
  readonly sandbox: Sandbox;
  readonly settings: unknown;
  readonly release: string;
  /** The code of a task that throws. */
  readonly code: "boot-failed" | "use-failed" | "workaround-failed";
}

export interface Performed {
  /** Missing: the task came through. */
  readonly failure?: Finding;
  /** What went wrong in it and was not thrown. */
  readonly swallowed: readonly Finding[];
}

/**
 * Lets a task do its work, and hears what it does not say: a statement that the server refused, or an error that it
 * logged, is swallowed unless the task throws it.
 *
 * @throws {HarnessError} `server-lost`, `disk-full`, `server-refused` where that was the reason and not the task.
 */
export async function perform({ sentence, task }: PlannedTask, options: TaskOptions): Promise<Performed> {
  const { stage, sandbox, settings, release, code } = options;
  const heard: Heard[] = [];
  const db = await sandbox.knex();
  db.on("query-error", (error: unknown) => heard.push({ error }));
  // A copy: what one task does to its settings is not to reach another, or another path.
  const thrown = await throwing(task, { db, settings: structuredClone(settings), log: logTo(heard) });
  // A session in which work was left open would hold its locks over whatever comes next.
  await endKnex(db);
  await sandbox.endSessions();
  for (const { error } of [...heard, ...thrown]) {
    const unable = await notTheirs(stage, error);
    if (unable !== undefined) throw unable;
  }
  const facts = { release, task: sentence };
  const told = new Set(thrown.flatMap(({ error }) => chainOf(error)));
  const swallowed = heard.filter(({ error }) => error === undefined || !told.has(error));
  return {
    ...failureOf(thrown, (error) => ({ code, ...facts, ...saidBy(error, sandbox) })),
    swallowed: swallowed.map((heard) => ({ code: "error-swallowed", ...facts, ...factsOf(heard, sandbox) })),
  };
}

/**
 * Does nothing: the workaround of whoever only starts the release once more.
 *
 * @example
 * ```ts
 * import { clean, startAgain, type UpgradePath } from "migration-sandbox";
 * const path: UpgradePath = { from: "1.0", to: "1.1", workaround: startAgain, expect: clean };
 * console.assert(path.workaround?.name === "startAgain");
 * // It is called with nothing to do: startAgain({ db, settings, log }) only resolves.
 * ```
 */
export const startAgain: Task = async () => {};

/** Something that went wrong in the task: an error, what was logged about it, or both. */
interface Heard {
  readonly error?: unknown;
  said?: string;
}

function logTo(heard: Heard[]): Log {
  return {
    info() {},
    error(said, cause) {
      // What is logged of an error that was heard already tells of that one.
      const meant = heard.filter(({ error }) => {
        if (error === undefined) return false;
        return cause === undefined ? said.includes(messageOf(error)) : chainOf(cause).includes(error);
      });
      // Of several that read alike, the next one; one that is logged again says nothing new.
      const known = meant.find(({ said: before }) => before === undefined) ?? meant[0];
      if (known !== undefined) known.said ??= said;
      else heard.push({ said, ...(cause !== undefined && { error: cause }) });
    },
  };
}

async function throwing(
  task: Task,
  at: { readonly db: Database; readonly settings: unknown; readonly log: Log },
): Promise<readonly { readonly error: unknown }[]> {
  try {
    await task(at);
    return [];
  } catch (error) {
    return [{ error }];
  }
}

function failureOf(
  [thrown]: readonly { readonly error: unknown }[],
  told: (error: unknown) => Finding,
): { readonly failure?: Finding } {
  return thrown === undefined ? {} : { failure: told(thrown.error) };
}

function factsOf({ error, said }: Heard, sandbox: Sandbox): Pick<Finding, "message"> {
  if (error === undefined) return { message: said ?? "" };
  const facts = saidBy(error, sandbox);
  const both =
    said === undefined || said.includes(facts.message) ? (said ?? facts.message) : `${said}: ${facts.message}`;
  return { ...facts, message: both };
}

/** What the server said, or the class of an error that no server's error lies beneath. */
export function saidBy(thrown: unknown, { engine }: Pick<Sandbox, "engine">): Pick<Finding, "message" | "exception"> {
  const fault = engine.fault(thrown);
  if (fault === undefined) return { message: messageOf(thrown), exception: classOf(thrown) };
  const { kind, offset, statementsBefore, ...said } = fault;
  return said;
}

function classOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return typeof thrown;
  return thrown.constructor.name === "Error" ? thrown.name : thrown.constructor.name;
}

/** An error and all that it was caused by. */
function chainOf(error: unknown): readonly unknown[] {
  if (!(error instanceof Error)) return [error];
  const beneath = [error.cause, ...(error instanceof AggregateError ? error.errors : [])];
  return [error, ...beneath.filter((cause) => cause !== undefined).flatMap(chainOf)];
}
