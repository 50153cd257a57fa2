import { mergeConfig } from "vitest/config";
import base from "../../vitest.config.ts";

// The long ones: kill storms and property tests. One file at a time, as they count what is on the machine.
export default mergeConfig(
  { ...base, test: { ...base.test, include: [], exclude: [] } },
  { test: { include: ["test/proof/**/*.proof.test.ts"], testTimeout: 300_000, fileParallelism: false } },
);
