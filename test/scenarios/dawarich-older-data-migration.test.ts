import { rehearse } from "migration-sandbox";
import { rehearseAll } from "migration-sandbox/vitest";
import { expect, test } from "vitest";
import olderDataMigration from "../../scenarios/dawarich/older-data-migration.ts";
import { onStage } from "../stage.ts";

rehearseAll(olderDataMigration);

const stage = onStage("postgres");
const [suggestion, owntracks] = [
  "20240808133112_run_initial_visit_suggestion",
  "20240815174852_add_owntracks_points_data",
];

test("who comes from 0.11.1 runs the older one last, whoever jumps or installs afresh runs it first", async () => {
  const { rehearsals } = await rehearse([olderDataMigration], { engines: ["postgres"], stage: async () => stage() });
  const [stepwise, overOne, overAll, fresh] = rehearsals.map(({ hops }) =>
    hops.flatMap(({ migrations }) => migrations.map(({ name }) => name)).slice(-2),
  );
  expect(stepwise).toEqual([owntracks, suggestion]);
  for (const order of [overOne, overAll, fresh]) expect(order).toEqual([suggestion, owntracks]);
});
