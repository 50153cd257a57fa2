import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Ended, eventually, workplaceWith } from "../command.ts";
import { tags } from "../stage.ts";
import { type Host, hostOf } from "./kill-storm-host.ts";
import type { Pair } from "./kill-storm-pairs.ts";
import { commandsIn, companionsOf, containersOf, foldersIn, kill } from "./kill-storm-seen.ts";

const cli = [process.execPath, fileURLToPath(new URL("../../dist/cli.js", import.meta.url))] as const;

/** Each path says in a file that it has a sandbox and rows in it; the last one waits while somebody asks it to. */
const scenarioOf = (paths: number) => `
import { appendFileSync, existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { clean, defineScenario, release, seeder } from "migration-sandbox";

const { STORM_TALLY: tally = "", STORM_HOLD: hold = "" } = process.env;
const one = { name: "0001", up: "create table people (id int primary key, name varchar(50))" };
const two = { name: "0002", up: "alter table people add column age int" };
const row = (id: number) =>
  seeder("row " + id, async ({ db }) => {
    await db("people").insert({ id, name: "somebody" });
    appendFileSync(tally, id + "\\n");
    while (id === ${paths} && existsSync(hold)) await sleep(10);
  });

export default defineScenario({
  title: "a table gets a column",
  engines: ["postgres", "mariadb", "mysql"],
  chain: [release("1", { migrations: [one] }), release("2", { migrations: [one, two] })],
  paths: Array.from({ length: ${paths} }, (_, i) => ({ from: "1" as const, with: row(i + 1), to: "2" as const, expect: clean })),
});
`;

/** A run of the command, on its way. */
export interface Run {
  /** How many sandboxes it makes at least: each path has one of its own. */
  readonly paths: number;
  readonly ended: Promise<Ended>;
  hasEnded(): boolean;
  /** How many of its paths have had their sandbox and their rows. */
  sown(): number;
  /** Kills it, and who was to clean up after it. The latter first: otherwise it would do what the next run is to do. */
  kill(whom: Victims): void;
}

export type Victims = "alone" | "with its companion";

/** Where runs of one pair are started and killed, in a folder of their own. */
export interface Grounds extends AsyncDisposable {
  start(surroundings?: { readonly [name: string]: string }): Run;
  /** Processes, folders, containers and databases that are there and should not be. */
  left(): Promise<readonly string[]>;
  /** Only what is at work: processes and containers. */
  atWork(): Promise<readonly string[]>;
  /** All that the runs sowed. */
  sown(): number;
  /** Where its runs have their folders. */
  readonly runs: string;
  /** The server of somebody, for an existing one. */
  readonly host: Host | undefined;
}

export async function groundsFor({ engine, kind }: Pair, { paths }: { readonly paths: number }): Promise<Grounds> {
  const place = await workplaceWith({ "scenarios/storm.ts": scenarioOf(paths) });
  const host: Host | undefined = kind === "existing" ? await hostOf(engine) : undefined;
  const before = await host?.seen();
  const tallies: string[] = [];
  const pids = new Set<string>();
  const wish = kind === "container" ? `${engine}:${tags[engine]}` : engine;
  const args = ["rehearse", "storm", "--engine", wish, "--server", host?.url ?? kind];
  const containers = () => (kind === "container" ? containersOf(pids) : Promise.resolve([]));
  const atWork = async () => [...commandsIn(place.runs), ...(await containers())];
  return {
    runs: place.runs,
    host,
    start(surroundings = {}) {
      const tally = join(place.folder, `tally-${tallies.length}`);
      tallies.push(tally);
      const { child, ended } = place.start(args, {
        words: cli,
        environment: { STORM_TALLY: tally, ...surroundings },
        patience: 120_000,
      });
      pids.add(String(child.pid));
      return {
        paths,
        ended,
        hasEnded: () => child.exitCode !== null || child.signalCode !== null,
        sown: () => linesIn(tally),
        kill(whom) {
          if (whom === "with its companion") for (const pid of companionsOf(Number(child.pid))) kill(pid);
          child.kill("SIGKILL");
        },
      };
    },
    atWork,
    async left() {
      const strange = (await host?.seen())?.filter((seen) => !before?.includes(seen)) ?? [];
      const missing = before === undefined ? [] : without(before, (await host?.seen()) ?? []);
      return [
        ...(await atWork()),
        ...foldersIn(place.runs),
        ...strange,
        ...missing.map((seen) => `no longer: ${seen}`),
      ];
    },
    sown: () => tallies.reduce((sum, tally) => sum + linesIn(tally), 0),
    async [Symbol.asyncDispose]() {
      await place[Symbol.asyncDispose]();
      await host?.[Symbol.asyncDispose]();
    },
  };
}

/** How long a run takes to its first rows, and from its last ones to its end. */
export interface Pace {
  readonly start: number;
  readonly end: number;
}

export async function paceOf(run: Run): Promise<Pace> {
  const begun = performance.now();
  await until(() => run.sown() > 0 || run.hasEnded());
  const first = performance.now();
  await until(() => run.sown() === run.paths || run.hasEnded());
  const last = performance.now();
  const { code, stdout, stderr } = await run.ended;
  if (code !== 0) throw new Error(`A run that nobody killed ended with ${code}:\n${stdout}\n${stderr}`);
  return { start: first - begun, end: performance.now() - last };
}

export type Stage = "start" | "walk" | "end";

/** Kills a run at a random moment of a stage; `false` if it was quicker. */
export async function killed(
  run: Run,
  {
    stage,
    pace,
    random,
    whom,
  }: { readonly stage: Stage; readonly pace: Pace; readonly random: () => number; readonly whom: Victims },
): Promise<boolean> {
  if (stage === "start") await sleep(random() * pace.start);
  else {
    const rows = stage === "end" ? run.paths : 1 + Math.floor(random() * run.paths);
    await until(() => run.sown() >= rows || run.hasEnded());
    await sleep(random() * (stage === "end" ? pace.end : 20));
  }
  run.kill(whom);
  return (await run.ended).code === null;
}

/** Looks until nothing is left, or what is has had its time. */
export function nothing(look: () => Promise<readonly string[]>): Promise<readonly string[]> {
  return eventually(look, (left) => left.length === 0, 20_000);
}

export async function until(so: () => boolean, limit = 120_000): Promise<void> {
  if (!(await eventually(so, Boolean, limit))) throw new Error(`It was not so after ${limit / 1000} s: ${so}`);
}

export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function linesIn(file: string): number {
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : 0;
}

function without(all: readonly string[], these: readonly string[]): readonly string[] {
  return all.filter((each) => !these.includes(each));
}
