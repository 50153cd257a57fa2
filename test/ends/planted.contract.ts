import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { differences } from "../../harness/difference.ts";
import { type Difference, differenceCodes } from "../../harness/differing.ts";
import type { Engine } from "../../harness/engines/engine.ts";
import { type Reading, readingOf } from "../../harness/reading.ts";
import type { Sandbox } from "../../harness/sandbox.ts";
import { onStage } from "../stage.ts";

/** What one statement makes of a database that was equal to another: where it is looked for, and all that must be found. */
export type Plant = readonly [name: string, sql: string, ...found: string[]];

/** One schema with a thing of every kind, and what is planted in copies of it. */
export interface Garden {
  readonly schema: string;
  /** The same schema, made in another order. */
  readonly otherwise: string;
  readonly plants: readonly Plant[];
  /** Statements after which sequences and counters stand elsewhere, and what that is. */
  readonly drawn: readonly Plant[];
  /** What the schema leaves on the server. */
  readonly tidy?: string;
  /** Statements that leave nothing behind. */
  readonly nothing: readonly (readonly [name: string, sql: string])[];
}

/** Every kind of thing in which two databases can differ is found, is all that is found, and is not found where there is none. */
export function plantedContract({ name }: Engine, { schema, otherwise, plants, drawn, nothing, tidy }: Garden): void {
  const stage = onStage(name);
  let base: Sandbox;
  let before: Reading;

  beforeAll(async () => {
    base = await made(schema);
    await base.freeze();
    before = readingOf(base);
  });
  afterAll(async () => {
    await before?.close();
    if (tidy !== undefined && base !== undefined) await made(tidy, await base.clone()).then((last) => last.drop());
    await base?.drop();
  });

  async function made(sql: string, sandbox?: Sandbox): Promise<Sandbox> {
    const own = sandbox ?? (await stage().create());
    const session = await own.connect();
    await session.script(sql).finally(() => session.end());
    return own;
  }

  /** What differs between the schema and another database, either way round. */
  async function found(other: Sandbox, positions = false): Promise<readonly Difference[]> {
    const after = readingOf(other);
    try {
      const forth = await differences(before, after, { positions });
      const back = await differences(after, before, { positions });
      expect(back.map(inShort)).toEqual(forth.map(inShort));
      return forth;
    } finally {
      await after.close();
      await other.drop();
    }
  }

  async function planted(sql: string, positions = false): Promise<readonly Difference[]> {
    // Where a state cannot be read while it is cloned, whoever reads goes first.
    await before.close();
    return found(await made(sql, await base.clone()), positions);
  }

  describe(`ends on ${name}`, () => {
    test("are equal where a state was cloned, and where its clone was", async () => {
      await before.close();
      const clone = await base.clone();
      await clone.freeze();
      const again = await clone.clone();
      expect(await found(again, true)).toEqual([]);
      expect(await found(clone, true)).toEqual([]);
    });

    test("are equal where the same was made at once, and statement by statement by sessions of their own", async () => {
      const stepwise = await stage().create();
      for (const { sql } of await stage().engine.split(schema)) await made(sql, stepwise);
      expect(await found(stepwise)).toEqual([]);
    });

    test("are equal where the same was made in another order", async () => {
      expect(await found(await made(otherwise))).toEqual([]);
    });

    test.each(nothing)("are equal after %s", async (_, sql) => {
      expect(await planted(sql)).toEqual([]);
    });

    test.each(plants)("differ by %s", async (_, sql, ...expected) => {
      const differing = await planted(sql);
      expect(differing.map(inShort), differing.map(({ message }) => message).join("\n")).toEqual(expected);
      for (const { code, sides, message } of differing) {
        expect(differenceCodes).toContain(code);
        expect(message).toMatch(/^\S.{5,150}$/);
        if (code !== "rows-differ") expect(sides?.one).not.toBe(sides?.other);
      }
    });

    test.each(drawn)("stand elsewhere after %s, where that is asked", async (_, sql, ...expected) => {
      const differing = await planted(sql, true);
      expect(differing.map(inShort)).toEqual(expected);
      expect(await planted(sql)).toEqual([]);
    });
  });
}

/** The code, and where: `column-differs users.name`. */
function inShort({ code, table, column }: Difference): string {
  return `${code}${table === undefined ? "" : ` ${table}`}${column === undefined ? "" : `.${column}`}`;
}
