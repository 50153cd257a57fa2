import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import type { Address, Database } from "./database.ts";
import type { Administration, Engine, OpenSnapshot, Paused, Session } from "./engines/engine.ts";
import { HarnessError, messageOf } from "./errors.ts";
import { dropAllOf, reapDatabases } from "./leftovers.ts";
import { databaseName, markText, newRun } from "./mark.ts";
import type { Server } from "./servers/server.ts";

/** Where sandboxes are made: the one place where an engine and a server meet. */
export interface Stage {
  readonly server: Server;
  readonly engine: Engine;
  create(): Promise<Sandbox>;
  /** Whether the server still answers, asked anew. */
  answers(): Promise<boolean>;
  /** Drops what nobody took, and ends our own sessions; the server is its starter's to end. */
  leave(): Promise<void>;
}

/**
 * Opens a stage on a server, under a run's name of its own that is locked there as long as the stage is open. What runs
 * that died left on the server is dropped by the way.
 *
 * @throws {HarnessError} `server-lost` if the server does not answer.
 */
export async function openStage(server: Server): Promise<Stage> {
  const { engine } = server;
  const run = newRun();
  const admin = await engine.administer(server.maintenance).catch((cause) => {
    throw lost(server, cause);
  });
  const place: Place = { server, engine, admin, run };
  // Asked before anything is made, and on the same session: what is made is made under the lock.
  const held = guarded(place, () => place.admin.hold(run));
  held.catch(() => {}); // Told to whoever creates.
  // The first sandbox is made before anybody asks: whoever opens a stage wants one, and has files to read until then.
  let spare: Promise<Sandbox> | undefined = Sandbox.create(place);
  spare.catch(() => {}); // Told to whoever takes it.
  // On a server of this run alone there is nobody else's.
  const reaping = server.exclusive ? undefined : held.then(() => reapDatabases(place.admin, run)).catch(() => {});
  return {
    server,
    engine,
    async create() {
      await held;
      const made = spare ?? Sandbox.create(place);
      spare = undefined;
      return made;
    },
    answers: () => answers(server),
    async leave() {
      await reaping;
      // On its own server what is left ends with that; elsewhere, an interrupted run may still have much.
      if (!server.exclusive) await spare?.catch(() => {});
      if (!server.exclusive) await dropAllOf(run, place.admin);
      await place.admin.end().catch(() => {}); // A server that is gone has ended it already.
    },
  };
}

interface Place {
  readonly server: Server;
  readonly engine: Engine;
  /** Another one once the server has ended its sessions. */
  admin: Administration;
  readonly run: string;
}

let made = 0;

/** One throwaway database. It carries our mark; only what carries it is ever dropped. */
export class Sandbox {
  readonly address: Address;
  /** Tables in which tools keep their record: snapshots leave them out. */
  readonly recordTables: Set<string>;
  /** What products have said to it as to a new database. */
  readonly preludes: Set<string>;
  /** Readings of it that may be open. */
  readonly readings = new Set<{ close(): Promise<void> }>();
  readonly #place: Place;
  readonly #copies = new Set<Promise<unknown>>();
  #paused: Paused | undefined;
  #lender: Session | undefined;
  #mark: string;
  #frozen = false;

  private constructor(place: Place, name: string, mark: string, source?: Sandbox) {
    this.#place = place;
    this.#mark = mark;
    this.preludes = new Set(source?.preludes);
    // Shared by all copies: what is learnt of a record's place holds for the states before it, too.
    this.recordTables = source?.recordTables ?? new Set();
    this.address = { ...place.server.maintenance, database: name };
  }

  static async create(place: Place, from?: Sandbox): Promise<Sandbox> {
    const name = databaseName(place.run, ++made);
    const mark = markText({ run: place.run, kept: false });
    await administered(place, (admin) => admin.create(name, mark, from?.address.database));
    return new Sandbox(place, name, mark, from);
  }

  get url(): string {
    return this.#place.engine.url(this.address);
  }

  /** Keeps it when the run ends, and tells how a person enters it; a password that was given to us is not repeated. */
  async keep(): Promise<{ readonly url: string; readonly client: string }> {
    const { engine, server, run } = this.#place;
    const kept = markText({ run, kept: true });
    await administered(this.#place, (admin) => admin.remark(this.address.database, this.#mark, kept));
    this.#mark = kept;
    await this.thaw(); // Whoever keeps it wants to enter it.
    const told = server.kind === "existing" ? { ...this.address, password: "" } : this.address;
    return { url: engine.url(told), client: engine.client(told) };
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  get engine(): Engine {
    return this.#place.engine;
  }

  connect(): Promise<Session> {
    return guarded(this.#place, async () => {
      const session = this.#paused?.session?.();
      if (session === undefined) return this.engine.connect(this.address);
      this.#paused = undefined;
      return session;
    });
  }

  knex(): Promise<Database> {
    return this.engine.knex(this.address);
  }

  /** Lends a session that is idle to whoever reads it, until it is frozen; `undefined`: no more. */
  lend(session: Session | undefined): void {
    this.#lender = session;
  }

  /** Keeps the session of a snapshot that nobody reads any more for the next one. */
  async keepSession(snapshot: OpenSnapshot): Promise<void> {
    const paused = await snapshot.pause?.().catch(() => undefined);
    if (paused === undefined) return snapshot.end();
    await this.#paused?.end().catch(() => {});
    this.#paused = paused;
  }

  /** The same for the session of somebody who is done with it. */
  async retire(session: Session): Promise<void> {
    const rested = this.#frozen ? undefined : await session.rest?.().catch(() => undefined);
    if (rested === undefined) return session.end();
    await this.#endPaused();
    this.#paused = rested;
  }

  async #endPaused(): Promise<void> {
    const paused = this.#paused;
    this.#paused = undefined;
    await paused?.end().catch(() => {}); // Somebody may have ended it.
  }

  snapshot(): Promise<OpenSnapshot> {
    return guarded(this.#place, async () => {
      const lender = this.#lender;
      if (lender?.snapshot !== undefined) {
        this.#lender = undefined; // It can be read by one at a time.
        const lent = await lender.snapshot();
        const end = async () => {
          await lent.end();
          this.#lender ??= this.#frozen ? undefined : lender;
        };
        return { ...lent, end };
      }
      const paused = this.#paused;
      this.#paused = undefined;
      const resumed = await paused?.resume().catch(() => undefined);
      if (resumed !== undefined) return resumed;
      // Where a database cannot be closed, there is nothing to open.
      if (!this.#frozen || !this.engine.capabilities.closesDatabases) return this.engine.snapshot(this.address);
      await this.#admit(true);
      try {
        return await this.engine.snapshot(this.address);
      } finally {
        await this.#admit(false);
      }
    });
  }

  /** From here on it can only be looked at and cloned. Sessions that somebody left open are ended. */
  async freeze(): Promise<void> {
    this.#lender = undefined;
    await this.#endPaused();
    await this.#close();
    this.#frozen = true;
  }

  /** Lets whoever comes in again. */
  async thaw(): Promise<void> {
    await this.#admit(true);
    this.#frozen = false;
  }

  /** A frozen sandbox equal to this one, which goes on; sessions in it are ended. */
  async copy(): Promise<Sandbox> {
    await this.#close();
    const copy = await this.clone();
    await this.thaw();
    await copy.freeze();
    return copy;
  }

  async #close(): Promise<void> {
    await this.#admit(false);
    await this.endSessions();
  }

  #admit(anybody: boolean): Promise<void> {
    return administered(this.#place, (admin) => admin.admit(this.address.database, anybody));
  }

  /** A sandbox equal to this one, which must be frozen. Whoever reads it is let finish, and reads on afterwards. */
  async clone(): Promise<Sandbox> {
    const copying = this.#clone();
    this.#copies.add(copying);
    return copying.finally(() => this.#copies.delete(copying));
  }

  async #clone(): Promise<Sandbox> {
    await this.#endPaused();
    const closing = Promise.all([...this.readings].map((reading) => reading.close()));
    // What hangs in a check of somebody's may still be reading.
    const waited = await Promise.race([closing.then(() => true), sleep(20_000, false, { ref: false })]);
    if (!waited) await this.endSessions();
    return Sandbox.create(this.#place, this);
  }

  get isCopied(): boolean {
    return this.#copies.size > 0;
  }

  /** Resolves once those who copy it now have done so. */
  async copied(): Promise<void> {
    await Promise.allSettled(this.#copies);
  }

  /** What goes on in it, as the server itself sees it, for a message about what hangs; empty where it does not answer in time. */
  async activity(): Promise<string> {
    const asked = administered(this.#place, (admin) => admin.activity(this.address.database)).catch(() => []);
    const seen = await Promise.race([asked, sleep(2000, [], { ref: false })]);
    return seen.length === 0
      ? ""
      : `; the server's own view:${seen
          .slice(0, 8)
          .map((line) => `\n  ${line}`)
          .join("")}`;
  }

  /** How many bytes it takes on its server. */
  size(): Promise<number> {
    return administered(this.#place, (admin) => admin.size(this.address.database));
  }

  /** Ends every session, whoever holds it: what hangs in one is let go. */
  async endSessions(): Promise<void> {
    await administered(this.#place, (admin) => admin.endSessions(this.address.database));
  }

  async drop(): Promise<void> {
    await this.#endPaused();
    await administered(this.#place, (admin) => admin.drop(this.address.database, this.#mark));
  }
}

/**
 * Ends a pool; a session that somebody took and never gave back is not waited for.
 *
 * @returns whether all were given back
 */
export async function endKnex(db: Database): Promise<boolean> {
  await setImmediate(); // A stream that was just closed gives its session back a turn later.
  return Promise.race([db.destroy().then(() => true), sleep(500, false, { ref: false })]);
}

/** Our own dealings with the server are no upgrade's fault. */
export async function guarded<T>(
  { server, engine }: Pick<Stage, "server" | "engine">,
  deal: () => Promise<T>,
): Promise<T> {
  try {
    return await deal();
  } catch (cause) {
    if (cause instanceof HarnessError) throw cause;
    const unable = unableToGoOn(server, cause);
    if (unable !== undefined) throw unable;
    if (await answers(server)) {
      throw new HarnessError("server-refused", `Cannot go on: ${engine.name} refuses (${messageOf(cause)})`, { cause });
    }
    throw lost(server, cause);
  }
}

/** The same for what our own sessions do: where a migration ended all sessions that there were, others take their place. */
function administered<T>(place: Place, deal: (admin: Administration) => Promise<T>): Promise<T> {
  return guarded(place, async () => {
    const { admin, engine, server, run } = place;
    try {
      return await deal(admin);
    } catch (cause) {
      if (engine.fault(cause)?.kind !== "connection") throw cause;
      if (place.admin === admin) {
        place.admin = await engine.administer(server.maintenance);
        await place.admin.hold(run);
        await admin.end().catch(() => {});
      }
      return deal(place.admin);
    }
  });
}

/** What is nobody's fault but the server's: it has no room, or no more connections. */
export function unableToGoOn({ engine, kind }: Server, cause: unknown, where = ""): HarnessError | undefined {
  const fault = engine.fault(cause);
  if (fault?.kind === "no-room") {
    const folder =
      kind === "embedded" || kind === "local" ? ", or set MIGRATION_SANDBOX_RUNS to a folder that has some" : "";
    const message = `Cannot go on${where}: the server has no room left (${fault.message}); make room${folder}`;
    return new HarnessError("disk-full", message, { cause });
  }
  if (fault?.kind === "too-many") {
    const message = `Cannot go on${where}: the server takes no more connections (${fault.message}); end some, or raise its max_connections`;
    return new HarnessError("server-refused", message, { cause });
  }
  return undefined;
}

/** What somebody's code ran into and did not do: the server is gone, or has no room or no more connections. */
export async function notTheirs({ server }: Stage, cause: unknown): Promise<HarnessError | undefined> {
  const unable = unableToGoOn(server, cause);
  if (unable !== undefined) return unable;
  if (server.engine.fault(cause)?.kind !== "connection" || (await answers(server))) return undefined;
  return lost(server, cause);
}

/** Whether the server still answers, asked anew. */
async function answers({ engine, maintenance }: Server): Promise<boolean> {
  try {
    const session = await engine.connect(maintenance);
    await session.end();
    return true;
  } catch {
    return false;
  }
}

export function lost(server: Server, cause: unknown): HarnessError {
  const words = server.lastWords();
  const said = words === "" ? "" : `\n  its last words: ${words.replaceAll("\n", "\n  ")}`;
  return new HarnessError(
    "server-lost",
    `Cannot reach ${server.engine.name} (${server.kind}) any more: ${(cause as Error).message}${said}`,
    { cause },
  );
}
