#!/usr/bin/env node
import { createRequire } from "node:module";
import { setFlagsFromString } from "node:v8";
import type { Command } from "commander";
import { type EngineName, engineNames } from "./database.ts";
import { HarnessError, knownNames, messageOf, nearest } from "./errors.ts";
import type { Plan } from "./plan.ts";
import { openStage, type Stage } from "./sandbox.ts";
import type { Scenario } from "./scenario.ts";
import type { Selection } from "./selection.ts";
import { startEmbedded } from "./servers/embedded.ts";
import { refuseUnhad } from "./servers/had.ts";

// Only what the server needs is imported above: the rest loads while it starts, CommonJS by the quicker `require`.
const require = createRequire(import.meta.url);

const exitCodes = { met: 0, unmet: 1, inconclusive: 2, interrupted: 130 } as const;

interface Choice {
  readonly engine?: readonly EngineName[];
  readonly from?: string;
  readonly to?: string;
  readonly reporter: "pretty" | "json";
  readonly debug: boolean;
}

interface RehearseChoice extends Choice {
  readonly seed: number;
  readonly timeout: number;
  readonly keep: boolean;
  readonly bail: boolean;
  readonly strict: boolean;
  readonly verbose: boolean;
}

// PostgreSQL's parser (WebAssembly) reads one file when a migration failed: optimising it costs more time and 40 MB.
setFlagsFromString("--liftoff-only");

// A crash is not a pass, whoever caused it: what scenarios do behind our back ends the command with 2.
let over = false;
process.on("exit", () => {
  if (over) return;
  say("Cannot tell what came out: something that was rehearsed ended the process (process.exit?)", process.stderr);
  process.exitCode = exitCodes.inconclusive;
});
process.on("uncaughtException", (cause) => {
  const message = `Cannot go on: ${messageOf(cause)} (thrown where nobody waited for it: is an await missing?)`;
  say(
    complaint(new HarnessError("check-failed", message, { cause }), process.argv.includes("--debug")),
    process.stderr,
  );
  leave(exitCodes.inconclusive);
});

const [command, ...rest] = process.argv.slice(2);
const helped = rest.some((arg) => arg === "--help" || arg === "-h");
/** Under way before the command line is read: what is wrong with that is seldom, and ends it. */
const early = command === "rehearse" && !helped ? stageSoon() : undefined;

leave(await main(process.argv.slice(2)));

/** Timers and connections that scenarios left open are not waited for. */
function leave(code: number): never {
  over = true;
  process.exit(code);
}

async function main(args: readonly string[]): Promise<number> {
  const debug = args.includes("--debug");
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") leave(exitCodes.inconclusive); // Whoever read us has gone; the server follows.
    throw error;
  });
  let code: number = exitCodes.met;
  const program = commands((ended) => {
    code = ended;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    const { CommanderError } = require("commander") as typeof import("commander");
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.met : exitCodes.inconclusive;
    say(complaint(error, debug), process.stderr);
    return exitCodes.inconclusive;
  } finally {
    await early?.end(false);
  }
}

function commands(ended: (code: number) => void): Command {
  const { Command, Option } = require("commander") as typeof import("commander");
  const program = new Command("migration-sandbox")
    .description("Rehearses database upgrades on real databases, thrown away afterwards.")
    .exitOverride()
    .showSuggestionAfterError()
    .helpCommand(false);
  program
    .option("--version", "print the version")
    .allowExcessArguments()
    .action(async ({ version }) => {
      const [unknown] = program.args;
      if (version) return say(await ownVersion());
      if (unknown === undefined) return program.outputHelp();
      const [near] = nearest(
        unknown,
        program.commands.map((command) => command.name()),
      );
      program.error(`error: unknown command '${unknown}'\n(Did you mean ${near}?)`);
    });
  const command = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .argument("[what...]", "names, files or folders of scenarios; #2 behind one asks for its second path", [])
      .addOption(
        new Option("--engine <name>", `only this engine (${engineNames.join(", ")}); may be repeated`).argParser(
          engine,
        ),
      )
      .option("--from <release>", "only paths that start here, or such a path")
      .option("--to <release>", "only paths that end here, or such a path")
      .addOption(new Option("--reporter <name>", "how to tell it").choices(["pretty", "json"]).default("pretty"))
      .option("--debug", "show where in the code an error came from", false);
  command("rehearse", "walk upgrade paths and judge what comes out")
    .addOption(new Option("--seed <number>", "where randomness starts").argParser(seed).default(1))
    .addOption(new Option("--timeout <seconds>", "how long one hop may take").argParser(seconds).default(300))
    .option("--keep", "leave the sandboxes of unmet rehearsals up, and say how to enter them", false)
    .option("--bail", "stop at the first unmet rehearsal", false)
    .option("--strict", "count notes as findings", false)
    .option("--verbose", "show hops, migrations and notes", false)
    .action(async (what: string[], choice: RehearseChoice) => ended(await rehearseCommand(what, choice)));
  command("list", "name the scenarios").action(listCommand);
  command("plan", "show paths, hops and pending migrations, without a server").action(planCommand);
  return program;
}

async function rehearseCommand(what: readonly string[], choice: RehearseChoice): Promise<number> {
  const begun = performance.now();
  for (const engine of choice.engine ?? []) refuseUnhad(engine);
  const soon = early ?? stageSoon();
  try {
    const [wanted, { rehearse }] = await Promise.all([loaded(what, choice), import("./rehearse.ts")]);
    const teller =
      choice.reporter === "json" ? undefined : (await import("./report/teller.ts")).tellerTo(process.stdout, choice);
    const result = await rehearse([...wanted.keys()], {
      ...(choice.engine && { engines: choice.engine }),
      select: (scenario) => wanted.get(scenario) ?? [],
      stage: async (engine) => {
        refuseUnhad(engine);
        return soon.stage;
      },
      seed: choice.seed,
      timeout: choice.timeout * 1000,
      keep: choice.keep,
      bail: choice.bail,
      strict: choice.strict,
      ...teller,
      onRehearsal: (rehearsal, plan) => soon.interrupted() || teller?.onRehearsal(rehearsal, plan),
    });
    if (soon.interrupted()) return await soon.end(false).then(() => exitCodes.interrupted);
    teller?.end();
    if (choice.reporter === "json") say((await import("./report/json.ts")).json(result));
    else {
      const report = await import("./report/pretty.ts");
      const explained = report.explanations(result.rehearsals);
      if (explained !== "") say(explained);
      say(report.summary(result, performance.now() - begun));
    }
    const kept = result.rehearsals.some((rehearsal) => rehearsal.kept);
    await soon.end(kept);
    if (kept)
      say(`The server stays up for what was kept. To end it: ${(await soon.stage).server.howToEnd}`, process.stderr);
    if (result.unmet > 0) return exitCodes.unmet;
    return result.inconclusive > 0 ? exitCodes.inconclusive : exitCodes.met;
  } finally {
    await soon.end(false);
  }
}

interface Soon {
  readonly stage: Promise<Stage>;
  interrupted(): boolean;
  end(keep: boolean): Promise<void>;
}

/** Starts the server before anything else is read: it needs the time that loading takes. */
function stageSoon(): Soon {
  let interrupted = false;
  const interrupt = (signal: NodeJS.Signals) => {
    interrupted = true;
    say(`\nInterrupted by ${signal}: nothing more is rehearsed, and nothing is left behind.`, process.stderr);
    end(false).finally(() => leave(exitCodes.interrupted));
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, interrupt);
  const server = startEmbedded();
  const stage = server.then(openStage);
  stage.catch(() => {}); // Told to whoever waits for it.
  let ending: Promise<void> | undefined;
  const end = (keep: boolean) => {
    ending ??= server.then(
      (started) => started.stop({ keep }),
      () => {}, // One that never started needs no end.
    );
    return ending;
  };
  return { stage, interrupted: () => interrupted, end };
}

async function listCommand(what: readonly string[], choice: Choice): Promise<void> {
  const scenarios = [...(await loaded(what, choice)).keys()];
  if (choice.reporter === "json") say((await import("./report/json.ts")).listingJson(scenarios));
  else say((await import("./report/listing.ts")).listing(scenarios));
}

async function planCommand(what: readonly string[], choice: Choice): Promise<void> {
  const { planOf } = await import("./plan.ts");
  const plans: Plan[] = [];
  for (const [scenario, selected] of await loaded(what, choice)) {
    for (const engine of scenario.engines.filter((name) => choice.engine?.includes(name) ?? true)) {
      plans.push(await planOf(scenario, engine, selected));
    }
  }
  if (choice.reporter === "json") say((await import("./report/json.ts")).plansJson(plans));
  else say(plans.map((await import("./report/listing.ts")).planned).join("\n\n"));
}

/** The scenarios that were asked for, and of each the paths. */
async function loaded(what: readonly string[], choice: Choice): Promise<ReadonlyMap<Scenario, readonly Selection[]>> {
  const { load } = await import("./load.ts");
  const wanted = await load(what, () => import("./index.ts"));
  const { chosenPaths } = await import("./choice.ts");
  return chosenPaths(wanted, choice);
}

function engine(name: string, before: readonly EngineName[] = []): readonly EngineName[] {
  const known = engineNames.find((engine) => engine === name);
  if (known === undefined) throw invalid(`There is no engine "${name}" (${knownNames(name, engineNames)}).`);
  return [...before, known];
}

function seed(text: string): number {
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 32) return Number(text);
  throw invalid("It is a whole number from 0 to 4294967295.");
}

function seconds(text: string): number {
  const number = Number(text);
  if (number > 0 && number <= 86_400) return number;
  throw invalid("It is a number of seconds above 0, and a day at most.");
}

function invalid(message: string): Error {
  const { InvalidArgumentError } = require("commander") as typeof import("commander");
  return new InvalidArgumentError(message);
}

async function ownVersion(): Promise<string> {
  return (require("../package.json") as { version: string }).version;
}

function complaint(error: unknown, debug: boolean): string {
  if (debug) return error instanceof Error ? (error.stack ?? error.message) + causes(error) : String(error);
  if (error instanceof HarnessError) return error.message;
  return `${messageOf(error)}\n(this was not foreseen: --debug shows where it came from)`;
}

function causes(error: Error): string {
  return error.cause instanceof Error
    ? `\ncaused by ${error.cause.stack ?? error.cause.message}${causes(error.cause)}`
    : "";
}

function say(text: string, to: NodeJS.WriteStream = process.stdout): void {
  to.write(`${text}\n`);
}
