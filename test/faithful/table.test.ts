import { expect, test } from "vitest";
import { readme } from "./table.ts";

test("the formats' README holds the tables that formats and tests tell", async () => {
  const { file, is, should } = await readme();
  expect(is, `${file} (npm run tables)`).toBe(should);
});
