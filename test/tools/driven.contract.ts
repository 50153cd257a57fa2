import { expect, test } from "vitest";
import type { MigrationSource } from "../../harness/chain.ts";
import { type EngineName, forEngine } from "../../harness/database.ts";
import type { Sandbox } from "../../harness/sandbox.ts";
import { onEngine, onStage } from "../stage.ts";
import { codeOf, drive, driverOf, type Files, heldBy, inProject, inSandboxes } from "./driving.ts";

/** A tool that is driven, and a chain of its own on which to see it. */
export interface Tool {
  readonly title: string;
  /** The library that it is, as `npm install` takes it. */
  readonly library: string;
  readonly engines: readonly EngineName[];
  /**
   * Two migrations: a table `users` of two columns, `id` and `name`, into which the second puts Ada and Zoë under the numbers 1 and 2.
   * A third one puts another number 1 into it, and `sleeping` sleeps for 20 seconds on PostgreSQL.
   */
  files(engine: EngineName): { readonly two: Files; readonly twin: Files; readonly sleeping: Files };
  /** What the tool calls them. */
  readonly names: { readonly two: readonly [string, string]; readonly twin: string; readonly sleeping: string };
  source(folder: string, options: { readonly upTo?: string; readonly from?: string }): MigrationSource;
  /** The same by the tool itself, in plain code. */
  plainly(sandbox: Sandbox, folder: string): Promise<void>;
  /** Columns in which the tool writes the time. */
  readonly times: readonly string[];
}

export async function isDriven(tool: Tool): Promise<void> {
  const { title, library, engines, names, source, times } = tool;
  for (const name of engines) {
    await onEngine(name, () => {
      const stage = onStage(name);
      const { two, twin } = tool.files(name);

      test(`what ${title} makes of a folder is what the driver makes of it`, () =>
        inProject(two, (folder) =>
          inSandboxes(stage(), 2, async ([ours, theirs]) => {
            const driven = await drive(ours, source(folder, {}));
            expect(driven).toEqual({ begun: names.two, done: names.two, thrown: undefined, said: [] });
            await tool.plainly(theirs, folder);
            const held = await heldBy(ours, times);
            expect(held.rows.users).toMatchObject([{ name: "Ada" }, { name: "Zoë" }]);
            expect(held).toEqual(await heldBy(theirs, times));
          }),
        ));

      test("goes up to a release, on to the next, and does nothing a second time", () =>
        inProject(two, (folder) =>
          inSandboxes(stage(), 1, async ([sandbox]) => {
            const [first, second] = names.two;
            const toFirst = await drive(sandbox, source(folder, { upTo: first }));
            expect(toFirst).toEqual({ begun: [first], done: [first], thrown: undefined, said: [] });
            const toSecond = await drive(sandbox, source(folder, {}));
            expect(toSecond).toEqual({ begun: [second], done: [second], thrown: undefined, said: [] });
            const again = await drive(sandbox, source(folder, {}));
            expect(again).toEqual({ begun: [], done: [], thrown: undefined, said: [] });
          }),
        ));

      test("a migration that fails is named, and what the server said is told", () =>
        inProject({ ...two, ...twin }, (folder) =>
          inSandboxes(stage(), 1, async ([sandbox]) => {
            const { begun, done, thrown, said } = await drive(sandbox, source(folder, {}));
            expect(begun).toEqual([...names.two, names.twin]);
            expect(done).toEqual(names.two);
            expect(codeOf(thrown, sandbox)).toBe(forEngine<unknown>({ postgres: "23505", mysql: 1062 }, name));
            expect(said).toEqual([]);
          }),
        ));
    });
  }

  await onEngine("postgres", () => {
    const stage = onStage();
    const { two, sleeping } = tool.files("postgres");

    test("what is shipped is told without a database", () =>
      inProject(two, async (folder) => {
        expect(await (await driverOf(source(folder, {}), stage())).ships?.()).toEqual(names.two);
        const unknown = await driverOf(source(folder, { upTo: "0_nothing" }), stage());
        const known = /^Cannot find migration "0_nothing", up to which a release goes \(known: "/;
        await expect(unknown.ships?.()).rejects.toThrow(known);
      }));

    test("two at once in two databases are told apart", () =>
      inProject(two, (folder) =>
        inSandboxes(stage(), 2, async (sandboxes) => {
          const driven = await Promise.all(sandboxes.map((sandbox) => drive(sandbox, source(folder, {}))));
          const one = { begun: names.two, done: names.two, thrown: undefined };
          expect(driven).toMatchObject([one, one]);
        }),
      ));

    test("a library that is not installed is said, and how it gets there", () =>
      inProject(
        two,
        (folder) =>
          inSandboxes(stage(), 1, async ([sandbox]) => {
            const { thrown } = await drive(sandbox, source(folder, { from: folder }));
            const why = `"${library}" is not installed in "${folder}" (npm install ${library})`;
            expect(thrown).toMatchObject({ code: "bad-input", message: `Cannot drive ${title}: ${why}` });
          }),
        false,
      ));

    test("connections end once the time is up", () =>
      inProject(sleeping, (folder) =>
        inSandboxes(stage(), 1, async ([sandbox]) => {
          const begun = performance.now();
          const driven = await drive(sandbox, source(folder, {}), AbortSignal.timeout(1_000));
          expect(driven).toMatchObject({
            begun: [names.sleeping],
            done: [],
            thrown: { name: "TimeoutError" },
            said: [],
          });
          expect(performance.now() - begun).toBeLessThan(5_000);
        }),
      ));
  });
}
