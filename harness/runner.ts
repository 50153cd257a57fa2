import type { PlannedRelease } from "./planned-release.ts";
import type { Sandbox, Stage } from "./sandbox.ts";
import { perform } from "./task.ts";
import type { Finding } from "./verdict.ts";

/** What a runner is told beside its release. */
export interface RunnerOptions {
  readonly stage: Stage;
  readonly settings: unknown;
  /** The scenario's own file, for pointing into SQL that is written in it. */
  readonly file: string | undefined;
  /** The release at which the path stood before. */
  readonly last: PlannedRelease | undefined;
  /** Its path has made no hop before: nothing was said yet of what is so already at `last`. */
  readonly isFirst?: boolean;
}

/** One process that starts a release: it migrates, and then boots. */
export abstract class Runner {
  readonly done: { name: string; milliseconds: number }[] = [];
  /** What ended its start. */
  failure: Finding | undefined;
  readonly findings: Finding[] = [];
  notes: readonly Finding[] = [];
  /** The migration that is running. */
  running: string | undefined;
  /** The task that is running. */
  booting: string | undefined;
  protected sandbox: Sandbox;
  protected release: PlannedRelease;
  protected readonly options: RunnerOptions;

  constructor(sandbox: Sandbox, release: PlannedRelease, options: RunnerOptions) {
    this.sandbox = sandbox;
    this.release = release;
    this.options = options;
  }

  /** Asks for the lock under which the product migrates; `false`: another runner holds it. */
  abstract tryLock(): Promise<boolean>;
  /** Learns what is pending. */
  abstract read(): Promise<void>;
  abstract get hasPending(): boolean;
  /** Runs what it has read as pending. */
  abstract migrate(): Promise<void>;
  abstract end(): Promise<void>;

  /** Ends what sessions of the sandbox do not: a process of a tool's. */
  giveUp(): void {}

  async boot(): Promise<void> {
    const { stage, settings } = this.options;
    for (const task of this.release.boot) {
      if (this.failure !== undefined) return;
      const at = { stage, settings, sandbox: this.sandbox, release: this.release.name, code: "boot-failed" } as const;
      this.booting = task.sentence;
      const { failure, swallowed } = await perform(task, at);
      this.booting = undefined;
      this.failure = failure;
      this.findings.push(...swallowed);
    }
  }
}

/** Milliseconds since `performance.now()` said `begun`, in tenths. */
export function since(begun: number): number {
  return tenths(performance.now() - begun);
}

/** Rounded to one decimal, as reports tell milliseconds. */
export function tenths(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
