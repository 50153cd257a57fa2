import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { onEngine, onStage } from "../stage.ts";
import { type Recipe, randomChain } from "./random-chain.ts";
import { differingWays, shrunk } from "./ways-of-walking.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const chains = Number(process.env.ROUNDS ?? 4);
/** A recipe that an earlier run printed. */
const given = process.env.CHAIN;

for (const engine of ["postgres", "mariadb"] as const) {
  await onEngine(engine, () => {
    const stage = onStage(engine);

    test(`random chains come to the same however they are walked (SEED=${seed})`, { timeout: 1_800_000 }, async () => {
      for (let round = 0; round < chains; round++) {
        const recipe = given === undefined ? randomChain(engine, randomFrom(seed + round)) : read(given);
        if (recipe.engine !== engine) return;
        const found = await differingWays(recipe, stage());
        if (found.length > 0) {
          const differs = async (other: Recipe) => (await differingWays(other, stage())).length > 0;
          const until = Date.now() + Number(process.env.SHRINK ?? 60) * 1000;
          const smallest = given === undefined ? await shrunk(recipe, differs, until) : recipe;
          const [first] = [...(await differingWays(smallest, stage())), ...found];
          const replay = `SEED=${seed + round} ROUNDS=1, or CHAIN=<file> with this in it: ${JSON.stringify(smallest)}`;
          expect(first?.there, `${first?.way}, ${first?.path}; ${replay}`).toEqual(first?.plainly);
          expect(found, replay).toEqual([]);
        }
        if (given !== undefined) return;
      }
    });
  });
}

function read(file: string): Recipe {
  return JSON.parse(readFileSync(file, "utf8")) as Recipe;
}

/** Seeds next to each other have nothing in common. */
function randomFrom(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}
