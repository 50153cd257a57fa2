import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import type { EngineName } from "../../harness/database.ts";
import type { PlannedRelease } from "../../harness/planned-release.ts";
import type { Sandbox, Stage } from "../../harness/sandbox.ts";
import { onEngine, onStage, required } from "../stage.ts";
import { type Held, heldBy, inSandboxes } from "../tools/driving.ts";
import { type Chain, type ChainName, chains } from "./chains.ts";
import { oursOn, theirsOn, type Went } from "./compare.ts";
import { outcomeOf } from "./outcome.ts";
import type { Outcome, Tool } from "./tool.ts";

/** Applies every chain by the tool itself and by us, release by release, and compares what comes of both. */
export async function isFaithful(tool: Tool): Promise<void> {
  const { title, program, engines } = tool;
  const why = await program?.whyNot();
  if (why === undefined) for (const engine of engines) await onEngine(engine, () => compared(tool, engine));
  else if (required.includes(program?.name ?? "")) {
    test(`${title} can be had`, () => {
      throw new Error(why);
    });
  } else describe.skip(`${title}, which cannot be had here: ${why}`, () => test("is left out", () => {}));
}

function compared(tool: Tool, engine: EngineName): void {
  const stage = onStage(engine);
  for (const [name, chain] of Object.entries(chains) as [ChainName, Chain][]) {
    if (!chain.engines.includes(engine)) continue;
    const outcome = outcomeOf(tool, name, engine);
    if (outcome !== "none")
      test(`${tool.title}, ${chain.title}`, () =>
        inProject((folder) => walked(tool, chain, { stage: stage(), folder, outcome })));
  }
}

/** A folder of a product's; libraries are found from it. */
async function inProject(work: (folder: string) => Promise<void>): Promise<void> {
  const product = await mkdtemp(join(tmpdir(), "migration-sandbox-test-"));
  try {
    await symlink(resolve("node_modules"), join(product, "node_modules"));
    await work(product);
  } finally {
    await rm(product, { recursive: true });
  }
}

interface Walk {
  readonly stage: Stage;
  readonly folder: string;
  readonly outcome: Outcome;
}

function walked(tool: Tool, chain: Chain, walk: Walk): Promise<void> {
  return inSandboxes(walk.stage, 2, async ([ours, theirs]) => {
    try {
      await walkedIn({ ours, theirs }, tool, chain, walk);
    } finally {
      await tool.clear?.(theirs);
    }
  });
}

async function walkedIn(
  { ours, theirs }: { readonly ours: Sandbox; readonly theirs: Sandbox },
  tool: Tool,
  chain: Chain,
  { stage, folder, outcome }: Walk,
): Promise<void> {
  const releases = chain.releases(stage.engine.name);
  let last: PlannedRelease | undefined;
  for (const [i, links] of releases.entries()) {
    const name = `${i + 1}.0`;
    const path = join(folder, name);
    for (const [file, text] of Object.entries(tool.files(links, stage.engine.name))) {
      await mkdir(dirname(join(path, file)), { recursive: true });
      await writeFile(join(path, file), text);
    }
    const its = await theirsOn(theirs, () => tool.run(theirs, path));
    const own = await oursOn(ours, stage, { migrations: tool.ours(path), last, name });
    const isFailing = chain.failsAlready !== undefined && i === releases.length - 2;
    const before = isFailing ? outcomeOf(tool, chain.failsAlready, stage.engine.name) : "same";
    expectAlike(own, its, i === releases.length - 1 ? outcome : before);
    last = own.planned;
    // What cannot be read is not begun; a tool that reads as it goes has done by then what came before.
    if (own.planned !== undefined) await expectEqual(tool, ours, theirs);
  }
}

function expectAlike(ours: Went, theirs: Went, outcome: Outcome): void {
  if (typeof outcome === "string") {
    expect({ theirs: theirs.said, ours: ours.said }).toEqual({ theirs: undefined, ours: undefined });
  } else if ("refuses" in outcome) {
    expect(theirs.said).toMatch(outcome.refuses);
    expect(ours.said).toMatch(outcome.ours);
  } else {
    expect([ours.code, ours.said]).toEqual([outcome.fails, expect.any(String)]);
    // A program tells of the code by words alone.
    if (theirs.code === undefined)
      expect(theirs.said).toContain(ours.said?.replace(/^"[^"]*" ended with exit code \d+: /, ""));
    else expect(theirs.code).toBe(outcome.fails);
  }
}

/** Both hold the same: all that there is, and all that is recorded. */
async function expectEqual({ passing, holds }: Tool, ours: Sandbox, theirs: Sandbox): Promise<void> {
  const held = async (sandbox: Sandbox, whose: "ours" | "theirs") => {
    const all = await heldBy(sandbox, passing);
    return withoutBlanks((await holds?.(all, sandbox, whose)) ?? all);
  };
  expect(await held(ours, "ours")).toEqual(await held(theirs, "theirs"));
}

/** MySQL's drivers for Node.js say that names may be followed by blanks, and bodies remember the session they were made in. */
function withoutBlanks({ catalogue, rows }: Held): Held {
  return { catalogue: JSON.parse(JSON.stringify(catalogue).replaceAll("sql_mode 'IGNORE_SPACE,", "sql_mode '")), rows };
}
