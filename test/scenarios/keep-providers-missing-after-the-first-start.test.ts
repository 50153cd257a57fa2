import { rehearseAll } from "migration-sandbox/vitest";
import providersMissingAfterTheFirstStart from "../../scenarios/keep/providers-missing-after-the-first-start.ts";

rehearseAll(providersMissingAfterTheFirstStart);
