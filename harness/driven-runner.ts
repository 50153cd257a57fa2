import type { Driver } from "./driver.ts";
import { ToolFailed } from "./driver.ts";
import { HarnessError } from "./errors.ts";
import type { PlannedRelease } from "./planned-release.ts";
import { readingOf } from "./reading.ts";
import { Runner, type RunnerOptions, since } from "./runner.ts";
import { lost, type Sandbox, unableToGoOn } from "./sandbox.ts";
import { saidBy } from "./task.ts";
import type { Finding } from "./verdict.ts";

/** A runner whose tool reads, decides, runs and records by itself, under its own lock. */
export class DrivenRunner extends Runner {
  readonly #driver: Driver;
  readonly #stopping = new AbortController();
  #begun = 0;

  constructor(driver: Driver, sandbox: Sandbox, release: PlannedRelease, options: RunnerOptions) {
    super(sandbox, release, options);
    this.#driver = driver;
  }

  override async tryLock(): Promise<boolean> {
    return true;
  }

  override async read(): Promise<void> {}

  /** Only the tool knows. */
  override get hasPending(): boolean {
    return true;
  }

  override async migrate(): Promise<void> {
    const { sandbox, release, options } = this;
    try {
      await this.#sayPrelude();
      await this.#driver.migrate({
        address: sandbox.address,
        url: sandbox.url,
        engine: sandbox.engine.name,
        release: release.name,
        settings: structuredClone(options.settings),
        signal: this.#stopping.signal,
        begun: (name) => this.#begins(name),
        done: (name) => this.#isDone(name),
        swallowed: (message, facts) => this.findings.push(this.#finding("error-swallowed", { message, ...facts })),
        isEmpty: () => isEmpty(sandbox),
      });
      this.running = undefined;
    } catch (thrown) {
      this.failure = await this.#failureOf(thrown);
    }
  }

  override async end(): Promise<void> {}

  override giveUp(): void {
    this.#stopping.abort();
  }

  async #sayPrelude(): Promise<void> {
    const { database } = this.release.prelude;
    const { preludes } = this.sandbox;
    if (database === undefined || preludes.has(database)) return;
    const session = await this.sandbox.connect();
    try {
      await session.script(database);
      preludes.add(database);
    } finally {
      await session.end().catch(() => {}); // It may have been ended by what it said.
    }
  }

  /** Tools that only tell of beginnings are done with one when the next begins. */
  #begins(name: string): void {
    this.running = name;
    this.#begun = performance.now();
  }

  #isDone(name: string): void {
    this.done.push({ name, milliseconds: since(this.#begun) });
    if (this.running === name) this.running = undefined;
  }

  #finding(code: string, said: Pick<Finding, "message">): Finding {
    const { running } = this;
    return { code, release: this.release.name, ...(running !== undefined && { migration: running }), ...said };
  }

  async #failureOf(thrown: unknown): Promise<Finding> {
    if (thrown instanceof HarnessError) throw thrown;
    const { stage } = this.options;
    if (thrown instanceof ToolFailed) {
      const { code = "migration-failed", ...facts } = thrown.facts;
      return this.#finding(code, { message: thrown.message, ...facts });
    }
    const fault = this.sandbox.engine.fault(thrown);
    if (fault?.kind === "connection" && !(await stage.answers())) throw lost(stage.server, thrown);
    const unable = unableToGoOn(stage.server, thrown, ` in ${this.#driver.title}`);
    if (unable !== undefined) throw unable;
    return this.#finding("migration-failed", saidBy(thrown, this.sandbox));
  }
}

async function isEmpty(sandbox: Sandbox): Promise<boolean> {
  const reading = readingOf(sandbox);
  try {
    const { tables, views, functions } = await reading.catalogue();
    return tables.length + views.length + functions.length === 0;
  } finally {
    await reading.close();
  }
}
