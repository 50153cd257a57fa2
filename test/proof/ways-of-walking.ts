import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EndsCompared, type Finding, type Rehearsal, type RehearseOptions, rehearse } from "migration-sandbox";
import type { Stage } from "../../harness/sandbox.ts";
import { pathsOf } from "../../harness/selection.ts";
import { chainOf } from "./chain-of.ts";
import type { Recipe } from "./random-chain.ts";

/** What a path came to, as far as no way of walking it may differ. */
type Came = { readonly [path: string]: unknown };

/** In what a way of walking differs from the plain one. */
export interface Difference {
  readonly way: string;
  readonly path: string;
  readonly plainly: unknown;
  readonly there: unknown;
}

/**
 * Walks a chain in every way there is, and holds each against the plain one: each path alone, one after the other, with nothing shared and
 * nothing reused.
 */
export async function differingWays(recipe: Recipe, stage: Stage): Promise<readonly Difference[]> {
  const scenario = chainOf(recipe);
  const on = { stage: async () => stage, timeout: 60_000 };
  const plainly: Rehearsal[] = [];
  for (const selection of pathsOf(scenario)) {
    const alone = { ...on, select: () => [selection], share: false, workers: 1 };
    plainly.push(...(await rehearse([scenario], alone)).rehearsals);
  }
  const folder = mkdtempSync(join(tmpdir(), "states-"));
  const asked = process.env.MIGRATION_SANDBOX_STORE;
  process.env.MIGRATION_SANDBOX_STORE = folder;
  try {
    const reuse = true;
    const ways: readonly (readonly [string, RehearseOptions])[] = [
      ["shared", {}],
      ["by one worker", { workers: 1 }],
      ["shared nothing", { share: false }],
      ["kept for later", { reuse }],
      ["reused", { reuse }],
    ];
    const found: Difference[] = [];
    let ends: readonly EndsCompared[] | undefined;
    for (const [way, options] of ways) {
      const { rehearsals, ends: compared } = await rehearse([scenario], { ...on, ...options });
      refuseLost([...plainly, ...rehearsals]);
      found.push(...between(plainly, rehearsals, way));
      ends ??= compared;
      if (JSON.stringify(inOrder(ends)) !== JSON.stringify(inOrder(compared)))
        found.push({ way, path: "(ends compared)", plainly: inOrder(ends), there: inOrder(compared) });
      const missed = rehearsals.filter(
        ({ set, reused, verdict }) => set !== null && !reused && verdict.outcome !== "inconclusive",
      );
      if (way === "reused" && missed.length > 0)
        found.push({ way, path: missed.map(({ name }) => name).join(), plainly: "reused", there: "walked again" });
    }
    return found;
  } finally {
    if (asked === undefined) delete process.env.MIGRATION_SANDBOX_STORE;
    else process.env.MIGRATION_SANDBOX_STORE = asked;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The smallest recipe we come to by leaving out one thing after the other, as long as it still differs. */
export async function shrunk(
  recipe: Recipe,
  differs: (recipe: Recipe) => Promise<boolean>,
  deadline: number,
): Promise<Recipe> {
  let smallest = recipe;
  for (let i = 0; ; ) {
    const next = [...smaller(smallest)][i];
    if (next === undefined || Date.now() > deadline) return smallest;
    if (await differs(next).catch(() => false)) smallest = next;
    else i++;
  }
}

function* smaller(recipe: Recipe): Generator<Recipe> {
  const { paths, releases, seeds } = recipe;
  const without = <T>(some: readonly T[], i: number) => some.filter((_, k) => k !== i);
  if (paths.length > 1) for (const i of paths.keys()) yield { ...recipe, paths: without(paths, i) };
  for (const i of releases.keys()) {
    const name = releases[i]?.name;
    const rest = { releases: without(releases, i), seeds: seeds.filter(({ release }) => release !== name) };
    const named = paths.filter(({ from, via = [], to }) => ![from, ...via, to].includes(name));
    if (named.length > 0 && !releases.some(({ insteadOf }) => insteadOf === name))
      yield { ...recipe, ...rest, paths: named };
  }
  for (const i of seeds.keys()) yield { ...recipe, seeds: without(seeds, i) };
  if (recipe.check !== null) yield { ...recipe, check: null };
  for (const [i, path] of paths.entries())
    for (const part of ["with", "runners", "workaround", "check", "settings", "via"] as const)
      if (path[part] !== undefined)
        yield { ...recipe, paths: paths.map((one, k) => (k === i ? { ...one, [part]: undefined } : one)) };
  for (const part of ["boot", "use"] as const)
    for (const [i, release] of releases.entries())
      for (const k of release[part].keys())
        yield {
          ...recipe,
          releases: releases.map((one, at) => (at === i ? { ...one, [part]: without(one[part], k) } : one)),
        };
  const texts = new Map(releases.flatMap(({ migrations }) => migrations.map((one) => [JSON.stringify(one), one])));
  const all = (of: (text: string) => readonly (typeof releases)[0]["migrations"][0][]) => ({
    ...recipe,
    releases: releases.map((one) => ({ ...one, migrations: one.migrations.flatMap((it) => of(JSON.stringify(it))) })),
  });
  for (const [text, it] of texts) {
    yield all((other) => (other === text ? [] : [JSON.parse(other)]));
    for (const i of it.sql.length > 1 ? it.sql.keys() : [])
      yield all((other) => [other === text ? { ...it, sql: without(it.sql, i) } : JSON.parse(other)]);
    for (const part of ["code", "alone"] as const)
      if (it[part]) yield all((other) => [other === text ? { ...it, [part]: false } : JSON.parse(other)]);
  }
}

/** Where no path came to anything all ways are alike, and nothing is shown. */
function refuseLost(rehearsals: readonly Rehearsal[]): void {
  for (const { verdict } of rehearsals)
    if (verdict.outcome === "inconclusive" && ["server-lost", "timed-out", "disk-full"].includes(verdict.cause.code))
      throw new Error(`Nothing can be told of these ways: ${verdict.cause.message}`);
}

function between(plainly: readonly Rehearsal[], there: readonly Rehearsal[], way: string): readonly Difference[] {
  const [one, other] = [cameTo(plainly, there), cameTo(there, plainly)];
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].flatMap((path) => {
    const same = JSON.stringify(one[path]) === JSON.stringify(other[path]);
    return same ? [] : [{ way, path, plainly: one[path], there: other[path] }];
  });
}

function cameTo(rehearsals: readonly Rehearsal[], others: readonly Rehearsal[]): Came {
  return Object.fromEntries(
    rehearsals.map(({ name, verdict, hops, end, met, path, set }) => {
      // Whether anybody compares the end of a path that was written out is not the same where it is walked alone.
      const other = others.find((other) => other.name === name)?.end ?? null;
      const isCompared = set !== null || (end !== null && other !== null);
      const { outcome } = verdict;
      const [findings, notes] = [verdict.findings, verdict.notes].map((some) => some.map(told));
      const cause = outcome === "inconclusive" ? plain(verdict.cause.message) : null;
      const ran = hops.map(({ from, to, migrations }) => [from, to, migrations.map(({ name }) => name)]);
      return [name, { path, outcome, cause, met, findings, notes, ran, ...(isCompared && { end }) }];
    }),
  );
}

function told(finding: Finding): unknown {
  return JSON.parse(plain(JSON.stringify(Object.fromEntries(Object.entries(finding).sort()))));
}

/** Without what follows from the database that was drawn. */
function plain(text: string): string {
  return text.replace(/sandbox_[\da-f]{16}_\d+/g, "sandbox");
}

function inOrder(ends: readonly EndsCompared[]): unknown {
  return ends.map(({ release, groups }) => [
    release,
    groups.map(({ paths, findings }) => [[...paths].sort(), findings.map(told)]).sort(),
  ]);
}
