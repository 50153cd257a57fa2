import { bytesOf } from "./megabytes.ts";
import type { Sandbox } from "./sandbox.ts";

/** Megabytes that the sandboxes of a walk may take, unless `MIGRATION_SANDBOX_DISK_MB` says otherwise. */
const usualMegabytes = 8192;
/** Milliseconds between two questions: what is not asked counts as much as the last that was. */
const pause = 250;

/** How much room the sandboxes of a walk take together, as their server counts. What is not known yet is no reason to wait. */
export class Disk {
  readonly #bytes = new Map<Sandbox, number>();
  readonly #bound = bytesOf("MIGRATION_SANDBOX_DISK_MB", usualMegabytes);
  #sum = 0;
  #peak = 0;
  #latest = 0;
  #asked = Number.NEGATIVE_INFINITY;

  /** The most bytes that were taken at once. */
  get peak(): number {
    return this.#peak;
  }

  /** Whether whoever makes more should let others make room first. */
  get isFull(): boolean {
    return this.#sum > this.#bound;
  }

  /** How many bytes some of them take. */
  bytesOf(sandboxes: readonly Sandbox[]): number {
    return sandboxes.reduce((sum, sandbox) => sum + (this.#bytes.get(sandbox) ?? this.#latest), 0);
  }

  /** Asks how much a sandbox takes: a copy of it will take as much. */
  async measure(sandbox: Sandbox): Promise<void> {
    const now = performance.now();
    if (now < this.#asked + pause) {
      if (!this.#bytes.has(sandbox)) this.#set(sandbox, this.#latest);
      return;
    }
    this.#asked = now;
    const bytes = await sandbox.size().catch(() => undefined); // Whoever goes on from it is told why.
    if (bytes === undefined || !Number.isFinite(bytes)) return;
    this.#latest = bytes;
    this.#set(sandbox, bytes);
  }

  /** A copy takes as much as its source. */
  copied(source: Sandbox, copy: Sandbox): void {
    this.#set(copy, this.#bytes.get(source) ?? this.#latest);
  }

  dropped(sandbox: Sandbox): void {
    this.#sum -= this.#bytes.get(sandbox) ?? 0;
    this.#bytes.delete(sandbox);
  }

  #set(sandbox: Sandbox, bytes: number): void {
    this.#sum += bytes - (this.#bytes.get(sandbox) ?? 0);
    this.#bytes.set(sandbox, bytes);
    this.#peak = Math.max(this.#peak, this.#sum);
  }
}
