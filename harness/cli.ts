#!/usr/bin/env node
import { createRequire } from "node:module";
import { setFlagsFromString } from "node:v8";
import type { Command } from "commander";
import { type EngineName, engineNames } from "./database.ts";
import { HarnessError, messageOf, nearest } from "./errors.ts";
import type { Plan } from "./plan.ts";
import type { Rehearsals } from "./rehearsal.ts";
import { stages } from "./run-stages.ts";
import type { Scenario } from "./scenario.ts";
import type { Selection } from "./selection.ts";
import { comesAtOnce, sourceOf } from "./servers/had.ts";
import { ownVersion } from "./version.ts";
import { parseWish, type Wish, type WishText, wishInWords } from "./wish.ts";

// Only what the server needs is imported above: the rest loads while it starts, CommonJS by the quicker `require`.
const require = createRequire(import.meta.url);

const exitCodes = { met: 0, unmet: 1, inconclusive: 2, interrupted: 130 } as const;

interface Choice {
  readonly engine?: readonly WishText[];
  readonly from?: string;
  readonly to?: string;
  readonly paths?: readonly string[];
  readonly dump?: string;
  readonly tags?: string;
  readonly folder?: string;
  readonly format?: string;
  readonly reporter: "pretty" | "json" | "markdown";
  readonly debug: boolean;
}

type ChainChoice = Pick<Choice, "tags" | "folder" | "format" | "reporter" | "debug">;

interface RehearseChoice extends Choice {
  readonly server?: string;
  readonly seed: number;
  readonly timeout: number;
  readonly keep: boolean;
  readonly bail: boolean;
  readonly strict: boolean;
  readonly back: boolean;
  readonly workers?: number;
  readonly reuse: boolean;
  readonly verbose: boolean;
  readonly shard?: string;
}

interface DoctorChoice {
  readonly clean: boolean;
  readonly server?: string;
  readonly reporter: "pretty" | "json";
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
const early = command === "rehearse" && !helped ? stages(valueIn(rest, "--server"), interrupted) : undefined;
const likely = likelyWish(rest);
// Nobody wants to wait for a container to hear that a name is misspelt.
if (comesAtOnce(likely)) void early?.open(likely).catch(() => {}); // Told to whoever asks for it, if anybody does.

leave(await main(process.argv.slice(2)));

/** Timers and connections that scenarios left open are not waited for. */
function leave(code: number): never {
  over = true;
  process.exit(code);
}

function interrupted(signal: NodeJS.Signals): () => never {
  say(`\nInterrupted by ${signal}: nothing more is rehearsed, and nothing is left behind.`, process.stderr);
  return () => leave(exitCodes.interrupted);
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
    await early?.end([]);
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
      if (version) return say(ownVersion());
      if (unknown === undefined) return program.outputHelp();
      const [near] = nearest(
        unknown,
        program.commands.map((command) => command.name()),
      );
      program.error(`error: unknown command '${unknown}'\n(Did you mean ${near}?)`);
    });
  const command = (name: string, description: string, reporters = ["pretty", "json"]) =>
    program
      .command(name)
      .description(description)
      .argument(
        "[what...]",
        "names, files or folders of scenarios, #2 behind one for its second path; or a folder of migrations, or a repository",
        [],
      )
      .addOption(
        new Option(
          "--engine <name[:version]>",
          `only this engine (${engineNames.join(", ")}), as in mariadb:10.11; may be repeated`,
        ).argParser(engine),
      )
      .option("--from <release>", "only paths that start here, or such a path")
      .option("--to <release>", "only paths that end here, or such a path")
      .addOption(
        new Option(
          "--paths <set>",
          "these paths over all releases: stepwise, to-latest, all, install, via:<stop>,<stop>, or <from>..<to>; :20 behind a set takes 20 releases; may be repeated",
        ).argParser((set: string, before: readonly string[] = []) => [...before, set]),
      )
      .option(
        "--dump <file>",
        "start from this dump in place of an install; without --from, its record tells where it stands",
      )
      .option("--tags <pattern>", "the releases are these tags of a git repository, as in 'v*'")
      .option("--folder <path>", "where below it the migrations are")
      .option("--format <name>", "which tool's migrations they are, where that cannot be told")
      .addOption(new Option("--reporter <name>", "how to tell it").choices(reporters).default("pretty"))
      .option("--debug", "show where in the code an error came from", false);
  command("rehearse", "walk upgrade paths and judge what comes out")
    .addOption(
      new Option("--server <kind|url>", "where servers come from: embedded, local, container, or one that you run"),
    )
    .addOption(new Option("--seed <number>", "where randomness starts").argParser(seed).default(1))
    .addOption(new Option("--timeout <seconds>", "how long one hop may take").argParser(seconds).default(300))
    .option("--shard <i/n>", "only the i-th of n parts of the run, for as many machines")
    .option("--keep", "leave the sandboxes of unmet rehearsals up, and say how to enter them", false)
    .option("--bail", "stop at the first unmet rehearsal", false)
    .option("--strict", "count notes as findings", false)
    .option("--back", "take hops back and make them again, where migrations say how", false)
    .addOption(
      new Option(
        "--workers <number>",
        "how many paths to walk at once; as many as there are cores unless said",
      ).argParser(workers),
    )
    .option("--no-reuse", "walk again what an earlier run has walked already")
    .option("--verbose", "show hops, migrations and notes", false)
    .action(async (what: string[], choice: RehearseChoice) => ended(await rehearseCommand(what, choice)));
  command("list", "name the scenarios", ["pretty", "json", "markdown"]).action(listCommand);
  command("plan", "show paths, hops and pending migrations, without a server").action(planCommand);
  program
    .command("inspect")
    .description("tell what a folder of migrations or a repository ships, and what changed under shipped releases")
    .argument("[where]", "a folder of migrations, or a repository", ".")
    .option("--tags <pattern>", "the releases are these tags of a git repository, as in 'v*'")
    .option("--folder <path>", "where below it the migrations are")
    .option("--format <name>", "which tool's migrations they are, where that cannot be told")
    .addOption(new Option("--reporter <name>", "how to tell it").choices(["pretty", "json"]).default("pretty"))
    .option("--debug", "show where in the code an error came from", false)
    .action(inspectCommand);
  program
    .command("init")
    .description("write the first scenario, its seeder and its test for the chain it finds")
    .argument("[where]", "a folder of migrations, or a repository", ".")
    .option("--tags <pattern>", "the releases are these tags of a git repository, as in 'v*'")
    .option("--folder <path>", "where below it the migrations are")
    .option("--format <name>", "which tool's migrations they are, where that cannot be told")
    .option("--debug", "show where in the code an error came from", false)
    .action(initCommand);
  program
    .command("merge")
    .description("put together what the parts of a run told: rehearse --shard <i/n> --reporter json")
    .argument("<where...>", "documents, and folders of them")
    .addOption(new Option("--reporter <name>", "how to tell it").choices(["pretty", "json"]).default("pretty"))
    .option("--debug", "show where in the code an error came from", false)
    .action(async (where: string[], choice: Choice) => ended(await mergeCommand(where, choice)));
  program
    .command("doctor")
    .description("show what this machine can rehearse on, and what runs left behind or kept")
    .option("--clean", "remove what is dead or kept", false)
    .option("--server <url>", "look at a server that you run, too")
    .addOption(new Option("--reporter <name>", "how to tell it").choices(["pretty", "json"]).default("pretty"))
    .option("--debug", "show where in the code an error came from", false)
    .action(doctorCommand);
  return program;
}

async function rehearseCommand(what: readonly string[], choice: RehearseChoice): Promise<number> {
  const begun = performance.now();
  sourceOf("--server", choice.server); // Refused before anything is loaded.
  const servers = early ?? stages(choice.server, interrupted);
  try {
    const shards = choice.shard === undefined ? undefined : await import("./shards.ts");
    const shard = shards?.parseShard(choice.shard ?? "");
    const [asked, { rehearse }] = await Promise.all([loaded(what, choice), import("./rehearse.ts")]);
    const part = shard && shards?.toldShard(asked, shard);
    const wanted = (shard && shards?.shardOf(asked, { ...shard, engines: enginesIn(choice) })) ?? asked;
    // Nothing to walk asks for no server.
    const engines = wanted.size === 0 ? [] : choice.engine;
    const teller =
      choice.reporter === "json" ? undefined : (await import("./report/teller.ts")).tellerTo(process.stdout, choice);
    const result = await rehearse([...wanted.keys()], {
      ...(engines && { engines }),
      ...(choice.server !== undefined && { server: choice.server }),
      select: (scenario) => wanted.get(scenario) ?? [],
      stage: servers.open,
      seed: choice.seed,
      timeout: choice.timeout * 1000,
      keep: choice.keep,
      bail: choice.bail,
      strict: choice.strict,
      back: choice.back,
      ...(choice.workers !== undefined && { workers: choice.workers }),
      reuse: choice.reuse,
      ...teller,
      onRehearsal: (rehearsal, plan) => servers.interrupted() || teller?.onRehearsal(rehearsal, plan),
    });
    if (servers.interrupted()) return await servers.end([]).then(() => exitCodes.interrupted);
    teller?.end();
    if (choice.reporter === "json") say((await import("./report/json.ts")).json(result, part));
    else {
      const { index, count } = part ?? {};
      if (wanted.size === 0) say(`Part ${index} of ${count} holds no path: there are fewer starts than parts.`);
      const { closing } = await import("./report/closing.ts");
      say(closing(result, { ...choice, columns: process.stdout.columns, milliseconds: performance.now() - begun }));
    }
    const kept = result.rehearsals.filter((rehearsal) => rehearsal.kept).map(({ engine }) => engine);
    for (const how of await servers.end(kept)) say(`What was kept stays up. To be rid of it: ${how}`, process.stderr);
    return codeFor(result);
  } finally {
    await servers.end([]);
  }
}

async function mergeCommand(where: readonly string[], { reporter }: Pick<Choice, "reporter">): Promise<number> {
  const result = await (await import("./merge.ts")).merged(where);
  if (reporter === "json") say((await import("./report/json.ts")).json(result));
  else {
    const { closing } = await import("./report/closing.ts");
    const { milliseconds } = result.work;
    say(closing(result, { verbose: false, columns: process.stdout.columns, milliseconds }));
  }
  return codeFor(result);
}

/** Ends that differ are no path's own verdict, and contradict what all of them promise together. */
function codeFor({ unmet, inconclusive, ends }: Rehearsals): number {
  const differ = ends.some(({ groups }) => groups.some(({ findings }) => findings.length > 0));
  if (unmet > 0 || differ) return exitCodes.unmet;
  return inconclusive > 0 ? exitCodes.inconclusive : exitCodes.met;
}

/** The server that will most likely be asked for, by a glance at the command line. */
function likelyWish(args: readonly string[]): Wish {
  try {
    return parseWish(valueIn(args, "--engine") ?? "postgres");
  } catch {
    return { engine: "postgres" };
  }
}

function valueIn(args: readonly string[], option: string): string | undefined {
  const at = args.findIndex((arg) => arg === option || arg.startsWith(`${option}=`));
  return args[at] === option ? args[at + 1] : args[at]?.slice(option.length + 1);
}

async function listCommand(what: readonly string[], choice: Choice): Promise<void> {
  const scenarios = await loaded(what, choice);
  if (choice.reporter === "markdown") {
    const { markdown } = await import("./report/markdown.ts");
    say([...scenarios].map(([scenario, paths]) => markdown(scenario, paths)).join("\n\n"));
  } else if (choice.reporter === "json") say((await import("./report/json.ts")).listingJson(scenarios));
  else say((await import("./report/listing.ts")).listing(scenarios));
}

async function inspectCommand(where: string, { reporter, debug, ...how }: ChainChoice): Promise<void> {
  const { inspect } = await import("./inspect.ts");
  const inspection = await inspect(where, how);
  const report = await import("./report/inspection.ts");
  say(reporter === "json" ? report.inspectionJson(inspection) : report.inspectionInWords(inspection));
}

async function initCommand(where: string, { debug, ...how }: ChainChoice): Promise<void> {
  const { init } = await import("./init.ts");
  say(await init({ ...how, where }));
}

async function doctorCommand(choice: DoctorChoice): Promise<void> {
  const { examine } = await import("./doctor.ts");
  const server = sourceOf("--server", choice.server);
  if (typeof server === "string")
    throw new HarnessError("bad-input", `Cannot look at "${server}": --server takes a URL here`);
  const health = await examine({ clean: choice.clean, server });
  if (choice.reporter === "json") say(JSON.stringify({ format: 1, ...health }, undefined, 2));
  else say((await import("./report/doctor.ts")).healthInWords(health, choice.clean));
}

async function planCommand(what: readonly string[], choice: Choice): Promise<void> {
  const { planOf } = await import("./plan.ts");
  const plans: Plan[] = [];
  for (const [scenario, selected] of await loaded(what, choice)) {
    for (const engine of scenario.engines.filter((name) => enginesIn(choice)?.includes(name) ?? true)) {
      plans.push(await planOf(scenario, engine, selected));
    }
  }
  if (choice.reporter === "json") say((await import("./report/json.ts")).plansJson(plans));
  else say(plans.map((await import("./report/listing.ts")).planned).join("\n\n"));
}

/** The scenarios that were asked for, and of each the paths. */
async function loaded(what: readonly string[], choice: Choice): Promise<ReadonlyMap<Scenario, readonly Selection[]>> {
  const { load } = await import("./load.ts");
  const engine = enginesIn(choice);
  const { tags, folder, format } = choice;
  const dump = choice.dump === undefined ? undefined : await (await import("./dump.ts")).dumpAt(choice.dump);
  const engines = engine ?? dump?.engines;
  const wanted = await load(what, () => import("./index.ts"), {
    ...(tags !== undefined && { tags }),
    ...(folder !== undefined && { folder }),
    ...(format !== undefined && { format }),
    ...(engines !== undefined && { engines }),
    hasData: dump !== undefined,
  });
  const { chosenPaths } = await import("./choice.ts");
  return chosenPaths(wanted, { ...choice, engine, dump });
}

function enginesIn({ engine }: Choice): readonly EngineName[] | undefined {
  return engine?.map((wish) => parseWish(wish).engine);
}

function engine(text: string, before: readonly WishText[] = []): readonly WishText[] {
  try {
    return [...before, wishInWords(parseWish(text))];
  } catch (error) {
    throw invalid(`${messageOf(error)}.`);
  }
}

function workers(text: string): number {
  if (/^\d{1,2}$/.test(text) && Number(text) >= 1 && Number(text) <= 64) return Number(text);
  throw invalid("It may be a whole number from 1 to 64.");
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
