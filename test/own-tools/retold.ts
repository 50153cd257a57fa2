import { execa } from "execa";
import {
  type EngineName,
  type Expectation,
  type Finding,
  type PerEngine,
  type Rehearsal,
  type Release,
  rehearse,
  type Scenario,
  type UpgradePath,
  type Verdict,
} from "migration-sandbox";
import { beforeAll, describe, expect, test } from "vitest";
import { engineNames, forEngine } from "../../harness/database.ts";
import { meets } from "../../harness/verdict.ts";
import { onEngine, onStage, required } from "../stage.ts";

/** A scenario whose releases bring their migrations by the product's own tool. */
export interface Retold {
  /** As it is told under scenarios/. */
  readonly scenario: Scenario;
  /** What each release runs; all else of it stays. A release that is missing is visited by none of the paths. */
  readonly migrations: { readonly [release: string]: Release["migrations"] };
  /** Those of its paths that carry the case, as reports number them. */
  readonly paths: { readonly [E in EngineName]?: readonly number[] };
  /** What the re-enactment calls a migration that the tool calls by another name. */
  readonly names?: { readonly [ofTool: string]: string };
  /** The error of the re-enactment where the tool says another. */
  readonly errors?: { readonly [ofTool: string]: PerEngine<string | number> };
  /** Paths on which the tool does what the re-enactment does not, and what comes of it. */
  readonly instead?: { readonly [path: number]: Expectation };
  /** More for each path that the tool walks. */
  readonly also?: Partial<UpgradePath>;
}

/** Rehearses the paths as they are told and with the tool, and compares what comes of each. */
export async function retoldBy(tool: Tool, told: Retold): Promise<void> {
  const why = await whyNotHad(tool);
  if (why === undefined)
    for (const { name, numbers } of pathsOf(told)) await onEngine(name, () => compared(name, numbers, told));
  else if (required.includes(tool)) {
    test(`${tool} can be had`, () => {
      throw new Error(why);
    });
  } else describe.skip(`${tool}, which cannot be had here: ${why}`, () => test(told.scenario.title, () => {}));
}

function pathsOf({ paths }: Retold) {
  return engineNames.map((name) => ({ name, numbers: paths[name] ?? [] })).filter(({ numbers }) => numbers.length > 0);
}

export type Tool = keyof typeof tools;

/** What says that a tool is here, with the libraries that it takes to a database. */
const tools = {
  alembic: ["alembic", "--version"],
  django: ["django-admin", "--version"],
  rails: ["rails", "--version"],
} as const;

async function whyNotHad(tool: Tool): Promise<string | undefined> {
  const [program, ...args] = tools[tool];
  const { failed, originalMessage } = await execa(program, args, { reject: false, stdin: "ignore", timeout: 20_000 });
  return failed ? `"${program}" does not run: ${originalMessage ?? "it fails"}` : undefined;
}

function compared(engine: EngineName, numbers: readonly number[], told: Retold): void {
  const { scenario, migrations, instead = {}, also } = told;
  const stage = onStage(engine);
  const paths = numbers.map((number) => scenario.paths[number - 1]).filter((path) => path !== undefined);
  const byTool: Scenario = {
    ...scenario,
    engines: [engine],
    chain: scenario.chain.flatMap((release) => {
      const own = migrations[release.name];
      return own === undefined ? [] : [{ ...release, migrations: own }];
    }),
    paths: paths.map((path) => ({ ...path, ...also })),
  };
  let rehearsed: readonly (readonly Rehearsal[])[] = [];
  beforeAll(async () => {
    const on = { stage: async () => stage() };
    const reenacted: Scenario = { ...scenario, engines: [engine], paths };
    rehearsed = [(await rehearse([reenacted], on)).rehearsals, (await rehearse([byTool], on)).rehearsals];
  }, 120_000);

  for (const [i, number] of numbers.entries())
    test(`path ${number} of "${scenario.title}"`, () => {
      const [reenacted, own] = rehearsed.map((rehearsals) => rehearsals[i]);
      const expected = instead[number];
      if (own === undefined || reenacted === undefined) throw new Error("The path was not walked");
      expect([own.engine, reenacted.engine]).toEqual([engine, engine]);
      if (expected === undefined) expect(outcomeOf(own, engine, told)).toEqual(outcomeOf(reenacted, engine));
      else expect(own.verdict).toSatisfy((verdict: Verdict) => meets(verdict, expected, engine));
    });
}

type Words = Pick<Retold, "names" | "errors">;

function outcomeOf({ verdict }: Rehearsal, engine: EngineName, words: Words = {}) {
  const cause = verdict.outcome === "inconclusive" ? { cause: verdict.cause } : {};
  return { outcome: verdict.outcome, findings: verdict.findings.map((one) => inShort(one, engine, words)), ...cause };
}

/** An error is what tells it on this engine: a number, a state, or a class. */
function inShort(finding: Finding, engine: EngineName, { names = {}, errors = {} }: Words) {
  const { code, release, migration, table, column, task, errno, sqlState, exception } = finding;
  const error = errno ?? sqlState ?? exception;
  const meant = forEngine(errors[String(error)] ?? {}, engine) ?? error;
  return { code, release, table, column, task, migration: migration && (names[migration] ?? migration), error: meant };
}
