import { rehearse } from "migration-sandbox";
import { rehearseAll } from "migration-sandbox/vitest";
import { expect, test } from "vitest";
import twoContainers from "../../scenarios/dawarich/two-containers.ts";
import { onStage } from "../stage.ts";

rehearseAll(twoContainers);

const stage = onStage("postgres");

test("the report tells what stops the first container before it tells that the second was turned away", async () => {
  const { rehearsals } = await rehearse([twoContainers], { engines: ["postgres"], stage: async () => stage() });
  const both = rehearsals[4];
  expect(both?.verdict.findings.map(({ code, exception, runner }) => ({ code, exception, runner }))).toEqual([
    { code: "migration-failed", exception: "RecordInvalid", runner: 1 },
    { code: "runner-refused", exception: undefined, runner: 2 },
  ]);
});
