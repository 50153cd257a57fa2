import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Address, Database } from "./database.ts";
import type { Engine, Session } from "./engines/engine.ts";
import { HarnessError, messageOf } from "./errors.ts";
import type { Server } from "./servers/server.ts";
import type { Catalogue, Snapshot, TableOutline } from "./snapshot.ts";

/** Where sandboxes are made: the one place where an engine and a server meet. */
export interface Stage {
  readonly server: Server;
  readonly engine: Engine;
  create(): Promise<Sandbox>;
  /** Whether the server still answers, asked anew. */
  answers(): Promise<boolean>;
  /** Ends our own session; the server is its starter's to end. */
  leave(): Promise<void>;
}

/** @throws {HarnessError} `server-lost` if the server does not answer. */
export async function openStage(server: Server): Promise<Stage> {
  const { engine } = server;
  const admin = await engine.connect(server.maintenance).catch((cause) => {
    throw lost(server, cause);
  });
  // The first sandbox is made before anybody asks: whoever opens a stage wants one, and has files to read until then.
  let spare: Promise<Sandbox> | undefined;
  const create = () => Sandbox.create({ server, engine, admin, drop });
  // Drops go their own way, one after the other, so that nothing waits for them.
  let cleaner: Promise<Session> | undefined;
  let dropping = Promise.resolve();
  const drop = (database: string, mark: string) => {
    cleaner ??= engine.connect(server.maintenance);
    dropping = Promise.all([cleaner, dropping.catch(() => {})]).then(([session]) =>
      engine.drop(session, database, mark),
    );
    return dropping;
  };
  spare = create();
  spare.catch(() => {}); // Told to whoever takes it.
  return {
    server,
    engine,
    create() {
      const made = spare ?? create();
      spare = undefined;
      return made;
    },
    answers: () => answers(server),
    async leave() {
      if (!server.exclusive) await spare?.then((sandbox) => sandbox.drop()).catch(() => {});
      // A server that is gone has ended them already.
      await Promise.allSettled([admin.end(), cleaner?.then((session) => session.end())]);
    },
  };
}

interface Place {
  readonly server: Server;
  readonly engine: Engine;
  readonly admin: Session;
  readonly drop: (database: string, mark: string) => Promise<void>;
}

// Workers that are threads share a pid, and each has a counter of its own.
const maker = `${process.pid}_${randomBytes(3).toString("hex")}`;
let made = 0;

/** One throwaway database. It carries our mark; only what carries it is ever dropped. */
export class Sandbox {
  readonly address: Address;
  readonly #place: Place;
  readonly #mark: string;
  #frozen = false;

  private constructor(place: Place, name: string, mark: string) {
    this.#place = place;
    this.#mark = mark;
    this.address = { ...place.server.maintenance, database: name };
  }

  static async create(place: Place, from?: string): Promise<Sandbox> {
    const name = `sandbox_${maker}_${++made}`;
    const mark = `migration-sandbox ${place.server.run}`;
    await guarded(place, () => place.engine.create(place.admin, name, mark, from));
    return new Sandbox(place, name, mark);
  }

  get url(): string {
    return this.#place.engine.url(this.address);
  }

  /** What a person types to enter it. */
  get client(): string {
    return this.#place.engine.client(this.address);
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  get engine(): Engine {
    return this.#place.engine;
  }

  connect(): Promise<Session> {
    return guarded(this.#place, () => this.engine.connect(this.address));
  }

  knex(): Promise<Database> {
    return this.engine.knex(this.address);
  }

  snapshot(): Promise<Snapshot & { end(): Promise<void> }> {
    return guarded(this.#place, async () => {
      if (!this.#frozen) return this.engine.snapshot(this.address);
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
    await guarded(this.#place, () => this.#close());
    this.#frozen = true;
  }

  /** A frozen sandbox equal to this one, which goes on; sessions in it are ended. */
  async copy(): Promise<Sandbox> {
    await guarded(this.#place, () => this.#close());
    const copy = await this.clone();
    await guarded(this.#place, () => this.#admit(true));
    await copy.freeze();
    return copy;
  }

  async #close(): Promise<void> {
    await this.#admit(false);
    await this.engine.endSessions(this.#place.admin, this.address.database);
  }

  #admit(anybody: boolean): Promise<void> {
    return this.engine.admit(this.#place.admin, this.address.database, anybody);
  }

  /** A sandbox equal to this one, which must be frozen. */
  clone(): Promise<Sandbox> {
    return Sandbox.create(this.#place, this.address.database);
  }

  /** Ends every session, whoever holds it: what hangs in one is let go. */
  async endSessions(): Promise<void> {
    await guarded(this.#place, () => this.engine.endSessions(this.#place.admin, this.address.database));
  }

  async drop(): Promise<void> {
    await guarded(this.#place, () => this.#place.drop(this.address.database, this.#mark));
  }
}

/** A snapshot that opens when it is first read, and again after it was closed: a sandbox that is read cannot be cloned. */
export interface Reading extends Snapshot {
  close(): Promise<void>;
}

export function readingOf(sandbox: Sandbox): Reading {
  let opening: ReturnType<Sandbox["snapshot"]> | undefined;
  let catalogue: Promise<Catalogue> | undefined;
  let tables: Promise<readonly TableOutline[]> | undefined;
  const open = () => (opening ??= sandbox.snapshot());
  return {
    catalogue: () => (catalogue ??= open().then((snapshot) => snapshot.catalogue())),
    tables: () => (tables ??= open().then((snapshot) => snapshot.tables())),
    async *rows(table) {
      yield* (await open()).rows(table);
    },
    all: async (table) => (await open()).all(table),
    query: async (sql) => (await open()).query(sql),
    async *entries(table, key, columns) {
      yield* (await open()).entries(table, key, columns);
    },
    fingerprints: async (of) => (await open()).fingerprints(of),
    orphans: async (of) => (await open()).orphans(of),
    hasRows: async () => (await open()).hasRows(),
    async close() {
      const snapshot = await opening?.catch(() => undefined);
      opening = undefined;
      await snapshot?.end();
    },
  };
}

/** Ends a pool; a session that somebody took and never gave back is not waited for. */
export async function endKnex(db: Database): Promise<void> {
  await Promise.race([db.destroy(), sleep(500, undefined, { ref: false })]);
}

/** Our own dealings with the server are no upgrade's fault. */
async function guarded<T>({ server, engine }: Place, deal: () => Promise<T>): Promise<T> {
  try {
    return await deal();
  } catch (cause) {
    const fault = engine.fault(cause);
    if (fault?.kind === "no-room") {
      throw new HarnessError(
        "disk-full",
        `Cannot go on: the server has no room left (${fault.message}); make room, or set MIGRATION_SANDBOX_RUNS to a folder that has some`,
        { cause },
      );
    }
    if (await answers(server)) {
      throw new HarnessError("server-refused", `Cannot go on: ${engine.name} refuses (${messageOf(cause)})`, { cause });
    }
    throw lost(server, cause);
  }
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
