import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: { "migration-sandbox/vitest": at("harness/vitest.ts"), "migration-sandbox": at("harness/index.ts") },
  },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/proof/**", "test/fixtures/**"],
    // Tests wait for servers more than they compute: on two cores, one file at a time leaves one of them idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
