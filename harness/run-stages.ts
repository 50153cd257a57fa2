import { openStage, type Stage } from "./sandbox.ts";
import { haveServer, sourceOf } from "./servers/had.ts";
import type { Server } from "./servers/server.ts";
import { type Wish, wishInWords } from "./wish.ts";

/** The stages of a run, each opened once. */
export interface Stages {
  open(wish: Wish): Promise<Stage>;
  interrupted(): boolean;
  /** Ends them and their servers, but for those of engines of which something is kept; tells how those are ended. */
  end(kept: readonly string[]): Promise<readonly string[]>;
}

/**
 * Servers that are started as they are asked for, and ended with the run.
 *
 * @param onInterrupt told of a signal at once; what it returns is called when all is ended
 */
export function stages(server: string | undefined, onInterrupt: (signal: NodeJS.Signals) => () => void): Stages {
  const open = new Map<string, { readonly server: Promise<Server>; readonly stage: Promise<Stage> }>();
  let interrupted = false;
  const interrupt = (signal: NodeJS.Signals) => {
    interrupted = true;
    end([]).finally(onInterrupt(signal));
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, interrupt);
  let ending: Promise<readonly string[]> | undefined;
  const end = (kept: readonly string[]) => {
    ending ??= Promise.all([...open.values()].map((each) => close(each, kept))).then((told) => told.flat());
    return ending;
  };
  return {
    open(wish) {
      const known = open.get(wishInWords(wish));
      if (known !== undefined) return known.stage;
      const having = started(wish, server);
      const stage = having.then(openStage);
      stage.catch(() => {}); // Told to whoever waits for it.
      open.set(wishInWords(wish), { server: having, stage });
      return stage;
    },
    interrupted: () => interrupted,
    end,
  };
}

async function started(wish: Wish, server: string | undefined): Promise<Server> {
  return haveServer(wish, { source: sourceOf("--server", server) });
}

async function close(
  { server, stage }: { readonly server: Promise<Server>; readonly stage: Promise<Stage> },
  kept: readonly string[],
): Promise<readonly string[]> {
  const started = await server.catch(() => undefined); // One that never started needs no end.
  if (started === undefined) return [];
  const keep = kept.includes(started.engine.name);
  // What stands on a server that ends with this run, ends with it.
  if (!started.exclusive || keep) await stage.then((open) => open.leave()).catch(() => {});
  await started.stop({ keep });
  return keep ? [started.howToEnd] : [];
}
