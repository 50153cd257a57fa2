import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Driving, ToolFailed } from "../driver.ts";
import { HarnessError, knownNames } from "../errors.ts";
import { type Environment, environmentFor } from "./command-environment.ts";
import { type Ended, programRun } from "./command-process.ts";
import { filledIn, type Shown, variablesFor } from "./forms.ts";
import { failureIn, type Told, toldIn } from "./output.ts";
import { Listener } from "./running.ts";

export interface CommandOptions {
  /** Where it runs; a URL is best made with `new URL("./app/", import.meta.url)`. Our own folder unless said. */
  readonly cwd?: URL | string;
  /** More variables, with placeholders as in arguments; `undefined` takes one away. */
  readonly env?: { readonly [name: string]: string | undefined };
  /** What `{release}` stands for, by release, where that is not its name: a revision, a tag of an image. */
  readonly map?: { readonly [release: string]: string };
  /** The line with which the tool says that a migration begins; its one group is the name. Many tools are known. */
  readonly running?: RegExp;
  /** Tables in which the tool keeps its record. Those of well-known tools are known. */
  readonly recordTables?: readonly string[];
  /** Milliseconds it may take, where that is less than a hop may. */
  readonly timeout?: number;
}

/** A command as it is told, with its placeholders. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly options: CommandOptions;
}

/**
 * Runs the command on a sandbox until it ends.
 *
 * @throws {ToolFailed} with what its output says of the failure
 * @throws {HarnessError} `bad-input`, `timed-out`
 */
export async function runCommand(told: Command, at: Driving): Promise<void> {
  const { program, args, options } = told;
  const shown: Shown = { address: at.address, engine: at.engine, release: nameFor(at.release, told) };
  const fill = (text: string) => filledIn(text, shown);
  const env = withOwn(environmentFor(shown, at.settings), options.env ?? {}, fill);
  const cwd = await folderOf(told);
  const faults: Told[] = [];
  const listener = new Listener(at, (line) => heard(faults, line), begins(options));
  const limit = AbortSignal.timeout(options.timeout ?? forever);
  const signal = AbortSignal.any([at.signal, limit]);
  const ended = await programRun(program, args.map(fill), { cwd, env, signal, heard: (text) => listener.hear(text) });
  if (ended.unstarted !== undefined) throw notStarted(told, ended.unstarted, { cwd, env });
  listener.end(ended.exitCode === 0);
  const line = shownAs(told, shown);
  at.signal.throwIfAborted();
  if (limit.aborted) throw timedOut(line, listener.running, options.timeout);
  if (ended.exitCode !== 0) throw failed(line, ended, shown);
  for (const { message, ...facts } of faults) at.swallowed(withoutSecret(message, shown), facts);
  if (await at.isEmpty()) throw didNothing(line, shown, options);
}

/** A pattern that remembers where it was would miss every other line. */
function begins({ running }: CommandOptions): readonly RegExp[] | undefined {
  return running && [new RegExp(running.source, running.flags.replace(/[gy]/g, ""))];
}

/** Some 24 days: as long as a timer can wait. */
const forever = 2 ** 31 - 1;

function nameFor(release: string, { options: { map } }: Command): string {
  if (map === undefined) return release;
  const name = Object.hasOwn(map, release) ? map[release] : undefined;
  if (name !== undefined) return name;
  const known = knownNames(release, Object.keys(map));
  throw new HarnessError(
    "bad-input",
    `Cannot tell what "{release}" is for release "${release}": "map" lacks it (${known})`,
  );
}

function withOwn(
  env: Environment,
  own: { readonly [name: string]: string | undefined },
  fill: (text: string) => string,
) {
  const named = { ...env, ...own };
  const kept = Object.entries(named).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(kept.map(([name, value]) => [name, name in own ? fill(value) : value]));
}

async function folderOf({ program, options: { cwd } }: Command): Promise<string> {
  if (cwd === undefined) return process.cwd();
  const folder = typeof cwd === "string" ? cwd : fileURLToPath(cwd);
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory()) return folder;
  throw new HarnessError("bad-input", `Cannot run "${program}" in "${folder}": there is no such folder (see "cwd")`);
}

/** One of a kind is enough, and no tool prints a thousand. */
function heard(faults: Told[], line: string): void {
  const told = toldIn(line);
  const isNew = !faults.some(({ sqlState, errno }) => sqlState === told?.sqlState && errno === told?.errno);
  if (told !== undefined && isNew) faults.push(told);
}

function notStarted({ program }: Command, why: string, { cwd, env }: { cwd: string; env: Environment }): HarnessError {
  const isPath = program.includes("/");
  const missing = isPath ? `there is no such file in "${cwd}"` : `it is not in PATH`;
  const said = new Map([
    ["ENOENT", `${missing} (install it, or give its path)`],
    ["EACCES", `it may not be executed (chmod +x, or name the program that reads it)`],
  ]);
  const sought = why === "ENOENT" && !isPath && env.PATH === undefined ? " (PATH is not set)" : undefined;
  return new HarnessError("bad-input", `Cannot run "${program}": ${sought ?? said.get(why) ?? why}`);
}

function timedOut(line: string, running: string | undefined, timeout: number | undefined): HarnessError {
  const where = running === undefined ? "" : ` in migration "${running}"`;
  const after = `it still ran${where} after ${(timeout ?? 0) / 1000} s`;
  return new HarnessError("timed-out", `Cannot tell what becomes of "${line}": ${after} (give it a longer "timeout")`);
}

function failed(line: string, { exitCode, signal, output }: Ended, shown: Shown): ToolFailed {
  const { message, ...facts } = failureIn(output);
  const how = signal === undefined ? `ended with exit code ${exitCode}` : `was ended by ${signal}`;
  const why = message === undefined ? ", and said nothing" : `: ${message}`;
  const last = lastLines(output);
  return new ToolFailed(withoutSecret(`"${line}" ${how}${why}`, shown), {
    ...facts,
    ...(last !== "" && { output: withoutSecret(last, shown) }),
  });
}

function didNothing(line: string, shown: Shown, { env = {} }: CommandOptions): HarnessError {
  const own = Object.keys(env).filter((name) => env[name] !== undefined);
  const names = [...new Set([...own, ...Object.keys(variablesFor(shown))])].join(", ");
  const where = withoutSecret(filledIn("{url}", shown), shown);
  return new HarnessError(
    "bad-input",
    `Cannot tell what becomes of "${line}": it ended well, and the sandbox holds nothing (it should have used ${where}, which is in ${names}; where it reads another, put a placeholder there)`,
  );
}

/** As people read it: what the release is called, and nothing of the address. */
function shownAs({ program, args }: Command, { release }: Shown): string {
  return [program, ...args.map((arg) => arg.replaceAll("{release}", release))].join(" ");
}

const shownLines = 20;

function lastLines(output: string): string {
  return output.trimEnd().split(/\r?\n/).slice(-shownLines).join("\n");
}

/** A password that was given to us is not repeated. */
function withoutSecret(text: string, { address: { password } }: Shown): string {
  const ways = [password, encodeURIComponent(password)].filter((way) => way.length > 3);
  return ways.reduce((left, way) => left.replaceAll(way, "…"), text);
}
