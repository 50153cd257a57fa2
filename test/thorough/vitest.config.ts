import { mergeConfig } from "vitest/config";
import base, { thorough } from "../../vitest.config.ts";

// What holds the scenarios against their own mutations, and our reading of migrations against the tools that wrote them.
export default mergeConfig(
  { ...base, test: { ...base.test, include: [], exclude: [] } },
  { test: { include: thorough } },
);
