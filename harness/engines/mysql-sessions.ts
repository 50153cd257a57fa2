import { setTimeout as sleep } from "node:timers/promises";
import type { Connection } from "mysql2/promise";
import type { Address } from "../database.ts";
import { type Crew, sendTo } from "./mysql-crew.ts";
import { faultOf } from "./mysql-fault.ts";
import { literal } from "./mysql-text.ts";
import { visitorsOf } from "./mysql-visitors.ts";

/** Those who work for us: the session that watches, and those that are watched. */
export interface Ours {
  readonly main: Connection;
  readonly crew: Crew;
  readonly server: Address;
}

interface Process {
  readonly id: number;
  readonly database: string | null;
  readonly state: string;
  readonly statement: string;
}

/** Ends every session that is in a database or was opened for it, except our own. */
export async function endSessions(ours: Ours, database: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (let looks = 0; ; looks++) {
    const visitors = visitorsOf({ ...ours.server, database });
    const isIn = (one: Process) => one.database === database || visitors.has(one.id);
    const left = (await processes(ours)).filter((one) => isIn(one) && !isOurs(ours, one.id));
    if (left.length === 0) return;
    if (Date.now() > deadline) throw new Error(`${left.length} sessions of database "${database}" do not end`);
    for (const { id } of left) await kill(ours, id);
    if (looks > 5) await sleep(2);
  }
}

/** What the sessions of a database do, and what the server says that they wait for. */
export async function activity(ours: Ours, database: string): Promise<readonly string[]> {
  const visitors = visitorsOf({ ...ours.server, database });
  const seen = (await processes(ours)).filter((one) => one.database === database || visitors.has(one.id));
  return seen
    .filter((one) => !isOurs(ours, one.id) && one.statement !== "null" && one.statement !== "")
    .map(({ id, state, statement }) => {
      const what = statement.replace(/\s+/g, " ").trim().slice(0, 200);
      return `session ${id} (${state === "" || state === "null" ? "at work" : state}): ${what}`;
    });
}

/** Runs a statement that has to have a database, or a table in it, for itself; whoever is in its way is ended. */
export async function insist(ours: Ours, database: string, statement: string): Promise<void> {
  const done = ours.crew.send(statement).catch((error) => {
    if (faultOf(error)?.kind !== "too-many") throw error;
    return ours.main.query(statement); // The server may take no further session.
  });
  while (!(await isDoneSoon(done))) {
    if ((await waitingIn(ours, statement)) === undefined) continue;
    await endSessions(ours, database);
    for (const id of await holders(ours, database)) await kill(ours, id);
  }
  await done.catch((cause: { readonly errno?: number }) => {
    if (cause.errno !== lockWaitTimeout) throw cause;
    throw new Error(
      `a session outside of database "${database}", or a prepared transaction, holds locks in it, and the server does not tell which`,
      { cause },
    );
  });
}

/** Runs such a statement if nobody is in its way. */
export async function attempt(ours: Ours, statement: string): Promise<boolean> {
  const done = ours.crew.send(statement);
  while (!(await isDoneSoon(done))) {
    const waiting = await waitingIn(ours, statement);
    if (waiting !== undefined) await ours.main.query(`kill query ${waiting}`);
  }
  return done.then(
    () => true,
    (error: { readonly errno?: number }) => {
      if (error.errno !== lockWaitTimeout && error.errno !== interrupted) throw error;
      return false;
    },
  );
}

const lockWaitTimeout = 1205;
const interrupted = 1317;

function isDoneSoon(done: Promise<unknown>): Promise<boolean> {
  const ended = done.then(
    () => true,
    () => true,
  );
  return Promise.race([ended, sleep(50, false)]);
}

async function processes({ main }: Ours): Promise<readonly Process[]> {
  const [rows = []] = await sendTo(main, ["show processlist"]);
  return rows
    .filter((row) => row.Command !== "Killed")
    .map((row) => ({
      id: Number(row.Id),
      database: row.db as string | null,
      state: String(row.State),
      statement: String(row.Info),
    }));
}

function isOurs({ main, crew }: Ours, id: number): boolean {
  return id === main.threadId || crew.has(id);
}

/** The session of ours in which a statement waits until others let go. */
async function waitingIn(ours: Ours, statement: string): Promise<number | undefined> {
  const told = statement.slice(0, 60);
  const found = (await processes(ours)).find(
    (one) => ours.crew.has(one.id) && /^Waiting for .*metadata lock/.test(one.state) && one.statement.startsWith(told),
  );
  return found?.id;
}

async function kill({ main }: Ours, id: number): Promise<void> {
  await main.query(`kill ${id}`).catch((error: { readonly errno?: number }) => {
    if (error.errno !== 1094) throw error; // It has ended meanwhile.
  });
}

/** Sessions that hold a lock on the database or its tables, where the server tells which do. */
async function holders(ours: Ours, database: string): Promise<readonly number[]> {
  const asked = sendTo(ours.main, [
    `select distinct t.processlist_id as id from performance_schema.metadata_locks l
      join performance_schema.threads t on t.thread_id = l.owner_thread_id
      where l.object_schema = ${literal(database)} and l.lock_status = 'GRANTED' and t.processlist_id is not null`,
  ]);
  const [rows = []] = await asked.catch(() => []);
  return rows.map(({ id }) => Number(id)).filter((id) => !isOurs(ours, id));
}
