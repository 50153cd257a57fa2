// Migrations whose functions have the same text and do not do the same: made by one maker, of which each got something else.

import { broken, clean, type Migration, release } from "migration-sandbox";
import { describe, expect, test } from "vitest";
import { engines, outcomes, users, walksOn } from "./walk.contract.ts";

describe.each(engines)("code with the same text on %s", (engine) => {
  const { rehearsed } = walksOn(engine);
  const first: Migration = { name: "0001", up: users };
  const naming = (name: string | undefined): Migration => ({
    name: "0002",
    up: async (db) => {
      if (name === undefined) throw new Error("nobody has a name");
      await db("users").insert({ id: 1, name });
    },
  });
  const check = async ({ after }: { after: { all(table: string): Promise<readonly { name?: unknown }[]> } }) =>
    (await after.all("users")).map(({ name }) => ({ code: `named-${name}`, message: "" }));

  test("is run for each release that ships it", async () => {
    const rehearsals = await rehearsed({
      title: "closures",
      engines: [engine],
      chain: [
        release("1.0", { migrations: [first] }),
        release("1.1 as merged", { migrations: [first, naming("ann")], insteadOf: "1.1" }),
        release("1.1", { migrations: [first, naming("bob")] }),
      ],
      paths: [
        { from: "1.0", to: "1.1 as merged", check, expect: broken("named-ann") },
        { from: "1.0", to: "1.1", check, expect: broken("named-bob") },
      ],
    });
    expect(outcomes(rehearsals)).toEqual([
      ["broken", "named-ann"],
      ["broken", "named-bob"],
    ]);
  });

  test("that failed in one release is not believed to fail in another", async () => {
    const rehearsals = await rehearsed({
      title: "closures",
      engines: [engine],
      chain: [
        release("1.0", { migrations: [first] }),
        release("1.1 as merged", { migrations: [first, naming(undefined)], insteadOf: "1.1" }),
        release("1.1", { migrations: [first, naming("bob")] }),
      ],
      paths: [
        { from: "1.0", to: "1.1 as merged", expect: broken("migration-failed") },
        { from: "1.0", to: "1.1", expect: clean },
      ],
    });
    expect(outcomes(rehearsals)).toEqual([["broken", "migration-failed"], ["clean"]]);
  });
});
