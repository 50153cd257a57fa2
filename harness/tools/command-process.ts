import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";

/** How a program ended. */
export interface Ended {
  readonly exitCode?: number;
  readonly signal?: string;
  /** Why it could not even be started: `ENOENT`. */
  readonly unstarted?: string;
  /** The last of what it printed. */
  readonly output: string;
}

export interface ProgramOptions {
  readonly cwd: string;
  readonly env: { readonly [name: string]: string };
  /** Once aborted, the program ends with all that it has started. */
  readonly signal: AbortSignal;
  readonly heard: (text: string) => void;
}

/**
 * Runs a program until it ends, and hears what it prints. It has nothing to read, and a process group of its own: whatever it
 * leaves behind in that is ended, too.
 */
export async function programRun(program: string, args: readonly string[], options: ProgramOptions): Promise<Ended> {
  const { cwd, env, signal, heard } = options;
  const running = execa(program, args, {
    cwd,
    env,
    extendEnv: false,
    stdin: "ignore",
    all: true,
    buffer: false,
    reject: false,
    detached: true, // A group of its own, and no concern of the terminal's Ctrl-C: the run itself ends it.
  });
  const group = running.pid;
  const abandon = () => tell(group, "SIGKILL");
  process.once("exit", abandon);
  let ended: Promise<void> | undefined;
  const end = () => {
    ended ??= groupEnded(group);
  };
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  running.once("exit", end);
  let output = "";
  try {
    running.all?.setEncoding("utf8");
    running.all?.on("data", (text: string) => {
      output = (output + text).slice(-kept);
      heard(text);
    });
    const { exitCode, signal: killedBy, code } = await running;
    return {
      output,
      ...(exitCode !== undefined && { exitCode }),
      ...(killedBy !== undefined && { signal: killedBy }),
      ...(group === undefined && { unstarted: code ?? "it does not start" }),
    };
  } finally {
    await ended;
    signal.removeEventListener("abort", end);
    process.off("exit", abandon);
  }
}

/** Characters of output that are kept: what matters stands at the end. */
const kept = 64 * 1024;

/** How long a program may take to end by itself once it is asked to. */
const grace = 2_000;

async function groupEnded(group: number | undefined): Promise<void> {
  tell(group, "SIGTERM");
  for (const asked = performance.now(); performance.now() - asked < grace; await sleep(20)) if (!tell(group, 0)) return;
  tell(group, "SIGKILL");
}

/** `false`: there is nobody in the group any more. */
function tell(group: number | undefined, signal: "SIGTERM" | "SIGKILL" | 0): boolean {
  if (group === undefined) return false;
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}
