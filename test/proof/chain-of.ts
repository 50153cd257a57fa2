import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  clean,
  invariant,
  type Migration,
  release,
  type Scenario,
  type Seeder,
  seeder,
  type Task,
} from "migration-sandbox";
import { standsIn } from "../../harness/scenario.ts";
import type { MigrationRecipe, Recipe, TaskRecipe } from "./random-chain.ts";

/** The scenario that a recipe tells. It stands in a package of its own, so that what its code comes to may be reused. */
export function chainOf(recipe: Recipe): Scenario {
  const { engine, releases, seeds, check, paths } = recipe;
  const known = new Map<string, Migration>();
  const sown = new Map<string, Seeder>();
  const sowing = (sql: readonly string[], name: string) => {
    const key = JSON.stringify([name, sql]);
    const found = sown.get(key) ?? seederOf(sql, name);
    sown.set(key, found);
    return found;
  };
  const migrationOf = (told: MigrationRecipe): Migration => {
    const key = JSON.stringify(told);
    const made = known.get(key) ?? migration(told);
    known.set(key, made);
    return made;
  };
  const scenario: Scenario = {
    title: "a random chain",
    engines: [engine],
    chain: releases.map(({ name, migrations, boot, use, ...rest }) =>
      release(name, { ...rest, migrations: migrations.map(migrationOf), boot: tasks(boot), use: tasks(use) }),
    ),
    seeds: Object.fromEntries(seeds.map(({ release, sql }) => [release, sowing(sql, `rows of ${release}`)])),
    paths: paths.map(({ check, with: sows, workaround, ...path }) => ({
      ...(path as { to: string }),
      ...(check !== undefined && { check: invariant("found", check) }),
      ...(sows !== undefined && { with: sowing(sows, "rows of this path") }),
      ...(workaround !== undefined && { workaround: taskOf({ sql: workaround.join(";\n"), way: "plain" }) }),
      expect: clean,
    })),
    ...(check !== null && { check: invariant("found-in-all", check) }),
  };
  const folder = mkdtempSync(join(tmpdir(), "random-chain-"));
  writeFileSync(join(folder, "package.json"), "{}");
  writeFileSync(join(folder, "chain.json"), JSON.stringify(recipe));
  standsIn(scenario, join(folder, "chain.ts"));
  return scenario;
}

function migration({ name, sql, code, alone }: MigrationRecipe): Migration {
  const up = code
    ? async (db: Parameters<Exclude<Extract<Migration["up"], (...a: never[]) => unknown>, undefined>>[0]) => {
        for (const statement of sql) await db.raw(statement);
      }
    : sql.join(";\n");
  return { name, up, ...(alone && { transaction: false as const }) };
}

function seederOf(sql: readonly string[], name: string): Seeder {
  return seeder(name, async ({ db }) => {
    for (const statement of sql) await db.raw(statement);
  });
}

function tasks(recipes: readonly TaskRecipe[]): { readonly [sentence: string]: Task } {
  return Object.fromEntries(recipes.map((recipe, i) => [`task ${i + 1}`, taskOf(recipe)]));
}

function taskOf({ sql, way }: TaskRecipe): Task {
  return async ({ db, settings, log }) => {
    const asked = (settings as { readonly asked?: number } | undefined)?.asked;
    if (way === "by settings" && asked === 0) throw new Error("It was asked not to");
    if (way === "by settings" && asked === 1) return;
    if (sql === "") return;
    if (way === "swallows" || way === "logs") {
      await db.raw(sql).catch((error) => {
        if (way === "logs") log.error("It did not work", error);
      });
      return;
    }
    await db.raw(sql);
    if (way === "throws") throw new TypeError("It is never content");
  };
}
