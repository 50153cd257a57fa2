// Who works, who waits, and who lets others go first.
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { Pool } from "../harness/pool.ts";

test("no more work at once than there is room for", async () => {
  const pool = new Pool(2);
  let [busy, most] = [0, 0];
  const work = async () => {
    most = Math.max(most, ++busy);
    await setImmediate();
    busy--;
  };
  await Promise.all(Array.from({ length: 9 }, () => pool.run(work)));
  expect([busy, most]).toEqual([0, 2]);
});

test("what goes on from work that was done comes ahead of what begins", async () => {
  const pool = new Pool(1);
  const order: string[] = [];
  const say = (word: string) => async () => void order.push(word);
  await Promise.all([
    pool.run(say("first")),
    pool.run(say("begins")),
    pool.run(say("goes on"), { ahead: true }),
    pool.run(say("begins, too")),
  ]);
  expect(order).toEqual(["first", "goes on", "begins", "begins, too"]);
});

test("whoever gives way lets those go first who wait by then", async () => {
  const pool = new Pool(1);
  const order: string[] = [];
  const long = pool.run(async () => {
    order.push("begins");
    await setImmediate();
    await pool.giveWay(1);
    order.push("goes on");
  });
  await Promise.all([long, ...["a", "b"].map((name) => pool.run(async () => void order.push(name)))]);
  expect(order).toEqual(["begins", "a", "b", "goes on"]);
});

test("many who all give way come to an end", async () => {
  const pool = new Pool(2);
  let turns = 0;
  const long = async () => {
    for (let i = 0; i < 20; i++) {
      await setImmediate();
      await pool.giveWay(0);
      turns++;
    }
  };
  await Promise.all(Array.from({ length: 12 }, () => pool.run(long)));
  expect(turns).toBe(240);
});

test("work that throws makes room for others", async () => {
  const pool = new Pool(1);
  await expect(pool.run(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await pool.run(async () => "yes")).toBe("yes");
});
