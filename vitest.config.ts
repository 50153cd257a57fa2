import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Each of them takes minutes, and changes with scenarios and formats alone. */
export const thorough = ["test/**/*.mutations.test.ts", "test/faithful/**/*.test.ts", "test/own-tools/**/*.test.ts"];

export default defineConfig({
  resolve: {
    alias: { "migration-sandbox/vitest": at("harness/vitest.ts"), "migration-sandbox": at("harness/index.ts") },
  },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/proof/**", "test/fixtures/**", ...thorough],
    // Tests wait for servers more than they compute: a file for each core leaves some of them idle.
    maxWorkers: availableParallelism() + 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
